#include "topology/document.hpp"

#include "topology/report.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include <toml++/toml.h>

namespace domicile::topology {
namespace {

// toml++ bounds nested values (256) but not dotted keys, and both it and we walk the tree by recursion: a key
// of a million dots would end the stack. No statement of a topology needs more than a few.
constexpr std::size_t statement_dots_max = 64;

/// Reads just enough TOML to keep from the library what it does not survive: keys of very many dots, and the
/// places where it relies on what it has not checked (found by fuzzing 3.3.0: a section without a name, a
/// list closed by a brace, characters beyond ASCII where blanks are skipped). Where this and TOML disagree,
/// the file is not TOML and the library stops at or before that place.
class Scan {
  public:
    explicit Scan(std::string_view toml) : toml_(toml) {}

    /// The first place the library must not see.
    std::optional<Finding> run() {
        if (sees(byte_order_mark)) {
            at_ = byte_order_mark.size();
        }
        while (at_ < toml_.size()) {
            if (const auto bad = forbidden(); !bad.empty()) {
                return finding("not TOML: " + std::string(bad) + " does not belong here",
                               "remove it, or write it as an escape inside a text in quotes");
            }
            if (in_ == In::open && !closes_what_is_open()) {
                return finding("not TOML: " + quoted(toml_.substr(at_, 1)) + " closes nothing that is open",
                               "look for a bracket or a quote that is missing before this place");
            }
            if (in_ == In::open && fresh_ && toml_[at_] == '[' && !names_section()) {
                return finding("not TOML: a section without a name",
                               "write [section], or [[section]] for a list of them");
            }
            step();
            if (dots_ > statement_dots_max) {
                return finding("too many dots in one statement", "write the tables as [sections]");
            }
        }
        return std::nullopt;
    }

    /// How many bytes run() found good.
    [[nodiscard]] std::size_t good_bytes() const { return at_; }

  private:
    enum class In : std::uint8_t { open, comment, basic, literal, long_basic, long_literal };

    static constexpr std::string_view blanks = " \t\r\n";
    static constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

    [[nodiscard]] bool sees(std::string_view token) const { return toml_.substr(at_).starts_with(token); }

    /// What may end a line for one reader of the file and not for another.
    [[nodiscard]] std::string_view forbidden() const {
        const auto byte = static_cast<unsigned char>(toml_[at_]);
        if (byte == '\r' && !sees("\r\n")) {
            return "a carriage return without a line feed";
        }
        if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) {
            return "a control character";
        }
        if (sees("\xC2\x85") || sees("\xE2\x80\xA8") || sees("\xE2\x80\xA9")) {
            return "a Unicode line separator";
        }
        if (in_ == In::open && byte >= 0x80) {
            return "a character beyond ASCII, outside quotes,";
        }
        if (in_ == In::long_basic && byte == '\\' && at_ + 1 < toml_.size() &&
            blanks.find(toml_[at_ + 1]) != std::string_view::npos) {
            return "a backslash at the end of a line";
        }
        return {};
    }

    /// Whether the bracket here opens "[name" or "[[name", or "[]", which the library refuses itself.
    [[nodiscard]] bool names_section() const {
        const std::size_t at = toml_.find_first_not_of(" \t", at_ + (sees("[[") ? 2 : 1));
        if (at == std::string_view::npos) {
            return true;
        }
        const char byte = toml_[at];
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
               byte == '_' || byte == '-' || byte == '"' || byte == '\'' || byte == ']';
    }

    [[nodiscard]] bool closes_what_is_open() const {
        const char byte = toml_[at_];
        return (byte != ']' && byte != '}') ||
               (!brackets_.empty() && brackets_.back() == (byte == ']' ? '[' : '{'));
    }

    void step() {
        const char byte = toml_[at_];
        std::size_t width = 1;
        switch (in_) {
            case In::open: width = step_open(byte); break;
            case In::comment:
            case In::literal:
                if (byte == '\n' || (byte == '\'' && in_ == In::literal)) {
                    in_ = In::open;
                }
                break;
            case In::basic:
                if (byte == '\\') {
                    width = 2;
                } else if (byte == '\n' || byte == '"') {
                    in_ = In::open;
                }
                break;
            case In::long_basic: width = byte == '\\' ? 2 : step_long("\"\"\""); break;
            case In::long_literal: width = step_long("'''"); break;
        }
        advance(width);
    }

    std::size_t step_open(char byte) {
        fresh_ = fresh_ && blanks.find(byte) != std::string_view::npos;
        if (sees("\"\"\"") || sees("'''")) {
            in_ = byte == '"' ? In::long_basic : In::long_literal;
            return 3;
        }
        switch (byte) {
            case '"': in_ = In::basic; break;
            case '\'': in_ = In::literal; break;
            case '#': in_ = In::comment; break;
            case '.': ++dots_; break;
            case '[':
            case '{': brackets_ += byte; break;
            case ']':
            case '}': brackets_.pop_back(); break;
            default: break;
        }
        return 1;
    }

    /// Up to two quotes may stand right before the closing three (TOML 1.0, multi-line strings).
    std::size_t step_long(std::string_view close) {
        if (!sees(close)) {
            return 1;
        }
        in_ = In::open;
        std::size_t width = close.size();
        while (width < close.size() + 2 && at_ + width < toml_.size() && toml_[at_ + width] == close[0]) {
            ++width;
        }
        return width;
    }

    void advance(std::size_t width) {
        const std::size_t end = std::min(at_ + width, toml_.size());
        for (; at_ < end; ++at_) {
            const auto byte = static_cast<unsigned char>(toml_[at_]);
            if (byte == '\n') {
                place_ = {place_.line + 1, 1};
                if (brackets_.empty() && (in_ == In::open || in_ == In::comment)) {
                    in_ = In::open;
                    dots_ = 0;
                    fresh_ = true;
                }
            } else if ((byte & 0xC0U) != 0x80U) {
                ++place_.column;
            }
        }
    }

    [[nodiscard]] Finding finding(std::string what, std::string mend) const {
        return {place_.line, place_.column, std::move(what), std::move(mend)};
    }

    std::string_view toml_;
    std::size_t at_ = 0;
    Place place_ = file_start;
    In in_ = In::open;
    std::size_t dots_ = 0;
    std::string brackets_;  // those open, outermost first
    bool fresh_ = true;     // nothing but blanks so far in this statement
};

Place place_of(const toml::source_region& source) {
    return {source.begin.line, source.begin.column};
}

Value convert(const toml::node& node) {
    Value value;
    value.place = place_of(node.source());
    switch (node.type()) {
        case toml::node_type::string:
            value.kind = Value::Kind::text;
            value.text = node.as_string()->get();
            break;
        case toml::node_type::integer:
            value.kind = Value::Kind::integer;
            value.integer = node.as_integer()->get();
            break;
        case toml::node_type::boolean:
            value.kind = Value::Kind::flag;
            value.flag = node.as_boolean()->get();
            break;
        case toml::node_type::floating_point: value.kind = Value::Kind::real; break;
        case toml::node_type::array:
            value.kind = Value::Kind::list;
            value.items.reserve(node.as_array()->size());
            for (const toml::node& item : *node.as_array()) {
                value.items.push_back(convert(item));
            }
            break;
        case toml::node_type::table:
            value.kind = Value::Kind::table;
            value.entries.reserve(node.as_table()->size());
            for (auto&& [key, item] : *node.as_table()) {
                value.entries.push_back({std::string(key.str()), place_of(key.source()), convert(item)});
            }
            std::ranges::sort(value.entries, {}, &Entry::place);
            break;
        default: value.kind = Value::Kind::moment; break;
    }
    return value;
}

/// REQUIRES: the scan has found nothing in `toml`.
std::expected<Value, Finding> parse_toml(std::string_view toml) {
    try {
        const toml::table root = toml::parse(toml);
        return convert(root);
    } catch (const toml::parse_error& error) {
        const Place place = place_of(error.source());
        // The library takes every word for the beginning of `nan` or `inf`.
        const bool bare = error.description().find("expected 'nan'") != std::string_view::npos ||
                          error.description().find("expected 'inf'") != std::string_view::npos;
        return std::unexpected(Finding{
            place.line, place.column,
            "not TOML: " + (bare ? "a text without quotes" : printable(error.description())),
            "correct this place first; the rest is checked after that (text stands in quotes, a key and a "
            "[section] stand in the file once)"});
    }
}

}  // namespace

const Entry* Value::find(std::string_view key) const {
    const auto found = std::ranges::find(entries, key, &Entry::key);
    return found == entries.end() ? nullptr : &*found;
}

std::expected<Value, Finding> read_document(std::string_view toml) {
    if (toml.size() > topology_bytes_max) {
        return std::unexpected(
            Finding{0, 0, "the file is larger than 4 MiB", "split the system, or shorten the file"});
    }
    Scan scan(toml);
    if (auto finding = scan.run()) {
        // What the scan dislikes may only follow from an earlier mistake, such as a bracket that is not
        // closed.
        const auto before = parse_toml(toml.substr(0, scan.good_bytes()));
        const bool earlier = !before && before.error().line < finding->line;
        return std::unexpected(earlier ? before.error() : *finding);
    }
    return parse_toml(toml);
}

}  // namespace domicile::topology

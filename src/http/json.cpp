#include "http/json.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <boost/json/basic_parser_impl.hpp>

namespace domicile::http {
namespace {

using base::Code;
using boost::json::error_code;
using boost::json::string_view;

void append_escaped(std::string& out, std::string_view text) {
    base::Buffer buffer;
    append_json_string(buffer, text);
    out += buffer.view();
}

/// Builds the fields from the parser's events. Nested values are written out again, numbers as they stood.
class FlatHandler {
  public:
    static constexpr std::size_t max_object_size = std::size_t(-1);
    static constexpr std::size_t max_array_size = std::size_t(-1);
    static constexpr std::size_t max_key_size = 1'024;
    static constexpr std::size_t max_string_size = std::size_t(-1);

    FlatHandler() { fields.reserve(16); }
    std::vector<Field> fields;
    bool duplicate = false;
    bool is_object = false;

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_object_begin(error_code&) {
        if (depth_ == 0) {
            is_object = true;
        } else {
            open('{');
        }
        ++depth_;
        return true;
    }
    bool on_object_end(std::size_t, error_code&) { return close('}'); }
    bool on_array_begin(error_code& ec) {
        if (depth_ == 0) {
            ec = boost::json::error::syntax;  // the body must be an object
            return false;
        }
        open('[');
        ++depth_;
        return true;
    }
    bool on_array_end(std::size_t, error_code&) { return close(']'); }
    bool on_key_part(string_view part, std::size_t, error_code&) {
        text_ += std::string_view(part.data(), part.size());
        return true;
    }
    bool on_key(string_view part, std::size_t, error_code&) {
        text_ += std::string_view(part.data(), part.size());
        if (depth_ == 1) {
            duplicate = duplicate || std::ranges::find(fields, text_, &Field::name) != fields.end();
            fields.push_back(Field{text_, Field::Kind::null, {}});
        } else {
            comma();
            append_escaped(fields.back().text, text_);
            fields.back().text += ':';
            after_key_ = true;
        }
        text_.clear();
        return true;
    }
    bool on_string_part(string_view part, std::size_t, error_code&) {
        text_ += std::string_view(part.data(), part.size());
        return true;
    }
    bool on_string(string_view part, std::size_t, error_code&) {
        text_ += std::string_view(part.data(), part.size());
        if (depth_ == 1 && !fields.empty()) {
            fields.back().kind = Field::Kind::string;
            fields.back().text = std::move(text_);
        } else if (depth_ > 1) {
            comma();
            append_escaped(fields.back().text, text_);
        }
        text_.clear();
        return true;
    }
    bool on_number_part(string_view part, error_code&) {
        text_ += std::string_view(part.data(), part.size());
        return true;
    }
    bool on_int64(std::int64_t, string_view part, error_code&) { return number(part); }
    bool on_uint64(std::uint64_t, string_view part, error_code&) { return number(part); }
    bool on_double(double, string_view part, error_code&) { return number(part); }
    bool on_bool(bool value, error_code&) { return scalar(Field::Kind::boolean, value ? "true" : "false"); }
    bool on_null(error_code&) { return scalar(Field::Kind::null, depth_ == 1 ? "" : "null"); }
    bool on_comment_part(string_view, error_code&) { return true; }
    bool on_comment(string_view, error_code&) { return true; }

  private:
    void comma() {
        if (!after_key_ && !fresh_) {
            fields.back().text += ',';
        }
        after_key_ = false;
        fresh_ = false;
    }
    void open(char bracket) {
        if (depth_ == 1) {
            fields.back().kind = Field::Kind::nested;
            fields.back().text.clear();
        } else {
            comma();
        }
        fields.back().text += bracket;
        fresh_ = true;
        after_key_ = false;
    }
    bool close(char bracket) {
        --depth_;
        if (depth_ >= 1 && !fields.empty()) {
            fields.back().text += bracket;
        }
        fresh_ = false;
        after_key_ = false;
        return true;
    }
    bool number(string_view part) {
        text_ += std::string_view(part.data(), part.size());
        const std::string whole = std::move(text_);
        text_.clear();
        return scalar(Field::Kind::number, whole);
    }
    bool scalar(Field::Kind kind, std::string_view text) {
        if (depth_ == 1 && !fields.empty()) {
            fields.back().kind = kind;
            fields.back().text = text;
        } else if (depth_ > 1) {
            comma();
            fields.back().text += text;
        }
        return true;
    }

    std::size_t depth_ = 0;
    std::string text_;
    bool fresh_ = false;
    bool after_key_ = false;
};

std::unexpected<base::Error> unfit(const Column& column, std::string_view why) {
    return base::fail(Code::invalid_value, "Column \"" + column.name + "\" " + std::string(why) + ".");
}

/// A decimal literal's needs: digits before and after the point, without zeros that say nothing.
struct DecimalSize {
    std::int64_t before = 0;
    std::int64_t after = 0;
};

std::optional<DecimalSize> measure(std::string_view text) {
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
        text.remove_prefix(1);
    }
    std::string digits;
    std::int64_t point = -1;
    std::size_t i = 0;
    for (; i < text.size() && (std::isdigit(static_cast<unsigned char>(text[i])) != 0 || text[i] == '.');
         ++i) {
        if (text[i] == '.') {
            if (point >= 0) {
                return std::nullopt;
            }
            point = static_cast<std::int64_t>(digits.size());
        } else {
            digits += text[i];
        }
    }
    if (digits.empty()) {
        return std::nullopt;
    }
    std::int64_t exponent = 0;
    if (i < text.size()) {
        if (text[i] != 'e' && text[i] != 'E') {
            return std::nullopt;
        }
        ++i;
        if (i < text.size() && text[i] == '+') {
            ++i;
        }
        const char* last = text.data() + text.size();
        const auto parsed = std::from_chars(text.data() + i, last, exponent);
        if (parsed.ec != std::errc{} || parsed.ptr != last || exponent > 100'000 || exponent < -100'000) {
            return std::nullopt;
        }
    }
    if (point < 0) {
        point = static_cast<std::int64_t>(digits.size());
    }
    const auto first = digits.find_first_not_of('0');
    if (first == std::string::npos) {
        return DecimalSize{-1'000'000, -1'000'000};  // zero fits everywhere
    }
    const auto final = digits.find_last_not_of('0');
    const auto before = point + exponent - static_cast<std::int64_t>(first);
    const auto after = static_cast<std::int64_t>(final) + 1 - point - exponent;
    return DecimalSize{before, after};
}

template <class Int>
bool fits(std::string_view text) {
    Int value{};
    const char* last = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), last, value);
    return !text.empty() && parsed.ec == std::errc{} && parsed.ptr == last;
}

std::size_t characters(std::string_view utf8) {
    return static_cast<std::size_t>(
        std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

base::Status fit_number(const Field& field, const Column& column) {
    if (field.kind != Field::Kind::number && field.kind != Field::Kind::string) {
        return unfit(column, "takes a number");
    }
    const std::string& text = field.text;
    switch (column.kind) {
        case ColumnKind::int2:
            if (!fits<std::int16_t>(text)) {
                return unfit(column, "takes an integer of 16 bits");
            }
            return {};
        case ColumnKind::int4:
            if (!fits<std::int32_t>(text)) {
                return unfit(column, "takes an integer of 32 bits");
            }
            return {};
        case ColumnKind::int8:
            if (!fits<std::int64_t>(text)) {
                return unfit(column, "takes an integer of 64 bits");
            }
            return {};
        case ColumnKind::floating: {
            if (field.kind == Field::Kind::string && text != "NaN" && text != "Infinity" &&
                text != "-Infinity") {
                return unfit(column, "takes a number");
            }
            double value = 0;
            const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
            if (parsed.ec != std::errc{}) {
                return unfit(column, "takes a number within its range");
            }
            return {};
        }
        default: break;
    }
    const auto size = measure(text);
    if (!size) {
        return unfit(column, "takes a decimal number");
    }
    if (column.precision > 0 &&
        (size->after > column.scale || size->before > std::int64_t{column.precision} - column.scale)) {
        return unfit(column, "is " + column.type + "; the number does not fit and is not rounded");
    }
    return {};
}

}  // namespace

base::Result<std::vector<Field>> parse_object(std::string_view json) {
    boost::json::parse_options options;
    options.max_depth = base::limits::json_depth_max;
    boost::json::basic_parser<FlatHandler> parser(options);
    error_code ec;
    const std::size_t used = parser.write_some(false, json.data(), json.size(), ec);
    const FlatHandler& handler = parser.handler();
    if (ec || !parser.done() || used != json.size()) {
        return base::fail(Code::malformed_request,
                          "The body is not valid JSON at byte " + std::to_string(used) + ".");
    }
    if (!handler.is_object) {
        return base::fail(Code::malformed_request, "The body must be one JSON object of columns.");
    }
    if (handler.duplicate) {
        return base::fail(Code::malformed_request, "A column stands twice in the body.");
    }
    return std::move(parser.handler().fields);
}

base::Status fit(Field& field, const Column& column) {
    if (column.generated) {
        return unfit(column, "is computed by the database and cannot be set");
    }
    if (field.kind == Field::Kind::null) {
        return {};
    }
    if (field.text.find('\0') != std::string::npos) {
        return unfit(column, "cannot hold a zero character");
    }
    switch (column.kind) {
        case ColumnKind::boolean:
            if (field.kind != Field::Kind::boolean) {
                return unfit(column, "takes true or false");
            }
            return {};
        case ColumnKind::int2:
        case ColumnKind::int4:
        case ColumnKind::int8:
        case ColumnKind::floating:
        case ColumnKind::numeric: return fit_number(field, column);
        case ColumnKind::json: {
            if (field.kind != Field::Kind::string) {
                return {};
            }
            std::string quoted;
            append_escaped(quoted, field.text);
            field.text = std::move(quoted);
            return {};
        }
        case ColumnKind::text:
            if (field.kind != Field::Kind::string) {
                return unfit(column, "takes a string");
            }
            if (column.length_max > 0 &&
                characters(field.text) > static_cast<std::size_t>(column.length_max)) {
                return unfit(column, "takes at most " + std::to_string(column.length_max) + " characters");
            }
            return {};
        case ColumnKind::timestamp:
        case ColumnKind::timestamptz:
        case ColumnKind::other:
            if (field.kind != Field::Kind::string) {
                return unfit(column, "takes a string of type " + column.type);
            }
            return {};
    }
    return unfit(column, "cannot be set");
}

void append_json_string(base::Buffer& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    out.append_u8('"');
    std::size_t plain = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        out.append(text.substr(plain, i - plain));
        plain = i + 1;
        switch (c) {
            case '"': out.append("\\\""); break;
            case '\\': out.append("\\\\"); break;
            case '\n': out.append("\\n"); break;
            case '\r': out.append("\\r"); break;
            case '\t': out.append("\\t"); break;
            default: {
                const char escape[] = {'\\', 'u', '0', '0', digits[c >> 4U], digits[c & 15U]};
                out.append({escape, sizeof escape});
            }
        }
    }
    out.append(text.substr(plain));
    out.append_u8('"');
}

void append_json_value(base::Buffer& out, const Column& column, std::optional<std::string_view> value) {
    if (!value) {
        out.append("null");
        return;
    }
    switch (column.kind) {
        case ColumnKind::boolean: out.append(*value == "t" ? "true" : "false"); return;
        case ColumnKind::int2:
        case ColumnKind::int4:
        case ColumnKind::int8:
        case ColumnKind::floating:
            // NaN and Infinity are no JSON numbers; and a column that was a number a moment ago may hold text
            // now.
            if (value->find_first_not_of("0123456789+-.eE") == std::string_view::npos) {
                out.append(*value);
                return;
            }
            break;
        case ColumnKind::json: out.append(*value); return;
        case ColumnKind::timestamp:
        case ColumnKind::timestamptz: {
            // RFC 3339: a T between date and time, Z for UTC. BC dates and infinity stay as PostgreSQL writes
            // them.
            const auto space = value->find(' ');
            if (space == std::string_view::npos || value->ends_with("BC")) {
                break;
            }
            std::string_view time = value->substr(space + 1);
            const bool utc = column.kind == ColumnKind::timestamptz && time.ends_with("+00");
            out.append_u8('"');
            out.append(value->substr(0, space));
            out.append_u8('T');
            out.append(utc ? time.substr(0, time.size() - 3) : time);
            out.append(utc ? "Z\"" : "\"");
            return;
        }
        case ColumnKind::numeric:  // a JSON number would invite a reader to round it
        case ColumnKind::text:
        case ColumnKind::other: break;
    }
    append_json_string(out, *value);
}

}  // namespace domicile::http

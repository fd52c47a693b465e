#include "session/copy_split.hpp"

#include "session/prepared.hpp"
#include "sql/lexer.hpp"
#include "wire/frame.hpp"

#include <algorithm>
#include <span>

namespace domicile::session {
namespace {

using base::Code;
using Kind = sql::Token::Kind;

constexpr std::size_t row_bytes_max = 64U << 20U;
constexpr std::string_view binary_signature("PGCOPY\n\377\r\n\0", 11);

std::unexpected<base::Error> malformed(std::uint64_t line, std::string what) {
    return base::fail(Code::invalid_value, "COPY, row " + std::to_string(line) + ": " + what,
                      "Every row needs a plain user id in its column; nothing was copied.");
}

std::unexpected<base::Error> not_understood(std::string_view option) {
    return std::unexpected(
        base::Error{Code::cannot_route,
                    "The COPY option " + std::string(option) + " over several shards is not supported.",
                    "FORMAT, DELIMITER, NULL, HEADER, QUOTE, ESCAPE and FORCE_QUOTE are.",
                    "routing/not-supported",
                    {}});
}

/// The one byte of a string literal: 'x', E'\t'.
std::optional<char> one_byte(std::string_view literal) {
    const bool escaped = literal.starts_with('E') || literal.starts_with('e');
    const auto first = literal.find('\'');
    if (first == std::string_view::npos || literal.size() < first + 3) {
        return std::nullopt;
    }
    const auto inner = literal.substr(first + 1, literal.size() - first - 2);
    if (inner.size() == 1) {
        return inner[0];
    }
    if (inner == "''") {
        return '\'';
    }
    if (escaped && inner.size() == 2 && inner[0] == '\\') {
        return inner[1] == 't' ? '\t' : inner[1] == 'b' ? '\b' : inner[1];
    }
    return std::nullopt;
}

}  // namespace

base::Result<CopyStatement> parse_copy(std::string_view text, bool standard_strings) {
    const auto tokens = sql::lex(text, standard_strings);
    const auto is = [&](std::size_t i, std::string_view word) {
        return i < tokens.size() && tokens[i].kind == Kind::word && tokens[i].word == word;
    };
    const auto symbol = [&](std::size_t i, char c) {
        return i < tokens.size() && tokens[i].kind == Kind::symbol && text[tokens[i].begin] == c;
    };
    const auto name = [&](std::size_t i) {
        const auto raw = text.substr(tokens[i].begin, tokens[i].end - tokens[i].begin);
        return tokens[i].kind == Kind::quoted ? std::string(raw.substr(1, raw.size() - 2)) : tokens[i].word;
    };
    CopyStatement copy;
    std::size_t i = 1;
    if (is(i, "binary")) {
        return not_understood("BINARY");
    }
    if (i >= tokens.size()) {
        return not_understood("this form");
    }
    const auto column_list = [&](std::vector<std::string>& columns) {
        for (++i; i < tokens.size() && !symbol(i, ')'); ++i) {
            if (!symbol(i, ',')) {
                columns.push_back(name(i));
            }
        }
    };
    if (symbol(i, '(')) {
        const std::size_t open = i;
        while (i < tokens.size() && !(symbol(i, ')') && tokens[i].depth == tokens[open].depth)) {
            ++i;
        }
        if (i >= tokens.size()) {
            return not_understood("of this form");
        }
        copy.query = text.substr(tokens[open].end, tokens[i].begin - tokens[open].end);
        ++i;
    } else {
        copy.table = name(i++);
        if (symbol(i, '.')) {
            copy.table = name(i + 1);
            i += 2;
        }
        if (symbol(i, '(')) {
            column_list(copy.columns);
            ++i;
        }
    }
    if (!(is(i, "from") && is(i + 1, "stdin")) && !(is(i, "to") && is(i + 1, "stdout"))) {
        return not_understood("this form");
    }
    const bool out = is(i, "to");
    i += 2;
    if (is(i, "with")) {
        ++i;
    }
    CopyFormat& format = copy.format;
    bool delimiter_given = false;
    for (; i < tokens.size(); ++i) {
        if (tokens[i].kind == Kind::symbol) {
            const char c = text[tokens[i].begin];
            if (c == '(' || c == ')' || c == ',' || c == ';') {
                continue;
            }
            return not_understood("of this form");
        }
        const std::string option = tokens[i].word;
        const auto value = [&]() -> std::string_view {
            if (is(i + 1, "as")) {
                ++i;
            }
            ++i;
            return i < tokens.size() ? text.substr(tokens[i].begin, tokens[i].end - tokens[i].begin)
                                     : std::string_view();
        };
        if (option == "csv") {
            format.kind = CopyFormat::Kind::csv;
        } else if (option == "binary") {
            format.kind = CopyFormat::Kind::binary;
        } else if (option == "format") {
            std::string kind(value());
            std::erase(kind, '\'');
            std::ranges::transform(kind, kind.begin(), [](char c) {
                return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
            });
            if (kind != "text" && kind != "csv" && kind != "binary") {
                return not_understood("FORMAT " + kind);
            }
            format.kind = kind == "csv"      ? CopyFormat::Kind::csv
                          : kind == "binary" ? CopyFormat::Kind::binary
                                             : CopyFormat::Kind::text;
        } else if (option == "header") {
            format.header = true;
            if (is(i + 1, "true") || is(i + 1, "on") || is(i + 1, "match")) {
                ++i;
            } else if (is(i + 1, "false") || is(i + 1, "off")) {
                format.header = false;
                ++i;
            }
        } else if (option == "delimiter" || option == "quote" || option == "escape") {
            const auto byte = one_byte(value());
            if (!byte) {
                return not_understood(option);
            }
            (option == "delimiter" ? format.delimiter
             : option == "quote"   ? format.quote
                                   : format.escape) = *byte;
            delimiter_given = delimiter_given || option == "delimiter";
            if (option == "quote" && format.escape == '"') {
                format.escape = *byte;
            }
        } else if (option == "null") {
            const auto literal = value();
            if (literal.size() < 2 || literal.front() != '\'') {
                if (out) {
                    return not_understood("NULL with escapes");
                }
                continue;  // rows are passed on as they come
            }
            std::string null;
            for (std::size_t at = 1; at + 1 < literal.size(); ++at) {
                null += literal[at];
                at += literal[at] == '\'' ? 1 : 0;  // doubled
            }
            format.null = std::move(null);
        } else if (option == "force_quote" || (option == "force" && is(i + 1, "quote"))) {
            i += option == "force" ? 2 : 1;
            if (symbol(i, '*')) {
                format.force_quote_all = true;
            } else if (symbol(i, '(')) {
                column_list(format.force_quote);
            } else {
                while (i < tokens.size() && tokens[i].kind != Kind::symbol) {
                    format.force_quote.push_back(name(i));
                    if (!symbol(i + 1, ',')) {
                        break;
                    }
                    i += 2;
                }
            }
        } else {
            return not_understood(option);
        }
    }
    if (format.kind == CopyFormat::Kind::csv && !delimiter_given) {
        format.delimiter = ',';
    }
    return copy;
}

std::string columns_question(std::string_view table) {
    return "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = 'public." + std::string(table) +
           "'::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum";
}

std::size_t CopySplit::row_size(std::string_view text, bool last) const {
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (format_.kind == CopyFormat::Kind::csv) {
            if (quoted && c == format_.escape && format_.escape != format_.quote) {
                ++i;
            } else if (c == format_.quote) {
                quoted = !quoted;  // a doubled one leaves and enters again
            }
            if (quoted) {
                continue;
            }
        } else if (c == '\\') {
            ++i;  // a backslash before the end of a line makes it data
            continue;
        }
        if (c == '\n') {
            return i + 1;
        }
        if (c == '\r') {
            if (i + 1 < text.size()) {
                return text[i + 1] == '\n' ? i + 2 : i + 1;
            }
            return last ? i + 1 : 0;
        }
    }
    return last ? text.size() : 0;
}

/// The key column of a text or CSV row, escapes resolved only as far as an integer may need.
std::optional<std::string> CopySplit::key_of(std::string_view row) const {
    while (!row.empty() && (row.back() == '\n' || row.back() == '\r')) {
        row.remove_suffix(1);
    }
    std::size_t column = 0;
    bool quoted = false;
    std::string value;
    for (std::size_t i = 0; i <= row.size(); ++i) {
        const bool end = i == row.size();
        if (end || (!quoted && row[i] == format_.delimiter)) {
            if (column == format_.key_column) {
                return value;
            }
            ++column;
            value.clear();
            continue;
        }
        if (format_.kind == CopyFormat::Kind::csv) {
            if (quoted && row[i] == format_.escape && i + 1 < row.size() && row[i + 1] == format_.quote) {
                ++i;
            } else if (row[i] == format_.quote) {
                quoted = !quoted;
                continue;
            }
        } else if (row[i] == '\\') {
            if (column == format_.key_column) {
                return std::nullopt;  // NULL, or an integer written in a way nobody writes
            }
            ++i;
            continue;
        }
        if (column == format_.key_column) {
            value += row[i];
        }
    }
    return std::nullopt;
}

base::Status CopySplit::take(std::string_view row) {
    ++line_;
    if (format_.header && !begun_) {
        begun_ = true;
        header_ = row;
        return {};
    }
    begun_ = true;
    if (row == "\\.\n" || row == "\\.\r\n" || row == "\\.") {
        over_ = true;  // the old end-of-data mark
        return {};
    }
    const auto key = key_of(row);
    const auto id = key ? parse_integer(*key) : routing::Constant{};
    if (id.kind != routing::Constant::Kind::id) {
        return malformed(line_, "the user id is not a plain integer");
    }
    return row_(id.id, row);
}

base::Status CopySplit::put_binary(std::string_view bytes, std::size_t& used) {
    if (!begun_) {
        if (bytes.size() < 19) {
            return {};
        }
        wire::Reader reader(bytes.substr(11));
        const auto flags = reader.u32();
        const auto extension = reader.u32();
        if (!bytes.starts_with(binary_signature) || flags != 0) {
            return malformed(0, "the header of the binary format is not one");
        }
        if (bytes.size() < 19ULL + extension) {
            return extension > row_bytes_max ? base::Status(malformed(0, "the header is too long"))
                                             : base::Status();
        }
        used = 19 + extension;
        header_ = bytes.substr(0, used);
        begun_ = true;
        return {};
    }
    if (bytes.size() < 2) {
        return {};
    }
    wire::Reader reader(bytes);
    const auto fields = reader.i16();
    if (fields == -1) {
        over_ = true;
        used = bytes.size();
        return {};
    }
    std::size_t size = 2;
    std::optional<std::int64_t> id;
    for (std::int16_t field = 0; field < fields; ++field) {
        if (bytes.size() < size + 4) {
            return {};
        }
        const auto length = wire::Reader(bytes.substr(size, 4)).i32();
        size += 4;
        if (length < -1 || static_cast<std::size_t>(std::max(length, 0)) > row_bytes_max) {
            return malformed(line_ + 1, "a length cannot be");
        }
        const auto data = static_cast<std::size_t>(std::max(length, 0));
        if (bytes.size() < size + data) {
            return {};
        }
        if (static_cast<std::size_t>(field) == format_.key_column &&
            (length == 2 || length == 4 || length == 8)) {
            std::uint64_t bits =
                (static_cast<unsigned char>(bytes[size]) & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
            for (const char byte : bytes.substr(size, data)) {
                bits = bits << 8U | static_cast<unsigned char>(byte);
            }
            id = static_cast<std::int64_t>(bits);
        }
        size += data;
    }
    ++line_;
    if (!id) {
        return malformed(line_, "the user id is not a plain integer");
    }
    used = size;
    return row_(*id, bytes.substr(0, size));
}

base::Status CopySplit::put(std::string_view bytes) {
    // Usually whole rows come; only what is left over is copied.
    std::string joined;
    if (!rest_.empty()) {
        joined = std::move(rest_);
        joined += bytes;
        bytes = joined;
        rest_.clear();
    }
    while (!bytes.empty() && !over_) {
        std::size_t used = 0;
        if (format_.kind == CopyFormat::Kind::binary) {
            if (auto done = put_binary(bytes, used); !done) {
                return done;
            }
        } else {
            used = row_size(bytes, false);
            if (used != 0) {
                if (auto done = take(bytes.substr(0, used)); !done) {
                    return done;
                }
            }
        }
        if (used == 0) {
            if (bytes.size() > row_bytes_max) {
                return malformed(line_ + 1, "the row is too long");
            }
            rest_ = std::string(bytes);
            return {};
        }
        bytes.remove_prefix(used);
    }
    return {};
}

base::Status CopySplit::end() {
    if (rest_.empty() || over_) {
        return {};
    }
    if (format_.kind == CopyFormat::Kind::binary) {
        return malformed(line_ + 1, "the stream ends inside a row");
    }
    const std::string last = std::move(rest_) + "\n";
    rest_.clear();
    return take(last);
}

}  // namespace domicile::session

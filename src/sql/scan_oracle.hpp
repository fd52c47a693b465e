#pragma once
// What PostgreSQL's own scanner says of a text, to hold the tokenizer against. For tests and fuzzers only.

#include "sql/tokenizer.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <pg_query.h>
#include <string>
#include <string_view>
#include <vector>

/* One per thread in libpg_query; whoever parsed last has set them. */
extern "C" {
extern __thread bool standard_conforming_strings;
extern __thread bool escape_string_warning;
}

namespace domicile::sql::testing {

struct Scanned {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::uint32_t kind = 0;
};

// Token numbers of libpg_query 15 (its pg_query.proto).
inline constexpr std::uint32_t semicolon_token = 59;
inline constexpr std::uint32_t float_token = 260;
inline constexpr std::uint32_t string_token = 261;  // … unicode, bit and hexadecimal strings up to:
inline constexpr std::uint32_t hexadecimal_token = 264;
inline constexpr std::uint32_t integer_token = 266;
inline constexpr std::uint32_t parameter_token = 267;
inline constexpr std::uint32_t line_comment_token = 275;
inline constexpr std::uint32_t block_comment_token = 276;

/// Reads the protobuf that pg_query_scan gives: message ScanResult { repeated ScanToken tokens = 2 },
/// ScanToken { int32 start = 1, end = 2; enum token = 4, keyword_kind = 5 }.
inline std::vector<Scanned> read_scan(std::string_view bytes) {
    const auto number = [](std::string_view& from) {
        std::uint64_t value = 0;
        for (unsigned shift = 0; !from.empty() && shift < 64; shift += 7) {
            const auto byte = static_cast<unsigned char>(from.front());
            from.remove_prefix(1);
            value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
            if (byte < 0x80) {
                break;
            }
        }
        return value;
    };
    std::vector<Scanned> tokens;
    while (!bytes.empty()) {
        const auto tag = number(bytes);
        const auto value = number(bytes);
        if (tag >> 3U != 2) {
            continue;
        }
        std::string_view message = bytes.substr(0, value);
        bytes.remove_prefix(message.size());
        Scanned& token = tokens.emplace_back();
        while (!message.empty()) {
            const auto field = number(message) >> 3U;
            const auto content = static_cast<std::uint32_t>(number(message));
            (field == 1   ? token.first
             : field == 2 ? token.last
                          : token.kind) = field == 5 ? token.kind : content;
        }
    }
    return tokens;
}

/// PostgreSQL's tokens of a text without zero bytes; nothing where its scanner refuses the text.
inline std::optional<std::vector<Scanned>> scan(const std::string& text, bool standard_strings) {
    standard_conforming_strings = standard_strings;
    escape_string_warning = false;
    const PgQueryScanResult result = pg_query_scan(text.c_str());
    std::optional<std::vector<Scanned>> scanned;
    if (result.error == nullptr) {
        scanned = read_scan({result.pbuf.data, result.pbuf.len});
    }
    pg_query_free_scan_result(result);
    standard_conforming_strings = true;
    return scanned;
}

/// Where the tokenizer and PostgreSQL disagree on a text that the tokenizer calls cacheable; empty if
/// nowhere.
inline std::string difference_from_postgres(std::string_view text, bool standard_strings = true) {
    Tokens tokens;
    tokenize(text, standard_strings, tokens);
    if (!tokens.cacheable || text.find('\0') != std::string_view::npos) {
        return {};
    }
    const auto scanned = scan(std::string(text), standard_strings);
    if (!scanned) {
        // Escapes inside E'…' and lengths of names are not the tokenizer's business: such texts never parse.
        return {};
    }
    const auto says = [](const char* what, std::uint32_t number) {
        return std::string(what) + " " + std::to_string(number);
    };
    std::size_t at = 0;
    std::uint32_t statements = 0;
    std::uint16_t parameters = 0;
    bool open = false;
    std::string shape;
    std::uint32_t end = 0;
    for (const Scanned& token : *scanned) {
        if (token.kind == line_comment_token || token.kind == block_comment_token) {
            continue;
        }
        if (token.kind == semicolon_token) {
            open = false;
            continue;
        }
        const std::string_view word = text.substr(token.first, token.last - token.first);
        shape += open && token.first > end ? " " : "";
        statements += open ? 0 : 1;
        open = true;
        end = token.last;
        if (token.kind == parameter_token) {
            std::uint16_t value = 0;
            std::from_chars(word.data() + 1, word.data() + word.size(), value);
            parameters = std::max(parameters, value);
        }
        const bool number = token.kind == integer_token || token.kind == float_token;
        const bool string = token.kind >= string_token && token.kind <= hexadecimal_token;
        if (!number && !string) {
            for (const char c : word) {
                const bool capital = word.front() != '"' && c >= 'A' && c <= 'Z';
                shape += static_cast<char>(capital ? c - 'A' + 'a' : c);
            }
            continue;
        }
        if (at == tokens.literals.size()) {
            return says("a literal is missed at", token.first);
        }
        const Literal& literal = tokens.literals[at++];
        const bool is_number =
            literal.form == Literal::Form::integer || literal.form == Literal::Form::number;
        if (literal.offset != token.first || literal.length != word.size() || is_number != number) {
            return says("another literal at", token.first);
        }
        if (token.kind == integer_token && literal.form != Literal::Form::integer) {
            return says("an integer is none at", token.first);
        }
        if (literal.form == Literal::Form::string &&
            plain_value(text, literal).find('\'') != std::string_view::npos) {
            return says("a quote in a plain string at", token.first);
        }
        shape += static_cast<char>(1 + static_cast<int>(literal.form));
    }
    if (at != tokens.literals.size()) {
        return says("a literal that is none:", static_cast<std::uint32_t>(at));
    }
    if (statements != tokens.statements) {
        return says("statements:", statements);
    }
    if (parameters != tokens.parameters) {
        return says("parameters:", parameters);
    }
    if (shape != tokens.shape) {
        return "shape: " + shape;
    }
    return {};
}

}  // namespace domicile::sql::testing

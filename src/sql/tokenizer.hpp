#pragma once
// Splits SQL text as PostgreSQL's lexer does (docs, "Lexical Structure"), as far as routing needs: where
// constants stand, and the text with them cut out. Never reads past the end, never fails: what it does not
// understand it marks as not cacheable.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::sql {

struct Literal {
    enum class Form : std::uint8_t {
        integer,  ///< digits only
        number,   ///< with point or exponent
        string,   ///< '…' without escapes in it: the value is the text between the quotes
        other,    ///< E'…', $$…$$, B'…', U&'…', or a string with doubled quotes: value not plain
    };
    std::uint32_t offset = 0;  ///< of the first byte, quotes and prefix included
    std::uint32_t length = 0;
    Form form = Form::other;
};

/// The digits or the text between the quotes; empty for Form::other.
[[nodiscard]] std::string_view plain_value(std::string_view text, const Literal& literal) noexcept;

struct Tokens {
    std::vector<Literal> literals;
    std::string shape;  ///< normalised text: constants as slots, blanks and comments collapsed, words folded
    std::uint32_t statements = 0;  ///< statements that are not empty
    std::uint32_t count = 0;       ///< of tokens
    std::uint32_t first = 0;       ///< where the first token begins
    std::uint32_t begin = 0;       ///< of the last statement that is not empty: its first token …
    std::uint32_t end = 0;         ///< … and the end of its last one, without the semicolon
    std::uint16_t parameters = 0;  ///< highest $n
    bool cacheable = true;
    /// A mistake that the parser must not see, in PostgreSQL's words: libpg_query 15-4.0.0 reads on (1_000,
    /// $1a), or takes a time quadratic in the length of the text (long runs of operator signs, open
    /// comments).
    std::string_view fault;
    /// Block comments, which the parser must not see either: nested ones take it quadratic time.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> comments;  // first <= byte < last
};

/// Fills `tokens` (its memory is reused). REQUIRES: a text shorter than 4 GiB.
void tokenize(std::string_view text, bool standard_strings, Tokens& tokens);

}  // namespace domicile::sql

#pragma once
// The tokens of a statement with their places, for text surgery (PostgreSQL docs, "Lexical Structure"). Never
// reads past the end.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::sql {

struct Token {
    enum class Kind : std::uint8_t { word, quoted, string, number, parameter, symbol };
    Kind kind = Kind::symbol;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint16_t depth =
        0;             ///< of parentheses and brackets around it; a parenthesis has its outside's depth
    std::string word;  ///< folded, for Kind::word only
};

[[nodiscard]] std::vector<Token> lex(std::string_view text, bool standard_strings);

}  // namespace domicile::sql

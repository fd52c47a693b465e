#include "sql/quote.hpp"

namespace domicile::sql {

std::string sql_literal(std::string_view text) {
    // The space keeps the E apart from a word before it.
    const bool escapes = text.contains('\\');
    std::string result = escapes ? " E'" : "'";
    for (const char byte : text) {
        result.append(byte == '\'' || byte == '\\' ? 2 : 1, byte);
    }
    return result + '\'';
}

std::string sql_identifier(std::string_view name) {
    std::string result = "\"";
    for (const char byte : name) {
        result.append(byte == '"' ? 2 : 1, byte);
    }
    return result + '"';
}

}  // namespace domicile::sql

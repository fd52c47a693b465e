#pragma once
// Text that goes into SQL: literals and identifiers, quoted always (PostgreSQL docs, "Lexical Structure").

#include <string>
#include <string_view>

namespace domicile::sql {

/// 'text', meaning the same whatever standard_conforming_strings says. REQUIRES: no zero byte.
[[nodiscard]] std::string sql_literal(std::string_view text);
/// "name".
[[nodiscard]] std::string sql_identifier(std::string_view name);

}  // namespace domicile::sql

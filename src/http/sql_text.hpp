#pragma once
// Pieces of SQL text: names quoted, values as parameters.

#include "base/error.hpp"
#include "http/shape.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::http {

/// A statement with its text parameters. `columns` names the column behind each parameter, for error texts.
struct Sql {
    std::string text;
    std::vector<std::optional<std::string>> parameters;
    std::vector<std::string> columns;
    /// Appends a parameter and returns its placeholder "$n".
    std::string bind(std::optional<std::string> value, std::string column);
};

/// "name" with quotes doubled.
[[nodiscard]] std::string quote_name(std::string_view name);

/// Quoted names, separated by commas.
[[nodiscard]] std::string list(std::span<const Column* const> columns);
[[nodiscard]] std::string list(const std::vector<Column>& columns);

/// A PostgreSQL array literal of texts.
[[nodiscard]] std::string array_literal(std::span<const std::string> values);

/// The column, or unknown_column naming table and column.
[[nodiscard]] base::Result<const Column*> known_column(const TableShape& shape, std::string_view name);

}  // namespace domicile::http

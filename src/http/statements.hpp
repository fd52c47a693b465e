#pragma once
// Requests as SQL. Pure: names come from the live schema and are quoted, values travel as parameters only.

#include "base/error.hpp"
#include "base/ids.hpp"
#include "http/json.hpp"
#include "http/sql_text.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::http {

/// The columns of `select=`, or all. Errors as above.
[[nodiscard]] base::Result<std::vector<const Column*>> selected(const TableShape& shape,
                                                                std::string_view names);

/// One row by its key: select columns, then the version. `row_key` has one value per column of
/// shape.row_key().
[[nodiscard]] Sql select_row(const TableShape& shape, std::span<const Column* const> select,
                             base::UserId user, std::span<const std::string> row_key);

/// Holds a body against the live columns and makes every field what PostgreSQL takes. The user key may be
/// repeated if it agrees with `user`, and is then removed; without `user` (a new person) it is refused.
/// `keys_are_fixed`: the row's key may not be among the fields. unknown_column, invalid_value.
[[nodiscard]] base::Status fit_body(const TableShape& shape, std::optional<base::UserId> user,
                                    std::vector<Field>& fields, bool keys_are_fixed);

/// INSERT of one row with these fields: all columns come back, then the version. Parameters: the user id
/// (unless the sequence of the range that begins at `new_person` hands it out), the fields in their order,
/// then, if `idempotent`, the idempotency key and the fingerprint as hexadecimal. The text depends on the
/// fields' names only. With an idempotency key the statement also records key and row in the same
/// transaction, and inserts nothing if the key is known. REQUIRES: fit_body() has passed.
struct Insert {
    std::string text;
    std::vector<std::string> columns;  ///< the columns behind the parameters
};
[[nodiscard]] Insert insert_row(const TableShape& shape, std::span<const Field> fields,
                                std::optional<std::int64_t> new_person, bool idempotent);

/// What an idempotency key has recorded: all columns of the row, the version, then the fingerprint as
/// hexadecimal. `user` is empty for a person.
[[nodiscard]] Sql recorded_row(const TableShape& shape, std::optional<base::UserId> user,
                               std::string_view key);

/// Sets columns of one row: all columns, then the version. `versions`: only if the row's version is one of
/// them. REQUIRES: fit_body() has passed and left at least one field.
[[nodiscard]] Sql update_row(const TableShape& shape, base::UserId user, std::span<const std::string> row_key,
                             std::span<const Field> fields, std::span<const std::string> versions);
[[nodiscard]] Sql delete_row(const TableShape& shape, base::UserId user, std::span<const std::string> row_key,
                             std::span<const std::string> versions);

}  // namespace domicile::http

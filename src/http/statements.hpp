#pragma once
// Requests as SQL. Pure: names come from the live schema and are quoted, values travel as parameters only.

#include "base/error.hpp"
#include "base/ids.hpp"
#include "http/json.hpp"
#include "http/shape.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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

struct Order {
    const Column* column = nullptr;
    bool descending = false;
};

/// A page of rows, from the query parameters: select=a,b  order=a.desc,b  limit=n  after=cursor
/// column=op.value.
struct Page {
    std::vector<const Column*> select;
    std::vector<Order> order;  ///< ends with the row key, so that it is total
    std::uint32_t limit = 0;
    std::string seal;  ///< of table and order, so that a cursor cannot be used with another
    Sql sql;           ///< select columns, then order columns; one row more than `limit`
};

/// invalid_value or unknown_column, naming the parameter. `rows_max` bounds the limit.
[[nodiscard]] base::Result<Page> page_of_rows(const TableShape& shape, base::UserId user,
                                              std::span<const std::pair<std::string, std::string>> query,
                                              std::uint32_t rows_max);

/// Where the next page begins: the order columns of the last row, sealed against use with another order.
[[nodiscard]] std::string make_cursor(const Page& page,
                                      std::span<const std::optional<std::string>> order_values);

/// The columns of `select=`, or all. Errors as above.
[[nodiscard]] base::Result<std::vector<const Column*>> selected(const TableShape& shape,
                                                                std::string_view names);

/// One row by its key: select columns, then the version. `row_key` has one value per column of
/// shape.row_key().
[[nodiscard]] Sql select_row(const TableShape& shape, std::span<const Column* const> select,
                             base::UserId user, std::span<const std::string> row_key);

struct Idempotency {
    std::string_view key;
    std::string_view fingerprint_hex;  ///< SHA-256 of what was asked
};

/// One new row of a user: all columns, then the version. With `idempotency` the statement also records the
/// key and the row in the same transaction, and inserts nothing if the key is known.
[[nodiscard]] base::Result<Sql> insert_row(const TableShape& shape, base::UserId user,
                                           std::span<const Field> fields,
                                           const std::optional<Idempotency>& idempotency);
/// A new person, whose id the shard's sequence for the range that begins at `range_from` hands out.
[[nodiscard]] base::Result<Sql> insert_person(const TableShape& shape, std::int64_t range_from,
                                              std::span<const Field> fields,
                                              const std::optional<Idempotency>& idempotency);
/// What an idempotency key has recorded: all columns of the row, the version, then the fingerprint as
/// hexadecimal. `user` is empty for a person.
[[nodiscard]] Sql recorded_row(const TableShape& shape, std::optional<base::UserId> user,
                               std::string_view key);

/// Sets columns of one row: all columns, then the version. `versions`: only if the row's version is one of
/// them.
[[nodiscard]] base::Result<Sql> update_row(const TableShape& shape, base::UserId user,
                                           std::span<const std::string> row_key,
                                           std::span<const Field> fields,
                                           std::span<const std::string> versions);
[[nodiscard]] Sql delete_row(const TableShape& shape, base::UserId user, std::span<const std::string> row_key,
                             std::span<const std::string> versions);

/// "name" with quotes doubled.
[[nodiscard]] std::string quote_name(std::string_view name);

}  // namespace domicile::http

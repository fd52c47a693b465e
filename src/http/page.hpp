#pragma once
// Pages of rows: query parameters to SQL, and the cursor from one page to the next. Pure.

#include "base/error.hpp"
#include "base/ids.hpp"
#include "http/sql_text.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace domicile::http {

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

}  // namespace domicile::http

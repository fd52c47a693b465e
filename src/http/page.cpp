#include "http/page.hpp"

#include "base/limits.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "http/statements.hpp"

#include <algorithm>
#include <charconv>

namespace domicile::http {
namespace {

using base::Code;

base::Result<std::vector<Order>> parse_order(const TableShape& shape, std::string_view text) {
    std::vector<Order> order;
    while (!text.empty()) {
        const auto comma = text.find(',');
        std::string_view part = text.substr(0, comma);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
        Order one;
        if (part.ends_with(".desc")) {
            one.descending = true;
            part.remove_suffix(5);
        } else if (part.ends_with(".asc")) {
            part.remove_suffix(4);
        }
        auto column = known_column(shape, part);
        if (!column) {
            return std::unexpected(column.error());
        }
        one.column = *column;
        const bool repeated = std::ranges::find(order, one.column, &Order::column) != order.end();
        if (repeated || order.size() >= base::limits::http_filters_max) {
            return base::fail(Code::invalid_value, "\"order\" names a column twice, or too many.");
        }
        order.push_back(one);
    }
    for (const std::string& name : shape.row_key()) {
        const auto same = [&](const Order& one) { return one.column->name == name; };
        if (std::ranges::none_of(order, same)) {
            order.push_back(Order{shape.column(name), false});
        }
    }
    return order;
}

struct Operator {
    std::string_view name;
    std::string_view sql;
};
constexpr Operator operators[] = {{"eq.", "="},   {"ne.", "<>"}, {"gt.", ">"},
                                  {"gte.", ">="}, {"lt.", "<"},  {"lte.", "<="}};

base::Result<std::string> parse_filter(Sql& sql, const Column& column, std::string_view value) {
    const std::string name = quote_name(column.name);
    for (const Operator& one : operators) {
        if (value.starts_with(one.name)) {
            return name + " " + std::string(one.sql) + " " +
                   sql.bind(std::string(value.substr(one.name.size())), column.name);
        }
    }
    if (value == "is.null" || value == "not.null") {
        return name + (value == "is.null" ? " IS NULL" : " IS NOT NULL");
    }
    if (value.starts_with("like.")) {
        return name + "::text LIKE " + sql.bind(std::string(value.substr(5)), column.name);
    }
    if (value.starts_with("in.(") && value.ends_with(")")) {
        std::string_view rest = value.substr(4, value.size() - 5);
        std::vector<std::string> values;
        while (!rest.empty()) {
            const auto comma = rest.find(',');
            values.emplace_back(rest.substr(0, comma));
            rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        }
        return name + " = ANY (" + sql.bind(array_literal(values), column.name) + ")";
    }
    return base::fail(Code::invalid_value, "The filter on \"" + column.name + "\" has no known operator.",
                      "Write column=eq.value; also ne, gt, gte, lt, lte, like, in.(a,b), is.null, not.null.");
}

std::string order_text(std::span<const Order> order) {
    std::string text;
    for (const Order& one : order) {
        // Nulls last both ways, so that the condition of the next page stays one formula.
        text += (text.empty() ? " ORDER BY " : ", ") + quote_name(one.column->name) +
                (one.descending ? " DESC NULLS LAST" : " ASC NULLS LAST");
    }
    return text;
}

/// Binds a cursor to its table and order, so that it cannot be replayed with another.
std::string order_seal(const TableShape& shape, std::span<const Order> order) {
    return crypto::hex(crypto::view(crypto::sha256(shape.table->name + order_text(order)))).substr(0, 8);
}

using CursorValues = std::vector<std::optional<std::string>>;

/// Cursor bytes: seal, then per value its length and text; '-' for null.
base::Result<CursorValues> parse_cursor(std::string_view text, std::string_view seal, std::size_t count) {
    const auto wrong =
        base::fail(Code::invalid_value, "The cursor in \"after\" does not belong to this query.",
                   "Take it from \"next\" of the page before, with the same order.");
    const auto bytes = crypto::base64url_decode(text);
    if (!bytes || !bytes->starts_with(seal)) {
        return wrong;
    }
    std::string_view rest = std::string_view(*bytes).substr(seal.size());
    CursorValues values;
    while (!rest.empty() && values.size() < count) {
        if (rest[0] == '-') {
            values.emplace_back(std::nullopt);
            rest.remove_prefix(1);
            continue;
        }
        std::size_t length = 0;
        const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), length);
        const auto used = static_cast<std::size_t>(parsed.ptr - rest.data());
        if (parsed.ec != std::errc{} || used >= rest.size() || rest[used] != ':' ||
            rest.size() - used - 1 < length) {
            return wrong;
        }
        std::string value(rest.substr(used + 1, length));
        if (value.find('\0') != std::string::npos) {
            return wrong;
        }
        values.emplace_back(std::move(value));
        rest.remove_prefix(used + 1 + length);
    }
    if (!rest.empty() || values.size() != count) {
        return wrong;
    }
    return values;
}

/// Rows after the cursor: for some i, equal in the columns before i and after it in column i.
std::string after_cursor(Sql& sql, std::span<const Order> order, const CursorValues& values) {
    std::string any;
    std::string equal;
    for (std::size_t i = 0; i < order.size(); ++i) {
        const std::string name = quote_name(order[i].column->name);
        if (!values[i]) {
            equal += (equal.empty() ? "" : " AND ") + name + " IS NULL";
            continue;  // nothing comes after null
        }
        const std::string value = sql.bind(*values[i], order[i].column->name);
        std::string beyond = name + (order[i].descending ? " < " : " > ") + value;
        if (!order[i].column->not_null) {
            beyond = "(" + beyond + " OR " + name + " IS NULL)";
        }
        any += (any.empty() ? "" : " OR ") + std::string("(") + equal + (equal.empty() ? "" : " AND ") +
               beyond + ")";
        equal += (equal.empty() ? "" : " AND ") + name + " = " + value;
    }
    return any.empty() ? "false" : "(" + any + ")";
}

}  // namespace

base::Result<Page> page_of_rows(const TableShape& shape, base::UserId user,
                                std::span<const std::pair<std::string, std::string>> query,
                                std::uint32_t rows_max) {
    Page page;
    page.limit = std::min<std::uint32_t>(base::limits::http_page_default, rows_max);
    std::string_view select;
    std::string_view order;
    std::optional<std::string_view> after;
    std::string where = " WHERE " + quote_name(shape.table->key) + " = " +
                        page.sql.bind(std::to_string(user.value), shape.table->key);
    std::size_t filters = 0;
    for (const auto& [name, value] : query) {
        if (name == "select") {
            select = value;
        } else if (name == "order") {
            order = value;
        } else if (name == "after") {
            after = value;
        } else if (name == "limit") {
            const char* last = value.data() + value.size();
            const auto parsed = std::from_chars(value.data(), last, page.limit);
            if (parsed.ec != std::errc{} || parsed.ptr != last || page.limit == 0 || page.limit > rows_max) {
                return base::fail(Code::invalid_value,
                                  "\"limit\" must be between 1 and " + std::to_string(rows_max) + ".");
            }
        } else {
            auto column = known_column(shape, name);
            if (!column) {
                return std::unexpected(column.error());
            }
            if (++filters > base::limits::http_filters_max) {
                return base::fail(Code::invalid_value, "Too many filters.");
            }
            auto filter = parse_filter(page.sql, **column, value);
            if (!filter) {
                return std::unexpected(filter.error());
            }
            where += " AND " + *filter;
        }
    }
    auto columns = selected(shape, select);
    if (!columns) {
        return std::unexpected(columns.error());
    }
    page.select = std::move(*columns);
    auto ordered = parse_order(shape, order);
    if (!ordered) {
        return std::unexpected(ordered.error());
    }
    page.order = std::move(*ordered);
    page.seal = order_seal(shape, page.order);
    if (after) {
        auto values = parse_cursor(*after, page.seal, page.order.size());
        if (!values) {
            return std::unexpected(values.error());
        }
        where += " AND " + after_cursor(page.sql, page.order, *values);
    }
    std::string hidden;
    for (const Order& one : page.order) {
        hidden += ", " + quote_name(one.column->name);
    }
    const std::string limit = page.sql.bind(std::to_string(page.limit + 1), "");
    page.sql.text = "SELECT " + list(page.select) + hidden + " FROM " + quote_name(shape.table->name) +
                    where + order_text(page.order) + " LIMIT " + limit + "::bigint";
    return page;
}

std::string make_cursor(const Page& page, std::span<const std::optional<std::string>> order_values) {
    std::string bytes;
    for (const auto& value : order_values) {
        bytes += value ? std::to_string(value->size()) + ":" + *value : std::string("-");
    }
    return crypto::base64url(page.seal + bytes);
}

}  // namespace domicile::http

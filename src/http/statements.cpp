#include "http/statements.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"

#include <algorithm>
#include <charconv>

namespace domicile::http {
namespace {

using base::Code;

/// The row's version: the transaction that wrote it (PostgreSQL docs, "System Columns"). Equal on every
/// replica.
constexpr std::string_view version_column = "xmin::text";

std::string list(std::span<const Column* const> columns) {
    std::string text;
    for (const Column* column : columns) {
        text += (text.empty() ? "" : ", ") + quote_name(column->name);
    }
    return text;
}

std::string list(const std::vector<Column>& columns) {
    std::string text;
    for (const Column& column : columns) {
        text += (text.empty() ? "" : ", ") + quote_name(column.name);
    }
    return text;
}

/// " WHERE key = $n AND …" for one row.
std::string where_row(Sql& sql, const TableShape& shape, base::UserId user,
                      std::span<const std::string> row_key) {
    std::string text = " WHERE " + quote_name(shape.table->key) + " = " +
                       sql.bind(std::to_string(user.value), shape.table->key);
    const auto names = shape.row_key();
    DOMICILE_ASSERT(names.size() == row_key.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        text += " AND " + quote_name(names[i]) + " = " + sql.bind(row_key[i], names[i]);
    }
    return text;
}

std::string array_literal(std::span<const std::string> values) {
    std::string text = "{";
    for (const std::string& value : values) {
        text += text.size() > 1 ? ",\"" : "\"";
        for (const char c : value) {
            if (c == '"' || c == '\\') {
                text += '\\';
            }
            text += c;
        }
        text += '"';
    }
    return text + "}";
}

std::string and_version(Sql& sql, std::span<const std::string> versions) {
    if (versions.empty()) {
        return {};
    }
    return " AND xmin::text = ANY (" + sql.bind(array_literal(versions), "") + "::text[])";
}

base::Result<const Column*> known_column(const TableShape& shape, std::string_view name) {
    const Column* column = shape.column(name);
    if (column == nullptr) {
        return base::fail(Code::unknown_column, "Table \"" + shape.table->name + "\" has no column \"" +
                                                    std::string(name.substr(0, 63)) + "\".");
    }
    return column;
}

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

/// The type without its bounds: an explicit cast to a bounded type would cut or round without a word, while
/// the assignment to the column refuses.
std::string unbounded_type(const Column& column) {
    std::string type = column.type;
    const auto open = type.find('(');
    const auto close = type.find(')');
    if (open != std::string::npos && close != std::string::npos) {
        type.erase(open, close - open + 1);
    }
    if (type == "character") {
        return "bpchar";  // bare "character" means one character
    }
    return type == "bit" ? "varbit" : type;
}

struct Assignments {
    std::vector<std::string> columns;
    std::vector<std::string> placeholders;
};

/// Binds body fields. `user` must agree with the user key if the body repeats it.
base::Result<Assignments> bind_fields(Sql& sql, const TableShape& shape, std::optional<base::UserId> user,
                                      std::span<const Field> fields, bool keys_are_fixed) {
    Assignments made;
    for (const Field& field : fields) {
        auto column = known_column(shape, field.name);
        if (!column) {
            return std::unexpected(column.error());
        }
        if (field.name == shape.table->key) {
            if (!user) {
                return base::fail(
                    Code::invalid_value,
                    "Column \"" + field.name + "\" is handed out by the platform and cannot be chosen.");
            }
            if (field.text != std::to_string(user->value)) {
                return base::fail(Code::invalid_value,
                                  "Column \"" + field.name + "\" differs from the user id in the path.");
            }
            continue;
        }
        if (keys_are_fixed && std::ranges::find(shape.primary_key, field.name) != shape.primary_key.end()) {
            return base::fail(Code::invalid_value,
                              "Column \"" + field.name + "\" names the row and cannot be changed.",
                              "Delete the row and create another.");
        }
        auto value = to_parameter(field, **column);
        if (!value) {
            return std::unexpected(value.error());
        }
        made.columns.push_back(quote_name(field.name));
        made.placeholders.push_back(sql.bind(std::move(*value), field.name));
    }
    return made;
}

std::string comma_list(std::span<const std::string> items) {
    std::string text;
    for (const std::string& item : items) {
        text += (text.empty() ? "" : ", ") + item;
    }
    return text;
}

/// INSERT of one row whose key is the expression `key`; see the header for what comes back.
std::string insert_text(Sql& sql, const TableShape& shape, const std::string& key, Assignments assignments,
                        bool creates_person, const std::optional<Idempotency>& idempotency) {
    assignments.columns.insert(assignments.columns.begin(), quote_name(shape.table->key));
    assignments.placeholders.insert(assignments.placeholders.begin(), key);
    const std::string into =
        "INSERT INTO " + quote_name(shape.table->name) + " (" + comma_list(assignments.columns) + ")";
    const std::string returning = " RETURNING " + list(shape.columns) + ", ";
    if (!idempotency) {
        return into + " VALUES (" + comma_list(assignments.placeholders) + ")" + returning +
               std::string(version_column);
    }
    // One statement, so one transaction: if the key is known nothing is inserted; if two requests race, the
    // loser's unique violation rolls its row back and the caller reads what the winner recorded.
    const std::string known_key = sql.bind(std::string(idempotency->key), "");
    const std::string fingerprint = sql.bind(std::string(idempotency->fingerprint_hex), "");
    const std::string scope = creates_person ? "creates_person" : "user_id = " + key;
    std::vector<std::string> typed;
    for (std::size_t i = 0; i < assignments.placeholders.size(); ++i) {
        // Parameters of a SELECT list take no type from the target columns; name it.
        const std::string name = assignments.columns[i].substr(1, assignments.columns[i].size() - 2);
        const Column* column = shape.column(name);
        typed.push_back(column == nullptr ? assignments.placeholders[i]
                                          : assignments.placeholders[i] + "::" + unbounded_type(*column));
    }
    return "WITH made AS (" + into + " SELECT " + comma_list(typed) +
           " WHERE NOT EXISTS (SELECT FROM domicile.idempotency WHERE " + scope + " AND key = " + known_key +
           ")" + returning +
           "xmin::text AS domicile_version), noted AS (INSERT INTO domicile.idempotency"
           " (user_id, key, creates_person, fingerprint, response) SELECT " +
           quote_name(shape.table->key) + ", " + known_key + ", " + (creates_person ? "true" : "false") +
           ", decode(" + fingerprint + ", 'hex'), to_jsonb(made) FROM made) SELECT " + list(shape.columns) +
           ", domicile_version FROM made";
}

}  // namespace

std::string Sql::bind(std::optional<std::string> value, std::string column) {
    parameters.push_back(std::move(value));
    columns.push_back(std::move(column));
    return "$" + std::to_string(parameters.size());
}

std::string quote_name(std::string_view name) {
    std::string text = "\"";
    for (const char c : name) {
        text += c;
        if (c == '"') {
            text += c;
        }
    }
    return text + "\"";
}

base::Result<std::vector<const Column*>> selected(const TableShape& shape, std::string_view names) {
    std::vector<const Column*> columns;
    if (names.empty()) {
        for (const Column& column : shape.columns) {
            columns.push_back(&column);
        }
        return columns;
    }
    while (!names.empty()) {
        const auto comma = names.find(',');
        auto column = known_column(shape, names.substr(0, comma));
        if (!column) {
            return std::unexpected(column.error());
        }
        if (std::ranges::find(columns, *column) == columns.end()) {
            columns.push_back(*column);
        }
        names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
    }
    return columns;
}

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

Sql select_row(const TableShape& shape, std::span<const Column* const> select, base::UserId user,
               std::span<const std::string> row_key) {
    Sql sql;
    const std::string where = where_row(sql, shape, user, row_key);
    sql.text = "SELECT " + list(select) + ", " + std::string(version_column) + " FROM " +
               quote_name(shape.table->name) + where;
    return sql;
}

base::Result<Sql> insert_row(const TableShape& shape, base::UserId user, std::span<const Field> fields,
                             const std::optional<Idempotency>& idempotency) {
    Sql sql;
    const std::string key = sql.bind(std::to_string(user.value), shape.table->key) + "::bigint";
    auto assignments = bind_fields(sql, shape, user, fields, false);
    if (!assignments) {
        return std::unexpected(assignments.error());
    }
    sql.text = insert_text(sql, shape, key, std::move(*assignments), false, idempotency);
    return sql;
}

base::Result<Sql> insert_person(const TableShape& shape, std::int64_t range_from,
                                std::span<const Field> fields,
                                const std::optional<Idempotency>& idempotency) {
    Sql sql;
    auto assignments = bind_fields(sql, shape, std::nullopt, fields, false);
    if (!assignments) {
        return std::unexpected(assignments.error());
    }
    const std::string key = "nextval('domicile.user_id_" + std::to_string(range_from) + "')";
    sql.text = insert_text(sql, shape, key, std::move(*assignments), true, idempotency);
    return sql;
}

Sql recorded_row(const TableShape& shape, std::optional<base::UserId> user, std::string_view key) {
    Sql sql;
    const std::string scope =
        user ? "i.user_id = " + sql.bind(std::to_string(user->value), "") : std::string("i.creates_person");
    std::string columns;
    for (const Column& column : shape.columns) {
        columns += "r." + quote_name(column.name) + ", ";
    }
    const std::string known_key = sql.bind(std::string(key), "");
    sql.text =
        "SELECT " + columns + "i.response ->> 'domicile_version', encode(i.fingerprint, 'hex')" +
        " FROM domicile.idempotency AS i, jsonb_populate_record(NULL::" + quote_name(shape.table->name) +
        ", i.response) AS r WHERE " + scope + " AND i.key = " + known_key;
    return sql;
}

base::Result<Sql> update_row(const TableShape& shape, base::UserId user, std::span<const std::string> row_key,
                             std::span<const Field> fields, std::span<const std::string> versions) {
    Sql sql;
    auto assignments = bind_fields(sql, shape, user, fields, true);
    if (!assignments) {
        return std::unexpected(assignments.error());
    }
    if (assignments->columns.empty()) {
        return base::fail(Code::invalid_value, "The body names no column to change.");
    }
    std::string set;
    for (std::size_t i = 0; i < assignments->columns.size(); ++i) {
        set += (i == 0 ? "" : ", ") + assignments->columns[i] + " = " + assignments->placeholders[i];
    }
    const std::string where = where_row(sql, shape, user, row_key) + and_version(sql, versions);
    sql.text = "UPDATE " + quote_name(shape.table->name) + " SET " + set + where + " RETURNING " +
               list(shape.columns) + ", " + std::string(version_column);
    return sql;
}

Sql delete_row(const TableShape& shape, base::UserId user, std::span<const std::string> row_key,
               std::span<const std::string> versions) {
    Sql sql;
    const std::string where = where_row(sql, shape, user, row_key) + and_version(sql, versions);
    sql.text = "DELETE FROM " + quote_name(shape.table->name) + where;
    return sql;
}

}  // namespace domicile::http

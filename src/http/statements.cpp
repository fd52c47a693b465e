#include "http/statements.hpp"

#include "base/assert.hpp"

#include <algorithm>

namespace domicile::http {
namespace {

using base::Code;

/// The row's version: the transaction that wrote it (PostgreSQL docs, "System Columns"). Equal on every
/// replica.
constexpr std::string_view version_column = "xmin::text";

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

std::string and_version(Sql& sql, std::span<const std::string> versions) {
    if (versions.empty()) {
        return {};
    }
    return " AND xmin::text = ANY (" + sql.bind(array_literal(versions), "") + "::text[])";
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
    const bool array = type.ends_with("[]");
    std::string element = array ? type.substr(0, type.size() - 2) : type;
    if (element == "character") {
        element = "bpchar";  // bare "character" means one character
    } else if (element == "bit") {
        element = "varbit";
    }
    return array ? element + "[]" : element;
}

}  // namespace

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

Sql select_row(const TableShape& shape, std::span<const Column* const> select, base::UserId user,
               std::span<const std::string> row_key) {
    Sql sql;
    const std::string where = where_row(sql, shape, user, row_key);
    sql.text = "SELECT " + list(select) + ", " + std::string(version_column) + " FROM " +
               quote_name(shape.table->name) + where;
    return sql;
}

base::Status fit_body(const TableShape& shape, std::optional<base::UserId> user, std::vector<Field>& fields,
                      bool keys_are_fixed) {
    auto repeated = fields.end();
    for (auto field = fields.begin(); field != fields.end(); ++field) {
        const auto column = known_column(shape, field->name);
        if (!column) {
            return std::unexpected(column.error());
        }
        if (field->name == shape.table->key) {
            if (!user) {
                return base::fail(
                    Code::invalid_value,
                    "Column \"" + field->name + "\" is handed out by the platform and cannot be chosen.");
            }
            if (field->text != std::to_string(user->value)) {
                return base::fail(Code::invalid_value,
                                  "Column \"" + field->name + "\" differs from the user id in the path.");
            }
            repeated = field;
            continue;
        }
        if (keys_are_fixed && std::ranges::find(shape.primary_key, field->name) != shape.primary_key.end()) {
            return base::fail(Code::invalid_value,
                              "Column \"" + field->name + "\" names the row and cannot be changed.",
                              "Delete the row and create another.");
        }
        if (auto fitted = fit(*field, **column); !fitted) {
            return fitted;
        }
    }
    if (repeated != fields.end()) {
        fields.erase(repeated);
    }
    return {};
}

Insert insert_row(const TableShape& shape, std::span<const Field> fields,
                  std::optional<std::int64_t> new_person, bool idempotent) {
    Insert insert;
    const auto placeholder = [&](std::string column) {
        insert.columns.push_back(std::move(column));
        return "$" + std::to_string(insert.columns.size());
    };
    const std::string key = new_person ? "nextval('domicile.user_id_" + std::to_string(*new_person) + "')"
                                       : placeholder(shape.table->key) + "::bigint";
    std::string into = "INSERT INTO " + quote_name(shape.table->name) + " (" + quote_name(shape.table->key);
    std::string values = key;
    for (const Field& field : fields) {
        into += ", " + quote_name(field.name);
        values += ", " + placeholder(field.name);
        const Column* column = shape.column(field.name);
        if (idempotent && column != nullptr) {
            // Parameters of a SELECT list take no type from the target columns; name it.
            values += "::" + unbounded_type(*column);
        }
    }
    into += ")";
    const std::string returning = " RETURNING " + list(shape.columns) + ", ";
    if (!idempotent) {
        insert.text = into + " VALUES (" + values + ")" + returning + std::string(version_column);
        return insert;
    }
    // One statement, so one transaction: if the key is known nothing is inserted; if two requests race, the
    // loser's unique violation rolls its row back and the caller reads what the winner recorded.
    const std::string known_key = placeholder("");
    const std::string fingerprint = placeholder("");
    const std::string scope = new_person ? std::string("creates_person") : "user_id = " + key;
    insert.text = "WITH made AS (" + into + " SELECT " + values +
                  " WHERE NOT EXISTS (SELECT FROM domicile.idempotency WHERE " + scope +
                  " AND key = " + known_key + ")" + returning +
                  "xmin::text AS domicile_version), noted AS (INSERT INTO domicile.idempotency"
                  " (user_id, key, creates_person, fingerprint, response) SELECT " +
                  quote_name(shape.table->key) + ", " + known_key + ", " + (new_person ? "true" : "false") +
                  ", decode(" + fingerprint + ", 'hex'), to_jsonb(made) FROM made) SELECT " +
                  list(shape.columns) + ", domicile_version FROM made";
    return insert;
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

Sql update_row(const TableShape& shape, base::UserId user, std::span<const std::string> row_key,
               std::span<const Field> fields, std::span<const std::string> versions) {
    DOMICILE_ASSERT(!fields.empty());
    Sql sql;
    std::string set;
    for (const Field& field : fields) {
        const auto value = parameter(field);
        set += (set.empty() ? "" : ", ") + quote_name(field.name) + " = " +
               sql.bind(value ? std::optional<std::string>(*value) : std::nullopt, field.name);
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

#include "http/sql_text.hpp"

namespace domicile::http {

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

base::Result<const Column*> known_column(const TableShape& shape, std::string_view name) {
    const Column* column = shape.column(name);
    if (column == nullptr) {
        return base::fail(base::Code::unknown_column, "Table \"" + shape.table->name + "\" has no column \"" +
                                                          std::string(name.substr(0, 63)) + "\".");
    }
    return column;
}

}  // namespace domicile::http

#include "http/shape.hpp"

#include "base/assert.hpp"

#include <algorithm>

namespace domicile::http {

const Column* TableShape::column(std::string_view name) const {
    const auto found = std::ranges::find(columns, name, &Column::name);
    return found == columns.end() ? nullptr : &*found;
}

const Constraint* TableShape::constraint(std::string_view name) const {
    const auto found = std::ranges::find(constraints, name, &Constraint::name);
    return found == constraints.end() ? nullptr : &*found;
}

std::vector<std::string> TableShape::row_key() const {
    std::vector<std::string> key;
    std::ranges::copy_if(primary_key, std::back_inserter(key),
                         [&](const std::string& name) { return name != table->key; });
    return key;
}

const TableShape* Schema::table(std::string_view name) const {
    const auto found =
        std::ranges::find_if(tables, [&](const TableShape& shape) { return shape.table->name == name; });
    return found == tables.end() ? nullptr : &*found;
}

const TableShape& Schema::person() const {
    const auto found =
        std::ranges::find_if(tables, [](const TableShape& shape) { return shape.table->person; });
    DOMICILE_ASSERT(found != tables.end());
    return *found;
}

ColumnKind kind_of(std::uint32_t type_oid) {
    switch (type_oid) {
        case 16: return ColumnKind::boolean;
        case 21: return ColumnKind::int2;
        case 23: return ColumnKind::int4;
        case 20: return ColumnKind::int8;
        case 700:
        case 701: return ColumnKind::floating;
        case 1700: return ColumnKind::numeric;
        case 25:
        case 1042:
        case 1043: return ColumnKind::text;
        case 114:
        case 3802: return ColumnKind::json;
        case 1114: return ColumnKind::timestamp;
        case 1184: return ColumnKind::timestamptz;
        default: return ColumnKind::other;
    }
}

}  // namespace domicile::http

#pragma once
// The live columns of a table, as the door needs them to build SQL, check values and write JSON.

#include "topology/topology.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::http {

/// How a column's values travel in JSON.
enum class ColumnKind : std::uint8_t {
    boolean,
    int2,
    int4,
    int8,
    floating,
    numeric,
    text,
    json,
    timestamp,
    timestamptz,
    other
};

struct Column {
    std::string name;
    std::string json_name;  ///< "\"name\":" as it stands before each value
    std::string type;       ///< as PostgreSQL writes it: "numeric(12,2)"
    ColumnKind kind = ColumnKind::other;
    std::int32_t length_max = 0;  ///< characters, for varchar(n) and char(n); 0 if unbounded
    std::int32_t precision = 0;   ///< for numeric(p,s); 0 if unbounded
    std::int32_t scale = 0;
    bool not_null = false;
    bool has_default = false;
    bool generated = false;  ///< the database computes it; nobody may set it
};

struct Constraint {
    std::string name;
    std::vector<std::string> columns;
};

struct TableShape {
    const topology::Table* table = nullptr;
    std::vector<Column> columns;           ///< in their order in the table
    std::vector<std::string> primary_key;  ///< with the user key
    std::vector<Constraint> constraints;

    [[nodiscard]] const Column* column(std::string_view name) const;
    [[nodiscard]] const Constraint* constraint(std::string_view name) const;
    /// The primary-key columns besides the user key: what names a row of one person.
    [[nodiscard]] std::vector<std::string> row_key() const;
};

struct Schema {
    std::vector<TableShape> tables;
    [[nodiscard]] const TableShape* table(std::string_view name) const;
    [[nodiscard]] const TableShape& person() const;
};

/// From a type's oid (PostgreSQL: pg_type.dat).
[[nodiscard]] ColumnKind kind_of(std::uint32_t type_oid);

}  // namespace domicile::http

#pragma once
// A TOML file as plain values with their places, in the order of the file. The only part of the room that
// knows the TOML library, whose tables are sorted by key. Pure; private to this room.

#include "topology/parse.hpp"

#include <compare>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::topology {

/// Lines and columns count from 1, columns in characters; 0 is "no place".
struct Place {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    auto operator<=>(const Place&) const = default;
};

/// Where a finding stands that belongs to the file as a whole.
inline constexpr Place file_start{1, 1};

struct Entry;

struct Value {
    enum class Kind : std::uint8_t { text, integer, flag, real, moment, list, table };

    Kind kind = Kind::table;
    bool flag = false;
    Place place;
    std::int64_t integer = 0;
    std::string text;
    std::vector<Value> items;    ///< of a list
    std::vector<Entry> entries;  ///< of a table, in the order of the file

    /// Null if the table has no such key.
    [[nodiscard]] const Entry* find(std::string_view key) const;
};

struct Entry {
    std::string key;
    Place place;  ///< of the key
    Value value;
};

/// The root table, or the one finding that keeps the text from being TOML.
[[nodiscard]] std::expected<Value, Finding> read_document(std::string_view toml);

}  // namespace domicile::topology

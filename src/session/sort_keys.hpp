#pragma once
// Compares two values as PostgreSQL's ORDER BY does, from their binary form (PostgreSQL: the *_send
// functions). Only types whose order does not depend on anything but their bytes; text only under a C
// collation.

#include <cstdint>
#include <optional>
#include <string_view>

namespace domicile::session {

/// Whether values of this type can be ordered by compare_keys(). `c_collation`: text sorts by its bytes.
[[nodiscard]] bool sortable(std::uint32_t type_oid, bool c_collation) noexcept;
/// Text, varchar, char: their order needs a collation.
[[nodiscard]] bool collatable(std::uint32_t type_oid) noexcept;

/// Negative, zero, positive. REQUIRES: sortable(type). Malformed bytes compare as equal.
[[nodiscard]] int compare_keys(std::uint32_t type_oid, std::string_view one, std::string_view other) noexcept;

/// The name of a built-in scalar type for a cast, empty if it is none we know.
[[nodiscard]] std::string_view type_name(std::uint32_t type_oid) noexcept;

}  // namespace domicile::session

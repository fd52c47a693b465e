#pragma once
// Ids as types: a shard is never passed where a region is meant.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace domicile::base {

/// A distinct integer type. `value` is the number itself; indices count from 0 in the order of the topology
/// file.
template <class Tag, class Int>
struct Id {
    Int value{};

    constexpr Id() = default;
    constexpr explicit Id(Int number) : value(number) {}
    constexpr auto operator<=>(const Id&) const = default;
};

using UserId = Id<struct UserTag, std::int64_t>;
using JurisdictionIndex = Id<struct JurisdictionTag, std::uint16_t>;
using RegionIndex = Id<struct RegionTag, std::uint16_t>;
using ShardIndex = Id<struct ShardTag, std::uint16_t>;
using NodeIndex = Id<struct NodeTag, std::uint16_t>;

}  // namespace domicile::base

template <class Tag, class Int>
struct std::hash<domicile::base::Id<Tag, Int>> {
    std::size_t operator()(const domicile::base::Id<Tag, Int>& id) const noexcept {
        return std::hash<Int>{}(id.value);
    }
};

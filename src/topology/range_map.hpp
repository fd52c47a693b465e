#pragma once
// Which user id lives on which shard: a sorted flat table, looked up by binary search. Contains bounds, never
// people. Immutable; a change makes a new map with a higher epoch.

#include "base/ids.hpp"
#include "topology/topology.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace domicile::topology {

class RangeMap {
  public:
    struct Entry {
        std::int64_t from = 0;
        std::int64_t to = 0;
        ShardIndex shard;
    };

    RangeMap() = default;
    /// REQUIRES: the entries do not overlap and each is not empty (parse() has checked). Order is free.
    RangeMap(std::vector<Entry> entries, std::uint64_t epoch);
    /// The map a topology declares.
    static RangeMap of(const Topology& topology, std::uint64_t epoch = 1);

    /// The shard whose range holds `user`, or nothing: never a guess, never a neighbour.
    [[nodiscard]] std::optional<ShardIndex> find(UserId user) const noexcept;
    /// Entries that intersect [from, to), in key order. Empty if none.
    [[nodiscard]] std::span<const Entry> overlapping(std::int64_t from, std::int64_t to) const noexcept;
    [[nodiscard]] std::span<const Entry> entries() const noexcept { return entries_; }
    [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }

  private:
    std::vector<Entry> entries_;  // sorted by from
    std::uint64_t epoch_ = 0;
};

}  // namespace domicile::topology

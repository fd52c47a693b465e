#pragma once
// Which user id lives on which shard: a sorted flat table, looked up by binary search. Contains bounds, never
// people. Immutable; a change makes a new map with a higher epoch.

#include "base/ids.hpp"
#include "topology/topology.hpp"

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace domicile::topology {

class RangeMap {
  public:
    struct Entry {
        std::int64_t from = 0;
        std::int64_t to = 0;
        ShardIndex shard;
        friend bool operator==(const Entry&, const Entry&) = default;
    };

    RangeMap() = default;
    /// REQUIRES: the entries do not overlap and each is not empty (parse() has checked). Order is free.
    RangeMap(std::vector<Entry> entries, std::uint64_t epoch);
    /// The map a topology declares.
    static RangeMap of(const Topology& topology);

    /// The shard whose range holds `user`, or nothing: never a guess, never a neighbour.
    [[nodiscard]] std::optional<ShardIndex> find(UserId user) const noexcept;
    /// Entries that intersect [from, to), in key order. Empty if none.
    [[nodiscard]] std::span<const Entry> overlapping(std::int64_t from, std::int64_t to) const noexcept;
    [[nodiscard]] std::span<const Entry> entries() const noexcept { return entries_; }
    [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
    /// Those of one shard, in key order, and as databases and gateways say them: "0-30000,60000-90000".
    friend bool operator==(const RangeMap&, const RangeMap&) = default;
    [[nodiscard]] std::vector<KeyRange> ranges_of(ShardIndex shard) const;
    [[nodiscard]] std::string text_of(ShardIndex shard) const;

  private:
    std::vector<Entry> entries_;  // sorted by from
    std::uint64_t epoch_ = 0;
};

/// The map that all threads of a gateway use. A map once in force is kept to the end: readers need no lock
/// and no count, and maps are small and change rarely.
class MapInForce {
  public:
    explicit MapInForce(RangeMap map);
    [[nodiscard]] const RangeMap& now() const noexcept { return *now_.load(std::memory_order_acquire); }
    /// False, and nothing changes, if its epoch is lower or it says the same. Any thread.
    bool adopt(RangeMap map);

  private:
    std::mutex adopting_;
    std::list<RangeMap> maps_;
    std::atomic<const RangeMap*> now_;
};

}  // namespace domicile::topology

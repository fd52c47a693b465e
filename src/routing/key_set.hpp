#pragma once
// A set of user ids: what a statement's predicates on the key leave possible. Pure values; every operation is
// exact. From `=`, `IN`, `<`, `<=`, `>`, `>=`, `BETWEEN` come intervals; `AND`, `OR`, `NOT` are intersection,
// union, complement.

#include "topology/range_map.hpp"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace domicile::routing {

class KeySet {
  public:
    /// Ids first <= id <= last. Closed, so that every set of 64-bit integers has a form.
    struct Interval {
        std::int64_t first = 0;
        std::int64_t last = 0;
        friend bool operator==(const Interval&, const Interval&) = default;
    };
    static constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
    static constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();

    /// The empty set: a predicate that no id satisfies (and what comparison with SQL NULL leaves).
    KeySet() = default;
    static KeySet all() { return between(lowest, highest); }
    static KeySet one(std::int64_t id) { return between(id, id); }
    /// Empty if first > last, as BETWEEN has it.
    static KeySet between(std::int64_t first, std::int64_t last);
    /// In any order, with repetitions.
    static KeySet of(std::vector<std::int64_t> ids);
    static KeySet below(std::int64_t id) { return id == lowest ? KeySet() : between(lowest, id - 1); }
    static KeySet above(std::int64_t id) { return id == highest ? KeySet() : between(id + 1, highest); }

    [[nodiscard]] KeySet operator|(const KeySet& other) const;
    [[nodiscard]] KeySet operator&(const KeySet& other) const;
    [[nodiscard]] KeySet operator~() const;
    friend bool operator==(const KeySet&, const KeySet&) = default;

    [[nodiscard]] bool empty() const noexcept { return intervals_.empty(); }
    [[nodiscard]] bool contains(std::int64_t id) const noexcept;
    /// Sorted, apart, and never adjacent: equal sets have equal intervals.
    [[nodiscard]] std::span<const Interval> intervals() const noexcept { return intervals_; }

  private:
    static KeySet normalised(std::vector<Interval> intervals);
    std::vector<Interval> intervals_;
};

/// Where the ids of a set live.
struct Placement {
    std::vector<topology::ShardIndex> shards;  ///< each once, in the order of their lowest id in the set
    bool complete = true;                      ///< every id of the set lies in some range
};
[[nodiscard]] Placement place(const KeySet& keys, const topology::RangeMap& map);

}  // namespace domicile::routing

#include "routing/key_set.hpp"

#include <random>
#include <set>

#include <gtest/gtest.h>

namespace domicile::routing {
namespace {

using topology::RangeMap;
using topology::ShardIndex;
using Intervals = std::vector<KeySet::Interval>;

Intervals intervals(const KeySet& set) {
    return {set.intervals().begin(), set.intervals().end()};
}

TEST(KeySet, HasOneFormForEachSet) {
    EXPECT_EQ(intervals(KeySet::of({5, 3, 4, 9, 3})), (Intervals{{3, 5}, {9, 9}}));
    EXPECT_EQ(KeySet::between(1, 3) | KeySet::between(4, 6), KeySet::between(1, 6))
        << "touching intervals are one";
    EXPECT_TRUE(KeySet::between(2, 1).empty()) << "BETWEEN 2 AND 1 holds for nobody";
    EXPECT_TRUE(KeySet::below(KeySet::lowest).empty());
    EXPECT_TRUE(KeySet::above(KeySet::highest).empty());
    EXPECT_EQ(~KeySet(), KeySet::all());
    EXPECT_TRUE((~KeySet::all()).empty());
    EXPECT_EQ(~KeySet::one(KeySet::lowest), KeySet::above(KeySet::lowest));
    EXPECT_EQ(~KeySet::one(KeySet::highest), KeySet::below(KeySet::highest));
    EXPECT_EQ(KeySet::one(KeySet::highest) | KeySet::one(KeySet::lowest),
              ~KeySet::between(KeySet::lowest + 1, KeySet::highest - 1));
}

/// The same algebra over a small universe, membership by membership.
TEST(KeySet, AgreesWithTheSlowAlgebra) {
    constexpr std::int64_t bound = 12;
    const unsigned seed = 20261122;
    std::mt19937 random(seed);
    const auto number = [&](std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>(low, high)(random);
    };
    for (int round = 0; round < 20'000; ++round) {
        KeySet fast;
        std::set<std::int64_t> slow;
        const auto take = [&](KeySet set, auto member, int operation) {
            std::set<std::int64_t> other;
            for (std::int64_t id = -bound; id <= bound; ++id) {
                if (member(id)) {
                    other.insert(id);
                }
            }
            std::set<std::int64_t> result;
            for (std::int64_t id = -bound; id <= bound; ++id) {
                const bool a = slow.contains(id);
                const bool b = other.contains(id);
                if (operation == 0 ? a || b : operation == 1 ? a && b : a && !b) {
                    result.insert(id);
                }
            }
            fast = operation == 0 ? fast | set : operation == 1 ? fast & set : fast & ~set;
            slow = std::move(result);
        };
        for (int step = 0; step < 6; ++step) {
            const std::int64_t a = number(-bound, bound);
            const std::int64_t b = number(-bound, bound);
            const int operation = static_cast<int>(number(0, 2));
            switch (number(0, 3)) {
                case 0: take(KeySet::one(a), [&](std::int64_t id) { return id == a; }, operation); break;
                case 1:
                    take(
                        KeySet::between(a, b), [&](std::int64_t id) { return a <= id && id <= b; },
                        operation);
                    break;
                case 2: take(KeySet::below(a), [&](std::int64_t id) { return id < a; }, operation); break;
                default: take(KeySet::above(a), [&](std::int64_t id) { return id > a; }, operation); break;
            }
        }
        for (std::int64_t id = -bound; id <= bound; ++id) {
            ASSERT_EQ(fast.contains(id), slow.contains(id))
                << "seed " << seed << " round " << round << " id " << id;
        }
        for (std::size_t i = 1; i < fast.intervals().size(); ++i) {
            ASSERT_GT(fast.intervals()[i].first, fast.intervals()[i - 1].last + 1) << "sorted and apart";
        }
        ASSERT_EQ(~~fast, fast);
    }
}

TEST(KeySet, IsPlacedExactly) {
    // Two ranges on shard 0, one on shard 1, a hole [20, 30), shard 2 behind it.
    const RangeMap map(
        {{0, 10, ShardIndex{0}}, {10, 15, ShardIndex{1}}, {15, 20, ShardIndex{0}}, {30, 40, ShardIndex{2}}},
        1);
    struct Row {
        KeySet keys;
        std::vector<std::uint16_t> shards;
        bool complete;
    };
    const Row rows[] = {
        {KeySet(), {}, true},
        {KeySet::one(0), {0}, true},
        {KeySet::one(9), {0}, true},
        {KeySet::one(10), {1}, true},
        {KeySet::one(20), {}, false},
        {KeySet::one(-1), {}, false},
        {KeySet::one(40), {}, false},
        {KeySet::of({5, 12, 17}), {0, 1}, true},
        {KeySet::of({12, 35}), {1, 2}, true},
        {KeySet::of({12, 25}), {1}, false},
        {KeySet::between(0, 19), {0, 1}, true},  // the middle shard is not missed
        {KeySet::between(9, 10), {0, 1}, true},
        {KeySet::between(0, 20), {0, 1}, false},
        {KeySet::between(19, 30), {0, 2}, false},
        {KeySet::between(20, 29), {}, false},
        {KeySet::above(12),
         {1, 0, 2},
         false},  // `>=` and `>` reach every shard above, not only the one of their bound
        {KeySet::all(), {0, 1, 2}, false},
    };
    for (const Row& row : rows) {
        const Placement placement = place(row.keys, map);
        std::vector<std::uint16_t> shards;
        for (const ShardIndex shard : placement.shards) {
            shards.push_back(shard.value);
        }
        EXPECT_EQ(shards, row.shards);
        EXPECT_EQ(placement.complete, row.complete);
    }
    // Ranges to the very ends of the integers.
    const RangeMap whole({{KeySet::lowest, 0, ShardIndex{0}}, {0, KeySet::highest, ShardIndex{1}}}, 1);
    EXPECT_TRUE(place(KeySet::below(KeySet::highest), whole).complete);
    EXPECT_FALSE(place(KeySet::all(), whole).complete) << "the highest id lies in no half-open range";
}

TEST(KeySet, PlacesAsTheRangeMapFinds) {
    const unsigned seed = 7;
    std::mt19937 random(seed);
    const auto number = [&](std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>(low, high)(random);
    };
    for (int round = 0; round < 5'000; ++round) {
        std::vector<RangeMap::Entry> entries;
        for (std::int64_t at = number(-30, -20); at < 30;) {
            const std::int64_t to = at + number(1, 8);
            if (number(0, 3) != 0) {
                entries.push_back({at, to, ShardIndex{static_cast<std::uint16_t>(number(0, 4))}});
            }
            at = to;
        }
        const RangeMap map(entries, 1);
        const KeySet keys = KeySet::between(number(-40, 40), number(-40, 40)) |
                            KeySet::of({number(-40, 40), number(-40, 40)});
        std::set<std::uint16_t> expected;
        bool complete = true;
        for (std::int64_t id = -45; id <= 45; ++id) {
            if (keys.contains(id)) {
                const auto shard = map.find(base::UserId{id});
                complete = complete && shard.has_value();
                if (shard) {
                    expected.insert(shard->value);
                }
            }
        }
        const Placement placement = place(keys, map);
        std::set<std::uint16_t> got;
        for (const ShardIndex shard : placement.shards) {
            ASSERT_TRUE(got.insert(shard.value).second) << "each shard once";
        }
        ASSERT_EQ(got, expected) << "seed " << seed << " round " << round;
        ASSERT_EQ(placement.complete, complete) << "seed " << seed << " round " << round;
    }
}

}  // namespace
}  // namespace domicile::routing

#include "topology/range_map.hpp"

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace domicile::topology {
namespace {

constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t seed = 20'240'607;

using Entries = std::vector<RangeMap::Entry>;

std::optional<ShardIndex> slow_find(const Entries& entries, std::int64_t user) {
    for (const RangeMap::Entry& entry : entries) {
        if (entry.from <= user && user < entry.to) {
            return entry.shard;
        }
    }
    return std::nullopt;
}

std::vector<std::int64_t> slow_overlapping(const Entries& entries, std::int64_t from, std::int64_t to) {
    std::vector<std::int64_t> starts;
    for (const RangeMap::Entry& entry : entries) {
        if (std::max(entry.from, from) < std::min(entry.to, to)) {
            starts.push_back(entry.from);
        }
    }
    std::ranges::sort(starts);
    return starts;
}

std::vector<std::int64_t> starts_of(std::span<const RangeMap::Entry> entries) {
    std::vector<std::int64_t> starts;
    for (const RangeMap::Entry& entry : entries) {
        starts.push_back(entry.from);
    }
    return starts;
}

/// Entries between random bounds, some with gaps between them, in random order.
Entries generated(std::mt19937_64& random) {
    const std::int64_t width = random() % 2 == 0 ? 60 : most;
    std::uniform_int_distribution<std::int64_t> anywhere(random() % 4 == 0 ? least : 0, width);
    std::vector<std::int64_t> bounds(2 + random() % 24);
    std::ranges::generate(bounds, [&] { return anywhere(random); });
    if (random() % 4 == 0) {
        bounds.push_back(most);
        bounds.push_back(least);
    }
    std::ranges::sort(bounds);
    bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
    Entries entries;
    for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
        if (random() % 3 != 0) {
            entries.push_back(
                {bounds[i], bounds[i + 1], ShardIndex(static_cast<std::uint16_t>(random() % 5))});
        }
    }
    std::ranges::shuffle(entries, random);
    return entries;
}

TEST(RangeMap, FindsWhatALinearSearchFinds) {
    std::cout << "seed " << seed << '\n';
    std::mt19937_64 random(seed);
    std::size_t lookups = 0;
    std::size_t hits = 0;
    while (lookups < 1'000'000) {
        const Entries entries = generated(random);
        const RangeMap map(entries, 7);
        std::vector<std::int64_t> users{least, least + 1, -1, 0, 1, most - 1, most};
        for (const RangeMap::Entry& entry : entries) {
            for (const std::int64_t bound : {entry.from, entry.to}) {
                users.push_back(bound);
                users.push_back(bound == least ? bound : bound - 1);
                users.push_back(bound == most ? bound : bound + 1);
            }
        }
        while (users.size() < 200) {
            users.push_back(static_cast<std::int64_t>(random() >> (random() % 64)));
        }
        for (const std::int64_t user : users) {
            const auto found = map.find(UserId(user));
            ASSERT_EQ(found, slow_find(entries, user)) << "user " << user << " after " << lookups;
            hits += found ? 1 : 0;
        }
        for (std::size_t i = 1; i < users.size(); i += 7) {
            ASSERT_EQ(starts_of(map.overlapping(users[i - 1], users[i])),
                      slow_overlapping(entries, users[i - 1], users[i]))
                << users[i - 1] << " to " << users[i];
        }
        lookups += users.size();
    }
    // Neither all nor none: the generator reaches both sides.
    EXPECT_GT(hits, lookups / 10);
    EXPECT_LT(hits, lookups * 9 / 10);
}

TEST(RangeMap, HoldsFromAndNotTo) {
    const RangeMap map({{30, 60, ShardIndex(1)}, {0, 30, ShardIndex(0)}, {100, most, ShardIndex(2)}}, 3);
    EXPECT_EQ(map.epoch(), 3U);
    EXPECT_EQ(map.find(UserId(-1)), std::nullopt);
    EXPECT_EQ(map.find(UserId(0)), ShardIndex(0));
    EXPECT_EQ(map.find(UserId(29)), ShardIndex(0));
    EXPECT_EQ(map.find(UserId(30)), ShardIndex(1));
    EXPECT_EQ(map.find(UserId(60)), std::nullopt);
    EXPECT_EQ(map.find(UserId(99)), std::nullopt);
    EXPECT_EQ(map.find(UserId(most - 1)), ShardIndex(2));
    EXPECT_EQ(map.find(UserId(most)), std::nullopt);
    EXPECT_EQ(map.find(UserId(least)), std::nullopt);
}

TEST(RangeMap, ListsOverlappingEntriesInOrder) {
    const RangeMap map({{30, 60, ShardIndex(1)}, {0, 30, ShardIndex(0)}, {100, 200, ShardIndex(2)}}, 1);
    EXPECT_EQ(starts_of(map.overlapping(0, 30)), (std::vector<std::int64_t>{0}));
    EXPECT_EQ(starts_of(map.overlapping(29, 31)), (std::vector<std::int64_t>{0, 30}));
    EXPECT_EQ(starts_of(map.overlapping(60, 100)), (std::vector<std::int64_t>{}));
    EXPECT_EQ(starts_of(map.overlapping(59, 101)), (std::vector<std::int64_t>{30, 100}));
    EXPECT_EQ(starts_of(map.overlapping(least, most)), (std::vector<std::int64_t>{0, 30, 100}));
    EXPECT_TRUE(map.overlapping(20, 20).empty());
    EXPECT_TRUE(map.overlapping(40, 10).empty());
}

TEST(RangeMap, IsEmptyByDefault) {
    const RangeMap map;
    EXPECT_EQ(map.find(UserId(0)), std::nullopt);
    EXPECT_TRUE(map.overlapping(least, most).empty());
    EXPECT_EQ(map.epoch(), 0U);
}

TEST(RangeMap, TakesTheRangesOfATopology) {
    Topology topology;
    topology.shards.resize(2);
    topology.shards[0].ranges = {{0, 10}, {20, 30}};
    topology.shards[1].ranges = {{10, 20}};
    const RangeMap map = RangeMap::of(topology);
    EXPECT_EQ(map.epoch(), 1U);
    EXPECT_EQ(map.entries().size(), 3U);
    EXPECT_EQ(map.find(UserId(15)), ShardIndex(1));
    EXPECT_EQ(map.find(UserId(25)), ShardIndex(0));
}

TEST(RangeMapDeathTest, RefusesEntriesThatOverlap) {
    const Entries overlapping{{0, 10, ShardIndex(0)}, {9, 20, ShardIndex(1)}};
    EXPECT_DEATH(RangeMap(overlapping, 1), "");
    const Entries empty{{5, 5, ShardIndex(0)}};
    EXPECT_DEATH(RangeMap(empty, 1), "");
}

}  // namespace
}  // namespace domicile::topology

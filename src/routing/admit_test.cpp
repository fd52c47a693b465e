#include "routing/admit.hpp"

#include <map>
#include <set>

#include <gtest/gtest.h>

namespace domicile::routing {
namespace {

using base::Code;
using topology::RegionIndex;

/// eu: [0, 100) and [100, 200); uk: [1000, 1100), closed; us: [2000, 2100). Germans are at home in eu, the
/// rest in uk.
topology::Topology sample() {
    topology::Topology made;
    made.jurisdictions = {{"eu", "", {"DE"}, false}, {"uk", "", {"GB"}, true}, {"us", "", {"US"}, false}};
    for (std::uint16_t i = 0; i < 3; ++i) {
        made.regions.push_back({made.jurisdictions[i].name + "-1", JurisdictionIndex{i}, true, {}, {}});
    }
    const auto shard = [&](std::string name, std::uint16_t jurisdiction, std::int64_t from, std::int64_t to,
                           bool open) {
        made.shards.push_back({std::move(name),
                               JurisdictionIndex{jurisdiction},
                               {{from, to}},
                               open,
                               RegionIndex{jurisdiction},
                               {},
                               {}});
    };
    shard("eu-1", 0, 0, 100, true);
    shard("eu-2", 0, 100, 200, true);
    shard("uk-1", 1, 1000, 1100, false);
    shard("us-1", 2, 2000, 2100, true);
    topology::Table users;
    users.name = "users";
    users.key = "user_id";
    users.person = true;
    users.country = "country";
    made.tables.push_back(users);
    made.central = topology::Central{RegionIndex{0}, {}};
    made.map_epoch = 7;
    return made;
}

class Admit : public testing::Test {
  protected:
    std::expected<Plan, Refusal> ask(Verb verb, Values values, std::uint16_t gateway,
                                     std::uint16_t principal) {
        return admit({verb, &topology_.tables[0]}, values, {JurisdictionIndex{principal}},
                     {topology_, map_, JurisdictionIndex{gateway}});
    }
    topology::Topology topology_ = sample();
    topology::RangeMap map_ = topology::RangeMap::of(topology_);
};

TEST_F(Admit, GivesTheOneShardOfAnIdOrARefusalThatNamesItsRule) {
    struct Row {
        std::int64_t user;
        std::uint16_t gateway;
        std::optional<std::uint16_t> shard;
        Code code;
        std::string_view rule;
    };
    const Row rows[] = {
        {0, 0, 0, {}, {}},
        {99, 0, 0, {}, {}},
        {100, 0, 1, {}, {}},
        {199, 0, 1, {}, {}},
        {1000, 1, 2, {}, {}},
        {2099, 2, 3, {}, {}},
        // outside every range: never a neighbour, never all shards
        {200, 0, {}, Code::no_range, rules::outside_ranges},
        {-1, 0, {}, Code::no_range, rules::outside_ranges},
        {2100, 2, {}, Code::no_range, rules::outside_ranges},
        {std::numeric_limits<std::int64_t>::max(), 0, {}, Code::no_range, rules::outside_ranges},
        {std::numeric_limits<std::int64_t>::min(), 0, {}, Code::no_range, rules::outside_ranges},
        // home abroad
        {1000, 0, {}, Code::foreign_home, rules::home_by_id},
        {2000, 0, {}, Code::foreign_home, rules::home_by_id},
        {0, 2, {}, Code::foreign_home, rules::home_by_id},
    };
    for (const Row& row : rows) {
        for (const Verb verb : {Verb::read, Verb::write}) {
            Values values;
            values.user = UserId{row.user};
            const auto plan = ask(verb, values, row.gateway, row.gateway);
            ASSERT_EQ(plan.has_value(), row.shard.has_value()) << row.user << " at " << row.gateway;
            if (row.shard) {
                EXPECT_EQ(plan->shard().value, *row.shard);
                EXPECT_EQ(plan->jurisdiction().value, row.gateway);
                EXPECT_EQ(plan->access(), verb == Verb::read ? Access::reader : Access::writer);
                EXPECT_EQ(plan->epoch(), 7U);
            } else {
                EXPECT_EQ(plan.error().error.code, row.code);
                EXPECT_EQ(plan.error().error.rule, row.rule);
                EXPECT_EQ(plan.error().home.has_value(), row.code == Code::foreign_home);
            }
        }
    }
}

TEST_F(Admit, RefusesEqualWordsForEveryForeignPerson) {
    Values one;
    one.user = UserId{2000};
    Values other;
    other.user = UserId{2099};
    const auto a = ask(Verb::read, one, 0, 0);
    const auto b = ask(Verb::write, other, 0, 0);
    EXPECT_EQ(a.error().error.text, b.error().error.text);
    EXPECT_EQ(a.error().error.hint, b.error().error.hint);
    EXPECT_EQ(a.error().error.text.find("2000"), std::string::npos);
}

TEST_F(Admit, RefusesAPrincipalFromAbroad) {
    Values values;
    values.user = UserId{5};
    const auto plan = ask(Verb::read, values, 0, 2);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().error.rule, rules::principal_abroad);
}

TEST_F(Admit, CreatesAtHomeOnly) {
    struct Row {
        std::string_view country;
        std::uint16_t gateway;
        std::optional<Code> refused;
    };
    const Row rows[] = {
        {"DE", 0, {}},
        {"de", 0, {}},
        {"", 0, {}},
        {"GB", 0, Code::foreign_country},
        {"BR", 0, Code::foreign_country},  // the rest of the world is at home in uk
        {"DE", 2, Code::foreign_country},
        {"GB", 1, Code::range_full},  // home, but no range is open
        {"BR", 1, Code::range_full},
    };
    for (const Row& row : rows) {
        Values values;
        values.country = row.country;
        const auto plan = ask(Verb::create, values, row.gateway, row.gateway);
        ASSERT_EQ(plan.has_value(), !row.refused) << row.country << " at " << row.gateway;
        if (row.refused) {
            EXPECT_EQ(plan.error().error.code, *row.refused);
        }
    }
}

TEST_F(Admit, SpreadsNewPeopleEvenlyAndRepeatably) {
    std::map<std::uint16_t, int> counts;
    for (std::uint64_t spread = 0; spread < 10'000; ++spread) {
        Values values;
        values.spread = spread;
        const auto plan = ask(Verb::create, values, 0, 0);
        ASSERT_TRUE(plan);
        ++counts[plan->shard().value];
        EXPECT_EQ(ask(Verb::create, values, 0, 0)->shard(), plan->shard());
        // When that shard is full, the other one; then none.
        values.attempt = 1;
        EXPECT_NE(ask(Verb::create, values, 0, 0)->shard(), plan->shard());
        values.attempt = 2;
        EXPECT_EQ(ask(Verb::create, values, 0, 0).error().error.code, Code::range_full);
    }
    ASSERT_EQ(counts.size(), 2U);
    EXPECT_NEAR(counts[0], 5'000, 300);
}

TEST_F(Admit, UpkeepStaysInTheOwnJurisdiction) {
    EXPECT_TRUE(admit_upkeep(topology_, ShardIndex{1}, JurisdictionIndex{0}));
    EXPECT_FALSE(admit_upkeep(topology_, ShardIndex{3}, JurisdictionIndex{0}));
    EXPECT_EQ(admit_central(topology_).shard().value, topology_.shards.size());
}

}  // namespace
}  // namespace domicile::routing

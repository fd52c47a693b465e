#include "mesh/known_map.hpp"

#include <gtest/gtest.h>

namespace domicile::mesh {
namespace {

/// Two homes: eu has two shards, uk one.
topology::Topology two_homes() {
    topology::Topology world;
    world.jurisdictions = {{.name = "eu", .law = {}, .countries = {}},
                           {.name = "uk", .law = {}, .countries = {}}};
    const auto shard = [&](const char* name, std::uint16_t home, topology::KeyRange range) {
        topology::Shard one;
        one.name = name;
        one.jurisdiction = base::JurisdictionIndex(home);
        one.ranges = {range};
        world.shards.push_back(one);
    };
    shard("eu-1", 0, {0, 100});
    shard("eu-2", 0, {100, 200});
    shard("uk-1", 1, {500, 600});
    return world;
}

constexpr base::JurisdictionIndex eu(0);
constexpr base::JurisdictionIndex uk(1);

TEST(KnownMap, TextComesBack) {
    const auto world = two_homes();
    const auto known = declared(world);
    const auto text = map_text(world, known);
    EXPECT_EQ(text, "home eu 1\neu-1 0-100\neu-2 100-200\nhome uk 1\nuk-1 500-600\n");
    const auto back = parse_map(world, text);
    ASSERT_TRUE(back) << base::describe(back.error());
    EXPECT_EQ(*back, known);
}

TEST(KnownMap, EverythingElseIsRefused) {
    const auto world = two_homes();
    const std::string good = map_text(world, declared(world));
    for (std::size_t cut = 0; cut < good.size(); ++cut) {
        EXPECT_FALSE(parse_map(world, good.substr(0, cut))) << cut;
    }
    for (const char* bad : {
             "home eu 0\neu-1 0-100\neu-2 100-200\nhome uk 1\nuk-1 500-600\n",   // no epoch
             "home eu 1\neu-1 0-100\neu-2 99-200\nhome uk 1\nuk-1 500-600\n",    // overlap
             "home eu 1\neu-1 100-0\neu-2 100-200\nhome uk 1\nuk-1 500-600\n",   // backwards
             "home eu 1\neu-1 -5-100\neu-2 100-200\nhome uk 1\nuk-1 500-600\n",  // below zero
             "home eu 1\neu-1 0-100,\neu-2 100-200\nhome uk 1\nuk-1 500-600\n",  // a comma and nothing
             "home eu 1\neu-2 100-200\neu-1 0-100\nhome uk 1\nuk-1 500-600\n",   // another order
             "home eu 99999999999\neu-1 0-100\neu-2 100-200\nhome uk 1\nuk-1 500-600\n",
             "home eu 1\neu-1 0-99999999999999999999\neu-2 100-200\nhome uk 1\nuk-1 500-600\n",
         }) {
        EXPECT_FALSE(parse_map(world, bad)) << bad;
    }
    EXPECT_FALSE(parse_map(world, good + "x"));
    EXPECT_TRUE(parse_map(world, "home eu 1\neu-1 \neu-2 100-200\nhome uk 1\nuk-1 500-600,700-800\n"));
}

TEST(KnownMap, EachHomeIsBelievedAboutItself) {
    const auto world = two_homes();
    const auto own = declared(world);
    struct Case {
        const char* what;
        const char* theirs;
        std::optional<base::JurisdictionIndex> from;
        const char* learned;  ///< null: nothing; "!": an error
    };
    constexpr const char* moved = "home eu 2\neu-1 0-150\neu-2 150-200\nhome uk 1\nuk-1 500-600\n";
    constexpr const char* uk_says_eu_too = "home eu 9\neu-1 0-1\neu-2 150-200\nhome uk 2\nuk-1 500-700\n";
    const Case cases[] = {
        {"the same", "home eu 1\neu-1 0-100\neu-2 100-200\nhome uk 1\nuk-1 500-600\n", eu, nullptr},
        {"a move inside a home", moved, eu, moved},
        {"the same from abroad", moved, uk, nullptr},
        {"one's own file", moved, std::nullopt, moved},
        {"abroad speaks for itself only", uk_says_eu_too, uk,
         "home eu 1\neu-1 0-100\neu-2 100-200\nhome uk 2\nuk-1 500-700\n"},
        {"an older one", "home eu 1\neu-1 0-1\neu-2 100-200\nhome uk 1\nuk-1 500-600\n", uk, nullptr},
        {"one epoch, two maps", "home eu 1\neu-1 0-50\neu-2 100-200\nhome uk 1\nuk-1 500-600\n", eu, "!"},
        {"ids of another home", "home eu 1\neu-1 0-50\neu-2 100-200\nhome uk 2\nuk-1 50-100,500-600\n", uk,
         "!"},
        {"new ids", "home eu 2\neu-1 0-100,300-400\neu-2 100-200\nhome uk 1\nuk-1 500-600\n", eu,
         "home eu 2\neu-1 0-100,300-400\neu-2 100-200\nhome uk 1\nuk-1 500-600\n"},
    };
    for (const auto& [what, theirs, from, learned] : cases) {
        const auto parsed = parse_map(world, theirs);
        ASSERT_TRUE(parsed) << what;
        const auto result = learn(world, own, *parsed, from);
        if (learned != nullptr && std::string_view(learned) == "!") {
            EXPECT_FALSE(result) << what;
            continue;
        }
        ASSERT_TRUE(result) << what << ": " << base::describe(result.error());
        EXPECT_EQ(*result ? map_text(world, **result) : "", learned == nullptr ? "" : learned) << what;
    }
}

}  // namespace
}  // namespace domicile::mesh

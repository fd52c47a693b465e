#include "mesh/routes.hpp"

#include "topology/parse.hpp"

#include <gtest/gtest.h>

namespace domicile::mesh {
namespace {

topology::Topology sample() {
    const auto parsed = topology::parse(R"toml(
name = "shop"
[database]
name = "shop"
migrations = "schema"
[jurisdictions.eu]
countries = ["DE"]
[jurisdictions.uk]
rest_of_world = true
[regions.eu-a]
jurisdiction = "eu"
writer = true
http = "127.0.0.1:8101"
sql = "127.0.0.1:7101"
mesh = "10.0.1.1:7901"
[regions.eu-b]
jurisdiction = "eu"
http = "127.0.0.1:8102"
sql = "127.0.0.1:7102"
mesh = "10.0.2.1:7901"
[regions.uk-a]
jurisdiction = "uk"
writer = true
http = "127.0.0.1:8103"
sql = "127.0.0.1:7103"
mesh = "10.0.3.1:7901"
[shards.eu-1]
ranges = [[0, 100]]
writer = "eu-a"
readers = ["eu-b"]
[shards.uk-1]
ranges = [[100, 200]]
writer = "uk-a"
[central]
region = "eu-a"
[embedded]
first_port = 7500
[mesh]
first_port = 7950
[tables.users]
key = "user_id"
person = true
)toml");
    EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : topology::render(parsed.findings[0], "x"));
    return parsed.topology;
}

TEST(Routes, NodesWithinAJurisdictionMapsEverywhere) {
    const auto topology = sample();
    const RegionIndex a(0);
    const RegionIndex b(1);
    const RegionIndex uk(2);
    EXPECT_TRUE(may_flow(topology, a, b, Flow::node));
    EXPECT_TRUE(may_flow(topology, b, a, Flow::node));
    EXPECT_FALSE(may_flow(topology, a, uk, Flow::node));
    EXPECT_FALSE(may_flow(topology, uk, b, Flow::node));
    EXPECT_TRUE(may_flow(topology, uk, b, Flow::map));
    EXPECT_FALSE(may_flow(topology, a, a, Flow::node));
    EXPECT_EQ(routes(topology).size(), 2U + 6U + 6U + 2U);
}

TEST(Routes, AnAnswerNeedsTheNodeHereAndOfTheAskersJurisdiction) {
    const auto topology = sample();
    const auto node = [&](std::string_view name) {
        for (std::uint16_t i = 0; i < topology.nodes.size(); ++i) {
            if (topology.nodes[i].name == name) {
                return Ask{Flow::node, NodeIndex(i)};
            }
        }
        return Ask{};
    };
    EXPECT_TRUE(may_answer(topology, RegionIndex(1), RegionIndex(0), node("eu-1.eu-a.w")));
    EXPECT_FALSE(may_answer(topology, RegionIndex(2), RegionIndex(0), node("eu-1.eu-a.w"))) << "from abroad";
    EXPECT_FALSE(may_answer(topology, RegionIndex(1), RegionIndex(0), node("eu-1.eu-b.r1"))) << "elsewhere";
    EXPECT_FALSE(may_answer(topology, RegionIndex(1), RegionIndex(0), node("central"))) << "nobody's home";
    EXPECT_FALSE(may_answer(topology, RegionIndex(1), RegionIndex(0), {Flow::node, std::nullopt}));
}

TEST(Routes, NamesAndLinesReadBack) {
    const auto topology = sample();
    EXPECT_EQ(certificate_name(topology, RegionIndex(1)), "eu-b.eu.shop.mesh");
    EXPECT_EQ(region_of(topology, "eu-b.eu.shop.mesh"), RegionIndex(1));
    EXPECT_FALSE(region_of(topology, "eu-b.uk.shop.mesh"));
    EXPECT_FALSE(region_of(topology, "eu-b.eu.other.mesh"));
    const auto line = ask_line(topology, {Flow::node, NodeIndex(0)});
    EXPECT_EQ(line, "DOMICILE/1 node eu-1.eu-a.w\n");
    const auto read = parse_ask(topology, line.substr(0, line.size() - 1));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->node, NodeIndex(0));
    for (const auto* bad : {"", "GET / HTTP/1.1", "DOMICILE/1 ", "DOMICILE/1 node", "DOMICILE/1 node nobody",
                            "DOMICILE/2 map", "DOMICILE/1 map ", "DOMICILE/1 mapx"}) {
        EXPECT_FALSE(parse_ask(topology, bad)) << bad;
    }
}

TEST(Routes, RelaysStandBetweenRegionsOnly) {
    const auto topology = sample();
    const auto writer = topology.nodes[0].address;
    EXPECT_EQ(topology.reach(RegionIndex(0), NodeIndex(0)), writer) << "at home: directly";
    const auto relay = topology.reach(RegionIndex(1), NodeIndex(0));
    EXPECT_EQ(relay.host, "127.0.0.1");
    EXPECT_EQ(relay.port, 7950 + 1 * 4 + 0);
}

}  // namespace
}  // namespace domicile::mesh

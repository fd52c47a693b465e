#include "fleet/status.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace domicile::fleet {
namespace {
namespace json = boost::json;

StatusReport sample() {
    StatusReport report;
    report.name = "retail";
    report.state_directory = "/var/lib/domicile/retail-1";
    report.supervisor = 4711;
    report.ready = true;
    report.regions.push_back({.name = "eu-west-1",
                              .jurisdiction = "eu",
                              .writer = true,
                              .http = "http://127.0.0.1:8101",
                              .sql = "postgresql://127.0.0.1:7101/retail",
                              .state = "ready",
                              .pid = 12});
    ShardStatus shard;
    shard.name = "eu-1";
    shard.jurisdiction = "eu";
    shard.ranges = {{0, 30'000}};
    shard.writer = {.name = "eu-1.eu-west-1.w",
                    .region = "eu-west-1",
                    .address = "127.0.0.1:7500",
                    .state = "ready",
                    .pid = 13,
                    .lag_bytes = {},
                    .lag_ms = {}};
    shard.readers.push_back({.name = "eu-1.eu-central-1.r",
                             .region = "eu-central-1",
                             .address = "127.0.0.1:7501",
                             .state = "streaming",
                             .pid = 14,
                             .lag_bytes = 120,
                             .lag_ms = 3});
    shard.tables = {{.name = "users", .rows = 7}, {.name = "lines", .rows = 2'000'000, .estimated = true}};
    report.shards.push_back(shard);
    return report;
}

TEST(StatusTable, ShowsEveryPartWithoutTrailingBlanks) {
    EXPECT_EQ(render_table(sample()),
              "retail: up, supervisor pid 4711\n"
              "state in /var/lib/domicile/retail-1\n"
              "\n"
              "regions\n"
              "  eu-west-1  eu writer  ready  http://127.0.0.1:8101  postgresql://127.0.0.1:7101/retail\n"
              "\n"
              "shards\n"
              "  eu-1  eu  [0, 30000)  open  users 7, lines ~2000000\n"
              "\n"
              "nodes\n"
              "  eu-1.eu-west-1.w     writer  ready      127.0.0.1:7500\n"
              "  eu-1.eu-central-1.r  reader  streaming  127.0.0.1:7501  120 bytes, 3 ms behind\n");
}

TEST(StatusTable, SaysWhenNoSupervisorLives) {
    StatusReport report = sample();
    report.supervisor.reset();
    report.ready = false;
    EXPECT_TRUE(render_table(report).starts_with("retail: no supervisor\n"));
    report.supervisor = 1;
    EXPECT_TRUE(render_table(report).starts_with("retail: starting or stopping, supervisor pid 1\n"));
}

TEST(StatusJson, HasTheShapeThatProgramsRead) {
    const auto value = json::parse(render_json(sample()));
    const auto& region = value.at("regions").at(0);
    EXPECT_EQ(region.at("http").as_string(), "http://127.0.0.1:8101");
    EXPECT_EQ(region.at("sql").as_string(), "postgresql://127.0.0.1:7101/retail");
    const auto& shard = value.at("shards").at(0);
    EXPECT_EQ(json::serialize(shard.at("ranges")), "[[0,30000]]");
    EXPECT_EQ(shard.at("writer").at("address").as_string(), "127.0.0.1:7500");
    EXPECT_EQ(shard.at("readers").at(0).at("lag_bytes").as_int64(), 120);
    EXPECT_TRUE(shard.at("tables").at(1).at("estimated").as_bool());
    EXPECT_EQ(value.at("supervisor").as_int64(), 4711);
    EXPECT_FALSE(value.as_object().contains("central"));
}

}  // namespace
}  // namespace domicile::fleet

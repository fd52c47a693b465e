#include "fleet/conf.hpp"
#include "fleet/migrate.hpp"
#include "fleet/secrets.hpp"
#include "fleet/shard_sql.hpp"
#include "fleet/text.hpp"

#include <regex>
#include <set>

#include <gtest/gtest.h>

namespace domicile::fleet {
namespace {

using base::JurisdictionIndex;
using base::NodeIndex;
using base::RegionIndex;
using base::ShardIndex;

topology::Topology sample() {
    topology::Topology topology;
    topology.name = "shop";
    topology.database = {.name = "retail", .migrations = "schema"};
    topology.jurisdictions.push_back({.name = "eu", .law = "", .countries = {"DE"}});
    topology.regions.push_back({.name = "eu-west-1",
                                .jurisdiction = JurisdictionIndex(0),
                                .writer = true,
                                .http = {"127.0.0.1", 8101},
                                .sql = {"127.0.0.1", 7101}});
    topology::Shard shard;
    shard.name = "eu-1";
    shard.ranges = {{0, 30'000}, {60'000, 90'000}};
    shard.nodes = {NodeIndex(0), NodeIndex(1)};
    topology.shards.push_back(shard);
    topology.nodes.push_back({.name = "eu-1.eu-west-1.w",
                              .shard = ShardIndex(0),
                              .region = RegionIndex(0),
                              .address = {"127.0.0.1", 7500},
                              .writer = true});
    topology.nodes.push_back({.name = "eu-1.eu-west-1.r",
                              .shard = ShardIndex(0),
                              .region = RegionIndex(0),
                              .address = {"127.0.0.1", 7501}});
    topology::Table users;
    users.name = "users";
    users.key = "user_id";
    users.person = true;
    users.personal = {{"email", topology::Erasure::set_null}};
    topology::Table orders;
    orders.name = "orders";
    orders.key = "buyer";
    topology::Table countries;
    countries.name = "countries";
    countries.kind = topology::TableKind::reference;
    topology::Table elsewhere;
    elsewhere.name = "elsewhere";
    elsewhere.kind = topology::TableKind::single;
    elsewhere.shard = ShardIndex(7);
    topology.tables = {users, orders, countries, elsewhere};
    return topology;
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(Sql, QuotesWhateverItIsGiven) {
    EXPECT_EQ(conf_value("it's \\ here"), "'it''s \\\\ here'");
}

TEST(ShardSql, FencesEveryShardedTableByItsOwnKeyAndNoOther) {
    const auto sql = shard_sql(sample(), ShardIndex(0));
    EXPECT_TRUE(
        has(sql, R"(ALTER TABLE public."users" ADD CONSTRAINT domicile_range CHECK (("user_id" >= 0 AND)"));
    EXPECT_TRUE(has(
        sql,
        R"(ALTER TABLE public."orders" ADD CONSTRAINT domicile_range CHECK (("buyer" >= 0 AND "buyer" < 30000) OR)"));
    EXPECT_FALSE(has(sql, R"(ALTER TABLE public."countries" ADD)"));
    EXPECT_FALSE(has(sql, "elsewhere")) << "it lives on another shard";
    std::smatch place;
    EXPECT_FALSE(std::regex_search(sql, place, std::regex(R"(\{[a-z_]+\})")))
        << "not filled: " << place.str();
}

TEST(ShardSql, GivesEachRangeASequenceThatEndsWithIt) {
    const auto sql = shard_sql(sample(), ShardIndex(0));
    EXPECT_TRUE(has(
        sql,
        R"(CREATE SEQUENCE domicile."user_id_0" AS bigint MINVALUE 0 MAXVALUE 29999 START WITH 0 NO CYCLE)"));
    EXPECT_TRUE(
        has(sql, R"(CREATE SEQUENCE domicile."user_id_60000" AS bigint MINVALUE 60000 MAXVALUE 89999)"));
    EXPECT_TRUE(has(sql, R"(GRANT USAGE ON SEQUENCE domicile."user_id_0" TO domicile_gateway)"));
}

TEST(ShardSql, GrantsTheGatewayRowsAndNothingElse) {
    const auto sql = shard_sql(sample(), ShardIndex(0));
    EXPECT_TRUE(has(
        sql,
        R"(GRANT SELECT, INSERT, UPDATE, DELETE ON "users", "orders", "countries" TO domicile_gateway;)"));
    for (const auto* forbidden : {"GRANT TRUNCATE", ", TRUNCATE", "GRANT REFERENCES", ", REFERENCES",
                                  "GRANT TRIGGER", ", TRIGGER", "GRANT ALL", "GRANT CREATE"}) {
        EXPECT_FALSE(has(sql, forbidden)) << forbidden;
    }
}

TEST(ShardSql, KeepsPersonalColumnsOutOfThePlannersStatistics) {
    EXPECT_TRUE(has(shard_sql(sample(), ShardIndex(0)),
                    R"(ALTER TABLE public."users" ALTER COLUMN "email" SET STATISTICS 0)"));
    EXPECT_TRUE(has(personal_statistics_sql(sample(), ShardIndex(0)), "a.attname = 'email'"));
}

TEST(RolesSql, CarriesVerifiersNeverPasswords) {
    const base::Secret<std::string> password("very-secret");
    const std::vector<RoleVerifier> verifiers = {
        {roles::gateway, std::string(roles::gateway), scram_verifier(password)}};
    const auto sql = roles_sql(verifiers);
    EXPECT_TRUE(has(sql, "SCRAM-SHA-256$4096:"));
    EXPECT_FALSE(has(sql, "very-secret"));
    EXPECT_TRUE(has(sql, "NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION"));
}

TEST(PostgresConf, KeepsRowValuesOutOfTheLogWhateverTheTopologySays) {
    auto topology = sample();
    topology.embedded.settings = {{"log_statement", "all"}, {"work_mem", "8MB"}};
    const auto conf = postgres_conf(topology, topology.nodes[0], nullptr);
    EXPECT_GT(conf.rfind("log_statement = 'none'"), conf.rfind("log_statement = 'all'"));
    EXPECT_TRUE(has(conf, "work_mem = '8MB'"));
    for (const auto* line :
         {"log_error_verbosity = 'terse'", "log_min_messages = 'log'", "log_min_error_statement = 'panic'",
          "log_parameter_max_length_on_error = '0'"}) {
        EXPECT_TRUE(has(conf, line)) << line;
    }
}

TEST(PostgresConf, TurnsSyncOffOnlyWhereItIsSaid) {
    auto topology = sample();
    EXPECT_FALSE(has(postgres_conf(topology, topology.nodes[0], nullptr), "fsync"));
    topology.embedded.durable = false;
    EXPECT_TRUE(has(postgres_conf(topology, topology.nodes[0], nullptr), "fsync = 'off'"));
}

TEST(PostgresConf, PointsAReaderToItsWriterByFileNotByPassword) {
    const auto topology = sample();
    const Upstream upstream{.writer = topology.nodes[0].address,
                            .slot = "s",
                            .application = "eu-1.eu-west-1.r",
                            .passfile = "/it's/here"};
    const auto conf = postgres_conf(topology, topology.nodes[1], &upstream);
    EXPECT_TRUE(has(conf, "port=7500"));
    EXPECT_TRUE(has(conf, "passfile=''/it\\\\''s/here''")) << conf;
    EXPECT_FALSE(has(conf, "password="));
    EXPECT_FALSE(has(postgres_conf(topology, topology.nodes[0], nullptr), "primary_conninfo"));
}

TEST(HbaConf, LetsInOurRolesOverLoopbackOnly) {
    const auto topology = sample();
    const auto conf = hba_conf(topology, topology.nodes[0]);
    EXPECT_TRUE(
        has(conf, "host \"retail\" domicile_gateway,domicile_gateway_b 127.0.0.1/32 scram-sha-256\n"));
    EXPECT_TRUE(has(conf, "host postgres,\"retail\" postgres,postgres_b ::1/128 scram-sha-256\n"));
    EXPECT_FALSE(has(conf, "trust"));
    EXPECT_FALSE(has(conf, "samehost"));
    EXPECT_TRUE(conf.ends_with("local all all reject\n"));
}

TEST(SlotName, IsValidAndUnlikeOthers) {
    std::set<std::string> names;
    for (const std::string& node : {std::string("a-1.b.r"), std::string("a.1-b.r"), std::string(200, 'x'),
                                    std::string(199, 'x'), std::string("EU:5432")}) {
        const auto name = slot_name(node);
        EXPECT_LE(name.size(), 63U);
        EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos);
        names.insert(name);
    }
    EXPECT_EQ(names.size(), 5U);
    EXPECT_EQ(application_name("eu-1.eu-west-1.r"), "eu-1.eu-west-1.r");
    EXPECT_LE(application_name(std::string(130, 'x')).size(), 63U);
}

struct OrderCase {
    std::vector<std::string> names;
    std::string error;  // empty: fine
};

TEST(Migrations, RunInOrderWithoutGapOrDuplicate) {
    const std::vector<OrderCase> cases = {
        {{}, ""},
        {{"0002_b.sql", "0001_a.sql"}, ""},
        {{"0001_a.sql", "0003_c.sql"}, "app/0003_c.sql leaves a gap: number 2 is missing"},
        {{"0002_b.sql"}, "leaves a gap: number 1 is missing"},
        {{"0001_a.sql", "0001_b.sql"}, "app/0001_b.sql has the number of another one"},
        {{"0000_a.sql"}, "has the number of another one"},
        {{"1_a.sql"}, "has no number"},
        {{"0001-a.sql"}, "has no number"},
        {{"0001_a b.sql"}, "has no number"},
    };
    for (const auto& [names, error] : cases) {
        std::vector<SourceFile> files;
        for (const auto& name : names) {
            files.push_back({name, "SELECT 1"});
        }
        const auto result = ordered("app", files);
        EXPECT_EQ(result.has_value(), error.empty()) << testing::PrintToString(names);
        if (!result) {
            EXPECT_TRUE(has(result.error().text, error)) << result.error().text;
        } else if (!result->empty()) {
            EXPECT_EQ(result->front().name, "app/0001_a.sql");
        }
    }
}

TEST(Migrations, AreAppliedOnceAndNeverChange) {
    const auto all = *ordered("app", {{"0001_a.sql", "A"}, {"0002_b.sql", "B"}});
    const AppliedMigration first{all[0].name, all[0].sha256};
    const AppliedMigration second{all[1].name, all[1].sha256};
    const std::vector<AppliedMigration> none;
    EXPECT_EQ(pending(all, none)->size(), 2U);
    EXPECT_EQ(pending(all, std::vector{first})->front().name, "app/0002_b.sql");
    EXPECT_TRUE(pending(all, std::vector{first, second})->empty());
    const auto changed = pending(all, std::vector{AppliedMigration{"app/0001_a.sql", "other"}});
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().text, "migration app/0001_a.sql has changed since it was applied");
    const auto gone = pending(all, std::vector{first, AppliedMigration{"app/0003_c.sql", "x"}});
    ASSERT_FALSE(gone);
    EXPECT_TRUE(has(gone.error().text, "its file is gone"));
    EXPECT_FALSE(pending(all, std::vector{second})) << "the first was slipped in later";
}

TEST(Migrations, OfThePlatformAndTheApplicationCountApart) {
    auto all = *ordered("platform", {{"0001_p.sql", "P"}, {"0002_q.sql", "Q"}});
    const auto application = *ordered("app", {{"0001_a.sql", "A"}});
    all.insert(all.end(), application.begin(), application.end());
    const std::vector<AppliedMigration> applied = {{all[0].name, all[0].sha256},
                                                   {all[2].name, all[2].sha256}};
    const auto open = pending(all, applied);
    ASSERT_TRUE(open) << "a new platform migration comes although the application's are applied";
    EXPECT_EQ(open->front().name, "platform/0002_q.sql");
}

TEST(Migrations, OfThePlatformAreEmbedded) {
    EXPECT_TRUE(ordered("platform", platform_central_files()));
    const auto shard = ordered("platform", platform_shard_files());
    ASSERT_TRUE(shard);
    EXPECT_TRUE(has(shard->front().sql, "CREATE TABLE domicile.idempotency"));
}

}  // namespace
}  // namespace domicile::fleet

// Each check: a sound system has no finding of it, what it looks for brings one, and it goes with its cause.

#include "ops/advisor.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace domicile::ops {
namespace {

using topology::JurisdictionIndex;
using topology::NodeIndex;
using topology::RegionIndex;
using topology::ShardIndex;

/// A system about which there is nothing to say.
struct System {
    topology::Topology topology;
    RegionFacts facts;
    std::vector<PeerFacts> peers;
    std::vector<DatabaseEvidence> databases;
    std::map<std::string, std::pair<double, double>> lag_trend;
    std::shared_ptr<iam::PolicySet> policies;
    std::int64_t now_ms = 1'000'000;

    System() {
        topology.name = "t";
        topology.jurisdictions = {{"eu", "", {}}, {"uk", "", {}}};
        for (auto& one : topology.jurisdictions) {
            one.holidays = {"12-25"};
        }
        for (const auto& [name, home, writer] :
             {std::tuple{"eu-a", 0, true}, {"eu-b", 0, false}, {"uk-a", 1, true}, {"uk-b", 1, false}}) {
            topology::Region region{name,
                                    JurisdictionIndex(static_cast<std::uint16_t>(home)),
                                    writer,
                                    {"127.0.0.1", 1},
                                    {"127.0.0.1", 2}};
            region.mesh = {"127.0.0.1", 3};
            topology.regions.push_back(region);
        }
        for (const char* name : {"eu-1", "eu-2"}) {
            topology::Shard shard;
            shard.name = name;
            shard.ranges = {{0, 1'000}};
            for (const auto region : {std::uint16_t{0}, std::uint16_t{1}}) {
                shard.nodes.push_back(NodeIndex(static_cast<std::uint16_t>(topology.nodes.size())));
                topology::Node node;
                node.name = std::string(name) + (region == 0 ? ".w" : ".r");
                node.region = RegionIndex(region);
                node.address = {"127.0.0.1", 5};
                node.writer = region == 0;
                topology.nodes.push_back(node);
            }
            topology.shards.push_back(shard);
        }
        topology.central = topology::Central{RegionIndex(0), NodeIndex(0)};
        topology::Table users;
        users.name = "users";
        users.key = "user_id";
        users.person = true;
        users.country = "country";
        users.purpose = "contract";
        users.retention = "10 years";
        users.retained_from = "left_at";
        users.personal = {{"email", topology::Erasure::set_null, "", "contact"}};
        topology.tables = {users};
        topology.privacy.strict = true;
        topology.privacy.backup_days = 35;
        topology.channels = {{"oncall"}};
        topology.identity.issuers = {{"i", "k", {}, {JurisdictionIndex(0)}, {}, {"ES256"}}};
        topology.alarms = topology::default_alarms();
        facts.region = "eu-a";
        facts.map_epoch = 1;
        const auto add = [&](const char* kind, const char* name, std::vector<Fact> values) {
            facts.resources.push_back(
                Resource{kind, name, "eu-a", "eu", {}, {}, State::ok, {}, std::move(values)});
        };
        add("gateway", "g", {{"cpu_percent", 20}, {"pool_waits_per_s", 0}});
        add("node", "n",
            {{"connections_max", 200},
             {"connections_percent", 5},
             {"cache_hit_percent", 99},
             {"slots_bytes", 0},
             {"prepared_transactions", 0},
             {"oldest_transaction_s", 0},
             {"frozen_age", 1'000},
             {"clock_skew_ms", 0}});
        add("shard", "eu-1",
            {{"people", 2'000}, {"range_used_percent", 10}, {"days_left", 25}, {"rewrites", 0}});
        add("shard", "eu-2", {{"people", 2'100}, {"range_used_percent", 10}});
        add("store", "s", {{"free_percent", 60}});
        add("queue", "figures", {{"waiting", 1}});
        add("secret", "x", {{"age_days", 3}, {"pending", 0}});
        add("certificate", "c", {{"days_left", 80}});
        peers = {{RegionIndex(1), true, true, 100, RegionFacts{}}};
        peers[0].facts->region = "eu-b";
        peers[0].facts->map_epoch = 1;
        for (const char* name : {"eu-1.w", "eu-2.w"}) {
            DatabaseEvidence one;
            one.node = name;
            one.writer = true;
            one.settings = {{"fsync", "on"},
                            {"full_page_writes", "on"},
                            {"synchronous_commit", "on"},
                            {"data_checksums", "on"},
                            {"autovacuum", "on"},
                            {"log_statement", "none"},
                            {"password_encryption", "scram-sha-256"},
                            {"archive_mode", "on"}};
            one.roles = {{"domicile", true, true, true, true}, {"domicile_gateway"}};
            one.indexes = {{"users", "users_pkey", 0, 10 << 20, true},
                           {"users", "users_country", 5, 10 << 20, false}};
            one.tables = {{"users", 2'000, 10, true}};
            one.statistics_age_s = 7 * 86'400;
            one.commits_per_s = 100;
            databases.push_back(std::move(one));
        }
        lag_trend = {{"eu-1.r", {20, 15}}};
        iam::Policies sound;
        policies = std::make_shared<iam::PolicySet>(std::move(sound));
    }

    [[nodiscard]] std::vector<Finding> advise() const {
        Evidence evidence{topology,       RegionIndex(0), facts,     peers,
                          policies.get(), databases,      lag_trend, {"domicile", "domicile_gateway"},
                          now_ms};
        return ops::advise(evidence);
    }
    [[nodiscard]] bool finds(std::string_view check) const {
        return std::ranges::any_of(advise(), [&](const Finding& one) { return one.check == check; });
    }
    Resource& resource(std::string_view kind) {
        return *std::ranges::find(facts.resources, kind, &Resource::kind);
    }
    void set(std::string_view kind, std::string_view fact, double value) { resource(kind).set(fact, value); }
    topology::Table& users() { return topology.tables[0]; }
};

struct Plant {
    const char* check;
    std::function<void(System&)> plant;
};

std::shared_ptr<iam::PolicySet> everybody_reads() {
    iam::Policies policies;
    auto parsed = iam::parse_policy(
        "wide",
        R"({"Version":"2012-10-17","Statement":[{"Sid":"all","Effect":"Allow","Action":"data:*","Resource":"*"}]})",
        iam::PolicyKind::identity, policies.keys);
    policies.roles["reader"].identity.push_back(*parsed.policy);
    // Who comes from abroad needs the table's own word, too.
    auto table = iam::parse_policy(
        "open",
        R"({"Version":"2012-10-17","Statement":[{"Sid":"all","Effect":"Allow","Principal":"*","Action":"data:*","Resource":"*"}]})",
        iam::PolicyKind::resource, policies.keys);
    policies.resources["table/users"].push_back(*table.policy);
    return std::make_shared<iam::PolicySet>(std::move(policies));
}

const std::vector<Plant>& plants() {
    static const std::vector<Plant> all = {
        {"secret-abroad",
         [](System& s) { s.topology.secrets = {{"k", {JurisdictionIndex(0), JurisdictionIndex(1)}}}; }},
        {"transfer-wide",
         [](System& s) {
             s.topology.transfers = {
                 {JurisdictionIndex(0), JurisdictionIndex(1), {}, {"data:Select"}, {"users"}, {}}};
         }},
        {"readers-abroad", [](System& s) { s.policies = everybody_reads(); }},
        {"table-without-erasure-rule", [](System& s) { s.users().personal.clear(); }},
        {"column-without-class", [](System& s) { s.users().personal[0].klass.clear(); }},
        {"table-without-retention", [](System& s) { s.users().retention.clear(); }},
        {"retention-idle",
         [](System& s) {
             s.topology.tables.push_back(s.users());
             s.topology.tables[1].person = false;
             s.topology.tables[1].retained_from.clear();
         }},
        {"table-without-purpose", [](System& s) { s.users().purpose.clear(); }},
        {"no-holidays", [](System& s) { s.topology.jurisdictions[0].holidays.clear(); }},
        {"privacy-not-strict", [](System& s) { s.topology.privacy.strict = false; }},
        {"home-unknown", [](System& s) { s.users().country.clear(); }},
        {"shard-without-reader", [](System& s) { s.topology.shards[0].nodes.pop_back(); }},
        {"reader-not-elsewhere", [](System& s) { s.topology.nodes[1].region = RegionIndex(0); }},
        {"one-region", [](System& s) { s.topology.regions[1].jurisdiction = JurisdictionIndex(1); }},
        {"no-backups", [](System& s) { s.topology.privacy.backup_days = 0; }},
        {"not-durable", [](System& s) { s.topology.embedded.durable = false; }},
        {"no-mesh", [](System& s) { s.topology.regions[0].mesh.port = 0; }},
        {"superuser-login", [](System& s) { s.topology.database.superuser_login = true; }},
        {"sql-without-tls", [](System& s) { s.topology.regions[0].sql.host = "10.0.0.1"; }},
        {"nodes-without-tls", [](System& s) { s.topology.nodes[0].address.host = "10.0.0.1"; }},
        {"local-vault", [](System& s) { s.topology.regions[2].http.host = "10.0.0.1"; }},
        {"issuer-any-algorithm", [](System& s) { s.topology.identity.issuers[0].algorithms.clear(); }},
        {"issuer-everywhere",
         [](System& s) { s.topology.identity.issuers[0].jurisdictions.push_back(JurisdictionIndex(1)); }},
        {"nobody-told", [](System& s) { s.topology.channels.clear(); }},
        {"alarm-off", [](System& s) { s.topology.alarms[0].off = true; }},
        {"maintenance-over", [](System& s) { s.topology.maintenance = {{"m", 1, 2}}; }},
        {"documents-to-nobody", [](System& s) { s.users().audited = {topology::RowEvent::inserted}; }},
        {"no-open-shard",
         [](System& s) {
             for (auto& shard : s.topology.shards) {
                 shard.open = false;
             }
         }},
        {"packages-long", [](System& s) { s.topology.privacy.package_days = 31; }},
        {"fsync-off", [](System& s) { s.databases[0].settings["fsync"] = "off"; }},
        {"full-page-writes-off", [](System& s) { s.databases[0].settings["full_page_writes"] = "off"; }},
        {"commit-not-waited-for", [](System& s) { s.databases[0].settings["synchronous_commit"] = "off"; }},
        {"no-checksums", [](System& s) { s.databases[0].settings["data_checksums"] = "off"; }},
        {"no-archive", [](System& s) { s.databases[0].settings["archive_mode"] = "off"; }},
        {"lag-trend", [](System& s) { s.lag_trend["eu-1.r"] = {900, 100}; }},
        {"slot-retains", [](System& s) { s.set("node", "slots_bytes", 2e9); }},
        {"strong-role", [](System& s) { s.databases[0].roles.push_back({"clerk", false, false, true}); }},
        {"statements-logged", [](System& s) { s.databases[0].settings["log_statement"] = "all"; }},
        {"old-password-hash", [](System& s) { s.databases[0].settings["password_encryption"] = "md5"; }},
        {"secret-not-rotated", [](System& s) { s.set("secret", "age_days", 61); }},
        {"rotation-unfinished", [](System& s) { s.set("secret", "pending", 1); }},
        {"certificate-soon", [](System& s) { s.set("certificate", "days_left", 12); }},
        {"unused-index", [](System& s) { s.databases[0].indexes[1].scans = 0; }},
        {"key-not-indexed", [](System& s) { s.databases[0].tables[0].key_first = false; }},
        {"dead-rows", [](System& s) { s.databases[0].tables[0].dead = 20'000; }},
        {"vacuum-off", [](System& s) { s.databases[0].settings["autovacuum"] = "off"; }},
        {"hot-shard", [](System& s) { s.databases[0].commits_per_s = 400; }},
        {"unbalanced-shards", [](System& s) { s.set("shard", "people", 9'000); }},
        {"cold-cache", [](System& s) { s.set("node", "cache_hit_percent", 80); }},
        {"pool-waits", [](System& s) { s.set("gateway", "pool_waits_per_s", 3); }},
        {"gateway-busy", [](System& s) { s.set("gateway", "cpu_percent", 95); }},
        {"transaction-long", [](System& s) { s.set("node", "oldest_transaction_s", 301); }},
        {"range-filling", [](System& s) { s.set("shard", "range_used_percent", 71); }},
        {"connections-near", [](System& s) { s.set("node", "connections_percent", 71); }},
        {"connections-cannot-fit", [](System& s) { s.topology.limits.node_connections_max = 500; }},
        {"freeze-late", [](System& s) { s.set("node", "frozen_age", 6e8); }},
        {"disk-filling", [](System& s) { s.set("store", "free_percent", 19); }},
        {"queue-grows", [](System& s) { s.set("queue", "waiting", 101); }},
        {"prepared-left", [](System& s) { s.set("node", "prepared_transactions", 11); }},
        {"clock-apart", [](System& s) { s.set("node", "clock_skew_ms", 600); }},
        {"map-differs", [](System& s) { s.peers[0].facts->map_epoch = 2; }},
        {"answer-soon", [](System& s) { s.set("shard", "days_left", 13); }},
        {"rewrites-wait", [](System& s) { s.set("shard", "rewrites", 1); }},
        {"copies-unreached",
         [](System& s) { s.databases[0].tables.push_back({"summary", 0, 0, true, true}); }},
        {"threads-idle",
         [](System& s) {
             s.topology.limits.gateway_threads = 4;
             s.set("gateway", "cpu_percent", 1);
         }},
    };
    return all;
}

TEST(Advisor, HasNothingToSayOfASoundSystem) {
    for (const auto& one : System().advise()) {
        ADD_FAILURE() << one.check << ": " << one.resource << ", " << one.evidence;
    }
}

TEST(Advisor, FindsWhatIsPlantedAndForgetsItWhenItIsGone) {
    for (const auto& [check, plant] : plants()) {
        System system;
        ASSERT_FALSE(system.finds(check)) << check;
        plant(system);
        const auto found = system.advise();
        const auto one = std::ranges::find(found, check, &Finding::check);
        ASSERT_NE(one, found.end()) << check;
        for (const auto* text : {&one->resource, &one->title, &one->evidence, &one->why, &one->command}) {
            EXPECT_FALSE(text->empty()) << check;
            EXPECT_EQ(text->find("{resource}"), std::string::npos);
        }
        EXPECT_EQ(one->jurisdiction, "eu");
    }
}

TEST(Advisor, HasAPlantForEachOfItsChecksAndAtLeastForty) {
    std::set<std::string> planted;
    for (const auto& one : plants()) {
        planted.insert(one.check);
    }
    std::set<std::string> checks;
    for (const auto& all : {declared_checks(), measured_checks()}) {
        for (const auto& one : all) {
            EXPECT_TRUE(checks.insert(std::string(one.id)).second) << one.id << " stands twice";
        }
    }
    EXPECT_EQ(checks, planted);
    EXPECT_GE(checks.size(), 40U);
}

TEST(Advisor, NamesAFindingTheSameAsLongAsItStands) {
    System system;
    system.set("node", "cache_hit_percent", 80);
    const auto before = system.advise().at(0);
    system.set("node", "cache_hit_percent", 70);
    const auto after = system.advise().at(0);
    EXPECT_EQ(before.id(), after.id());
    EXPECT_NE(before.evidence, after.evidence);
}

}  // namespace
}  // namespace domicile::ops

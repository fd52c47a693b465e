// Each alarm is provoked for real and goes when its cause goes; who is to be told is told once; a silence, a
// kill -9 of the worker and a region that falls silent are lived through; the advisor sees what is planted in
// a real database.

#include "fleet/context.hpp"
#include "fleet/node.hpp"
#include "fleet/unit.hpp"
#include "support/command.hpp"
#include "support/http_client.hpp"
#include "support/temp_fleet.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <iostream>
#include <set>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <boost/json.hpp>
#include <gtest/gtest.h>

extern char** environ;

namespace domicile {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace std::chrono_literals;
using test_support::run_command;
using test_support::run_domicile;
using test_support::TempFleet;

std::string read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Bounds so low that a test reaches them, periods so short that it need not wait.
std::string watched_topology(std::uint16_t web, std::uint16_t smtp, const fs::path& folder) {
    std::string text = test_support::small_topology();
    for (const char* region : {"eu-west-1", "eu-central-1", "eu-west-2"}) {
        const std::string head = "[regions." + std::string(region) + "]\n";
        text.insert(text.find(head) + head.size(), "mesh = \"127.0.0.1:@PORT@\"\n");
    }
    const auto inward = test_support::free_port_block(16);
    return text + R"toml(
audit = ["insert"]
personal.note = { erase = "null" }

[mesh]
first_port = )toml" +
           std::to_string(inward) + R"toml(

[institutions.eu-tax]
jurisdiction = "eu"
documents = ["orders"]
deliver = "https://127.0.0.1:9"
batch_s = 0

[notify.web]
webhook = "http://127.0.0.1:)toml" +
           std::to_string(web) + R"toml(/alarms"

[notify.post]
mail = "smtp://127.0.0.1:)toml" +
           std::to_string(smtp) + R"toml("
from = "domicile@example.org"
to = ["oncall@example.org"]

[notify.file]
command = ["/bin/sh", "-c", "cat >> ')toml" +
           (folder / "told").string() + R"toml('"]

[alarms.replica-lag]
above = 1000
for = "1 of 1"
every_s = 1
[alarms.outbox-lag]
above = 1000
for = "1 of 1"
[alarms.refusals-surge]
above = 2
for = "1 of 1"
every_s = 1
[alarms.connections-short]
above = 60
for = "1 of 1"
every_s = 1
[alarms.transaction-old]
above = 2
every_s = 1
[alarms.gateway-errors]
above = 0
for = "1 of 1"
every_s = 1
[alarms.logins-fail]
above = 0
for = "1 of 1"
every_s = 1
[alarms.secret-behind]
for = "1 of 1"
every_s = 1
[alarms.privacy-due]
every_s = 1
[alarms.range-full]
every_s = 1
[alarms.dispatch-late]
above = 1
for = "1 of 1"
every_s = 1
[alarms.worker-fails]
for = "1 of 1"
every_s = 1
[alarms.queue-dead]
every_s = 1
[alarms.queue-waiting]
above = 3
for = "1 of 1"
every_s = 1
[alarms.documents-lag]
above = 1000
for = "1 of 1"
[alarms.orders-stop]
fact = "shard.outbox_events"
above = 20
why = "Orders are not told."
[alarms.both-homes]
any_of = ["transaction-old"]
regions = 2
severity = "critical"
why = "Both."
)toml";
}

std::map<std::string, std::string> watched_migrations() {
    return {{"0001_small.sql", R"sql(
CREATE TABLE users (user_id bigint PRIMARY KEY, country text NOT NULL, name text);
CREATE TABLE orders (user_id bigint NOT NULL, order_no integer NOT NULL, note text, PRIMARY KEY (user_id, order_no));
)sql"}};
}

class Operations : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        told_ = fs::temp_directory_path() / ("domicile-told-" + std::to_string(::getpid()));
        fs::create_directories(told_);
        fs::permissions(told_, fs::perms::all);
        const auto ports = test_support::free_port_block(2);
        const auto web = std::to_string(ports);
        const auto smtp = std::to_string(ports + 1);
        const std::string script = DOMICILE_SOURCE_DIR "/tests/support/receivers.py";
        std::string words[] = {"python3", script, web, smtp, told_.string()};
        char* arguments[] = {words[0].data(), words[1].data(), words[2].data(),
                             words[3].data(), words[4].data(), nullptr};
        ASSERT_EQ(::posix_spawnp(&receivers_, "python3", nullptr, nullptr, arguments, environ), 0);
        fleet_ = new TempFleet(DOMICILE_BINARY,
                               watched_topology(ports, static_cast<std::uint16_t>(ports + 1), told_),
                               watched_migrations());
        const auto up = fleet_->start();
        ASSERT_TRUE(up) << base::describe(up.error()) << up.error().detail;
    }
    static void TearDownTestSuite() {
        delete fleet_;
        fleet_ = nullptr;
        ::kill(receivers_, SIGTERM);
        ::waitpid(receivers_, nullptr, 0);
        fs::remove_all(told_);
    }

    static json::object overview(const std::string& region = "eu-west-1") {
        boost::system::error_code failed;
        auto value = json::parse(read(fleet_->state().region(region) / "overview.json"), failed);
        return failed || !value.is_object() ? json::object() : value.as_object();
    }
    /// The alarm as a region knows it; of any resource if `resource` is empty.
    static std::string state_of(std::string_view alarm, std::string_view resource = {},
                                const std::string& region = "eu-west-1") {
        std::string state = "unknown";
        const auto all = overview(region);
        const auto* alarms = all.if_contains("alarms");
        for (const auto& one : alarms == nullptr ? json::array() : alarms->as_array()) {
            if (one.at("name") != json::value(alarm) ||
                (!resource.empty() && one.at("resource") != json::value(resource))) {
                continue;
            }
            const std::string now(one.at("state").as_string());
            state = state == "alarm" ? state : now;
        }
        return state;
    }
    template <class Condition>
    static bool wait(Condition condition, std::chrono::seconds patience = 40s) {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > until) {
                return false;
            }
            std::this_thread::sleep_for(100ms);
        }
        return true;
    }
    static void comes(std::string_view alarm, std::string_view resource = {}) {
        EXPECT_TRUE(wait([&] { return state_of(alarm, resource) == "alarm"; }))
            << alarm << " does not come: " << state_of(alarm, resource);
        seen_.insert(std::string(alarm));
    }
    static void goes(std::string_view alarm, std::string_view resource = {}) {
        EXPECT_TRUE(wait([&] {
            const auto now = state_of(alarm, resource);
            return now == "ok" || now == "unknown";
        })) << alarm
            << " does not go";
    }
    static std::vector<pool::ResultSet> run(pool::MaintenanceClient& client, std::string_view script) {
        auto done = client.run(script, 20s);
        EXPECT_TRUE(done) << script << "\n" << base::describe(done.error()) << " " << done.error().detail;
        return done ? std::move(*done) : std::vector<pool::ResultSet>();
    }
    static void signal_node(const char* name, const std::string& signal) {
        const auto live = fleet::find_node(fleet_->state(), fleet_->node(name));
        ASSERT_TRUE(live);
        const std::string pid = std::to_string(live->process.pid);
        EXPECT_EQ(run_command("kill -" + signal + " " + pid + " $(pgrep -P " + pid + ")").first, 0);
    }
    static const topology::Region& region(std::string_view name) {
        return fleet_->topology().at(fleet_->topology().region(name).value());
    }
    static test_support::HttpResponse get(std::string_view where, std::string_view target) {
        return test_support::HttpClient(region(where).http).get(target);
    }
    static std::string told() {
        std::string all = read(told_ / "told");
        for (const auto& file : fs::directory_iterator(told_)) {
            all += read(file.path());
        }
        return all;
    }

    static inline TempFleet* fleet_ = nullptr;
    static inline fs::path told_;
    static inline pid_t receivers_ = -1;
    static inline std::set<std::string> seen_;
    pool::MaintenanceClient eu_ = fleet_->connect("eu-1.eu-west-1.w", fleet::roles::superuser);
    pool::MaintenanceClient uk_ = fleet_->connect("uk-1.eu-west-2.w", fleet::roles::superuser);
};

TEST_F(Operations, EveryRegionSeesAllOthersOverTheMesh) {
    for (const char* from : {"eu-west-1", "eu-central-1", "eu-west-2"}) {
        EXPECT_TRUE(wait([&] {
            const auto all = overview(from);
            const auto* regions = all.if_contains("regions");
            return regions != nullptr && std::ranges::all_of(regions->as_array(), [](const auto& one) {
                       return one.at("state") != json::value("unknown");
                   });
        })) << from
            << " " << json::serialize(overview(from)).substr(0, 2'000);
    }
    // The metrics that everybody may scrape hold what the facts are made of.
    const auto metrics = get("eu-west-1", "/metrics");
    EXPECT_EQ(metrics.status, 200);
    EXPECT_NE(metrics.body.find("domicile_gateway_cpu_milliseconds_total"), std::string::npos);
    EXPECT_NE(metrics.body.find("domicile_alarms_active"), std::string::npos);
}

TEST_F(Operations, AlarmsOfDatabasesComeAndGo) {
    // A transaction that stays open holds the outbox back; in two regions at once it is an alarm of its own.
    auto idle = fleet_->connect("eu-1.eu-west-1.w", fleet::roles::superuser);
    run(idle, "BEGIN; INSERT INTO users VALUES (1, 'DE', 'a')");
    auto idle_uk = fleet_->connect("uk-1.eu-west-2.w", fleet::roles::superuser);
    run(idle_uk, "BEGIN; INSERT INTO users VALUES (1001, 'GB', 'a')");
    run(eu_, "INSERT INTO orders SELECT 2, n, 'x' FROM generate_series(1, 30) AS n");
    comes("outbox-lag", "eu-1");
    comes("orders-stop", "eu-1");
    comes("transaction-old", "eu-1.eu-west-1.w");
    comes("both-homes");
    run(idle, "ROLLBACK");
    run(idle_uk, "ROLLBACK");
    goes("outbox-lag", "eu-1");
    goes("orders-stop", "eu-1");
    goes("transaction-old", "eu-1.eu-west-1.w");
    goes("both-homes");
    // The institution's address answers nobody.
    comes("dispatch-late", "eu-tax");
    comes("worker-fails");

    run(eu_, "SELECT setval('domicile.user_id_0', 950)");
    comes("range-full", "eu-1");
    run(eu_, "SELECT setval('domicile.user_id_0', 10)");
    goes("range-full", "eu-1");

    run(eu_,
        "INSERT INTO domicile.requests (user_id, kind, asked_at, asked_by) VALUES (2, 'objection', now() - "
        "interval '28 days', 't')");
    comes("privacy-due", "eu-1");
    EXPECT_TRUE(wait([] { return !overview().at("requests").as_array().empty(); }));
    EXPECT_EQ(json::serialize(overview().at("requests")).find("user"), std::string::npos)
        << "nobody is named";
    run(eu_, "UPDATE domicile.requests SET state = 'done'");
    goes("privacy-due", "eu-1");

    std::vector<pool::MaintenanceClient> clients;
    for (int i = 0; i < 130; ++i) {
        auto one = fleet::connect(fleet_->secrets(), fleet_->node("eu-1.eu-west-1.w"),
                                  fleet::roles::superuser, "shop");
        if (!one) {
            break;
        }
        clients.push_back(std::move(*one));
    }
    comes("connections-short", "eu-1.eu-west-1.w");
    clients.clear();
    goes("connections-short", "eu-1.eu-west-1.w");

    auto reader = fleet_->connect("eu-1.eu-central-1.r1", fleet::roles::superuser);
    run(reader, "SELECT pg_wal_replay_pause()");
    run(eu_, "INSERT INTO users VALUES (7, 'DE', 'b')");
    comes("replica-lag", "eu-1.eu-central-1.r1");
    run(reader, "SELECT pg_wal_replay_resume()");
    goes("replica-lag", "eu-1.eu-central-1.r1");
}

TEST_F(Operations, AlarmsOfDoorsComeAndGo) {
    for (int i = 0; i < 400; ++i) {
        std::ignore = get("eu-west-1", "/v1/users/1500");
        if (i % 40 == 0 && state_of("refusals-surge") == "alarm") {
            break;
        }
    }
    comes("refusals-surge", "gateway.eu-west-1");
    goes("refusals-surge", "gateway.eu-west-1");
    std::ignore = run_command("PGPASSWORD=wrong PGCONNECT_TIMEOUT=5 psql -h 127.0.0.1 -p " +
                              std::to_string(region("eu-west-1").sql.port) + " -U app shop -c 'SELECT 1'");
    comes("logins-fail", "gateway.eu-west-1");
    goes("logins-fail", "gateway.eu-west-1");
}

TEST_F(Operations, AlarmsOfWhatIsDownComeAndGo) {
    signal_node("eu-1.eu-central-1.r1", "STOP");
    comes("node-down", "eu-1.eu-central-1.r1");
    signal_node("eu-1.eu-central-1.r1", "CONT");
    goes("node-down", "eu-1.eu-central-1.r1");

    // A story: the writer stops, the alarm says what to do, it is done, the alarm goes.
    signal_node("uk-1.eu-west-2.w", "STOP");
    comes("shard-without-writer", "uk-1");
    const auto [shown, alarms] = run_domicile(*fleet_, "alarms");
    EXPECT_EQ(shown, 0);
    EXPECT_NE(alarms.find("shard-without-writer"), std::string::npos) << alarms;
    EXPECT_NE(alarms.find("docs/runbooks.md#shard-without-writer"), std::string::npos);
    EXPECT_NE(run_domicile(*fleet_, "top --once").second.find("alarm"), std::string::npos);
    for (int i = 0; i < 8 && state_of("gateway-errors") != "alarm"; ++i) {
        std::ignore = get("eu-west-2", "/v1/users/1001");
    }
    comes("gateway-errors", "gateway.eu-west-2");
    signal_node("uk-1.eu-west-2.w", "CONT");
    goes("shard-without-writer", "uk-1");
    goes("gateway-errors", "gateway.eu-west-2");

    const auto gateway = fleet::find_gateway(fleet_->state(), region("eu-west-2"));
    ASSERT_TRUE(gateway);
    ::kill(gateway->pid, SIGSTOP);
    comes("gateway-down", "gateway.eu-west-2");
    ::kill(gateway->pid, SIGCONT);
    goes("gateway-down", "gateway.eu-west-2");

    const auto worker = fleet::find_worker(fleet_->state(), region("eu-west-2"));
    ASSERT_TRUE(worker);
    ::kill(worker->pid, SIGSTOP);
    comes("region-silent", "eu-west-2");
    EXPECT_TRUE(wait([] { return overview().at("regions").at(2).at("state") == json::value("unknown"); }));
    ::kill(worker->pid, SIGKILL);  // and its supervisor starts it anew
    goes("region-silent", "eu-west-2");
}

TEST_F(Operations, AlarmsOfQueueAndVaultComeAndGo) {
    auto central = fleet_->connect("central", fleet::roles::superuser);
    run(central, "SELECT domicile.queue_send('figures', 'nobody', 'poison', '{}')");
    comes("queue-dead", "figures");
    run(central, "DELETE FROM domicile.queue");
    goes("queue-dead", "figures");

    const auto secret = run_command("find '" + fleet_->state().root().string() +
                                    "' -path '*eu-central-1*' -name 'domicile_monitor.secret' | head -1")
                            .second;
    const std::string file = secret.substr(0, secret.find('\n'));
    ASSERT_FALSE(file.empty());
    ASSERT_EQ(run_command("mv '" + file + "' '" + file + ".away'").first, 0);
    comes("secret-behind");
    ASSERT_EQ(run_command("mv '" + file + ".away' '" + file + "'").first, 0);
    goes("secret-behind");
}

TEST_F(Operations, WhoIsToBeToldIsToldByEveryWayAndNotWhileSilenced) {
    EXPECT_TRUE(wait([] {
        const auto all = told();
        return all.find("Subject: [small] ") != std::string::npos &&
               all.find("\"deployment\":\"small\"") != std::string::npos &&
               fs::exists(told_ / "webhook-0000.json") && fs::exists(told_ / "told");
    })) << told().substr(0, 4'000);
    EXPECT_EQ(told().find("'DE'"), std::string::npos);
    EXPECT_NE(read(told_ / "mail-0000.eml").find("domicile@example.org oncall@example.org"),
              std::string::npos);

    EXPECT_EQ(run_domicile(*fleet_, "alarms silence range-full --minutes 5 --reason 'known'").first, 0);
    EXPECT_NE(run_domicile(*fleet_, "alarms silence nonsense --minutes 5 --reason 'known'").first, 0);
    const auto count = [] {
        const auto all = read(told_ / "told");
        std::size_t times = 0;
        for (auto at = all.find("\"range-full\""); at != std::string::npos;
             at = all.find("\"range-full\"", at + 1)) {
            ++times;
        }
        return times;
    };
    std::this_thread::sleep_for(2s);  // the worker has read it
    const auto before = count();
    run(eu_, "SELECT setval('domicile.user_id_0', 960)");
    comes("range-full", "eu-1");
    // Something else that happens later is told: by then the silenced one would have been.
    run(uk_, "SELECT setval('domicile.user_id_1000', 1960)");
    run(eu_, "SELECT setval('domicile.user_id_0', 10)");
    goes("range-full", "eu-1");
    run(uk_, "SELECT setval('domicile.user_id_1000', 1010)");
    goes("range-full", "uk-1");
    EXPECT_EQ(count(), before);
}

TEST_F(Operations, AdviceSeesWhatIsPlantedInARealDatabase) {
    const auto finds = [](std::string_view check) {
        const auto all = overview();
        const auto* advice = all.if_contains("advice");
        return advice != nullptr && std::ranges::any_of(advice->as_array(), [&](const auto& one) {
                   return one.at("check") == json::value(check);
               });
    };
    EXPECT_TRUE(wait([&] { return finds("no-backups"); }));
    EXPECT_FALSE(finds("strong-role"));
    EXPECT_FALSE(finds("copies-unreached"));
    EXPECT_FALSE(finds("key-not-indexed"));
    run(eu_,
        "CREATE ROLE clerk BYPASSRLS; CREATE MATERIALIZED VIEW summary AS SELECT name FROM users; "
        "ALTER TABLE orders DROP CONSTRAINT orders_pkey");
    for (const char* check : {"strong-role", "copies-unreached", "key-not-indexed"}) {
        EXPECT_TRUE(wait([&] { return finds(check); }, 60s)) << check;
    }
    const auto [shown, text] = run_domicile(*fleet_, "advise --pillar security");
    EXPECT_EQ(shown, 0);
    EXPECT_NE(text.find("role clerk on eu-1.eu-west-1.w: passes row-level security"), std::string::npos)
        << text;
    const auto id = text.substr(text.find("strong-role-"), 24);
    EXPECT_EQ(
        run_domicile(*fleet_, "advise acknowledge " + id + " --until 2199-01-01 --reason 'a test'").first, 0);
    EXPECT_TRUE(wait([&] {
        return run_domicile(*fleet_, "advise --pillar security").second.find("strong-role-") ==
               std::string::npos;
    }));
    run(eu_,
        "DROP MATERIALIZED VIEW summary; DROP ROLE clerk; ALTER TABLE orders ADD PRIMARY KEY (user_id, "
        "order_no)");
    for (const char* check : {"strong-role", "copies-unreached", "key-not-indexed"}) {
        EXPECT_TRUE(wait([&] { return !finds(check); }, 60s)) << check;
    }
}

}  // namespace
}  // namespace domicile

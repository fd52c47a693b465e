// The whole life of an embedded system, with real PostgreSQL clusters. Gateways are stand-ins.

#include "fleet/conf.hpp"
#include "fleet/context.hpp"
#include "fleet/database.hpp"
#include "fleet/migrate.hpp"
#include "fleet/node.hpp"
#include "fleet/unit.hpp"
#include "support/temp_fleet.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace domicile {
namespace {
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test_support::eventually;
using test_support::TempFleet;

constexpr std::string_view eu_writer = "eu-1.eu-west-1.w";
constexpr std::string_view eu_reader = "eu-1.eu-central-1.r1";
constexpr std::string_view uk_writer = "uk-1.eu-west-2.w";

std::string state_of(const base::Error& error) {
    return error.detail.substr(0, 5);
}

std::string text_of(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
}

std::vector<pid_t> pids(const TempFleet& fleet) {
    std::vector<pid_t> result;
    for (const auto& unit : fleet::units_of(fleet.topology())) {
        const auto process = fleet::find_unit(fleet.state(), *unit);
        result.push_back(process ? process->pid : 0);
    }
    return result;
}

/// One fleet for the tests that leave it as they found it: bringing it up is most of their time.
class Fleet : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        shared = std::make_unique<TempFleet>(DOMICILE_STAND_IN_GATEWAY);
        const auto up = shared->start();
        ASSERT_TRUE(up) << base::describe(up.error());
    }
    static void TearDownTestSuite() { shared.reset(); }

    static base::Result<std::vector<pool::ResultSet>> run(std::string_view node, std::string_view role,
                                                          std::string_view sql) {
        auto client = shared->connect(node, role);
        return client.run(sql, 10s);
    }
    static std::optional<std::string> value(std::string_view node, std::string_view role,
                                            std::string_view sql) {
        auto client = shared->connect(node, role);
        auto result = fleet::single_value(client, sql);
        EXPECT_TRUE(result) << base::describe(result.error());
        return result ? *result : std::nullopt;
    }

    static std::unique_ptr<TempFleet> shared;
};
std::unique_ptr<TempFleet> Fleet::shared;

TEST_F(Fleet, RunsEveryNodeAndOneGatewayPerRegion) {
    const auto report = fleet::status(shared->topology(), shared->options());
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->ready);
    EXPECT_EQ(report->supervisor, ::getpid());
    ASSERT_EQ(report->regions.size(), 3U);
    for (const auto& region : report->regions) {
        EXPECT_EQ(region.state, "ready") << region.name;
    }
    ASSERT_EQ(report->shards.size(), 2U);
    EXPECT_EQ(report->shards[0].writer.state, "ready");
    ASSERT_EQ(report->shards[0].readers.size(), 1U);
    EXPECT_EQ(report->shards[0].readers[0].state, "streaming");
    EXPECT_TRUE(eventually([] {
        const auto later = fleet::status(shared->topology(), shared->options());
        return later && later->shards[0].readers[0].lag_bytes == 0 && later->shards[0].readers[0].lag_ms == 0;
    }));
    ASSERT_EQ(report->shards[0].tables.size(), 2U) << "the monitor may count";
    ASSERT_TRUE(report->central);
    EXPECT_EQ(report->central->state, "ready");
}

TEST_F(Fleet, RunsNothingAsRoot) {
    for (const pid_t pid : pids(*shared)) {
        std::ifstream status("/proc/" + std::to_string(pid) + "/status");
        for (std::string line; std::getline(status, line);) {
            EXPECT_FALSE(line.starts_with("Uid:\t0\t")) << pid;
        }
    }
}

TEST_F(Fleet, IsBroughtUpOnlyOnce) {
    const auto before = pids(*shared);
    const std::atomic<bool> never{false};
    EXPECT_TRUE(fleet::up(shared->topology(), shared->options(), never));
    EXPECT_TRUE(shared->said("already up, pid " + std::to_string(::getpid())));
    EXPECT_EQ(pids(*shared), before);
    EXPECT_FALSE(fleet::reset(shared->topology(), shared->options())) << "it is up";
}

TEST_F(Fleet, ReaderShowsWhatTheWriterTook) {
    ASSERT_TRUE(
        run(eu_writer, fleet::roles::gateway, "INSERT INTO users (user_id, country) VALUES (501, 'DE')"));
    EXPECT_TRUE(eventually([] {
        return value(eu_reader, fleet::roles::gateway, "SELECT country FROM users WHERE user_id = 501") ==
               "DE";
    }));
    const auto refused = run(eu_reader, fleet::roles::gateway, "DELETE FROM users");
    ASSERT_FALSE(refused);
    EXPECT_EQ(state_of(refused.error()), "25006") << "read-only";
}

TEST_F(Fleet, ShardRefusesRowsOfOtherRangesItself) {
    for (const auto* id : {"1000", "-1", "5000000000"}) {
        const auto refused =
            run(eu_writer, fleet::roles::owner,
                "INSERT INTO users (user_id, country) VALUES (" + std::string(id) + ", 'DE')");
        ASSERT_FALSE(refused) << id;
        EXPECT_EQ(state_of(refused.error()), "23514");
        EXPECT_NE((refused.error().text + refused.error().detail).find("domicile_range"), std::string::npos);
    }
}

TEST_F(Fleet, GivesNewIdsFromTheRangeOnly) {
    EXPECT_EQ(value(uk_writer, fleet::roles::gateway, "SELECT nextval('domicile.user_id_1000')"), "1000");
    EXPECT_EQ(value(eu_writer, fleet::roles::gateway, "SELECT nextval('domicile.user_id_0')"), "0");
    ASSERT_TRUE(run(uk_writer, fleet::roles::owner, "SELECT setval('domicile.user_id_1000', 1999)"));
    const auto full = run(uk_writer, fleet::roles::gateway, "SELECT nextval('domicile.user_id_1000')");
    ASSERT_FALSE(full);
    EXPECT_EQ(state_of(full.error()), "2200H");
    ASSERT_TRUE(run(uk_writer, fleet::roles::owner, "SELECT setval('domicile.user_id_1000', 1000)"));
}

TEST_F(Fleet, GatewayRoleMayTouchRowsAndNothingElse) {
    EXPECT_EQ(
        value(eu_writer, fleet::roles::gateway, "SELECT name || ' of ' || jurisdiction FROM domicile.shard"),
        "eu-1 of eu");
    ASSERT_TRUE(run(eu_writer, fleet::roles::gateway, "SELECT * FROM domicile.idempotency"));
    for (const auto* sql : {"CREATE TABLE mine (x int)", "TRUNCATE orders", "DROP TABLE orders",
                            "SELECT * FROM domicile.migrations", "UPDATE domicile.shard SET name = 'x'",
                            "SELECT setval('domicile.user_id_0', 5)", "COPY users TO '/tmp/domicile_leak'",
                            "SELECT pg_read_file('postgresql.conf')", "SELECT rolpassword FROM pg_authid",
                            "SELECT domicile.row_counts()", "SET log_statement = 'all'"}) {
        const auto refused = run(eu_writer, fleet::roles::gateway, sql);
        ASSERT_FALSE(refused) << sql;
        EXPECT_EQ(state_of(refused.error()), "42501") << sql;
    }
}

TEST_F(Fleet, MonitorRoleSeesNoRows) {
    const auto refused = run(eu_writer, fleet::roles::monitor, "SELECT * FROM public.users");
    ASSERT_FALSE(refused);
    EXPECT_EQ(state_of(refused.error()), "42501");
}

TEST_F(Fleet, NoRowValueReachesALog) {
    const std::string canary = "canary-7f3a";
    auto client = shared->connect(eu_writer, fleet::roles::gateway);
    const std::string insert = "INSERT INTO users (user_id, country, email) VALUES ";
    ASSERT_TRUE(client.run(insert + "(601, 'DE', '" + canary + "')", 10s));
    for (const std::string& sql :
         {insert + "(602, 'DE', '" + canary + "')", insert + "('" + canary + "', 'DE', '')",
          insert + "(603, NULL, '" + canary + "')", insert + "(5000, 'DE', '" + canary + "')",
          "SELECT '" + canary + "'::date", "SELECT " + std::string(1, '$') + canary,
          "DO $$ BEGIN RAISE WARNING '" + canary + "'; END $$",
          "DO $$ BEGIN RAISE EXCEPTION '" + canary + "'; END $$",
          "SET debug_print_parse = on; SET debug_print_plan = on; SELECT '" + canary + "'"}) {
        [[maybe_unused]] const auto any = client.run(sql, 10s);
    }
    const std::array<std::optional<std::string>, 1> values = {canary};
    [[maybe_unused]] const auto failed = client.run("SELECT $1::integer", values, 10s);
    // A killed backend makes the postmaster report what it ran.
    auto killed = shared->connect(eu_writer, fleet::roles::gateway);
    const auto pid = fleet::single_value(killed, "SELECT pg_backend_pid()");
    ASSERT_TRUE(pid && *pid);
    std::thread sleeper([&] {
        [[maybe_unused]] const auto ended = killed.run("SELECT pg_sleep(20), '" + canary + "'", 30s);
    });
    std::this_thread::sleep_for(200ms);
    ::kill(std::stoi(**pid), SIGKILL);
    sleeper.join();
    EXPECT_TRUE(eventually([] {
        const auto live = fleet::find_node(shared->state(), shared->node(eu_writer));
        return live && live->file.ready &&
               text_of(shared->state().log(eu_writer)).find("terminated by signal 9") != std::string::npos;
    }));
    for (const auto& entry : fs::directory_iterator(shared->state().logs())) {
        EXPECT_EQ(text_of(entry.path()).find(canary), std::string::npos) << entry.path();
    }
}

TEST_F(Fleet, KeepsPasswordsOutOfArgumentsEnvironmentsAndLogs) {
    std::vector<std::string> passwords;
    for (const std::string scope : {"eu", "uk", "central"}) {
        const auto vault = shared->secrets().vault(scope);
        const auto names = vault ? vault->list() : std::unexpected(vault.error());
        ASSERT_TRUE(names) << base::describe(names.error());
        for (const auto& name : *names) {
            const auto value = vault->get(name);
            ASSERT_TRUE(value) << name;
            const auto login = vault::parse_login(value->value);
            passwords.push_back(login ? login->password.reveal() : value->value.reveal());
        }
    }
    // Of each role; and where there are doors, a password and its verifier for each of their three logins,
    // the issuer's key, that of the pseudonyms, and that of dispatch and certificates.
    // And central's login for figures, there and in both jurisdictions.
    ASSERT_EQ(passwords.size(),
              3U * fleet::all_roles.size() + 2U * (7U + 2U) + 3U * fleet::central_roles.size());
    std::string places;
    for (const pid_t pid : pids(*shared)) {
        places += text_of("/proc/" + std::to_string(pid) + "/cmdline") +
                  text_of("/proc/" + std::to_string(pid) + "/environ");
    }
    for (const auto& entry : fs::directory_iterator(shared->state().logs())) {
        places += text_of(entry.path());
    }
    for (const auto& node : shared->topology().nodes) {
        places += text_of(shared->state().data(node.name) / "domicile.conf");
    }
    for (const auto* folder : {"vault", "keys"}) {
        for (const auto& entry : fs::recursive_directory_iterator(shared->state().root() / folder)) {
            places += entry.is_regular_file() ? text_of(entry.path()) : "";
        }
    }
    for (const auto& password : passwords) {
        EXPECT_EQ(places.find(password), std::string::npos);
    }
}

TEST_F(Fleet, RestartsAWriterThatIsKilled) {
    const auto before = fleet::find_node(shared->state(), shared->node(uk_writer));
    ASSERT_TRUE(before);
    ::kill(before->process.pid, SIGKILL);
    EXPECT_TRUE(eventually([&] {
        const auto live = fleet::find_node(shared->state(), shared->node(uk_writer));
        return live && live->file.ready && live->process.pid != before->process.pid;
    }));
    EXPECT_TRUE(shared->said(std::string(uk_writer) + " has died"));
    EXPECT_EQ(value(uk_writer, fleet::roles::gateway, "SELECT 1"), "1");
}

TEST_F(Fleet, RestartsAGatewayThatIsKilled) {
    const auto& region = shared->topology().regions[0];
    const auto before = fleet::find_gateway(shared->state(), region);
    ASSERT_TRUE(before);
    ::kill(before->pid, SIGKILL);
    EXPECT_TRUE(eventually([&] {
        const auto now = fleet::find_gateway(shared->state(), region);
        return now && now->pid != before->pid;
    }));
    EXPECT_TRUE(eventually([&] { return shared->said("gateway.eu-west-1 serves again"); }));
}

TEST_F(Fleet, CopiesAReaderAnewWhoseSlotIsLost) {
    // The slot is taken away while the reader is down for a moment: for the reader that is the same as a lost
    // one.
    const auto before = fleet::find_node(shared->state(), shared->node(eu_reader));
    ASSERT_TRUE(before);
    auto writer =
        fleet::connect(shared->secrets(), shared->node(eu_writer), fleet::roles::superuser, "postgres");
    ASSERT_TRUE(writer);
    ::kill(before->process.pid, SIGKILL);
    const auto slot = "'" + fleet::slot_name(eu_reader) + "'";
    EXPECT_TRUE(eventually([&] {
        const auto dropped = writer->run("SELECT pg_drop_replication_slot(" + slot + ")", 10s);
        return dropped.has_value() || state_of(dropped.error()) == "42704";
    }));
    EXPECT_TRUE(eventually(
        [&] {
            const auto report = fleet::status(shared->topology(), shared->options());
            return shared->said("copying it anew") && report &&
                   report->shards[0].readers[0].state == "streaming";
        },
        60s));
}

TEST(FleetLife, OutlivesItsSupervisorAndIsTakenOver) {
    TempFleet fleet(DOMICILE_STAND_IN_GATEWAY);
    const pid_t supervisor = fleet.start_process();
    ASSERT_GT(supervisor, 0);
    const auto before = pids(fleet);
    EXPECT_EQ(std::ranges::count(before, 0), 0);
    ::kill(supervisor, SIGKILL);
    ::waitpid(supervisor, nullptr, 0);
    EXPECT_FALSE(fleet::ready(fleet.options().state)) << "nobody watches";
    EXPECT_EQ(pids(fleet), before) << "everything goes on";
    EXPECT_NO_THROW((void)fleet.connect(eu_writer, fleet::roles::gateway));

    // One gateway and one node die unwatched: only these are started anew.
    ::kill(before.front(), SIGKILL);
    ::kill(before.back(), SIGKILL);
    const auto up = fleet.start();
    ASSERT_TRUE(up) << base::describe(up.error());
    const auto after = pids(fleet);
    EXPECT_TRUE(fleet.said("took over " + std::to_string(before.size() - 2) + " running processes"));
    EXPECT_TRUE(std::equal(before.begin() + 1, before.end() - 1, after.begin() + 1));
    EXPECT_NE(after.front(), before.front());
    EXPECT_NE(after.back(), before.back());
    EXPECT_TRUE(fleet.stop());
    EXPECT_EQ(std::ranges::count(pids(fleet), 0), static_cast<std::ptrdiff_t>(before.size())) << "all ended";
}

TEST(FleetLife, StopsLeftoversWithoutASupervisorAndKeepsData) {
    TempFleet fleet(DOMICILE_STAND_IN_GATEWAY);
    const pid_t supervisor = fleet.start_process();
    ASSERT_GT(supervisor, 0);
    {
        auto client = fleet.connect(eu_writer, fleet::roles::gateway);
        ASSERT_TRUE(client.run("INSERT INTO users (user_id, country) VALUES (7, 'FR')", 10s));
    }
    ::kill(supervisor, SIGKILL);
    ::waitpid(supervisor, nullptr, 0);
    EXPECT_FALSE(fleet::reset(fleet.topology(), fleet.options())) << "leftovers run";
    ASSERT_TRUE(fleet::down(fleet.topology(), fleet.options()));
    EXPECT_EQ(std::ranges::count(pids(fleet), 0), static_cast<std::ptrdiff_t>(pids(fleet).size()));
    ASSERT_TRUE(fleet::down(fleet.topology(), fleet.options())) << "again";
    EXPECT_TRUE(fleet.said("nothing runs"));

    const auto up = fleet.start();
    ASSERT_TRUE(up) << base::describe(up.error());
    {
        auto client = fleet.connect(eu_writer, fleet::roles::gateway);
        const auto country = fleet::single_value(client, "SELECT country FROM users WHERE user_id = 7");
        EXPECT_EQ(country.value(), "FR");
    }
    // From another process in real life: the supervisor sees the request and stops by itself.
    ASSERT_TRUE(fleet::down(fleet.topology(), fleet.options()));
    ASSERT_TRUE(fleet.stop());
    ASSERT_TRUE(fleet::reset(fleet.topology(), fleet.options()));
    EXPECT_FALSE(fs::exists(fleet.options().state));
}

TEST(FleetLife, ComesUpAfterBeingKilledAtAnyMoment) {
    TempFleet fleet(DOMICILE_STAND_IN_GATEWAY);
    for (const auto after : {30ms, 150ms, 300ms, 450ms, 600ms, 800ms, 1000ms}) {
        const pid_t supervisor = fleet.fork_up();
        std::this_thread::sleep_for(after);
        ::kill(supervisor, SIGKILL);
        ::waitpid(supervisor, nullptr, 0);
    }
    const auto up = fleet.start();
    ASSERT_TRUE(up) << base::describe(up.error());
    auto client = fleet.connect(eu_writer, fleet::roles::owner);
    EXPECT_EQ(fleet::single_value(client, "SELECT count(*) FROM domicile.migrations").value(),
              std::to_string(fleet::platform_shard_files().size() + 1));
}

TEST(FleetLife, CopiesAReaderAnewThatWasAwayTooLong) {
    auto text = test_support::small_topology();
    text += "\n[embedded.settings]\nmax_slot_wal_keep_size = \"1MB\"\nwal_keep_size = \"0\"\n";
    TempFleet fleet(DOMICILE_STAND_IN_GATEWAY, text);
    ASSERT_TRUE(fleet.start());
    // Its receiver stands still: the reader lives, and falls behind.
    pid_t receiver = 0;
    for (const pid_t pid : fleet::processes_in(fleet.state().data(eu_reader))) {
        const auto line = fleet::command_line(pid);
        if (!line.empty() && line.front().find("walreceiver") != std::string::npos) {
            receiver = pid;
        }
    }
    ASSERT_GT(receiver, 0);
    ::kill(receiver, SIGSTOP);
    auto writer = fleet::connect(fleet.secrets(), fleet.node(eu_writer), fleet::roles::superuser,
                                 fleet.topology().database.name);
    ASSERT_TRUE(writer);
    for (int i = 0; i < 6; ++i) {
        ASSERT_TRUE(writer->run("UPDATE domicile.shard SET name = name; SELECT pg_switch_wal()", 10s));
    }
    // The checkpoint ends the sender, which wants to say goodbye to a receiver that does not listen.
    std::thread waker([&] {
        std::this_thread::sleep_for(1s);
        ::kill(receiver, SIGCONT);
    });
    const auto checkpoint = writer->run("CHECKPOINT", 60s);
    waker.join();
    ASSERT_TRUE(checkpoint) << base::describe(checkpoint.error());
    EXPECT_EQ(fleet::slot_state(*writer, fleet::slot_name(eu_reader)).value(), fleet::SlotState::lost);
    EXPECT_TRUE(eventually(
        [&] {
            const auto report = fleet::status(fleet.topology(), fleet.options());
            return fleet.said("was away too long") && report &&
                   report->shards[0].readers[0].state == "streaming";
        },
        60s));
}

TEST(FleetLife, RefusesAChangedMigrationByName) {
    TempFleet fleet(DOMICILE_STAND_IN_GATEWAY);
    ASSERT_TRUE(fleet.start());
    ASSERT_TRUE(fleet.stop());
    std::ofstream(fleet.folder() / "schema" / "0001_small.sql", std::ios::app) << "-- an afterthought\n";
    const auto refused = fleet.start();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text.find("migration app/0001_small.sql has changed"), std::string::npos);
    EXPECT_EQ(std::ranges::count(pids(fleet), 0), static_cast<std::ptrdiff_t>(pids(fleet).size()))
        << "nothing left running";
}

TEST(FleetLife, NamesTheForeignProcessOnAPort) {
    TempFleet fleet(DOMICILE_STAND_IN_GATEWAY);
    const auto port = fleet.node(uk_writer).address.port;
    const int squatter = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(squatter, reinterpret_cast<sockaddr*>(&place), sizeof place), 0);
    ASSERT_EQ(::listen(squatter, 1), 0);
    const auto refused = fleet.start();
    ::close(squatter);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().text, "port " + std::to_string(port) + " of node " + std::string(uk_writer) +
                                        " is in use by process " + std::to_string(::getpid()) + " (" +
                                        fs::read_symlink("/proc/self/exe").filename().string() + ")");
}

TEST(FleetLife, FollowsAChangedTopology) {
    TempFleet fleet(DOMICILE_STAND_IN_GATEWAY);
    ASSERT_TRUE(fleet.start());
    {
        auto client = fleet.connect(uk_writer, fleet::roles::gateway);
        ASSERT_TRUE(client.run("INSERT INTO users (user_id, country) VALUES (1500, 'GB')", 10s));
    }
    ASSERT_TRUE(fleet.stop());
    // Wider: the fence opens. Narrower than the people who live there: refused, nothing changes.
    auto wider = fleet.topology();
    wider.shards[1].ranges[0].to = 3000;
    wider.map_epoch = 2;
    const std::atomic<bool> never{false};
    std::atomic<bool> stop{false};
    std::thread thread([&] { EXPECT_TRUE(fleet::up(wider, fleet.options(), stop)); });
    ASSERT_TRUE(eventually([&] { return fleet::ready(fleet.options().state); }, 60s));
    {
        auto client = fleet.connect(uk_writer, fleet::roles::gateway);
        EXPECT_TRUE(client.run("INSERT INTO users (user_id, country) VALUES (2500, 'GB')", 10s));
    }
    stop = true;
    thread.join();
    auto narrower = fleet.topology();
    narrower.shards[1].ranges[0].to = 1200;
    narrower.map_epoch = 3;
    const auto refused = fleet::up(narrower, fleet.options(), never);
    ASSERT_FALSE(refused);
    EXPECT_NE(base::describe(refused.error()).find("holds rows outside the ranges"), std::string::npos)
        << base::describe(refused.error());
}

}  // namespace
}  // namespace domicile

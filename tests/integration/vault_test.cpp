// Secrets of a real fleet: every database login rotates under load without a failed statement, is killed at
// each step and goes on, and is read from the next region when the nearest is down.

#include "fleet/context.hpp"
#include "fleet/rotation.hpp"
#include "fleet/unit.hpp"
#include "sql_door.hpp"
#include "support/http_client.hpp"
#include "vault/envelope.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace domicile {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using cloud::Stage;
using fleet::roles::gateway;
using test_support::HttpClient;
using vault::RotationStep;

bool eventually(const std::function<bool()>& good, std::chrono::seconds patience = 15s) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!good()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(50ms);
    }
    return true;
}

struct Ran {
    int status = -1;
    std::string output;
};
Ran domicile(const std::string& arguments) {
    Ran ran;
    FILE* pipe = ::popen((std::string(DOMICILE_BINARY) + " " + arguments + " 2>&1").c_str(), "r");
    char buffer[4096];
    std::size_t size = 0;
    while ((size = std::fread(buffer, 1, sizeof buffer, pipe)) > 0) {
        ran.output.append(buffer, size);
    }
    const int status = ::pclose(pipe);
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
}

class VaultFleet : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        const std::string topology = test_support::small_topology() + R"toml(
[secrets.payment-key]
jurisdictions = ["eu", "uk"]
[secrets.eu-only]
jurisdictions = ["eu"]
)toml";
        fleet = new TempFleet(DOMICILE_BINARY, topology);
        const auto started = fleet->start();
        ASSERT_TRUE(started) << base::describe(started.error());
    }
    static void TearDownTestSuite() {
        delete fleet;
        fleet = nullptr;
    }
    static std::string at(std::string_view region) {
        const auto& door = fleet->topology().at(*fleet->topology().region(region)).sql;
        return "host=127.0.0.1 port=" + std::to_string(door.port) +
               " user=app dbname=shop connect_timeout=10 password=" + fleet->secret("eu", "login/app");
    }
    static std::string cli(const std::string& words) {
        return words + " -t " + (fleet->folder() / "domicile.toml").string() + " --state " +
               fleet->state().root().string();
    }
    /// Whether the role's current login opens a connection to every node of the jurisdiction.
    static testing::AssertionResult works(std::string_view role) {
        const auto login = fleet->secrets().login("eu", role);
        if (!login) {
            return testing::AssertionFailure() << base::describe(login.error());
        }
        for (const auto& node : fleet->topology().nodes) {
            if (fleet::scope_of(fleet->topology(), node) != "eu") {
                continue;
            }
            auto client = fleet::connect_as(fleet->topology(), node, *login, "shop");
            const auto who = client
                                 ? fleet::single_value(*client, "SELECT current_user")
                                 : base::Result<std::optional<std::string>>(std::unexpected(client.error()));
            if (!who || *who != std::string(role)) {
                return testing::AssertionFailure()
                       << node.name << ": " << (who ? **who : describe(who.error()));
            }
        }
        return testing::AssertionSuccess();
    }
    /// Whether one row of `what` is visible on the writer and on every reader of the jurisdiction's shard.
    static bool every_node_has(std::string_view what) {
        return std::ranges::all_of(fleet->topology().nodes, [&](const auto& node) {
            if (!node.name.starts_with("eu-1.")) {
                return true;
            }
            auto client = fleet::connect(fleet->secrets(), node, fleet::roles::superuser, "shop");
            const auto count =
                client ? fleet::single_value(*client, "SELECT count(*) FROM " + std::string(what))
                       : base::Result<std::optional<std::string>>(std::unexpected(client.error()));
            return count && *count == "1";
        });
    }
    static base::Status rotate(std::string_view role,
                               const std::function<void(RotationStep)>& progress = {}) {
        vault::RotationOptions options;
        options.settle = 0s;
        options.progress = progress;
        return fleet::rotate_role(fleet->secrets(), "eu", role, options);
    }
    inline static TempFleet* fleet = nullptr;
};

TEST_F(VaultFleet, EveryLoginRotatesUnderLoadWithoutAFailedStatement) {
    SqlClient first(at("eu-west-1"));
    ASSERT_TRUE(first.run("INSERT INTO users (user_id, country, name) VALUES (1, 'DE', 'p1')").good);
    // A new session has no write of its own to wait for: it may be led to a reader that has not replayed the
    // row yet.
    ASSERT_TRUE(eventually([] { return every_node_has("users WHERE user_id = 1"); }));
    std::atomic<bool> stop{false};
    std::atomic<int> ran{0};
    std::atomic<int> failed{0};
    std::mutex mutex;
    std::string why;
    const auto note = [&](bool good, const std::string& text) {
        ++ran;
        if (!good) {
            ++failed;
            const std::lock_guard lock(mutex);
            why = text;
        }
    };
    std::vector<std::jthread> load;
    for (const auto* region : {"eu-west-1", "eu-central-1"}) {
        // New sessions all the time, and one that lives through it all.
        load.emplace_back([&, options = at(region)] {
            while (!stop) {
                SqlClient client(options);
                note(client.connected(), "login: " + client.error());
                const auto read = client.run("SELECT name FROM users WHERE user_id = 1");
                note(read.good && read.value() == "p1", "read: " + read.tag + read.message);
                const auto write = client.run("UPDATE users SET email = email WHERE user_id = 1");
                note(write.good, "write: " + write.message);
            }
        });
        load.emplace_back([&, options = at(region)] {
            SqlClient client(options);
            while (!stop) {
                const auto both =
                    client.run("BEGIN; UPDATE users SET email = email WHERE user_id = 1; COMMIT");
                note(both.good, "block: " + both.message);
            }
        });
    }
    load.emplace_back([&] {
        HttpClient client(fleet->topology().regions[0].http);
        while (!stop) {
            const auto answer = client.get("/v1/users/1");
            note(answer.status == 200, std::to_string(answer.status) + answer.body);
        }
    });
    const auto before = fleet->secrets().login("eu", gateway);
    ASSERT_TRUE(before);
    // Twice: the second time the first login gets a new password, too.
    for (const int round : {1, 2}) {
        const auto done = domicile(cli("secret rotate --all -j eu --settle 3"));
        ASSERT_EQ(done.status, 0) << done.output;
        EXPECT_NE(done.output.find(round == 1 ? "domicile_gateway_b serves" : "domicile_gateway serves"),
                  std::string::npos)
            << done.output;
        std::this_thread::sleep_for(1500ms);  // gateways look once a second
        // More transactions at once than the pools have connections at rest: they open some with the new
        // login.
        std::vector<std::unique_ptr<SqlClient>> crowd;
        for (int i = 0; i < 10; ++i) {
            crowd.push_back(std::make_unique<SqlClient>(at("eu-west-1")));
            const auto held =
                crowd.back()->run("BEGIN; SELECT name FROM users WHERE user_id = 1 FOR KEY SHARE");
            note(held.good, held.message);
        }
        const auto now = fleet->secrets().login("eu", gateway);
        auto super = fleet::connect(fleet->secrets(), fleet->node("eu-1.eu-west-1.w"),
                                    fleet::roles::superuser, "postgres");
        ASSERT_TRUE(now && super);
        const auto count = fleet::single_value(
            *super, "SELECT count(*) FROM pg_stat_activity WHERE usename = '" + now->user + "'");
        ASSERT_TRUE(count);
        EXPECT_GT(std::stoi(count->value_or("0")), 0) << "the gateway logs in as " << now->user;
        EXPECT_TRUE(works(gateway));
    }
    stop = true;
    load.clear();
    EXPECT_EQ(failed, 0) << why;
    EXPECT_GT(ran, 200);
    const auto after = fleet->secrets().login("eu", gateway);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->user, before->user);
    EXPECT_NE(after->password.reveal(), before->password.reveal());
    EXPECT_FALSE(fleet::connect_as(fleet->topology(), fleet->node("eu-1.eu-west-1.w"), *before, "shop"))
        << "the password before last is dead";
    std::printf("rotation: %d statements and logins, %d failed\n", ran.load(), failed.load());
}

TEST_F(VaultFleet, CentralsLoginForFiguresRotatesAndEveryJurisdictionHasTheNewOne) {
    const auto before = fleet->secrets().text("eu", fleet::figures_secret);
    ASSERT_TRUE(before);
    // Twice: then each of its two logins has a new password.
    for (const auto* user : {"domicile_figures_b", "domicile_figures"}) {
        const auto done = domicile(cli("secret rotate db/domicile_figures -j central --settle 0"));
        ASSERT_EQ(done.status, 0) << done.output;
        const auto central = fleet->secrets().login("central", fleet::roles::figures);
        ASSERT_TRUE(central);
        EXPECT_EQ(central->user, user);
        for (const auto* jurisdiction : {"eu", "uk"}) {
            const auto own = fleet->secrets().text(jurisdiction, fleet::figures_secret);
            ASSERT_TRUE(own);
            const auto login = vault::parse_login(*own);
            ASSERT_TRUE(login);
            EXPECT_EQ(login->user, user) << jurisdiction;
            const auto client = fleet::connect_as(fleet->topology(), fleet->node("central"), *login,
                                                  fleet->topology().database.name);
            EXPECT_TRUE(client) << jurisdiction << base::describe(client.error());
        }
    }
}

TEST_F(VaultFleet, AGatewayThatStartsAfterwardsUsesTheNewLogin) {
    ASSERT_TRUE(rotate(gateway));
    const auto gone = fleet::find_gateway(fleet->state(), fleet->topology().regions[0]);
    ASSERT_TRUE(gone);
    ::kill(gone->pid, SIGKILL);
    EXPECT_TRUE(eventually([&] {
        SqlClient client(at("eu-west-1"));
        return client.connected() && client.run("SELECT count(*) FROM users WHERE user_id = 1").good;
    }));
    EXPECT_TRUE(works(gateway));
}

TEST_F(VaultFleet, KilledAtAnyStepTheCurrentLoginWorksAndTheNextRunGoesOn) {
    for (const auto role : {gateway, fleet::roles::owner, fleet::roles::superuser, fleet::roles::monitor}) {
        for (const auto at_step : {RotationStep::create, RotationStep::set, RotationStep::test,
                                   RotationStep::finish, RotationStep::clear, RotationStep::done}) {
            // Before the step, and once more a moment into it.
            for (const bool inside : {false, true}) {
                const pid_t child = ::fork();
                if (child == 0) {
                    std::ignore = rotate(role, [&](RotationStep step) {
                        if (step == at_step) {
                            if (!inside) {
                                ::_exit(9);
                            }
                            std::thread([] {
                                std::this_thread::sleep_for(3ms);
                                ::kill(::getpid(), SIGKILL);
                            }).detach();
                        }
                    });
                    ::_exit(0);
                }
                int status = 0;
                ASSERT_EQ(::waitpid(child, &status, 0), child);
                ASSERT_TRUE(works(role)) << role << " killed at " << vault::name(at_step);
                ASSERT_TRUE(rotate(role)) << role << " killed at " << vault::name(at_step);
                ASSERT_TRUE(works(role)) << role << " after " << vault::name(at_step);
                const auto vault = fleet->secrets().vault("eu");
                EXPECT_FALSE(vault->get(fleet::login_secret(role), Stage::pending))
                    << "no stage is left behind";
            }
        }
    }
}

TEST_F(VaultFleet, ReadsFromTheNextRegionWhenTheNearestIsDownAndCatchesUp) {
    const fleet::Secrets near(fleet->topology(), fleet->state(), *fleet->topology().region("eu-central-1"));
    const auto folder = fleet->state().vault("eu-central-1");
    const auto aside = folder.string() + ".down";
    fs::rename(folder, aside);
    EXPECT_TRUE(near.login("eu", gateway));
    EXPECT_TRUE(works(gateway));
    const auto refused = rotate(fleet::roles::monitor);
    ASSERT_FALSE(refused) << "no rotation begins while a region is behind";
    EXPECT_EQ(refused.error().code, base::Code::node_unavailable);
    EXPECT_NE(domicile(cli("secret list -j eu")).output.find("out of reach"), std::string::npos);
    fs::rename(aside, folder);
    EXPECT_TRUE(rotate(fleet::roles::monitor)) << "it goes on by itself";
    EXPECT_TRUE(near.login("eu", fleet::roles::monitor));
    // The key service of the region is another store: without it the next region's copy serves.
    const auto keys = fleet->state().keys("eu-central-1");
    fs::rename(keys, keys.string() + ".down");
    EXPECT_TRUE(near.login("eu", gateway));
    fs::rename(keys.string() + ".down", keys);
    const auto listed = domicile(cli("secret list -j eu"));
    EXPECT_EQ(listed.status, 0) << listed.output;
    EXPECT_EQ(listed.output.find("behind"), std::string::npos) << listed.output;
}

TEST_F(VaultFleet, ARegionHoldsSecretsOfItsOwnJurisdictionOnlyAndSealedForItself) {
    const fleet::Secrets uk(fleet->topology(), fleet->state(), *fleet->topology().region("eu-west-2"));
    EXPECT_FALSE(uk.vault("eu")) << "out of reach";
    EXPECT_TRUE(uk.login("uk", gateway));
    for (const auto& entry : fs::recursive_directory_iterator(fleet->state().vault("eu-west-2"))) {
        EXPECT_EQ(entry.path().string().find("/eu-west-2/eu/"), std::string::npos) << entry.path();
    }
    // Handed the file of another region of its own jurisdiction, and all of its own keys, a region opens
    // nothing.
    const auto from = fleet->state().vault("eu-west-1") / "eu" / "db" / "domicile_owner.secret";
    const auto to = fleet->state().vault("eu-central-1") / "eu" / "db" / "domicile_owner.secret";
    const auto kept = fs::temp_directory_path() / "domicile-kept.secret";
    fs::copy_file(to, kept, fs::copy_options::overwrite_existing);
    fs::copy_file(from, to, fs::copy_options::overwrite_existing);
    const fleet::Secrets central(fleet->topology(), fleet->state(),
                                 *fleet->topology().region("eu-central-1"));
    const auto vault = central.vault("eu");
    ASSERT_TRUE(vault);
    const fs::path keys = fleet->state().keys("eu-west-1");
    fs::rename(keys, keys.string() + ".down");
    EXPECT_FALSE(vault->get("db/domicile_owner")) << "the primary's key is what it is sealed under";
    fs::rename(keys.string() + ".down", keys);
    EXPECT_TRUE(vault->get("db/domicile_owner")) << "from the primary";
    fs::copy_file(kept, to, fs::copy_options::overwrite_existing);
    fs::remove(kept);
}

TEST_F(VaultFleet, SecretsOfTheApplicationGoWhereTheyAreDeclared) {
    const auto shell = [&](const std::string& words, const std::string& input) {
        FILE* pipe = ::popen((std::string(DOMICILE_BINARY) + " " + cli(words) + " >/dev/null").c_str(), "w");
        std::fwrite(input.data(), 1, input.size(), pipe);
        return ::pclose(pipe);
    };
    ASSERT_EQ(shell("secret put payment-key", "s3cr3t\n"), 0);
    ASSERT_EQ(shell("secret put eu-only", "home"), 0);
    EXPECT_EQ(domicile(cli("secret get payment-key")).output, "s3cr3t\n");
    EXPECT_TRUE(fs::exists(fleet->state().vault("eu-west-2") / "shared" / "payment-key.secret"));
    EXPECT_FALSE(fs::exists(fleet->state().vault("eu-west-2") / "shared" / "eu-only.secret"));
    EXPECT_TRUE(fs::exists(fleet->state().vault("eu-central-1") / "shared" / "eu-only.secret"));
    ASSERT_EQ(domicile(cli("secret rotate-keys")).status, 0);
    EXPECT_EQ(domicile(cli("secret get payment-key")).output, "s3cr3t\n") << "older key versions still open";
    ASSERT_EQ(shell("secret put payment-key", "second"), 0);
    EXPECT_EQ(domicile(cli("secret get payment-key")).output, "second\n");
    EXPECT_EQ(domicile(cli("secret get payment-key --stage previous")).output, "s3cr3t\n");
    EXPECT_EQ(domicile(cli("secret delete payment-key")).status, 0);
    const auto gone = domicile(cli("secret get payment-key"));
    EXPECT_EQ(gone.status, 1);
    EXPECT_NE(gone.output.find("domicile: "), std::string::npos);
    EXPECT_EQ(domicile(cli("secret put db/domicile_owner")).status, 1) << "the deployment's own are rotated";
    EXPECT_EQ(domicile(cli("secret rotate login/app")).status, 1);
}

TEST_F(VaultFleet, NoProcessLeavesACore) {
    const auto process = fleet::find_gateway(fleet->state(), fleet->topology().regions[0]);
    ASSERT_TRUE(process);
    std::ifstream limits("/proc/" + std::to_string(process->pid) + "/limits");
    std::string line;
    bool found = false;
    while (std::getline(limits, line)) {
        found = found || (line.starts_with("Max core file size") && line.find(" 0 ") != std::string::npos);
    }
    EXPECT_TRUE(found);
    // Not dumpable: what it has under /proc belongs to root, whoever runs it (proc(5), prctl(2)).
    if (::geteuid() == 0) {
        struct stat status{};
        ASSERT_EQ(::stat(("/proc/" + std::to_string(process->pid) + "/mem").c_str(), &status), 0);
        EXPECT_EQ(status.st_uid, 0U);
    }
}

}  // namespace
}  // namespace domicile

// Restored backups do not bring anybody back: random lives of a shard (writes, erasures, restrictions,
// backups of writer and reader by pg_basebackup, crashes, restores), while somebody looks through both doors
// of both regions all the time for people who have been erased.

#include "fleet/context.hpp"
#include "fleet/roles.hpp"
#include "support/command.hpp"
#include "support/http_client.hpp"
#include "support/sql_client.hpp"
#include "support/temp_fleet.hpp"

#include <csignal>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace domicile {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using pool::MaintenanceClient;
using test_support::eventually;
using test_support::TempFleet;

constexpr const char* writer = "eu-1.eu-west-1.w";
constexpr const char* reader = "eu-1.eu-central-1.r1";

std::string topology() {
    // A backup of a reader wants full pages in the log.
    std::string text = test_support::small_topology();
    text.replace(text.find("durable = false"), 15, "durable = true");
    return text + "personal.note = { erase = \"null\" }\n[privacy]\nstrict = false\n";
}

std::map<std::string, std::string> migrations() {
    return {{"0001_small.sql",
             "CREATE TABLE users (user_id bigint PRIMARY KEY, country text NOT NULL, name text);\n"
             "CREATE TABLE orders (user_id bigint NOT NULL REFERENCES users, order_no integer NOT NULL, note "
             "text, "
             "PRIMARY KEY (user_id, order_no));\n"}};
}

std::string canary(int user) {
    return "canary-" + std::to_string(user) + "-";
}

/// Looks for erased people, without a pause.
class Watch {
  public:
    explicit Watch(const TempFleet& fleet)
        : fleet_(fleet), thread_([this](const std::stop_token& stop) { run(stop); }) {}
    void erased(int user) {
        const std::lock_guard lock(mutex_);
        erased_.insert(user);
    }
    [[nodiscard]] std::vector<std::string> seen() {
        const std::lock_guard lock(mutex_);
        return seen_;
    }
    [[nodiscard]] std::size_t looks() const { return looks_; }

  private:
    void run(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            std::vector<int> wanted;
            {
                const std::lock_guard lock(mutex_);
                wanted.assign(erased_.begin(), erased_.end());
            }
            for (std::size_t region = 0; region < 2; ++region) {
                test_support::HttpClient door(fleet_.topology().regions[region].http);
                for (const int user : wanted) {
                    for (const char* what : {"", "/orders"}) {
                        look(user, door.get("/v1/users/" + std::to_string(user) + what).body, "http");
                    }
                }
                const auto& address = fleet_.topology().regions[region].sql;
                test_support::SqlClient sql(
                    "host=" + address.host + " port=" + std::to_string(address.port) +
                    " user=app dbname=shop connect_timeout=2 password=" + fleet_.secret("eu", "login/app"));
                if (sql.connected()) {
                    const auto all = sql.run(
                        "SELECT coalesce(name, '') || ' ' || coalesce(note, '') FROM users JOIN orders USING "
                        "(user_id)");
                    std::string text;
                    for (const auto& row : all.rows) {
                        text += row.at(0) + "\n";
                    }
                    for (const int user : wanted) {
                        look(user, text, "sql");
                    }
                }
            }
            std::this_thread::sleep_for(5ms);
        }
    }
    void look(int user, const std::string& text, const char* door) {
        ++looks_;
        if (text.find(canary(user)) != std::string::npos) {
            const std::lock_guard lock(mutex_);
            seen_.push_back(std::to_string(user) + " through the " + door + " door");
        }
    }
    const TempFleet& fleet_;
    std::mutex mutex_;
    std::set<int> erased_;
    std::vector<std::string> seen_;
    std::atomic<std::size_t> looks_{0};
    std::jthread thread_;  // last: it uses the others
};

using People = std::map<int, std::string>;  // user id to what the row says

struct Backup {
    fs::path folder;
    People people;
};

class Lives {
  public:
    Lives(std::uint64_t seed, TempFleet& fleet) : random_(seed), fleet_(fleet), watch_(fleet) {}

    void run(int restores) {
        for (int life = 0; life < restores; ++life) {
            for (int step = 0; step < 12; ++step) {
                act();
                ASSERT_FALSE(testing::Test::HasFatalFailure());
            }
            back_up();
            for (int step = 0; step < 6; ++step) {
                act();
            }
            erase();
            restore();
            ASSERT_FALSE(testing::Test::HasFatalFailure());
            ASSERT_TRUE(watch_.seen().empty()) << testing::PrintToString(watch_.seen());
        }
        std::cout << "    " << erasures_ << " erasures, " << backups_.size() << " backups, " << crashes_
                  << " crashes, " << restores << " restores; " << watch_.looks() << " looks\n";
        EXPECT_GT(watch_.looks(), 100U);
    }

  private:
    std::uint64_t pick(std::uint64_t below) { return random_() % below; }
    std::string value(const std::string& statement) {
        auto client = fleet_.connect(writer, fleet::roles::officer);
        return fleet::single_value(client, statement).value().value_or("null");
    }
    bool statement(const std::string& script) {
        try {
            auto client = fleet_.connect(writer, fleet::roles::officer);
            return client.run(script, 20s).has_value();
        } catch (const std::exception&) {
            return false;
        }
    }
    void act() {
        switch (pick(8)) {
            case 0: back_up(); break;
            case 1: crash(); break;
            case 2: erase(); break;
            default: write(); break;
        }
    }
    void write() {
        if (people_.empty() || pick(3) != 0) {
            const int user = next_++;
            const std::string text = canary(user) + std::to_string(pick(1'000'000));
            ASSERT_TRUE(eventually(
                [&] {
                    return statement("INSERT INTO users VALUES (" + std::to_string(user) + ", 'DE', '" +
                                     text + "') ON CONFLICT DO NOTHING; INSERT INTO orders VALUES (" +
                                     std::to_string(user) + ", 1, '" + text + "') ON CONFLICT DO NOTHING");
                },
                20s));
            people_[user] = text;
            return;
        }
        auto one = std::next(people_.begin(), static_cast<std::ptrdiff_t>(pick(people_.size())));
        const std::string text = canary(one->first) + std::to_string(pick(1'000'000));
        ASSERT_TRUE(eventually(
            [&] {
                return statement("UPDATE users SET name = '" + text +
                                 "' WHERE user_id = " + std::to_string(one->first));
            },
            20s));
        one->second = text;
    }
    void erase() {
        if (people_.empty()) {
            return;
        }
        auto one = std::next(people_.begin(), static_cast<std::ptrdiff_t>(pick(people_.size())));
        const auto [status, text] =
            test_support::run_domicile(fleet_, "user erase " + std::to_string(one->first) + " --wait 60");
        ASSERT_EQ(status, 0) << text;
        watch_.erased(one->first);
        gone_.insert(one->first);
        people_.erase(one);
        ++erasures_;
    }
    void crash() {
        // The postmaster, at once; the supervisor starts it again.
        std::ifstream pid(fleet_.state().data(writer) / "postmaster.pid");
        pid_t process = 0;
        if (pid >> process) {
            ::kill(process, SIGKILL);
            ++crashes_;
        }
        ASSERT_TRUE(eventually([&] { return statement("SELECT 1"); }, 30s));
    }
    void back_up() {
        const std::string source = pick(2) != 0 ? writer : reader;
        const fs::path folder = fleet_.folder() / ("backup" + std::to_string(backups_.size()));
        const auto login = fleet_.secrets().login("eu", fleet::roles::replication);
        ASSERT_TRUE(login);
        // A reader may lag: what it holds then is what its backup holds.
        const std::string position = source == reader ? "SELECT pg_last_wal_replay_lsn()" : "";
        if (source == reader) {
            const auto now = value("SELECT pg_current_wal_insert_lsn()");
            ASSERT_TRUE(eventually(
                [&] {
                    try {
                        auto client = fleet_.connect(reader, fleet::roles::monitor);
                        return fleet::single_value(client, "SELECT pg_last_wal_replay_lsn() >= '" + now + "'")
                                   .value_or("f") == "t";
                    } catch (const std::exception&) {
                        return false;
                    }
                },
                30s));
        }
        const auto& node = fleet_.node(source);
        const auto [status, text] = test_support::run_command(
            "PGPASSWORD='" + login->password.reveal() + "' /usr/lib/postgresql/15/bin/pg_basebackup -D '" +
            folder.string() + "' -X stream -c fast --no-sync -h " + node.address.host + " -p " +
            std::to_string(node.address.port) + " -U " + login->user);
        ASSERT_EQ(status, 0) << text;
        fs::remove(folder / "standby.signal");
        backups_.push_back({folder, people_});
    }
    /// Some backup, not only the last, takes the writer's place; the reader is made anew from it.
    void restore() {
        const Backup& from = backups_[pick(2) != 0 ? backups_.size() - 1 : pick(backups_.size())];
        ASSERT_TRUE(fleet_.stop());
        const fs::path data = fleet_.state().data(writer);
        const auto [status, text] = test_support::run_command(
            "rm -rf '" + data.string() + "' '" + fleet_.state().node(reader).string() + "' && cp -a '" +
            from.folder.string() + "' '" + data.string() + "' && chown -R postgres:postgres '" +
            data.string() + "' && chmod 700 '" + data.string() + "'");
        ASSERT_EQ(status, 0) << text;
        const auto up = fleet_.start();
        ASSERT_TRUE(up) << base::describe(up.error());
        // Whoever was erased since the backup, or before it, is nobody again; everybody else is as the backup
        // has it.
        people_ = from.people;
        for (const int user : gone_) {
            people_.erase(user);
        }
        ASSERT_TRUE(eventually(
            [&] {
                return value(
                           "SELECT ledger = (SELECT coalesce(max(n), 0) FROM domicile.ledger) AND NOT EXISTS "
                           "(SELECT FROM domicile.requests WHERE state IN ('open', 'running')) FROM "
                           "domicile.shard") == "t" &&
                       value("SELECT ledger FROM domicile.shard") == std::to_string(erasures_);
            },
            60s))
            << value("SELECT ledger FROM domicile.shard") << " of " << erasures_;
        for (const auto& [user, said] : people_) {
            EXPECT_EQ(value("SELECT name FROM users WHERE user_id = " + std::to_string(user)), said);
        }
        for (const int user : gone_) {
            EXPECT_EQ(value("SELECT count(*) FROM users LEFT JOIN orders USING (user_id) WHERE user_id = " +
                            std::to_string(user) + " AND coalesce(name, note) IS NOT NULL"),
                      "0");
        }
        test_support::HttpClient door(fleet_.topology().regions[0].http);
        if (!people_.empty()) {
            const std::string path = "/v1/users/" + std::to_string(people_.begin()->first);
            EXPECT_TRUE(eventually([&] { return door.get(path).status == 200; }, 30s))
                << "and it serves again";
        }
    }

    std::mt19937_64 random_;
    TempFleet& fleet_;
    Watch watch_;
    People people_;
    std::set<int> gone_;
    std::vector<Backup> backups_;
    int next_ = 1;
    int erasures_ = 0;
    int crashes_ = 0;
};

TEST(Restore, NobodyComesBackWithABackup) {
    const char* given = std::getenv("DOMICILE_SEED");
    const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    const char* wanted = std::getenv("DOMICILE_RESTORES");
    std::cout << "    seed " << seed << "\n";
    TempFleet fleet(DOMICILE_BINARY, topology(), migrations());
    const auto up = fleet.start();
    ASSERT_TRUE(up) << base::describe(up.error());
    Lives(seed, fleet).run(wanted != nullptr ? std::atoi(wanted) : 3);
}

}  // namespace
}  // namespace domicile

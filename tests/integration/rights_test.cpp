// The right to erasure on a real fleet: asked for by HTTP, carried out by a worker, certified, killed at
// every step; then every byte of every file is searched. And a thousand invented schemas: erased whole, or
// refused before the first write.

#include "cloud/directory_store.hpp"
#include "fleet/context.hpp"
#include "fleet/roles.hpp"
#include "privacy/erasure_plan.hpp"
#include "rights/certificate.hpp"
#include "rights/schema_reader.hpp"
#include "support/http_client.hpp"
#include "support/temp_fleet.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace domicile {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace std::chrono_literals;
using pool::MaintenanceClient;
using test_support::eventually;
using test_support::TempFleet;

std::string erasing_topology() {
    std::string text = test_support::small_topology() + R"toml(
audit = ["insert"]
personal.note = { erase = "tokenise" }
personal.address = { erase = "generalise", to = "prefix:2" }
personal.phone = { erase = "keyed_hash" }
personal.fax = { erase = "shred" }

[tables.carts]
key = "user_id"
personal.item = { erase = "delete_row" }

[tables.wishes]
key = "user_id"
personal.wish_text = { erase = "delete_row" }

[documents.orders]
person = ["name"]

[institutions.eu-tax]
jurisdiction = "eu"
documents = ["orders"]
deliver = "directory:eu-tax"
batch_documents = 2
batch_s = 0

[privacy]
strict = false
rewrite_h = 0
)toml";
    return text;
}

std::map<std::string, std::string> erasing_migrations() {
    return {{"0001_small.sql", R"sql(
CREATE TABLE users (user_id bigint PRIMARY KEY, country text NOT NULL, name text);
CREATE INDEX ON users (name);
CREATE TABLE orders (user_id bigint NOT NULL REFERENCES users, order_no integer NOT NULL, amount numeric(12, 3), note text NOT NULL,
                     address text, phone text, fax bytea, PRIMARY KEY (user_id, order_no));
CREATE INDEX ON orders (note);
-- Two tables whose rows go, and which point at each other.
CREATE TABLE carts (user_id bigint NOT NULL, cart integer NOT NULL, item text, wish integer, PRIMARY KEY (user_id, cart));
CREATE TABLE wishes (user_id bigint NOT NULL, wish integer NOT NULL, text text, cart integer, PRIMARY KEY (user_id, wish),
                     FOREIGN KEY (user_id, cart) REFERENCES carts ON DELETE RESTRICT);
ALTER TABLE wishes RENAME COLUMN text TO wish_text;
ALTER TABLE wishes ADD COLUMN wish_of text;
ALTER TABLE carts ADD FOREIGN KEY (user_id, wish) REFERENCES wishes ON DELETE RESTRICT;
)sql"}};
}

constexpr const char* canary = "Kanarienvogel";

class Rights : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        die_folder_ = fs::path(::getenv("TMPDIR") != nullptr ? ::getenv("TMPDIR") : "/tmp") /
                      ("domicile-rights." + std::to_string(::getpid()));
        fs::create_directories(die_folder_);
        fs::permissions(die_folder_, fs::perms::all);
        ::setenv("DOMICILE_DIE_AT", (die_folder_ / "at").c_str(), 1);
        fleet_ = new TempFleet(DOMICILE_BINARY, erasing_topology(), erasing_migrations());
        const auto up = fleet_->start();
        ASSERT_TRUE(up) << base::describe(up.error());
    }
    static void TearDownTestSuite() {
        delete fleet_;
        fleet_ = nullptr;
        fs::remove_all(die_folder_);
        ::unsetenv("DOMICILE_DIE_AT");
    }
    std::string value(std::string_view statement) {
        return fleet::single_value(eu_, statement).value().value_or("null");
    }
    void run(std::string_view script) {
        const auto done = eu_.run(script, 20s);
        ASSERT_TRUE(done) << script << "\n" << base::describe(done.error()) << " " << done.error().detail;
    }
    /// A person with a canary in every personal column, and rows that point at each other.
    void invent(int user) {
        const std::string id = std::to_string(user);
        const std::string bird = std::string(canary) + id;
        run("INSERT INTO users VALUES (" + id + ", 'DE', 'name " + bird + "'); INSERT INTO orders VALUES (" +
            id + ", 1, 5, 'note " + bird + "', 'address " + bird + "', 'phone " + bird + "', 'fax " + bird +
            "'::bytea); INSERT INTO carts VALUES (" + id + ", 1, 'item " + bird +
            "', NULL); INSERT INTO wishes VALUES (" + id + ", 1, 'wish " + bird + "', 1, 'of " + bird +
            "'); UPDATE carts SET wish = 1 WHERE user_id = " + id);
    }
    static std::pair<int, std::string> domicile(const std::string& words,
                                                const char* program = DOMICILE_BINARY) {
        const std::string command =
            std::string(program) + " " + words +
            (program == std::string(DOMICILE_BINARY) ? " -t " + fleet_->options().topology_file.string() +
                                                           " --state " + fleet_->options().state.string()
                                                     : "") +
            " 2>&1";
        std::string text;
        FILE* pipe = ::popen(command.c_str(), "r");
        char piece[4096];
        for (std::size_t got = 0; (got = std::fread(piece, 1, sizeof piece, pipe)) > 0;) {
            text.append(piece, got);
        }
        return {WEXITSTATUS(::pclose(pipe)), text};
    }
    static std::string key() {
        std::string text = domicile("audit key -j eu").second;
        text.pop_back();
        return text;
    }
    /// Whether an erasure's certificate checks; what it says.
    static std::pair<bool, std::string> certified(int user) {
        const fs::path file = fleet_->folder() / "certificate";
        std::ofstream(file) << domicile("user certificate " + std::to_string(user)).second;
        const auto [status, text] =
            domicile("'" + file.string() + "' --key " + key(), DOMICILE_CERTIFICATE_VERIFY);
        return {status == 0, text};
    }
    /// Files under the fleet's folder that hold the bytes.
    static std::vector<std::string> files_with(const std::string& bytes) {
        std::vector<std::string> found;
        for (const auto& entry : fs::recursive_directory_iterator(
                 fleet_->options().state, fs::directory_options::skip_permission_denied)) {
            std::error_code error;
            if (!entry.is_regular_file(error)) {
                continue;
            }
            std::ifstream in(entry.path(), std::ios::binary);
            const std::string all(std::istreambuf_iterator<char>(in), {});
            if (all.find(bytes) != std::string::npos) {
                found.push_back(fs::relative(entry.path(), fleet_->options().state).string());
            }
        }
        return found;
    }
    static inline TempFleet* fleet_ = nullptr;
    static inline fs::path die_folder_;
    MaintenanceClient eu_ = fleet_->connect("eu-1.eu-west-1.w", fleet::roles::owner);
};

TEST_F(Rights, APersonIsErasedAndTheBytesAreGone) {
    invent(1);
    invent(2);
    ASSERT_TRUE(eventually(
        [&] {
            return value(
                       "SELECT count(*) FROM domicile.documents WHERE user_id = 1 AND stored_at IS NOT "
                       "NULL") == "1";
        },
        20s));
    const auto dry = domicile("user erase 1 --dry-run");
    EXPECT_EQ(dry.first, 0) << dry.second;
    EXPECT_NE(dry.second.find("table carts, 1 row: deleted"), std::string::npos) << dry.second;
    EXPECT_NE(dry.second.find("note: replaced by a random token"), std::string::npos) << dry.second;
    EXPECT_EQ(value("SELECT count(*) FROM carts WHERE user_id = 1"), "1") << "a dry run writes nothing";

    test_support::HttpClient door(fleet_->topology().regions[0].http);
    std::string token = domicile("token --role operator --jurisdiction eu").second;
    token.erase(std::min(token.find('\n'), token.size()));
    const test_support::Headers operator_token = {{"Authorization", "Bearer " + token}};
    EXPECT_EQ(door.request("DELETE", "/v1/users/1/personal-data").status, 403) << "the application may not";
    EXPECT_EQ(door.request("DELETE", "/v1/users/999/personal-data", {}, operator_token).status, 404);
    EXPECT_EQ(door.request("DELETE", "/v1/users/1001/personal-data", {}, operator_token).status, 451)
        << "asked at home only";
    const auto asked = door.request("DELETE", "/v1/users/1/personal-data", {}, operator_token);
    EXPECT_TRUE(asked.status == 202 || asked.status == 200) << asked.status << asked.body;
    std::string listed;
    ASSERT_TRUE(eventually(
        [&] {
            listed = door.get("/v1/users/1/privacy-requests", operator_token).body;
            return listed.find("\"state\": \"done\"") != std::string::npos;
        },
        20s))
        << listed;
    EXPECT_EQ(json::parse(listed).as_array().size(), 1U);

    EXPECT_EQ(value("SELECT name IS NULL FROM users WHERE user_id = 1"), "t");
    EXPECT_EQ(value("SELECT note ~ '^erased-[0-9a-f]{16}$' AND address = 'ad' AND phone ~ '^[0-9a-f]{64}$' "
                    "AND position('Kanarien'::bytea IN fax) = 0 "
                    "AND amount = 5 FROM orders WHERE user_id = 1"),
              "t");
    EXPECT_EQ(value("SELECT (SELECT count(*) FROM carts WHERE user_id = 1) + (SELECT count(*) FROM wishes "
                    "WHERE user_id = 1)"),
              "0");
    EXPECT_EQ(value("SELECT (SELECT name FROM users WHERE user_id = 2) || (SELECT note FROM orders WHERE "
                    "user_id = 2) || (SELECT item FROM carts WHERE "
                    "user_id = 2)"),
              "name Kanarienvogel2note Kanarienvogel2item Kanarienvogel2")
        << "nobody else";
    const auto [good, said] = certified(1);
    EXPECT_TRUE(good) << said;
    for (const char* part :
         {"table orders: note: replaced by a random token", "table carts: deleted (1 row)",
          "audit documents: made unreadable: the key of the person is destroyed (1 row)",
          "eu-1.eu-central-1.r1: has replayed it", "write-ahead log of all nodes, until 20"}) {
        EXPECT_NE(said.find(part), std::string::npos) << part << "\n" << said;
    }
    EXPECT_NE(domicile("audit show eu-1.1").first, 0) << "nobody reads the document any more";
    const std::string pdf = (fleet_->folder() / "certificate.pdf").string();
    std::ofstream(pdf, std::ios::binary) << domicile("user certificate 1 --pdf").second;
    EXPECT_EQ(std::system(("qpdf --check '" + pdf + "' > /dev/null && pdftotext -layout '" + pdf +
                           "' - | grep -q 'write-ahead log of all nodes'")
                              .c_str()),
              0);

    // Pages are rewritten; then each file of every node, store, queue, log and vault is searched, and only
    // where the certificate says so may the values still be.
    ASSERT_TRUE(eventually([&] { return value("SELECT count(*) FROM domicile.rewrites") == "0"; }, 60s));
    ASSERT_TRUE(eventually(
        [&] {
            for (const char* node : {"eu-1.eu-west-1.w", "eu-1.eu-central-1.r1"}) {
                std::ignore = fleet_->connect(node, fleet::roles::superuser).run("CHECKPOINT", 20s);
            }
            const auto files = files_with("Kanarienvogel1");
            return std::ranges::all_of(
                files, [](const std::string& file) { return file.find("/pg_wal/") != std::string::npos; });
        },
        20s))
        << testing::PrintToString(files_with("Kanarienvogel1"));
    EXPECT_FALSE(files_with("Kanarienvogel2").empty()) << "the search finds what is there";
    std::cout << "    still holding it: " << files_with("Kanarienvogel1").size()
              << " files, all of them write-ahead log\n";
}

TEST_F(Rights, KilledAtEachStepItIsDoneOnce) {
    int user = 100;
    for (const char* point :
         {"eraser.begun", "eraser.noted", "eraser.erased", "eraser.committed", "eraser.certified"}) {
        ++user;
        invent(user);
        const fs::path at = die_folder_ / "at";
        std::ofstream(die_folder_ / "part") << point << " 1\n";
        fs::rename(die_folder_ / "part", at);
        // Workers read of it when they begin.
        const auto kill = [&] {
            for (const char* region : {"eu-west-1", "eu-central-1"}) {
                std::ifstream pid(fleet_->options().state / "run" /
                                  ("worker." + std::string(region) + ".pid"));
                pid_t process = 0;
                if (pid >> process) {
                    ::kill(process, SIGKILL);
                }
            }
        };
        kill();
        std::this_thread::sleep_for(300ms);
        const auto [status, text] = domicile("user erase " + std::to_string(user) + " --wait 60");
        EXPECT_EQ(status, 0) << point << "\n" << text;
        EXPECT_FALSE(fs::exists(at)) << point << ": nobody died there";
        const auto [good, said] = certified(user);
        EXPECT_TRUE(good) << point << "\n" << said;
        EXPECT_NE(said.find("table carts: deleted (1 row)"), std::string::npos) << point << "\n" << said;
        EXPECT_EQ(value("SELECT count(*) FROM domicile.ledger WHERE user_id = " + std::to_string(user)), "1")
            << point;
        EXPECT_EQ(value("SELECT count(*) FROM carts WHERE user_id = " + std::to_string(user)), "0") << point;
    }
    EXPECT_EQ(value("SELECT count(*) = max(n) FROM domicile.ledger"), "t") << "the ledger has no gap";
}

TEST_F(Rights, AHoldKeepsEverythingUntilItEnds) {
    invent(200);
    ASSERT_EQ(domicile("user hold 200 --ground 'Art. 17(3)(e): case 4711' --until 2999-01-01").first, 0);
    const auto [status, text] = domicile("user erase 200 --wait 1");
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("held until 2999-01-01"), std::string::npos) << text;
    EXPECT_EQ(value("SELECT count(*) FROM carts WHERE user_id = 200"), "1");
    const auto open = domicile("privacy requests --json");
    EXPECT_NE(open.second.find("\"held_until\":\"2999-01-01\""), std::string::npos) << open.second;
    const std::string request = value("SELECT id FROM domicile.requests WHERE user_id = 200");
    EXPECT_EQ(domicile("privacy extend " + request + " --shard eu-1 --because 'many at once'").first, 0);
    EXPECT_EQ(domicile("privacy extend " + request + " --shard eu-1 --because 'again'").first, 1);
    // It ended yesterday: what was asked for is done without being asked again.
    run("UPDATE domicile.holds SET until = current_date - 1 WHERE user_id = 200");
    EXPECT_TRUE(
        eventually([&] { return value("SELECT count(*) FROM carts WHERE user_id = 200") == "0"; }, 20s));
    EXPECT_EQ(domicile("user hold 200 --until tomorrow").first, 1);
}

TEST_F(Rights, ADocumentThatWasNotSentIsWithdrawn) {
    invent(300);
    ASSERT_TRUE(eventually(
        [&] {
            return value(
                       "SELECT count(*) FROM domicile.documents WHERE user_id = 300 AND stored_at IS NOT "
                       "NULL") == "1";
        },
        20s));
    const std::string number = value("SELECT number FROM domicile.documents WHERE user_id = 300");
    // Erased before it goes, or after: the institution's chain stays whole.
    ASSERT_EQ(domicile("user erase 300 --wait 30").first, 0);
    invent(301);
    ASSERT_TRUE(eventually([&] { return domicile("audit status --json").first == 0; }, 60s))
        << domicile("audit status").second;
    const auto [status, text] =
        domicile("'" + (fleet_->options().state / "delivered/eu-tax").string() + "' --key " + key(),
                 DOMICILE_AUDIT_VERIFY);
    EXPECT_EQ(status, 0) << text;
}

TEST_F(Rights, WhatCannotBeDoneWholeIsRefusedBeforeTheFirstWrite) {
    invent(400);
    run("CREATE TABLE stray (id int PRIMARY KEY, who bigint REFERENCES users)");
    const auto [status, text] = domicile("user erase 400 --wait 30");
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("the table stray points at people of users"), std::string::npos) << text;
    EXPECT_EQ(value("SELECT count(*) FROM carts WHERE user_id = 400"), "1");
    EXPECT_EQ(value("SELECT count(*) FROM domicile.ledger WHERE user_id = 400"), "0");
    run("DROP TABLE stray");
    EXPECT_EQ(domicile("user erase 400 --wait 30").first, 0);
}

TEST_F(Rights, ARestoredClusterServesNobodyUntilTheLedgerIsReplayed) {
    // Whoever has fewer erasures than the ledger, whatever the reason.
    const fs::path head = fleet_->options().state / "objects/eu/log/erasures-eu-1/checkpoint";
    ASSERT_TRUE(fs::exists(head)) << head;
    invent(600);
    test_support::HttpClient door(fleet_->topology().regions[0].http);
    ASSERT_EQ(door.get("/v1/users/600").status, 200);
    cloud::DirectoryStore store(fleet_->options().state / "objects/eu");
    const std::string note = store.get("log/erasures-eu-1/checkpoint").value();
    const auto line = note.find('\n');
    struct stat owner{};
    ASSERT_EQ(::stat(head.c_str(), &owner), 0);
    const auto put = [&](const std::string& text) {
        ASSERT_TRUE(store.put("log/erasures-eu-1/checkpoint", text));
        ASSERT_EQ(::chown(head.c_str(), owner.st_uid, owner.st_gid), 0);  // gateways are another user
    };
    put(note.substr(0, line + 1) + "999999" + note.substr(note.find('\n', line + 1)));
    EXPECT_TRUE(eventually([&] { return door.get("/v1/users/600").status == 503; }, 20s));
    put(note);
    EXPECT_TRUE(eventually([&] { return door.get("/v1/users/600").status == 200; }, 20s));

    // A person comes back with a backup of the shard: the same rows, and a ledger position from before the
    // erasure.
    invent(500);
    const auto position = value("SELECT ledger FROM domicile.shard");
    ASSERT_EQ(domicile("user erase 500 --wait 30").first, 0);
    EXPECT_EQ(value("SELECT ledger FROM domicile.shard"), std::to_string(std::stoi(position) + 1));
    run("BEGIN; UPDATE domicile.shard SET ledger = " + position + "; DELETE FROM domicile.ledger WHERE n > " +
        position +
        "; DELETE FROM domicile.notices WHERE user_id = 500; DELETE FROM domicile.requests WHERE user_id = "
        "500; UPDATE users SET name = 'back again' WHERE "
        "user_id = 500; INSERT INTO carts VALUES "
        "(500, 1, 'back again', NULL); COMMIT");
    EXPECT_TRUE(
        eventually([&] { return value("SELECT count(*) FROM carts WHERE user_id = 500") == "0"; }, 30s));
    EXPECT_EQ(value("SELECT name IS NULL FROM users WHERE user_id = 500"), "t");
    EXPECT_TRUE(eventually([&] { return door.get("/v1/users/500").status == 200; }, 20s));
    EXPECT_EQ(value("SELECT ledger = (SELECT max(n) FROM domicile.ledger) FROM domicile.shard"), "t");
    // And the next erasure continues the ledger.
    EXPECT_EQ(domicile("user erase 600 --wait 30").first, 0);
    EXPECT_TRUE(certified(600).first) << certified(600).second;
}

/// Tables with random columns, rules and foreign keys among them, cycles and all; two people's rows.
TEST_F(Rights, InventedSchemasAreErasedWholeOrRefused) {
    const char* wanted = std::getenv("DOMICILE_SCHEMAS");
    const int rounds = wanted != nullptr ? std::atoi(wanted) : 150;
    const std::uint64_t seed = std::random_device{}();
    std::cout << "    seed " << seed << "\n";
    std::mt19937_64 random(seed);
    auto client =
        fleet_->connect("central", fleet::roles::superuser);  // no table of the application is there
    int erased = 0;
    int refused = 0;
    for (int round = 0; round < rounds; ++round) {
        const auto pick = [&](std::uint64_t below) { return random() % below; };
        topology::Topology topology;
        topology::Table people;
        people.name = "people";
        people.key = "id";
        people.person = true;
        people.personal = {{"name", topology::Erasure::set_null}};
        topology.tables = {people};
        std::string ddl =
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE people (id bigint PRIMARY KEY, "
            "name text);";
        std::string rows = "INSERT INTO people VALUES (1, 'bird one'), (2, 'bird two');";
        const auto count = 2 + pick(4);
        std::vector<std::pair<std::string, std::string>> secrets;  // table, column
        for (std::uint64_t t = 0; t < count; ++t) {
            topology::Table table;
            table.name = "t" + std::to_string(t);
            table.key = "id";
            const std::string columns =
                "a text, b varchar(" + std::to_string(8 + pick(80)) +
                "), c timestamptz, d numeric, e bytea, f text NOT NULL DEFAULT 'bird'";
            ddl += "CREATE TABLE " + table.name + " (id bigint NOT NULL REFERENCES people ON DELETE " +
                   std::string(pick(2) != 0 ? "CASCADE" : "RESTRICT") +
                   ", no int NOT NULL, ref int, other bigint, " + columns + ", PRIMARY KEY (id, no));";
            const bool goes = pick(3) == 0;
            for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
                if (pick(3) != 0 && !goes) {
                    continue;
                }
                using topology::Erasure;
                // Nine of ten fit the column; the tenth may be what cannot be carried out.
                struct Fit {
                    Erasure erasure;
                    const char* to;
                };
                const std::map<std::string, std::vector<Fit>> fits = {
                    {"a",
                     {{Erasure::set_null, ""},
                      {Erasure::tokenise, ""},
                      {Erasure::keyed_hash, ""},
                      {Erasure::shred, ""},
                      {Erasure::generalise, "prefix:1"}}},
                    {"b", {{Erasure::set_null, ""}, {Erasure::shred, ""}, {Erasure::generalise, "prefix:1"}}},
                    {"c",
                     {{Erasure::set_null, ""},
                      {Erasure::generalise, "year"},
                      {Erasure::generalise, "decade"}}},
                    {"d", {{Erasure::set_null, ""}, {Erasure::generalise, "step:10"}}},
                    {"e", {{Erasure::set_null, ""}, {Erasure::shred, ""}}},
                    {"f",
                     {{Erasure::tokenise, ""},
                      {Erasure::keyed_hash, ""},
                      {Erasure::shred, ""},
                      {Erasure::generalise, "prefix:1"}}}};
                const auto& of_it = fits.at(pick(10) == 0 ? "e" : name);
                const Fit fit = of_it[pick(of_it.size())];
                topology::PersonalColumn rule{name, goes ? Erasure::delete_row : fit.erasure,
                                              goes ? "" : fit.to};
                table.personal.push_back(rule);
                if (rule.erasure != topology::Erasure::generalise) {
                    secrets.emplace_back(table.name, name);
                }
            }
            for (const char* person : {"1", "2"}) {
                rows += "INSERT INTO " + table.name + " (id, no, a, b, c, d, e) VALUES (" + person +
                        ", 1, 'bird " + person + "', 'bird " + person + "', now(), 17, 'bird'), (" + person +
                        ", 2, 'bird', 'bird', now(), 23, 'bird " + person + "');";
            }
            topology.tables.push_back(std::move(table));
        }
        for (auto keys = pick(5); keys > 0; --keys) {
            const std::string child = "t" + std::to_string(pick(count));
            const std::string parent = "t" + std::to_string(pick(count));
            constexpr const char* actions[] = {"NO ACTION", "RESTRICT", "CASCADE", "SET NULL",
                                               "SET NULL (ref)"};
            ddl += "ALTER TABLE " + child + " ADD FOREIGN KEY (id, ref) REFERENCES " + parent +
                   " ON DELETE " + actions[pick(5)] + ";";
            rows += "UPDATE " + child + " SET ref = " + std::to_string(1 + pick(2)) + " WHERE " +
                    (pick(2) != 0 ? "id = 1" : "true") + ";";
        }
        if (pick(6) == 0) {
            ddl += "ALTER TABLE t0 ADD FOREIGN KEY (other) REFERENCES people;";
            rows += "UPDATE t0 SET other = 1;";
            if (pick(2) != 0) {
                topology.tables[1].personal.push_back({"other", topology::Erasure::set_null});
            }
        }
        if (pick(10) == 0) {
            ddl += "CREATE MATERIALIZED VIEW copy AS SELECT * FROM people;";
        }
        const auto made = client.run(ddl + rows, 20s);
        ASSERT_TRUE(made) << ddl << rows << made.error().detail;
        const auto live = rights::read_schema(client);
        ASSERT_TRUE(live);
        const auto [plan, findings] = privacy::plan_erasure(topology, *live);
        if (!findings.empty()) {
            ++refused;
            continue;
        }
        ++erased;
        const auto shown = [&] {
            return "seed " + std::to_string(seed) + ", round " + std::to_string(round) + "\n" + ddl + "\n" +
                   plan.overwrite_sql + "\n" + plan.remove_sql + "\n";
        };
        const auto others = [&] {
            std::string statement =
                "SELECT md5(string_agg(x, '|')) FROM (SELECT p::text AS x FROM people AS p WHERE id = 2";
            for (std::uint64_t t = 0; t < count; ++t) {
                statement += " UNION ALL SELECT r::text FROM t" + std::to_string(t) + " AS r WHERE id = 2";
            }
            return fleet::single_value(client, statement + " ORDER BY 1) AS q").value().value_or("");
        };
        const std::string before = others();
        ASSERT_TRUE(client.run("BEGIN", 5s));
        for (const auto* statement : {&plan.overwrite_sql, &plan.remove_sql}) {
            if (!statement->empty()) {
                std::vector<std::optional<std::string>> parameters = {"1"};
                if (statement == &plan.overwrite_sql) {
                    parameters.emplace_back(std::string(64, 'a'));
                }
                const auto ran = client.run(*statement, parameters, 20s);
                ASSERT_TRUE(ran) << shown() << ran.error().detail;
            }
        }
        ASSERT_TRUE(client.run("COMMIT", 5s));
        EXPECT_EQ(others(), before) << shown() << "somebody else's rows have changed";
        for (const auto& [table, column] : secrets) {
            EXPECT_EQ(fleet::single_value(client, "SELECT count(*) FROM " + table + " WHERE id = 1 AND " +
                                                      column + "::text ~ '(bird|62697264)' AND '" + column +
                                                      "' IN ('a', 'b', 'f')")
                          .value(),
                      "0")
                << shown() << table << "." << column;
        }
        EXPECT_EQ(
            fleet::single_value(client, "SELECT count(*) FROM people WHERE id = 1 AND name IS NULL").value(),
            "1")
            << shown();
    }
    std::cout << "    " << erased << " schemas erased whole, " << refused << " refused\n";
    EXPECT_GT(erased, rounds / 20);
    EXPECT_GT(refused, rounds / 20);
}

}  // namespace
}  // namespace domicile

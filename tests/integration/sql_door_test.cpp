// The SQL door against a real fleet, through libpq: two jurisdictions, two shards in one of them, a reader.

#include "support/sql_client.hpp"
#include "support/temp_fleet.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace domicile {
namespace {

using test_support::eventually;
using test_support::SqlClient;
using test_support::SqlResult;
using test_support::TempFleet;

constexpr std::string_view topology_text = R"toml(
name = "shop"
[database]
name = "shop"
migrations = "schema"
[jurisdictions.eu]
countries = ["DE", "FR"]
[jurisdictions.uk]
rest_of_world = true
[regions.eu-west-1]
jurisdiction = "eu"
writer = true
http = "127.0.0.1:@PORT@"
sql = "127.0.0.1:@PORT@"
[regions.eu-west-2]
jurisdiction = "uk"
writer = true
http = "127.0.0.1:@PORT@"
sql = "127.0.0.1:@PORT@"
[shards.eu-1]
ranges = [[0, 1_000]]
writer = "eu-west-1"
readers = ["eu-west-1"]
[shards.eu-2]
ranges = [[1_000, 2_000]]
writer = "eu-west-1"
[shards.uk-1]
ranges = [[5_000, 6_000]]
writer = "eu-west-2"
[embedded]
first_port = @FIRST@
durable = false
[tables.users]
key = "user_id"
person = true
country = "country"
personal.name = { erase = "null" }
[tables.orders]
key = "user_id"
[tables.countries]
reference = true
[tables.settings]
shard = "eu-2"
)toml";

const std::map<std::string, std::string> migrations = {{"0001_shop.sql", R"sql(
CREATE TABLE users (user_id bigint PRIMARY KEY, country text NOT NULL DEFAULT 'DE', name text, age int);
CREATE TABLE orders (user_id bigint NOT NULL, order_no int NOT NULL, total numeric(10,2) NOT NULL DEFAULT 0,
                     note text, PRIMARY KEY (user_id, order_no));
CREATE TABLE countries (code text PRIMARY KEY, title text);
CREATE TABLE settings (name text PRIMARY KEY, value text);
)sql"}};

class SqlDoor : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        fleet = new TempFleet(DOMICILE_BINARY, topology_text, migrations);
        const auto started = fleet->start();
        ASSERT_TRUE(started) << base::describe(started.error());
        SqlClient client(options());
        ASSERT_TRUE(client.connected()) << client.error();
        for (const int user : {1, 2, 3, 999, 1000, 1001, 1500, 1999}) {
            const auto id = std::to_string(user);
            ASSERT_TRUE(client
                            .run("INSERT INTO users (user_id, name, age) VALUES (" + id + ", 'p" + id +
                                 "', " + std::to_string(user % 50) + ")")
                            .good);
            for (int order = 1; order <= 3; ++order) {
                ASSERT_TRUE(client
                                .run("INSERT INTO orders (user_id, order_no, total) VALUES ($1, $2, $3)",
                                     {id, std::to_string(order), std::to_string(user + order) + ".50"})
                                .good);
            }
        }
        // Other sessions may read from a reader, which sees all this a moment later.
        SqlClient other(options());
        ASSERT_TRUE(eventually([&] { return other.run("SELECT count(*) FROM orders").value() == "24"; }));
    }
    static void TearDownTestSuite() {
        delete fleet;
        fleet = nullptr;
    }
    static std::string options(std::string_view login = "app", std::string_view region = "eu-west-1") {
        const auto& topology = fleet->topology();
        const auto& at = topology.at(*topology.region(region));
        const auto& jurisdiction = topology.at(at.jurisdiction).name;
        const auto password =
            fleet::read_file(fleet->state().secret(jurisdiction, "login_" + std::string(login)));
        return "host=127.0.0.1 port=" + std::to_string(at.sql.port) + " user=" + std::string(login) +
               " password=" + password.value_or("") + " dbname=shop connect_timeout=5";
    }
    static TempFleet* fleet;
    SqlClient client_{options()};
};
TempFleet* SqlDoor::fleet = nullptr;

// ---- Login ----

TEST_F(SqlDoor, LetsInWhoProvesThePasswordAndNobodyElse) {
    EXPECT_TRUE(client_.connected()) << client_.error();
    EXPECT_TRUE(SqlClient(options("operator")).connected());
    std::string wrong = options();
    wrong.replace(wrong.find("password="), 12, "password=xyz");
    const SqlClient refused(wrong);
    EXPECT_FALSE(refused.connected());
    EXPECT_NE(refused.error().find("password authentication failed"), std::string::npos);
    std::string unknown = options();
    unknown.replace(unknown.find("user=app"), 8, "user=who");
    EXPECT_NE(SqlClient(unknown).error().find("password authentication failed"), std::string::npos)
        << "an unknown user sounds like a wrong password";
    std::string other = options();
    other.replace(other.find("dbname=shop"), 11, "dbname=xyz1");
    EXPECT_NE(SqlClient(other).error().find("does not exist"), std::string::npos);
}

// ---- Routing ----

TEST_F(SqlDoor, FindsEachPersonOnTheirShard) {
    for (const int user : {1, 999, 1000, 1999}) {
        const auto id = std::to_string(user);
        EXPECT_EQ(client_.run("SELECT name FROM users WHERE user_id = " + id).value(), "p" + id);
        EXPECT_EQ(client_.run("SELECT name FROM users WHERE user_id = $1", {id}).value(), "p" + id);
        EXPECT_EQ(client_.run_binary("SELECT name FROM users WHERE user_id = $1", user).value(), "p" + id);
        EXPECT_EQ(
            client_.run("SELECT count(*) FROM users u JOIN orders o USING (user_id) WHERE u.user_id = " + id)
                .value(),
            "3");
    }
}

TEST_F(SqlDoor, RefusesPeopleAbroadAlikeWhetherTheyExistOrNot) {
    SqlClient uk(options("app", "eu-west-2"));
    ASSERT_TRUE(uk.run("INSERT INTO users (user_id, name) VALUES (5001, 'Ann') ON CONFLICT DO NOTHING").good);
    const auto there = client_.run("SELECT name FROM users WHERE user_id = 5001");
    const auto missing = client_.run("SELECT name FROM users WHERE user_id = 5002");
    EXPECT_EQ(there.sqlstate, "42501");
    EXPECT_NE(there.detail.find("residency/home-by-id"), std::string::npos) << there.detail;
    EXPECT_NE(there.hint.find("eu-west-2"), std::string::npos) << there.hint;
    EXPECT_EQ(there.message, missing.message);
    EXPECT_EQ(there.detail, missing.detail);
    EXPECT_EQ(there.hint, missing.hint);
    for (const char* sql :
         {"UPDATE users SET name = 'x' WHERE user_id = 5001", "DELETE FROM users WHERE user_id IN (1, 5001)",
          "INSERT INTO users (user_id, name) VALUES (5003, 'x')",
          "SELECT * FROM users WHERE user_id BETWEEN 4000 AND 5500",
          "SELECT * FROM users WHERE user_id >= 5000"}) {
        EXPECT_EQ(client_.run(sql).sqlstate, "42501") << sql;
    }
    EXPECT_EQ(client_.run("SELECT name FROM users WHERE user_id = $1", {"5001"}).sqlstate, "42501");
}

TEST_F(SqlDoor, RefusesWhatLiesInNoRangeInsteadOfAskingEveryone) {
    // PgDog sends such a key to all shards.
    for (const char* sql :
         {"SELECT * FROM users WHERE user_id = 3000", "INSERT INTO users (user_id) VALUES (-1)",
          "UPDATE users SET age = 1 WHERE user_id = 99999999999"}) {
        const auto refused = client_.run(sql);
        EXPECT_EQ(refused.sqlstate, "22003") << sql;
        EXPECT_NE(refused.detail.find("ranges/outside"), std::string::npos);
    }
}

TEST_F(SqlDoor, NeverGuessesAWrite) {
    for (const char* sql :
         {"UPDATE users SET age = 1", "DELETE FROM users WHERE name = 'p1'",
          "UPDATE users SET user_id = 5 WHERE user_id = 1", "INSERT INTO users (name) VALUES ('x')",
          "UPDATE users SET age = 2 WHERE user_id + 0 = 1", "SELECT nothing_we_know(1)",
          "SELECT * FROM not_in_the_topology"}) {
        EXPECT_FALSE(client_.run(sql).good) << sql;
    }
    EXPECT_EQ(client_.run("SELECT age FROM users WHERE user_id = 1").value(), "1");
}

TEST_F(SqlDoor, RunsWhatNeedsNoTableAnywhere) {
    EXPECT_EQ(client_.run("SELECT 1").value(), "1");
    EXPECT_EQ(client_.run("").good, true);
    EXPECT_NE(client_.run("SELECT version()").value().find("PostgreSQL"), std::string::npos);
    EXPECT_EQ(client_.run("SELECT count(*) FROM pg_class WHERE relname = 'users'").value(), "1");
    EXPECT_EQ(client_.run("SELECT value FROM settings").rows.size(), 0U);
}

// ---- Transactions ----

TEST_F(SqlDoor, BindsATransactionToTheShardOfItsFirstRoutedStatement) {
    EXPECT_TRUE(client_.run("BEGIN").good);
    EXPECT_EQ(client_.run("SHOW transaction_isolation").value(), "read committed");
    EXPECT_EQ(client_.run("SELECT name FROM users WHERE user_id = 1500").value(), "p1500");
    EXPECT_TRUE(client_.run("UPDATE users SET age = 77 WHERE user_id = 1500").good);
    const auto other = client_.run("SELECT name FROM users WHERE user_id = 1");
    EXPECT_NE(other.detail.find("routing/several-shards"), std::string::npos) << other.message;
    EXPECT_EQ(PQtransactionStatus(client_.raw()), PQTRANS_INERROR);
    EXPECT_EQ(client_.run("SELECT 1").sqlstate, "25P02");
    EXPECT_EQ(client_.run("COMMIT").tag, "ROLLBACK");
    EXPECT_EQ(client_.run("SELECT age FROM users WHERE user_id = 1500").value(), "0");
}

TEST_F(SqlDoor, CommitsAndRollsBack) {
    EXPECT_EQ(client_.run("BEGIN ISOLATION LEVEL REPEATABLE READ").tag, "BEGIN");
    EXPECT_TRUE(client_.run("SET LOCAL statement_timeout = '3s'").good);
    EXPECT_EQ(client_.run("SHOW transaction_isolation").value(), "repeatable read");
    EXPECT_EQ(client_.run("SHOW statement_timeout").value(), "3s");
    EXPECT_TRUE(client_.run("UPDATE users SET age = 5 WHERE user_id = 2").good);
    EXPECT_TRUE(client_.run("SAVEPOINT a").good);
    EXPECT_FALSE(client_.run("UPDATE users SET age = 1/0 WHERE user_id = 2").good);
    EXPECT_TRUE(client_.run("ROLLBACK TO a").good);
    EXPECT_EQ(client_.run("COMMIT").tag, "COMMIT");
    EXPECT_EQ(client_.run("SELECT age FROM users WHERE user_id = 2").value(), "5");
    EXPECT_TRUE(client_.run("BEGIN").good);
    EXPECT_TRUE(client_.run("DELETE FROM orders WHERE user_id = 2").good);
    EXPECT_TRUE(client_.run("ROLLBACK").good);
    EXPECT_EQ(client_.run("SELECT count(*) FROM orders WHERE user_id = 2").value(), "3");
}

// ---- Session state ----

TEST_F(SqlDoor, CarriesSettingsFromConnectionToConnection) {
    EXPECT_TRUE(client_.run("SET TimeZone = 'Asia/Tokyo'").good);
    EXPECT_TRUE(client_.run("SET search_path = public, pg_temp").good);
    SqlClient other(options());
    for (const int user : {1, 1500, 999, 1000}) {
        const auto id = std::to_string(user);
        EXPECT_EQ(client_.run("SELECT current_setting('TimeZone') FROM users WHERE user_id = " + id).value(),
                  "Asia/Tokyo");
        EXPECT_NE(other.run("SELECT current_setting('TimeZone') FROM users WHERE user_id = " + id).value(),
                  "Asia/Tokyo");
    }
    EXPECT_TRUE(client_.run("BEGIN; SET TimeZone = 'Europe/Paris'; ROLLBACK").good);
    EXPECT_EQ(client_.run("SHOW TimeZone").value(), "Asia/Tokyo");
    EXPECT_TRUE(client_.run("RESET ALL").good);
    EXPECT_NE(client_.run("SHOW TimeZone").value(), "Asia/Tokyo");
    EXPECT_FALSE(client_.run("SET TimeZone = 'No/Where'").good);
    EXPECT_NE(client_.run("SHOW TimeZone").value(), "No/Where");
}

TEST_F(SqlDoor, TellsWhyAConnectionIsPinned) {
    EXPECT_TRUE(client_.run("SET domicile.user_id = 42").good);
    EXPECT_TRUE(client_.run("CREATE TEMP TABLE mine (a int)").good);
    EXPECT_TRUE(client_.run("INSERT INTO mine VALUES (1), (2)").good);
    EXPECT_EQ(client_.run("SELECT sum(a) FROM mine").value(), "3");
    EXPECT_NE(client_.run("CREATE TEMP TABLE users (user_id int)").detail.find("routing/not-supported"),
              std::string::npos)
        << "it would hide the people, or not";
    EXPECT_NE(client_.run("SHOW domicile.session").text().find("pinned_by|temporary table"),
              std::string::npos);
    EXPECT_TRUE(client_.run("DISCARD ALL").good);
    EXPECT_NE(client_.run("SHOW domicile.session").text().find("pinned_by|"), std::string::npos);
    EXPECT_FALSE(client_.run("SELECT * FROM mine").good);
}

TEST_F(SqlDoor, RoutesByTheSessionKeyWhatCarriesNone) {
    EXPECT_TRUE(client_.run("SET domicile.user_id = 1500").good);
    EXPECT_EQ(client_.run("SELECT count(*) FROM users WHERE name = 'p1500'").value(), "1");
    EXPECT_TRUE(client_.run("SET domicile.user_id = 5001").good);
    EXPECT_EQ(client_.run("SELECT count(*) FROM users").sqlstate, "42501");
    EXPECT_TRUE(client_.run("RESET domicile.user_id").good);
}

// ---- Prepared statements, errors, pipelines ----

TEST_F(SqlDoor, PreparesOnceAndRunsOnEveryShard) {
    EXPECT_TRUE(client_.prepare("by_id", "SELECT name FROM users WHERE user_id = $1").good);
    for (int round = 0; round < 3; ++round) {
        for (const int user : {1, 1500, 999, 1000}) {
            EXPECT_EQ(client_.execute("by_id", {std::to_string(user)}).value(), "p" + std::to_string(user));
        }
    }
    EXPECT_EQ(client_.execute("by_id", {"5001"}).sqlstate, "42501");
    EXPECT_EQ(client_.prepare("by_id", "SELECT 1").sqlstate, "42P05");
    EXPECT_TRUE(client_.run("DEALLOCATE by_id").good);
    EXPECT_EQ(client_.execute("by_id", {"1"}).sqlstate, "26000");
    EXPECT_FALSE(client_.prepare("bad", "SELECT nonsense FROM users WHERE user_id = 1").good);
    EXPECT_EQ(client_.run("SELECT 1").value(), "1");
}

TEST_F(SqlDoor, PipelinesWithSeveralSyncsToSeveralShards) {
    PGconn* raw = client_.raw();
    ASSERT_EQ(PQenterPipelineMode(raw), 1);
    std::vector<std::string> ids;
    for (int i = 0; i < 200; ++i) {
        ids.push_back(std::to_string(i % 2 == 0 ? 1 : 1500));
        const char* value = ids.back().c_str();
        ASSERT_EQ(PQsendQueryParams(raw, "SELECT user_id FROM users WHERE user_id = $1", 1, nullptr, &value,
                                    nullptr, nullptr, 0),
                  1);
        ASSERT_EQ(PQpipelineSync(raw), 1);
    }
    for (const auto& id : ids) {
        EXPECT_EQ(SqlClient::take(PQgetResult(raw)).value(), id);
        EXPECT_EQ(PQgetResult(raw), nullptr);
        PGresult* sync = PQgetResult(raw);
        EXPECT_EQ(PQresultStatus(sync), PGRES_PIPELINE_SYNC);
        PQclear(sync);
    }
    EXPECT_EQ(PQexitPipelineMode(raw), 1);
    EXPECT_EQ(client_.run("SELECT 1").value(), "1");
}

TEST_F(SqlDoor, CancelsOnlyWhatItMeans) {
    SqlClient other(options());
    std::atomic<bool> done{false};
    std::thread busy([&] {
        while (!done) {
            EXPECT_EQ(other.run("SELECT name FROM users WHERE user_id = 1").value(), "p1");
        }
    });
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(PQsendQuery(client_.raw(), "SELECT pg_sleep(20) FROM users WHERE user_id = 1"), 1);
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        PGcancel* cancel = PQgetCancel(client_.raw());
        char error[256];
        EXPECT_EQ(PQcancel(cancel, error, sizeof error), 1) << error;
        PQfreeCancel(cancel);
        EXPECT_EQ(SqlClient::take(PQgetResult(client_.raw())).sqlstate, "57014");
        EXPECT_EQ(PQgetResult(client_.raw()), nullptr);
    }
    done = true;
    busy.join();
    EXPECT_EQ(client_.run("SELECT 1").value(), "1");
}

TEST_F(SqlDoor, CopiesToOneShard) {
    EXPECT_TRUE(client_.run("SET domicile.user_id = 1999").good);
    EXPECT_EQ(client_.copy_out("COPY (SELECT name FROM users WHERE user_id = 1999) TO STDOUT"), "p1999\n");
}

TEST_F(SqlDoor, ShowsWhatItKnows) {
    EXPECT_NE(client_.run("SHOW domicile.map").text().find("0|1000|eu-1|eu|yes"), std::string::npos);
    EXPECT_GE(client_.run("SHOW domicile.nodes").rows.size(), 3U);
    EXPECT_GE(client_.run("SHOW domicile.pools").rows.size(), 3U);
    EXPECT_GE(client_.run("SHOW domicile.clients").rows.size(), 1U);
    EXPECT_GE(client_.run("SHOW domicile.stats").rows.size(), 5U);
    const auto route = client_.run("EXPLAIN (ROUTE) SELECT * FROM users WHERE user_id = 1500");
    EXPECT_NE(route.text().find("eu-2|reader|"), std::string::npos) << route.text() << route.message;
    EXPECT_EQ(client_.run("EXPLAIN (ROUTE) DELETE FROM users WHERE user_id = 5001").sqlstate, "42501");
    EXPECT_TRUE(client_.run("EXPLAIN (ROUTE) DELETE FROM users WHERE user_id = 1").good);
    EXPECT_EQ(client_.run("SELECT name FROM users WHERE user_id = 1").value(), "p1") << "nothing ran";
}

// ---- Several shards ----

TEST_F(SqlDoor, GathersReadsOfSeveralShards) {
    const auto is = [&](const std::string& sql, std::string_view expected) {
        const auto result = client_.run(sql);
        EXPECT_EQ(result.text(), expected) << sql << "\n" << result.message << " " << result.hint;
    };
    is("SELECT user_id FROM users WHERE user_id IN (1, 1500, 999) ORDER BY user_id", "1;999;1500");
    is("SELECT user_id FROM users ORDER BY user_id DESC LIMIT 3 OFFSET 1", "1500;1001;1000");
    is("SELECT count(*) FROM orders", "24");
    is("SELECT count(*), sum(order_no), min(user_id), max(user_id) FROM orders", "24|48|1|1999");
    is("SELECT avg(order_no), round(avg(total), 2) FROM orders", "2.0000000000000000|815.63");
    is("SELECT order_no, count(*), sum(total) FROM orders GROUP BY order_no ORDER BY order_no",
       "1|8|6517.00;2|8|6525.00;3|8|6533.00");
    is("SELECT order_no FROM orders GROUP BY order_no HAVING count(*) > 7 AND sum(total) > 6520 ORDER BY 1 "
       "DESC "
       "LIMIT 1",
       "3");
    is("SELECT DISTINCT country FROM users", "DE");
    is("SELECT count(DISTINCT user_id) FROM orders", "8");
    is("SELECT user_id, count(*) FROM orders GROUP BY user_id ORDER BY user_id LIMIT 2", "1|3;2|3");
    is("SELECT bool_and(total > 0), bool_or(user_id > 1998) FROM orders", "t|t");
    is("SELECT u.name FROM users u JOIN orders o ON o.user_id = u.user_id WHERE o.order_no = 3 ORDER BY "
       "o.total DESC "
       "LIMIT 2",
       "p1999;p1500");
    is("SELECT count(*) FROM users WHERE user_id >= 1000", "4");
    is("SELECT count(*) FROM users WHERE name = 'nobody'", "0");
    EXPECT_EQ(client_
                  .run("SELECT user_id FROM users WHERE user_id = ANY($1) ORDER BY user_id LIMIT $2",
                       {"{1999,1,1000}", "2"})
                  .text(),
              "1;1000");
    EXPECT_EQ(client_.run("SELECT count(*) FROM orders WHERE order_no = $1", {"2"}).value(), "8");
    for (const char* sql :
         {"SELECT string_agg(name, ',') FROM users", "SELECT rank() OVER (ORDER BY age) FROM users",
          "SELECT count(*) FROM (SELECT DISTINCT age FROM users) x", "SELECT * FROM users a, users b",
          "SELECT user_id FROM users UNION SELECT user_id FROM orders",
          "SELECT (SELECT max(age) FROM users)"}) {
        const auto refused = client_.run(sql);
        EXPECT_FALSE(refused.good) << sql << " " << refused.text();
        EXPECT_FALSE(refused.hint.empty()) << sql;
    }
    EXPECT_FALSE(client_.run("SELECT nothing FROM users").good);
    is("SELECT count(*) FROM users", "8");
}

TEST_F(SqlDoor, WritesSeveralShardsOrNone) {
    EXPECT_EQ(client_.run("INSERT INTO users (user_id, name) VALUES (10, 'a'), (1010, 'b'), (11, 'c')").tag,
              "INSERT 0 3");
    EXPECT_EQ(client_.run("SELECT count(*) FROM users WHERE user_id IN (10, 11, 1010)").value(), "3");
    EXPECT_EQ(client_.run("INSERT INTO users (user_id, name) VALUES (12, 'a'), (1010, 'again')").sqlstate,
              "23505");
    EXPECT_EQ(client_.run("SELECT count(*) FROM users WHERE user_id = 12").value(), "0") << "none of it";
    EXPECT_EQ(
        client_
            .run("UPDATE users SET age = age + 1 WHERE user_id IN ($1, $2) RETURNING user_id", {"10", "1010"})
            .rows.size(),
        2U);
    EXPECT_EQ(client_.run("DELETE FROM users WHERE user_id IN (10, 11, 1010)").tag, "DELETE 3");
    EXPECT_EQ(client_.run("INSERT INTO countries VALUES ('DE', 'Germany')").tag, "INSERT 0 1");
    for (const auto user : {"1", "1500"}) {
        EXPECT_EQ(
            client_
                .run("SELECT title FROM countries c, users u WHERE u.country = c.code AND u.user_id = " +
                     std::string(user))
                .value(),
            "Germany");
    }
    for (const char* node : {"eu-1.eu-west-1.w", "eu-2.eu-west-1.w"}) {
        auto direct = fleet->connect(node, "postgres");
        const auto left = direct.run(
            "SELECT (SELECT count(*) FROM pg_prepared_xacts), (SELECT count(*) FROM "
            "domicile.decisions)",
            std::chrono::seconds{5});
        ASSERT_TRUE(left);
        EXPECT_EQ(left->front().rows[0][0], "0");
        EXPECT_EQ(left->front().rows[0][1], "0");
    }
}

TEST_F(SqlDoor, FinishesWhatADyingGatewayLeft) {
    // Prepared on eu-2, as a gateway that died between its two phases leaves it; once decided, once not.
    auto first = fleet->connect("eu-1.eu-west-1.w", "domicile_gateway");
    auto second = fleet->connect("eu-2.eu-west-1.w", "domicile_gateway");
    const auto decide = [&](std::string_view user, bool decided) {
        const auto noted =
            first.run(decided ? "BEGIN; INSERT INTO domicile.decisions VALUES ('domicile/eu-1/' || "
                                "pg_current_xact_id() || '/t1') RETURNING gid; COMMIT"
                              : "BEGIN; SELECT 'domicile/eu-1/' || pg_current_xact_id() || '/t2'; ROLLBACK",
                      std::chrono::seconds{5});
        const std::string gid = *(*noted)[1].rows[0][0];
        const auto prepared =
            second.run("BEGIN; INSERT INTO users (user_id, name) VALUES (" + std::string(user) +
                           ", 'left'); PREPARE TRANSACTION '" + gid + "'",
                       std::chrono::seconds{5});
        EXPECT_TRUE(prepared) << base::describe(prepared.error());
    };
    decide("1701", true);
    decide("1702", false);
    EXPECT_TRUE(eventually(
        [&] { return client_.run("SELECT name FROM users WHERE user_id = 1701").text() == "left"; },
        std::chrono::seconds{40}));
    EXPECT_TRUE(eventually(
        [&] {
            const auto left = second.run("SELECT count(*) FROM pg_prepared_xacts", std::chrono::seconds{5});
            return left && left->front().rows[0][0] == "0";
        },
        std::chrono::seconds{40}));
    EXPECT_EQ(client_.run("SELECT name FROM users WHERE user_id = 1702").rows.size(), 0U);
    EXPECT_TRUE(client_.run("DELETE FROM users WHERE user_id = 1701").good);
}

TEST_F(SqlDoor, GoesFromShardToShardInOneTransactionWhenAllowed) {
    EXPECT_TRUE(client_.run("SET domicile.multi_shard = on").good);
    for (const char* end : {"ROLLBACK", "COMMIT"}) {
        EXPECT_TRUE(client_.run("BEGIN").good);
        EXPECT_EQ(client_.run("UPDATE users SET age = 40 WHERE user_id = 999").tag, "UPDATE 1");
        EXPECT_EQ(client_.run("UPDATE users SET age = 41 WHERE user_id = 1001").tag, "UPDATE 1");
        EXPECT_EQ(client_.run("UPDATE users SET age = age + 2 WHERE user_id = 999").tag, "UPDATE 1");
        EXPECT_EQ(client_.run(end).tag, end);
        const bool committed = std::string_view(end) == "COMMIT";
        EXPECT_EQ(client_.run("SELECT age FROM users WHERE user_id = 999").value(), committed ? "42" : "49");
        EXPECT_EQ(client_.run("SELECT age FROM users WHERE user_id = 1001").value(), committed ? "41" : "1");
    }
    EXPECT_TRUE(client_.run("BEGIN").good);
    EXPECT_TRUE(client_.run("UPDATE users SET age = 1 WHERE user_id = 999").good);
    EXPECT_FALSE(client_.run("UPDATE users SET age = 1/0 WHERE user_id = 1001").good);
    EXPECT_EQ(client_.run("COMMIT").tag, "ROLLBACK");
    EXPECT_EQ(client_.run("SELECT age FROM users WHERE user_id = 999").value(), "42");
}

TEST_F(SqlDoor, SplitsCopyByUser) {
    EXPECT_EQ(client_.copy_in("COPY users (name, user_id) FROM STDIN", "x\t20\ny\t1020\nz\t21\n").tag,
              "COPY 3");
    EXPECT_EQ(client_.run("SELECT name FROM users WHERE user_id = 1020").value(), "y");
    EXPECT_EQ(
        client_.copy_in("COPY users FROM STDIN (FORMAT csv, HEADER)", "user_id,country,name,age\n22,FR,q,1\n")
            .tag,
        "COPY 1");
    EXPECT_EQ(client_.copy_in("COPY users (user_id) FROM STDIN", "23\n5001\n").sqlstate, "42501");
    EXPECT_EQ(client_.copy_in("COPY users (user_id) FROM STDIN", "23\n1021\nx\n").sqlstate, "22023");
    EXPECT_EQ(client_.copy_in("COPY users (user_id) FROM STDIN", "23\n1020\n").sqlstate, "23505");
    EXPECT_EQ(client_.run("SELECT count(*) FROM users WHERE user_id IN (23, 1021)").value(), "0")
        << "all or nothing";
    EXPECT_EQ(client_.run("DELETE FROM users WHERE user_id IN (20, 21, 22, 1020)").tag, "DELETE 4");
}

TEST_F(SqlDoor, DefinesOnAllShardsOrNone) {
    SqlClient owner(options("operator"));
    EXPECT_TRUE(owner.run("ALTER TABLE users ADD COLUMN nick text").good);
    EXPECT_TRUE(client_.run("UPDATE users SET nick = 'n' WHERE user_id IN (1, 1500)").good);
    EXPECT_FALSE(client_.run("ALTER TABLE users DROP COLUMN nick").good) << "app may not";
    EXPECT_FALSE(owner.run("CREATE TABLE elsewhere (a int)").good) << "not in the topology";
    EXPECT_TRUE(owner.run("ALTER TABLE users DROP COLUMN nick").good);
    EXPECT_EQ(client_.run("SELECT name FROM users WHERE user_id = 1").value(), "p1");
}

TEST_F(SqlDoor, ReadsItsOwnWrites) {
    for (int i = 0; i < 200; ++i) {
        const auto text = std::to_string(i);
        ASSERT_TRUE(client_.run("UPDATE users SET age = " + text + " WHERE user_id = 3").good);
        ASSERT_EQ(client_.run("SELECT age FROM users WHERE user_id = 3").value(), text);
    }
}

}  // namespace
}  // namespace domicile

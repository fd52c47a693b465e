// The SQL door against a real fleet, through libpq.

#include "integration/sql_door.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace domicile {
namespace {

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

TEST_F(SqlDoor, DescribesAfterTheParseItStandsBehind) {
    // As asyncpg does in a transaction: Parse, Describe, Flush, and again, the second text known to the node.
    const std::string known = "SELECT title FROM countries WHERE code = $1";
    EXPECT_TRUE(client_.run("BEGIN").good);
    EXPECT_TRUE(client_.prepare("first", known).good);
    EXPECT_TRUE(client_.execute("first", {"DE"}).good);
    PGconn* raw = client_.raw();
    ASSERT_EQ(PQenterPipelineMode(raw), 1);
    for (const auto& [name, text] : std::map<std::string, std::string>{{"a", "SELECT 1"}, {"b", known}}) {
        ASSERT_EQ(PQsendPrepare(raw, name.c_str(), text.c_str(), 0, nullptr), 1);
        ASSERT_EQ(PQsendDescribePrepared(raw, name.c_str()), 1);
        ASSERT_EQ(PQsendFlushRequest(raw), 1);
        ASSERT_EQ(PQflush(raw), 0);
        for (int i = 0; i < 2; ++i) {
            EXPECT_TRUE(SqlClient::take(PQgetResult(raw)).good) << name << i;
            EXPECT_EQ(PQgetResult(raw), nullptr);
        }
    }
    ASSERT_EQ(PQpipelineSync(raw), 1);
    PGresult* sync = PQgetResult(raw);
    EXPECT_EQ(PQresultStatus(sync), PGRES_PIPELINE_SYNC);
    PQclear(sync);
    EXPECT_EQ(PQexitPipelineMode(raw), 1);
    EXPECT_TRUE(client_.run("COMMIT").good);
}

TEST_F(SqlDoor, PreparesAnewAfterADefinitionOfItsOwnTransaction) {
    SqlClient owner(options("operator"));
    EXPECT_TRUE(owner.prepare("before", "SELECT * FROM settings").good);
    EXPECT_TRUE(owner.execute("before", {}).good);
    EXPECT_TRUE(owner.run("BEGIN").good);
    EXPECT_TRUE(owner.run("ALTER TABLE settings ADD COLUMN extra int").good);
    EXPECT_TRUE(owner.prepare("after", "SELECT * FROM settings").good);
    const SqlResult result = owner.execute("after", {});
    EXPECT_TRUE(result.good) << result.message;
    EXPECT_TRUE(owner.run("ROLLBACK").good);
}

TEST_F(SqlDoor, FailsATransactionWhoseReadBesideItFails) {
    // All in one packet: what comes after the first Sync must not be taken for a sound transaction.
    PGconn* raw = client_.raw();
    ASSERT_EQ(PQenterPipelineMode(raw), 1);
    const auto send = [&](const char* sql) {
        ASSERT_EQ(PQsendQueryParams(raw, sql, 0, nullptr, nullptr, nullptr, nullptr, 0), 1);
    };
    send("BEGIN");
    send("SELECT 1/0");
    ASSERT_EQ(PQpipelineSync(raw), 1);
    send("UPDATE users SET age = 77 WHERE user_id = 2");
    ASSERT_EQ(PQpipelineSync(raw), 1);
    send("ROLLBACK");
    send("UPDATE users SET age = 78 WHERE user_id = 3");
    ASSERT_EQ(PQpipelineSync(raw), 1);
    std::vector<std::string> states;
    for (int syncs = 0; syncs < 3;) {
        PGresult* result = PQgetResult(raw);
        if (result == nullptr) {
            continue;
        }
        syncs += PQresultStatus(result) == PGRES_PIPELINE_SYNC ? 1 : 0;
        const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        states.emplace_back(state == nullptr ? PQcmdStatus(result) : state);
        PQclear(result);
    }
    EXPECT_EQ(states,
              (std::vector<std::string>{"BEGIN", "22012", "", "25P02", "", "ROLLBACK", "UPDATE 1", ""}));
    EXPECT_EQ(PQexitPipelineMode(raw), 1);
    EXPECT_NE(client_.run("SELECT age FROM users WHERE user_id = 2").value(), "77");
    EXPECT_EQ(client_.run("SELECT age FROM users WHERE user_id = 3").value(), "78");
    EXPECT_TRUE(client_.run("UPDATE users SET age = 3 WHERE user_id = 3").good);
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
    EXPECT_NE(route.text().find("|data:Select on users: app/rows guard-rail/otherwise"), std::string::npos)
        << route.text();
    EXPECT_EQ(client_.run("EXPLAIN (ROUTE) DELETE FROM users WHERE user_id = 5001").sqlstate, "42501");
    EXPECT_TRUE(client_.run("EXPLAIN (ROUTE) DELETE FROM users WHERE user_id = 1").good);
    EXPECT_EQ(client_.run("SELECT name FROM users WHERE user_id = 1").value(), "p1") << "nothing ran";
}

// ---- Several shards ----

TEST_F(SqlDoor, ReadsItsOwnWrites) {
    for (int i = 0; i < 200; ++i) {
        const auto text = std::to_string(i);
        ASSERT_TRUE(client_.run("UPDATE users SET age = " + text + " WHERE user_id = 3").good);
        ASSERT_EQ(client_.run("SELECT age FROM users WHERE user_id = 3").value(), text);
    }
}

}  // namespace
}  // namespace domicile

// Statements of the SQL door that concern several shards, through libpq.

#include "integration/sql_door.hpp"
#include "wire/frame.hpp"
#include "wire/frontend.hpp"
#include "wire/message.hpp"

#include <algorithm>
#include <poll.h>
#include <sys/socket.h>

namespace domicile {
namespace {

class SqlShards : public SqlDoor {
  protected:
    void is(const std::string& sql, std::string_view expected) {
        EXPECT_EQ(client_.run(sql).text(), expected) << sql;
    }
};

TEST_F(SqlShards, GathersReadsOfSeveralShards) {
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

TEST_F(SqlShards, WritesSeveralShardsOrNone) {
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

TEST_F(SqlShards, FinishesWhatADyingGatewayLeft) {
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

TEST_F(SqlShards, GoesFromShardToShardInOneTransactionWhenAllowed) {
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

TEST_F(SqlShards, SplitsCopyByUser) {
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

TEST_F(SqlShards, DefinesOnAllShardsOrNone) {
    SqlClient owner(options("operator"));
    EXPECT_TRUE(owner.run("ALTER TABLE users ADD COLUMN nick text").good);
    EXPECT_TRUE(client_.run("UPDATE users SET nick = 'n' WHERE user_id IN (1, 1500)").good);
    EXPECT_FALSE(client_.run("ALTER TABLE users DROP COLUMN nick").good) << "app may not";
    EXPECT_FALSE(owner.run("CREATE TABLE elsewhere (a int)").good) << "not in the topology";
    EXPECT_TRUE(owner.run("ALTER TABLE users DROP COLUMN nick").good);
    EXPECT_EQ(client_.run("SELECT name FROM users WHERE user_id = 1").value(), "p1");
}

/// What the wire says from now until `count` ReadyForQuery: the types of the messages, rows counted together.
std::string spoken(const SqlClient& client, std::string_view bytes, int count) {
    const int socket = PQsocket(client.raw());
    EXPECT_EQ(::send(socket, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    std::string in;
    std::string types;
    int rows = 0;
    while (count > 0) {
        wire::Frame frame;
        if (wire::scan(in, frame) != wire::Scan::frame) {
            char piece[4096];
            pollfd readable{socket, POLLIN, 0};
            ::poll(&readable, 1, 5'000);
            const auto got = ::recv(socket, piece, sizeof piece, 0);
            if (got <= 0) {
                return types + "closed";
            }
            in.append(piece, static_cast<std::size_t>(got));
            continue;
        }
        rows += frame.type == 'D' ? 1 : 0;
        if (frame.type != 'D' && rows > 0) {
            types += std::to_string(std::exchange(rows, 0));
        }
        if (frame.type != 'D') {
            types += frame.type;
        }
        count -= frame.type == 'Z' ? 1 : 0;
        in.erase(0, frame.bytes());
    }
    return types;
}

struct Messages {
    base::Buffer out;
    Messages& parse(std::string_view sql) {
        wire::append_parse(out, "", sql);
        return *this;
    }
    Messages& bind(std::string_view portal) {
        const wire::MessageWriter message(out, 'B');
        out.append_cstring(portal);
        out.append_cstring("");
        out.append(std::string_view("\0\0\0\0\0\0", 6));
        return *this;
    }
    Messages& describe(std::string_view portal) {
        const wire::MessageWriter message(out, 'D');
        out.append_u8('P');
        out.append_cstring(portal);
        return *this;
    }
    Messages& execute(std::string_view portal, std::uint32_t rows) {
        const wire::MessageWriter message(out, 'E');
        out.append_cstring(portal);
        out.append_u32(rows);
        return *this;
    }
    Messages& describe_statement() {
        const wire::MessageWriter message(out, 'D');
        out.append_u8('S');
        out.append_cstring("");
        return *this;
    }
    Messages& flush() {
        wire::append_flush(out);
        return *this;
    }
    Messages& run(std::string_view sql) { return parse(sql).bind("").execute("", 0); }
    Messages& close(std::string_view portal) {
        const wire::MessageWriter message(out, 'C');
        out.append_u8('P');
        out.append_cstring(portal);
        return *this;
    }
    Messages& sync() {
        wire::append_sync(out);
        return *this;
    }
};

TEST_F(SqlShards, FetchesRowsOfSeveralShardsInParts) {
    ASSERT_TRUE(client_.run("BEGIN").good);
    const auto say = [&](Messages& messages) { return spoken(client_, messages.out.view(), 1); };
    EXPECT_EQ(say(Messages()
                      .parse("SELECT user_id FROM users ORDER BY user_id")
                      .bind("c")
                      .describe("c")
                      .execute("c", 3)
                      .sync()),
              "12T3sZ");
    EXPECT_EQ(say(Messages().execute("c", 4).sync()), "4sZ");
    EXPECT_EQ(say(Messages().execute("c", 4).sync()), "1CZ");
    EXPECT_EQ(say(Messages().execute("c", 4).sync()), "CZ") << "no more, and no error";
    // Two at once, and one left behind.
    EXPECT_EQ(say(Messages().parse("SELECT order_no FROM orders").bind("d").execute("d", 1).sync()), "121sZ");
    EXPECT_EQ(say(Messages().parse("SELECT count(*) FROM orders").bind("").execute("", 0).sync()), "121CZ");
    EXPECT_EQ(say(Messages().close("d").sync()), "3Z");
    EXPECT_TRUE(client_.run("COMMIT").good);
    is("SELECT count(*) FROM users", "8");
    EXPECT_EQ(client_.run("SHOW domicile.session").rows.back().at(1), "");
}

TEST_F(SqlShards, AnswersAPipelineInItsOrder) {
    Messages messages;
    messages.parse("SELECT name FROM users WHERE user_id = 1").bind("").execute("", 0);
    messages.sync();
    messages.parse("SELECT user_id FROM users").bind("").execute("", 0);
    messages.sync();
    messages.parse("SELECT name FROM users WHERE user_id = 1500").bind("").execute("", 0);
    messages.sync();
    messages.parse("SELECT string_agg(name, '') FROM users").bind("").execute("", 0);
    messages.sync();
    messages.parse("SELECT sum(age) FROM users").bind("").describe("").execute("", 0);
    messages.sync();
    EXPECT_EQ(spoken(client_, messages.out.view(), 5), "121CZ128CZ121CZ12EZ12T1CZ");
}

TEST_F(SqlShards, CopiesOutOfSeveralShards) {
    EXPECT_EQ(
        client_.copy_out("COPY (SELECT user_id, name FROM users ORDER BY user_id DESC LIMIT 3) TO STDOUT"),
        "1999\tp1999\n1500\tp1500\n1001\tp1001\n");
    EXPECT_EQ(
        client_.copy_out("COPY (SELECT user_id, name || ',\"' AS n FROM users WHERE user_id IN (1, 1000) "
                         "ORDER BY 1) TO STDOUT WITH (FORMAT csv, HEADER)"),
        "user_id,n\n1,\"p1,\"\"\"\n1000,\"p1000,\"\"\"\n");
    EXPECT_EQ(client_.copy_out("COPY (SELECT count(*), sum(total) FROM orders) TO STDOUT (DELIMITER '|')"),
              "24|19575.00\n");
    const auto whole = client_.copy_out("COPY users TO STDOUT");
    EXPECT_EQ(std::ranges::count(whole, '\n'), 8);
    const auto binary =
        client_.copy_out("COPY (SELECT user_id FROM users ORDER BY 1) TO STDOUT (FORMAT binary)");
    EXPECT_EQ(binary.size(), 19U + 8 * 14 + 2);
    EXPECT_EQ(client_
                  .copy_in("COPY countries FROM STDIN (FORMAT binary)",
                           client_.copy_out("COPY (SELECT 'x' || user_id, NULL::text FROM users ORDER BY 1) "
                                            "TO STDOUT (FORMAT binary)"))
                  .tag,
              "COPY 8");
    EXPECT_TRUE(client_.run("DELETE FROM countries WHERE code LIKE 'x%'").good);
    EXPECT_TRUE(
        client_.copy_out("COPY (SELECT string_agg(name, '') FROM users) TO STDOUT").starts_with("error"));
    is("SELECT count(*) FROM users", "8");
}

TEST_F(SqlShards, SpansShardsInOneTransactionForEveryKindOfStatement) {
    ASSERT_TRUE(client_.run("SET domicile.multi_shard = on").good);
    ASSERT_TRUE(client_.run("BEGIN").good);
    EXPECT_EQ(client_.run("UPDATE users SET name = 'q' WHERE user_id = 1").tag, "UPDATE 1");
    is("SELECT count(*) FROM users WHERE name = 'q'", "1");  // sees what it has not committed
    EXPECT_EQ(client_.run("INSERT INTO users (user_id, name) VALUES (50, 'q'), (1050, 'q')").tag,
              "INSERT 0 2");
    is("SELECT count(*), min(user_id), max(user_id) FROM users WHERE name = 'q'", "3|1|1050");
    EXPECT_TRUE(client_.run("SAVEPOINT a").good);
    EXPECT_EQ(client_.run("DELETE FROM users WHERE user_id IN (50, 1050)").tag, "DELETE 2");
    EXPECT_EQ(client_.copy_in("COPY users (user_id, name) FROM STDIN", "51\tq\n1051\tq\n").tag, "COPY 2");
    EXPECT_EQ(client_.copy_out("COPY (SELECT user_id FROM users WHERE name = 'q' ORDER BY 1) TO STDOUT"),
              "1\n51\n1051\n");
    EXPECT_EQ(client_.run("UPDATE users SET age = 1 / 0 WHERE user_id IN (1, 1050)").sqlstate, "22012");
    EXPECT_EQ(client_.run("SELECT name FROM users WHERE user_id = 1").sqlstate, "25P02");
    EXPECT_EQ(client_.run("SELECT name FROM users WHERE user_id = 1001").sqlstate, "25P02")
        << "failed on all";
    EXPECT_EQ(client_.run("ROLLBACK TO a").tag, "ROLLBACK");
    is("SELECT count(*), min(user_id), max(user_id) FROM users WHERE name = 'q'", "3|1|1050");
    EXPECT_EQ(client_.run("ROLLBACK").tag, "ROLLBACK");
    is("SELECT count(*) FROM users WHERE name = 'q'", "0");
    // A savepoint from before a shard has joined takes it back there, too.
    ASSERT_TRUE(client_.run("BEGIN").good);
    EXPECT_TRUE(client_.run("UPDATE users SET name = 'q' WHERE user_id = 1").good);
    EXPECT_TRUE(client_.run("SAVEPOINT \"My \"\"one\"\"\"").good);
    EXPECT_TRUE(client_.run("UPDATE users SET name = 'q' WHERE user_id = 1001").good);
    EXPECT_EQ(client_.run("ROLLBACK TO \"My \"\"one\"\"\"").tag, "ROLLBACK");
    is("SELECT user_id FROM users WHERE name = 'q'", "1");
    EXPECT_EQ(client_.run("COMMIT").tag, "COMMIT");
    is("SELECT user_id FROM users WHERE name = 'q'", "1");
    EXPECT_TRUE(client_.run("UPDATE users SET name = 'p1' WHERE user_id = 1").good);
}

TEST_F(SqlShards, RunsAScriptOverSeveralShardsAsOneTransaction) {
    const auto results = client_.run_all(
        "INSERT INTO users (user_id, name) VALUES (60, 's'); INSERT INTO users (user_id, name) VALUES (1060, "
        "'s');"
        "SELECT count(*) FROM users WHERE name = 's'; DELETE FROM users WHERE user_id IN (60, 1060)");
    ASSERT_EQ(results.size(), 4U) << results.back().message;
    EXPECT_EQ(results[0].tag, "INSERT 0 1");
    EXPECT_EQ(results[2].text(), "2");
    EXPECT_EQ(results[3].tag, "DELETE 2");
    const auto failed = client_.run_all(
        "INSERT INTO users (user_id, name) VALUES (61, 's'); INSERT INTO users (user_id) VALUES (1001)");
    EXPECT_EQ(failed.back().sqlstate, "23505");
    is("SELECT count(*) FROM users WHERE user_id = 61", "0");
}

TEST_F(SqlShards, LooksAtDefinitionsBeforeTheyCommit) {
    SqlClient owner(options("operator"));
    ASSERT_TRUE(owner.run("DROP TABLE orders").good);
    const auto no_key = owner.run("CREATE TABLE orders (order_no int PRIMARY KEY, user_id bigint)");
    EXPECT_EQ(no_key.sqlstate, "42P16") << no_key.message;
    EXPECT_NE(no_key.message.find("primary key"), std::string::npos);
    EXPECT_EQ(owner.run("CREATE TABLE orders (user_id text, order_no int, PRIMARY KEY (user_id, order_no))")
                  .sqlstate,
              "42P16");
    EXPECT_FALSE(client_.run("SELECT count(*) FROM orders").good) << "nothing is left of them";
    // In a script and in a transaction, too.
    ASSERT_TRUE(
        owner
            .run("CREATE TABLE orders (user_id bigint, order_no int, total numeric, PRIMARY KEY (user_id, "
                 "order_no)); CREATE INDEX ON orders (total)")
            .good);
    for (const char* node : {"eu-1.eu-west-1.w", "eu-2.eu-west-1.w"}) {
        auto direct = fleet->connect(node, "postgres");
        const auto check = direct.run(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'orders'::regclass AND "
            "contype = 'c'",
            std::chrono::seconds{5});
        ASSERT_TRUE(check);
        const bool first = std::string_view(node).starts_with("eu-1");
        EXPECT_EQ(check->front().rows[0][0], first ? "CHECK (((user_id >= 0) AND (user_id < 1000)))"
                                                   : "CHECK (((user_id >= 1000) AND (user_id < 2000)))");
    }
    EXPECT_EQ(
        client_.run("INSERT INTO orders (user_id, order_no, total) VALUES (5, 1, 2.50), (1005, 1, 3)").tag,
        "INSERT 0 2")
        << "app may";
    EXPECT_EQ(owner.run("ALTER TABLE orders DROP CONSTRAINT domicile_range").tag, "ALTER TABLE");
    {
        auto direct = fleet->connect("eu-2.eu-west-1.w", "postgres");
        EXPECT_FALSE(direct.run("INSERT INTO orders VALUES (6, 1, 1)", std::chrono::seconds{5}))
            << "it is there again";
    }
    EXPECT_EQ(owner.run("ALTER TABLE orders DROP COLUMN user_id CASCADE").sqlstate, "42P16");
    EXPECT_EQ(owner.run("ALTER TABLE users DROP COLUMN name").sqlstate, "42P16") << "its erasure is declared";
    EXPECT_EQ(owner.run("ALTER TABLE users ALTER COLUMN name SET NOT NULL").sqlstate, "42P16");
    ASSERT_TRUE(owner.run("SET domicile.multi_shard = on").good);
    ASSERT_TRUE(owner.run("BEGIN").good);
    EXPECT_TRUE(owner.run("ALTER TABLE orders ADD COLUMN note text").good);
    EXPECT_EQ(owner.run("UPDATE orders SET note = 'n' WHERE user_id IN (5, 1005)").tag, "UPDATE 2");
    EXPECT_EQ(owner.run("COMMIT").tag, "COMMIT");
    is("SELECT count(*) FROM orders WHERE note = 'n'", "2");
}

TEST_F(SqlShards, LetsPostgresWordASyntaxError) {
    for (const bool inside : {false, true}) {
        if (inside) {
            ASSERT_TRUE(client_.run("BEGIN; SELECT name FROM users WHERE user_id = 1").good);
        }
        const auto simple = client_.run("SELECT nme FORM users");
        EXPECT_EQ(simple.sqlstate, "42601");
        EXPECT_EQ(simple.message, "syntax error at or near \"users\"");
        if (inside) {
            EXPECT_EQ(client_.run("SELECT 1").sqlstate, "25P02");
            EXPECT_EQ(client_.run("ROLLBACK").tag, "ROLLBACK");
        }
        const auto extended = client_.run("SELECT 1; SELECT 2", std::vector<std::optional<std::string>>{});
        EXPECT_EQ(extended.message, "cannot insert multiple commands into a prepared statement");
    }
    is("SELECT count(*) FROM users", "8");
}

TEST_F(SqlShards, TakesABatchForOneTransactionWhereverItsRowsLive) {
    const auto say = [&](Messages& messages) { return spoken(client_, messages.out.view(), 1); };
    const auto insert = [](int user) {
        return "INSERT INTO users (user_id, name) VALUES (" + std::to_string(user) + ", 'batch')";
    };
    EXPECT_EQ(say(Messages().run(insert(70)).run(insert(1070)).run(insert(71)).sync()), "12C12C12CZ");
    is("SELECT user_id FROM users WHERE name = 'batch' ORDER BY 1", "70;71;1070");
    EXPECT_EQ(say(Messages().run(insert(72)).run(insert(1072)).run(insert(1070)).run(insert(73)).sync()),
              "12C12C12EZ");
    is("SELECT count(*) FROM users WHERE name = 'batch'", "3");
    EXPECT_EQ(say(Messages()
                      .run("DELETE FROM users WHERE user_id = 70")
                      .run("SELECT user_id FROM users WHERE name = 'batch'")
                      .run("DELETE FROM users WHERE user_id IN (71, 1070)")
                      .sync()),
              "12C122C12CZ")
        << "the read sees what the batch has done";
    is("SELECT count(*) FROM users WHERE name = 'batch'", "0");
    // One that only reads needs no transaction.
    EXPECT_EQ(say(Messages()
                      .run("SELECT name FROM users WHERE user_id = 1")
                      .run("SELECT name FROM users WHERE user_id = 1001")
                      .run("UPDATE users SET age = 3 WHERE user_id = 1001")
                      .sync()),
              "121C121C12CZ");
    EXPECT_EQ(client_.run("SHOW domicile.session").rows.at(6).at(1), "none");
}

TEST_F(SqlShards, RoutesWhatComesBehindABeginOfTheSameBatch) {
    const auto say = [&](Messages& messages) { return spoken(client_, messages.out.view(), 1); };
    // As pgjdbc without autocommit: BEGIN and the first statement in one batch, a read on a shard with a
    // reader.
    EXPECT_EQ(say(Messages()
                      .run("BEGIN")
                      .parse("SELECT name FROM users WHERE user_id = 1")
                      .bind("")
                      .describe("")
                      .execute("", 0)
                      .sync()),
              "12C12T1CZ");
    EXPECT_EQ(say(Messages().run("UPDATE users SET age = 77 WHERE user_id = 1").sync()), "12CZ");
    EXPECT_EQ(say(Messages().run("ROLLBACK").sync()), "12CZ");
    // As asyncpg: described and flushed before it is bound, as the first statement of a transaction.
    ASSERT_TRUE(client_.run("BEGIN").good);
    EXPECT_EQ(say(Messages()
                      .parse("UPDATE users SET age = 78 WHERE user_id = 1001 RETURNING age")
                      .describe_statement()
                      .flush()
                      .bind("")
                      .execute("", 0)
                      .sync()),
              "1tT21CZ");
    // A portal of no table that is fetched from after a Sync.
    ASSERT_TRUE(client_.run("ROLLBACK").good);
    ASSERT_TRUE(client_.run("BEGIN").good);
    EXPECT_EQ(say(Messages().parse("SELECT generate_series(1, 5)").bind("p").execute("p", 2).sync()),
              "122sZ");
    EXPECT_EQ(say(Messages().execute("p", 9).sync()), "3CZ");
    ASSERT_TRUE(client_.run("COMMIT").good);
    is("SELECT age FROM users WHERE user_id = 1", "1");
}

TEST_F(SqlShards, RoutesExecuteByItsArguments) {
    ASSERT_TRUE(client_.run("SET domicile.user_id = 1").good);
    ASSERT_TRUE(client_.run("PREPARE who(bigint) AS SELECT name FROM users WHERE user_id = $1").good);
    is("EXECUTE who(2)", "p2");
    EXPECT_EQ(client_.run("EXECUTE who(1001)").sqlstate, "0A000") << "the other shard";
    EXPECT_EQ(client_.run("EXECUTE who(5001)").sqlstate, "42501") << "abroad";
    EXPECT_EQ(client_.run("EXECUTE who(3001)").sqlstate, "22003") << "nowhere";
    is("EXECUTE who(3)", "p3");
}

TEST_F(SqlShards, KeepsWhatIsSetByWhateverMeans) {
    ASSERT_TRUE(client_.run("SELECT set_config('TimeZone', 'Asia/Tokyo', false)").good);
    ASSERT_TRUE(client_.run("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE").good);
    for (const char* user : {"1", "1001"}) {
        is("SELECT current_setting('TimeZone'), current_setting('default_transaction_isolation') FROM users "
           "WHERE "
           "user_id = " +
               std::string(user),
           "Asia/Tokyo|serializable");
    }
    const auto pinned = [&] { return client_.run("SHOW domicile.session").rows.back().at(1); };
    EXPECT_EQ(pinned(), "");
    ASSERT_TRUE(client_.run("SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL").good);
    EXPECT_EQ(pinned(), "") << "what every pool says when a connection comes back";
    ASSERT_TRUE(client_.run("SELECT pg_advisory_lock(7)").good);
    EXPECT_EQ(pinned(), "session advisory lock");
    ASSERT_TRUE(client_.run("SELECT pg_advisory_unlock_all()").good);
    EXPECT_EQ(pinned(), "");
    is("SELECT name FROM users WHERE user_id = 1", "p1");
    is("SELECT name FROM users WHERE user_id = 1001", "p1001");
    // RESET goes back to what the client asked for at start-up, not to the node's default.
    SqlClient tokyo(options() + " options='-c TimeZone=Asia/Tokyo'");
    ASSERT_TRUE(tokyo.run("SET timezone = 'UTC'").good);
    ASSERT_TRUE(tokyo.run("RESET timezone").good);
    EXPECT_EQ(tokyo.run("SELECT current_setting('TimeZone') FROM users WHERE user_id = 1").value(),
              "Asia/Tokyo");
    ASSERT_TRUE(tokyo.run("BEGIN").good);
    ASSERT_TRUE(tokyo.run("UPDATE users SET age = 1 WHERE user_id = 1").good);
    ASSERT_TRUE(tokyo.run("SET timezone = 'UTC'").good);
    ASSERT_TRUE(tokyo.run("RESET ALL").good);
    EXPECT_EQ(tokyo.run("SHOW timezone").value(), "Asia/Tokyo");
    ASSERT_TRUE(tokyo.run("ROLLBACK").good);
}

TEST_F(SqlShards, TakesRowsWithoutAListOfColumns) {
    ASSERT_TRUE(eventually([&] {
        return client_.run("INSERT INTO users VALUES (80, 'DE', 'x', 1), (1080, 'DE', 'x', 1)").tag ==
               "INSERT 0 2";
    })) << "once the columns are known";
    is("SELECT user_id FROM users WHERE user_id IN (80, 1080) ORDER BY 1", "80;1080");
    EXPECT_EQ(client_.run("INSERT INTO users VALUES (5080)").sqlstate, "42501");
    EXPECT_EQ(client_.run("DELETE FROM users WHERE user_id IN (80, 1080)").tag, "DELETE 2");
}

TEST_F(SqlShards, ForgetsANameWhoseParseHasFailed) {
    EXPECT_EQ(client_.prepare("n", "SELECT nothing FROM users WHERE user_id = $1").sqlstate, "42703");
    EXPECT_TRUE(client_.prepare("n", "SELECT name FROM users WHERE user_id = $1").good);
    EXPECT_EQ(client_.execute("n", {"1001"}).value(), "p1001");
}

TEST_F(SqlShards, RunsAWriteWholeWhateverTheLimitOfRows) {
    const auto say = [&](Messages& messages) { return spoken(client_, messages.out.view(), 1); };
    // As pgjdbc's executeUpdate: Execute with a limit of one row.
    EXPECT_EQ(say(Messages()
                      .parse("UPDATE users SET age = 5 WHERE user_id IN (2, 1001)")
                      .bind("")
                      .execute("", 1)
                      .sync()),
              "12CZ");
    EXPECT_EQ(say(Messages()
                      .parse("UPDATE users SET age = 6 WHERE user_id IN (2, 1001) RETURNING age")
                      .bind("")
                      .execute("", 1)
                      .sync()),
              "12EZ");
    is("SELECT age FROM users WHERE user_id IN (2, 1001) ORDER BY user_id", "5;5");
}

TEST_F(SqlShards, PreparesAnewWhatADefinitionHasChanged) {
    SqlClient owner(options("operator"));
    ASSERT_TRUE(client_.prepare("all_of", "SELECT * FROM countries WHERE code = $1").good);
    for (int i = 0; i < 8; ++i) {
        SqlClient other(options());  // on as many node connections as there are
        ASSERT_TRUE(other.prepare("all_of", "SELECT * FROM countries WHERE code = $1").good);
        ASSERT_TRUE(other.execute("all_of", {"XX"}).good);
    }
    ASSERT_TRUE(owner.run("ALTER TABLE countries ADD COLUMN extra int").good);
    for (int i = 0; i < 8; ++i) {
        SqlClient other(options());
        ASSERT_TRUE(other.prepare("all_of", "SELECT * FROM countries WHERE code = $1").good);
        const auto read = other.execute("all_of", {"XX"});
        EXPECT_TRUE(read.good) << read.message;
    }
    EXPECT_TRUE(owner.run("ALTER TABLE countries DROP COLUMN extra").good);
}

}  // namespace
}  // namespace domicile

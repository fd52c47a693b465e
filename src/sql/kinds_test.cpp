// Kinds of statements, and what else the facts say: tables, functions, settings, pins.

#include "sql/facts_text.hpp"

namespace domicile::sql {
namespace {

using testing::name_of;
using testing::one;
using testing::shop;

struct Case {
    std::string_view text;
    std::string_view kind;
    std::string_view object;  ///< or the setting: name=value
};

constexpr Case cases[] = {
    {"", "empty", ""},
    {" -- nothing\n /* at all */ ;;", "empty", ""},
    {"SELECT 1", "read", ""},
    {"VALUES (1)", "read", ""},
    {"TABLE users", "read", ""},
    {"(SELECT 1)", "read", ""},
    {"WITH a AS (SELECT 1) SELECT * FROM a", "read", ""},
    {"WITH a AS (DELETE FROM users RETURNING *) SELECT * FROM a", "write", ""},
    {"INSERT INTO users DEFAULT VALUES", "write", ""},
    {"SELECT 1 INTO t", "ddl", ""},
    {"SELECT 1 INTO TEMP t UNION SELECT 2", "ddl", ""},
    {"EXPLAIN SELECT 1", "explain", ""},
    {"EXPLAIN (ANALYZE, BUFFERS) SELECT 1", "explain", ""},
    {"EXPLAIN (ROUTE) SELECT 1", "route", ""},
    {"EXPLAIN (COSTS OFF, ROUTE) DELETE FROM users", "route", ""},
    {"BEGIN", "begin", ""},
    {"START TRANSACTION ISOLATION LEVEL SERIALIZABLE", "begin", ""},
    {"COMMIT", "commit", ""},
    {"END", "commit", ""},
    {"ROLLBACK", "rollback", ""},
    {"ABORT", "rollback", ""},
    {"SAVEPOINT Sp", "savepoint", "sp"},
    {"RELEASE sp", "release", "sp"},
    {"ROLLBACK TO SAVEPOINT sp", "rollback_to", "sp"},
    {"SET x = 1", "set", "x=1"},
    {"SET Search_Path TO a, \"B\"", "set", "search_path=a, \"B\""},
    {"SET domicile.user_id = 42 -- mine", "set", "domicile.user_id=42"},
    {"SET x TO -1.5 ;", "set", "x=-1.5"},
    {"SET x TO DEFAULT", "set", "x="},
    {"SET TIME ZONE 'Europe/Rome'", "set", "timezone='Europe/Rome'"},
    {"SET TIME ZONE LOCAL", "set", "timezone="},
    {"SET TIME ZONE INTERVAL '+01:00' HOUR TO MINUTE", "set", "timezone=INTERVAL '+01:00' HOUR TO MINUTE"},
    {"SET NAMES 'utf8'", "set", "client_encoding='utf8'"},
    {"SET ROLE bob", "set", "role=bob"},
    {"SET SESSION AUTHORIZATION bob", "set", "session_authorization=bob"},
    {"SET SCHEMA 's'", "set", "search_path='s'"},
    {"RESET x", "reset", "x="},
    {"RESET ALL", "reset", "all="},
    {"RESET TIME ZONE", "reset", "timezone="},
    {"SHOW x", "show", "x="},
    {"SHOW ALL", "show", "all="},
    {"SHOW TIME ZONE", "show", "timezone="},
    {"SHOW TRANSACTION ISOLATION LEVEL", "show", "transaction_isolation="},
    {"DISCARD ALL", "discard", "all"},
    {"DISCARD PLANS", "discard", "plans"},
    {"DISCARD SEQUENCES", "discard", "sequences"},
    {"DISCARD TEMPORARY", "discard", "temp"},
    {"COPY users (user_id) FROM STDIN", "copy_in", ""},
    {"COPY users TO STDOUT", "copy_out", ""},
    {"COPY (SELECT 1) TO STDOUT", "copy_out", ""},
    {"COPY users FROM '/etc/passwd'", "copy_file", ""},
    {"COPY users TO PROGRAM 'rm'", "copy_file", ""},
    {"CREATE TABLE users (a int)", "ddl", ""},
    {"CREATE INDEX ON users (name)", "ddl", ""},
    {"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "ddl", ""},
    {"CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END", "ddl", ""},
    {"GRANT SELECT ON users TO bob", "ddl", ""},
    {"COMMENT ON COLUMN users.name IS 'x'", "ddl", ""},
    {"CREATE ROLE bob", "ddl", ""},
    {"TRUNCATE users", "truncate", ""},
    {"PREPARE p AS SELECT 1", "prepare", "p"},
    {"EXECUTE p (1)", "execute", "p"},
    {"DEALLOCATE p", "deallocate", "p"},
    {"DEALLOCATE ALL", "deallocate", ""},
    {"DECLARE c CURSOR FOR SELECT 1", "declare", "c"},
    {"FETCH 5 FROM c", "fetch", "c"},
    {"MOVE c", "fetch", "c"},
    {"CLOSE c", "close", "c"},
    {"CLOSE ALL", "close", ""},
    {"LISTEN ch", "listen", "ch"},
    {"UNLISTEN ch", "unlisten", "ch"},
    {"UNLISTEN *", "unlisten", ""},
    {"NOTIFY ch, 'x'", "notify", "ch"},
    {"LOCK TABLE users", "lock", ""},
    {"VACUUM users", "maintenance", ""},
    {"ANALYZE", "maintenance", ""},
    {"REINDEX TABLE users", "maintenance", ""},
    {"CLUSTER users", "maintenance", ""},
    {"CHECKPOINT", "maintenance", ""},
    {"REFRESH MATERIALIZED VIEW users", "maintenance", ""},
    {"CALL p(1)", "procedure", ""},
    {"DO 'BEGIN END'", "procedure", ""},
    {"LOAD 'x'", "procedure", ""},
    {"PREPARE TRANSACTION 'g'", "two_phase", "g"},
    {"COMMIT PREPARED 'g'", "two_phase", "g"},
    {"ROLLBACK PREPARED 'g'", "two_phase", "g"},
    {"ALTER SYSTEM SET x = 1", "refused", ""},
    {"CREATE DATABASE d", "refused", ""},
    {"CREATE TABLESPACE t LOCATION '/'", "refused", ""},
};

TEST(Kinds, AreTold) {
    Analyser analyser(shop());
    for (const Case& each : cases) {
        const Statement statement = one(analyser, each.text);
        const Facts& facts = *statement.facts;
        EXPECT_EQ(name_of(facts.kind), each.kind) << each.text;
        const std::string setting = facts.setting.name + "=" + facts.setting.value;
        EXPECT_EQ(facts.setting.name.empty() ? facts.object : setting, each.object) << each.text;
        EXPECT_EQ(facts.kind == Kind::refused, !facts.refusal.empty()) << each.text;
    }
}

TEST(Kinds, GoWithFlags) {
    Analyser analyser(shop());
    const auto facts = [&](std::string_view text) { return *one(analyser, text).facts; };
    EXPECT_TRUE(facts("BEGIN READ ONLY").read_only);
    EXPECT_FALSE(facts("BEGIN READ WRITE").read_only);
    EXPECT_FALSE(facts("BEGIN").read_only);
    EXPECT_TRUE(facts("START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY").read_only);
    EXPECT_TRUE(facts("COMMIT AND CHAIN").and_chain);
    EXPECT_FALSE(facts("ROLLBACK AND NO CHAIN").and_chain);
    EXPECT_TRUE(facts("SET LOCAL x = 1").setting.local);
    EXPECT_TRUE(facts("SET TRANSACTION READ ONLY").setting.transaction);
    const auto defaults =
        facts("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY, ISOLATION LEVEL SERIALIZABLE");
    EXPECT_FALSE(defaults.setting.transaction) << "it outlives the transaction";
    ASSERT_EQ(defaults.sets.size(), 2U);
    EXPECT_EQ(defaults.sets[0].name + "=" + defaults.sets[0].value, "default_transaction_read_only=on");
    EXPECT_EQ(defaults.sets[1].name + "=" + defaults.sets[1].value,
              "default_transaction_isolation=serializable");
    EXPECT_TRUE(facts("SET CONSTRAINTS ALL DEFERRED").setting.transaction);
    EXPECT_TRUE(facts("COPY users FROM STDIN WITH (FORMAT binary)").copy_binary);
    EXPECT_TRUE(facts("COPY users TO STDOUT BINARY").copy_binary);
    EXPECT_FALSE(facts("COPY users TO STDOUT CSV").copy_binary);
    EXPECT_TRUE(facts("DECLARE c CURSOR WITH HOLD FOR SELECT 1").holds);
    EXPECT_EQ(facts("SELECT $2, $1").parameters, 2);
    EXPECT_FALSE(facts("EXPLAIN DELETE FROM users").writes);
    EXPECT_TRUE(facts("EXPLAIN ANALYZE DELETE FROM users").writes);
    EXPECT_FALSE(facts("EXPLAIN (ANALYZE off) DELETE FROM users").writes);
    EXPECT_FALSE(facts("EXPLAIN (ANALYZE 'off') DELETE FROM users").writes);
    EXPECT_TRUE(facts("EXPLAIN (ANALYZE 'on') DELETE FROM users").writes);
    EXPECT_FALSE(facts("EXPLAIN (ANALYZE 0) DELETE FROM users").writes);
    EXPECT_TRUE(facts("EXPLAIN (ANALYZE 1) DELETE FROM users").writes);
}

TEST(Kinds, TellWhetherAReaderMayServe) {
    Analyser analyser(shop());
    constexpr std::pair<std::string_view, bool> reads[] = {
        {"SELECT name, lower(name), now(), count(*) FROM users GROUP BY 1", true},
        {"SELECT CURRENT_TIMESTAMP, CURRENT_USER, date '2020-01-01' + interval '1 day'", true},
        {"SELECT extract(year FROM created_at), created_at AT TIME ZONE 'UTC' FROM users", true},
        {"SELECT pg_catalog.lower('X')", true},
        {"SELECT * FROM generate_series(1, 5)", true},
        {"EXPLAIN SELECT * FROM users", true},
        {"COPY users TO STDOUT", true},
        {"SELECT random()", false},
        {"SELECT clock_timestamp()", false},
        {"SELECT nextval('s')", false},
        {"SELECT txid_current()", false},
        {"SELECT pg_notify('a', 'b')", false},
        {"SELECT * FROM users FOR UPDATE", false},
        {"SELECT * FROM (SELECT * FROM users FOR SHARE) s", false},
        {"SELECT mine()", false},
        {"SELECT public.lower('X')", false},
        {"SELECT 1 INTO t", false},
        {"EXPLAIN DELETE FROM users", false},
        {"SELECT a OPERATOR(mine.+) b FROM users", false},
        {"SELECT pg_advisory_xact_lock(1)", false},
    };
    for (const auto& [text, may] : reads) {
        EXPECT_EQ(one(analyser, text).facts->reader_may_serve, may) << text;
    }
    EXPECT_TRUE(one(analyser, "SELECT * FROM users FOR UPDATE").facts->writes);
    EXPECT_TRUE(one(analyser, "SELECT * FROM users FOR KEY SHARE").facts->writes);
}

TEST(Kinds, TellWhatIsOpaque) {
    Analyser analyser(shop());
    constexpr std::pair<std::string_view, std::string_view> calls[] = {
        {"SELECT lower('X'), row_number() OVER (), json_agg(1), unnest(ARRAY[1])", ""},
        {"SELECT coalesce(1, 2), greatest(1, 2), nullif(1, 2), CAST(1 AS text)", ""},
        {"SELECT mine(1)", "mine"},
        {"SELECT s.mine(1)", "s.mine"},
        {"SELECT * FROM mine(1)", "mine"},
        {"SELECT 1 ORDER BY mine(1)", "mine"},
        {"SELECT 1 LIMIT mine(1)", "mine"},
        {"SELECT CASE WHEN true THEN mine() END", "mine"},
        {"SELECT (mine()).x[mine2()]", "mine"},
        {"SELECT ARRAY[mine()]", "mine"},
        {"SELECT ROW(mine())", "mine"},
        {"SELECT count(*) FILTER (WHERE mine()) FROM users", "mine"},
        {"SELECT rank() OVER (ORDER BY mine()) FROM users", "mine"},
        {"SELECT rank() OVER w FROM users WINDOW w AS (ORDER BY mine())", "mine"},
        {"SELECT 1 FROM users GROUP BY mine() HAVING 1 = 1", "mine"},
        {"SELECT 1 FROM users TABLESAMPLE system (mine())", "mine"},
        {"SELECT DISTINCT ON (mine()) 1 FROM users", "mine"},
        {"INSERT INTO users (user_id, name) VALUES (1, mine())", "mine"},
        {"INSERT INTO users (user_id) VALUES (1) ON CONFLICT DO NOTHING RETURNING mine()", "mine"},
        {"UPDATE users SET name = mine() WHERE user_id = 1", "mine"},
        {"UPDATE users SET (name, kind) = (mine(), 1) WHERE user_id = 1", "mine"},
        {"DELETE FROM users WHERE mine()", "mine"},
        {"SELECT query_to_xml('SELECT 1', true, true, '')", "query_to_xml"},
        {"SELECT table_to_xml('users', true, true, '')", "table_to_xml"},
        {"SELECT * FROM ts_stat('SELECT 1')", "ts_stat"},
        {"SELECT pg_read_file('x')", "pg_read_file"},
        {"SELECT * FROM pg_ls_dir('x')", "pg_ls_dir"},
        {"SELECT lo_import('x')", "lo_import"},
        {"SELECT * FROM dblink('x', 'y') AS t(a int)", "dblink"},
        {"SELECT pg_terminate_backend(1)", "pg_terminate_backend"},
        {"CALL p()", "p"},
        {"DO 'x'", "DO"},
        {"EXECUTE p (mine())", "mine"},
    };
    for (const auto& [text, name] : calls) {
        EXPECT_EQ(one(analyser, text).facts->opaque_name, name) << text;
        EXPECT_EQ(one(analyser, text).facts->opaque, !name.empty()) << text;
    }
}

TEST(Kinds, TellWhatPins) {
    Analyser analyser(shop());
    constexpr std::pair<std::string_view, unsigned> pins[] = {
        {"SELECT 1", 0},
        {"CREATE TABLE t (a int)", 0},
        {"CREATE TEMP TABLE t (a int)", 1},
        {"CREATE TABLE pg_temp.t (a int)", 1},
        {"CREATE TEMP TABLE t AS SELECT 1", 1},
        {"SELECT 1 INTO TEMPORARY t", 1},
        {"CREATE TEMP VIEW v AS SELECT 1", 1},
        {"CREATE TEMP SEQUENCE s", 1},
        {"SELECT pg_advisory_lock(1)", 2},
        {"SELECT pg_try_advisory_lock_shared(1)", 2},
        {"SELECT pg_advisory_xact_lock(1)", 0},
        {"LISTEN x", 4},
        {"DECLARE c CURSOR WITH HOLD FOR SELECT 1", 8},
        {"DECLARE c CURSOR FOR SELECT 1", 0},
        {"PREPARE p AS SELECT 1", 16},
        {"SELECT set_config('a', 'b', false)", 0},
        {"SELECT set_config('a', lower('B'), false)", 32},
        {"SELECT pg_advisory_lock(1)", 2},
        {"SELECT pg_advisory_unlock(1)", 0},
        {"SELECT pg_advisory_unlock_all()", 0},
        {"SELECT set_config('a', 'b', true)", 0},
        {"SELECT set_config('a', 'b', 't')", 32},
        {"SELECT set_config('a', 'b', $1)", 32},
        {"SELECT currval('s')", 64},
        {"SELECT lastval()", 64},
        {"SELECT nextval('s')", 64},
        {"LOAD 'x'", 128},
        {"EXPLAIN SELECT pg_advisory_lock(1)", 0},
        {"EXPLAIN ANALYZE SELECT pg_advisory_lock(1)", 2},
    };
    for (const auto& [text, pinned] : pins) {
        EXPECT_EQ(one(analyser, text).facts->pins, pinned) << text;
    }
}

TEST(Kinds, ComeWithTheirTables) {
    Analyser analyser(shop());
    constexpr std::pair<std::string_view, std::string_view> tables[] = {
        {"SELECT * FROM users, public.lines, other.users, nowhere",
         "users:0 lines:0 other.users?:0 nowhere?:0"},
        {"SELECT * FROM pg_class, pg_catalog.pg_type, information_schema.tables, public.pg_x",
         "pg_class*:0 pg_catalog.pg_type*:0 information_schema.tables*:0 pg_x?:0"},
        {"SELECT * FROM Users, \"Users\"", "users:0 Users?:0"},
        {"SELECT * FROM pg_temp.users", "pg_temp.users?:0"},
        {"INSERT INTO users (user_id) SELECT 1 FROM settings", "users:1 settings:0"},
        {"UPDATE users SET name = 'x' FROM countries", "users:2 countries:0"},
        {"DELETE FROM users USING countries", "users:3 countries:0"},
        {"TRUNCATE users, lines", "users:4 lines:4"},
        {"LOCK users IN SHARE MODE", "users:5"},
        {"CREATE TABLE users (a int)", "users:6"},
        {"CREATE TEMP TABLE users (a int)", "pg_temp.users?:6"},
        {"CREATE TABLE x AS SELECT * FROM users", "x?:6 users:0"},
        {"CREATE VIEW v AS SELECT * FROM users", "v?:6 users:0"},
        {"ALTER TABLE users ADD COLUMN x int", "users:6"},
        {"ALTER TABLE users RENAME TO x", "users:6"},
        {"ALTER TABLE users RENAME COLUMN a TO b", "users:6"},
        {"DROP TABLE users, public.lines", "users:6 lines:6"},
        {"DROP INDEX x", ""},
        {"DROP TRIGGER t ON users", "users:6"},
        {"COMMENT ON TABLE users IS 'x'", "users:6"},
        {"COMMENT ON COLUMN public.users.name IS 'x'", "users:6"},
        {"GRANT SELECT ON users, lines TO bob", "users:6 lines:6"},
        {"CREATE INDEX i ON users (name)", "users:6"},
        {"CREATE TRIGGER t BEFORE INSERT ON users EXECUTE FUNCTION f()", "users:6"},
        {"VACUUM users", "users:6"},
        {"COPY users FROM STDIN", "users:7"},
        {"COPY users TO STDOUT", "users:0"},
        {"SELECT 1 INTO t FROM users", "t?:6 users:0"},
        {"PREPARE p AS SELECT * FROM users WHERE user_id = $1", "users:0"},
        {"DECLARE c CURSOR FOR SELECT * FROM users", "users:0"},
        {"COPY (SELECT * FROM users) TO STDOUT", "users:0"},
        {"SELECT (SELECT 1 FROM users), ARRAY(SELECT 1 FROM lines)", "users:0 lines:0"},
        {"SELECT 1 WHERE 1 = ALL (SELECT 1 FROM users) LIMIT (SELECT 1 FROM lines)", "users:0 lines:0"},
    };
    for (const auto& [text, expected] : tables) {
        std::string found;
        const auto statement = one(analyser, text);
        for (const TableUse& use : statement.facts->tables) {
            found += found.empty() ? "" : " ";
            found += use.schema.empty() || use.schema == "public" ? "" : use.schema + ".";
            found += use.name + (use.catalog ? "*" : use.table == nullptr ? "?" : "");
            found += ":" + std::to_string(static_cast<int>(use.verb));
        }
        EXPECT_EQ(found, expected) << text;
    }
}

TEST(Kinds, OfDefinitionsAreOfAllShards) {
    Analyser analyser(shop());
    EXPECT_EQ(testing::groups_of(one(analyser, "TRUNCATE users, invoices")), "users invoices: ?");
    EXPECT_EQ(testing::groups_of(one(analyser, "CREATE VIEW lines AS SELECT * FROM users WHERE user_id = 4")),
              "lines users: ?");
    EXPECT_EQ(
        testing::groups_of(one(analyser, "CREATE TEMP TABLE t AS SELECT * FROM users WHERE user_id = 4")),
        "users: =4");
}

TEST(Scripts, GiveTheirStatementsOneByOne) {
    Analyser analyser(shop());
    const std::string script =
        "  ; SELECT * FROM users WHERE user_id = 1 ;\n -- a comment; with a semicolon\n"
        "UPDATE lines SET name = 'x;y' WHERE user_id = -2; /* ; */ COMMIT;";
    const auto result = analyser.analyse(script);
    ASSERT_TRUE(result.has_value());
    ASSERT_EQ(result->size(), 3U);
    EXPECT_EQ((*result)[0].text, "SELECT * FROM users WHERE user_id = 1");
    EXPECT_EQ(testing::groups_of((*result)[0]), "users: =1");
    EXPECT_EQ((*result)[1].text, "UPDATE lines SET name = 'x;y' WHERE user_id = -2");
    EXPECT_EQ(testing::groups_of((*result)[1]), "lines: =-2");
    EXPECT_EQ((*result)[1].literals.size(), 2U);
    EXPECT_EQ((*result)[2].facts->kind, Kind::commit);
    EXPECT_EQ((*result)[2].literals.size(), 0U);
}

TEST(Errors, AreWordedAsPostgresWordsThem) {
    Analyser analyser(shop());
    struct Wrong {
        std::string_view text;
        std::string_view message;
        std::uint32_t position;
    };
    constexpr Wrong wrong[] = {
        {"SELEC 1", "syntax error at or near \"SELEC\"", 1},
        {"SELECT 'é' FROM FROM", "syntax error at or near \"FROM\"", 17},
        {"SELECT 'x", "unterminated quoted string at or near \"'x\"", 8},
        {"SELECT", "", 0},
        {"SELECT 1;; SELEC 2", "syntax error at or near \"SELEC\"", 12},
        {"SELECT 1_000", "trailing junk after numeric literal", 0},
        {"SELECT 0x2A", "trailing junk after numeric literal", 0},
        {"SELECT $1a", "trailing junk after parameter", 0},
        {"SELECT $70000", "trailing junk after parameter", 0},
        {"SELECT 1 /* /* */", "unterminated /* comment", 0},
        {std::string_view("SELECT 1\0, 2", 12), "a zero byte in the statement", 0},
    };
    for (const Wrong& each : wrong) {
        const auto result = analyser.analyse(each.text);
        EXPECT_EQ(result.has_value(), each.message.empty()) << each.text;
        if (!result) {
            EXPECT_EQ(result.error().text, each.message);
            EXPECT_EQ(result.error().code, base::Code::syntax_error);
            EXPECT_EQ(result.error().position, each.position) << each.text;
        }
    }
    const auto large = analyser.analyse(std::string(20U << 20U, ' '));
    ASSERT_FALSE(large.has_value());
    EXPECT_EQ(large.error().code, base::Code::statement_too_complex);
}

TEST(Kinds, KeepsWholeWhatHoldsSemicolons) {
    constexpr std::string_view whole[] = {
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 'a'; SELECT 2; END",
        "CREATE RULE r AS ON INSERT TO users DO ALSO (SELECT 1; SELECT 'b')",
    };
    Analyser analyser(shop());
    for (const std::string_view text : whole) {
        const Statement alone = one(analyser, text);
        EXPECT_EQ(alone.text, text);
        const std::string script = " SELECT 1 ; " + std::string(text) + " ; SELECT 3";
        const auto three = analyser.analyse(script);
        ASSERT_TRUE(three) << three.error().text;
        ASSERT_EQ(three->size(), 3U);
        EXPECT_EQ((*three)[1].text, text);
        ASSERT_FALSE((*three)[1].literals.empty());
        EXPECT_LT((*three)[1].literals.back().offset, text.size());
    }
}

}  // namespace
}  // namespace domicile::sql

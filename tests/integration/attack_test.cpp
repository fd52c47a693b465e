// Attacks on the two doors, each as somebody would try it: keys of foreigners smuggled in, other people's
// rows, personal columns, the server's files, other roles, other requests. docs/security.md lists them all; a
// test holds the page against these tables.

#include "access/authenticator.hpp"
#include "fleet/issuer.hpp"
#include "iam/token.hpp"
#include "sql_door.hpp"
#include "support/http_client.hpp"

#include <ctime>
#include <fstream>
#include <set>
#include <sstream>

namespace domicile {
namespace {

using test_support::HttpClient;

/// At the European gateway. User 1 asks, or is asked for; 2 is somebody else; 5001 has its home abroad.
struct SqlAttack {
    std::string_view name;
    std::string_view as;  ///< app, operator, analyst, or subject (who is user 1)
    std::string_view sql;
    std::string_view before = {};  ///< runs first, on the same connection
    /// The key cannot be read from the text: the statement runs on the shards of this jurisdiction, and finds
    /// nobody.
    bool finds_nothing = false;
};

constexpr SqlAttack foreign_keys[] = {
    {"cast", "app", "SELECT * FROM users WHERE user_id = '5001'::text::bigint", {}, true},
    {"cast of a cast",
     "app",
     "SELECT * FROM users WHERE user_id = CAST(CAST(5001 AS text) AS bigint)",
     {},
     true},
    {"comment", "app", "SELECT * FROM users WHERE user_id = /* 1 */ 5001 -- = 1"},
    {"nested comment", "app", "SELECT * FROM users WHERE user_id = /* /* 1 */ 2 */ 5001"},
    {"dollar quotes", "app", "SELECT * FROM users WHERE user_id = $a$5001$a$", {}, true},
    {"Unicode escapes", "app", "SELECT * FROM users WHERE user_id = U&'\\0035\\0030\\0030\\0031'", {}, true},
    {"Unicode escapes of its own",
     "app",
     "SELECT * FROM users WHERE user_id = U&'!0035001' UESCAPE '!'",
     {},
     true},
    {"escape string", "app", "SELECT * FROM users WHERE user_id = E'\\x35\\060\\x301'", {}, true},
    {"string in pieces", "app", "SELECT * FROM users WHERE user_id = '50'\n'01'", {}, true},
    {"arithmetic", "app", "SELECT * FROM users WHERE user_id = 5000 + 1", {}, true},
    {"function", "app", "SELECT * FROM users WHERE user_id = abs(-5001)", {}, true},
    {"sub-select", "app", "SELECT * FROM users WHERE user_id = (SELECT 5001)", {}, true},
    {"OR", "app", "SELECT * FROM users WHERE user_id = 1 OR user_id = 5001"},
    {"IN", "app", "SELECT * FROM users WHERE user_id IN (1, 5001)"},
    {"ANY", "app", "SELECT * FROM users WHERE user_id = ANY ('{1,5001}')"},
    {"UNION", "app",
     "SELECT * FROM users WHERE user_id = 1 UNION ALL SELECT * FROM users WHERE user_id = 5001"},
    {"CTE", "app", "WITH u AS (SELECT * FROM users WHERE user_id = 5001) SELECT * FROM u"},
    {"LATERAL",
     "app",
     "SELECT * FROM (VALUES (5001)) v (id), LATERAL (SELECT * FROM users WHERE user_id = v.id) u",
     {},
     true},
    {"other schema", "app", "SELECT * FROM public.users WHERE user_id = 5001"},
    {"search_path", "app", "SELECT * FROM users WHERE user_id = 5001",
     "SET search_path = pg_catalog, public"},
    {"session key", "app", "SELECT * FROM users", "SET domicile.user_id = '5001'"},
    {"second statement", "app", "SELECT 1; SELECT * FROM users WHERE user_id = 5001"},
    {"PREPARE", "app", "PREPARE p(bigint) AS SELECT * FROM users WHERE user_id = $1"},
    {"cursor", "app", "DECLARE c CURSOR FOR SELECT * FROM users WHERE user_id = 5001", "BEGIN"},
    {"EXPLAIN ANALYZE", "app", "EXPLAIN ANALYZE SELECT * FROM users WHERE user_id = 5001"},
    {"COPY out", "app", "COPY (SELECT * FROM users WHERE user_id = 5001) TO STDOUT"},
    {"INSERT", "app", "INSERT INTO users (user_id) VALUES (5001)"},
    {"INSERT of several", "app", "INSERT INTO users (user_id) VALUES (3), (5001)"},
    {"INSERT … SELECT", "app", "INSERT INTO users (user_id) SELECT 5001"},
    {"UPDATE of the key", "app", "UPDATE users SET user_id = 5001 WHERE user_id = 1"},
    {"DELETE", "app", "DELETE FROM users WHERE user_id = 5001"},
    {"MERGE", "app",
     "MERGE INTO users USING (VALUES (5001)) v (id) ON user_id = v.id WHEN MATCHED THEN DELETE"},
};

constexpr SqlAttack other_people[] = {
    {"another id", "subject", "SELECT * FROM users WHERE user_id = 2"},
    {"no id", "subject", "SELECT * FROM users"},
    {"OR true", "subject", "SELECT * FROM users WHERE user_id = 1 OR true"},
    {"own id and another", "subject", "SELECT * FROM users WHERE user_id IN (1, 2)"},
    {"join without a key", "subject",
     "SELECT o.* FROM users u JOIN users o ON o.user_id > u.user_id WHERE u.user_id = 1"},
    {"sub-select", "subject", "SELECT (SELECT max(name) FROM users) FROM users WHERE user_id = 1"},
    {"EXISTS as an oracle", "subject",
     "SELECT EXISTS (SELECT FROM users WHERE name = 'p2') FROM users WHERE user_id = 1"},
    {"CTE", "subject", "WITH x AS (SELECT * FROM users) SELECT * FROM x WHERE user_id = 2"},
    {"PREPARE", "subject", "PREPARE p(bigint) AS SELECT * FROM users WHERE user_id = $1"},
    {"UPDATE … FROM", "subject",
     "UPDATE users SET name = o.name FROM users o WHERE users.user_id = 1 AND o.user_id = 2"},
    {"RETURNING", "subject", "UPDATE users SET name = 'x' WHERE user_id = 2 RETURNING *"},
    {"COPY out", "subject", "COPY users TO STDOUT"},
    {"statistics of the planner", "subject",
     "SELECT most_common_vals FROM pg_stats WHERE tablename = 'users'"},
    {"statements of others", "subject", "SELECT query FROM pg_stat_activity"},
    {"query in a function", "subject", "SELECT query_to_xml('SELECT * FROM users', true, false, '')"},
    {"a table of nobody", "subject", "SELECT * FROM settings"},
    {"DELETE", "subject", "DELETE FROM users WHERE user_id = 1"},
};

constexpr SqlAttack personal_columns[] = {
    {"by name", "analyst", "SELECT name FROM users WHERE user_id = 2"},
    {"star", "analyst", "SELECT * FROM users WHERE user_id = 2"},
    {"whole row", "analyst", "SELECT u FROM users u WHERE user_id = 2"},
    {"as JSON", "analyst", "SELECT to_jsonb(u) FROM users u WHERE user_id = 2"},
    {"cast of a row", "analyst", "SELECT u::text FROM users u WHERE user_id = 2"},
    {"compared with", "analyst", "SELECT user_id FROM users WHERE user_id = 2 AND name LIKE 'p%'"},
    {"sorted by", "analyst", "SELECT user_id FROM users WHERE user_id = 2 ORDER BY name"},
    {"grouped by", "analyst", "SELECT count(*) FROM users WHERE user_id = 2 GROUP BY name"},
    {"renamed by its place", "analyst", "SELECT x FROM users AS u (a, b, x, c) WHERE a = 2"},
    {"renamed by its place in a join", "analyst",
     "SELECT x FROM (users u JOIN countries c ON true) AS j (a, b, x) WHERE a = 2"},
    {"natural join", "analyst", "SELECT 1 FROM users a NATURAL JOIN users b WHERE a.user_id = 2"},
    {"USING", "analyst", "SELECT 1 FROM users a JOIN users b USING (name) WHERE a.user_id = 2"},
    {"quoted", "analyst", "SELECT \"name\" FROM \"users\" WHERE user_id = 2"},
    {"Unicode name", "analyst", "SELECT U&\"n\\0061me\" FROM users WHERE user_id = 2"},
    {"statistics", "analyst", "SELECT * FROM pg_stats"},
    {"COPY out", "analyst", "COPY users (name) TO STDOUT"},
    {"TABLE", "analyst", "TABLE users"},
    {"RETURNING", "analyst", "INSERT INTO users (user_id, name) VALUES (7, 'x') RETURNING name"},
};

constexpr SqlAttack powers[] = {
    {"DO block", "app", "DO $$ BEGIN PERFORM 1; END $$"},
    {"CREATE FUNCTION", "app", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"},
    {"dblink", "app", "CREATE EXTENSION dblink"},
    {"postgres_fdw", "operator", "CREATE EXTENSION postgres_fdw"},
    {"foreign server", "operator", "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw"},
    {"subscription", "operator", "CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p"},
    {"SET SESSION AUTHORIZATION", "app", "SET SESSION AUTHORIZATION postgres"},
    {"SET ROLE", "app", "SET ROLE domicile_owner"},
    {"role by set_config", "app", "SELECT set_config('role', 'domicile_owner', false)"},
    {"role by SET", "app", "SET \"role\" = domicile_owner"},
    {"role at log-in", "operator", "SET ROLE postgres"},
    {"read a file", "operator", "SELECT pg_read_file('/etc/passwd')"},
    {"list a folder", "operator", "SELECT pg_ls_dir('/')"},
    {"COPY from a file", "operator", "COPY settings FROM '/etc/passwd'"},
    {"COPY to a program", "operator", "COPY settings TO PROGRAM 'cat'"},
    {"large object", "operator", "SELECT lo_import('/etc/passwd')"},
    {"passwords", "operator", "SELECT rolpassword FROM pg_authid"},
    {"drop the fence", "app", "ALTER TABLE users DROP CONSTRAINT domicile_range"},
    {"our own tables", "app", "DELETE FROM domicile.shard"},
    {"TRUNCATE", "app", "TRUNCATE users"},
    {"GRANT", "app", "GRANT ALL ON users TO PUBLIC"},
    {"new role", "operator", "CREATE ROLE friend SUPERUSER"},
    {"ALTER SYSTEM", "operator", "ALTER SYSTEM SET log_statement = 'all'"},
    {"end others' sessions", "app", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"},
    {"log statements", "app", "SET log_statement = 'all'"},
    {"replication slot", "operator", "SELECT pg_create_logical_replication_slot('x', 'pgoutput')"},
    {"two-phase commit by hand", "app", "COMMIT PREPARED 'x'"},
};

struct HttpAttack {
    std::string_view name;
    std::string_view bytes;
    int status;  ///< of the only answer; 0: none at all
};

constexpr HttpAttack requests[] = {
    {"Content-Length and Transfer-Encoding",
     "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\nGET /v1/users/2 HTTP/1.1\r\nHost: x\r\n\r\n",
     400},
    {"two lengths",
     "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n"
     "GET /v1/users/2 HTTP/1.1\r\nHost: x\r\n\r\n",
     400},
    {"unknown coding",
     "POST /v1/users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400},
    {"negative length", "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
    {"length with a sign", "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}", 400},
    {"blank before the colon", "GET /v1/users/2 HTTP/1.1\r\nHost : x\r\n\r\n", 400},
    {"folded header", "GET /v1/users/5001 HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 451},
    {"NUL in a header", {"GET /v1/users/5001 HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 52}, 400},
    {"NUL in the target", {"GET /v1/users/5001\0/orders HTTP/1.1\r\nHost: x\r\n\r\n", 48}, 400},
    {"header injection", "GET /v1/users/5001%0d%0aX-Evil:%20yes HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"injection into the Link header", "GET /v1/users/5001?a=>;rel=evil HTTP/1.1\r\nHost: x\r\n\r\n", 451},
    {"path traversal", "GET /v1/users/1/../../../metrics HTTP/1.1\r\nHost: x\r\n\r\n", 404},
    {"path traversal, encoded", "GET /v1/users/1%2f..%2f5001 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"path traversal in a table", "GET /v1/users/1/%2e%2e HTTP/1.1\r\nHost: x\r\n\r\n", 404},
    {"two slashes", "GET //v1/users/2 HTTP/1.1\r\nHost: x\r\n\r\n", 404},
    {"another host", "GET http://elsewhere/v1/users/2 HTTP/1.1\r\nHost: x\r\n\r\n", 404},
    {"a catalog as a table", "GET /v1/users/1/pg_shadow HTTP/1.1\r\nHost: x\r\n\r\n", 404},
    {"SQL in a table's name", "GET /v1/users/1/orders%22%3bDROP%20TABLE%20users HTTP/1.1\r\nHost: x\r\n\r\n",
     404},
    {"SQL in a filter", "GET /v1/users/1/orders?order_no=eq.1%20OR%201=1 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"SQL in a column", "GET /v1/users/1?select=name;DROP HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"an id too large", "GET /v1/users/99999999999999999999 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"an id with a sign", "GET /v1/users/+2 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
};

class Attack : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        fleet = new TempFleet(DOMICILE_BINARY, shop_topology, shop_migrations);
        const auto started = fleet->start();
        ASSERT_TRUE(started) << base::describe(started.error());
        SqlClient home(options("app"));
        SqlClient abroad(options("app", "eu-west-2"));
        for (const int user : {1, 2}) {
            ASSERT_TRUE(home.run("INSERT INTO users (user_id, name, age) VALUES (" + std::to_string(user) +
                                 ", 'p" + std::to_string(user) + "', 30)")
                            .good);
        }
        ASSERT_TRUE(home.run("INSERT INTO settings VALUES ('a', 'p2')").good);
        ASSERT_TRUE(abroad.run("INSERT INTO users (user_id, name) VALUES (5001, 'p5001')").good);
    }
    static void TearDownTestSuite() {
        delete fleet;
        fleet = nullptr;
    }
    static std::string token(std::string_view role) {
        iam::Claims claims;
        claims.issuer = "domicile:eu";
        claims.audience = "domicile:shop";
        claims.name = role;
        claims.roles = {std::string(role)};
        claims.jurisdiction = "eu";
        if (role == "subject") {
            claims.user = base::UserId{1};
        }
        claims.issued = std::time(nullptr);
        claims.expires = claims.issued + 600;
        const auto key = fleet::read_issuer(fleet->secrets(), "eu").value();
        return iam::issue_token(claims, key, iam::thumbprint(key.verifying())).value();
    }
    static std::string options(std::string_view as, std::string_view region = "eu-west-1") {
        const auto& at = fleet->topology().at(*fleet->topology().region(region));
        const std::string& jurisdiction = fleet->topology().at(at.jurisdiction).name;
        const bool login = as == "app" || as == "operator";
        return "host=127.0.0.1 port=" + std::to_string(at.sql.port) + " user=" + std::string(as) +
               " dbname=shop connect_timeout=10 options='-c domicile.read=writer' password=" +
               (login ? fleet->secret(jurisdiction, "login/" + std::string(as)) : token(as));
    }
    static void refused(const SqlAttack& attack) {
        SqlClient client(options(attack.as));
        ASSERT_TRUE(client.connected()) << attack.name << ": " << client.error();
        if (!attack.before.empty()) {
            ASSERT_TRUE(client.run(std::string(attack.before)).good) << attack.name;
        }
        const std::string sql(attack.sql);
        if (sql.starts_with("COPY ") && sql.ends_with("STDOUT")) {
            EXPECT_TRUE(client.copy_out(sql).starts_with("error: ")) << attack.name;
            EXPECT_TRUE(client.run("SELECT 1").good) << attack.name << ": the session goes on";
            return;
        }
        const auto answer = client.run(sql);
        EXPECT_EQ(answer.good, attack.finds_nothing) << attack.name << ": " << sql << "\n" << answer.text();
        EXPECT_EQ(answer.text(), "") << attack.name;
        // Nothing of the row is in the words either.
        for (const auto* canary : {"p5001", "p2"}) {
            if (sql.find(canary) == std::string::npos) {
                EXPECT_EQ((answer.message + answer.detail + answer.hint).find(canary), std::string::npos)
                    << attack.name << ": " << answer.message;
            }
        }
    }
    inline static TempFleet* fleet = nullptr;
};

TEST_F(Attack, KeysOfForeigners) {
    for (const auto& attack : foreign_keys) {
        refused(attack);
    }
    SqlClient client(options("app"));
    EXPECT_FALSE(client.copy_in("COPY users (user_id, name) FROM STDIN", "5001\tx\n").good) << "COPY in";
    EXPECT_FALSE(client.run("SELECT * FROM users WHERE user_id = $1", {"5001"}).good) << "parameter";
    EXPECT_FALSE(client.run_binary("SELECT * FROM users WHERE user_id = $1", 5001).good)
        << "binary parameter";
    ASSERT_TRUE(client.prepare("p", "SELECT name FROM users WHERE user_id = $1").good);
    EXPECT_EQ(client.execute("p", {"1"}).value(), "p1");
    EXPECT_FALSE(client.execute("p", {"5001"}).good) << "prepared, then bound anew";
    SqlClient abroad(options("app", "eu-west-2"));
    EXPECT_EQ(abroad.run("SELECT name FROM users WHERE user_id = 5001").value(), "p5001") << "untouched";
    EXPECT_EQ(client.run("SELECT user_id FROM users WHERE user_id = 1").value(), "1") << "untouched";
}

TEST_F(Attack, OtherPeoplesRows) {
    for (const auto& attack : other_people) {
        refused(attack);
    }
    SqlClient own(options("subject"));
    ASSERT_TRUE(own.prepare("p", "SELECT name FROM users WHERE user_id = $1").good);
    EXPECT_EQ(own.execute("p", {"1"}).value(), "p1");
    EXPECT_FALSE(own.execute("p", {"2"}).good) << "prepared, then bound anew";
    EXPECT_EQ(own.run("SELECT name FROM users WHERE user_id = 1").value(), "p1") << "its own are its own";
}

TEST_F(Attack, PersonalColumns) {
    for (const auto& attack : personal_columns) {
        refused(attack);
    }
    SqlClient client(options("analyst"));
    EXPECT_EQ(client.run("SELECT age FROM users WHERE user_id = 2").value(), "30")
        << "what is not personal is";
}

TEST_F(Attack, PowersOfTheServer) {
    for (const auto& attack : powers) {
        refused(attack);
    }
}

TEST_F(Attack, RequestsThatAreNotWhatTheySeem) {
    for (const auto& attack : requests) {
        HttpClient client(fleet->topology().regions[0].http);
        ASSERT_TRUE(client.send(attack.bytes)) << attack.name;
        const auto answer = client.receive();
        EXPECT_EQ(answer.status, attack.status) << attack.name << ": " << answer.body;
        EXPECT_EQ(answer.body.find("\"p2\""), std::string::npos) << attack.name;
        EXPECT_EQ(answer.header("X-Evil"), "") << attack.name;
        if (attack.status == 451) {
            EXPECT_EQ(answer.header("Link").find("evil"), std::string::npos) << answer.header("Link");
        }
        if (attack.status == 400 && answer.header("Connection") == "close") {
            EXPECT_EQ(client.receive().status, 0) << attack.name << ": a second answer";
        }
    }
}

TEST_F(Attack, ForgedTokens) {
    const std::string good = token("operator");
    const auto dot = good.find('.');
    const auto last = good.rfind('.');
    const std::string none = "eyJhbGciOiJub25lIn0" + good.substr(dot, last - dot) + ".";
    std::string bent = good;
    bent[dot + 10] = bent[dot + 10] == 'A' ? 'B' : 'A';
    const std::vector<std::pair<std::string, std::string>> forged = {
        {"alg none", none},
        {"bent claims", bent},
        {"no signature", good.substr(0, last + 1)},
        {"cut", good.substr(0, last)},
        {"signature of another", good.substr(0, last) + token("analyst").substr(token("analyst").rfind('.'))},
    };
    for (const auto& [name, text] : forged) {
        HttpClient client(fleet->topology().regions[0].http);
        const auto answer = client.get("/v1/users/2", {{"Authorization", "Bearer " + text}});
        EXPECT_EQ(answer.status, 401) << name;
        EXPECT_EQ(answer.body.find("p2"), std::string::npos) << name;
    }
}

TEST_F(Attack, NodeRolesHaveLeastPrivilege) {
    auto super = fleet->connect("eu-1.eu-west-1.w", "postgres");
    const auto ask = [&](const std::string& question) {
        const auto answer = super.run(question, std::chrono::seconds{5});
        return answer && !answer->front().rows.empty() ? answer->front().rows[0][0].value_or("null") : "?";
    };
    for (const std::string role : {"domicile_gateway", "domicile_gateway_b", "domicile_monitor",
                                   "domicile_monitor_b", "domicile_owner", "domicile_owner_b"}) {
        EXPECT_EQ(
            ask("SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM "
                "pg_roles WHERE rolname = '" +
                role + "'"),
            "f")
            << role;
        for (const auto* member :
             {"pg_read_server_files", "pg_write_server_files", "pg_execute_server_program",
              "pg_signal_backend", "pg_checkpoint", "pg_read_all_data"}) {
            EXPECT_EQ(ask("SELECT pg_has_role('" + role + "', '" + member + "', 'MEMBER')"), "f")
                << role << " " << member;
        }
        EXPECT_EQ(ask("SELECT has_table_privilege('" + role + "', 'pg_authid', 'SELECT')"), "f") << role;
    }
    EXPECT_EQ(ask("SELECT has_schema_privilege('domicile_gateway', 'public', 'CREATE')"), "f");
    EXPECT_EQ(ask("SELECT has_database_privilege('domicile_gateway', 'shop', 'CREATE')"), "f");
    EXPECT_EQ(ask("SELECT has_table_privilege('domicile_gateway', 'users', 'TRUNCATE, REFERENCES, TRIGGER')"),
              "f");
    EXPECT_EQ(
        ask("SELECT has_table_privilege('domicile_gateway', 'domicile.shard', 'INSERT, UPDATE, DELETE')"),
        "f");
    EXPECT_EQ(ask("SELECT has_table_privilege('domicile_monitor', 'users', 'SELECT')"), "f");
    EXPECT_EQ(ask("SELECT has_table_privilege('domicile_replication', 'users', 'SELECT')"), "f");
    EXPECT_EQ(ask("SELECT has_database_privilege('public', 'shop', 'CONNECT')"), "f");
}

TEST(SecurityPage, ListsEveryAttack) {
    std::ostringstream text;
    text << std::ifstream(DOMICILE_SOURCE_DIR "/docs/security.md").rdbuf();
    const std::string page = text.str();
    const auto listed = [&](std::string_view name, std::string_view test) {
        EXPECT_NE(page.find("| " + std::string(name) + " | `Attack." + std::string(test) + "` |"),
                  std::string::npos)
            << "| " << name << " | `Attack." << test << "` |";
    };
    for (const auto& attack : foreign_keys) {
        listed(attack.name, "KeysOfForeigners");
    }
    for (const auto& attack : other_people) {
        listed(attack.name, "OtherPeoplesRows");
    }
    for (const auto& attack : personal_columns) {
        listed(attack.name, "PersonalColumns");
    }
    for (const auto& attack : powers) {
        listed(attack.name, "PowersOfTheServer");
    }
    for (const auto& attack : requests) {
        listed(attack.name, "RequestsThatAreNotWhatTheySeem");
    }
    for (const auto* name : {"COPY in", "parameter", "binary parameter", "prepared, then bound anew"}) {
        listed(name, "KeysOfForeigners");
    }
}

}  // namespace
}  // namespace domicile

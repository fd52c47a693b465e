// Who may do what at the SQL door: tokens as passwords, the default policies, residency of principals, slowed
// guesses, and the access log.

#include "access/access_log.hpp"
#include "fleet/issuer.hpp"
#include "iam/token.hpp"
#include "sql_door.hpp"
#include "support/http_client.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>

namespace domicile {
namespace {

class Identity : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        const std::string topology = std::string(shop_topology) + R"toml(
[[transfers]]
from = "eu"
to = "uk"
basis = "adequacy"
actions = ["data:Select"]
tables = ["users"]
[[identity.issuers]]
issuer = "https://login.example"
jwks = "login.json"
jurisdictions = ["eu"]
roles = ["subject"]
)toml";
        fleet = new TempFleet(DOMICILE_BINARY, topology, shop_migrations);
        const std::vector<iam::IssuerKey> keys = {{"k", login_key().verifying()}};
        std::ofstream(fleet->folder() / "login.json") << iam::render_jwks(keys);
        const auto started = fleet->start();
        ASSERT_TRUE(started) << base::describe(started.error());
        SqlClient app(with_password("app", password_of("app")));
        ASSERT_TRUE(app.connected()) << app.error();
        for (const char* id : {"1", "2", "1500"}) {
            ASSERT_TRUE(app.run("INSERT INTO users (user_id, name, age) VALUES (" + std::string(id) + ", 'p" +
                                id + "', 30)")
                            .good);
        }
    }
    static void TearDownTestSuite() {
        delete fleet;
        fleet = nullptr;
    }
    static std::string password_of(const std::string& login) { return fleet->secret("eu", "login/" + login); }
    static std::string with_password(const std::string& user, const std::string& password,
                                     std::string_view region = "eu-west-1") {
        const auto& at = fleet->topology().at(*fleet->topology().region(region));
        return "host=127.0.0.1 port=" + std::to_string(at.sql.port) + " user=" + user +
               " password=" + password + " dbname=shop connect_timeout=10 options='-c domicile.read=writer'";
    }
    static iam::Claims claims(const std::string& role, const std::string& jurisdiction = "eu") {
        iam::Claims made;
        made.issuer = "domicile:" + jurisdiction;
        made.audience = "domicile:shop";
        made.name = role;
        made.roles = {role};
        made.jurisdiction = jurisdiction;
        made.issued = std::time(nullptr);
        made.expires = made.issued + 600;
        return made;
    }
    static std::string sign(const iam::Claims& what, const std::string& signer = {}) {
        const auto key =
            fleet::read_issuer(fleet->secrets(), signer.empty() ? what.jurisdiction : signer).value();
        return iam::issue_token(what, key, iam::thumbprint(key.verifying())).value();
    }
    static const crypto::SigningKey& login_key() {
        static const auto key = crypto::SigningKey::generate(crypto::SignatureAlgorithm::es256).value();
        return key;
    }
    static SqlClient as(const std::string& user, const iam::Claims& what) {
        return SqlClient(with_password(user, sign(what)));
    }
    inline static TempFleet* fleet = nullptr;
};

TEST_F(Identity, AnAnalystReadsWhatIsNotPersonal) {
    SqlClient analyst = as("analyst", claims("analyst"));
    ASSERT_TRUE(analyst.connected()) << analyst.error();
    EXPECT_EQ(analyst.run("SELECT age FROM users WHERE user_id = 1").value(), "30");
    EXPECT_EQ(analyst.run("SELECT count(*) FROM users").value(), "3");
    for (const char* sql :
         {"SELECT name FROM users WHERE user_id = 1", "SELECT * FROM users WHERE user_id = 1",
          "SELECT u FROM users u WHERE user_id = 1",
          "SELECT age FROM users WHERE user_id = 1 AND name = 'p1'", "COPY users TO STDOUT",
          "SELECT most_common_vals FROM pg_stats",
          "SELECT query_to_xml('SELECT name FROM users', true, true, '')",
          "SELECT statement FROM pg_prepared_statements", "SELECT pg_stat_get_activity(NULL)"}) {
        const SqlResult result = analyst.run(sql);
        EXPECT_EQ(result.sqlstate, "42501") << sql << result.message;
        EXPECT_NE(result.message.find("personal columns"), std::string::npos) << sql << result.message;
    }
    EXPECT_NE(analyst.run("SELECT name FROM users WHERE user_id = 1").message.find("name of users"),
              std::string::npos);
    EXPECT_EQ(analyst.run("UPDATE users SET age = 1 WHERE user_id = 1").sqlstate, "42501");
    EXPECT_EQ(analyst.run("DELETE FROM users WHERE user_id = 1").sqlstate, "42501");
    EXPECT_EQ(analyst.run("SELECT age FROM users WHERE user_id = 1 FOR UPDATE").sqlstate, "42501");
    EXPECT_EQ(analyst.run("SELECT age FROM users WHERE user_id = 1").value(), "30");
}

TEST_F(Identity, APersonReachesItsOwnRowsOnly) {
    iam::Claims own = claims("subject");
    own.user = base::UserId{1};
    SqlClient person = as("subject", own);
    ASSERT_TRUE(person.connected()) << person.error();
    EXPECT_EQ(person.run("SELECT name FROM users WHERE user_id = 1").value(), "p1");
    EXPECT_TRUE(person.run("UPDATE users SET age = 30 WHERE user_id = 1").good);
    for (const char* sql :
         {"SELECT name FROM users WHERE user_id = 2", "SELECT name FROM users WHERE user_id IN (1, 2)",
          "SELECT name FROM users", "SELECT name FROM users WHERE user_id = 1 OR true",
          "SELECT name FROM users WHERE user_id >= 1", "UPDATE users SET age = 1 WHERE user_id = 2",
          "DELETE FROM users WHERE user_id = 1", "SELECT relname FROM pg_class",
          "SELECT name FROM users WHERE user_id = 1 UNION SELECT name FROM users WHERE user_id = 2",
          "SELECT (SELECT name FROM users WHERE user_id = 2) FROM users WHERE user_id = 1",
          "SET domicile.user_id = '2'; SELECT name FROM users",
          "SELECT s.value FROM users u, settings s WHERE u.user_id = 1",
          "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"}) {
        EXPECT_EQ(person.run(sql).sqlstate, "42501") << sql;
    }
    EXPECT_TRUE(person.prepare("mine", "SELECT name FROM users WHERE user_id = $1").good);
    EXPECT_EQ(person.execute("mine", {"1"}).value(), "p1");
    EXPECT_EQ(person.execute("mine", {"2"}).sqlstate, "42501");  // bound anew, judged anew
    EXPECT_EQ(person.execute("mine", {"1"}).value(), "p1");
}

TEST_F(Identity, AnOperatorComesWithATokenOrItsPassword) {
    for (const std::string& secret : {sign(claims("operator")), password_of("operator")}) {
        SqlClient owner(with_password("operator", secret));
        ASSERT_TRUE(owner.connected()) << owner.error();
        EXPECT_TRUE(owner.run("BEGIN").good);
        EXPECT_TRUE(owner.run("ALTER TABLE settings ADD COLUMN extra int").good);
        EXPECT_TRUE(owner.run("ROLLBACK").good);
    }
    EXPECT_FALSE(SqlClient(with_password("operator", sign(claims("analyst")))).connected());
    EXPECT_TRUE(SqlClient(with_password("token", sign(claims("app")))).connected());
    // The command line issues the same.
    const std::string command =
        std::string(DOMICILE_BINARY) + " token -t " + (fleet->folder() / "domicile.toml").string() +
        " --state " + fleet->options().state.string() + " --role analyst --jurisdiction eu --ttl 5m";
    std::array<char, 4'096> text{};
    FILE* pipe = ::popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string token(text.data(), std::fread(text.data(), 1, text.size(), pipe));
    EXPECT_EQ(::pclose(pipe), 0);
    token.resize(token.find_last_not_of('\n') + 1);
    EXPECT_TRUE(SqlClient(with_password("analyst", token)).connected());
}

TEST_F(Identity, ForgedTokensGetOneAnswer) {
    struct Case {
        const char* what;
        std::function<std::string()> token;
    };
    const auto changed = [](const std::function<void(iam::Claims&)>& change) {
        iam::Claims made = claims("analyst");
        change(made);
        return sign(made, "eu");
    };
    const Case cases[] = {
        {"expired", [&] { return changed([](auto& c) { c.expires = c.issued - 100; }); }},
        {"not yet valid", [&] { return changed([](auto& c) { c.not_before = c.issued + 500; }); }},
        {"another audience", [&] { return changed([](auto& c) { c.audience = "domicile:other"; }); }},
        {"eu speaks of uk", [&] { return changed([](auto& c) { c.jurisdiction = "uk"; }); }},
        {"eu signs as uk",
         [&] {
             return changed([](auto& c) {
                 c.issuer = "domicile:uk";
                 c.jurisdiction = "uk";
             });
         }},
        {"a stranger", [&] { return changed([](auto& c) { c.issuer = "https://evil.example"; }); }},
        {"no signature",
         [&] {
             auto t = changed([](auto&) {});
             return t.substr(0, t.rfind('.') + 1);
         }},
        {"no token", [&] { return std::string("analyst"); }},
    };
    std::string answer;
    for (const auto& one : cases) {
        const SqlClient client(with_password("analyst", one.token()));
        EXPECT_FALSE(client.connected()) << one.what;
        std::string error = client.error();
        error.erase(0, error.find("FATAL"));
        answer = answer.empty() ? error : answer;
        EXPECT_EQ(error, answer) << one.what;
    }
    EXPECT_NE(answer.find("password authentication failed"), std::string::npos) << answer;
}

TEST_F(Identity, PrincipalsFromAbroadNeedABasis) {
    SqlClient analyst = as("analyst", claims("analyst", "uk"));
    ASSERT_TRUE(analyst.connected()) << analyst.error();
    EXPECT_EQ(analyst.run("SELECT age FROM users WHERE user_id = 1").value(), "30");
    const SqlResult orders = analyst.run("SELECT total FROM orders WHERE user_id = 1");
    EXPECT_EQ(orders.sqlstate, "42501");
    EXPECT_NE(orders.detail.find("residency/principal-abroad"), std::string::npos) << orders.detail;
    SqlClient app = as("token", claims("app", "uk"));
    EXPECT_EQ(app.run("UPDATE users SET age = 1 WHERE user_id = 1").sqlstate, "42501");
    EXPECT_EQ(app.run("SELECT name FROM users WHERE user_id = 1").sqlstate,
              "42501");  // ReadPersonal is not covered
    // A person who travels is led home, whoever is asked for.
    iam::Claims traveller = claims("subject", "uk");
    traveller.user = base::UserId{5001};
    SqlClient person = as("subject", traveller);
    ASSERT_TRUE(person.connected()) << person.error();
    for (const char* id : {"5001", "1"}) {
        const SqlResult away = person.run("SELECT name FROM users WHERE user_id = " + std::string(id));
        EXPECT_NE(away.hint.find("Ask the home gateway: eu-west-2"), std::string::npos)
            << away.message << away.hint;
    }
}

TEST_F(Identity, TheHttpDoorTakesBearerTokens) {
    test_support::HttpClient http(fleet->topology().at(*fleet->topology().region("eu-west-1")).http);
    const auto get = [&](std::string_view target, const std::string& token) {
        return http.get(target, {{"Authorization", "Bearer " + token}});
    };
    const std::string analyst = sign(claims("analyst"));
    EXPECT_EQ(get("/v1/users/1?select=age", analyst).status, 200);
    const auto whole = get("/v1/users/1", analyst);
    EXPECT_EQ(whole.status, 403);
    EXPECT_NE(whole.body.find("personal columns name of users"), std::string::npos) << whole.body;
    for (const char* smuggled :
         {"select=", "select=age&select=", "select=age&select=name", "select=age,%6eame"}) {
        EXPECT_EQ(get("/v1/users/1?" + std::string(smuggled), analyst).status, 403) << smuggled;
    }
    EXPECT_EQ(get("/v1/users/1/orders", analyst).status, 200);
    EXPECT_EQ(http.patch("/v1/users/1", R"({"age":1})",
                         {{"Authorization", "Bearer " + analyst}, {"Content-Type", "application/json"}})
                  .status,
              403);
    iam::Claims own = claims("subject");
    own.user = base::UserId{1};
    EXPECT_EQ(get("/v1/users/1", sign(own)).status, 200);
    EXPECT_EQ(get("/v1/users/2", sign(own)).status, 403);
    EXPECT_EQ(get("/v1/users/77", sign(own)).status, 403);  // the same for who does not exist
    own.jurisdiction = "uk";
    own.issuer = "domicile:uk";
    own.user = base::UserId{5001};
    const auto away = get("/v1/users/5001", sign(own));
    EXPECT_EQ(away.status, 451);
    EXPECT_NE(away.header("Link").find("home gateway"), std::string::npos);
    EXPECT_EQ(get("/v1/users/1/orders", sign(claims("analyst", "uk"))).status, 403);
    for (const std::string& bad : {std::string("x"), analyst + "A", std::string()}) {
        const auto refused = get("/v1/users/1?select=age", bad);
        EXPECT_EQ(refused.status, 401) << bad;
        EXPECT_EQ(refused.header("WWW-Authenticate"), "Bearer");
    }
    EXPECT_EQ(http.get("/v1/users/1", {{"Authorization", "Basic YTpi"}}).status, 401);
}

TEST_F(Identity, AnotherIssuerSpeaksOfWhatItMay) {
    iam::Claims own = claims("subject");
    own.issuer = "https://login.example";
    own.name = "1";
    own.user = base::UserId{1};
    const auto connects = [&] {
        return SqlClient(with_password("subject", iam::issue_token(own, login_key(), "k").value()))
            .connected();
    };
    EXPECT_TRUE(connects());
    own.roles = {"subject", "operator"};
    EXPECT_FALSE(connects());
    own.roles = {"subject"};
    own.jurisdiction = "uk";
    EXPECT_FALSE(connects());
}

TEST_F(Identity, KeysRollOver) {
    const std::string old = sign(claims("analyst"));
    ASSERT_TRUE(fleet::roll_issuer(fleet->secrets(), "eu"));
    const std::string fresh = sign(claims("analyst"));
    EXPECT_TRUE(eventually([&] { return SqlClient(with_password("analyst", fresh)).connected(); }));
    EXPECT_TRUE(SqlClient(with_password("analyst", old)).connected());
}

TEST_F(Identity, GuessesAreSlowed) {
    const auto time_of = [&](const std::string& user) {
        const auto began = std::chrono::steady_clock::now();
        EXPECT_FALSE(SqlClient(with_password(user, "wrong")).connected());
        return std::chrono::steady_clock::now() - began;
    };
    for (int i = 0; i < 8; ++i) {
        std::ignore = time_of("app");
    }
    EXPECT_GE(time_of("app"), std::chrono::milliseconds{100});
    EXPECT_GE(time_of("nobody"), std::chrono::milliseconds{100});  // the same address guesses at another
    EXPECT_TRUE(SqlClient(with_password("app", password_of("app"))).connected());
}

TEST_F(Identity, TheAccessLogIsChainedAndHoldsPseudonymsOnly) {
    iam::Claims own = claims("subject");
    own.name = "jane.doe@example.org";
    own.user = base::UserId{1500};
    SqlClient person = as("subject", own);
    ASSERT_TRUE(person.connected()) << person.error();
    EXPECT_EQ(person.run("SELECT name FROM users WHERE user_id = 1500").value(), "p1500");
    EXPECT_EQ(person.run("SELECT name FROM users WHERE user_id = 2").sqlstate, "42501");
    const auto folder = fleet::access_folder(fleet->state(), "eu-west-1");
    const auto key = fleet::read_pseudonym_key(fleet->secrets(), "eu").value();
    std::string text;
    EXPECT_TRUE(eventually([&] {
        text.clear();
        for (const auto& file : std::filesystem::directory_iterator(folder)) {
            std::ifstream stream(file.path());
            text.append(std::istreambuf_iterator<char>(stream), {});
        }
        return text.find(access::pseudonym(key, "1500")) != std::string::npos &&
               text.find("\"rule\":\"policy/implicit-deny\"") != std::string::npos;
    })) << text.substr(0, 500);
    const auto check = access::check_log(folder).value();
    EXPECT_EQ(check.broken, "");
    EXPECT_GT(check.lines, 3U);
    EXPECT_EQ(text.find("jane"), std::string::npos);
    EXPECT_EQ(text.find("\"1500\""), std::string::npos);
    EXPECT_NE(text.find("\"by\":\"subject/own guard-rail/otherwise\""), std::string::npos);
}

}  // namespace
}  // namespace domicile

// Policies of one's own: a role's files and boundary, a jurisdiction's guard rail, a table's resource policy;
// and issuers whose keys come over https.

#include "access/authenticator.hpp"
#include "crypto/certificate.hpp"
#include "fleet/issuer.hpp"
#include "iam/token.hpp"
#include "sql_door.hpp"
#include "support/http_client.hpp"

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>

namespace domicile {
namespace {

namespace fs = std::filesystem;
using test_support::HttpClient;

constexpr std::string_view support = R"json({
  "Version": "2012-10-17",
  "Statement": [
    { "Sid": "tickets", "Effect": "Allow", "Action": ["data:Select", "data:ReadPersonal"],
      "Resource": "arn:domicile:data::eu:table/users",
      "Condition": { "StringEquals": { "domicile:Purpose": "ticket" } } },
    { "Sid": "mend", "Effect": "Allow", "Action": "data:*", "Resource": "arn:domicile:data::*:table/orders" }
  ]
})json";
constexpr std::string_view most = R"json({
  "Version": "2012-10-17",
  "Statement": { "Sid": "most", "Effect": "Allow", "NotAction": "data:Delete", "Resource": "*" }
})json";
constexpr std::string_view clerk = R"json({
  "Version": "2012-10-17",
  "Statement": { "Sid": "write", "Effect": "Allow", "Action": ["data:Select", "data:Insert", "data:Update"],
                 "Resource": "arn:domicile:data::eu:table/users" }
})json";
constexpr std::string_view feeder = R"json({
  "Version": "2012-10-17",
  "Statement": { "Sid": "feed", "Effect": "Allow", "Action": ["data:Insert", "data:Update", "data:Delete"],
                 "Resource": "arn:domicile:data::eu:table/*" }
})json";
constexpr std::string_view rail = R"json({
  "Version": "2012-10-17",
  "Statement": [
    { "Sid": "all", "Effect": "Allow", "Action": "*", "Resource": "*" },
    { "Sid": "kept", "Effect": "Deny", "Action": "data:Delete", "Resource": "arn:domicile:data::eu:table/users" }
  ]
})json";
constexpr std::string_view countries = R"json({
  "Version": "2012-10-17",
  "Statement": { "Sid": "closed", "Effect": "Deny", "Principal": { "AWS": "arn:domicile:iam::eu:role/app" },
                 "Action": "data:Insert", "Resource": "*" }
})json";

class PolicyFiles : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        https_port = test_support::free_port_block(1);
        std::string topology(shop_topology);
        const auto put = [&](std::string_view after, const std::string& text) {
            const auto at = topology.find(after);
            ASSERT_NE(at, std::string::npos) << after;
            topology.insert(at + after.size(), text);
        };
        put("countries = [\"DE\", \"FR\"]\n", "guard_rails = [\"policies/eu.json\"]\n");
        put("[tables.countries]\nreference = true\n", "policies = [\"policies/countries.json\"]\n");
        topology +=
            "[roles.clerk]\npolicies = [\"policies/clerk.json\"]\n[roles.feeder]\npolicies = "
            "[\"policies/feeder.json\"]\n";
        topology +=
            "[roles.support]\npolicies = [\"policies/support.json\"]\nboundary = [\"policies/most.json\"]\n"
            "[[identity.issuers]]\nissuer = \"https://login.example\"\njwks = \"https://127.0.0.1:" +
            std::to_string(https_port) +
            "/keys.json\"\njwks_ca = \"login-ca.pem\"\njurisdictions = [\"eu\"]\nroles = [\"support\"]\n";
        fleet = new TempFleet(DOMICILE_BINARY, topology, shop_migrations);
        fs::create_directories(fleet->folder() / "policies");
        write("policies/support.json", support);
        write("policies/most.json", most);
        write("policies/clerk.json", clerk);
        write("policies/feeder.json", feeder);
        write("policies/eu.json", rail);
        write("policies/countries.json", countries);
        const auto authority = crypto::make_authority("login", std::chrono::days{10}).value();
        const std::vector<std::string> hosts = {"127.0.0.1"};
        const auto server = crypto::make_certificate(authority, "web", hosts, std::chrono::days{10}).value();
        write("login-ca.pem", authority.certificate);
        write("web/server.pem", server.certificate + server.key.reveal());
        publish("first", first_key());
        const std::string folder = (fleet->folder() / "web").string();
        web = ::popen(
            ("cd " + folder +
             " && exec python3 -c \"\nimport http.server, ssl, sys, threading\n"
             "s = http.server.ThreadingHTTPServer(('127.0.0.1', " +
             std::to_string(https_port) +
             "), http.server.SimpleHTTPRequestHandler)\n"
             "c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain('server.pem')\n"
             "s.socket = c.wrap_socket(s.socket, server_side=True)\n"
             "threading.Thread(target=s.serve_forever, daemon=True).start()\nsys.stdin.read()\" 2>/dev/null")
                .c_str(),
            "w");
        const auto started = fleet->start();
        ASSERT_TRUE(started) << base::describe(started.error());
        SqlClient app(options("app", fleet->secret("eu", "login/app")));
        ASSERT_TRUE(app.run("INSERT INTO users (user_id, name) VALUES (1, 'p1')").good);
        ASSERT_TRUE(app.run("INSERT INTO orders (user_id, order_no) VALUES (1, 1)").good);
    }
    static void TearDownTestSuite() {
        if (web != nullptr) {
            ::pclose(web);
        }
        delete fleet;
        fleet = nullptr;
    }
    static void write(const std::string& name, std::string_view text) {
        fs::create_directories((fleet->folder() / name).parent_path());
        std::ofstream(fleet->folder() / name) << text;
    }
    static const crypto::SigningKey& first_key() {
        static const auto key = crypto::SigningKey::generate(crypto::SignatureAlgorithm::es256).value();
        return key;
    }
    static void publish(const std::string& name, const crypto::SigningKey& key) {
        const std::vector<iam::IssuerKey> keys = {{name, key.verifying()}};
        write("web/keys.json", iam::render_jwks(keys));
    }
    static iam::Claims claims(const std::string& issuer, const std::string& purpose) {
        iam::Claims made;
        made.issuer = issuer;
        made.audience = "domicile:shop";
        made.name = "mia";
        made.roles = {"support"};
        made.jurisdiction = "eu";
        made.purpose = purpose;
        made.issued = std::time(nullptr);
        made.expires = made.issued + 600;
        return made;
    }
    static std::string own_token(const std::string& purpose, const std::string& role = "support") {
        const auto key = fleet::read_issuer(fleet->secrets(), "eu").value();
        auto made = claims("domicile:eu", purpose);
        made.roles = {role};
        return iam::issue_token(made, key, iam::thumbprint(key.verifying())).value();
    }
    static std::string options(const std::string& user, const std::string& password) {
        return "host=127.0.0.1 port=" + std::to_string(fleet->topology().regions[0].sql.port) +
               " user=" + user + " dbname=shop connect_timeout=10 password=" + password;
    }
    static std::pair<int, std::string> domicile(const std::string& words) {
        FILE* pipe = ::popen((std::string(DOMICILE_BINARY) + " " + words + " 2>&1").c_str(), "r");
        std::string text;
        char piece[4096];
        for (std::size_t got = 0; (got = std::fread(piece, 1, sizeof piece, pipe)) > 0;) {
            text.append(piece, got);
        }
        const int status = ::pclose(pipe);
        return {WEXITSTATUS(status), text};
    }
    static std::string topology_file() { return (fleet->folder() / "domicile.toml").string(); }
    inline static TempFleet* fleet = nullptr;
    inline static FILE* web = nullptr;
    inline static std::uint16_t https_port = 0;
};

TEST_F(PolicyFiles, ARoleMayWhatItsFilesSay) {
    SqlClient ticket(options("support", own_token("ticket")));
    ASSERT_TRUE(ticket.connected()) << ticket.error();
    EXPECT_EQ(ticket.run("SELECT name FROM users WHERE user_id = 1").value(), "p1");
    EXPECT_EQ(ticket.run("UPDATE users SET age = 1 WHERE user_id = 1").sqlstate, "42501");
    SqlClient idle(options("support", own_token("")));
    EXPECT_EQ(idle.run("SELECT age FROM users WHERE user_id = 1").sqlstate, "42501") << "no purpose";
    EXPECT_TRUE(idle.run("UPDATE orders SET note = 'x' WHERE user_id = 1").good);
    const auto bounded = idle.run("DELETE FROM orders WHERE user_id = 1");
    EXPECT_EQ(bounded.sqlstate, "42501") << "its boundary";
    HttpClient http(fleet->topology().regions[0].http);
    EXPECT_EQ(http.get("/v1/users/1", {{"Authorization", "Bearer " + own_token("ticket")}}).status, 200);
    EXPECT_EQ(http.get("/v1/users/1", {{"Authorization", "Bearer " + own_token("")}}).status, 403);
}

TEST_F(PolicyFiles, WhoeverChoosesARowReadsIt) {
    SqlClient clerk_of(options("clerk", own_token("", "clerk")));
    EXPECT_TRUE(clerk_of.run("UPDATE users SET name = 'p1' WHERE user_id = 1").good)
        << "to write is not to read";
    EXPECT_EQ(clerk_of.run("UPDATE users SET age = 3 WHERE user_id = 1 RETURNING name").sqlstate, "42501");
    EXPECT_EQ(clerk_of.run("UPDATE users SET age = length(name) WHERE user_id = 1").sqlstate, "42501");
    EXPECT_TRUE(clerk_of.run("INSERT INTO users (user_id, name) VALUES (40, 'x') RETURNING user_id").good);
    HttpClient http(fleet->topology().regions[0].http);
    const test_support::Headers clerk_token = {{"Authorization", "Bearer " + own_token("", "clerk")}};
    const auto patched = http.patch("/v1/users/1?select=age", R"({"age":4})", clerk_token);
    EXPECT_EQ(patched.status, 403) << "the answer would be the whole row: " << patched.body;
    SqlClient feeding(options("feeder", own_token("", "feeder")));
    EXPECT_TRUE(feeding.run("INSERT INTO users (user_id, name) VALUES (41, 'x')").good);
    EXPECT_EQ(feeding.run("INSERT INTO users (user_id, name) VALUES (42, 'x') RETURNING user_id").sqlstate,
              "42501");
    EXPECT_EQ(feeding.run("UPDATE users SET age = 1 WHERE user_id = 1").sqlstate, "42501");
    EXPECT_EQ(feeding.run("DELETE FROM orders WHERE user_id = 1").sqlstate, "42501");
}

TEST_F(PolicyFiles, GuardRailsAndResourcePoliciesBindEverybody) {
    SqlClient app(options("app", fleet->secret("eu", "login/app")));
    EXPECT_EQ(app.run("DELETE FROM users WHERE user_id = 1").sqlstate, "42501")
        << "the jurisdiction's guard rail";
    EXPECT_EQ(app.run("INSERT INTO countries VALUES ('XX', 'x')").sqlstate, "42501")
        << "the table's own policy";
    EXPECT_TRUE(app.run("SELECT * FROM countries").good);
    SqlClient owner(options("operator", fleet->secret("eu", "login/operator")));
    EXPECT_EQ(owner.run("DELETE FROM users WHERE user_id = 1").sqlstate, "42501");
    EXPECT_TRUE(owner.run("INSERT INTO countries VALUES ('XX', 'x')").good);
}

TEST_F(PolicyFiles, TheToolsSeeThem) {
    const std::string ask =
        " -t " + topology_file() + " --resource arn:domicile:data::eu:table/users --action ";
    EXPECT_NE(domicile("policy who-can" + ask + "data:ReadPersonal")
                  .second.find("support  by policies/support.json/tickets"),
              std::string::npos);
    const auto [status, text] = domicile("policy explain --role operator" + ask + "data:Delete");
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("policy/explicit-deny: policies/eu.json/kept"), std::string::npos) << text;
    EXPECT_NE(domicile("token --role nobody -t " + topology_file()).second.find("support"), std::string::npos)
        << "roles of the topology are named";
}

TEST_F(PolicyFiles, KeysOfAnIssuerComeByHttpsAndRollOver) {
    const auto connects = [](const crypto::SigningKey& key, const std::string& name) {
        return SqlClient(
                   options("support",
                           iam::issue_token(claims("https://login.example", "ticket"), key, name).value()))
            .connected();
    };
    EXPECT_TRUE(eventually([&] { return connects(first_key(), "first"); }));
    const auto second = crypto::SigningKey::generate(crypto::SignatureAlgorithm::rs256).value();
    EXPECT_FALSE(connects(second, "second"));
    publish("second", second);
    EXPECT_TRUE(eventually([&] { return connects(second, "second"); }));
    EXPECT_FALSE(connects(first_key(), "first")) << "withdrawn";
}

TEST_F(PolicyFiles, AMistakeIsFoundBeforeAnythingStarts) {
    const auto folder = fleet->folder() / "broken";
    fs::create_directories(folder / "policies");
    fs::create_directories(folder / "schema");
    for (const auto* file : {"domicile.toml", "login-ca.pem", "policies/support.json", "policies/most.json",
                             "policies/countries.json", "policies/clerk.json", "policies/feeder.json"}) {
        fs::copy_file(fleet->folder() / file, folder / file);
    }
    std::ofstream(folder / "policies/eu.json") << R"({"Version":"2012-10-17","Statement":{"Effect":"Alow"}})";
    const std::string file = (folder / "domicile.toml").string();
    const auto [status, text] = domicile("check " + file);
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("policies/eu.json#/Statement/Effect: "), std::string::npos) << text;
    const auto [up_status, up_text] = domicile("up -t " + file + " --state " + (folder / "state").string());
    EXPECT_EQ(up_status, 1);
    EXPECT_NE(up_text.find("policies/eu.json#"), std::string::npos) << up_text;
    EXPECT_FALSE(fs::exists(folder / "state"));
    fs::remove(folder / "policies/eu.json");
    EXPECT_NE(domicile("check " + file).second.find("policies/eu.json: There is no file"), std::string::npos);
}

}  // namespace
}  // namespace domicile

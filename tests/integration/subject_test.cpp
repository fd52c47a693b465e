// A person's rights but erasure (rights_test.cpp), on a real fleet and through every door: restriction,
// export, rectification, consent, objection, retention.

#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "crypto/signature.hpp"
#include "fleet/context.hpp"
#include "fleet/roles.hpp"
#include "support/command.hpp"
#include "support/http_client.hpp"
#include "support/sql_client.hpp"
#include "support/temp_fleet.hpp"

#include <csignal>
#include <fstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace domicile {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace std::chrono_literals;
using pool::MaintenanceClient;
using test_support::eventually;
using test_support::SqlClient;
using test_support::TempFleet;

std::string topology() {
    std::string text = test_support::small_topology();
    const std::string name = "personal.name = { erase = \"null\" }";
    text.replace(text.find(name), name.size(),
                 "personal.name = { erase = \"null\", class = \"identity\" }\npurpose = "
                 "\"contract\"\nretention = \"10 years\"");
    return text + R"toml(
audit = ["insert"]
purpose = "contract"
retention = "2 years"
retained_from = "ordered_at"
personal.note = { erase = "null", class = "contact", origin = "observed" }
personal.score = { erase = "null", class = "profile", origin = "inferred" }

[documents.orders]
fields = ["amount", "note"]
person = ["name"]

[institutions.eu-tax]
jurisdiction = "eu"
documents = ["orders"]
deliver = "directory:eu-tax"
batch_s = 0

[consents.newsletter]
version = "v1"
text = "We may write to you about offers."

[privacy]
rewrite_h = 0
package_mb_max = 8
)toml";
}

std::map<std::string, std::string> migrations() {
    return {{"0001_small.sql", R"sql(
CREATE TABLE users (user_id bigint PRIMARY KEY, country text NOT NULL, name text);
CREATE TABLE orders (user_id bigint NOT NULL REFERENCES users, order_no integer NOT NULL, amount numeric(12, 3), note text,
                     score integer, ordered_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (user_id, order_no));
)sql"}};
}

class Subject : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        fleet_ = new TempFleet(DOMICILE_BINARY, topology(), migrations());
        const auto up = fleet_->start();
        ASSERT_TRUE(up) << base::describe(up.error());
        std::string token = domicile("token --role operator --jurisdiction eu").second;
        token.erase(std::min(token.find('\n'), token.size()));
        operator_ = {{"Authorization", "Bearer " + token}, {"Content-Type", "application/json"}};
    }
    static void TearDownTestSuite() {
        delete fleet_;
        fleet_ = nullptr;
    }
    static std::pair<int, std::string> domicile(const std::string& words) {
        return test_support::run_domicile(*fleet_, words);
    }
    static std::string sql_door(const std::string& login, std::size_t region = 0) {
        const auto& address = fleet_->topology().regions[region].sql;
        return "host=" + address.host + " port=" + std::to_string(address.port) + " user=" + login +
               " dbname=shop password=" + fleet_->secret("eu", "login/" + login);
    }
    std::string value(std::string_view statement) {
        return fleet::single_value(eu_, statement).value().value_or("null");
    }
    void run(std::string_view script) {
        const auto done = eu_.run(script, 20s);
        ASSERT_TRUE(done) << script << "\n" << base::describe(done.error()) << " " << done.error().detail;
    }
    void invent(int user) {
        const std::string id = std::to_string(user);
        run("INSERT INTO users VALUES (" + id + ", 'DE', 'Erika " + id + "'); INSERT INTO orders VALUES (" +
            id + ", 1, 12.500, 'a \"note\", with\nlines', 7), (" + id + ", 2, 5, NULL, NULL)");
    }
    static inline TempFleet* fleet_ = nullptr;
    static inline test_support::Headers operator_;
    MaintenanceClient eu_ = fleet_->connect("eu-1.eu-west-1.w", fleet::roles::officer);
    test_support::HttpClient door_{fleet_->topology().regions[0].http};
};

TEST_F(Subject, ARestrictedPersonIsStoredAndHiddenFromEveryDoor) {
    invent(1);
    invent(2);
    SqlClient app(sql_door("app"));
    SqlClient app_abroad(sql_door("app", 1));  // another region of the home: reads from its reader
    SqlClient dba(sql_door("operator"));
    ASSERT_TRUE(app.connected()) << app.error();
    ASSERT_TRUE(dba.connected()) << dba.error();
    ASSERT_EQ(app.prepare("one", "SELECT name FROM users WHERE user_id = $1").sqlstate, "");
    ASSERT_EQ(app.execute("one", {"1"}).value(), "Erika 1");
    EXPECT_EQ(value("SELECT relrowsecurity FROM pg_class WHERE relname = 'users'"), "f")
        << "nobody pays for it before somebody needs it";

    const auto asked = door_.post("/v1/users/1/privacy-requests",
                                  R"j({"kind": "restriction", "ground": "Art. 18(1)(a)"})j", operator_);
    ASSERT_TRUE(asked.status == 202 || asked.status == 200) << asked.body;
    ASSERT_TRUE(eventually(
        [&] {
            return value("SELECT state FROM domicile.requests WHERE user_id = 1 AND kind = 'restriction'") ==
                   "done";
        },
        20s));
    ASSERT_TRUE(eventually([&] { return door_.get("/v1/users/1").status == 403; }, 5s));
    for (const auto& answer :
         {door_.get("/v1/users/1"), door_.get("/v1/users/1/orders"), door_.get("/v1/users/1/orders/1"),
          door_.patch("/v1/users/1", R"({"name": "x"})", {{"Content-Type", "application/json"}}),
          door_.request("DELETE", "/v1/users/1/orders/1")}) {
        EXPECT_EQ(answer.status, 403) << answer.body;
        EXPECT_NE(answer.body.find("privacy/restricted"), std::string::npos) << answer.body;
    }
    EXPECT_EQ(door_.get("/v1/users/2").status, 200);
    // The SQL door: by key, prepared before, as a sum over everybody, joined, as the tables' owner, by COPY.
    EXPECT_EQ(app.execute("one", {"1"}).rows.size(), 0U);
    EXPECT_EQ(app.execute("one", {"2"}).value(), "Erika 2");
    EXPECT_EQ(app.run("SELECT count(*) FROM orders").value(), "2");
    EXPECT_EQ(app_abroad.run("SELECT count(*) FROM orders WHERE user_id = 1").value(), "0");
    EXPECT_EQ(app.run("UPDATE users SET name = 'x' WHERE user_id = 1").tag, "UPDATE 0");
    EXPECT_EQ(app.run("DELETE FROM orders WHERE user_id = 1").tag, "DELETE 0");
    EXPECT_EQ(dba.run("SELECT count(*) FROM users WHERE user_id = 1").value(), "0") << "operators neither";
    EXPECT_EQ(dba.run("TABLE users").rows.size(), 1U);
    EXPECT_EQ(app.copy_out("COPY users TO STDOUT").find("Erika 1"), std::string::npos);
    // It can still be stored.
    EXPECT_EQ(app.run("INSERT INTO orders (user_id, order_no, amount) VALUES (1, 3, 1)").tag, "INSERT 0 1");
    const auto copied =
        app.copy_in("COPY orders (user_id, order_no, amount) FROM STDIN", "1\t4\t1\n2\t4\t1\n");
    EXPECT_EQ(copied.tag, "COPY 2") << copied.message;
    EXPECT_TRUE(app.run("BEGIN").good);
    EXPECT_EQ(app.copy_in("COPY orders (user_id, order_no, amount) FROM STDIN", "1\t5\t1\n").tag, "COPY 1");
    EXPECT_EQ(app.run("SELECT count(*) FROM orders WHERE user_id = 2").value(), "3")
        << "and the role is back";
    EXPECT_TRUE(app.run("COMMIT").good);
    EXPECT_EQ(value("SELECT count(*) FROM orders WHERE user_id = 1"), "5");
    // Definitions do not switch it off.
    EXPECT_TRUE(dba.run("ALTER TABLE users DISABLE ROW LEVEL SECURITY").good);
    EXPECT_TRUE(dba.run("DROP POLICY domicile_restricted ON orders").good);
    EXPECT_EQ(app.run("SELECT count(*) FROM users WHERE user_id = 1").value(), "0");
    EXPECT_EQ(app.run("SELECT count(*) FROM orders WHERE user_id = 1").value(), "0");
    // The person's other rights go on.
    EXPECT_EQ(domicile("user export 1 --out '" + (fleet_->folder() / "1.zip").string() + "'").first, 0);

    EXPECT_EQ(domicile("user lift 1").second, "lifted\n");
    EXPECT_EQ(value("SELECT relrowsecurity OR relforcerowsecurity FROM pg_class WHERE relname = 'users'"),
              "f");
    EXPECT_TRUE(eventually([&] { return door_.get("/v1/users/1").status == 200; }, 5s));
    EXPECT_EQ(app.execute("one", {"1"}).value(), "Erika 1");
}

TEST_F(Subject, ARestoredDatabaseRestrictsAgain) {
    invent(10);
    const auto position = value("SELECT ledger FROM domicile.shard");
    ASSERT_EQ(domicile("user restrict 10 --ground 'Art. 18(1)(b)'").first, 0);
    // From before: the same rows, nothing of the restriction.
    run("BEGIN; UPDATE domicile.shard SET ledger = " + position +
        ", restrictions = 0; DELETE FROM domicile.ledger WHERE n > " + position +
        "; DELETE FROM domicile.notices WHERE user_id = 10; DELETE FROM domicile.requests WHERE user_id = "
        "10; "
        "DELETE FROM domicile.restrictions; ALTER TABLE users DISABLE ROW LEVEL SECURITY; ALTER TABLE orders "
        "DISABLE ROW LEVEL "
        "SECURITY; COMMIT");
    EXPECT_TRUE(eventually(
        [&] {
            return value("SELECT ground FROM domicile.restrictions WHERE user_id = 10") == "Art. 18(1)(b)";
        },
        30s));
    EXPECT_TRUE(eventually([&] { return door_.get("/v1/users/10").status == 403; }, 10s));
    EXPECT_EQ(domicile("user lift 10").first, 0);
}

TEST_F(Subject, APackageHoldsAllOfItAndCanBeResumed) {
    invent(20);
    ASSERT_TRUE(eventually(
        [&] {
            return value(
                       "SELECT count(*) FROM domicile.documents WHERE user_id = 20 AND stored_at IS NOT "
                       "NULL") == "2";
        },
        20s));
    EXPECT_EQ(door_.get("/v1/users/20/export").status, 403) << "the application may not";
    EXPECT_EQ(door_.get("/v1/users/1500/export", operator_).status, 451) << "at home only";
    EXPECT_EQ(door_.get("/v1/users/999/export", operator_).status, 404);
    test_support::HttpResponse whole;
    ASSERT_TRUE(eventually(
        [&] {
            whole = door_.get("/v1/users/20/export", operator_);
            return whole.status == 200;
        },
        20s))
        << whole.status << whole.body;
    EXPECT_EQ(whole.header("Content-Type"), "application/zip");
    const std::string place = whole.header("Content-Location");
    test_support::Headers rest = operator_;
    rest.emplace_back("Range", "bytes=1000-");
    rest.emplace_back("If-Range", whole.header("ETag"));
    const auto part = door_.get(place, rest);
    EXPECT_EQ(part.status, 206);
    EXPECT_TRUE(part.body == whole.body.substr(1000)) << "a part of the same bytes";
    rest[rest.size() - 2].second = "bytes=99999999-";
    EXPECT_EQ(door_.get(place, rest).status, 416);
    EXPECT_EQ(whole.header("ETag"), "\"" + crypto::hex(crypto::view(crypto::sha256(whole.body))) + "\"");

    const fs::path folder = fleet_->folder() / "package";
    fs::create_directories(folder);
    std::ofstream(folder / "p.zip", std::ios::binary) << whole.body;
    // Somebody else's reader of ZIP, CSV and JSON.
    const auto [status, said] = test_support::run_command("cd '" + folder.string() + R"(' && python3 - <<'END'
import csv, hashlib, io, json, zipfile
z = zipfile.ZipFile("p.zip")
assert z.testzip() is None
m = json.loads(z.read("manifest.json"))
for f in m["files"]:
    assert hashlib.sha256(z.read(f["name"])).hexdigest() == f["sha256"], f["name"]
assert {f["name"] for f in m["files"]} | {"manifest.json", "manifest.sig"} == set(z.namelist())
rows = list(csv.DictReader(io.StringIO(z.read("tables/orders.csv").decode(), newline="")))
same = json.loads(z.read("tables/orders.json"))
assert len(rows) == len(same) == 2 and rows[0]["note"] == same[0]["note"] == 'a "note", with\nlines', rows
assert rows[0]["amount"] == "12.500" and rows[1]["note"] == ""
of = {c["name"]: c.get("origin") for t in m["tables"] if t["name"] == "orders" for c in t["columns"]}
assert of["note"] == "observed" and of["score"] == "inferred" and of["amount"] is None
t = next(t for t in m["tables"] if t["name"] == "orders")
assert t["purpose"] == "contract" and t["retention"] == "2 years" and t["rows"] == 2
assert m["recipients"] == ["eu-tax"]
pdfs = [n for n in z.namelist() if n.startswith("documents/")]
assert len(pdfs) == 2 and all(z.read(p).startswith(b"%PDF-1.4") for p in pdfs), pdfs
page = z.read("index.html").decode()
assert "Erika 20" in page and "<script" not in page and "a &quot;note&quot;" in page
open("manifest.json", "wb").write(z.read("manifest.json")); open("manifest.sig", "wb").write(z.read("manifest.sig"))
print("good", m["position"])
END)");
    EXPECT_EQ(status, 0) << said;
    std::string key = domicile("audit key -j eu").second;
    key.pop_back();
    const auto raw = crypto::base64url_decode(key);
    ASSERT_TRUE(raw);
    const auto read = [](const fs::path& file) {
        std::ifstream in(file, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    std::string signature = read(folder / "manifest.sig");
    signature.pop_back();
    EXPECT_TRUE(crypto::VerifyingKey::from_ed25519(*raw)->verify(read(folder / "manifest.json"),
                                                                 crypto::base64_decode(signature).value()));
    // The command goes on with what has arrived; what is not the same is not kept.
    const std::string request = place.substr(place.find('=') + 1);
    const fs::path out = folder / "again.zip";
    std::ofstream(out.string() + ".part-" + request, std::ios::binary) << whole.body.substr(0, 1000);
    const auto [fetched, words] = domicile("user export 20 --out '" + out.string() + "'");
    EXPECT_EQ(fetched, 0) << words;
    EXPECT_TRUE(read(out) == whole.body) << words;
    // Nothing has changed: all files but those that say when are the same.
    run("UPDATE domicile.requests SET done_at = done_at - interval '1 hour' WHERE id = " + request);
    ASSERT_EQ(domicile("user export 20 --out '" + (folder / "later.zip").string() + "'").first, 0);
    EXPECT_EQ(test_support::run_command("cd '" + folder.string() + R"END(' && python3 -c "
import zipfile
a, b = zipfile.ZipFile('p.zip'), zipfile.ZipFile('later.zip')
assert a.namelist() == b.namelist()
print([n for n in a.namelist() if a.read(n) != b.read(n)])")END")
                  .second,
              "['requests.json', 'index.html', 'manifest.json', 'manifest.sig']\n");
    EXPECT_EQ(door_.get(place, operator_).status, 404) << "the one before has made room";
    // What would be larger than is allowed is refused, and leaves nothing.
    run("INSERT INTO users VALUES (21, 'DE', 'much'); INSERT INTO orders SELECT 21, n, 1 FROM "
        "generate_series(1, 40) AS n; UPDATE "
        "orders SET note = (SELECT string_agg(md5(order_no::text || m::text), '') FROM generate_series(1, "
        "20000) AS m) WHERE "
        "user_id = 21");
    const auto [large, why] = domicile("user export 21 --out '" + (folder / "21.zip").string() + "'");
    EXPECT_EQ(large, 1);
    EXPECT_NE(why.find("larger than 8 MiB"), std::string::npos) << why;
    EXPECT_EQ(value("SELECT count(*) FROM domicile.packages WHERE user_id = 21"), "0");
    // Erasure takes packages with it.
    const auto [erased, how] = domicile("user erase 20");
    EXPECT_EQ(erased, 0) << how;
    EXPECT_EQ(value("SELECT count(*) FROM domicile.packages WHERE user_id = 20"), "0");
}

TEST_F(Subject, WhatIsSetRightIsToldToWhoHasIt) {
    invent(30);
    const fs::path inbox = fleet_->options().state / "delivered/eu-tax";
    ASSERT_TRUE(eventually(
        [&] {
            return value(
                       "SELECT coalesce(max((through ->> 'eu-1')::bigint), 0) >= (SELECT max(number) FROM "
                       "domicile.documents "
                       "WHERE user_id = 30) AND bool_and(acknowledged_at IS NOT NULL) FROM "
                       "domicile.dispatches") == "t";
        },
        30s));
    EXPECT_EQ(door_
                  .patch("/v1/users/30/personal-data", R"({"set": {"name": "Erik"}})",
                         {{"Content-Type", "application/json"}})
                  .status,
              403);
    const auto bad = [&](const char* body) {
        return door_.patch("/v1/users/30/personal-data", body, operator_).status;
    };
    EXPECT_EQ(bad(R"({"set": {"user_id": 31}})"), 503) << "the key is not set right";
    EXPECT_EQ(bad(R"({"table": "nothing", "set": {"name": "x"}})"), 404) << "unknown table";
    EXPECT_EQ(bad(R"({"table": "orders", "key": {"order_no": 77}, "set": {"note": "x"}})"), 404);
    const auto right = door_.patch("/v1/users/30/personal-data", R"({"set": {"name": "Erik"}})", operator_);
    ASSERT_EQ(right.status, 200) << right.body;
    EXPECT_EQ(value("SELECT name FROM users WHERE user_id = 30"), "Erik");
    EXPECT_EQ(
        domicile(
            R"(user rectify 30 --table orders --key '{"order_no": 1}' --set '{"note": "right", "amount": 13}')")
            .first,
        0);
    EXPECT_EQ(value("SELECT note || amount FROM orders WHERE user_id = 30 AND order_no = 1"), "right13.000");
    EXPECT_EQ(
        value(
            "SELECT count(*) FROM domicile.requests WHERE user_id = 30 AND detail::text ~ '(Erik|right\")'"),
        "0")
        << "the record says which, not what";
    const std::string id = value("SELECT min(id) FROM domicile.requests WHERE user_id = 30");
    const fs::path notice = inbox / "notices" / ("eu-1." + id + ".json");
    ASSERT_TRUE(eventually([&] { return fs::exists(notice); }, 20s)) << notice;
    std::ifstream in(notice);
    std::string line;
    std::getline(in, line);
    const auto told = json::parse(line);
    EXPECT_EQ(told.at("documents").as_array().size(), 2U) << line;
    EXPECT_EQ(told.at("right").at("name").as_string(), "Erik") << line;
    ASSERT_TRUE(eventually(
        [&] {
            return value(
                       "SELECT count(*) FROM domicile.notices WHERE user_id = 30 AND acknowledged_at IS "
                       "NULL") == "0";
        },
        20s));
    EXPECT_EQ(value("SELECT count(*) FROM domicile.notices WHERE text IS NOT NULL AND user_id = 30"), "0")
        << "the words go";
    EXPECT_NE(door_.get("/v1/users/30/privacy-requests", operator_).body.find("\"name\": \"eu-tax\""),
              std::string::npos);
    std::string key = domicile("audit key -j eu").second;
    key.pop_back();
    const auto verify = [&] {
        return test_support::run_command("'" DOMICILE_AUDIT_VERIFY "' '" + inbox.string() + "' --key " + key);
    };
    auto [status, said] = verify();
    EXPECT_EQ(status, 0) << said;
    EXPECT_NE(said.find("notices of what has changed since"), std::string::npos) << said;
    std::ofstream(notice, std::ios::app) << "x";
    EXPECT_EQ(verify().first, 1);
    fs::resize_file(notice, fs::file_size(notice) - 1);
}

TEST_F(Subject, ConsentsAreToWordsAndObjectionsAreDecided) {
    invent(40);
    const auto consent = [&](const char* body) {
        return door_.post("/v1/users/40/consents", body, operator_);
    };
    EXPECT_EQ(consent(R"({"purpose": "newsletter", "version": "v2", "given": true})").status, 400)
        << "nobody saw these words";
    EXPECT_EQ(consent(R"({"purpose": "newsletter", "given": true})").status, 400);
    EXPECT_EQ(consent(R"({"purpose": "newsletter", "version": "v1", "given": true})").status, 201);
    SqlClient app(sql_door("app"));
    EXPECT_EQ(value("SELECT domicile.consented(40, 'newsletter')"), "t");
    EXPECT_EQ(consent(R"({"purpose": "newsletter", "given": false})").status, 201)
        << "as easily as it was given";
    EXPECT_EQ(value("SELECT domicile.consented(40, 'newsletter')"), "f");
    const auto log = json::parse(door_.get("/v1/users/40/consents", operator_).body).as_array();
    ASSERT_EQ(log.size(), 2U);
    EXPECT_EQ(log[1].at("version").as_string(), "v1");
    EXPECT_EQ(value("SELECT text FROM domicile.consent_texts"), "We may write to you about offers.");

    const auto said = domicile("user object 40 --ground 'direct marketing'");
    EXPECT_EQ(said.first, 0) << said.second;
    EXPECT_NE(domicile("privacy requests").second.find("objection of user 40"), std::string::npos);
    const std::string id =
        value("SELECT id FROM domicile.requests WHERE user_id = 40 AND kind = 'objection'");
    EXPECT_EQ(domicile("privacy decide " + id + " --shard eu-1 --upheld --because 'no more letters'").first,
              0);
    EXPECT_EQ(domicile("privacy decide " + id + " --shard eu-1 --refused --because 'again'").first, 1);
    EXPECT_EQ(value("SELECT state || (answer ->> 'because') FROM domicile.requests WHERE id = " + id),
              "doneno more letters");
}

TEST_F(Subject, RowsGoWhenTheirTimeIsOver) {
    run("INSERT INTO users SELECT n, 'DE', 'old' FROM generate_series(50, 53) AS n; INSERT INTO orders "
        "SELECT u, n, 1, 'old', 1, "
        "now() - interval '3 years' FROM generate_series(50, 52) AS u, generate_series(1, 700) AS n; INSERT "
        "INTO orders VALUES "
        "(53, 1, 1, 'young', 1, now() - interval '23 months')");
    ASSERT_EQ(domicile("user hold 52 --ground 'Art. 17(3)(e): case 1' --until 2999-01-01").first, 0);
    const auto before = domicile("privacy retention --json");
    EXPECT_NE(before.second.find("\"due\":2100"), std::string::npos) << before.second;
    // Whoever leads next looks at once.
    for (const char* region : {"eu-west-1", "eu-central-1"}) {
        std::ifstream pid(fleet_->options().state / "run" / ("worker." + std::string(region) + ".pid"));
        pid_t process = 0;
        if (pid >> process) {
            ::kill(process, SIGKILL);
        }
    }
    EXPECT_TRUE(eventually(
        [&] { return value("SELECT count(*) FROM orders WHERE user_id IN (50, 51)") == "0"; }, 30s));
    EXPECT_EQ(value("SELECT count(*) FROM orders WHERE user_id = 52"), "700") << "held";
    EXPECT_EQ(value("SELECT count(*) FROM orders WHERE user_id = 53"), "1") << "not yet";
    EXPECT_TRUE(eventually(
        [&] {
            const auto said = domicile("privacy retention").second;
            return said.find("700 rows due, 1400 removed so far, last looked at") != std::string::npos;
        },
        20s))
        << domicile("privacy retention").second;
}

TEST_F(Subject, ADefinitionThatAnErasureWouldNotReachIsRefused) {
    SqlClient dba(sql_door("operator"));
    const auto refused = [&](const std::string& sql) {
        const auto answer = dba.run(sql);
        return answer.good ? "taken" : answer.sqlstate + " " + answer.message + " " + answer.hint;
    };
    EXPECT_NE(refused("ALTER TABLE orders ADD COLUMN recommended_by bigint REFERENCES users")
                  .find("column recommended_by of table orders holds a user id"),
              std::string::npos)
        << refused("ALTER TABLE orders ADD COLUMN recommended_by bigint REFERENCES users");
    EXPECT_EQ(value("SELECT count(*) FROM pg_attribute WHERE attname = 'recommended_by'"), "0")
        << "before the first write";
    EXPECT_NE(refused("CREATE TABLE friends (user_id bigint PRIMARY KEY REFERENCES users)"), "taken");
    EXPECT_EQ(refused("ALTER TABLE orders ADD COLUMN colour text"), "taken");
    EXPECT_EQ(refused("ALTER TABLE orders DROP COLUMN colour"), "taken");
    // Made beside the doors, it keeps the fleet from coming up; here, from being certified.
    run("CREATE TABLE friends (a bigint REFERENCES users, PRIMARY KEY (a))");
    invent(70);
    EXPECT_EQ(domicile("user erase 70").first, 1);
    run("DROP TABLE friends");
    EXPECT_EQ(domicile("user erase 70").first, 0);
}

}  // namespace
}  // namespace domicile

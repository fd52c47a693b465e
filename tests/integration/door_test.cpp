// The HTTP door against a real fleet: three jurisdictions' worth of rules on two, with real readers.

#include "support/http_client.hpp"
#include "support/temp_fleet.hpp"

#include <atomic>
#include <fstream>
#include <mutex>
#include <set>
#include <signal.h>
#include <thread>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace domicile {
namespace {

using test_support::eventually;
using test_support::Headers;
using test_support::HttpClient;
using test_support::HttpResponse;
using test_support::json_member;
using test_support::TempFleet;

const std::map<std::string, std::string> migrations = {{"0001_shop.sql", R"sql(
CREATE TABLE users (
    user_id bigint PRIMARY KEY,
    country text NOT NULL,
    name varchar(20),
    email text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE orders (
    user_id bigint NOT NULL REFERENCES users,
    order_no integer NOT NULL,
    note text,
    total numeric(10,2) NOT NULL DEFAULT 0 CHECK (total >= 0),
    paid boolean,
    details jsonb,
    ordered_at timestamptz,
    doubled numeric GENERATED ALWAYS AS (total * 2) STORED,
    PRIMARY KEY (user_id, order_no)
);
CREATE TABLE settings (user_id bigint PRIMARY KEY REFERENCES users, theme text);
)sql"}};

/// One fleet for all tests of this file; each test uses people of its own.
class Door : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        // Durable: a node that is killed must not lose what was acknowledged.
        std::string text = test_support::small_topology();
        text.replace(text.find("durable = false"), 15, "durable = true");
        text += "\n[tables.settings]\nkey = \"user_id\"\n";
        // Two threads, so that what crosses threads is tested, too.
        text += "\n[limits]\ngateway_threads = 2\n";
        fleet = new TempFleet(DOMICILE_BINARY, text, migrations);
        const auto started = fleet->start();
        ASSERT_TRUE(started) << base::describe(started.error());
        // A client that sends a byte now and then, while the other tests run.
        slow = std::thread([] {
            HttpClient client(address("eu-west-2"));
            const auto began = std::chrono::steady_clock::now();
            std::string_view bytes = "GET /healthz HTTP/1.1\r\nX-Slow: ";
            while (client.send(bytes) &&
                   std::chrono::steady_clock::now() - began < std::chrono::seconds{30}) {
                bytes = "x";
                std::this_thread::sleep_for(std::chrono::milliseconds{100});
            }
            slow_client_lived = std::chrono::steady_clock::now() - began;
        });
    }
    static void TearDownTestSuite() {
        if (slow.joinable()) {
            slow.join();
        }
        delete fleet;
        fleet = nullptr;
    }
    static topology::Address address(std::string_view region) {
        return fleet->topology().at(*fleet->topology().region(region)).http;
    }
    std::string new_person(std::string_view country = "DE") {
        // After a test that killed a writer, 503 is the right answer for a moment.
        HttpResponse created;
        EXPECT_TRUE(eventually([&] {
            created = west_.post("/v1/users", R"({"country":")" + std::string(country) + R"("})");
            return created.status != 503 && created.status != 502;
        }));
        EXPECT_EQ(created.status, 201) << created.body;
        return created.header("Location");
    }

    static TempFleet* fleet;
    static std::thread slow;
    static std::chrono::steady_clock::duration slow_client_lived;
    HttpClient west_{address("eu-west-1")};        // writer region of eu
    HttpClient central_{address("eu-central-1")};  // reads from its own reader
    HttpClient uk_{address("eu-west-2")};
};
TempFleet* Door::fleet = nullptr;
std::thread Door::slow;
std::chrono::steady_clock::duration Door::slow_client_lived;

TEST_F(Door, RefusesForeignPeopleOnEveryRouteWithEqualAnswers) {
    const auto american = uk_.post("/v1/users", R"({"country":"US","name":"Ann"})");  // rest of the world: uk
    ASSERT_EQ(american.status, 201) << american.body;
    const std::string existing = json_member(american.body, "user_id");
    const std::string missing = "1999";
    const std::string german = json_member(west_.get(new_person()).body, "user_id");
    struct Route {
        std::string method;
        std::string rest;
        std::string body;
    };
    const Route routes[] = {
        {"GET", "", ""},
        {"HEAD", "", ""},
        {"PATCH", "", "{\"name\":\"x\"}"},
        {"GET", "/orders", ""},
        {"POST", "/orders", "{\"order_no\":1}"},
        {"GET", "/orders/1", ""},
        {"PATCH", "/orders/1", "{\"note\":\"x\"}"},
        {"DELETE", "/orders/1", ""},
        {"GET", "/orders?nonsense=eq.1", ""},
        {"GET", "/no_such_table", ""},
        {"POST", "/orders", "not json"},
        {"PUT", "/orders/1", "{}"},
        {"DELETE", "", ""},
        {"GET", "/orders/1/2", ""},
    };
    struct Direction {
        std::string at;
        std::string person;
        std::string other;
    };
    for (const Direction& direction : {Direction{"eu-west-1", existing, missing},
                                       {"eu-central-1", existing, missing},
                                       {"eu-west-2", german, "999"}}) {
        HttpClient door(address(direction.at));
        for (const Route& route : routes) {
            const auto here =
                door.request(route.method, "/v1/users/" + direction.person + route.rest, route.body);
            const auto there =
                door.request(route.method, "/v1/users/" + direction.other + route.rest, route.body);
            const std::string what = route.method + " " + route.rest + " at " + direction.at;
            if (route.rest == "/orders/1/2") {
                EXPECT_EQ(here.status, 404) << what;
                continue;
            }
            EXPECT_EQ(here.status, 451) << what << here.body;
            EXPECT_EQ(there.status, 451) << what;
            EXPECT_EQ(here.body, there.body) << what;
            EXPECT_EQ(here.header("Content-Length"), there.header("Content-Length")) << what;
            EXPECT_NE(here.header("Link").find("http://127.0.0.1:"), std::string::npos) << what;
            if (route.method != "HEAD") {
                EXPECT_EQ(json_member(here.body, "rule"), "residency/home-by-id") << what;
            }
        }
    }
    // The link leads home.
    const auto refused = west_.get("/v1/users/" + existing);
    const std::string link = refused.header("Link");
    EXPECT_NE(link.find(":" + std::to_string(address("eu-west-2").port) + "/v1/users/" + existing + ">"),
              std::string::npos)
        << link;
    EXPECT_EQ(uk_.get("/v1/users/" + existing).status, 200);
}

TEST_F(Door, NeverGuessesOutsideTheRanges) {
    for (const std::string id : {"2000", "-1", "9223372036854775807", "-9223372036854775808"}) {
        const auto answer = west_.get("/v1/users/" + id);
        EXPECT_EQ(answer.status, 404) << id;
        EXPECT_EQ(json_member(answer.body, "type"), "urn:domicile:problem:no-range");
    }
    EXPECT_EQ(west_.get("/v1/users/2000/home").status, 404);
}

TEST_F(Door, TellsTheHomeOfAnyIdEverywhere) {
    for (const auto* door : {&west_, &uk_}) {
        const auto home = const_cast<HttpClient*>(door)->get("/v1/users/1500/home");
        EXPECT_EQ(home.status, 200);
        EXPECT_EQ(json_member(home.body, "jurisdiction"), "uk");
    }
}

TEST_F(Door, CreatesPeopleAtHomeOnly) {
    const auto german = west_.post("/v1/users", R"({"country":"DE","name":"Zoë","email":"zoe@example.org"})");
    ASSERT_EQ(german.status, 201) << german.body;
    EXPECT_EQ(json_member(german.body, "name"), "Zoë");
    EXPECT_FALSE(german.header("ETag").empty());
    EXPECT_EQ(west_.get(german.header("Location")).body, german.body);

    const auto briton = west_.post("/v1/users", R"({"country":"GB"})");
    EXPECT_EQ(briton.status, 451);
    EXPECT_EQ(json_member(briton.body, "rule"), "residency/home-by-country");
    EXPECT_NE(briton.header("Link").find(std::to_string(address("eu-west-2").port)), std::string::npos);
    // Nor by moving there afterwards.
    EXPECT_EQ(west_.patch(german.header("Location"), R"({"country":"GB"})").status, 451);
    EXPECT_EQ(west_.patch(german.header("Location"), R"({"country":"FR"})").status, 200);

    EXPECT_EQ(west_.post("/v1/users", R"({"country":"DE","email":"zoe@example.org"})").status, 409);
    EXPECT_EQ(west_.post("/v1/users", R"({"country":"DE","user_id":5})").status, 400);
    EXPECT_EQ(west_.post("/v1/users", R"({"name":"nobody"})").status, 422);
    EXPECT_EQ(west_.get("/v1/users/998").status, 404);
    EXPECT_EQ(west_.request("DELETE", german.header("Location")).status, 405);
}

TEST_F(Door, ReadsAndChangesRows) {
    const std::string person = new_person();
    const auto made =
        west_.post(person + "/orders",
                   R"({"order_no":7,"note":"a\tb","total":12.50,"paid":true,"details":{"k":[1.10,"x"]},)"
                   R"("ordered_at":"2026-03-01T10:00:00+02:00"})");
    ASSERT_EQ(made.status, 201) << made.body;
    const std::string row = made.header("Location");
    EXPECT_EQ(row, person + "/orders/7");
    EXPECT_EQ(json_member(made.body, "total"), "12.50");
    EXPECT_EQ(json_member(made.body, "doubled"), "25.00");
    EXPECT_EQ(json_member(made.body, "ordered_at"), "2026-03-01T08:00:00Z");
    EXPECT_NE(made.body.find(R"("details":{"k": [1.10, "x"]})"), std::string::npos) << made.body;

    const auto read = west_.get(row + "?select=note,paid");
    EXPECT_EQ(read.body, "{\"note\":\"a\\tb\",\"paid\":true}\n");
    const std::string version = read.header("ETag");
    EXPECT_EQ(west_.get(row, {{"If-None-Match", version}}).status, 304);

    const auto changed = west_.patch(row, R"({"note":null,"total":"13.00"})", {{"If-Match", version}});
    ASSERT_EQ(changed.status, 200) << changed.body;
    EXPECT_EQ(json_member(changed.body, "note"), "null");
    EXPECT_NE(changed.header("ETag"), version);
    const auto stale = west_.patch(row, R"({"note":"late"})", {{"If-Match", version}});
    EXPECT_EQ(stale.status, 412);
    EXPECT_EQ(west_.request("DELETE", row, {}, {{"If-Match", version}}).status, 412);
    EXPECT_EQ(west_.patch(row, R"({"note":"any"})", {{"If-Match", "*"}}).status, 200);
    EXPECT_EQ(west_.request("DELETE", row).status, 204);
    EXPECT_EQ(west_.request("DELETE", row).status, 404);
    EXPECT_EQ(west_.get(row).status, 404);
    EXPECT_EQ(west_.patch(row, R"({"note":"x"})", {{"If-Match", version}}).status, 404);
}

TEST_F(Door, NamesTheColumnOfWhatDoesNotFitAndRepeatsNoValue) {
    const std::string person = new_person();
    ASSERT_EQ(west_.post(person + "/orders", R"({"order_no":1})").status, 201);
    struct Row {
        std::string body;
        int status;
        std::string names;
    };
    const Row rows[] = {
        {R"({"order_no":1})", 409, "order_no"},
        {R"({"order_no":2147483648})", 400, "order_no"},
        {R"({"order_no":1.5})", 400, "order_no"},
        {R"({"order_no":"SECRET"})", 400, "order_no"},
        {R"({"order_no":2,"total":0.125})", 400, "total"},
        {R"({"order_no":2,"total":123456789.00})", 400, "total"},
        {R"({"order_no":2,"total":-1})", 422, "total"},
        {R"({"order_no":2,"ordered_at":"SECRET"})", 400, "ordered_at"},
        {R"({"order_no":2,"ordered_at":"2026-02-30T00:00:00Z"})", 400, "ordered_at"},
        {R"({"order_no":2,"doubled":4})", 400, "doubled"},
        {R"({"order_no":2,"paid":"yes"})", 400, "paid"},
        {R"({"order_no":2,"note":"a\u0000b"})", 400, "note"},
        {R"({"order_no":2,"nope":1})", 400, "nope"},
        {R"({"note":"no key"})", 422, "order_no"},
        {R"({"order_no":2,"user_id":6})", 400, "user_id"},
        {R"([1])", 400, ""},
        {R"({"order_no":2)", 400, ""},
    };
    for (const Row& row : rows) {
        const auto answer = west_.post(person + "/orders", row.body);
        EXPECT_EQ(answer.status, row.status) << row.body << answer.body;
        EXPECT_NE(answer.body.find(row.names), std::string::npos) << row.body << answer.body;
        EXPECT_EQ(answer.body.find("SECRET"), std::string::npos) << answer.body;
        EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
    }
    EXPECT_EQ(west_.post(person + "/orders", "x", {{"Content-Type", "text/plain"}}).status, 415);
    EXPECT_EQ(west_.get(person + "/orders?order_no=eq.SECRET").status, 400);
    EXPECT_EQ(west_.get(person + "/orders/SECRET").status, 400);
    EXPECT_EQ(west_.get(person + "/users").status, 404);
    // After all that the same connection and the same pool still serve.
    EXPECT_EQ(west_.get(person).status, 200);
}

TEST_F(Door, PagesThroughEveryRowOnceInEveryOrder) {
    const std::string person = new_person();
    for (int i = 0; i < 25; ++i) {
        // Ties and nulls in the order columns: what breaks careless paging.
        const std::string note = i % 4 == 0 ? "null" : "\"n" + std::to_string(i % 3) + "\"";
        const auto made =
            west_.post(person + "/orders", R"({"order_no":)" + std::to_string(i) + R"(,"note":)" + note +
                                               R"(,"total":)" + std::to_string(i % 5) + "}");
        ASSERT_EQ(made.status, 201) << made.body;
    }
    for (const std::string order :
         {"", "&order=note", "&order=note.desc", "&order=total.desc,note", "&order=paid,note.desc"}) {
        std::set<std::string> seen;
        std::string query = "/orders?limit=4&select=order_no" + order;
        for (int page = 0; page < 10; ++page) {
            const auto answer = west_.get(person + query);
            ASSERT_EQ(answer.status, 200) << answer.body;
            const auto document = boost::json::parse(answer.body).as_object();
            for (const auto& row : document.at("rows").as_array()) {
                EXPECT_TRUE(seen.insert(boost::json::serialize(row)).second) << "twice: " << order;
            }
            if (document.at("next").is_null()) {
                break;
            }
            query = "/orders?limit=4&select=order_no" + order + "&after=" + json_member(answer.body, "next");
            EXPECT_NE(answer.header("Link").find("rel=\"next\""), std::string::npos);
        }
        EXPECT_EQ(seen.size(), 25U) << order;
    }
    const auto filtered =
        west_.get(person + "/orders?total=gte.3&note=not.null&order_no=in.(3,4,8,9)&select=order_no");
    EXPECT_EQ(filtered.body, "{\"rows\":[{\"order_no\":3},{\"order_no\":9}],\"next\":null}\n");
}

TEST_F(Door, EndsAPageEarlyWhenItsRowsAreLarge) {
    const std::string person = new_person();
    for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(west_
                      .post(person + "/orders", R"({"order_no":)" + std::to_string(i) + R"(,"note":")" +
                                                    std::string(900'000, 'x') + "\"}")
                      .status,
                  201);
    }
    std::size_t rows = 0;
    std::size_t pages = 0;
    std::string query = "/orders";
    for (; pages < 20; ++pages) {
        const auto answer = west_.get(person + query);
        ASSERT_EQ(answer.status, 200);
        EXPECT_LT(answer.body.size(), 10U << 20U);
        const auto document = boost::json::parse(answer.body).as_object();
        rows += document.at("rows").as_array().size();
        if (document.at("next").is_null()) {
            break;
        }
        query = "/orders?after=" + std::string(document.at("next").as_string());
    }
    EXPECT_EQ(rows, 20U);
    EXPECT_GE(pages, 1U) << "more than the first page";
}

TEST_F(Door, RepeatsNothingUnderAnIdempotencyKey) {
    const std::string person = new_person();
    const Headers key = {{"Idempotency-Key", "order-1"}};
    const std::string body = R"({"order_no":1,"total":"5.00","details":{"a":1.50}})";
    const auto first = west_.post(person + "/orders", body, key);
    ASSERT_EQ(first.status, 201) << first.body;
    ASSERT_EQ(west_.patch(person + "/orders/1", R"({"note":"changed since"})").status, 200);
    const auto second = west_.post(person + "/orders", body, key);
    EXPECT_EQ(second.status, 201);
    EXPECT_EQ(second.body, first.body) << "the first answer, not today's row";
    EXPECT_EQ(second.header("Idempotency-Replayed"), "true");
    EXPECT_EQ(central_.post(person + "/orders", body, key).body, first.body)
        << "through any gateway of the jurisdiction";
    const auto other = west_.post(person + "/orders", R"({"order_no":2})", key);
    EXPECT_EQ(other.status, 422);
    EXPECT_EQ(json_member(other.body, "type"), "urn:domicile:problem:idempotency-mismatch");
    EXPECT_EQ(west_.post(person + "/orders", body, {{"Idempotency-Key", std::string(129, 'k')}}).status, 400);

    // Sixteen at once: one row, one answer.
    const Headers race = {{"Idempotency-Key", "race"}};
    std::vector<std::thread> threads;
    std::mutex mutex;
    std::multiset<std::string> answers;
    for (int i = 0; i < 16; ++i) {
        threads.emplace_back([&] {
            HttpClient client(address("eu-west-1"));
            const auto answer = client.post("/v1/users", R"({"country":"DE","name":"once"})", race);
            const std::scoped_lock lock(mutex);
            answers.insert(std::to_string(answer.status) + answer.body);
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(answers.size(), 16U);
    EXPECT_EQ(answers.count(*answers.begin()), 16U) << *answers.begin() << *answers.rbegin();
    EXPECT_TRUE(answers.begin()->starts_with("201")) << *answers.begin();
}

TEST_F(Door, ReplaysARaceThatARowsOwnKeyDecides) {
    // The loser of the race meets the row's primary key before the record of the idempotency key.
    const std::string person = new_person();
    std::vector<std::thread> threads;
    std::mutex mutex;
    std::multiset<std::string> answers;
    for (int i = 0; i < 12; ++i) {
        threads.emplace_back([&] {
            HttpClient client(address("eu-west-1"));
            const auto answer = client.post(person + "/orders", R"({"order_no":1,"note":"n"})",
                                            {{"Idempotency-Key", "natural"}});
            const std::scoped_lock lock(mutex);
            answers.insert(std::to_string(answer.status) + answer.body);
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(answers.count(*answers.begin()), 12U) << *answers.begin() << *answers.rbegin();
    EXPECT_TRUE(answers.begin()->starts_with("201")) << *answers.begin();
    EXPECT_EQ(west_.post(person + "/orders", R"({"order_no":1})", {{"Idempotency-Key", "another"}}).status,
              409)
        << "a taken key is still a conflict for another request";
    EXPECT_EQ(west_.post(person + "/orders", R"({"order_no":5})", {{"Idempotency-Key", ""}}).status, 400);
}

TEST_F(Door, ServesTablesWhoseKeyIsTheUserAlone) {
    const std::string person = new_person();
    const auto made = west_.post(person + "/settings", R"({"theme":"dark"})");
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.header("Location"), person + "/settings/");
    EXPECT_EQ(json_member(west_.get(person + "/settings/").body, "theme"), "dark");
    EXPECT_EQ(west_.patch(person + "/settings/", R"({"theme":"light"})").status, 200);
    EXPECT_EQ(west_.request("DELETE", person + "/settings/").status, 204);
    EXPECT_EQ(west_.get(person + "/settings/").status, 404);
    EXPECT_EQ(west_.get(person + "/orders/").status, 404);
}

TEST_F(Door, ForgetsIdempotencyKeysAfterADay) {
    const std::string person = new_person();
    const std::string body = R"({"order_no":1})";
    ASSERT_EQ(west_.post(person + "/orders", body, {{"Idempotency-Key", "old"}}).status, 201);
    ASSERT_EQ(west_.post(person + "/orders", R"({"order_no":2})", {{"Idempotency-Key", "young"}}).status,
              201);
    auto writer = fleet->connect("eu-1.eu-west-1.w", "postgres");
    ASSERT_TRUE(writer.run(
        "UPDATE domicile.idempotency SET created_at = now() - interval '25 hours' WHERE key = 'old'",
        std::chrono::seconds{5}));
    EXPECT_TRUE(eventually([&] {
        static_cast<void>(
            west_.get(person + "/orders?no_such_column=eq.1"));  // makes the gateway look at the shard anew
        const auto left =
            writer.run("SELECT string_agg(key, ',') FROM domicile.idempotency WHERE key IN ('old', 'young')",
                       std::chrono::seconds{5});
        return left && left->front().rows[0][0] == "young";
    }));
}

TEST_F(Door, NeverReadsOlderThanItWrote) {
    const std::string person = new_person();
    auto reader = fleet->connect("eu-1.eu-central-1.r1", "postgres");
    ASSERT_TRUE(eventually([&] { return central_.get(person).status == 200; }));
    ASSERT_TRUE(reader.run("SELECT pg_wal_replay_pause()", std::chrono::seconds{5}));

    const auto made = west_.post(person + "/orders", R"({"order_no":1})");
    ASSERT_EQ(made.status, 201) << made.body;
    const std::string position = made.header("Domicile-Position");
    ASSERT_TRUE(position.starts_with("eu-1=1:0/")) << position;
    // The reader of the other region stands still: without a position its older answer is right (and proves
    // that it is the reader that answers), with the position the writer must serve.
    EXPECT_EQ(central_.get(person + "/orders/1").status, 404);
    EXPECT_EQ(central_.get(person + "/orders/1", {{"Domicile-Position", position}}).status, 200);
    EXPECT_EQ(central_.get(person + "/orders/1", {{"Domicile-Position", "other=1:0/1, " + position}}).status,
              200);
    EXPECT_EQ(central_.get(person + "/orders/1", {{"Domicile-Position", "eu-1=garbage"}}).status, 200)
        << "what cannot be read asks for the writer";
    // Through the same gateway nobody needs to carry anything.
    ASSERT_EQ(central_.post(person + "/orders", R"({"order_no":2})").status, 201);
    HttpClient other_connection(address("eu-central-1"));
    EXPECT_EQ(other_connection.get(person + "/orders/2").status, 200);

    // A repeated request counts as a write, and a gateway that starts anew trusts no reader that is behind.
    ASSERT_EQ(west_.post(person + "/orders", R"({"order_no":3})", {{"Idempotency-Key", "again"}}).status,
              201);
    ASSERT_EQ(central_.post(person + "/orders", R"({"order_no":3})", {{"Idempotency-Key", "again"}}).status,
              201);
    EXPECT_EQ(central_.get(person + "/orders/3").status, 200);
    std::ifstream pid_file(fleet->state().pid("gateway.eu-central-1"));
    int gateway = 0;
    pid_file >> gateway;
    ASSERT_GT(gateway, 1);
    ::kill(gateway, SIGKILL);
    HttpClient after(address("eu-central-1"));
    ASSERT_TRUE(eventually([&] { return after.get("/readyz").status == 200; }));
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(after.get(person + "/orders/1").status, 200) << "older than what the gateway had carried";
    }
    // Nor does it while the writer hangs: an error, never an old row.
    const auto patched = after.patch(person + "/orders/1", R"({"note":"new"})");
    ASSERT_EQ(patched.status, 200);
    std::ifstream postmaster_file(fleet->state().data("eu-1.eu-west-1.w") / "postmaster.pid");
    int postmaster = 0;
    postmaster_file >> postmaster;
    ASSERT_GT(postmaster, 1);
    ::kill(postmaster, SIGKILL);
    for (int i = 0; i < 50; ++i) {
        const auto read = after.get(person + "/orders/1");
        EXPECT_TRUE(read.status != 200 || json_member(read.body, "note") == "new") << read.body;
    }

    ASSERT_TRUE(reader.run("SELECT pg_wal_replay_resume()", std::chrono::seconds{5}));
    EXPECT_TRUE(eventually([&] { return after.get(person + "/orders/1").status == 200; }));
    EXPECT_TRUE(
        eventually([&] { return after.post(person + "/orders", R"({"order_no":9})").status == 201; }));
    EXPECT_TRUE(eventually([&] { return west_.get("/readyz").status == 200; }));
}

TEST_F(Door, ReadsGoOnWhenTheWriterHangsAndWritesFailInBoundedTime) {
    const std::string person = new_person();
    ASSERT_TRUE(eventually([&] { return central_.get(person).status == 200; }));
    const auto pid_of = [&](std::string_view node) {
        auto client = fleet->connect(node, "postgres");
        const auto found = client.run("SELECT pg_backend_pid()", std::chrono::seconds{5});
        EXPECT_TRUE(found);
        std::ifstream file(fleet->state().data(node) / "postmaster.pid");
        int pid = 0;
        file >> pid;
        return pid;
    };
    // What was written through another gateway may be a moment away here.
    ASSERT_TRUE(eventually([&] { return central_.get(person).status == 200; }));
    // Stop the postmaster and every backend: a hung machine, not a dead one.
    const int postmaster = pid_of("eu-1.eu-west-1.w");
    std::vector<int> processes = {postmaster};
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        std::ifstream stat(entry.path() / "stat");
        std::string name;
        std::string state;
        int pid = 0;
        int parent = 0;
        if (stat >> pid >> name >> state >> parent && parent == postmaster) {
            processes.push_back(pid);
        }
    }
    for (const int pid : processes) {
        ::kill(pid, SIGSTOP);
    }
    const auto began = std::chrono::steady_clock::now();
    EXPECT_TRUE(eventually([&] { return json_member(central_.get("/readyz").body, "ready") == "false"; }));
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{4})
        << "noticed by the probe's deadline";
    EXPECT_EQ(central_.get(person).status, 200) << "the reader serves";
    const auto write = central_.post(person + "/orders", R"({"order_no":1})");
    EXPECT_EQ(write.status, 503) << write.body;
    EXPECT_EQ(write.header("Retry-After"), "1");
    for (const int pid : processes) {
        ::kill(pid, SIGCONT);
    }
    EXPECT_TRUE(
        eventually([&] { return central_.post(person + "/orders", R"({"order_no":2})").status == 201; }));
}

TEST_F(Door, ServesNothingWhileItsMapHasNoLease) {
    const std::string person = new_person();
    auto owner = fleet->connect("eu-1.eu-west-1.w", "domicile_owner");
    // As if another gateway's epoch were in force already: a range has been given away.
    ASSERT_TRUE(owner.run("UPDATE domicile.shard SET ranges = '0-500'", std::chrono::seconds{5}));
    EXPECT_TRUE(eventually([&] { return json_member(west_.get("/readyz").body, "ready") == "false"; }));
    // The reader serves until it has replayed it.
    EXPECT_TRUE(eventually([&] { return west_.get(person).status == 503; }));
    EXPECT_EQ(west_.post(person + "/orders", R"({"order_no":1})").status, 503);
    EXPECT_TRUE(eventually([&] { return central_.get(person).status == 503; })) << "the reader holds it, too";
    EXPECT_EQ(west_.get("/v1/users/1500").status, 451) << "what needs no database goes on";
    ASSERT_TRUE(owner.run("UPDATE domicile.shard SET ranges = '0-1000'", std::chrono::seconds{5}));
    EXPECT_TRUE(eventually([&] { return west_.get(person).status == 200; })) << "and it comes back by itself";
    EXPECT_TRUE(eventually([&] { return central_.get(person).status == 200; }));
}

TEST_F(Door, SurvivesTheDeathOfANode) {
    const std::string person = new_person();
    std::ifstream file(fleet->state().data("eu-1.eu-west-1.w") / "postmaster.pid");
    int pid = 0;
    file >> pid;
    ASSERT_GT(pid, 1);
    ::kill(pid, SIGKILL);
    // The supervisor starts it again; until then answers are clear, never wrong, and acknowledged rows are
    // there after.
    std::set<int> statuses;
    int acknowledged = 0;
    EXPECT_TRUE(eventually(
        [&] {
            const auto answer =
                west_.post(person + "/orders", R"({"order_no":)" + std::to_string(acknowledged) + "}");
            statuses.insert(answer.status);
            acknowledged += answer.status == 201 || answer.status == 409 ? 1 : 0;
            return acknowledged == 20;
        },
        std::chrono::seconds{40}));
    for (const int status : statuses) {
        EXPECT_TRUE(status == 201 || status == 409 || status == 503 || status == 502) << status;
    }
    const auto rows = west_.get(person + "/orders?select=order_no");
    EXPECT_EQ(boost::json::parse(rows.body).at("rows").as_array().size(), 20U);
}

TEST_F(Door, KeepsConnectionsPipelinesAndLimits) {
    HttpClient client(address("eu-west-1"));
    std::string burst;
    for (int i = 0; i < 50; ++i) {
        burst += "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    }
    ASSERT_TRUE(client.send(burst));
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(client.receive().status, 200);
    }
    const auto large = client.post("/v1/users", "{\"name\":\"" + std::string(2U << 20U, 'x') + "\"}");
    EXPECT_EQ(large.status, 413);
    EXPECT_EQ(client.get("/v1/users/1", {{"X-Pad", std::string(20'000, 'x')}}).status, 431);
    EXPECT_EQ(client.get("/v1/users/" + std::string(5'000, '1')).status, 431);
    EXPECT_EQ(client.get("/nowhere").status, 404);
    EXPECT_EQ(client.request("OPTIONS", "/v1/users").header("Allow"), "POST");
    ASSERT_TRUE(client.send("GET /healthz HTTP/1.0\r\n\r\n"));
    EXPECT_EQ(client.receive().header("Connection"), "close");
    // Expect: 100-continue is answered before the body is sent.
    HttpClient waiting(address("eu-west-1"));
    ASSERT_TRUE(
        waiting.send("POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     "Expect: 100-continue\r\nContent-Length: 16\r\n\r\n"));
    EXPECT_EQ(waiting.receive(true).status, 100);
    ASSERT_TRUE(waiting.send("{\"country\":\"DE\"}"));
    EXPECT_EQ(waiting.receive().status, 201);
}

TEST_F(Door, DescribesItselfAndItsMetrics) {
    const auto document = boost::json::parse(west_.get("/openapi.json").body).as_object();
    EXPECT_EQ(document.at("openapi").as_string(), "3.1.0");
    const auto& paths = document.at("paths").as_object();
    for (const std::string_view path : {"/v1/users", "/v1/users/{id}", "/v1/users/{id}/home",
                                        "/v1/users/{id}/orders", "/v1/users/{id}/orders/{key}"}) {
        EXPECT_TRUE(paths.contains(path)) << path;
    }
    const auto& order = document.at("components").at("schemas").at("orders").as_object();
    EXPECT_EQ(order.at("properties").at("total").at("format").as_string(), "decimal");

    EXPECT_EQ(west_.get("/v1/users/1500").status, 451);
    const auto metrics = west_.get("/metrics");
    EXPECT_TRUE(metrics.header("Content-Type").starts_with("application/openmetrics-text"));
    std::set<std::string> names;
    std::size_t at = 0;
    while ((at = metrics.body.find("# TYPE ", at)) != std::string::npos) {
        at += 7;
        names.insert(metrics.body.substr(at, metrics.body.find(' ', at) - at));
    }
    // The golden list: a name that changes breaks dashboards, so it changes here first.
    const std::set<std::string> golden = {"domicile_gateway_cpu_milliseconds",
                                          "domicile_gateway_resident_bytes",
                                          "domicile_http_connections",
                                          "domicile_http_request_seconds",
                                          "domicile_http_requests",
                                          "domicile_http_schema_loaded",
                                          "domicile_map_epoch",
                                          "domicile_node_up",
                                          "domicile_node_writer",
                                          "domicile_pool_busy_connections",
                                          "domicile_pool_connect_failures",
                                          "domicile_pool_connects",
                                          "domicile_pool_discarded",
                                          "domicile_pool_leases",
                                          "domicile_pool_open_connections",
                                          "domicile_pool_rejected",
                                          "domicile_pool_waits",
                                          "domicile_refusals",
                                          "domicile_replica_lag_bytes",
                                          "domicile_replica_lag_milliseconds",
                                          "domicile_sql_cancels",
                                          "domicile_sql_clients",
                                          "domicile_sql_distributed",
                                          "domicile_sql_gathered",
                                          "domicile_sql_login_failures",
                                          "domicile_sql_logins",
                                          "domicile_sql_statements"};
    // The worker's stand beside them, once it has written them.
    std::erase_if(names, [](const std::string& name) {
        return std::ranges::any_of(
            std::initializer_list<std::string_view>{
                "domicile_figures_", "domicile_outbox_", "domicile_relay_", "domicile_rights_",
                "domicile_queue_", "domicile_documents_", "domicile_dispatch_", "domicile_worker_",
                "domicile_alarms_", "domicile_notices_"},
            [&](std::string_view of_worker) { return name.starts_with(of_worker); });
    });
    EXPECT_EQ(names, golden);
    EXPECT_NE(metrics.body.find("domicile_refusals_total{rule=\"residency/home-by-id\"}"), std::string::npos);
    EXPECT_TRUE(metrics.body.ends_with("# EOF\n"));
}

TEST_F(Door, FollowsASchemaThatChanges) {
    const std::string person = new_person();
    auto writer = fleet->connect("eu-1.eu-west-1.w", "postgres");
    ASSERT_EQ(west_.post(person + "/orders", R"({"order_no":1})").status, 201);
    ASSERT_TRUE(writer.run("ALTER TABLE orders ADD COLUMN added text", std::chrono::seconds{5}));
    // A plan made for the old columns is refused once, then everything is read anew.
    EXPECT_TRUE(eventually(
        [&] {
            static_cast<void>(west_.get(person + "/orders/1"));
            return west_.patch(person + "/orders/1", R"({"added":"x"})").status == 200;
        },
        std::chrono::seconds{70}));
    ASSERT_TRUE(writer.run("ALTER TABLE orders DROP COLUMN added", std::chrono::seconds{5}));
    EXPECT_TRUE(eventually([&] {
        const auto read = west_.get(person + "/orders/1");
        return read.status == 200 && json_member(read.body, "added").empty();
    }));
}

TEST_F(Door, CutsAClientThatSendsTooSlowly) {
    slow.join();
    EXPECT_GT(slow_client_lived, std::chrono::seconds{9});
    EXPECT_LT(slow_client_lived, std::chrono::seconds{13})
        << "one deadline for the whole request, not one for each byte";
    EXPECT_NE(uk_.get("/metrics").body.find("domicile_refusals_total{rule=\"limits/slow-client\"}"),
              std::string::npos);
}

TEST_F(Door, LogsNoPersonalData) {
    ASSERT_EQ(west_.post("/v1/users", R"({"country":"DE","name":"Canary-N4me","email":"canary@example.org"})")
                  .status,
              201);
    static_cast<void>(
        west_.post("/v1/users", R"({"country":"DE","email":"canary@example.org","name":"Canary-N4me"})"));
    static_cast<void>(west_.post("/v1/users", R"({"country":"DE","name":"Canary-N4me and far too long"})"));
    static_cast<void>(west_.get("/v1/users/5/orders?note=eq.Canary-N4me&order_no=eq.Canary-N4me"));
    for (const auto& entry : std::filesystem::recursive_directory_iterator(fleet->state().logs())) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string text((std::istreambuf_iterator<char>(file)), {});
        EXPECT_EQ(text.find("Canary-N4me"), std::string::npos) << entry.path();
        EXPECT_EQ(text.find("canary@"), std::string::npos) << entry.path();
    }
}

}  // namespace
}  // namespace domicile

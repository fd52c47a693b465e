// What committed rows tell: exactly once into central's figures, whatever the queue does; and never so that a
// figure, or the difference of two, is made of fewer people than declared.

#include "events/consumer.hpp"
#include "events/lambda.hpp"
#include "events/read_figures.hpp"
#include "fleet/context.hpp"
#include "support/queue_conformance.hpp"
#include "support/temp_fleet.hpp"

#include <algorithm>
#include <deque>
#include <iostream>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace domicile {
namespace {

using namespace std::chrono_literals;
using events::Applied;
using pool::MaintenanceClient;
using test_support::TempFleet;

constexpr int persons_min = 3;

std::string counting_topology() {
    return test_support::small_topology() + R"toml(
audit = ["insert", "update", "delete"]
personal.note = { erase = "null" }

[statistics.sales]
table = "orders"
by = ["kind"]
time = "ordered_at"
bucket = "day"
sums = ["amount"]
persons_min = 3
rest_s = 0
)toml";
}

std::map<std::string, std::string> counting_migrations() {
    return {{"0001_small.sql", R"sql(
CREATE TABLE users (user_id bigint PRIMARY KEY, country text NOT NULL, name text);
CREATE TABLE orders (
    user_id bigint NOT NULL,
    order_no integer NOT NULL,
    kind text,
    ordered_at timestamptz NOT NULL DEFAULT '2024-05-06 12:00Z',
    amount numeric(12, 3) NOT NULL DEFAULT 1,
    note text,
    PRIMARY KEY (user_id, order_no)
);
)sql"}};
}

/// A queue in memory that gives messages twice, late and in any order, and forgets some that it has given.
class UnrulyQueue final : public cloud::Queue {
  public:
    explicit UnrulyQueue(std::mt19937_64& random) : random_(random) {}
    base::Status send(std::span<const cloud::Outgoing> messages) override {
        for (const auto& message : messages) {
            const int copies = static_cast<int>(random_() % 3);  // none: lost, and sent again some time
            for (int i = 0; i < copies; ++i) {
                bodies_.push_back(message.body);
            }
        }
        return {};
    }
    base::Result<std::vector<cloud::Message>> receive(std::size_t most, std::chrono::seconds,
                                                      std::chrono::seconds) override {
        std::vector<cloud::Message> some;
        std::ranges::shuffle(bodies_, random_);
        for (std::size_t i = 0; i < std::min(most, bodies_.size()); ++i) {
            some.push_back({std::to_string(i), "", bodies_[i], bodies_[i], 1});
        }
        return some;
    }
    base::Status remove(std::span<const cloud::Message> messages) override {
        for (const auto& message : messages) {
            if (random_() % 4 != 0) {  // else it comes again
                std::erase(bodies_, message.body);
            }
        }
        return {};
    }
    base::Status hide(const cloud::Message&, std::chrono::seconds) override { return {}; }
    base::Result<cloud::QueueDepth> depth() override { return cloud::QueueDepth{}; }
    base::Result<std::uint64_t> redrive() override { return 0; }

  private:
    std::mt19937_64& random_;
    std::vector<std::string> bodies_;
};

class Events : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        fleet_ = new TempFleet(DOMICILE_STAND_IN_GATEWAY, counting_topology(), counting_migrations());
        const auto up = fleet_->start();
        ASSERT_TRUE(up) << base::describe(up.error());
    }
    static void TearDownTestSuite() {
        delete fleet_;
        fleet_ = nullptr;
    }
    void SetUp() override {
        for (auto* client : {&eu_, &uk_}) {
            run(*client, "DELETE FROM orders");
            run(*client,
                "TRUNCATE domicile.outbox, domicile.cells, domicile.measures, domicile.contributors, "
                "domicile.batches, domicile.documents; UPDATE domicile.batch_state SET made = 0, confirmed = "
                "0, "
                "events = 0, documents = 0");
        }
        run(central_, "TRUNCATE domicile.figures, domicile.watermarks, domicile.queue");
    }
    static MaintenanceClient on(std::string_view node, std::string_view role) {
        return fleet_->connect(node, role);
    }
    static std::vector<pool::ResultSet> run(MaintenanceClient& client, std::string_view script) {
        auto done = client.run(script, 20s);
        EXPECT_TRUE(done) << script << "\n" << base::describe(done.error()) << " " << done.error().detail;
        return done ? std::move(*done) : std::vector<pool::ResultSet>();
    }
    static std::string value(MaintenanceClient& client, std::string_view statement) {
        return fleet::single_value(client, statement).value().value_or("null");
    }
    static events::Connect opens(std::string node, std::string_view role) {
        return [node = std::move(node), role]() -> base::Result<MaintenanceClient> { return on(node, role); };
    }
    static std::vector<std::pair<std::string, events::Connect>> shards() {
        return {{"eu-1", opens("eu-1.eu-west-1.w", fleet::roles::worker)},
                {"uk-1", opens("uk-1.eu-west-2.w", fleet::roles::worker)}};
    }
    /// Batches until nothing is left.
    void drain() {
        while (value(relay_, "SELECT events + batch FROM domicile.make_batch(1000)") != "0") {
        }
    }
    /// What a shard's own books say against its rows: empty if they agree.
    static std::string misses(MaintenanceClient& shard) {
        return value(shard, R"sql(
            WITH rows AS (
                SELECT jsonb_build_array(kind, to_char(ordered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')) AS cell, count(*) AS n,
                       sum(amount) AS total, count(DISTINCT user_id) AS people FROM orders GROUP BY 1),
            told AS (
                SELECT cell, sum(value) FILTER (WHERE measure = 'count') AS n, sum(value) FILTER (WHERE measure = 'sum.amount') AS total,
                       (SELECT count(*) FROM domicile.contributors AS c WHERE c.cell = m.cell AND c.events <> 0) AS people
                FROM domicile.measures AS m GROUP BY 1)
            SELECT coalesce(string_agg(coalesce(r.cell, t.cell)::text, ' '), '') FROM rows AS r FULL JOIN told AS t USING (cell)
            WHERE (coalesce(r.n, 0), coalesce(r.total, 0), coalesce(r.people, 0)) <> (coalesce(t.n, 0), coalesce(t.total, 0), coalesce(t.people, 0)))sql");
    }

    static inline TempFleet* fleet_ = nullptr;
    MaintenanceClient eu_ = on("eu-1.eu-west-1.w", fleet::roles::owner);
    MaintenanceClient relay_ = on("eu-1.eu-west-1.w", fleet::roles::worker);
    MaintenanceClient uk_ = on("uk-1.eu-west-2.w", fleet::roles::owner);
    MaintenanceClient central_ = on("central", fleet::roles::owner);
};

TEST_F(Events, EveryWayOfChangingARowIsTold) {
    const char* const steps[] = {
        "INSERT INTO orders (user_id, order_no, kind, amount) SELECT u, 1, 'a', u * 1.5 FROM "
        "generate_series(1, 9) AS u",
        "INSERT INTO orders (user_id, order_no, kind) VALUES (1, 1, 'b') ON CONFLICT DO NOTHING",
        "INSERT INTO orders (user_id, order_no, kind) VALUES (1, 1, 'b'), (10, 1, NULL) ON CONFLICT "
        "(user_id, order_no) DO UPDATE "
        "SET kind = excluded.kind, amount = orders.amount + 1",
        "UPDATE orders SET amount = amount - 0.125 WHERE user_id < 5",
        "UPDATE orders SET note = 'nothing that counts'",
        "UPDATE orders SET ordered_at = ordered_at + interval '1 day' WHERE user_id IN (2, 3)",
        "UPDATE orders SET user_id = 11 WHERE user_id = 9",
        "BEGIN; INSERT INTO orders VALUES (12, 1, 'a'); SAVEPOINT s; INSERT INTO orders VALUES (13, 1, 'a'); "
        "ROLLBACK TO s; COMMIT",
        "BEGIN; INSERT INTO orders VALUES (14, 1, 'a'); ROLLBACK",
        "MERGE INTO orders AS o USING (VALUES (1, 5.0), (15, 6.0)) AS v (u, a) ON o.user_id = v.u WHEN "
        "MATCHED THEN UPDATE SET "
        "amount = v.a WHEN NOT MATCHED THEN INSERT (user_id, order_no, kind, amount) VALUES (v.u, 1, 'm', "
        "v.a)",
        "WITH gone AS (DELETE FROM orders WHERE user_id = 4 RETURNING *) INSERT INTO orders SELECT user_id, "
        "7, 'c', ordered_at, "
        "amount, note FROM gone",
        "DELETE FROM orders WHERE user_id > 10",
    };
    for (const char* step : steps) {
        run(eu_, step);
        drain();
        EXPECT_EQ(misses(eu_), "") << step;
    }
    ASSERT_TRUE(eu_.copy_begin("COPY orders (user_id, order_no, kind) FROM STDIN", 5s));
    ASSERT_TRUE(eu_.copy_data("20\t1\tcopied\n21\t1\tcopied\n", 5s));
    ASSERT_EQ(eu_.copy_end(5s).value(), 2U);
    drain();
    EXPECT_EQ(misses(eu_), "");
    EXPECT_FALSE(eu_.run("TRUNCATE orders", 5s)) << "rows that leave without a word";
    // Documents: one number each, without a gap.
    EXPECT_EQ(value(eu_, "SELECT (count(*) = max(number) AND min(number) = 1)::text FROM domicile.documents"),
              "true");
}

TEST_F(Events, NobodyTellsOfRowsThatAreNotThere) {
    auto client = on("eu-1.eu-west-1.w", fleet::roles::gateway);
    EXPECT_FALSE(client.run(
        "INSERT INTO domicile.outbox (table_name, op, sign, audited, user_id, body) VALUES ('orders', 'I', "
        "1, false, 1, '{}')",
        5s));
    EXPECT_FALSE(client.run("DELETE FROM domicile.outbox", 5s));
    EXPECT_FALSE(client.run("SELECT domicile.make_batch(1)", 5s));
    auto worker = on("eu-1.eu-west-1.w", fleet::roles::worker);
    EXPECT_FALSE(worker.run("SELECT * FROM orders", 5s)) << "a worker has no business with rows";
    auto figures = on("central", fleet::roles::figures);
    for (const char* statement :
         {"SELECT * FROM domicile.queue", "SELECT domicile.apply_batch('eu-1', 1, '[]')",
          "DELETE FROM domicile.figures", "SELECT * FROM domicile.queue_receive('figures', 1, '1 s', 5)"}) {
        EXPECT_FALSE(figures.run(statement, 5s)) << statement;
    }
}

TEST_F(Events, WaitsForTransactionsThatMayStillTell) {
    auto other = on("eu-1.eu-west-1.w", fleet::roles::owner);
    run(other, "BEGIN; INSERT INTO orders VALUES (1, 1, 'first')");
    run(eu_, "INSERT INTO orders VALUES (2, 1, 'second')");
    EXPECT_EQ(value(relay_, "SELECT events FROM domicile.make_batch(1000)"), "0")
        << "an older transaction is still open";
    run(other, "COMMIT");
    EXPECT_EQ(value(relay_, "SELECT events FROM domicile.make_batch(1000)"), "2");
    EXPECT_EQ(misses(eu_), "");
}

TEST_F(Events, CountsOnceWhateverTheQueueDoes) {
    const std::uint64_t seed = std::random_device{}();
    std::cout << "    seed " << seed << "\n";
    std::mt19937_64 random(seed);
    UnrulyQueue queue(random);
    base::Metrics metrics;
    events::ConsumerMetrics consumer_metrics(metrics);
    events::Consumer consumer(fleet_->topology(), queue, opens("central", fleet::roles::worker),
                              consumer_metrics);
    auto central = on("central", fleet::roles::worker);
    const char* const kinds[] = {"a", "b", "c"};
    for (int step = 0; step < 250; ++step) {
        const bool in_eu = random() % 2 == 0;
        auto& shard = in_eu ? eu_ : uk_;
        const auto user = (in_eu ? 0 : 1000) + random() % 12;
        const auto order = std::to_string(random() % 4);
        const std::string who = std::to_string(user);
        switch (random() % 4) {
            case 0:
            case 1:
                run(shard, "INSERT INTO orders (user_id, order_no, kind, amount) VALUES (" + who + ", " +
                               order + ", '" + kinds[random() % 3] + "', " + std::to_string(random() % 1000) +
                               ".5) ON CONFLICT (user_id, order_no) DO UPDATE SET amount = excluded.amount, "
                               "kind = excluded.kind");
                break;
            case 2: run(shard, "UPDATE orders SET amount = amount + 1.25 WHERE order_no = " + order); break;
            default: run(shard, "DELETE FROM orders WHERE user_id = " + who + " AND order_no = " + order);
        }
        if (random() % 3 == 0) {
            // A relay that starts anew each time, as after a crash: it sends again what is not confirmed.
            for (const auto& [name, connect] : shards()) {
                events::RelayMetrics relay_metrics(metrics, name);
                events::Relay relay(
                    name, connect, queue, [&] { return events::read_watermarks(central); }, relay_metrics);
                auto client = connect();
                ASSERT_TRUE(relay.round(*client));
            }
        }
        if (random() % 3 == 0) {
            ASSERT_TRUE(consumer.round(central, 0s));
        }
    }
    // It ends well once the queue gives everything in some order some time.
    const auto books = [&] { return events::compare(fleet_->topology(), central, shards()); };
    ASSERT_TRUE(test_support::eventually(
        [&] {
            std::uint64_t made = 0;
            std::uint64_t applied = 0;
            for (const auto& [name, connect] : shards()) {
                events::RelayMetrics relay_metrics(metrics, name);
                events::Relay relay(
                    name, connect, queue, [&] { return events::read_watermarks(central); }, relay_metrics);
                auto client = connect();
                EXPECT_TRUE(relay.round(*client));
                made += std::stoull(value(*client, "SELECT made FROM domicile.batch_state"));
            }
            EXPECT_TRUE(consumer.round(central, 0s));
            const auto known = events::read_watermarks(central);
            for (const auto& [shard, mark] : *known) {
                applied += mark;
            }
            return made == applied && made > 0;
        },
        60s));
    const auto compared = books();
    ASSERT_TRUE(compared) << base::describe(compared.error());
    EXPECT_TRUE(compared->differences.empty());
    EXPECT_GT(compared->figures, 0U);
    EXPECT_EQ(misses(eu_), "");
    EXPECT_EQ(misses(uk_), "");
    EXPECT_GT(consumer_metrics.duplicates.value() + consumer_metrics.early.value(), 0U)
        << "the queue was not unruly";
    // And a comparison finds what is wrong.
    run(central_, "UPDATE domicile.figures SET value = value + 1 WHERE measure = 'count'");
    EXPECT_FALSE(books()->differences.empty());
}

// The attacker sees every figure that ever leaves, and every change of it. None is made of fewer than
// persons_min people: neither what a cell says, nor the difference between two states of it. Totals are sums
// of such cells, so that they add nothing.
TEST_F(Events, AnObserverLearnsNothingOfFewPeople) {
    const std::uint64_t seed = std::random_device{}();
    std::cout << "    seed " << seed << "\n";
    std::mt19937_64 random(seed);
    using PerPerson = std::map<std::string, std::string>;  // user: what they add to the cell
    std::map<std::string, PerPerson> last;                 // cell: as it was when it last left
    std::size_t releases = 0;
    std::size_t withdrawals = 0;
    const auto state_of = [&](const std::string& cell) {
        PerPerson people;
        const auto found =
            run(eu_,
                "SELECT user_id, count(*) || ':' || sum(amount) FROM orders "
                "WHERE jsonb_build_array(kind, to_char(ordered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')) = '" +
                    cell + "' GROUP BY 1");
        for (const auto& row : found.at(0).rows) {
            people[*row[0]] = *row[1];
        }
        return people;
    };
    for (int step = 0; step < 300; ++step) {
        const std::string who = std::to_string(random() % 9);
        const std::string order = std::to_string(random() % 2);
        if (random() % 3 != 0) {
            run(eu_, "INSERT INTO orders (user_id, order_no, kind, amount) VALUES (" + who + ", " + order +
                         ", '" + std::string(1, static_cast<char>('a' + random() % 2)) + "', " +
                         std::to_string(random() % 100) +
                         ") ON CONFLICT (user_id, order_no) DO UPDATE SET amount = excluded.amount, kind = "
                         "excluded.kind");
        } else {
            run(eu_, "DELETE FROM orders WHERE user_id = " + who +
                         (random() % 4 == 0 ? " OR user_id % 2 = 0" : ""));
        }
        if (random() % 4 == 0) {
            continue;
        }
        const auto batch = value(relay_, "SELECT batch FROM domicile.make_batch(1000)");
        if (batch == "0") {
            continue;
        }
        const auto left =
            run(eu_,
                "SELECT DISTINCT c -> 1, (SELECT coalesce(sum(m.released), 0) FROM domicile.measures AS m "
                "WHERE m.cell = c -> 1 AND m.measure = 'count') FROM domicile.batches, "
                "jsonb_array_elements(figures) AS c WHERE n = " +
                    batch);
        for (const auto& row : left.at(0).rows) {
            const std::string& cell = *row[0];
            if (*row[1] == "0") {
                ++withdrawals;  // an observer learns that it has become small, and remembers what it was
                continue;
            }
            ++releases;
            auto now = state_of(cell);
            EXPECT_EQ(*row[1],
                      value(eu_, "SELECT value FROM domicile.measures WHERE measure = 'count' AND cell = '" +
                                     cell + "'"));
            EXPECT_GE(now.size(), static_cast<std::size_t>(persons_min)) << cell << " step " << step;
            std::set<std::string> changed;
            for (const auto& [user, rows] : now) {
                const auto& before = last[cell];
                const auto found = before.find(user);
                if (found == before.end() || found->second != rows) {
                    changed.insert(user);
                }
            }
            for (const auto& [user, rows] : last[cell]) {
                if (!now.contains(user)) {
                    changed.insert(user);
                }
            }
            EXPECT_GE(changed.size(), static_cast<std::size_t>(persons_min)) << cell << " step " << step;
            last[cell] = std::move(now);
        }
    }
    EXPECT_GT(releases, 20U);
    EXPECT_GT(withdrawals, 0U);
    std::cout << "    " << releases << " releases, " << withdrawals << " withdrawals\n";
}

TEST_F(Events, PoisonIsSetAsideAndLosesNothing) {
    events::PostgresQueue queue("figures", opens("central", fleet::roles::worker));
    base::Metrics metrics;
    events::ConsumerMetrics consumer_metrics(metrics);
    events::Consumer consumer(fleet_->topology(), queue, opens("central", fleet::roles::worker),
                              consumer_metrics);
    auto central = on("central", fleet::roles::worker);
    const char* const poisons[] = {
        "not json",
        "{}",
        R"({"shard":"eu-1","batch":1,"figures":[["sales",["a"],{"count":"5"}]]})",  // a dimension is missing
        R"({"shard":"eu-1","batch":1,"figures":[["sales",["a","2024-05-06"],{"name":"5"}]]})",     // no such
                                                                                                   // measure
        R"({"shard":"eu-1","batch":1,"figures":[["sales",["a","2024-05-06"],{"count":"Ada"}]]})",  // a text
        R"({"shard":"us-9","batch":1,"figures":[["sales",["a","2024-05-06"],{"count":"5"}]]})",
        R"({"shard":"eu-1","batch":0,"figures":[["sales",["a","2024-05-06"],{"count":"5"}]]})",
    };
    int number = 0;
    for (const char* poison : poisons) {
        ASSERT_TRUE(
            queue.send(std::vector<cloud::Outgoing>{{"eu-1", "poison-" + std::to_string(number++), poison}}));
    }
    ASSERT_TRUE(queue.send(std::vector<cloud::Outgoing>{
        {"uk-1", "uk-1-1",
         R"({"shard":"uk-1","batch":1,"figures":[["sales",["a","2024-05-06"],{"count":"5","sum.amount":"7.5"}]]})"}}));
    ASSERT_TRUE(test_support::eventually([&] {
        EXPECT_TRUE(consumer.round(central, 0s));
        return queue.depth().value().dead == std::size(poisons);
    }));
    EXPECT_EQ(queue.depth().value().waiting, 0U);
    EXPECT_EQ(value(central, "SELECT sum(value) FROM domicile.figures WHERE measure = 'count'"), "5")
        << "others go on";
    EXPECT_EQ(queue.redrive().value(), std::size(poisons));
    EXPECT_EQ(queue.depth().value().waiting, std::size(poisons));
}

TEST_F(Events, QueueOfPostgresql) {
    test_support::queue_conformance([&] {
        run(central_, "TRUNCATE domicile.queue");
        return std::make_unique<events::PostgresQueue>("conformance", opens("central", fleet::roles::worker));
    });
}

TEST_F(Events, GivesBackWhatAGroupCannotApplyYet) {
    const auto record = [](const char* id, const char* group, const char* body) {
        return std::string(R"({"messageId":")") + id +
               R"(","receiptHandle":"r","attributes":{"MessageGroupId":")" + group +
               R"("},"eventSource":"aws:sqs","body":")" + body + "\"}";
    };
    std::vector<std::string> seen;
    const auto apply = [&](std::string_view body) -> base::Result<Applied> {
        seen.emplace_back(body);
        if (body == "down") {
            return base::fail(base::Code::node_unavailable, "Nobody answers.");
        }
        return body == "early" ? Applied::early : body == "again" ? Applied::before : Applied::now;
    };
    const std::string event = "{\"Records\":[" + record("1", "a", "good") + "," + record("2", "a", "down") +
                              "," + record("3", "b", "again") + "," + record("4", "a", "never asked") + "," +
                              record("5", "c", "early") + "]}";
    EXPECT_EQ(events::answer_event(event, apply).value(),
              R"({"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"4"}]})");
    EXPECT_EQ(seen, (std::vector<std::string>{"good", "down", "again", "early"}));
    EXPECT_EQ(events::answer_event("{\"Records\":[]}", apply).value(), R"({"batchItemFailures":[]})");
    for (const char* bad :
         {"", "[]", "{}", "{\"Records\":1}", "{\"Records\":[{}]}", "{\"Records\":[\"x\"]}"}) {
        EXPECT_FALSE(events::answer_event(bad, apply)) << bad;
    }
}

TEST_F(Events, AFigureKeepsItsMeaning) {
    auto changed = fleet_->topology();
    changed.statistics[0].sums.clear();
    const fleet::Options options = fleet_->options();
    const auto text = fleet_->connect("eu-1.eu-west-1.w", fleet::roles::owner)
                          .run("SELECT definition FROM domicile.metrics", 5s);
    EXPECT_EQ(*text->at(0).rows.at(0).at(0), "table=orders by=kind sums=amount time=ordered_at/day");
}

}  // namespace
}  // namespace domicile

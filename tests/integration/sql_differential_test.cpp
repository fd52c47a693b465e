// Thousands of generated statements through the SQL door over two shards and on one plain PostgreSQL that
// holds all rows: the same answer, or a refusal; never a wrong one. The seed is printed and may be given as
// DOMICILE_SEED; DOMICILE_STATEMENTS says how many.

#include "support/sql_client.hpp"
#include "support/temp_fleet.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace domicile {
namespace {

using test_support::SqlClient;
using test_support::SqlResult;
using test_support::TempFleet;

constexpr std::string_view topology_text = R"toml(
name = "shop"
[database]
name = "shop"
migrations = "schema"
superuser_login = true
[jurisdictions.eu]
rest_of_world = true
[regions.eu-west-1]
jurisdiction = "eu"
writer = true
http = "127.0.0.1:@PORT@"
sql = "127.0.0.1:@PORT@"
[shards.eu-1]
ranges = [[0, 50]]
writer = "eu-west-1"
[shards.eu-2]
ranges = [[50, 100]]
writer = "eu-west-1"
[embedded]
first_port = @FIRST@
durable = false
[tables.users]
key = "user_id"
person = true
[tables.orders]
key = "user_id"
[tables.countries]
reference = true
)toml";

constexpr std::string_view tables = R"sql(
CREATE TABLE users (user_id bigint PRIMARY KEY, country text, age int, score numeric(8,2), joined date, vip boolean);
CREATE TABLE orders (user_id bigint NOT NULL, order_no int NOT NULL, total numeric(10,2), note text,
                     PRIMARY KEY (user_id, order_no));
CREATE TABLE countries (code text PRIMARY KEY, title text);
)sql";

class Generator {
  public:
    explicit Generator(std::uint64_t seed) : random_(seed) {}

    std::string statement() {
        const bool join = chance(35);
        const bool group = chance(35);
        std::string from = "users u";
        if (join) {
            from += pick({" JOIN orders o ON o.user_id = u.user_id",
                          " LEFT JOIN orders o ON u.user_id = o.user_id", " JOIN orders o USING (user_id)",
                          " JOIN countries c ON c.code = u.country",
                          " LEFT JOIN countries c ON c.code = u.country", ", orders o",
                          " RIGHT JOIN orders o ON o.user_id = u.user_id AND o.order_no > 1"});
        }
        const bool orders = from.find(" o ") != std::string::npos || from.ends_with(" o") ||
                            from.find("orders o") != std::string::npos;
        std::string where = chance(80) ? " WHERE " + predicate(2, orders) : "";
        if (from.ends_with(", orders o")) {
            where += where.empty() ? " WHERE u.user_id = o.user_id" : " AND u.user_id = o.user_id";
        }
        std::string sql;
        if (group) {
            const std::string key = pick({"u.country", "u.vip", "u.age % 3", "u.user_id", "u.joined"});
            const std::string aggregate =
                pick({"count(*)", "sum(u.age)", "avg(u.age)", "min(u.score)", "max(u.joined)", "sum(u.score)",
                      "avg(u.score)", "bool_and(u.vip)", "bool_or(u.vip)", "count(u.age)",
                      "count(DISTINCT u.user_id)", "sum(u.age) FILTER (WHERE u.vip)", "max(u.country)"});
            const bool keyed = chance(70);
            sql = "SELECT " + (keyed ? key + ", " : "") + aggregate + " FROM " + from + where;
            if (keyed) {
                sql += " GROUP BY " + key;
                if (chance(30)) {
                    sql += " HAVING count(*) > " + number(3);
                }
                sql += " ORDER BY 1" + direction() + (chance(40) ? " LIMIT " + number(5) : "");
            }
            return sql;
        }
        const std::string columns =
            pick({"u.user_id", "u.user_id, u.country", "u.age, u.user_id", "u.score, u.vip",
                  "DISTINCT u.country", "DISTINCT u.user_id, u.age", "u.joined, u.user_id"});
        sql = "SELECT " + columns + " FROM " + from + where;
        const bool distinct = columns.starts_with("DISTINCT");
        if (chance(60)) {
            sql += " ORDER BY 1" + direction();
            if (!distinct) {
                // All columns and a key, so that the order is the only one.
                sql += ", u.user_id" + direction() + (orders ? ", o.user_id, o.order_no" + direction() : "");
            } else if (columns.find(',') != std::string::npos) {
                sql += ", 2";
            }
            if (chance(50)) {
                sql += " LIMIT " + number(12) + (chance(50) ? " OFFSET " + number(6) : "");
            }
        }
        return sql;
    }

  private:
    std::uint64_t below(std::uint64_t limit) {
        return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(random_);
    }
    bool chance(unsigned percent) { return below(100) < percent; }
    std::string number(std::uint64_t limit) { return std::to_string(below(limit)); }
    std::string pick(std::initializer_list<const char*> list) { return *(list.begin() + below(list.size())); }
    std::string direction() { return pick({"", " ASC", " DESC", " NULLS FIRST", " DESC NULLS LAST"}); }

    std::string key_predicate() {
        const std::string key = "u.user_id";
        switch (below(9)) {
            case 0: return key + " = " + number(100);
            case 1: return number(100) + pick({" <= ", " < ", " = ", " >= "}) + key;
            case 2: return key + " IN (" + number(100) + ", " + number(100) + ", " + number(100) + ")";
            case 3: return key + " BETWEEN " + number(60) + " AND " + number(100);
            case 4: return key + pick({" < ", " <= ", " > ", " >= "}) + number(100);
            case 5: return "NOT " + key + " = " + number(100);
            case 6: return key + " <> " + number(100);
            case 7: return key + " NOT IN (" + number(100) + ", " + number(100) + ")";
            default: return key + " = ANY ('{" + number(100) + "," + number(100) + "}')";
        }
    }
    std::string other_predicate(bool orders) {
        switch (below(orders ? 8 : 6)) {
            case 0: return "u.age > " + number(60);
            case 1: return "u.country = " + pick({"'DE'", "'FR'", "'AT'"});
            case 2: return "u.vip";
            case 3: return "u.score IS NULL";
            case 4:
                return "EXISTS (SELECT 1 FROM orders x WHERE x.user_id = u.user_id AND x.total > " +
                       number(90) + ")";
            case 5:
                return "u.user_id IN (SELECT x.user_id FROM orders x WHERE x.order_no = " + number(4) + ")";
            case 6: return "o.total < " + number(90);
            default: return "o.order_no = " + number(4);
        }
    }
    std::string predicate(int depth, bool orders) {
        if (depth == 0 || chance(40)) {
            return chance(60) ? key_predicate() : other_predicate(orders);
        }
        const std::string a = predicate(depth - 1, orders);
        const std::string b = predicate(depth - 1, orders);
        return pick({"(", "NOT (", "("}) + a + pick({" AND ", " OR ", " AND "}) + b + ")";
    }

    std::mt19937_64 random_;
};

TEST(SqlDifferential, GivesTheSameRowsAsOnePostgresqlOrRefuses) {
    TempFleet fleet(DOMICILE_BINARY, topology_text, {{"0001_shop.sql", std::string(tables)}});
    const auto started = fleet.start();
    ASSERT_TRUE(started) << base::describe(started.error());
    const auto& topology = fleet.topology();
    const auto port = std::to_string(topology.regions[0].sql.port);
    const auto password = fleet.secret("eu", "login/app");
    SqlClient door("host=127.0.0.1 port=" + port + " user=app password=" + password + " dbname=shop");
    ASSERT_TRUE(door.connected()) << door.error();
    // The plain one: a schema of its own on the first node, reached directly.
    const auto& node = fleet.node("eu-1.eu-west-1.w");
    const auto super = fleet.secrets().login("eu", "postgres")->password.reveal();
    SqlClient plain("host=127.0.0.1 port=" + std::to_string(node.address.port) +
                    " user=postgres password=" + super + " dbname=shop");
    ASSERT_TRUE(plain.connected()) << plain.error();
    ASSERT_TRUE(plain.run("CREATE SCHEMA plain; SET search_path = plain; " + std::string(tables)).good);

    const char* given = std::getenv("DOMICILE_SEED");
    const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    const char* wanted = std::getenv("DOMICILE_STATEMENTS");
    const int statements = wanted != nullptr ? std::atoi(wanted) : 3'000;
    RecordProperty("seed", std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto both = [&](const std::string& sql) {
        const auto through = door.run(sql);
        ASSERT_TRUE(through.good) << sql << ": " << through.message;
        ASSERT_TRUE(plain.run(sql).good) << sql;
    };
    for (int i = 0; i < 60; ++i) {
        const auto user = std::to_string(i * 100 / 60);
        const auto null_or = [&](const std::string& value) { return random() % 6 == 0 ? "NULL" : value; };
        both("INSERT INTO users (user_id, country, age, score, joined, vip) VALUES (" + user + ", " +
             null_or("'" + std::string(std::array{"DE", "FR", "AT", "de"}[random() % 4]) + "'") + ", " +
             null_or(std::to_string(random() % 60)) + ", " + null_or(std::to_string(random() % 100) + ".25") +
             ", " + null_or("'2024-0" + std::to_string(1 + random() % 9) + "-11'") + ", " +
             null_or(random() % 2 == 0 ? "true" : "false") + ")");
        for (std::uint64_t order = 0; order < random() % 4; ++order) {
            both("INSERT INTO orders (user_id, order_no, total) VALUES (" + user + ", " +
                 std::to_string(order) + ", " + null_or(std::to_string(random() % 99)) + ")");
        }
    }
    both("INSERT INTO countries VALUES ('DE', 'Germany'), ('FR', 'France'), ('XX', 'Nowhere')");

    Generator generator(seed);
    int answered = 0;
    std::map<std::string, int> refused;
    for (int i = 0; i < statements; ++i) {
        const std::string sql = generator.statement();
        SqlResult expected = plain.run(sql);
        SqlResult actual = i % 2 == 0 ? door.run(sql) : door.run(sql, {});
        if (!actual.good) {
            // What the door refuses by design: what cannot be merged, and ids in no range.
            ASSERT_TRUE(actual.sqlstate == "0A000" || actual.sqlstate == "22003" || !expected.good)
                << "seed " << seed << "\n"
                << sql << "\n"
                << actual.sqlstate << " " << actual.message;
            ASSERT_FALSE(actual.sqlstate == "0A000" && actual.hint.empty()) << sql;
            ++refused[actual.message];
            continue;
        }
        ASSERT_TRUE(expected.good) << "seed " << seed << "\n" << sql << "\n" << expected.message;
        if (sql.find("ORDER BY") == std::string::npos || sql.find("GROUP BY") != std::string::npos) {
            // Groups are sorted by their key alone, which is one of a kind; other rows have no order.
            if (sql.find("LIMIT") == std::string::npos) {
                std::ranges::sort(expected.rows);
                std::ranges::sort(actual.rows);
            }
        }
        ASSERT_EQ(actual.text(), expected.text()) << "seed " << seed << "\n" << sql;
        ++answered;
    }
    for (const auto& [why, times] : refused) {
        std::printf("  refused %4d  %s\n", times, why.c_str());
    }
    std::printf("  seed %llu: %d answered alike, %d refused\n", static_cast<unsigned long long>(seed),
                answered, statements - answered);
    EXPECT_GT(answered, statements * 3 / 4) << "a refusal must stay the exception";
}

}  // namespace
}  // namespace domicile

#pragma once
// The fleet that the tests of the SQL door share: two jurisdictions, two shards in one of them, a reader; a
// few people on each shard.

#include "support/sql_client.hpp"
#include "support/temp_fleet.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace domicile {

using test_support::eventually;
using test_support::SqlClient;
using test_support::SqlResult;
using test_support::TempFleet;

inline constexpr std::string_view shop_topology = R"toml(
name = "shop"
[database]
name = "shop"
migrations = "schema"
[jurisdictions.eu]
countries = ["DE", "FR"]
[jurisdictions.uk]
rest_of_world = true
[regions.eu-west-1]
jurisdiction = "eu"
writer = true
http = "127.0.0.1:@PORT@"
sql = "127.0.0.1:@PORT@"
[regions.eu-west-2]
jurisdiction = "uk"
writer = true
http = "127.0.0.1:@PORT@"
sql = "127.0.0.1:@PORT@"
[shards.eu-1]
ranges = [[0, 1_000]]
writer = "eu-west-1"
readers = ["eu-west-1"]
[shards.eu-2]
ranges = [[1_000, 2_000]]
writer = "eu-west-1"
[shards.uk-1]
ranges = [[5_000, 6_000]]
writer = "eu-west-2"
[embedded]
first_port = @FIRST@
durable = false
[tables.users]
key = "user_id"
person = true
country = "country"
personal.name = { erase = "null" }
[tables.orders]
key = "user_id"
[tables.countries]
reference = true
[tables.settings]
shard = "eu-2"
)toml";

inline const std::map<std::string, std::string> shop_migrations = {{"0001_shop.sql", R"sql(
CREATE TABLE users (user_id bigint PRIMARY KEY, country text NOT NULL DEFAULT 'DE', name text, age int);
CREATE TABLE orders (user_id bigint NOT NULL, order_no int NOT NULL, total numeric(10,2) NOT NULL DEFAULT 0,
                     note text, PRIMARY KEY (user_id, order_no));
CREATE TABLE countries (code text PRIMARY KEY, title text);
CREATE TABLE settings (name text PRIMARY KEY, value text);
)sql"}};

class SqlDoor : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        fleet = new TempFleet(DOMICILE_BINARY, shop_topology, shop_migrations);
        const auto started = fleet->start();
        ASSERT_TRUE(started) << base::describe(started.error());
        SqlClient client(options());
        ASSERT_TRUE(client.connected()) << client.error();
        for (const int user : {1, 2, 3, 999, 1000, 1001, 1500, 1999}) {
            const auto id = std::to_string(user);
            ASSERT_TRUE(client
                            .run("INSERT INTO users (user_id, name, age) VALUES (" + id + ", 'p" + id +
                                 "', " + std::to_string(user % 50) + ")")
                            .good);
            for (int order = 1; order <= 3; ++order) {
                ASSERT_TRUE(client
                                .run("INSERT INTO orders (user_id, order_no, total) VALUES ($1, $2, $3)",
                                     {id, std::to_string(order), std::to_string(user + order) + ".50"})
                                .good);
            }
        }
        // Other sessions may read from a reader: it must have all this.
        ASSERT_TRUE(eventually([&] {
            std::string writer;
            std::string reader = "none";
            for (const auto& row : client.run("SHOW domicile.nodes").rows) {
                if (row.at(1) == "eu-1") {
                    (row.at(3) == "writer" ? writer : reader) = row.at(6);
                }
            }
            auto other = fleet->connect("eu-1.eu-west-1.r1", "postgres");
            const auto count = other.run("SELECT count(*) FROM orders", std::chrono::seconds{5});
            return writer == reader && count && count->front().rows[0][0] == "12";
        }));
    }
    static void TearDownTestSuite() {
        delete fleet;
        fleet = nullptr;
    }
    static std::string options(std::string_view login = "app", std::string_view region = "eu-west-1") {
        const auto& topology = fleet->topology();
        const auto& at = topology.at(*topology.region(region));
        const auto& jurisdiction = topology.at(at.jurisdiction).name;
        const auto password = fleet->secret(jurisdiction, "login/" + std::string(login));
        return "host=127.0.0.1 port=" + std::to_string(at.sql.port) + " user=" + std::string(login) +
               " password=" + password + " dbname=shop connect_timeout=5";
    }
    inline static TempFleet* fleet = nullptr;
    SqlClient client_{options()};
};

}  // namespace domicile

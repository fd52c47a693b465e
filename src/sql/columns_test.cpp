// Which personal columns a statement may read: email and name of users, address of invoices.

#include "sql/facts_text.hpp"

namespace domicile::sql {
namespace {

using testing::one;
using testing::shop;

/// "users.email users.name".
std::string personal_of(const Statement& statement) {
    std::string text;
    for (const auto& use : statement.facts->tables) {
        for (const auto& column : use.personal) {
            text += (text.empty() ? "" : " ") + use.name + "." + column;
        }
    }
    return text;
}

struct Case {
    std::string_view text;
    std::string_view personal;
};

TEST(Columns, ThatAreRead) {
    constexpr std::string_view both = "users.email users.name";
    constexpr Case cases[] = {
        {"SELECT user_id, country FROM users WHERE user_id = 1", ""},
        {"SELECT email FROM users WHERE user_id = 1", "users.email"},
        {"SELECT EMAIL FROM users WHERE user_id = 1", "users.email"},
        {"SELECT \"email\" FROM users WHERE user_id = 1", "users.email"},
        {"SELECT user_id FROM users WHERE email = 'x' AND user_id = 1", "users.email"},
        {"SELECT user_id FROM users WHERE user_id = 1 ORDER BY name", "users.name"},
        {"SELECT count(*) FROM users", ""},
        {"SELECT count(email) FROM users", "users.email"},
        {"SELECT 2 * 3 FROM users WHERE user_id = 1", ""},
        {"SELECT x FROM users AS u (a, b, x) WHERE a = 1", both},
        {"SELECT 1 FROM users AS u (a)", both},
        {"SELECT x FROM users AS u (a, b, x) TABLESAMPLE bernoulli (1)", both},
        {"SELECT j.x FROM (users u JOIN countries c ON true) AS j (a, b, x)", both},
        {"SELECT 1 FROM countries k, LATERAL (SELECT x FROM users AS u (a, x)) s", both},
        {"MERGE INTO invoices i USING users AS u (a, x) ON i.user_id = a WHEN MATCHED THEN DO NOTHING", both},
        {"SELECT g.i FROM generate_series(1, 3) AS g (i), users WHERE user_id = 1", ""},
        {"SELECT 'email' FROM users WHERE user_id = 1", ""},
        {"SELECT $$ email $$ FROM users /* email */ WHERE user_id = 1 -- email", ""},
        {"SELECT * FROM users WHERE user_id = 1", both},
        {"SELECT users.* FROM users WHERE user_id = 1", both},
        {"SELECT u.* FROM users u WHERE user_id = 1", both},
        {"TABLE users", both},
        {"SELECT u FROM users u WHERE user_id = 1", both},
        {"SELECT row_to_json(u) FROM users u WHERE user_id = 1", both},
        {"SELECT users::text FROM users WHERE user_id = 1", both},
        {"SELECT (u).email FROM users u WHERE user_id = 1", both},
        {"SELECT s FROM (SELECT user_id FROM users) s", both},
        {"SELECT s.x FROM (SELECT user_id AS x FROM users) s", ""},
        {"SELECT * FROM (SELECT user_id FROM users WHERE user_id = 1) s", both},
        {"WITH c AS (SELECT email FROM users WHERE user_id = 1) SELECT 1 FROM c", "users.email"},
        {"SELECT U&\"\\0065mail\" FROM users WHERE user_id = 1", both},
        {"SELECT i.total FROM users u JOIN invoices i USING (user_id) WHERE user_id = 1", ""},
        {"SELECT i.* FROM users u JOIN invoices i USING (user_id) WHERE user_id = 1", "invoices.address"},
        {"SELECT i.address, u.country FROM users u JOIN invoices i USING (user_id) WHERE user_id = 1",
         "invoices.address"},
        {"SELECT 1 FROM users NATURAL JOIN invoices WHERE user_id = 1",
         "users.email users.name invoices.address"},
        {"SELECT c.name FROM users u, countries c WHERE user_id = 1", ""},
        {"SELECT c . name FROM users u, countries c WHERE user_id = 1", ""},
        {"SELECT name FROM users u, countries c WHERE user_id = 1", "users.name"},
        {"INSERT INTO users (user_id, email) VALUES (1, 'x')", ""},
        {"INSERT INTO users (user_id, email) VALUES (1, 'x') RETURNING user_id", ""},
        {"INSERT INTO users (user_id, email) VALUES (1, 'x') RETURNING email", "users.email"},
        {"INSERT INTO users (user_id, email) VALUES (1, 'x') RETURNING *", both},
        {"INSERT INTO users (user_id, email) VALUES (1, 'x') ON CONFLICT (user_id) DO UPDATE SET email = "
         "excluded.email",
         "users.email"},
        {"UPDATE users SET email = 'x' WHERE user_id = 1", ""},
        {"UPDATE users SET email = lower(email) WHERE user_id = 1", "users.email"},
        {"UPDATE users SET (email, name) = ('x', 'y') WHERE user_id = 1", ""},
        {"DELETE FROM users WHERE user_id = 1", ""},
        {"DELETE FROM users WHERE user_id = 1 AND name LIKE 'a%'", "users.name"},
        {"COPY users TO STDOUT", both},
        {"COPY users (user_id, email) TO STDOUT", "users.email"},
        {"COPY users (user_id, email) FROM STDIN", ""},
        {"COPY (SELECT name FROM users WHERE user_id = 1) TO STDOUT", "users.name"},
        {"EXPLAIN SELECT name FROM users WHERE user_id = 1", "users.name"},
        {"DECLARE c CURSOR FOR SELECT name FROM users WHERE user_id = 1", "users.name"},
        {"SELECT total FROM invoices WHERE user_id = 1", ""},
    };
    Analyser analyser(shop());
    for (const Case& each : cases) {
        EXPECT_EQ(personal_of(one(analyser, each.text)), each.personal) << each.text;
    }
}

}  // namespace
}  // namespace domicile::sql

// Which keys a statement proves equal, and which of its conditions hold for all tables of a group.

#include "sql/facts_text.hpp"

namespace domicile::sql {
namespace {

using testing::groups_of;
using testing::one;
using testing::shop;

struct Case {
    std::string_view text;
    std::string_view groups;
};

void expect_all(std::span<const Case> cases) {
    Analyser analyser(shop());
    for (const Case& each : cases) {
        EXPECT_EQ(groups_of(one(analyser, each.text)), each.groups) << each.text;
    }
}

TEST(Groups, JoinByKey) {
    constexpr Case cases[] = {
        {"SELECT * FROM users u JOIN invoices i ON u.user_id = i.user_id WHERE u.user_id = 7",
         "users invoices: =7"},
        {"SELECT * FROM users u JOIN invoices i ON i.user_id = u.user_id AND i.user_id = 7",
         "users invoices: =7"},
        {"SELECT * FROM users JOIN invoices USING (user_id) WHERE user_id = 7", "users invoices: =7"},
        {"SELECT * FROM users NATURAL JOIN invoices WHERE user_id = 7", "users invoices: =7"},
        {"SELECT * FROM users, invoices WHERE users.user_id = invoices.user_id AND users.user_id < 7",
         "users invoices: <7"},
        {"SELECT * FROM users u, invoices i, lines l WHERE u.user_id = i.user_id AND l.user_id = i.user_id",
         "users invoices lines: ?"},
        {"SELECT * FROM users u JOIN visits v ON v.visitor = u.user_id WHERE visitor = 3",
         "users visits: =3"},
        {"SELECT * FROM users u, visits v WHERE user_id = 3 AND visitor = 4", "users: =3 | visits: =4"},
        {"SELECT * FROM users NATURAL JOIN visits", "users: ? | visits: ?"},
        {"SELECT * FROM users a, users b WHERE a.user_id = 1 AND b.user_id = 2", "users: =1 | users: =2"},
        {"SELECT * FROM users a JOIN users b ON a.name = b.name", "users: ? | users: ?"},
        {"SELECT * FROM users a JOIN users b ON a.user_id = b.user_id OR a.name = b.name",
         "users: ? | users: ?"},
        {"SELECT * FROM users a JOIN users b ON NOT a.user_id = b.user_id", "users: ? | users: ?"},
        {"SELECT * FROM users a JOIN users b ON a.user_id = b.user_id + 1", "users: ? | users: ?"},
        {"SELECT * FROM (users JOIN invoices USING (user_id)) JOIN lines USING (user_id) WHERE user_id = 1",
         "users invoices lines: =1"},
        {"SELECT * FROM (users u JOIN invoices i USING (user_id)) AS j JOIN lines l ON l.user_id = j.user_id "
         "WHERE j.user_id = 1",
         "users invoices lines: =1"},
        {"SELECT * FROM users CROSS JOIN countries WHERE user_id = 1", "users: =1"},
        {"SELECT * FROM countries JOIN users USING (user_id) WHERE user_id = 1", "users: =1"},
        {"SELECT * FROM countries LEFT JOIN users USING (user_id) WHERE user_id = 1", "users: ?"},
        {"SELECT * FROM countries NATURAL LEFT JOIN users WHERE user_id = 1", "users: ?"},
        {"SELECT * FROM users NATURAL LEFT JOIN countries WHERE user_id = 1", "users: =1"},
        {"SELECT * FROM users u JOIN invoices i ON u.user_id = i.user_id WHERE u.user_id = 7 OR i.user_id = "
         "8",
         "users invoices: or(=7 =8)"},
        {"SELECT * FROM users u, visits v WHERE user_id = 7 OR visitor = 8", "users: ? | visits: ?"},
        {"SELECT * FROM users u, visits v WHERE (user_id = 7 AND visitor = 8) OR (user_id = 9 AND visitor = "
         "9)",
         "users: or(=7 =9) | visits: or(=8 =9)"},
    };
    expect_all(cases);
}

TEST(Groups, OfOuterJoinsAreRestrictedByWhatHoldsForAll) {
    constexpr Case cases[] = {
        {"SELECT * FROM users u LEFT JOIN invoices i ON u.user_id = i.user_id WHERE u.user_id = 7",
         "users invoices: =7"},
        {"SELECT * FROM users u LEFT JOIN invoices i ON u.user_id = i.user_id AND i.user_id = 7",
         "users invoices: ?"},
        {"SELECT * FROM users u LEFT JOIN invoices i ON u.user_id = i.user_id AND u.user_id = 7",
         "users invoices: ?"},
        {"SELECT * FROM users u LEFT JOIN invoices i ON u.user_id = i.user_id WHERE i.user_id IS NULL",
         "users invoices: ?"},
        {"SELECT * FROM users u LEFT JOIN invoices i ON u.user_id = i.user_id WHERE i.user_id IS NOT "
         "DISTINCT FROM $1",
         "users invoices: ?"},
        {"SELECT * FROM users u LEFT JOIN invoices i ON u.user_id = i.user_id WHERE i.user_id = 4",
         "users invoices: =4"},
        {"SELECT * FROM users u LEFT JOIN invoices i ON i.user_id = 7 WHERE u.user_id = 5",
         "users: =5 | invoices: =7"},
        {"SELECT * FROM users u LEFT JOIN invoices i ON u.user_id = 7", "users: ? | invoices: ?"},
        {"SELECT * FROM invoices i RIGHT JOIN users u ON u.user_id = i.user_id AND u.user_id = 3",
         "invoices users: ?"},
        {"SELECT * FROM users u FULL JOIN invoices i ON u.user_id = i.user_id AND u.user_id = 3",
         "users invoices: ?"},
        {"SELECT * FROM users FULL JOIN invoices USING (user_id) WHERE user_id = 3", "users invoices: =3"},
        {"SELECT * FROM users u LEFT JOIN (invoices i JOIN lines l ON i.user_id = l.user_id AND l.user_id = "
         "5) "
         "ON u.user_id = i.user_id",
         "users invoices lines: ?"},
        {"SELECT * FROM users u LEFT JOIN (invoices i JOIN lines l ON i.user_id = l.user_id AND l.user_id = "
         "5) "
         "ON u.name = i.name",
         "users: ? | invoices lines: =5"},
        {"SELECT * FROM users u LEFT JOIN (SELECT user_id FROM invoices WHERE user_id = 5) i ON u.user_id = "
         "i.user_id",
         "users invoices: ?"},
        // The rows of a and d are not equated by what decides only whether b is beside them.
        {"SELECT * FROM users a CROSS JOIN users d LEFT JOIN lines b ON b.user_id = a.user_id AND b.user_id "
         "= d.user_id",
         "users lines: ? | users: ?"},
        {"SELECT * FROM users a CROSS JOIN users d LEFT JOIN lines b ON a.user_id = d.user_id",
         "users: ? | users: ? | lines: ?"},
        {"SELECT * FROM (users a CROSS JOIN users d) FULL JOIN lines b ON b.user_id = a.user_id "
         "AND b.user_id = d.user_id",
         "users lines: ? | users: ?"},
        {"SELECT * FROM users a CROSS JOIN users d LEFT JOIN lines b ON b.user_id = a.user_id "
         "WHERE b.user_id = d.user_id",
         "users users lines: ?"},
    };
    expect_all(cases);
}

TEST(Groups, OfSubSelectsAreTiedByCorrelation) {
    constexpr Case cases[] = {
        {"SELECT * FROM users u WHERE EXISTS (SELECT 1 FROM invoices i WHERE i.user_id = u.user_id) AND "
         "user_id = 2",
         "users invoices: =2"},
        {"SELECT * FROM users u WHERE NOT EXISTS (SELECT 1 FROM invoices i WHERE i.user_id = u.user_id "
         "AND i.user_id = 5)",
         "users invoices: ?"},
        {"SELECT (SELECT count(*) FROM invoices i WHERE i.user_id = u.user_id) FROM users u WHERE u.user_id "
         "= 2",
         "users invoices: =2"},
        {"SELECT * FROM users WHERE user_id IN (SELECT user_id FROM invoices)", "users invoices: ?"},
        {"SELECT * FROM users WHERE user_id NOT IN (SELECT user_id FROM invoices WHERE user_id = 3) AND "
         "user_id < 9",
         "users invoices: <9"},
        {"SELECT * FROM users WHERE user_id = ANY (SELECT user_id FROM invoices)", "users invoices: ?"},
        {"SELECT * FROM users WHERE user_id < ANY (SELECT user_id FROM invoices)", "users: ? | invoices: ?"},
        {"SELECT * FROM users WHERE user_id IN (SELECT user_id FROM invoices LIMIT 5)",
         "users: ? | invoices: ?"},
        {"SELECT * FROM users WHERE user_id IN (SELECT max(user_id) FROM invoices)",
         "users: ? | invoices: ?"},
        {"SELECT * FROM users WHERE user_id IN (SELECT user_id FROM invoices UNION SELECT user_id FROM "
         "lines)",
         "users: ? | invoices: ? | lines: ?"},
        {"SELECT * FROM users WHERE user_id NOT IN (SELECT i.user_id FROM lines LEFT JOIN invoices i USING "
         "(user_id))",
         "users: ? | lines invoices: ?"},
        {"SELECT * FROM users u WHERE u.name IN (SELECT name FROM lines WHERE user_id = 3) AND u.user_id = 3",
         "users: =3 | lines: =3"},
        // Two outer keys are not equal because an inner level compares them.
        {"SELECT * FROM users a, users b WHERE NOT EXISTS (SELECT 1 WHERE a.user_id = b.user_id)",
         "users: ? | users: ?"},
        {"SELECT * FROM users a, users b WHERE NOT EXISTS (SELECT 1 FROM lines c WHERE c.user_id = a.user_id "
         "AND c.user_id = b.user_id)",
         "users lines: ? | users: ?"},
        {"SELECT * FROM (SELECT user_id FROM users) a, (SELECT user_id FROM users) b WHERE NOT EXISTS "
         "(SELECT 1 FROM lines c WHERE c.user_id = a.user_id AND c.user_id = b.user_id)",
         "users lines: ? | users: ?"},
        {"SELECT * FROM users a, users b WHERE EXISTS (SELECT 1 FROM lines c WHERE c.user_id = a.user_id "
         "AND c.user_id = b.user_id) AND a.user_id = b.user_id",
         "users users lines: ?"},
        // The inner column shadows the outer one; whether countries has one is not known.
        {"SELECT * FROM users WHERE EXISTS (SELECT 1 FROM lines WHERE user_id = 5) AND user_id = 1",
         "users: =1 | lines: =5"},
        {"SELECT * FROM users u WHERE EXISTS (SELECT 1 FROM countries WHERE user_id = 5)", "users: ?"},
        {"SELECT * FROM users u WHERE EXISTS (SELECT 1 FROM lines u WHERE u.user_id = 5)",
         "users: ? | lines: =5"},
        {"SELECT * FROM users u WHERE EXISTS (SELECT 1 FROM countries u, lines l WHERE u.user_id = "
         "l.user_id)",
         "users: ? | lines: ?"},
        {"SELECT * FROM users u WHERE EXISTS (SELECT 1 FROM visits v WHERE v.visitor = user_id)",
         "users: ? | visits: ?"},
        {"DELETE FROM lines l WHERE EXISTS (SELECT 1 FROM users u WHERE u.user_id = l.user_id AND u.name = "
         "'x') "
         "AND l.user_id IN (1,2)",
         "lines users: in(1 2)"},
    };
    expect_all(cases);
}

TEST(Groups, PassThroughDerivedTables) {
    constexpr Case cases[] = {
        {"SELECT * FROM (SELECT user_id AS k, name FROM users WHERE user_id < 9) s WHERE s.k = 3",
         "users: and(<9 =3)"},
        {"SELECT * FROM (SELECT * FROM users) s WHERE s.user_id = 3", "users: =3"},
        {"SELECT * FROM (SELECT u.* FROM users u, countries c) s WHERE user_id = 3", "users: =3"},
        {"SELECT * FROM (SELECT * FROM users) s (a, b) WHERE a = 3", "users: ?"},
        {"SELECT * FROM (SELECT user_id, name FROM users) s (a, b) WHERE a = 3", "users: =3"},
        {"SELECT * FROM (SELECT name, user_id FROM users) s (user_id, b) WHERE user_id = 3", "users: ?"},
        {"SELECT * FROM (SELECT name AS user_id FROM users) s WHERE user_id = 3", "users: ?"},
        {"SELECT * FROM (SELECT user_id + 1 AS user_id FROM users) s WHERE user_id = 3", "users: ?"},
        {"SELECT * FROM (SELECT user_id::text FROM users) s WHERE user_id = '3'", "users: ?"},
        {"SELECT * FROM users u (a, user_id) WHERE user_id = 3", "users: ?"},
        {"SELECT * FROM (SELECT user_id, count(*) FROM lines GROUP BY user_id) s JOIN users u USING "
         "(user_id) "
         "WHERE user_id = 1",
         "lines users: =1"},
        {"SELECT * FROM (SELECT user_id, count(*) FROM lines GROUP BY 1) s JOIN users u USING (user_id) "
         "WHERE user_id = 1",
         "lines users: =1"},
        {"SELECT * FROM (SELECT user_id, count(*) FROM lines GROUP BY name, user_id HAVING count(*) > 1) s, "
         "users u "
         "WHERE s.user_id = u.user_id",
         "lines users: ?"},
        {"SELECT * FROM (SELECT max(user_id) AS user_id FROM lines) s JOIN users u USING (user_id) WHERE "
         "user_id = 1",
         "lines: ? | users: ?"},
        {"SELECT * FROM (SELECT user_id FROM lines GROUP BY ROLLUP (user_id)) s JOIN users u USING (user_id)",
         "lines: ? | users: ?"},
        {"SELECT * FROM (SELECT DISTINCT user_id FROM lines) s JOIN users u USING (user_id)",
         "lines users: ?"},
        {"SELECT * FROM (SELECT DISTINCT ON (name) user_id FROM lines) s JOIN users u USING (user_id)",
         "lines: ? | users: ?"},
        {"SELECT * FROM (SELECT user_id, row_number() OVER () FROM lines) s JOIN users u USING (user_id)",
         "lines: ? | users: ?"},
        {"SELECT * FROM (SELECT user_id, row_number() OVER (PARTITION BY user_id ORDER BY name) FROM lines) "
         "s "
         "JOIN users u USING (user_id)",
         "lines users: ?"},
        {"SELECT * FROM (SELECT user_id, rank() OVER w FROM lines WINDOW w AS (PARTITION BY user_id)) s "
         "JOIN users u USING (user_id)",
         "lines users: ?"},
        {"SELECT * FROM (SELECT user_id, rank() OVER (w ORDER BY name) FROM lines WINDOW w AS (PARTITION BY "
         "name)) s "
         "JOIN users u USING (user_id)",
         "lines: ? | users: ?"},
        {"SELECT * FROM (SELECT user_id FROM lines WHERE user_id = 3 LIMIT 5) s JOIN users u USING (user_id) "
         "WHERE u.user_id = 3",
         "lines: =3 | users: =3"},
        {"SELECT * FROM (SELECT user_id FROM lines UNION ALL SELECT user_id FROM visits) s WHERE user_id = 3",
         "lines: ? | visits: ?"},
        {"SELECT * FROM users u, LATERAL (SELECT * FROM lines l WHERE l.user_id = u.user_id LIMIT 3) s "
         "WHERE u.user_id = 3",
         "users lines: =3"},
        {"SELECT * FROM users u LEFT JOIN LATERAL (SELECT count(*) FROM lines l WHERE l.user_id = u.user_id "
         "AND l.user_id = 9) s ON true",
         "users lines: ?"},
        {"SELECT * FROM users u, LATERAL (SELECT count(*) FROM lines l WHERE l.user_id = u.user_id AND "
         "l.user_id = 9) s",
         "users lines: ?"},
        {"SELECT * FROM users u, LATERAL (SELECT 1 FROM lines l WHERE l.user_id = u.user_id AND l.user_id = "
         "9) s",
         "users lines: =9"},
        {"SELECT * FROM users u, (SELECT 1 FROM lines l WHERE l.user_id = u.user_id) s",
         "users: ? | lines: ?"},
        {"SELECT * FROM (SELECT count(*) FROM users WHERE user_id = 2) s", "users: =2"},
        {"SELECT * FROM (SELECT user_id FROM countries c LEFT JOIN users u ON u.country = c.code) s "
         "JOIN lines l ON l.user_id = s.user_id",
         "users: ? | lines: ?"},
    };
    expect_all(cases);
}

TEST(Groups, PassThroughWith) {
    constexpr Case cases[] = {
        {"WITH c AS (SELECT user_id FROM lines WHERE user_id = 5) SELECT * FROM c JOIN users USING (user_id)",
         "lines users: =5"},
        {"WITH c AS (SELECT user_id FROM lines) SELECT * FROM c WHERE user_id = 5", "lines: =5"},
        {"WITH c (k) AS (SELECT user_id FROM lines) SELECT * FROM c x WHERE x.k = 5", "lines: =5"},
        {"WITH c AS (SELECT user_id FROM lines) SELECT * FROM c WHERE user_id = 5 UNION ALL SELECT * FROM c",
         "lines: ?"},
        {"WITH c AS (SELECT user_id FROM lines WHERE user_id = 4) SELECT * FROM c a JOIN c b USING (user_id)",
         "lines: =4"},
        {"WITH c AS (SELECT user_id FROM lines WHERE user_id = 4) SELECT 1", "lines: =4"},
        {"WITH users AS (SELECT 1 AS user_id) SELECT * FROM users WHERE user_id = 5", ""},
        {"WITH users AS (SELECT 1 AS user_id) SELECT * FROM public.users WHERE user_id = 5", "users: =5"},
        {"WITH a AS (SELECT user_id FROM lines), b AS (SELECT user_id FROM a WHERE user_id = 5) "
         "SELECT * FROM b JOIN users USING (user_id)",
         "lines users: =5"},
        {"WITH RECURSIVE t AS (SELECT user_id FROM lines WHERE user_id = 5 UNION ALL SELECT l.user_id FROM "
         "lines l "
         "JOIN t ON l.user_id = t.user_id) SELECT * FROM t",
         "lines: =5 | lines: ?"},
        {"WITH RECURSIVE b AS (SELECT * FROM lines2), lines2 AS (SELECT user_id FROM lines) SELECT * FROM b "
         "WHERE user_id = 3",
         "lines: =3"},
        {"WITH d AS (DELETE FROM lines RETURNING user_id) SELECT * FROM d WHERE user_id = 5", "lines: ?"},
        {"WITH d AS (DELETE FROM lines WHERE user_id = 3 RETURNING user_id) SELECT * FROM users WHERE "
         "user_id = 3",
         "lines: =3 | users: =3"},
        {"SELECT * FROM users u WHERE EXISTS (WITH c AS (SELECT 1 FROM lines l WHERE l.user_id = u.user_id) "
         "SELECT * FROM c)",
         "users lines: ?"},
        {"WITH c AS (SELECT user_id FROM users) SELECT * FROM lines l LEFT JOIN c ON c.user_id = l.user_id "
         "AND c.user_id = 3",
         "lines users: ?"},
    };
    expect_all(cases);
}

TEST(Groups, OfWritesFollowTheirSources) {
    constexpr Case cases[] = {
        {"UPDATE users SET name = i.name FROM invoices i WHERE i.user_id = users.user_id AND users.user_id = "
         "3",
         "users invoices: =3"},
        {"UPDATE users u SET name = (SELECT max(name) FROM lines l WHERE l.user_id = u.user_id) WHERE "
         "user_id = 3",
         "users lines: =3"},
        {"DELETE FROM lines USING invoices i WHERE lines.user_id = i.user_id AND i.user_id < 3",
         "lines invoices: <3"},
        {"INSERT INTO lines (name, user_id) SELECT name, user_id FROM users WHERE user_id = 3",
         "lines users: =3"},
        {"INSERT INTO lines (user_id) SELECT v.visitor FROM visits v JOIN users u ON u.user_id = v.visitor",
         "lines visits users: ?"},
        {"INSERT INTO lines (name, user_id) SELECT name, 8 FROM users WHERE user_id = 3",
         "lines: =8 | users: =3"},
        {"INSERT INTO lines (name, user_id) SELECT name, $1::int FROM countries", "lines: =$1"},
        {"INSERT INTO lines (user_id, name) VALUES (3, (SELECT name FROM users WHERE user_id = 3))",
         "lines: ? | users: =3"},
        {"MERGE INTO users t USING lines s ON t.user_id = s.user_id WHEN MATCHED THEN DELETE",
         "users lines: ?"},
        {"MERGE INTO users t USING lines s ON t.user_id = s.user_id AND t.user_id = 4 WHEN MATCHED THEN "
         "DELETE",
         "users lines: ?"},
        {"MERGE INTO users t USING countries s ON t.country = s.code AND t.user_id = 4 WHEN MATCHED THEN "
         "DELETE",
         "users: =4"},
        {"MERGE INTO users t USING (SELECT 1) s ON t.user_id = 4 WHEN MATCHED THEN DELETE WHEN NOT MATCHED "
         "THEN "
         "INSERT (user_id) VALUES (5)",
         "users: in(4 5)"},
        {"WITH m AS (UPDATE users SET name = 'x' WHERE user_id = 1 RETURNING user_id) DELETE FROM lines "
         "WHERE user_id = 1",
         "users: =1 | lines: =1"},
    };
    expect_all(cases);
}

TEST(Groups, OfMergedRowsNeedTheirKey) {
    Analyser analyser(shop());
    constexpr std::pair<std::string_view, bool> cases[] = {
        {"MERGE INTO users t USING lines s ON t.user_id = s.user_id WHEN NOT MATCHED THEN INSERT (user_id) "
         "VALUES (s.user_id)",
         false},
        {"MERGE INTO users t USING lines s ON t.user_id = s.user_id WHEN NOT MATCHED THEN INSERT (user_id) "
         "VALUES (user_id)",
         false},
        {"MERGE INTO users t USING lines s ON t.user_id = s.user_id WHEN NOT MATCHED THEN INSERT (user_id) "
         "VALUES (5)",
         true},
        {"MERGE INTO users t USING lines s ON t.name = s.name WHEN NOT MATCHED THEN INSERT (user_id) "
         "VALUES (s.user_id)",
         true},
        {"MERGE INTO users t USING countries s ON true WHEN NOT MATCHED THEN INSERT VALUES (1)", true},
        {"MERGE INTO users t USING countries s ON t.name = s.name WHEN NOT MATCHED THEN INSERT (user_id) "
         "VALUES (5)",
         true},
        {"MERGE INTO users t USING countries s ON t.user_id = 5 WHEN NOT MATCHED THEN INSERT (user_id) "
         "VALUES (5)",
         false},
        {"MERGE INTO users t USING countries s ON t.user_id = 5 WHEN NOT MATCHED THEN INSERT DEFAULT VALUES",
         true},
    };
    for (const auto& [text, missing] : cases) {
        EXPECT_EQ(one(analyser, text).facts->key_missing, missing) << text;
    }
}

TEST(Groups, ConcatenateOnlyWhereNoShardNeedsAnother) {
    Analyser analyser(shop());
    constexpr std::pair<std::string_view, bool> cases[] = {
        {"SELECT * FROM users", true},
        {"SELECT * FROM users u JOIN lines l USING (user_id) JOIN countries ON true", true},
        {"SELECT user_id, count(*) FROM lines GROUP BY user_id", true},
        {"SELECT u.name, (SELECT count(*) FROM lines l WHERE l.user_id = u.user_id) FROM users u", true},
        {"SELECT * FROM users u LEFT JOIN lines l USING (user_id)", true},
        {"SELECT * FROM users LEFT JOIN countries ON code = country", true},
        {"SELECT * FROM users ORDER BY name", false},
        {"SELECT * FROM users LIMIT 3", false},
        {"SELECT * FROM users OFFSET 3", false},
        {"SELECT count(*) FROM users", false},
        {"SELECT 1 FROM users HAVING true", false},
        {"SELECT country, count(*) FROM users GROUP BY country", false},
        {"SELECT DISTINCT country FROM users", false},
        {"SELECT DISTINCT user_id FROM lines", true},
        {"SELECT rank() OVER (ORDER BY name) FROM users", false},
        {"SELECT unknown_aggregate(name) FROM users", false},
        {"SELECT * FROM users UNION ALL SELECT * FROM users", false},
        {"SELECT * FROM countries LEFT JOIN users ON code = country", false},
        {"SELECT * FROM users RIGHT JOIN countries ON code = country", false},
        {"SELECT * FROM users FULL JOIN lines USING (user_id)", true},
        {"SELECT * FROM users FULL JOIN countries ON code = country", false},
        {"SELECT * FROM countries WHERE EXISTS (SELECT 1 FROM users WHERE country = code)", false},
        {"SELECT * FROM countries, (SELECT * FROM users LIMIT 1) s", false},
        {"SELECT (SELECT count(u.name)) FROM users u", false},
        {"SELECT * FROM countries", false},
        {"VALUES (1)", false},
        {"SELECT * FROM users a, users b WHERE a.name = b.name", false},
        {"WITH c AS (SELECT * FROM users) SELECT * FROM c", true},
        {"WITH c AS (SELECT * FROM users) SELECT * FROM c a JOIN c b USING (user_id)", false},
    };
    for (const auto& [text, concatenates] : cases) {
        EXPECT_EQ(one(analyser, text).facts->concatenates, concatenates) << text;
    }
}

}  // namespace
}  // namespace domicile::sql

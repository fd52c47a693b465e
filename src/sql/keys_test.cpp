// What single-table predicates and INSERTs say about the key.

#include "sql/facts_text.hpp"

namespace domicile::sql {
namespace {

using testing::groups_of;
using testing::one;
using testing::shop;

struct Case {
    std::string_view where;
    std::string_view predicate;
};

constexpr Case predicates[] = {
    {"user_id = 42", "=42"},
    {"42 = user_id", "=42"},
    {"users.user_id = 42", "=42"},
    {"public.users.user_id = 42", "=42"},
    {"other.users.user_id = 42", "?"},
    {"\"user_id\" = 42", "=42"},
    {"\"USER_ID\" = 42", "?"},
    {"USER_ID = 42", "=42"},
    {"user_id = $7", "=$7"},
    {"user_id = '42'", "=42"},
    {"user_id = -42", "=-42"},
    {"user_id = - 42", "=-42"},
    {"user_id = -(42)", "?"},
    {"user_id = - -42", "?"},
    {"user_id = +42", "=42"},
    {"user_id = -'42'::int", "?"},
    {"user_id = -42::bigint", "=-42"},
    {"user_id = E'42'", "?"},
    {"user_id = $$42$$", "?"},
    {"user_id = 42.0", "?"},
    {"user_id = 42::numeric", "?"},
    {"user_id = 42.4::int", "?"},
    {"user_id = $1::bigint", "=$1"},
    {"user_id = CAST($1 AS integer)", "=$1"},
    {"user_id = '42'::int8", "=42"},
    {"user_id = bigint '42'", "=42"},
    {"user_id = '42'::text::int", "?"},
    {"user_id = $1::int[]", "?"},
    {"user_id = NULL", "none"},
    {"NOT user_id = NULL", "none"},
    {"user_id IS NULL", "none"},
    {"user_id IS NOT NULL", "all"},
    {"NOT user_id IS NULL", "all"},
    {"TRUE", "all"},
    {"FALSE", "none"},
    {"NULL", "none"},
    {"NOT FALSE", "all"},
    {"user_id < 5", "<5"},
    {"user_id <= 5", "<=5"},
    {"user_id > 5", ">5"},
    {"user_id >= 5", ">=5"},  // rivals: taken for = by one of them
    {"5 < user_id", ">5"},
    {"5 >= user_id", "<=5"},
    {"NOT user_id < 5", ">=5"},
    {"user_id <> 5", "not(=5)"},
    {"user_id != 5", "not(=5)"},
    {"NOT user_id <> 5", "=5"},
    {"user_id OPERATOR(pg_catalog.=) 5", "=5"},
    {"user_id OPERATOR(mine.=) 5", "?"},
    {"user_id IN (1, 2, $3)", "in(1 2 $3)"},
    {"user_id IN (7)", "=7"},
    {"user_id IN (1, NULL)", "=1"},
    {"user_id NOT IN (1, 2)", "not(in(1 2))"},
    {"user_id NOT IN (1, NULL)", "none"},
    {"NOT user_id NOT IN (1, 2)", "in(1 2)"},
    {"user_id IN (1, name::int)", "?"},
    {"user_id = ANY($1)", "any$1"},
    {"user_id = ANY($1::bigint[])", "any$1"},
    {"user_id = ANY('{1,2}')", "any{1,2}"},
    {"user_id = ANY('{1,2}'::int[])", "any{1,2}"},
    {"user_id = ANY(ARRAY[1,$2])", "in(1 $2)"},
    {"user_id = ANY(ARRAY[]::int[])", "none"},
    {"user_id = ANY(ARRAY[1,name::int])", "?"},
    {"user_id <> ALL($1)", "not(any$1)"},
    {"user_id = ALL($1)", "?"},
    {"user_id <> ANY($1)", "?"},
    {"user_id = SOME($1)", "any$1"},
    {"user_id BETWEEN 3 AND 9", "and(>=3 <=9)"},
    {"user_id NOT BETWEEN 3 AND 9", "or(<3 >9)"},
    {"user_id BETWEEN SYMMETRIC 9 AND 3", "or(and(>=9 <=3) and(>=3 <=9))"},
    {"user_id NOT BETWEEN SYMMETRIC 9 AND 3", "and(or(<9 >3) or(<3 >9))"},
    {"user_id BETWEEN 3 AND length(name)", ">=3"},
    {"user_id NOT BETWEEN 3 AND length(name)", "?"},
    {"user_id IS NOT DISTINCT FROM 5", "=5"},
    {"user_id IS DISTINCT FROM 5", "?"},
    {"user_id = 1 AND name = 'x'", "=1"},
    {"user_id = 1 OR name = 'x'", "?"},
    {"user_id = 1 OR user_id = 2", "in(1 2)"},
    {"user_id = 1 OR user_id IN (2,3) OR user_id > 9", "or(in(1 2 3) >9)"},
    {"(user_id = 1 OR user_id = 2) AND user_id > 1", "and(in(1 2) >1)"},
    {"NOT (user_id = 1 AND name = 'x')", "?"},
    {"NOT (user_id = 1 OR name = 'x')", "not(=1)"},
    {"NOT (user_id < 1 OR user_id > 9)", "and(>=1 <=9)"},
    {"(user_id = 1) IS TRUE", "?"},
    {"CASE WHEN user_id = 1 THEN true END", "?"},
    {"coalesce(user_id, 1) = 1", "?"},
    {"user_id + 0 = 5", "?"},
    {"user_id::text = '5'", "?"},
    {"user_id = 2 + 3", "?"},
    {"user_id = (SELECT 5)", "?"},
    {"(user_id, name) = (5, 'x')", "?"},
    {"user_id = user_id", "?"},
    {"user_id LIKE '5'", "?"},
    {"user_id = 5 AND user_id = 6", "and(=5 =6)"},
    {"EXISTS (SELECT 1 WHERE user_id = 5)", "?"},
    {"", "?"},
};

TEST(Keys, SayWhatThePredicateSays) {
    Analyser analyser(shop());
    for (const Case& each : predicates) {
        const std::string where = each.where.empty() ? "" : " WHERE " + std::string(each.where);
        const std::string expected = "users: " + std::string(each.predicate);
        EXPECT_EQ(groups_of(one(analyser, "SELECT name FROM users" + where)), expected) << where;
        EXPECT_EQ(groups_of(one(analyser, "UPDATE users SET name = 'y'" + where)), expected) << where;
        EXPECT_EQ(groups_of(one(analyser, "DELETE FROM users" + where)), expected) << where;
        // From the cache, too.
        EXPECT_EQ(groups_of(one(analyser, "SELECT name FROM users" + where)), expected) << where;
    }
}

struct Insert {
    std::string_view text;
    std::string_view keys;  ///< "missing" if it is
};

constexpr Insert inserts[] = {
    {"INSERT INTO users (user_id, name) VALUES (1, 'a')", "1"},
    {"INSERT INTO users (name, user_id) VALUES ('a', 1), ('b', $2), ('c', -3)", "1 $2 -3"},
    {"INSERT INTO users AS u (name, user_id) VALUES ('a', '7'::bigint) RETURNING u.user_id", "7"},
    {"INSERT INTO users (user_id) VALUES (NULL)", "null"},
    {"INSERT INTO users (user_id) VALUES (DEFAULT)", "missing"},
    {"INSERT INTO users (user_id) VALUES (1), (1 + 1)", "missing"},
    {"INSERT INTO users (user_id) VALUES (nextval('s'))", "missing"},
    {"INSERT INTO users (user_id) VALUES ((SELECT 1))", "missing"},
    {"INSERT INTO users (name) VALUES ('a')", "missing"},
    {"INSERT INTO users VALUES (1, 'a')", "missing"},
    {"INSERT INTO users DEFAULT VALUES", "missing"},
    {"INSERT INTO users (user_id) SELECT 5", ""},
    {"INSERT INTO users (user_id) SELECT 5 UNION SELECT 6", "missing"},
    {"INSERT INTO users (user_id) SELECT 1 + 1", "missing"},
    {"INSERT INTO users (user_id) SELECT NULL", "missing"},
    {"INSERT INTO users (name, user_id) SELECT * FROM invoices", "missing"},
    {"INSERT INTO invoices (user_id) SELECT user_id FROM users ORDER BY 1 LIMIT 3", "missing"},
    {"INSERT INTO invoices (user_id) SELECT user_id + 1 FROM users", "missing"},
    {"INSERT INTO invoices (user_id) SELECT i.user_id FROM users u LEFT JOIN invoices i USING (user_id)",
     "missing"},
    {"INSERT INTO invoices (user_id) SELECT user_id FROM users RIGHT JOIN countries USING (user_id)",
     "missing"},
    {"INSERT INTO users (user_id) WITH c AS (SELECT 1) VALUES (1)", "missing"},
    {"INSERT INTO countries VALUES ('DE')", ""},
};

TEST(Keys, OfInsertedRowsAreThoseOfTheirPlace) {
    Analyser analyser(shop());
    for (const Insert& each : inserts) {
        const Statement statement = one(analyser, each.text);
        std::string keys;
        for (const Operand& key : statement.facts->inserted_keys) {
            keys += (keys.empty() ? "" : " ") + testing::text_of(key, statement);
        }
        EXPECT_EQ(statement.facts->key_missing ? "missing" : keys, each.keys) << each.text;
        EXPECT_EQ(statement.facts->kind, Kind::write);
        EXPECT_TRUE(statement.facts->writes);
    }
}

TEST(Keys, OfTwoInsertsAreOnlyGivenIfBothHaveRows) {
    Analyser analyser(shop());
    const auto rows = one(analyser,
                          "WITH a AS (INSERT INTO users (user_id) VALUES (1)) "
                          "INSERT INTO invoices (user_id) VALUES (2)");
    EXPECT_FALSE(rows.facts->key_missing);
    EXPECT_EQ(rows.facts->inserted_keys.size(), 2U);
    const auto mixed = one(analyser,
                           "WITH a AS (INSERT INTO users (user_id) VALUES (1)) "
                           "INSERT INTO invoices (user_id) SELECT user_id FROM users WHERE user_id = 2");
    EXPECT_TRUE(mixed.facts->key_missing);
}

TEST(Keys, ThatChangeAreSeen) {
    Analyser analyser(shop());
    constexpr std::pair<std::string_view, bool> cases[] = {
        {"UPDATE users SET user_id = 5", true},
        {"UPDATE users SET name = 'x'", false},
        {"UPDATE users SET (name, user_id) = ('x', 5)", true},
        {"UPDATE users SET (name, user_id) = (SELECT 'x', 5)", true},
        {"UPDATE visits SET user_id = 5", false},
        {"UPDATE visits SET visitor = 5", true},
        {"UPDATE countries SET user_id = 5", false},
        {"INSERT INTO users (user_id) VALUES (1) ON CONFLICT DO NOTHING", false},
        {"INSERT INTO users (user_id) VALUES (1) ON CONFLICT (user_id) DO UPDATE SET name = excluded.name",
         false},
        {"INSERT INTO users (user_id) VALUES (1) ON CONFLICT (name) DO UPDATE SET user_id = 2", true},
        {"MERGE INTO users u USING countries c ON u.user_id = 5 WHEN MATCHED THEN UPDATE SET user_id = 6",
         true},
    };
    for (const auto& [text, updates] : cases) {
        EXPECT_EQ(one(analyser, text).facts->updates_key, updates) << text;
    }
}

TEST(Keys, OfHugeStatementsAreRightOrRefused) {
    Analyser analyser(shop());
    std::string list = "SELECT 1 FROM users WHERE user_id IN (1000000";
    while (list.size() < 10'000'000) {
        list += ",12345678";
    }
    const auto big = analyser.analyse(list + ")");
    ASSERT_TRUE(big.has_value());
    EXPECT_EQ(big->front().facts->groups[0].predicate[0].operands.size(), big->front().literals.size() - 1);

    const auto chain = [](std::string_view head, std::string_view link, std::size_t count) {
        std::string text(head);
        for (std::size_t i = 0; i < count; ++i) {
            text += link;
        }
        return text;
    };
    const std::string deep[] = {
        chain("SELECT 1", "+1", 100'000),
        chain("SELECT 1 FROM users WHERE user_id = 1", " UNION SELECT 1", 100'000),
        chain("SELECT ", "(", 100'000),
        chain("SELECT ", "- ", 100'000) + " 1",
        chain("SELECT * FROM users WHERE ", "NOT ", 100'000) + "user_id = 1",
        chain("SELECT 1", "::int", 100'000),
        chain("SELECT a", "[1]", 1'000) + chain("", " || 'x'", 100'000),
        chain("SELECT ", "(SELECT ", 5'000) + "1" + chain("", ")", 5'000),
        chain("SELECT * FROM users", " JOIN lines USING (user_id)", 20'000),
        chain("SELECT * FROM users u0", ", users", 20'000),
        chain("SELECT CASE WHEN ", "CASE WHEN ", 4'000),
        chain("SELECT 1 /*", "/*", 100'000),
        chain("SELECT '", "''", 1'000'000),
        chain("SELECT $1", "$", 100'000),
        chain("SELECT $a", "$b", 100'000),
    };
    for (const std::string& text : deep) {
        const auto result = analyser.analyse(text);
        ASSERT_FALSE(result.has_value()) << text.substr(0, 50);
        EXPECT_TRUE(result.error().code == base::Code::statement_too_complex ||
                    result.error().code == base::Code::syntax_error)
            << text.substr(0, 50);
    }
    // Wide is not deep.
    EXPECT_TRUE(analyser.analyse(chain("SELECT a", ".b", 100'000)).has_value());
    EXPECT_TRUE(analyser.analyse(chain("SELECT 1", ", 1", 1'000'000)).has_value());
    const std::string ors = chain("SELECT 1 FROM users WHERE user_id = 0", " OR user_id = 1", 100'000);
    EXPECT_EQ(one(analyser, ors).facts->groups[0].predicate.size(), 1U);
    const std::string ranges = chain("SELECT 1 FROM users WHERE user_id < 0", " OR user_id > 1", 100'000);
    EXPECT_TRUE(one(analyser, ranges).facts->groups[0].predicate.empty()) << "too large to say anything";
    const std::string ands = chain("SELECT 1 FROM users WHERE user_id = 7", " AND user_id > 1", 100'000);
    EXPECT_LE(one(analyser, ands).facts->groups[0].predicate.size(), 1'100U);
}

TEST(Keys, AreFoundInLargeInserts) {
    Analyser analyser(shop());
    std::string text = "INSERT INTO users (name, user_id) VALUES ";
    for (int i = 0; i < 100'000; ++i) {
        text += (i == 0 ? "('x', " : ", ('x', ") + std::to_string(i) + ")";
    }
    const Statement statement = one(analyser, text);
    ASSERT_EQ(statement.facts->inserted_keys.size(), 100'000U);
    EXPECT_EQ(testing::text_of(statement.facts->inserted_keys.back(), statement), "99999");
}

TEST(Keys, StandWhereTheColumnsSayInAnInsertWithoutAList) {
    const auto topology = shop();
    Analyser analyser(topology);
    EXPECT_TRUE(one(analyser, "INSERT INTO users VALUES ('a', 7)").facts->key_missing);
    analyser.know({{"users", 1}});
    const auto known = one(analyser, "INSERT INTO users VALUES ('a', 7)");
    EXPECT_FALSE(known.facts->key_missing) << "and not from the cache";
    ASSERT_EQ(known.facts->inserted_keys.size(), 1U);
    EXPECT_EQ(known.facts->inserted_keys[0].index, 1U);
    EXPECT_TRUE(one(analyser, "INSERT INTO users VALUES ('a')").facts->key_missing) << "too short a row";
    EXPECT_TRUE(one(analyser, "INSERT INTO invoices VALUES (1, 7)").facts->key_missing) << "another table";
}

}  // namespace
}  // namespace domicile::sql

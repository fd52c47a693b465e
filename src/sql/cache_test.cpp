// One shape, many statements: what is remembered must be true of every other text of the same shape.

#include "sql/facts_text.hpp"
#include "sql/plan_cache.hpp"

#include <memory>
#include <random>

namespace domicile::sql {
namespace {

using testing::groups_of;
using testing::one;
using testing::shop;

TEST(Cache, ServesOtherLiteralsOfTheSameShape) {
    Analyser analyser(shop());
    EXPECT_EQ(groups_of(one(analyser, "SELECT name FROM users WHERE user_id = 42")), "users: =42");
    EXPECT_EQ(groups_of(one(analyser, "select  NAME from users -- x\n where user_id = 9999999999")),
              "users: =9999999999");
    EXPECT_EQ(groups_of(one(analyser, " ; SELECT name FROM users WHERE user_id = 7 ; ")), "users: =7");
    EXPECT_EQ(analyser.stats().hits, 2U);
    EXPECT_EQ(analyser.stats().misses, 1U);
    EXPECT_EQ(analyser.stats().uncached, 0U);
}

TEST(Cache, KeepsShapesApart) {
    // Pairs that look alike and are not: the second must never get the facts of the first.
    constexpr std::string_view pairs[][2] = {
        {"SELECT * FROM users WHERE user_id = 5", "SELECT * FROM users WHERE user_id = '5'"},
        {"SELECT * FROM users WHERE user_id = 5", "SELECT * FROM users WHERE user_id = -5"},
        {"SELECT * FROM users WHERE user_id = 5", "SELECT * FROM users WHERE user_id = 5.0"},
        {"SELECT * FROM users WHERE user_id = '5'", "SELECT * FROM users WHERE user_id = E'5'"},
        {"SELECT * FROM users WHERE user_id = '5'", "SELECT * FROM users WHERE user_id = '5'''"},
        {"SELECT * FROM users WHERE user_id = -0", "SELECT * FROM users WHERE user_id = - 0"},
        {"SELECT * FROM users WHERE user_id = $1", "SELECT * FROM users WHERE user_id = $2"},
        {"SELECT * FROM users WHERE user_id < 5", "SELECT * FROM users WHERE user_id > 5"},
        {"SELECT * FROM users WHERE user_id IN (5)", "SELECT * FROM users WHERE user_id IN (5, 5)"},
        {"SELECT * FROM users WHERE \"user_id\" = 5", "SELECT * FROM users WHERE \"User_id\" = 5"},
        {"SELECT * FROM users WHERE user_id = 5", "SELECT * FROM users WHERE user_id = 5 --\n OR true"},
        {"SELECT 1 FROM users WHERE user_id=5", "SELECT 1 FROM users WHERE user_id>=5"},
    };
    for (const auto& pair : pairs) {
        Analyser analyser(shop());
        one(analyser, pair[0]);
        one(analyser, pair[1]);
        EXPECT_EQ(analyser.stats().hits, 0U) << pair[1];
    }
}

TEST(Cache, RemembersNothingThatDependsOnAValue) {
    constexpr std::string_view texts[] = {
        "SET x = 5",
        "SELECT user_id FROM lines GROUP BY 1",
        "SELECT 'a'\n'b'",
        "SELECT E'a'\n'b'",
        "SELECT U&'d\\0061t'",
        "SELECT U&\"d\\0061t\" FROM users",
        "SELECT N'x'",
        "EXPLAIN (ANALYZE 'off') DELETE FROM users",
        "EXPLAIN (ANALYZE 0) DELETE FROM users",
        "SELECT -(5)",
        "SELECT - -5",
        "SELECT x::float(3) FROM users",
        "EXPLAIN (ROUTE) SELECT 1",
        "PREPARE TRANSACTION 'g'",
        "SELECT 1; SELECT 2",
    };
    for (const std::string_view text : texts) {
        Analyser analyser(shop());
        static_cast<void>(analyser.analyse(text));
        static_cast<void>(analyser.analyse(text));
        EXPECT_EQ(analyser.stats().hits, 0U) << text;
    }
    Analyser analyser(shop());
    EXPECT_EQ(groups_of(one(analyser, "SELECT * FROM users WHERE user_id = -0")), "users: =-0");
    EXPECT_EQ(groups_of(one(analyser, "SELECT * FROM users WHERE user_id = -5")), "users: =-5");
}

TEST(Cache, RemembersWhatFollowsFromTheShape) {
    constexpr std::string_view texts[] = {
        "SELECT 1 LIMIT 5",
        "SELECT date '2020-01-01', interval '1 day', x::varchar(10), x::numeric(10, 2)",
        "SELECT extract(year FROM now()), position('a' IN 'b'), now() AT TIME ZONE 'UTC'",
        "SELECT $$a$$, $q$b$q$, E'\\n', B'1', X'f', 1.5, 1e3, -1.5",
        "INSERT INTO users (user_id, name) VALUES (1, 'x'), (-2, NULL)",
        "INSERT INTO users (user_id) VALUES (1) ON CONFLICT (user_id) DO UPDATE SET (name, kind) = ('a', "
        "'b')",
        "UPDATE users SET name = 'x', tags[1] = 2 WHERE user_id BETWEEN 3 AND 4 RETURNING 5",
        "DELETE FROM users WHERE user_id = ANY('{1,2}') AND name LIKE 'x' ESCAPE '\\'",
        "MERGE INTO users u USING (VALUES (1)) v (x) ON u.user_id = 2 WHEN MATCHED AND 3 = 4 THEN UPDATE SET "
        "name = 'x' "
        "WHEN NOT MATCHED THEN INSERT (user_id) VALUES (2)",
        "SELECT rank() OVER (PARTITION BY 'a' ORDER BY 2 ROWS BETWEEN 3 PRECEDING AND 4 FOLLOWING) FROM "
        "users",
        "SELECT count(*) FILTER (WHERE name = 'x') FROM users HAVING count(*) > 1",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT * FROM t LIMIT 2 "
        "OFFSET 3",
        "SELECT CASE WHEN user_id = 1 THEN 'a' ELSE 'b' END FROM users TABLESAMPLE system (5) REPEATABLE (6)",
        "SELECT * FROM users WHERE (user_id, name) IN ((1, 'a'), (2, 'b')) FETCH FIRST 3 ROWS ONLY",
        "EXPLAIN ANALYZE SELECT * FROM users WHERE user_id = 1",
        "BEGIN READ ONLY",
        "COMMIT",
        "ROLLBACK",
    };
    Analyser analyser(shop());
    for (const std::string_view text : texts) {
        one(analyser, text);
        const auto before = analyser.stats().hits;
        one(analyser, text);
        EXPECT_EQ(analyser.stats().hits, before + 1) << text;
    }
}

TEST(Cache, IsPassedByWithoutStandardStrings) {
    Analyser analyser(shop());
    constexpr std::string_view text = "SELECT * FROM users WHERE name = 'a\\' AND user_id = 5 --'";
    EXPECT_EQ(groups_of(one(analyser, text)), "users: =5");
    EXPECT_EQ(groups_of(one(analyser, "SELECT * FROM users WHERE name = 'a\\' AND user_id = 5 --'", false)),
              "users: ?");
    EXPECT_EQ(groups_of(one(analyser, "SELECT * FROM users WHERE user_id = '5'", false)), "users: ?");
    EXPECT_EQ(groups_of(one(analyser, "SELECT * FROM users WHERE user_id = 5", false)), "users: =5");
    EXPECT_EQ(groups_of(one(analyser, text)), "users: =5");
    EXPECT_EQ(analyser.stats().hits, 1U);
}

TEST(Cache, IsBounded) {
    Analyser analyser(shop(), 8);
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 100; ++i) {
            const std::string text = "SELECT a" + std::to_string(i) + " FROM users WHERE user_id = 1";
            EXPECT_EQ(groups_of(one(analyser, text)), "users: =1");
        }
    }
    PlanCache cache(1'000, 100'000);
    for (int i = 0; i < 500; ++i) {
        const std::string shape = std::to_string(i) + std::string(1'000, 'x');
        EXPECT_EQ(cache.find(shape), nullptr);
        cache.insert(shape, std::make_shared<const Facts>());
        EXPECT_LE(cache.bytes(), 100'000U);
        EXPECT_NE(cache.find(shape), nullptr);
    }
    EXPECT_GT(cache.size(), 30U);
    const std::string huge(200'000, 'x');
    EXPECT_EQ(cache.find(huge), nullptr);
    cache.insert(huge, std::make_shared<const Facts>());
    EXPECT_EQ(cache.find(huge), nullptr);
}

TEST(Cache, KeepsWhatIsUsed) {
    PlanCache cache(10, 1'000'000);
    const auto use = [&](const std::string& shape) {
        if (cache.find(shape) == nullptr) {
            cache.insert(shape, std::make_shared<const Facts>());
            return false;
        }
        return true;
    };
    use("often");
    int misses = 0;
    for (int i = 0; i < 1'000; ++i) {
        use("rare " + std::to_string(i));
        misses += use("often") ? 0 : 1;
    }
    EXPECT_LE(misses, 2);
}

/// A statement of pieces, with room for the places that vary.
std::string invent(std::mt19937_64& random, bool same_shape_seed, std::mt19937_64& values) {
    static_cast<void>(same_shape_seed);
    const auto pick = [&](auto&&... options) {
        const std::string_view all[] = {options...};
        return std::string(all[random() % std::size(all)]);
    };
    const auto value = [&] {
        switch (random() % 5) {
            case 0: return "'" + std::to_string(values() % 100) + "'";
            case 1: return "-" + std::to_string(values() % 100);
            case 2: return "$" + std::to_string(1 + random() % 3);
            case 3: return std::to_string(values() % 100) + "::bigint";
            default: return std::to_string(values() % 100);
        }
    };
    std::string text =
        pick("SELECT * FROM users WHERE ", "DELETE FROM users WHERE ", "UPDATE users SET name = 'x' WHERE ");
    const std::size_t terms = 1 + random() % 4;
    for (std::size_t i = 0; i < terms; ++i) {
        text += i == 0 ? "" : pick(" AND ", " OR ", " AND NOT ");
        switch (random() % 4) {
            case 0: text += "user_id IN (" + value() + "," + value() + ")"; break;
            case 1: text += "user_id BETWEEN " + value() + " AND " + value(); break;
            case 2: text += "name = " + value(); break;
            default: text += "user_id " + pick("=", "<", ">=", "<>") + " " + value();
        }
    }
    return text;
}

TEST(Cache, GivesWhatAFreshAnalysisGives) {
    Analyser warm(shop());
    std::mt19937_64 shapes(20'261'124);
    std::mt19937_64 values(7);
    for (int i = 0; i < 3'000; ++i) {
        std::mt19937_64 shape(shapes() % 200);
        const std::string text = invent(shape, true, values);
        const std::string cached = groups_of(one(warm, text));
        Analyser fresh(shop());
        EXPECT_EQ(cached, groups_of(one(fresh, text))) << text;
    }
    EXPECT_GT(warm.stats().hits, 2'000U);
}

}  // namespace
}  // namespace domicile::sql

#include "http/statements.hpp"

#include "http/page.hpp"

#include <gtest/gtest.h>

namespace domicile::http {
namespace {

using base::Code;
using base::UserId;
using Query = std::vector<std::pair<std::string, std::string>>;

class Statements : public testing::Test {
  protected:
    Statements() {
        table_.name = "lines";
        table_.key = "user_id";
        shape_.table = &table_;
        const auto add = [&](std::string name, ColumnKind kind, std::string type, bool not_null) {
            Column column;
            column.name = std::move(name);
            column.kind = kind;
            column.type = std::move(type);
            column.not_null = not_null;
            shape_.columns.push_back(column);
        };
        add("user_id", ColumnKind::int8, "bigint", true);
        add("no", ColumnKind::int4, "integer", true);
        add("odd\"name", ColumnKind::text, "character varying(3)", false);
        shape_.primary_key = {"user_id", "no"};
    }
    topology::Table table_;
    TableShape shape_;
};

TEST_F(Statements, ReadOneRow) {
    const std::vector<const Column*> columns = {&shape_.columns[1]};
    const std::vector<std::string> key = {"7"};
    const Sql sql = select_row(shape_, columns, UserId{42}, key);
    EXPECT_EQ(sql.text, R"(SELECT "no", xmin::text FROM "lines" WHERE "user_id" = $1 AND "no" = $2)");
    EXPECT_EQ(sql.parameters, (std::vector<std::optional<std::string>>{"42", "7"}));
}

TEST_F(Statements, PagesAreTotalOrders) {
    const auto page = page_of_rows(shape_, UserId{1},
                                   Query{{"order", "odd\"name.desc"}, {"limit", "2"}, {"no", "gte.5"}}, 10);
    ASSERT_TRUE(page) << page.error().text;
    EXPECT_EQ(
        page->sql.text,
        R"(SELECT "user_id", "no", "odd""name", "odd""name", "no" FROM "lines" WHERE "user_id" = $1 AND "no" >= $2)"
        R"( ORDER BY "odd""name" DESC NULLS LAST, "no" ASC NULLS LAST LIMIT $3::bigint)");
    EXPECT_EQ(page->sql.parameters.back(), "3") << "one more than asked tells whether there is a next page";

    const std::vector<std::optional<std::string>> last = {"x:1-", "9"};
    const std::string cursor = make_cursor(*page, last);
    const auto next =
        page_of_rows(shape_, UserId{1}, Query{{"order", "odd\"name.desc"}, {"after", cursor}}, 10);
    ASSERT_TRUE(next) << next.error().text;
    EXPECT_NE(next->sql.text.find(
                  R"((("odd""name" < $2 OR "odd""name" IS NULL)) OR ("odd""name" = $2 AND "no" > $3))"),
              std::string::npos)
        << next->sql.text;
    const std::vector<std::optional<std::string>> null_last = {std::nullopt, "9"};
    const auto after_null = page_of_rows(
        shape_, UserId{1}, Query{{"order", "odd\"name.desc"}, {"after", make_cursor(*page, null_last)}}, 10);
    ASSERT_TRUE(after_null);
    EXPECT_NE(after_null->sql.text.find(R"(("odd""name" IS NULL AND "no" > $2))"), std::string::npos)
        << after_null->sql.text;
}

TEST_F(Statements, RefuseWhatTheyDoNotKnow) {
    const auto page = page_of_rows(shape_, UserId{1}, Query{{"order", "no"}}, 10);
    ASSERT_TRUE(page);
    const std::vector<std::optional<std::string>> one = {"1"};
    const std::string cursor = make_cursor(*page, one);
    const std::pair<Query, Code> rows[] = {
        {{{"select", "nope"}}, Code::unknown_column},
        {{{"order", "nope"}}, Code::unknown_column},
        {{{"order", "no.sideways"}}, Code::unknown_column},
        {{{"nope", "eq.1"}}, Code::unknown_column},
        {{{"no", "1"}}, Code::invalid_value},
        {{{"no", "or.1"}}, Code::invalid_value},
        {{{"limit", "0"}}, Code::invalid_value},
        {{{"limit", "11"}}, Code::invalid_value},
        {{{"limit", "2x"}}, Code::invalid_value},
        {{{"after", "!!"}}, Code::invalid_value},
        {{{"after", cursor}, {"order", "no.desc"}}, Code::invalid_value},
        {{{"after", cursor.substr(0, cursor.size() - 2)}, {"order", "no"}}, Code::invalid_value},
    };
    for (const auto& [query, code] : rows) {
        const auto made = page_of_rows(shape_, UserId{1}, query, 10);
        ASSERT_FALSE(made) << query[0].first << '=' << query[0].second;
        EXPECT_EQ(made.error().code, code) << query[0].first << '=' << query[0].second;
    }
}

TEST_F(Statements, ValuesNeverBecomeSqlText) {
    const std::string evil = "x'); DROP TABLE users; --";
    const auto page =
        page_of_rows(shape_, UserId{1}, Query{{"odd\"name", "eq." + evil}, {"no", "in.(1,\"2)"}}, 10);
    ASSERT_TRUE(page);
    EXPECT_EQ(page->sql.text.find("DROP"), std::string::npos);
    EXPECT_EQ(page->sql.parameters[1], evil);
    EXPECT_EQ(page->sql.parameters[2], R"({"1","\"2"})");
}

TEST_F(Statements, InsertsDependOnNamesOnly) {
    std::vector<Field> fields = {{"no", Field::Kind::number, "5"}, {"odd\"name", Field::Kind::string, "abc"}};
    ASSERT_TRUE(fit_body(shape_, UserId{42}, fields, false));
    const Insert plain = insert_row(shape_, fields, std::nullopt, false);
    EXPECT_EQ(plain.text, R"(INSERT INTO "lines" ("user_id", "no", "odd""name") VALUES ($1::bigint, $2, $3))"
                          R"( RETURNING "user_id", "no", "odd""name", xmin::text)");
    EXPECT_EQ(plain.columns, (std::vector<std::string>{"user_id", "no", "odd\"name"}));
    const Insert person = insert_row(shape_, fields, 30'000, false);
    EXPECT_NE(person.text.find("VALUES (nextval('domicile.user_id_30000'), $1, $2)"), std::string::npos)
        << person.text;
    const Insert once = insert_row(shape_, fields, std::nullopt, true);
    // The cast names the type without its bound: varchar(3) itself would cut the value without a word.
    EXPECT_NE(once.text.find(R"(SELECT $1::bigint, $2::integer, $3::character varying WHERE NOT EXISTS)"),
              std::string::npos)
        << once.text;
    EXPECT_EQ(once.columns.size(), 5U);
}

TEST_F(Statements, KeepTheUserIdAndTheKeyFixed) {
    const std::vector<std::string> key = {"7"};
    std::vector<Field> other_user = {{"user_id", Field::Kind::number, "43"}};
    std::vector<Field> same_user = {{"user_id", Field::Kind::number, "42"},
                                    {"odd\"name", Field::Kind::null, ""}};
    std::vector<Field> new_key = {{"no", Field::Kind::number, "8"}};
    std::vector<Field> unknown = {{"nope", Field::Kind::number, "8"}};
    EXPECT_FALSE(fit_body(shape_, UserId{42}, other_user, false));
    EXPECT_FALSE(fit_body(shape_, std::nullopt, same_user, false)) << "a new person's id is handed out";
    EXPECT_FALSE(fit_body(shape_, UserId{42}, new_key, true));
    EXPECT_TRUE(fit_body(shape_, UserId{42}, new_key, false));
    EXPECT_EQ(fit_body(shape_, UserId{42}, unknown, false).error().code, Code::unknown_column);
    ASSERT_TRUE(fit_body(shape_, UserId{42}, same_user, true));
    ASSERT_EQ(same_user.size(), 1U) << "the repeated user id is taken out";
    const std::vector<std::string> versions = {"700", "701"};
    const Sql update = update_row(shape_, UserId{42}, key, same_user, versions);
    EXPECT_EQ(update.text,
              R"(UPDATE "lines" SET "odd""name" = $1 WHERE "user_id" = $2 AND "no" = $3)"
              R"( AND xmin::text = ANY ($4::text[]) RETURNING "user_id", "no", "odd""name", xmin::text)");
    EXPECT_EQ(update.parameters[0], std::nullopt);
    EXPECT_EQ(update.parameters[3], R"({"700","701"})");
}

}  // namespace
}  // namespace domicile::http

#include "guard/table_guard.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace domicile::guard {
namespace {

TEST(RangeCondition, HoldsEachRangeHalfOpen) {
    const std::vector<topology::KeyRange> none;
    const std::vector<topology::KeyRange> one = {{0, 10}};
    const std::vector<topology::KeyRange> two = {{-5, 5}, {10, 20}};
    EXPECT_EQ(range_condition("k", one), R"(("k" >= 0 AND "k" < 10))");
    EXPECT_EQ(range_condition("k", two), R"(("k" >= -5 AND "k" < 5) OR ("k" >= 10 AND "k" < 20))");
    EXPECT_EQ(range_condition("k", none), "false") << "a shard without ranges holds nobody";
}

TEST(TableGuard, FillsEveryPlaceAndQuotesNames) {
    topology::Table table;
    table.name = "users";
    table.key = "id";
    table.personal = {{"e_mail", topology::Erasure::set_null}, {"phone", topology::Erasure::shred}};
    topology::Shard shard;
    shard.ranges = {{0, 10}};
    for (const bool required : {true, false}) {
        const auto sql = table_guard(table, shard, required);
        EXPECT_EQ(sql.find('{'), std::string::npos) << sql;
        EXPECT_NE(sql.find(required ? "IF true THEN" : "IF false THEN"), std::string::npos);
        EXPECT_NE(sql.find(R"(ADD CONSTRAINT domicile_range CHECK (("id" >= 0 AND "id" < 10)))"),
                  std::string::npos);
        EXPECT_NE(sql.find("attname = 'e_mail' AND NOT attisdropped AND NOT (true AND attnotnull)"),
                  std::string::npos);
        EXPECT_NE(sql.find("attname = 'phone' AND NOT attisdropped AND NOT (false AND attnotnull)"),
                  std::string::npos);
    }
}

}  // namespace
}  // namespace domicile::guard

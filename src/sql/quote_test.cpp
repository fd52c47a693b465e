#include "sql/quote.hpp"

#include <gtest/gtest.h>

namespace domicile::sql {
namespace {

TEST(Quote, MeansTheSameWhateverItIsGiven) {
    EXPECT_EQ(sql_literal("it's"), "'it''s'");
    EXPECT_EQ(sql_literal("a\\b'c"), " E'a\\\\b''c'");
    EXPECT_EQ(sql_literal(""), "''");
    EXPECT_EQ(sql_identifier("a\"b"), "\"a\"\"b\"");
}

}  // namespace
}  // namespace domicile::sql

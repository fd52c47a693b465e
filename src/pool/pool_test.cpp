#include "pool/connection.hpp"
#include "pool/write_positions.hpp"

#include <set>

#include <gtest/gtest.h>

namespace domicile::pool {
namespace {

topology::Topology two_shards() {
    topology::Topology topology;
    topology.shards.resize(2);
    return topology;
}

TEST(WritePositions, RememberTheLastWriteOfAUserPerShard) {
    WritePositions positions(two_shards());
    const base::ShardIndex first{0};
    const base::ShardIndex second{1};
    const base::UserId user{42};
    EXPECT_EQ(positions.required(first, user), 0U);
    positions.note(first, user, 100);
    positions.note(first, user, 90);  // an answer that was overtaken must not take a promise back
    EXPECT_EQ(positions.required(first, user), 100U);
    EXPECT_EQ(positions.required(second, user), 0U) << "positions of two shards do not compare";
}

TEST(WritePositions, NeverAskForLessThanAUserWrote) {
    // Far more users than slots: those who share one may be asked for more, never for less.
    WritePositions positions(two_shards());
    for (std::int64_t user = -50'000; user < 50'000; ++user) {
        positions.note(base::ShardIndex{0}, base::UserId{user}, static_cast<std::uint64_t>(user + 50'001));
    }
    for (std::int64_t user = -50'000; user < 50'000; ++user) {
        ASSERT_GE(positions.required(base::ShardIndex{0}, base::UserId{user}),
                  static_cast<std::uint64_t>(user + 50'001));
    }
}

TEST(Statements, NameEachTextOnceAndStayBounded) {
    Statements statements;
    const Statement first = statements.intern("SELECT 1");
    EXPECT_EQ(statements.intern(std::string("SELECT ") + "1").id, first.id);
    std::set<std::uint32_t> ids;
    for (int i = 0; i < 10'000; ++i) {
        const Statement made = statements.intern("SELECT " + std::to_string(i));
        if (made.id != 0) {
            ids.insert(made.id);
        }
    }
    // Clients who invent shapes cannot grow a node's memory: what comes late is parsed each time.
    EXPECT_EQ(ids.size(), base::limits::statements_per_connection_max);
    EXPECT_LE(*ids.rbegin(), base::limits::statements_per_connection_max);
    // A late one is kept across an await while others are interned: it must stay what it was.
    const Statement late = statements.intern("SELECT 'late'");
    EXPECT_EQ(late.id, 0U);
    for (int i = 0; i < 100; ++i) {
        static_cast<void>(statements.intern("SELECT 'other " + std::to_string(i) + "'"));
    }
    EXPECT_EQ(*late.sql, "SELECT 'late'");
    EXPECT_EQ(*first.sql, "SELECT 1");
}

}  // namespace
}  // namespace domicile::pool

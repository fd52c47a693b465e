#include "routing/node_choice.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace domicile::routing {
namespace {

NodeState writer(std::uint32_t timeline, std::uint64_t lsn, bool local = true) {
    return {true, false, local, timeline, lsn, 0};
}
NodeState reader(std::uint32_t timeline, std::uint64_t lsn, bool local = true, std::int64_t lag_ms = 0) {
    return {true, true, local, timeline, lsn, lag_ms};
}
constexpr NodeState down{};

TEST(NodeChoice, TheWriterIsTheOneOnTheHighestTimeline) {
    struct Row {
        std::string_view what;
        std::vector<NodeState> nodes;
        std::optional<std::size_t> writer;
    };
    const Row rows[] = {
        {"the one that is not in recovery", {reader(1, 5), writer(1, 9)}, 1},
        {"none is up", {down, down}, {}},
        {"only readers", {reader(1, 5)}, {}},
        {"an old writer came back after a promotion", {writer(1, 900), writer(2, 500)}, 1},
        {"two claim one timeline: a guess could lose writes", {writer(2, 5), writer(2, 6)}, {}},
        {"contested below, clear above", {writer(2, 5), writer(2, 6), writer(3, 4)}, 2},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(choose_writer(row.nodes), row.writer) << row.what;
    }
}

TEST(NodeChoice, ReadsGoToAFreshLocalReaderElseToTheWriter) {
    struct Row {
        std::string_view what;
        std::vector<NodeState> nodes;
        Access access;
        std::optional<Position> required;
        std::optional<std::size_t> chosen;
    };
    const Row rows[] = {
        {"a write goes to the writer", {writer(1, 9), reader(1, 9)}, Access::writer, {}, 0},
        {"a read goes to the reader", {writer(1, 9), reader(1, 9)}, Access::reader, {}, 1},
        {"the reader has replayed what is asked",
         {writer(1, 9), reader(1, 7)},
         Access::reader,
         Position{1, 7},
         1},
        {"the reader has not", {writer(1, 9), reader(1, 7)}, Access::reader, Position{1, 8}, 0},
        {"a position of another timeline", {writer(2, 9), reader(2, 9)}, Access::reader, Position{1, 3}, 0},
        {"a reader still on the old timeline", {writer(2, 9), reader(1, 9)}, Access::reader, {}, 0},
        {"a reader too far behind", {writer(1, 9), reader(1, 1, true, 20'000)}, Access::reader, {}, 0},
        {"the reader is down", {writer(1, 9), down}, Access::reader, {}, 0},
        {"the local reader before the far one",
         {reader(1, 9, false), reader(1, 9, true)},
         Access::reader,
         {},
         1},
        {"a local writer before a far reader",
         {writer(1, 9, true), reader(1, 9, false)},
         Access::reader,
         {},
         0},
        {"a far reader before a far writer",
         {writer(1, 9, false), reader(1, 9, false)},
         Access::reader,
         {},
         1},
        {"readers go on serving without a writer", {down, reader(1, 9)}, Access::reader, Position{1, 9}, 1},
        {"but not what they have not replayed", {down, reader(1, 8)}, Access::reader, Position{1, 9}, {}},
        {"no writer, no write", {down, reader(1, 9)}, Access::writer, {}, {}},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(choose_node(row.nodes, row.access, row.required, 10'000, 0), row.chosen) << row.what;
    }
}

TEST(NodeChoice, EqualReadersTakeTurns) {
    const std::vector<NodeState> nodes = {writer(1, 9), reader(1, 9), reader(1, 2), reader(1, 9)};
    EXPECT_EQ(choose_node(nodes, Access::reader, Position{1, 9}, 10'000, 0), 1U);
    EXPECT_EQ(choose_node(nodes, Access::reader, Position{1, 9}, 10'000, 1), 3U);
    EXPECT_EQ(choose_node(nodes, Access::reader, Position{1, 9}, 10'000, 2), 1U);
}

TEST(NodeChoice, PositionsTravelAsText) {
    const Position position{3, 0x1'0000'ABCDULL};
    EXPECT_EQ(to_text(position), "3:1/abcd");
    EXPECT_EQ(parse_position("3:1/ABCD"), position);
    for (const std::string_view text :
         {"", "3", "3:", "3:1", "3:1/", "x:1/2", "3:1/2 ", " 3:1/2", "3:1/1FFFFFFFF", "-1:0/0"}) {
        EXPECT_EQ(parse_position(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace domicile::routing

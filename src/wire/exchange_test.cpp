#include "wire/exchange.hpp"

#include "wire/test_messages.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace domicile::wire {
namespace {

using Event = Exchange::Event;
using testing::error_body;
using testing::frame_of;
using testing::message;

const std::string columns = message('T', testing::row_description_body({}));
const std::string row = message('D', testing::row_body({"1", std::nullopt}));
const std::string done = testing::complete("SELECT 1");
const std::string error = message('E', error_body("22P02"));
const std::string notice = message('N', error_body("00000"));
const std::string copy_in = message('G', testing::bytes("\0\0\1\0\0"));
const std::string idle = testing::ready('I');

std::vector<Event> replies(Exchange& exchange, const std::vector<std::string>& messages) {
    std::vector<Event> events;
    for (const std::string& one : messages) {
        events.push_back(exchange.advance(frame_of(one)));
    }
    return events;
}

TEST(Exchange, SaysWhatEachReplyMeans) {
    struct Row {
        std::string_view what;
        std::vector<std::string> messages;
        std::vector<Event> events;
    };
    const Row rows[] = {
        {"one statement",
         {columns, row, row, done, idle},
         {Event::columns, Event::row, Event::row, Event::complete, Event::ready}},
        {"several statements, a notice between",
         {columns, row, done, notice, done, idle},
         {Event::columns, Event::row, Event::complete, Event::none, Event::complete, Event::ready}},
        {"an error ends it", {columns, error, idle}, {Event::columns, Event::error, Event::ready}},
        {"an extended query",
         {message('1', ""), message('2', ""), columns, row, done, idle},
         {Event::none, Event::none, Event::columns, Event::row, Event::complete, Event::ready}},
        {"an empty query", {message('I', ""), idle}, {Event::none, Event::ready}},
        {"a failed transaction is over, too", {error, testing::ready('E')}, {Event::error, Event::ready}},
        {"a row after an error", {error, row}, {Event::error, Event::broken}},
        {"two errors", {error, error}, {Event::error, Event::broken}},
        {"a reply too many", {done, idle, done}, {Event::complete, Event::ready, Event::broken}},
        {"a reply nobody asked for stays broken",
         {idle, idle, notice},
         {Event::ready, Event::broken, Event::broken}},
        {"ready while we copy", {copy_in, idle}, {Event::copy_in, Event::broken}},
        {"an error while we copy", {copy_in, error, idle}, {Event::copy_in, Event::error, Event::ready}},
        {"a truncated row",
         {columns, message('D', testing::bytes("\0\1\0\0"))},
         {Event::columns, Event::broken}},
        {"a type no node sends", {message('?', "")}, {Event::broken}},
        {"COPY out, which we never ask for", {message('H', testing::bytes("\0\0\0"))}, {Event::broken}},
        {"a bad ready", {message('Z', "X")}, {Event::broken}},
    };
    for (const Row& one : rows) {
        Exchange exchange;
        exchange.sent();
        EXPECT_EQ(replies(exchange, one.messages), one.events) << one.what;
        EXPECT_EQ(exchange.over(), one.events.back() == Event::ready) << one.what;
    }
}

TEST(Exchange, CarriesACopyToItsEnd) {
    Exchange exchange;
    exchange.sent();
    EXPECT_EQ(replies(exchange, {copy_in, notice}), (std::vector{Event::copy_in, Event::none}));
    EXPECT_TRUE(exchange.copying());
    exchange.copy_ended();
    EXPECT_EQ(replies(exchange, {testing::complete("COPY 3"), idle}),
              (std::vector{Event::complete, Event::ready}));
    exchange.sent();
    EXPECT_EQ(replies(exchange, {done, idle}), (std::vector{Event::complete, Event::ready}))
        << "and can go on";
}

}  // namespace
}  // namespace domicile::wire

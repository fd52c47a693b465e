// Each message against the formats of the PostgreSQL documentation, chapter "Message Formats".

#include "wire/frontend.hpp"

#include "wire/test_messages.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace domicile::wire {
namespace {

using testing::bytes;

struct Golden {
    std::string_view name;
    std::function<void(base::Buffer&)> append;
    std::string expected;
};

const Golden goldens[] = {
    {"StartupMessage",
     [](base::Buffer& out) {
         const std::pair<std::string_view, std::string_view> settings[] = {{"user", "u"}, {"database", ""}};
         append_startup(out, settings);
     },
     bytes("\x00\x00\x00\x1a\x00\x03\x00\x00user\0u\0database\0\0\0")},
    {"SASLInitialResponse", [](base::Buffer& out) { append_sasl_initial(out, "SCRAM-SHA-256", "n,,n=,r=x"); },
     bytes("p\x00\x00\x00\x1fSCRAM-SHA-256\0\x00\x00\x00\x09n,,n=,r=x")},
    {"SASLResponse", [](base::Buffer& out) { append_sasl_response(out, "c=biws"); },
     bytes("p\x00\x00\x00\x0a"
           "c=biws")},
    {"Query", [](base::Buffer& out) { append_query(out, "SELECT 1"); }, bytes("Q\x00\x00\x00\x0dSELECT 1\0")},
    {"Parse", [](base::Buffer& out) { append_parse(out, "s1", "SELECT $1"); },
     bytes("P\x00\x00\x00\x13s1\0SELECT $1\0\x00\x00")},
    {"Bind",
     [](base::Buffer& out) {
         const Parameter parameters[] = {"ab", std::nullopt, ""};
         append_bind(out, "s1", parameters);
     },
     bytes("B\x00\x00\x00\x1c\0s1\0\x00\x00\x00\x03\x00\x00\x00\x02"
           "ab\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00")},
    {"Bind without parameters", [](base::Buffer& out) { append_bind(out, "", {}); },
     bytes("B\x00\x00\x00\x0c\0\0\x00\x00\x00\x00\x00\x00")},
    {"Describe", [](base::Buffer& out) { append_describe_portal(out); }, bytes("D\x00\x00\x00\x06P\0")},
    {"Execute", [](base::Buffer& out) { append_execute(out); }, bytes("E\x00\x00\x00\x09\0\x00\x00\x00\x00")},
    {"Close", [](base::Buffer& out) { append_close_statement(out, "s1"); }, bytes("C\x00\x00\x00\x08Ss1\0")},
    {"Sync", [](base::Buffer& out) { append_sync(out); }, bytes("S\x00\x00\x00\x04")},
    {"CopyData", [](base::Buffer& out) { append_copy_data(out, bytes("1\t\0\n")); },
     bytes("d\x00\x00\x00\x08"
           "1\t\0\n")},
    {"CopyDone", [](base::Buffer& out) { append_copy_done(out); }, bytes("c\x00\x00\x00\x04")},
    {"CopyFail", [](base::Buffer& out) { append_copy_fail(out, "no"); }, bytes("f\x00\x00\x00\x07no\0")},
    {"Terminate", [](base::Buffer& out) { append_terminate(out); }, bytes("X\x00\x00\x00\x04")},
};

TEST(Frontend, WritesEachMessageByTheBook) {
    for (const Golden& golden : goldens) {
        base::Buffer out;
        golden.append(out);
        EXPECT_EQ(::testing::PrintToString(std::string(out.view())),
                  ::testing::PrintToString(golden.expected))
            << golden.name;
    }
}

TEST(Frontend, PatchesEachLengthInItsOwnMessage) {
    // The buffer begins with bytes that are already sent and grows between messages: offsets are from its
    // front.
    base::Buffer out;
    out.append(std::string(100, 'x'));
    out.consume(99);
    std::string expected = "x";
    for (int round = 0; round < 50; ++round) {
        for (const Golden& golden : goldens) {
            golden.append(out);
            expected += golden.expected;
        }
    }
    EXPECT_EQ(out.view(), expected);
}

TEST(Frontend, WritesAsManyParametersAsTheProtocolCanCount) {
    const std::vector<Parameter> parameters(bind_parameters_max);
    base::Buffer out;
    append_bind(out, "", parameters);
    const Frame frame = testing::frame_of(out.view());
    ASSERT_EQ(frame.type, 'B');
    Reader reader(frame.body);
    EXPECT_EQ(reader.cstring(), "");
    EXPECT_EQ(reader.cstring(), "");
    EXPECT_EQ(reader.u16(), 0);
    EXPECT_EQ(reader.u16(), 65'535);
    EXPECT_EQ(reader.bytes(65'535U * 4).size(), 65'535U * 4);
    EXPECT_EQ(reader.u16(), 0);
    EXPECT_TRUE(reader.done());
    const std::vector<Parameter> too_many(bind_parameters_max + 1);
    EXPECT_DEATH(append_bind(out, "", too_many), "bind_parameters_max");
}

}  // namespace
}  // namespace domicile::wire

#include "wire/frame.hpp"

#include "base/limits.hpp"
#include "wire/test_messages.hpp"

#include <gtest/gtest.h>

namespace domicile::wire {
namespace {

using testing::Body;
using testing::bytes;
using testing::Exact;
using testing::message;

std::vector<std::string> one_of_each_message() {
    return {
        message(backend::authentication, testing::authentication_body(10, bytes("SCRAM-SHA-256\0\0"))),
        message(backend::backend_key_data, Body().u32(7).u32(8).str()),
        message(backend::bind_complete, ""),
        message(backend::close_complete, ""),
        testing::complete("INSERT 0 1"),
        message(backend::copy_data, "1\ta\n"),
        message(backend::copy_done, ""),
        message(backend::copy_in_response, Body().u8(0).u16(1).u16(0).str()),
        message(backend::data_row, testing::row_body({"a", std::nullopt, ""})),
        message(backend::empty_query, ""),
        message(backend::error_response, testing::error_body("23505")),
        message(backend::no_data, ""),
        message(backend::notice_response, testing::error_body("00000")),
        message(backend::notification, Body().u32(9).cstring("channel").cstring("").str()),
        message(backend::parameter_description, Body().u16(1).u32(20).str()),
        message(backend::parameter_status, Body().cstring("TimeZone").cstring("UTC").str()),
        message(backend::parse_complete, ""),
        testing::ready(),
        message(backend::row_description, testing::row_description_body({{.name = "id", .type_oid = 20}})),
    };
}

TEST(Scan, AsksForMoreAtEveryPrefixOfEveryMessageAndNeverReadsPastIt) {
    for (const std::string& whole : one_of_each_message()) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const Exact prefix(std::string_view(whole).substr(0, size));
            Frame frame;
            EXPECT_EQ(scan(prefix.view(), frame), Scan::more) << whole[0] << " cut to " << size;
            EXPECT_EQ(frame.type, '\0') << "an unfinished frame must not be handed out";
        }
        const Exact exact(whole);
        Frame frame;
        ASSERT_EQ(scan(exact.view(), frame), Scan::frame);
        EXPECT_EQ(frame.type, whole[0]);
        EXPECT_EQ(frame.body, whole.substr(5));
        EXPECT_EQ(frame.body.data(), exact.view().data() + 5) << "a view, not a copy";
        EXPECT_EQ(frame.bytes(), whole.size());
    }
}

TEST(Scan, LeavesTheNextMessageAlone) {
    for (const std::string& first : one_of_each_message()) {
        const std::string both = first + testing::ready('T');
        Frame frame;
        ASSERT_EQ(scan(both, frame), Scan::frame);
        EXPECT_EQ(frame.body, first.substr(5));
        ASSERT_EQ(scan(std::string_view(both).substr(frame.bytes()), frame), Scan::frame);
        EXPECT_EQ(frame.body, "T");
    }
}

TEST(Scan, JudgesTheLengthBeforeWaitingForTheBody) {
    constexpr auto largest = static_cast<std::uint32_t>(base::limits::wire_message_bytes_max);
    const std::pair<std::uint32_t, Scan> rows[] = {
        {0, Scan::broken},
        {1, Scan::broken},
        {3, Scan::broken},
        {4, Scan::frame},
        {5, Scan::more},
        {largest, Scan::more},
        {largest + 1, Scan::broken},
        {0x7FFF'FFFFU, Scan::broken},
        {0x8000'0000U, Scan::broken},  // negative for a reader who takes it as signed
        {0xFFFF'FFFBU, Scan::broken},  // 1 + length + 4 would wrap to 0
        {0xFFFF'FFFFU, Scan::broken},
    };
    for (const auto& [length, expected] : rows) {
        const Exact head(message('D', "", length));
        Frame frame;
        EXPECT_EQ(scan(head.view(), frame), expected) << length;
    }
}

TEST(Scan, TakesAMessageOfTheLargestSize) {
    const std::string body(base::limits::wire_message_bytes_max - 4, 'x');
    const std::string whole = message('d', body);
    Frame frame;
    ASSERT_EQ(scan(whole, frame), Scan::frame);
    EXPECT_EQ(frame.bytes(), base::limits::wire_message_bytes_max + 1);
}

TEST(Reader, ReadsEachKindInNetworkOrder) {
    const std::string body = Body()
                                 .u8(0xFE)
                                 .u16(0x0102)
                                 .u32(0x0304'0506)
                                 .u16(0xFFFF)
                                 .u32(0x8000'0000U)
                                 .cstring("text")
                                 .raw("tail")
                                 .str();
    Reader reader(body);
    EXPECT_EQ(reader.u8(), 0xFE);
    EXPECT_EQ(reader.u16(), 0x0102);
    EXPECT_EQ(reader.u32(), 0x0304'0506U);
    EXPECT_EQ(reader.i16(), -1);
    EXPECT_EQ(reader.i32(), std::numeric_limits<std::int32_t>::min());
    EXPECT_EQ(reader.cstring(), "text");
    EXPECT_FALSE(reader.done());
    EXPECT_EQ(reader.bytes(2), "ta");
    EXPECT_EQ(reader.rest(), "il");
    EXPECT_TRUE(reader.done());
}

TEST(Reader, GivesZeroOrEmptyAfterTheFirstReadPastTheEndAndStaysFailed) {
    using Read = std::string (*)(Reader&);
    // Each takes more than the body holds, then something it does hold: a failed reader must not go on.
    const std::pair<std::string, Read> rows[] = {
        {"", [](Reader& r) { return std::to_string(r.u8()); }},
        {"\x7f", [](Reader& r) { return std::to_string(r.u16()); }},
        {bytes("\x7f\0\x7f"), [](Reader& r) { return std::to_string(r.u32()); }},
        {"\x7f", [](Reader& r) { return std::to_string(r.i16()); }},
        {"\x7f\x7f\x7f", [](Reader& r) { return std::to_string(r.i32()); }},
        {"text", [](Reader& r) { return std::to_string(r.cstring().size()); }},
        {"text", [](Reader& r) { return std::to_string(r.bytes(5).size()); }},
        {"text", [](Reader& r) { return std::to_string(r.bytes(std::size_t(-1)).size()); }},
    };
    for (const auto& [body, read] : rows) {
        const Exact exact(body);
        Reader reader(exact.view());
        EXPECT_EQ(read(reader), "0");
        EXPECT_FALSE(reader.ok());
        EXPECT_FALSE(reader.done());
        EXPECT_EQ(reader.u8(), 0);
        EXPECT_EQ(reader.cstring(), "");
        EXPECT_EQ(reader.bytes(1), "");
        EXPECT_EQ(reader.bytes(0), "");
        EXPECT_EQ(reader.rest(), "");
        EXPECT_FALSE(reader.ok());
    }
}

TEST(Reader, ReadsNothingFromAnEmptyBodyWithoutFailing) {
    Reader reader({});
    EXPECT_EQ(reader.bytes(0), "");
    EXPECT_EQ(reader.rest(), "");
    EXPECT_TRUE(reader.done());
}

}  // namespace
}  // namespace domicile::wire

// Each message against the formats of the PostgreSQL documentation, chapter "Message Formats", and against
// our own decoders of what a node says.

#include "wire/server.hpp"

#include "base/limits.hpp"
#include "wire/backend.hpp"
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
    {"AuthenticationSASL",
     [](base::Buffer& out) { append_authentication_sasl(out, std::span(&scram_sha_256, 1)); },
     bytes("R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\0\0")},
    {"AuthenticationSASLContinue", [](base::Buffer& out) { append_authentication_sasl_continue(out, "r=x"); },
     bytes("R\x00\x00\x00\x0b\x00\x00\x00\x0br=x")},
    {"AuthenticationSASLFinal", [](base::Buffer& out) { append_authentication_sasl_final(out, "v=x"); },
     bytes("R\x00\x00\x00\x0b\x00\x00\x00\x0cv=x")},
    {"AuthenticationOk", [](base::Buffer& out) { append_authentication_ok(out); },
     bytes("R\x00\x00\x00\x08\x00\x00\x00\x00")},
    {"NegotiateProtocolVersion", [](base::Buffer& out) { append_negotiate_protocol_version(out, {}); },
     bytes("v\x00\x00\x00\x0c\x00\x03\x00\x00\x00\x00\x00\x00")},
    {"NegotiateProtocolVersion with options",
     [](base::Buffer& out) {
         const Setting settings[] = {{"user", "u"}, {"_pq_.a", "1"}, {"database", "_pq_."}, {"_pq_.b", ""}};
         append_negotiate_protocol_version(out, settings);
     },
     bytes("v\x00\x00\x00\x1a\x00\x03\x00\x00\x00\x00\x00\x02_pq_.a\0_pq_.b\0")},
    {"ParameterStatus", [](base::Buffer& out) { append_parameter_status(out, "TimeZone", "UTC"); },
     bytes("S\x00\x00\x00\x11TimeZone\0UTC\0")},
    {"BackendKeyData", [](base::Buffer& out) { append_backend_key_data(out, 0x01020304U, 0xFFFEFDFCU); },
     bytes("K\x00\x00\x00\x0c\x01\x02\x03\x04\xff\xfe\xfd\xfc")},
    {"ReadyForQuery", [](base::Buffer& out) { append_ready_for_query(out, 'T'); },
     bytes("Z\x00\x00\x00\x05T")},
    {"ErrorResponse",
     [](base::Buffer& out) { append_error(out, {Severity::fatal, "28P01", "no", "because", "try"}); },
     bytes("E\x00\x00\x00\x2cSFATAL\0VFATAL\0C28P01\0Mno\0Dbecause\0Htry\0\0")},
    {"NoticeResponse",
     [](base::Buffer& out) { append_notice(out, {Severity::notice, "00000", "hear", "", ""}); },
     bytes("N\x00\x00\x00\x22SNOTICE\0VNOTICE\0C00000\0Mhear\0\0")},
    {"ParseComplete", append_parse_complete, bytes("1\x00\x00\x00\x04")},
    {"BindComplete", append_bind_complete, bytes("2\x00\x00\x00\x04")},
    {"CloseComplete", append_close_complete, bytes("3\x00\x00\x00\x04")},
    {"NoData", append_no_data, bytes("n\x00\x00\x00\x04")},
    {"EmptyQueryResponse", append_empty_query, bytes("I\x00\x00\x00\x04")},
    {"PortalSuspended", append_portal_suspended, bytes("s\x00\x00\x00\x04")},
    {"CommandComplete", [](base::Buffer& out) { append_command_complete(out, "SELECT 1"); },
     bytes("C\x00\x00\x00\x0dSELECT 1\0")},
    {"ParameterDescription",
     [](base::Buffer& out) {
         const std::uint32_t oids[] = {23, 0xFFFF'FFFFU};
         append_parameter_description(out, oids);
     },
     bytes("t\x00\x00\x00\x0e\x00\x02\x00\x00\x00\x17\xff\xff\xff\xff")},
    {"RowDescription",
     [](base::Buffer& out) {
         const Column columns[] = {{"a", 23, 4}, {"b"}};
         append_row_description(out, columns);
     },
     bytes("T\x00\x00\x00\x2e\x00\x02"
           "a\0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x17\x00\x04\xff\xff\xff\xff\x00\x00"
           "b\0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x19\xff\xff\xff\xff\xff\xff\x00\x00")},
    {"DataRow",
     [](base::Buffer& out) {
         const std::optional<std::string_view> values[] = {"ab", std::nullopt, ""};
         append_data_row(out, values);
     },
     bytes("D\x00\x00\x00\x14\x00\x03\x00\x00\x00\x02"
           "ab\xff\xff\xff\xff\x00\x00\x00\x00")},
    {"CopyInResponse", [](base::Buffer& out) { append_copy_in_response(out, CopyFormat::text, 2); },
     bytes("G\x00\x00\x00\x0b\x00\x00\x02\x00\x00\x00\x00")},
    {"CopyOutResponse", [](base::Buffer& out) { append_copy_out_response(out, CopyFormat::binary, 1); },
     bytes("H\x00\x00\x00\x09\x01\x00\x01\x00\x01")},
};

TEST(Server, WritesEachMessageByTheBook) {
    for (const Golden& golden : goldens) {
        base::Buffer out;
        golden.append(out);
        EXPECT_EQ(::testing::PrintToString(std::string(out.view())),
                  ::testing::PrintToString(golden.expected))
            << golden.name;
    }
}

TEST(Server, CutsTextsAtAZeroByte) {
    // What lies behind the zero would be read as fields of our making.
    const std::string evil = bytes("good\0Sevil");
    const std::string_view view = evil;
    const Golden rows[] = {
        {"ParameterStatus", [&](base::Buffer& out) { append_parameter_status(out, view, view); },
         bytes("S\x00\x00\x00\x0egood\0good\0")},
        {"CommandComplete", [&](base::Buffer& out) { append_command_complete(out, view); },
         bytes("C\x00\x00\x00\x09good\0")},
        {"AuthenticationSASL",
         [&](base::Buffer& out) { append_authentication_sasl(out, std::span(&view, 1)); },
         bytes("R\x00\x00\x00\x0e\x00\x00\x00\x0agood\0\0")},
        {"ErrorResponse",
         [&](base::Buffer& out) { append_error(out, {Severity::error, "42601", view, view, view}); },
         bytes("E\x00\x00\x00\x2cSERROR\0VERROR\0C42601\0Mgood\0Dgood\0Hgood\0\0")},
    };
    for (const Golden& row : rows) {
        base::Buffer out;
        row.append(out);
        EXPECT_EQ(::testing::PrintToString(std::string(out.view())), ::testing::PrintToString(row.expected))
            << row.name;
    }
    base::Buffer out;
    const Column column{view};
    append_row_description(out, std::span(&column, 1));
    std::vector<ColumnDescription> columns;
    ASSERT_TRUE(decode_row_description(testing::frame_of(out.view()).body, columns));
    ASSERT_EQ(columns.size(), 1U);
    EXPECT_EQ(columns[0].name, "good");
}

ServerError sent(const base::Buffer& out, char type) {
    ServerError error;
    const Frame frame = testing::frame_of(out.view());
    EXPECT_EQ(frame.type, type);
    EXPECT_TRUE(decode(frame.body, error));
    return error;
}

TEST(Server, NeverSendsAnErrorWithoutSqlstateOrMessage) {
    // A client that takes the SQLSTATE for granted falls over one that is missing.
    for (const std::string_view bad :
         {std::string_view(), std::string_view("4260"), std::string_view("426012"), std::string_view("4260x"),
          std::string_view("42\0"
                           "01",
                           5)}) {
        base::Buffer out;
        append_error(out, {Severity::error, bad, "", "", ""});
        const ServerError error = sent(out, 'E');
        EXPECT_EQ(error.sqlstate, "XX000");
        EXPECT_FALSE(error.message.empty());
        EXPECT_EQ(error.severity, "ERROR");
    }
}

TEST(Server, NamesEverySeverity) {
    const std::pair<Severity, std::string_view> rows[] = {
        {Severity::error, "ERROR"}, {Severity::fatal, "FATAL"},     {Severity::panic, "PANIC"},
        {Severity::info, "INFO"},   {Severity::warning, "WARNING"}, {Severity::notice, "NOTICE"},
        {Severity::log, "LOG"},     {Severity::debug, "DEBUG"},
    };
    for (const auto& [severity, name] : rows) {
        base::Buffer out;
        append_notice(out, {severity, "00000", "x", "", ""});
        EXPECT_EQ(sent(out, 'N').severity, name);
    }
}

TEST(Server, TellsOurErrorsWithoutTheirPrivateDetail) {
    base::Error error{base::Code::foreign_home, "Not here.", "Ask there.", "residency/home-by-id",
                      "user 4711"};
    base::Buffer out;
    append_error(out, error);
    ServerError read = sent(out, 'E');
    EXPECT_EQ(read.severity, "ERROR");
    EXPECT_EQ(read.sqlstate, "42501");
    EXPECT_EQ(read.message, "Not here.");
    EXPECT_EQ(read.detail, "Rule: residency/home-by-id.");
    EXPECT_EQ(read.hint, "Ask there.");
    EXPECT_EQ(out.view().find("4711"), std::string_view::npos);

    out.clear();
    error = {base::Code::overloaded, "", "", "", "node 7"};
    append_error(out, error, Severity::fatal);
    read = sent(out, 'E');
    EXPECT_EQ(read.severity, "FATAL");
    EXPECT_EQ(read.message, base::info(base::Code::overloaded).title);
    EXPECT_EQ(read.detail, "");
    EXPECT_EQ(read.hint, "");

    for (const base::CodeInfo& info : base::all_codes()) {
        out.clear();
        append_error(out, base::Error{info.code, "x", "", "", ""});
        EXPECT_EQ(sent(out, 'E').sqlstate, info.sqlstate) << info.slug;
    }
}

TEST(Server, WritesAsMuchAsTheProtocolCanCountAndNoMore) {
    const std::size_t most = base::limits::wire_columns_max;
    base::Buffer out;
    append_row_description(out, std::vector<Column>(most));
    std::vector<ColumnDescription> columns;
    ASSERT_TRUE(decode_row_description(testing::frame_of(out.view()).body, columns));
    EXPECT_EQ(columns.size(), most);
    out.clear();
    append_data_row(out, std::vector<std::optional<std::string_view>>(most));
    EXPECT_TRUE(well_formed_row(testing::frame_of(out.view()).body));
    EXPECT_DEATH(append_row_description(out, std::vector<Column>(most + 1)), "count_max");
    EXPECT_DEATH(append_data_row(out, std::vector<std::optional<std::string_view>>(most + 1)), "count_max");
    EXPECT_DEATH(append_copy_in_response(out, CopyFormat::text, most + 1), "count_max");
    EXPECT_DEATH(append_parameter_description(out, std::vector<std::uint32_t>(65'536)), "count_max");
    EXPECT_DEATH(append_ready_for_query(out, 'X'), "status");
}

}  // namespace
}  // namespace domicile::wire

#include "wire/backend.hpp"

#include "base/limits.hpp"
#include "wire/test_messages.hpp"

#include <gtest/gtest.h>

namespace domicile::wire {
namespace {

using testing::Body;
using testing::bytes;
using testing::Exact;

/// Every decoder as a yes or no, so that truncations and extra bytes are one table for all.
struct Decoder {
    std::string_view name;
    bool (*accepts)(std::string_view body);
    std::string valid;
};

bool accepts_error(std::string_view body) {
    ServerError error;
    return decode(body, error);
}
bool accepts_row_description(std::string_view body) {
    std::vector<ColumnDescription> columns;
    return decode_row_description(body, columns);
}
bool accepts_ready(std::string_view body) {
    char status = 0;
    return decode_ready(body, status);
}
bool accepts_complete(std::string_view body) {
    std::string_view tag;
    return decode_command_complete(body, tag);
}

std::vector<Decoder> decoders() {
    return {
        {"ErrorResponse", accepts_error, testing::error_body({{'S', "ERROR"}, {'C', "23505"}, {'M', "no"}})},
        {"RowDescription", accepts_row_description,
         testing::row_description_body({{.name = "id", .type_oid = 20}, {.name = "", .type_oid = 25}})},
        {"DataRow", well_formed_row, testing::row_body({"7", std::nullopt, "", "text"})},
        {"DataRow without columns", well_formed_row, testing::row_body({})},
        {"ReadyForQuery", accepts_ready, "T"},
        {"CommandComplete", accepts_complete, Body().cstring("INSERT 0 5").str()},
    };
}

TEST(Backend, RefusesEveryTruncationAndEveryExtraByte) {
    for (const Decoder& decoder : decoders()) {
        EXPECT_TRUE(decoder.accepts(Exact(decoder.valid).view())) << decoder.name;
        for (std::size_t size = 0; size < decoder.valid.size(); ++size) {
            const Exact prefix(std::string_view(decoder.valid).substr(0, size));
            EXPECT_FALSE(decoder.accepts(prefix.view())) << decoder.name << " cut to " << size;
        }
        for (const char extra : {'\0', '\x01', 'C', '\xff'}) {
            const Exact longer(decoder.valid + extra);
            EXPECT_FALSE(decoder.accepts(longer.view())) << decoder.name << " and byte " << int{extra};
        }
    }
}

TEST(ErrorResponse, DecodesTheBytesThatPostgresqlSends) {
    const std::string body = bytes(
        "SFEHLER\0VERROR\0C23505\0Mduplicate key\0DKey (id)=(1) exists.\0Hpick "
        "another\0P7\0p3\0qselect\0WSQL function\0"
        "spublic\0tusers\0cid\0dint8\0nusers_pkey\0Fnbtinsert.c\0L663\0R_bt_check_unique\0\0");
    ServerError error;
    ASSERT_TRUE(decode(body, error));
    EXPECT_EQ(error.severity, "ERROR") << "V, which is never translated, not S";
    EXPECT_EQ(error.sqlstate, "23505");
    EXPECT_EQ(error.message, "duplicate key");
    EXPECT_EQ(error.detail, "Key (id)=(1) exists.");
    EXPECT_EQ(error.hint, "pick another");
    EXPECT_EQ(error.context, "SQL function");
    EXPECT_EQ(error.table, "users");
    EXPECT_EQ(error.column, "id");
    EXPECT_EQ(error.constraint, "users_pkey");
}

TEST(ErrorResponse, ForgetsWhatAnEarlierOneSaid) {
    ServerError error;
    const std::string first = testing::error_body("23505");
    ASSERT_TRUE(decode(first, error));
    const std::string empty = bytes("\0");
    ASSERT_TRUE(decode(empty, error));
    EXPECT_EQ(error.sqlstate, "");
    EXPECT_EQ(error.message, "");
}

TEST(ErrorResponse, TakesOnlyASqlstateForASqlstate) {
    // CVE-2026-6666 of PgBouncer: an ErrorResponse without SQLSTATE was read through a null pointer.
    EXPECT_TRUE(accepts_error(testing::error_body({{'M', "no"}})));
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"57P01", "57P01"}, {"", ""},      {"2350", ""},     {"235055", ""},
        {"2350\n", ""},     {"23a05", ""}, {"\x1b[2J]", ""},
    };
    for (const auto& [sent, taken] : rows) {
        ServerError error;
        const std::string body = testing::error_body(sent);
        ASSERT_TRUE(decode(body, error));
        EXPECT_EQ(error.sqlstate, taken) << sent;
    }
}

TEST(ErrorResponse, IgnoresFieldsOfTheFuture) {
    ServerError error;
    const std::string body = testing::error_body({{'?', "what"}, {'C', "0A000"}, {'\x7f', ""}});
    ASSERT_TRUE(decode(body, error));
    EXPECT_EQ(error.sqlstate, "0A000");
}

TEST(RowDescription, DecodesTheBytesThatPostgresqlSends) {
    const std::string body = bytes(
        "\x00\x02"
        "id\0\x00\x00\x40\x01\x00\x01\x00\x00\x00\x14\x00\x08\xff\xff\xff\xff\x00\x00"
        "total\0\x00\x00\x00\x00\x00\x00\x00\x00\x06\xa4\xff\xff\x00\x0c\x00\x06\x00\x01");
    std::vector<ColumnDescription> columns;
    ASSERT_TRUE(decode_row_description(body, columns));
    ASSERT_EQ(columns.size(), 2U);
    EXPECT_EQ(columns[0].name, "id");
    EXPECT_EQ(columns[0].table_oid, 0x4001U);
    EXPECT_EQ(columns[0].attribute, 1);
    EXPECT_EQ(columns[0].type_oid, 20U);
    EXPECT_EQ(columns[0].type_size, 8);
    EXPECT_EQ(columns[0].type_modifier, -1);
    EXPECT_EQ(columns[0].format, 0);
    EXPECT_EQ(columns[1].name, "total");
    EXPECT_EQ(columns[1].type_oid, 1700U);
    EXPECT_EQ(columns[1].type_size, -1);
    EXPECT_EQ(columns[1].type_modifier, (12 << 16) + 2 + 4) << "numeric(12,2), PostgreSQL: VARHDRSZ";
    EXPECT_EQ(columns[1].format, 1);
}

TEST(RowDescription, BoundsTheColumnsBeforeItReservesForThem) {
    const auto with = [](std::size_t count) {
        return testing::row_description_body(
            std::vector<ColumnDescription>(count, ColumnDescription{.name = "c"}));
    };
    EXPECT_TRUE(accepts_row_description(with(0)));
    EXPECT_TRUE(accepts_row_description(with(base::limits::wire_columns_max)));
    EXPECT_FALSE(accepts_row_description(with(base::limits::wire_columns_max + 1)));
    std::vector<ColumnDescription> columns;
    EXPECT_FALSE(decode_row_description(bytes("\xff\xff"), columns));
    EXPECT_EQ(columns.capacity(), 0U);
    EXPECT_FALSE(accepts_row_description(Body().u16(1).raw(std::string(40, 'n')).str()))
        << "a name that never ends";
}

TEST(DataRow, DecodesTheBytesThatPostgresqlSends) {
    const std::string body = bytes("\x00\x03\x00\x00\x00\x01\x37\xff\xff\xff\xff\x00\x00\x00\x00");
    RowReader reader(body);
    EXPECT_EQ(reader.columns(), 3);
    EXPECT_EQ(reader.next(), "7");
    EXPECT_EQ(reader.next(), std::nullopt) << "SQL NULL";
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.next(), "") << "an empty text is not NULL";
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.next(), std::nullopt);
    EXPECT_FALSE(reader.ok()) << "there is no fourth field";
}

TEST(DataRow, RefusesBadCountsAndLengths) {
    const std::string rows[] = {
        Body().u16(0xFFFF).str(),                           // 65535 columns and no data
        Body().u16(1).u32(0xFFFF'FFFEU).str(),              // length -2
        Body().u16(1).u32(0x8000'0000U).raw("x").str(),     // the most negative length
        Body().u16(1).u32(0x7FFF'FFFFU).raw("x").str(),     // 2 GiB announced
        Body().u16(1).u32(2).raw("x").str(),                // one byte short
        Body().u16(2).u32(1).raw("x").str(),                // the second field is missing
        Body().u16(1).u32(1).raw("xy").str(),               // one byte more
        Body().u16(0).raw("x").str(),                       // no column, yet data
        Body().u16(2).u32(0xFFFF'FFFFU).raw("\xff").str(),  // cut inside a length
    };
    for (const std::string& body : rows) {
        const Exact exact(body);
        EXPECT_FALSE(well_formed_row(exact.view())) << ::testing::PrintToString(body);
        RowReader reader(exact.view());
        for (int i = 0; i < 3; ++i) {
            static_cast<void>(reader.next());
        }
        EXPECT_FALSE(reader.ok());
    }
}

TEST(ReadyForQuery, TakesTheThreeStatesOnly) {
    for (int byte = 0; byte < 256; ++byte) {
        char status = 0;
        const std::string body(1, static_cast<char>(byte));
        const bool known = byte == 'I' || byte == 'T' || byte == 'E';
        EXPECT_EQ(decode_ready(body, status), known) << byte;
        EXPECT_EQ(status, known ? static_cast<char>(byte) : '\0')
            << "a refused body must not change the state";
    }
}

TEST(CommandComplete, CountsTheRowsOfEachTag) {
    const std::pair<std::string_view, std::uint64_t> rows[] = {
        {"INSERT 0 5", 5},
        {"UPDATE 3", 3},
        {"DELETE 0", 0},
        {"SELECT 18446744073709551615", 18'446'744'073'709'551'615U},
        {"SELECT 18446744073709551616", 0},  // does not fit
        {"COPY 7", 7},
        {"BEGIN", 0},
        {"CREATE TABLE", 0},
        {"UPDATE -1", 0},
        {"UPDATE +1", 0},
        {"UPDATE 1x", 0},
        {"UPDATE ", 0},
        {" ", 0},
        {"", 0},
    };
    for (const auto& [tag, count] : rows) {
        EXPECT_EQ(affected_rows(Exact(tag).view()), count) << tag;
    }
    std::string_view tag;
    const std::string body = bytes("UPDATE 3\0");
    EXPECT_TRUE(decode_command_complete(body, tag));
    EXPECT_EQ(tag, "UPDATE 3");
    EXPECT_FALSE(accepts_complete(bytes("UPDATE 3\0DELETE 1\0"))) << "a second tag";
}

}  // namespace
}  // namespace domicile::wire

#include "session/copy_split.hpp"

#include <gtest/gtest.h>

namespace domicile::session {
namespace {

struct Outcome {
    std::string rows;  // "id:bytes|…"
    std::string error;
};

/// The stream in pieces of `piece` bytes.
Outcome split(CopyFormat format, std::string_view stream, std::size_t piece) {
    Outcome outcome;
    CopySplit splitter(format, [&](std::int64_t id, std::string_view bytes) {
        outcome.rows += std::to_string(id) + ":" + std::string(bytes) + "|";
        return base::Status{};
    });
    base::Status done;
    for (std::size_t at = 0; at < stream.size() && done; at += piece) {
        done = splitter.put(stream.substr(at, piece));
    }
    if (done) {
        done = splitter.end();
    }
    outcome.error = done ? "" : done.error().text;
    return outcome;
}

TEST(CopySplit, CutsRowsWhereverThePiecesEnd) {
    CopyFormat text;
    text.key_column = 1;
    CopyFormat csv;
    csv.kind = CopyFormat::Kind::csv;
    csv.delimiter = ',';
    csv.key_column = 1;
    CopyFormat headed = csv;
    headed.header = true;
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 1000U}) {
        EXPECT_EQ(split(text, "a\t1\tx\nb\\\tc\t-2\t\\N\n\\\\\t3", piece).rows,
                  "1:a\t1\tx\n|-2:b\\\tc\t-2\t\\N\n|3:\\\\\t3\n|");
        EXPECT_EQ(split(text, "a\\\nb\t4\r\nc\t5\r\n", piece).rows, "4:a\\\nb\t4\r\n|5:c\t5\r\n|");
        EXPECT_EQ(split(text, "a\t1\n\\.\nb\t2\n", piece).rows, "1:a\t1\n|");
        EXPECT_EQ(split(csv, "a,1\n\"x,\"\"y\n\"\"\",\"2\",z\n", piece).rows,
                  "1:a,1\n|2:\"x,\"\"y\n\"\"\",\"2\",z\n|");
        EXPECT_EQ(split(headed, "n,id\nb,7\n", piece).rows, "7:b,7\n|");
        for (const auto bad :
             {"a\n", "a\t\\N\n", "a\tx\n", "a\t\n", "a\t99999999999999999999\n", "a\t1.5\n"}) {
            EXPECT_NE(split(text, bad, piece).error, "") << bad;
        }
    }
}

TEST(CopySplit, ReadsBinaryTuples) {
    CopyFormat binary;
    binary.kind = CopyFormat::Kind::binary;
    binary.key_column = 1;
    const std::string header("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
    const std::string row("\0\2\0\0\0\1x\0\0\0\4\0\0\0\7", 15);
    const std::string null_first("\0\2\377\377\377\377\0\0\0\2\377\376", 12);
    const std::string trailer("\377\377", 2);
    for (const std::size_t piece : {1U, 5U, 100U}) {
        const auto outcome = split(binary, header + row + null_first + trailer, piece);
        EXPECT_EQ(outcome.error, "");
        EXPECT_EQ(outcome.rows, "7:" + row + "|-2:" + null_first + "|");
        EXPECT_NE(split(binary, header + row.substr(0, 9), piece).error, "");
        EXPECT_NE(split(binary, std::string(30, 'x'), piece).error, "");
    }
}

TEST(CopySplit, UnderstandsBothStylesOfOptions) {
    const auto plain = parse_copy("COPY users FROM STDIN", true);
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->table, "users");
    EXPECT_EQ(plain->format.delimiter, '\t');
    const auto csv = parse_copy(
        "copy public.\"users\" (name, \"User_Id\") from stdin with (format csv, header true, "
        "delimiter ';', null '')",
        true);
    ASSERT_TRUE(csv);
    EXPECT_EQ(csv->columns, (std::vector<std::string>{"name", "User_Id"}));
    EXPECT_EQ(csv->format.delimiter, ';');
    EXPECT_TRUE(csv->format.header);
    const auto old =
        parse_copy("COPY users FROM STDIN WITH CSV HEADER QUOTE AS '''' DELIMITER AS E'\\t'", true);
    ASSERT_TRUE(old);
    EXPECT_EQ(old->format.quote, '\'');
    EXPECT_EQ(old->format.delimiter, '\t');
    const auto pgx = parse_copy("copy \"users\" ( \"user_id\" ) from stdin binary;", true);
    ASSERT_TRUE(pgx);
    EXPECT_EQ(pgx->format.kind, CopyFormat::Kind::binary);
    EXPECT_FALSE(parse_copy("COPY users FROM STDIN WITH (FORCE_NULL (a))", true));
    EXPECT_FALSE(parse_copy("COPY users FROM STDIN WHERE user_id > 4", true));
}

}  // namespace
}  // namespace domicile::session

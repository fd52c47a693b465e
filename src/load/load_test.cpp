#include "load/copy_text.hpp"
#include "load/csv.hpp"
#include "load/people.hpp"
#include "load/spec.hpp"

#include <gtest/gtest.h>

namespace domicile::load {
namespace {

std::vector<std::vector<std::string>> read_all(std::string_view text, std::size_t piece) {
    CsvReader csv;
    std::vector<std::vector<std::string>> records;
    Record record;
    for (std::size_t at = 0; at <= text.size(); at += piece) {
        csv.feed(text.substr(at, piece), at + piece > text.size());
        for (;;) {
            const auto more = csv.next(record);
            EXPECT_TRUE(more) << more.error().text;
            if (!more || !*more) {
                break;
            }
            records.push_back(record.fields);
        }
    }
    return records;
}

TEST(Csv, ReadsRfc4180InPiecesOfAnySize) {
    const std::string_view text = "a,b,c\r\n1,\"x, \"\"y\"\"\nz\",\n\"\",,\"q\"\n\nlast,\"end\"";
    const std::vector<std::vector<std::string>> expected = {
        {"a", "b", "c"}, {"1", "x, \"y\"\nz", ""}, {"", "", "q"}, {""}, {"last", "end"}};
    for (std::size_t piece = 1; piece <= text.size() + 1; ++piece) {
        EXPECT_EQ(read_all(text, piece), expected) << "pieces of " << piece;
    }
}

TEST(Csv, CountsLinesAndRefusesBrokenQuotes) {
    CsvReader csv;
    Record record;
    csv.feed("a\n\"b\nb\"\nc\n", true);
    std::vector<std::uint64_t> lines;
    for (auto more = csv.next(record); more && *more; more = csv.next(record)) {
        lines.push_back(record.line);
    }
    EXPECT_EQ(lines, (std::vector<std::uint64_t>{1, 2, 4}));
    for (const std::string_view broken : {"\"a", "\"a\"b,c\n"}) {
        CsvReader reader;
        reader.feed(broken, true);
        EXPECT_FALSE(reader.next(record)) << broken;
    }
}

TEST(Csv, WritesWhatItReads) {
    const std::vector<std::string> fields = {"plain", "a,b", "q\"q", "line\nbreak", ""};
    std::string text;
    append_csv(text, fields);
    EXPECT_EQ(read_all(text, 1'000), (std::vector<std::vector<std::string>>{fields}));
}

TEST(CopyText, EscapesWhatWouldEndARowOrAField) {
    std::string out;
    append_copy_value(out, "a\tb\nc\\d\re\\.");
    EXPECT_EQ(out, "a\\tb\\nc\\\\d\\re\\\\.");
    out.clear();
    append_copy_value(out, std::nullopt);
    EXPECT_EQ(out, "\\N");
}

TEST(People, TheLastCountryIsHome) {
    People people;
    people.see("1", "AT");
    people.see("1", "CY");
    people.see("", "GB");
    people.see("", "GB");
    EXPECT_EQ(people.count(), 1U);
    EXPECT_EQ(people.find("1", "XX")->country, "CY");
    EXPECT_EQ(people.find("1", "XX")->countries.size(), 2U);
    EXPECT_NE(people.find("", "GB"), nullptr);
    EXPECT_EQ(people.find("", "AT"), nullptr);
    EXPECT_EQ(people.all().size(), 2U);
}

TEST(Spec, NamesTheLineOfWhatIsWrong) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"name = 1", "\"name\""},
        {"name = \"x\"\nfoo = 1", "Line 2"},
        {"name = \"x\"", "people"},
        {"name = \"x\"\n[people]\nfile = \"f\"\nperson = \"p\"", "\"country\""},
        {"name = ", "Line 1"},
        {"name = \"x\"\n[countries]\nA = \"AUT\"", "alpha-2"},
        {"name = \"x\"\n[people]\nfile = \"f\"\nperson = \"p\"\ncountry = \"c\"\n[people.columns]\na = { "
         "person = \"b\" }",
         "Line 7"},
    };
    for (const auto& [text, what] : rows) {
        const auto spec = parse_spec(text, "/");
        ASSERT_FALSE(spec) << text;
        EXPECT_NE(spec.error().text.find(what), std::string::npos) << spec.error().text;
    }
}

}  // namespace
}  // namespace domicile::load

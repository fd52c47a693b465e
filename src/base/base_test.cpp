#include "base/buffer.hpp"
#include "base/decimal.hpp"
#include "base/error.hpp"
#include "base/metrics.hpp"
#include "base/secret.hpp"

#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

namespace domicile::base {
namespace {

TEST(Buffer, KeepsOrderThroughGrowthAndConsumption) {
    Buffer buffer;
    std::string expected;
    for (int i = 0; i < 5'000; ++i) {
        const std::string piece = std::to_string(i) + ";";
        buffer.append(piece);
        expected += piece;
        if (i % 3 == 0) {
            const std::size_t count = std::min<std::size_t>(expected.size(), 7);
            EXPECT_EQ(buffer.view().substr(0, count), expected.substr(0, count));
            buffer.consume(count);
            expected.erase(0, count);
        }
    }
    EXPECT_EQ(buffer.view(), expected);
    // A queue that is emptied as fast as it is filled must not grow without end.
    buffer.consume(buffer.size());
    for (int i = 0; i < 100'000; ++i) {
        buffer.append("0123456789");
        if (i > 0) {
            buffer.consume(10);
        }
    }
    EXPECT_LT(buffer.capacity(), 64U << 10U);
}

TEST(Buffer, WritesIntegersBigEndianAndPatchesLengths) {
    Buffer buffer;
    buffer.append_u8(0x01);
    buffer.append_u16(0x0203);
    buffer.append_u32(0x04050607);
    buffer.append_cstring("ab");
    EXPECT_EQ(buffer.view(), std::string_view("\x01\x02\x03\x04\x05\x06\x07"
                                              "ab\0",
                                              10));
    buffer.patch_u32(3, 0xFFFEFDFC);
    EXPECT_EQ(buffer.view().substr(3, 4), "\xFF\xFE\xFD\xFC");
}

TEST(Secret, IsEmptyAfterItMoved) {
    Secret<std::string> first(std::string("a long enough secret to leave the small buffer"));
    const Secret<std::string> second(std::move(first));
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(second.reveal().size(), 46U);
}

TEST(Metrics, WriteOpenMetricsText) {
    Metrics metrics;
    metrics.counter("domicile_things", "Things seen", {{"kind", "a\"b\\c\nd"}}).add(3);
    metrics.gauge("domicile_level", "A level").set(-4);
    metrics.histogram("domicile_time_seconds", "A time").observe_us(300);
    EXPECT_EQ(&metrics.counter("domicile_things", "", {{"kind", "x"}}),
              &metrics.counter("domicile_things", "", {{"kind", "x"}}));
    const std::string text = metrics.text();
    EXPECT_NE(text.find("# TYPE domicile_things counter\n# HELP domicile_things Things seen\n"
                        "domicile_things_total{kind=\"a\\\"b\\\\c\\nd\"} 3\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("domicile_level -4\n"), std::string::npos);
    EXPECT_NE(text.find("domicile_time_seconds_bucket{le=\"0.000250\"} 0\n"), std::string::npos);
    EXPECT_NE(text.find("domicile_time_seconds_bucket{le=\"0.000500\"} 1\n"), std::string::npos);
    EXPECT_NE(text.find("domicile_time_seconds_bucket{le=\"+Inf\"} 1\n"), std::string::npos);
    EXPECT_NE(text.find("domicile_time_seconds_sum 0.000300\n"), std::string::npos);
    EXPECT_TRUE(text.ends_with("# EOF\n"));
}

TEST(Errors, HaveDistinctStableSlugsAndStandInTheDocs) {
    std::ifstream file(DOMICILE_SOURCE_DIR "/docs/errors.md");
    std::stringstream page;
    page << file.rdbuf();
    std::set<std::string_view> slugs;
    for (const CodeInfo& one : all_codes()) {
        EXPECT_TRUE(slugs.insert(one.slug).second) << one.slug;
        EXPECT_EQ(one.sqlstate.size(), 5U) << one.slug;
        const std::string row = "| `" + std::string(one.slug) + "` | " + std::to_string(one.http_status) +
                                " | `" + std::string(one.sqlstate) + "` |";
        EXPECT_NE(page.str().find(row), std::string::npos) << "docs/errors.md lacks: " << row;
    }
}

TEST(Decimal, AddsAndMultipliesExactly) {
    Decimal sum;
    for (int i = 0; i < 10; ++i) {
        sum += *Decimal::parse("0.1");
    }
    EXPECT_EQ(sum.text(), "1.00");
    EXPECT_EQ((*Decimal::parse("-12") * *Decimal::parse("2.555")).text(), "-30.66");
    EXPECT_EQ((*Decimal::parse("-80995") * *Decimal::parse("2.08")).text(), "-168469.60");
    EXPECT_EQ(Decimal::parse("9747747.934")->text(), "9747747.934");
    EXPECT_EQ(Decimal::parse("-0.001")->text(), "-0.001");
    for (const std::string_view text :
         {"", "-", ".", "1.", "1e3", "0x1", "1,5", " 1", "1.1234567", "1234567890123456789"}) {
        EXPECT_FALSE(Decimal::parse(text)) << text;
    }
}

}  // namespace
}  // namespace domicile::base

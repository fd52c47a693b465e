#include "session/sort_keys.hpp"

#include <string>

#include <gtest/gtest.h>

namespace domicile::session {
namespace {

std::string big_endian(std::uint64_t value, int bytes) {
    std::string text;
    for (int i = bytes - 1; i >= 0; --i) {
        text += static_cast<char>(value >> (8 * i));
    }
    return text;
}

std::string numeric(std::int16_t weight, std::uint16_t sign, std::initializer_list<std::uint16_t> digits) {
    std::string text = big_endian(digits.size(), 2) + big_endian(static_cast<std::uint16_t>(weight), 2) +
                       big_endian(sign, 2) + big_endian(0, 2);
    for (const auto digit : digits) {
        text += big_endian(digit, 2);
    }
    return text;
}

void ordered(std::uint32_t type, const std::vector<std::string>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        for (std::size_t j = 0; j < values.size(); ++j) {
            const int compared = compare_keys(type, values[i], values[j]);
            EXPECT_EQ(compared < 0, i < j) << type << ": " << i << " and " << j;
            EXPECT_EQ(compared == 0, i == j) << type << ": " << i << " and " << j;
        }
    }
}

TEST(SortKeys, OrdersAsPostgresql) {
    ordered(20, {big_endian(std::uint64_t{1} << 63U, 8), big_endian(~std::uint64_t{0}, 8), big_endian(0, 8),
                 big_endian(7, 8)});
    ordered(23, {big_endian(0x80000000U, 4), big_endian(0xFFFFFFFFU, 4), big_endian(0, 4), big_endian(5, 4)});
    ordered(701, {big_endian(0xFFF0000000000000U, 8), big_endian(0xBFF0000000000000U, 8), big_endian(0, 8),
                  big_endian(0x3FF0000000000000U, 8), big_endian(0x7FF0000000000000U, 8),
                  big_endian(0x7FF8000000000000U, 8)});
    ordered(1700,
            {numeric(0, 0xF000, {}), numeric(1, 0x4000, {1, 5}), numeric(0, 0x4000, {12}),
             numeric(-1, 0x4000, {1}), numeric(0, 0, {}), numeric(-1, 0, {1}), numeric(0, 0, {12}),
             numeric(0, 0, {12, 1}), numeric(1, 0, {1}), numeric(0, 0xD000, {}), numeric(0, 0xC000, {})});
    ordered(25, {"", "A", "AB", "a", "\xC3\xA9"});
    ordered(16, {big_endian(0, 1), big_endian(1, 1)});
    EXPECT_EQ(compare_keys(1042, "ab  ", "ab"), 0) << "char(n) ignores blanks at the end";
    EXPECT_EQ(compare_keys(1186, big_endian(0, 8) + big_endian(30, 4) + big_endian(0, 4),
                           big_endian(0, 8) + big_endian(0, 4) + big_endian(1, 4)),
              0)
        << "a month has thirty days";
    EXPECT_FALSE(sortable(25, false));
    EXPECT_TRUE(sortable(25, true));
    EXPECT_FALSE(sortable(3802, true));
}

}  // namespace
}  // namespace domicile::session

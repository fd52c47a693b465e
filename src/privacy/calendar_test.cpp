#include "privacy/calendar.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace domicile::privacy {
namespace {

using namespace std::chrono;

Date date(const char* text) {
    Date day{};
    EXPECT_TRUE(read_date(text, day)) << text;
    return day;
}

// Dates as printed in almanacs.
TEST(Calendar, KnowsEaster) {
    for (const char* known :
         {"2000-04-23", "2008-03-23", "2011-04-24", "2019-04-21", "2024-03-31", "2025-04-20", "2026-04-05",
          "2027-03-28", "2028-04-16", "2029-04-01", "2030-04-21", "2038-04-25", "2049-04-18"}) {
        EXPECT_EQ(text_of(easter_sunday(date(known).year())), known);
    }
}

TEST(Calendar, AnswersAreDueByRegulation1182) {
    const std::vector<std::string> holidays = {"01-01",    "05-01",    "12-25",     "12-26",
                                               "easter-2", "easter+1", "2026-05-14"};
    struct Case {
        const char* received;
        int months;
        const char* due;
        const char* why;
    };
    for (const auto& [received, months, expected, why] : {
             Case{"2026-11-27", 1, "2026-12-28", "Sunday"},
             Case{"2026-03-10", 1, "2026-04-10", "the same date"},
             Case{"2026-01-31", 1, "2026-03-02", "the last of February, a Saturday"},
             Case{"2024-01-31", 1, "2024-02-29", "a leap year"},
             Case{"2025-01-30", 1, "2025-02-28", "no 30 February"},
             Case{"2026-11-25", 1, "2026-12-28", "Christmas, St Stephen's, Sunday"},
             Case{"2025-12-01", 1, "2026-01-02", "New Year's Day"},
             Case{"2026-03-03", 1, "2026-04-07", "Good Friday, the weekend, Easter Monday"},
             Case{"2026-04-14", 1, "2026-05-15", "a holiday of one year"},
             Case{"2025-04-14", 1, "2025-05-14", "… and of no other"},
             Case{"2026-11-30", 3, "2027-03-01", "extended: the last of February, a Sunday"},
             Case{"2026-12-31", 3, "2027-03-31", "extended, over the year"},
         }) {
        EXPECT_EQ(text_of(due(date(received), months, holidays)), expected) << received << ": " << why;
    }
}

// Every day of seven years, against a slow and obvious reckoning by days.
TEST(Calendar, EveryDay2024To2030) {
    const std::vector<std::string> holidays = {"01-01", "05-01", "12-25", "12-26", "easter+1"};
    const auto length = [](int y, int m) {
        constexpr std::array days_of{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        return m == 2 && y % 4 == 0 ? 29 : days_of[static_cast<std::size_t>(m - 1)];
    };
    int weekday_index = 0;  // 1 January 2024 was a Monday
    int y = 2024;
    int m = 1;
    int d = 1;
    const auto holiday = [](int year_, int month_, int day_) {
        constexpr std::pair<int, int> mondays[] = {{4, 1},  {4, 21}, {4, 6},  {3, 29},
                                                   {4, 17}, {4, 2},  {4, 22}, {4, 14}};
        const auto [em, ed] = mondays[static_cast<std::size_t>(year_ - 2024)];
        return (month_ == 1 && day_ == 1) || (month_ == 5 && day_ == 1) ||
               (month_ == 12 && (day_ == 25 || day_ == 26)) || (month_ == em && day_ == ed);
    };
    int count = 0;
    while (y <= 2030) {
        for (const int period : {answer_months, extended_months}) {
            int ey = y + (m + period - 1) / 12;
            int em = (m + period - 1) % 12 + 1;
            int ed = std::min(d, length(ey, em));
            int distance = 0;  // days from (y, m, d)
            for (int a = y, b = m, c = d; a != ey || b != em || c != ed; ++distance) {
                if (++c > length(a, b)) {
                    c = 1;
                    b = b % 12 + 1;
                    a += b == 1 ? 1 : 0;
                }
            }
            while ((weekday_index + distance) % 7 >= 5 || holiday(ey, em, ed)) {
                ++distance;
                if (++ed > length(ey, em)) {
                    ed = 1;
                    em = em % 12 + 1;
                    ey += em == 1 ? 1 : 0;
                }
            }
            const Date received{year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))};
            const Date expected{year(ey), month(static_cast<unsigned>(em)), day(static_cast<unsigned>(ed))};
            const Date found = due(received, period, holidays);
            ASSERT_EQ(text_of(found), text_of(expected)) << text_of(received) << " + " << period;
            ASSERT_EQ(days_between(received, found), distance);
            ++count;
        }
        weekday_index = (weekday_index + 1) % 7;
        if (++d > length(y, m)) {
            d = 1;
            m = m % 12 + 1;
            y += m == 1 ? 1 : 0;
        }
    }
    EXPECT_EQ(count, 2 * 2'557);
}

TEST(Calendar, ReadsDatesOnly) {
    Date day{};
    for (const char* bad : {"", "2026-02-30", "2026-13-01", "26-01-01", "2026-1-1", "2026-01-01T",
                            "x026-01-01", "2026-00-10"}) {
        EXPECT_FALSE(read_date(bad, day)) << bad;
    }
}

}  // namespace
}  // namespace domicile::privacy

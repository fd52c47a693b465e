#include "privacy/calendar.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace domicile::privacy {
namespace {

using namespace std::chrono;

bool read_number(std::string_view text, int& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

bool falls_on(std::string_view holiday, Date date) {
    constexpr std::string_view easter = "easter";
    if (holiday.starts_with(easter)) {
        int distance = 0;
        auto number = holiday.substr(easter.size());
        number.remove_prefix(number.starts_with('+') ? 1 : 0);
        return read_number(number, distance) &&
               sys_days(easter_sunday(date.year())) + days(distance) == sys_days(date);
    }
    const std::string text = text_of(date);
    return holiday.size() == text.size() ? holiday == text : std::string_view(text).ends_with(holiday);
}

}  // namespace

// The rule in the form of Gauss as corrected for the Gregorian calendar (anonymous, Nature, 1876).
Date easter_sunday(year which) {
    const int y = int(which);
    const int golden = y % 19;
    const int century = y / 100;
    const int leaps = century / 4;
    const int moon = (19 * golden + century - leaps - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
    const int weekday_shift = (32 + 2 * (century % 4) + 2 * (y % 100 / 4) - moon - y % 100 % 4) % 7;
    const int late = (golden + 11 * moon + 22 * weekday_shift) / 451;
    const int sum = moon + weekday_shift - 7 * late + 114;
    return {which, month(static_cast<unsigned>(sum / 31)), day(static_cast<unsigned>(sum % 31 + 1))};
}

bool is_working_day(Date date, std::span<const std::string> holidays) {
    const weekday which{sys_days(date)};
    return which != Saturday && which != Sunday &&
           std::ranges::none_of(holidays,
                                [&](const std::string& holiday) { return falls_on(holiday, date); });
}

Date due(Date received, int count, std::span<const std::string> holidays) {
    const year_month last_month = year_month(received.year(), received.month()) + months(count);
    Date end = last_month / received.day();
    if (!end.ok()) {
        end = sys_days(last_month / last);
    }
    while (!is_working_day(end, holidays)) {
        end = sys_days(end) + days(1);
    }
    return end;
}

std::string text_of(Date date) {
    char text[16];
    const int size = std::snprintf(text, sizeof text, "%04d-%02u-%02u", int(date.year()),
                                   unsigned(date.month()), unsigned(date.day()));
    return {text, static_cast<std::size_t>(size)};
}

bool read_date(std::string_view text, Date& date) {
    int y = 0;
    int m = 0;
    int d = 0;
    if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !read_number(text.substr(0, 4), y) ||
        !read_number(text.substr(5, 2), m) || !read_number(text.substr(8), d)) {
        return false;
    }
    date = {year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))};
    return date.ok();
}

int days_between(Date from, Date to) {
    return static_cast<int>((sys_days(to) - sys_days(from)).count());
}

}  // namespace domicile::privacy

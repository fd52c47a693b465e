#pragma once
// When an answer is due. Regulation (EEC, Euratom) 1182/71: the day of receipt does not count; a period of
// months ends on the day of the same date, or the last day of a month without one (Art. 3(1), (2)(c)); and
// not on a Saturday, a Sunday or a public holiday, but on the next working day (Art. 3(4)). Pure.

#include <chrono>
#include <span>
#include <string>
#include <string_view>

namespace domicile::privacy {

using Date = std::chrono::year_month_day;

/// GDPR Art. 12(3): one month, and two more where necessary, with reasons.
inline constexpr int answer_months = 1;
inline constexpr int extended_months = 3;

/// Gregorian.
[[nodiscard]] Date easter_sunday(std::chrono::year year);
/// `holidays` as the topology writes them: "12-25", "2026-05-14", "easter+1".
[[nodiscard]] bool is_working_day(Date day, std::span<const std::string> holidays);
/// The last day of the period of so many months that a receipt on that day begins.
[[nodiscard]] Date due(Date received, int months, std::span<const std::string> holidays);

/// "2026-11-27"; nothing but that is read.
[[nodiscard]] std::string text_of(Date day);
[[nodiscard]] bool read_date(std::string_view text, Date& day);
[[nodiscard]] int days_between(Date from, Date to);

}  // namespace domicile::privacy

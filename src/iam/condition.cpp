#include "iam/condition.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <chrono>
#include <cmath>

namespace domicile::iam {
namespace {

struct Name {
    std::string_view name;
    Compare compare;
    bool negated;
};
constexpr std::array names{
    Name{"StringEquals", Compare::string_equals, false},
    Name{"StringNotEquals", Compare::string_equals, true},
    Name{"StringEqualsIgnoreCase", Compare::string_equals_ignore_case, false},
    Name{"StringNotEqualsIgnoreCase", Compare::string_equals_ignore_case, true},
    Name{"StringLike", Compare::string_like, false},
    Name{"StringNotLike", Compare::string_like, true},
    Name{"NumericEquals", Compare::numeric_equals, false},
    Name{"NumericNotEquals", Compare::numeric_equals, true},
    Name{"NumericLessThan", Compare::numeric_less, false},
    Name{"NumericLessThanEquals", Compare::numeric_less_equal, false},
    Name{"NumericGreaterThan", Compare::numeric_greater, false},
    Name{"NumericGreaterThanEquals", Compare::numeric_greater_equal, false},
    Name{"DateEquals", Compare::date_equals, false},
    Name{"DateNotEquals", Compare::date_equals, true},
    Name{"DateLessThan", Compare::date_less, false},
    Name{"DateLessThanEquals", Compare::date_less_equal, false},
    Name{"DateGreaterThan", Compare::date_greater, false},
    Name{"DateGreaterThanEquals", Compare::date_greater_equal, false},
    Name{"Bool", Compare::boolean, false},
    Name{"BinaryEquals", Compare::binary, false},
    Name{"IpAddress", Compare::ip_address, false},
    Name{"NotIpAddress", Compare::ip_address, true},
    Name{"ArnEquals", Compare::arn, false},
    Name{"ArnLike", Compare::arn, false},
    Name{"ArnNotEquals", Compare::arn, true},
    Name{"ArnNotLike", Compare::arn, true},
    Name{"Null", Compare::null, false},
};

bool take(std::string_view& text, std::size_t digits, int& value) {
    if (text.size() < digits) {
        return false;
    }
    const auto part = text.substr(0, digits);
    const auto [end, failed] = std::from_chars(part.data(), part.data() + digits, value);
    text.remove_prefix(digits);
    return failed == std::errc() && end == part.data() + digits && part[0] != '-';
}

bool take(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

/// The six parts; the last keeps its colons. False for what is no ARN.
bool split_arn(std::string_view text, std::array<std::string_view, 6>& parts) {
    for (std::size_t i = 0; i < 5; ++i) {
        const auto colon = text.find(':');
        if (colon == std::string_view::npos) {
            return false;
        }
        parts[i] = text.substr(0, colon);
        text.remove_prefix(colon + 1);
    }
    parts[5] = text;
    return true;
}

Pattern::Result matches(const Condition& condition, const Condition::Value& expected, std::string_view value,
                        const Lookup& lookup) {
    using Result = Pattern::Result;
    const auto result = [](bool yes) { return yes ? Result::yes : Result::no; };
    const auto number = [&](auto compare) {
        const auto given = parse_number(value);
        return result(given && compare(*given, expected.number));
    };
    const auto date = [&](auto compare) {
        const auto given = parse_date(value);
        return result(given && compare(*given, expected.date));
    };
    switch (condition.op.compare) {
        case Compare::string_equals:
        case Compare::string_like: return expected.pattern.match(value, lookup);
        case Compare::string_equals_ignore_case: return expected.pattern.match(value, lookup, true);
        case Compare::numeric_equals: return number(std::equal_to<>());
        case Compare::numeric_less: return number(std::less<>());
        case Compare::numeric_less_equal: return number(std::less_equal<>());
        case Compare::numeric_greater: return number(std::greater<>());
        case Compare::numeric_greater_equal: return number(std::greater_equal<>());
        case Compare::date_equals: return date(std::equal_to<>());
        case Compare::date_less: return date(std::less<>());
        case Compare::date_less_equal: return date(std::less_equal<>());
        case Compare::date_greater: return date(std::greater<>());
        case Compare::date_greater_equal: return date(std::greater_equal<>());
        case Compare::boolean: return result(lower(value) == expected.bytes);
        case Compare::binary: return result(value == expected.bytes);
        case Compare::ip_address: {
            const auto address = parse_network(value);
            return result(address && expected.network.holds(*address));
        }
        case Compare::arn: {
            std::array<std::string_view, 6> parts;
            if (!split_arn(value, parts)) {
                return Result::no;
            }
            Result all = Result::yes;
            for (std::size_t i = 0; i < parts.size(); ++i) {
                const Result one = expected.parts[i].match(parts[i], lookup);
                if (one == Result::no) {
                    return Result::no;
                }
                all = one == Result::unresolved ? one : all;
            }
            return all;
        }
        case Compare::null: break;
    }
    return Result::no;
}

/// One value against all that the policy lists: any of them (a negated operator: none of them).
Pattern::Result matches_any(const Condition& condition, std::string_view value, const Lookup& lookup) {
    using Result = Pattern::Result;
    Result found = Result::no;
    for (const auto& expected : condition.values) {
        const Result one = matches(condition, expected, value, lookup);
        if (one == Result::yes) {
            found = Result::yes;
            break;
        }
        found = one == Result::unresolved ? one : found;
    }
    if (found == Result::unresolved || !condition.op.negated) {
        return found;
    }
    return found == Result::yes ? Result::no : Result::yes;
}

}  // namespace

std::optional<Operator> parse_operator(std::string_view name) {
    Operator op;
    if (name.starts_with("ForAllValues:")) {
        op.set = Operator::Set::all;
        name.remove_prefix(13);
    } else if (name.starts_with("ForAnyValue:")) {
        op.set = Operator::Set::any;
        name.remove_prefix(12);
    }
    if (name.ends_with("IfExists")) {
        op.if_exists = true;
        name.remove_suffix(8);
    }
    const auto found = std::ranges::find(names, name, &Name::name);
    if (found == names.end() ||
        (found->compare == Compare::null && (op.if_exists || op.set != Operator::Set::none))) {
        return std::nullopt;
    }
    op.compare = found->compare;
    op.negated = found->negated;
    return op;
}

bool Network::holds(const Network& address) const {
    if (address.bits < bits) {
        return false;
    }
    for (unsigned i = 0; i < bits; i += 8) {
        const unsigned left = std::min(8U, bits - i);
        const auto mask = static_cast<std::uint8_t>(0xFF00U >> left);
        if (((bytes[i / 8] ^ address.bytes[i / 8]) & mask) != 0) {
            return false;
        }
    }
    return true;
}

std::optional<Network> parse_network(std::string_view text) {
    Network network;
    const auto slash = text.find('/');
    const std::string host(text.substr(0, slash));
    unsigned most = 128;
    if (::inet_pton(AF_INET, host.c_str(), network.bytes.data() + 12) == 1) {
        network.bytes[10] = network.bytes[11] = 0xFF;
        most = 32;
    } else if (::inet_pton(AF_INET6, host.c_str(), network.bytes.data()) != 1) {
        return std::nullopt;
    }
    unsigned bits = most;
    if (slash != std::string_view::npos) {
        const auto rest = text.substr(slash + 1);
        const auto [end, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), bits);
        if (failed != std::errc() || end != rest.data() + rest.size() || bits > most) {
            return std::nullopt;
        }
    }
    network.bits = bits + (128 - most);
    return network;
}

std::optional<double> parse_number(std::string_view text) {
    double value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
        return std::nullopt;
    }
    return value;
}

std::optional<std::int64_t> parse_date(std::string_view text) {
    if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos &&
        text.size() <= 11) {
        std::int64_t seconds = 0;
        std::from_chars(text.data(), text.data() + text.size(), seconds);
        return seconds * 1'000;
    }
    int year = 0;
    int month = 0;
    int day = 0;
    if (!take(text, 4, year) || !take(text, '-') || !take(text, 2, month) || !take(text, '-') ||
        !take(text, 2, day)) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) {
        return std::nullopt;
    }
    std::int64_t milliseconds =
        std::chrono::sys_days(date).time_since_epoch() / std::chrono::days{1} * std::int64_t{86'400'000};
    if (text.empty()) {
        return milliseconds;
    }
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!take(text, 'T') || !take(text, 2, hour) || !take(text, ':') || !take(text, 2, minute) || hour > 23 ||
        minute > 59) {
        return std::nullopt;
    }
    if (take(text, ':') && (!take(text, 2, second) || second > 60)) {
        return std::nullopt;
    }
    milliseconds += std::int64_t{1'000} * (hour * 3'600 + minute * 60 + second);
    if (take(text, '.')) {
        int unit = 100;
        std::size_t digits = 0;
        while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
            milliseconds += (text.front() - '0') * unit;
            unit /= 10;
            text.remove_prefix(1);
            ++digits;
        }
        if (digits == 0 || digits > 9) {
            return std::nullopt;
        }
    }
    if (text == "Z") {
        return milliseconds;
    }
    const int sign = take(text, '+') ? 1 : take(text, '-') ? -1 : 0;
    int ahead_hours = 0;
    int ahead_minutes = 0;
    if (sign == 0 || !take(text, 2, ahead_hours) ||
        (std::ignore = take(text, ':'), !take(text, 2, ahead_minutes)) || !text.empty() || ahead_hours > 14 ||
        ahead_minutes > 59) {
        return std::nullopt;
    }
    return milliseconds - sign * std::int64_t{60'000} * (ahead_hours * 60 + ahead_minutes);
}

Outcome evaluate(const Condition& condition, const Values& values, const Lookup& lookup) {
    using Kind = Outcome::Kind;
    const auto plain = [](bool yes) { return Outcome{yes ? Kind::yes : Kind::no, false}; };
    if (condition.op.compare == Compare::null) {
        const bool absent = !values || values->empty();
        return plain(std::ranges::any_of(
            condition.values, [&](const auto& value) { return (value.bytes == "true") == absent; }));
    }
    if (!values || values->empty()) {
        switch (condition.op.set) {
            case Operator::Set::all: return plain(true);
            case Operator::Set::any: return condition.op.if_exists ? plain(true) : Outcome{Kind::no, true};
            case Operator::Set::none: break;
        }
        if (condition.op.if_exists || condition.op.negated) {
            return plain(true);
        }
        return {Kind::no, true};
    }
    bool unresolved = false;
    bool all = true;
    bool any = false;
    for (const auto value : *values) {
        const auto one = matches_any(condition, value, lookup);
        unresolved = unresolved || one == Pattern::Result::unresolved;
        all = all && one == Pattern::Result::yes;
        any = any || one == Pattern::Result::yes;
    }
    if (unresolved) {
        return {Kind::unresolved, false};
    }
    // A key with several values and an operator for one: a negated operator must hold for all of them,
    // another for any.
    const bool every = condition.op.set == Operator::Set::all ||
                       (condition.op.set == Operator::Set::none && condition.op.negated);
    return plain(every ? all : any);
}

}  // namespace domicile::iam

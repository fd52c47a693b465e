#include "base/decimal.hpp"

#include <algorithm>

namespace domicile::base {
namespace {
constexpr std::int64_t one = 1'000'000;
}

std::optional<Decimal> Decimal::parse(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative) {
        text.remove_prefix(1);
    }
    Decimal value;
    int decimals = -1;
    int digits = 0;
    for (const char c : text) {
        if (c == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (c < '0' || c > '9' || decimals == scale || (decimals < 0 && digits == 18)) {
            return std::nullopt;
        }
        value.units_ = value.units_ * 10 + (c - '0');
        digits += 1;
        decimals += decimals < 0 ? 0 : 1;
    }
    if (digits == 0 || decimals == 0) {
        return std::nullopt;
    }
    for (int i = std::max(decimals, 0); i < scale; ++i) {
        value.units_ *= 10;
    }
    if (negative) {
        value.units_ = -value.units_;
    }
    return value;
}

Decimal operator*(const Decimal& a, const Decimal& b) {
    Decimal product;
    product.units_ = a.units_ * b.units_ / one;
    return product;
}

std::string Decimal::text() const {
    Wide rest = units_ < 0 ? -units_ : units_;
    std::string digits;
    for (int i = 0; i <= scale || rest != 0; ++i) {
        digits += static_cast<char>('0' + static_cast<int>(rest % 10));
        rest /= 10;
        if (i == scale - 1) {
            digits += '.';
        }
    }
    std::ranges::reverse(digits);
    const auto point = digits.find('.');
    while (digits.size() > point + 3 && digits.back() == '0') {
        digits.pop_back();
    }
    return (units_ < 0 ? "-" : "") + digits;
}

}  // namespace domicile::base

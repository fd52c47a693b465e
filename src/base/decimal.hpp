#pragma once
// Exact sums of decimal texts: money never passes through a double.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace domicile::base {

/// A number with six decimals, in 128 bits.
class Decimal {
  public:
    static constexpr int scale = 6;

    Decimal() = default;
    /// "-12.345"; nothing for other texts, more than six decimals, or more than 18 digits before the point.
    static std::optional<Decimal> parse(std::string_view text);

    Decimal& operator+=(const Decimal& other) {
        units_ += other.units_;
        return *this;
    }
    /// Exact only if the product has at most six decimals, which the caller's columns must ensure (2 + 3
    /// here).
    friend Decimal operator*(const Decimal& a, const Decimal& b);
    friend bool operator==(const Decimal&, const Decimal&) = default;

    /// Without trailing zeros beyond the second decimal: "9747747.934", "8.00".
    [[nodiscard]] std::string text() const;

  private:
    __extension__ using Wide = __int128;
    Wide units_ = 0;
};

}  // namespace domicile::base

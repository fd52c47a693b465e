#pragma once
// The curves of a plan as SVG. Pure.

#include "cost/plan.hpp"

#include <string>
#include <string_view>

namespace domicile::cost {

/// Cost a month against requests a month, both logarithmic; the load and the break-even marked. `title` is
/// plain text.
[[nodiscard]] std::string picture(const Plan& plan, double requests, std::string_view title,
                                  std::string_view currency);

}  // namespace domicile::cost

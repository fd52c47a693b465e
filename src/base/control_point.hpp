#pragma once
// Named places at which a test lets a process die, to see what is left behind.

#include <string_view>

namespace domicile::base {

/// Ends the process at once, as kill -9 does, if the file that the environment's DOMICILE_DIE_AT named when
/// the process began holds `name` and a number: "NAME 3" lets it pass twice. Of many processes with one file,
/// one dies. Costs a comparison otherwise.
void control_point(std::string_view name) noexcept;

}  // namespace domicile::base

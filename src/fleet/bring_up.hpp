#pragma once
// Starting a shard from whatever state it is in: writer, database, migrations, then readers. Every step looks
// first and does only what is missing, so an interrupted start is simply started again.

#include "base/error.hpp"
#include "fleet/unit.hpp"

#include <vector>

namespace domicile::fleet {

/// The embedded nodes of one shard, or central alone.
struct Group {
    Unit* writer = nullptr;
    std::vector<Unit*> readers;
};
[[nodiscard]] std::vector<Group> groups_of(Units& units);

/// Starts all groups side by side, at most two per core at a time. The first error of any, after all have
/// ended.
[[nodiscard]] base::Status bring_up(const Context& context, std::vector<Group>& groups);

/// Starts a reader and waits until it streams; copies the writer (again) if it cannot follow.
/// REQUIRES: unit.mutex is held, or no other thread knows the unit.
[[nodiscard]] base::Status bring_up_reader(const Context& context, Unit& unit);

/// Checks that at least one node of every shard on existing servers answers; notes each that does not.
[[nodiscard]] base::Status check_external(const Context& context);

}  // namespace domicile::fleet

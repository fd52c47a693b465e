#pragma once
// What the fleet does inside a running node over SQL: roles, database, migrations, the part generated from
// the topology, and replication slots. Blocking.

#include "base/error.hpp"
#include "fleet/context.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace domicile::fleet {

/// Brings the database of a running writer (or central) to the state the topology asks for. Runs at every
/// start; on a prepared database it changes nothing.
[[nodiscard]] base::Status prepare_database(const Context& context, const topology::Node& writer);

enum class SlotState : std::uint8_t {
    missing,
    usable,
    lost,  ///< the reader stayed away too long: what it needs is gone
};
[[nodiscard]] base::Result<SlotState> slot_state(pool::MaintenanceClient& writer, std::string_view slot);
[[nodiscard]] base::Status make_slot(pool::MaintenanceClient& writer, std::string_view slot);
[[nodiscard]] base::Status drop_slot(pool::MaintenanceClient& writer, std::string_view slot);

/// The state of a reader in the writer's pg_stat_replication ("streaming", "catchup", …); nothing if it is
/// not connected.
[[nodiscard]] base::Result<std::optional<std::string>> stream_state(pool::MaintenanceClient& writer,
                                                                    std::string_view application);

}  // namespace domicile::fleet

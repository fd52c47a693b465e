#pragma once
// Restricts the processing of one person's rows, or ends it (GDPR Art. 18): stored, and hidden from every
// door by policies of the tables.

#include "events/leader.hpp"
#include "rights/work.hpp"
#include "topology/topology.hpp"

namespace domicile::rights {

/// task.kind: "restriction" or "lifting". REQUIRES: its entry stands in the ledger. Done again it does
/// nothing. node_timeout if a table is in use: try again.
[[nodiscard]] base::Status apply_restriction(pool::MaintenanceClient& client,
                                             const topology::Topology& topology, const Task& task,
                                             const events::Connect& monitor);

}  // namespace domicile::rights

#pragma once
// What databases say of themselves when the monitor asks: numbers only, never a row of anybody.

#include "ops/advisor.hpp"
#include "ops/facts.hpp"
#include "pool/maintenance.hpp"

#include <chrono>

namespace domicile::ops {

/// One node: connections, size, age of its oldest transaction and of its oldest frozen row, clock, caches.
/// `node`: facts are added to it. node_unavailable and node_timeout as the client says.
base::Status ask_node(pool::MaintenanceClient& client, Resource& node);

/// One shard's writer: people, how full its ranges are, what people have asked for. `ranges` get one object
/// for each range.
base::Status ask_shard(pool::MaintenanceClient& client, const topology::Topology& topology,
                       topology::ShardIndex index, Resource& shard, boost::json::array& ranges);

/// What the advisor looks at: settings, roles, indexes, tables. `before`: commits and time (ms) of the last
/// time, for a rate.
base::Result<DatabaseEvidence> ask_evidence(pool::MaintenanceClient& client,
                                            const topology::Topology& topology,
                                            std::pair<double, std::int64_t>& before);

}  // namespace domicile::ops

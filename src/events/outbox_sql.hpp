#pragma once
// The SQL by which a shard tells of its committed rows: triggers for the tables that the topology counts or
// audits, and the function that makes the next numbered batch. Pure text; may run any number of times.

#include "topology/topology.hpp"

#include <string>

namespace domicile::events {

/// As domicile_owner, after the tables exist; one implicit transaction. Raises a clear error if a column is
/// missing, or a declared figure has changed its meaning. `worker`: the role that takes batches.
[[nodiscard]] std::string outbox_sql(const topology::Topology& topology, base::ShardIndex shard,
                                     const std::string& worker);

}  // namespace domicile::events

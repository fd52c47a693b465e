#pragma once
// What the doors may ask of a shard's requests: SQL made from the topology, run by the fleet after
// migrations.

#include "topology/topology.hpp"

#include <string>

namespace domicile::fleet {

/// domicile.ask(user, kind, by): the person's open request of that kind, made if there is none; null if there
/// is no such person. domicile.asked(user): all of the person's requests. For `gateway`.
[[nodiscard]] std::string requests_sql(const topology::Topology& topology, const std::string& gateway);

}  // namespace domicile::fleet

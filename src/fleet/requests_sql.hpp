#pragma once
// What the doors may ask of a shard about people's rights: SQL made from the topology, run by the fleet after
// migrations.

#include "topology/topology.hpp"

#include <string>

namespace domicile::fleet {

/// For `gateway`: domicile.ask(user, kind, by, detail), the person's open request of that kind, made if there
/// is none; asked(user), all of the person's requests; rectify(user, table, key, changes, by); consent(user,
/// purpose, version, given, by), consents_of(user), consented(user, purpose); is_restricted(user). Null where
/// there is no such person or row. For `worker`: row_now(user, detail, columns).
[[nodiscard]] std::string requests_sql(const topology::Topology& topology, topology::ShardIndex shard,
                                       const std::string& gateway, const std::string& worker);

}  // namespace domicile::fleet

#pragma once
// Certificates of the embedded nodes: one authority for each jurisdiction, made at the first start, and one
// certificate a node, renewed a month before it ends.

#include "base/error.hpp"
#include "fleet/context.hpp"
#include "topology/topology.hpp"

namespace domicile::fleet {

/// Writes server.crt and server.key into the node's data directory, if they are not there and good for a
/// month. internal if OpenSSL fails; what writing reports.
[[nodiscard]] base::Status ensure_node_certificate(const Context& context, const topology::Node& node);

}  // namespace domicile::fleet

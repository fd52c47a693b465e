#pragma once
// `domicile gateway`: the process that serves one region.

#include "base/error.hpp"
#include "base/secret.hpp"
#include "topology/topology.hpp"

#include <filesystem>

namespace domicile::app {

struct GatewayOptions {
    topology::RegionIndex region;
    base::Secret<std::string> gateway_password;  ///< of role domicile_gateway in the own jurisdiction
    base::Secret<std::string> monitor_password;  ///< of role domicile_monitor
};

/// Serves until SIGTERM or SIGINT, then drains: /readyz says no, open requests end, five seconds at most.
base::Status run_gateway(const topology::Topology& topology, GatewayOptions options);

}  // namespace domicile::app

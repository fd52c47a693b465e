#pragma once
// The OpenAPI 3.1 description of a gateway, from the topology and the live columns.

#include "http/shape.hpp"
#include "topology/topology.hpp"

#include <string>
#include <string_view>

namespace domicile::http {

[[nodiscard]] std::string openapi(const topology::Topology& topology, topology::RegionIndex region,
                                  std::string_view base_url, const Schema& schema);

}  // namespace domicile::http

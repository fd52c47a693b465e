#pragma once
// The one page that the door has: what it is, and its resources. For people who open its address in a
// browser.

#include "base/buffer.hpp"
#include "topology/topology.hpp"

#include <string_view>

namespace domicile::http {

/// Appends the page. It lists the resources by script only if the declared policy has a nonce; `nonce` is
/// what this response's header says.
void append_front_page(base::Buffer& out, const topology::Topology& topology, topology::RegionIndex region,
                       std::string_view nonce);

}  // namespace domicile::http

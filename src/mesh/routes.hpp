#pragma once
// The hub's route table: which region may ask which for what. It follows from the topology alone. Pure.

#include "topology/topology.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::mesh {

using topology::NodeIndex;
using topology::RegionIndex;

enum class Flow : std::uint8_t {
    node,     ///< bytes of a PostgreSQL connection to a node that stands in the region asked
    map,      ///< the range map: bounds, never people
    central,  ///< bytes of a connection to central, where anonymous figures go
    view,     ///< how the region's machines are: names of nodes and numbers, never people
};
[[nodiscard]] std::string_view name(Flow flow) noexcept;

/// Nodes: within a jurisdiction, both regions in the mesh. Maps and views: everywhere in the mesh. Central:
/// to its region. Nothing else.
[[nodiscard]] bool may_flow(const topology::Topology& topology, RegionIndex from, RegionIndex to, Flow flow);

/// Every pair of regions with what may flow, for people and tests.
struct Route {
    RegionIndex from, to;
    Flow flow = Flow::node;
};
[[nodiscard]] std::vector<Route> routes(const topology::Topology& topology);

/// The name a region's certificate bears: "eu-west-1.eu.retail.mesh".
[[nodiscard]] std::string certificate_name(const topology::Topology& topology, RegionIndex region);
/// The region whose name that is.
[[nodiscard]] std::optional<RegionIndex> region_of(const topology::Topology& topology,
                                                   std::string_view certificate_name);

/// What the asking side says first, in one line: "DOMICILE/1 node eu-1.eu-west-1.w", "DOMICILE/1 map",
/// "DOMICILE/1 view".
struct Ask {
    Flow flow = Flow::map;
    std::optional<NodeIndex> node;
};
inline constexpr std::size_t line_bytes_max = 256;
[[nodiscard]] std::string ask_line(const topology::Topology& topology, const Ask& ask);
/// Nothing for anything else; `line` without its end.
[[nodiscard]] std::optional<Ask> parse_ask(const topology::Topology& topology, std::string_view line);

/// Whether `here` may answer `from`: the route, and for a node that it stands here.
[[nodiscard]] bool may_answer(const topology::Topology& topology, RegionIndex from, RegionIndex here,
                              const Ask& ask);

}  // namespace domicile::mesh

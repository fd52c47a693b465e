#include "mesh/routes.hpp"

namespace domicile::mesh {
namespace {

constexpr std::string_view greeting = "DOMICILE/1 ";

}  // namespace

std::string_view name(Flow flow) noexcept {
    switch (flow) {
        case Flow::node: return "node";
        case Flow::map: return "map";
        case Flow::central: return "central";
        case Flow::view: return "view";
    }
    return "";
}

bool may_flow(const topology::Topology& topology, RegionIndex from, RegionIndex to, Flow flow) {
    const auto& one = topology.at(from);
    const auto& other = topology.at(to);
    if (from == to || one.mesh.port == 0 || other.mesh.port == 0) {
        return false;
    }
    if (flow == Flow::central) {
        return topology.central && topology.central->region == to;
    }
    return flow != Flow::node || one.jurisdiction == other.jurisdiction;
}

std::vector<Route> routes(const topology::Topology& topology) {
    std::vector<Route> all;
    for (std::uint16_t from = 0; from < topology.regions.size(); ++from) {
        for (std::uint16_t to = 0; to < topology.regions.size(); ++to) {
            for (const Flow flow : {Flow::node, Flow::map, Flow::central, Flow::view}) {
                if (may_flow(topology, RegionIndex(from), RegionIndex(to), flow)) {
                    all.push_back({RegionIndex(from), RegionIndex(to), flow});
                }
            }
        }
    }
    return all;
}

std::string certificate_name(const topology::Topology& topology, RegionIndex region) {
    const auto& at = topology.at(region);
    return at.name + "." + topology.at(at.jurisdiction).name + "." + topology.name + ".mesh";
}

std::optional<RegionIndex> region_of(const topology::Topology& topology, std::string_view certificate) {
    for (std::uint16_t i = 0; i < topology.regions.size(); ++i) {
        if (certificate_name(topology, RegionIndex(i)) == certificate) {
            return RegionIndex(i);
        }
    }
    return std::nullopt;
}

std::string ask_line(const topology::Topology& topology, const Ask& ask) {
    std::string line(greeting);
    line += name(ask.flow);
    if (ask.node) {
        line += " " + topology.at(*ask.node).name;
    }
    return line + "\n";
}

std::optional<Ask> parse_ask(const topology::Topology& topology, std::string_view line) {
    if (!line.starts_with(greeting)) {
        return std::nullopt;
    }
    line.remove_prefix(greeting.size());
    for (const Flow flow : {Flow::map, Flow::central, Flow::view}) {
        if (line == name(flow)) {
            return Ask{flow, std::nullopt};
        }
    }
    constexpr std::string_view node = "node ";
    if (!line.starts_with(node)) {
        return std::nullopt;
    }
    line.remove_prefix(node.size());
    for (std::uint16_t i = 0; i < topology.nodes.size(); ++i) {
        if (topology.nodes[i].name == line) {
            return Ask{Flow::node, NodeIndex(i)};
        }
    }
    return std::nullopt;
}

bool may_answer(const topology::Topology& topology, RegionIndex from, RegionIndex here, const Ask& ask) {
    if (!may_flow(topology, from, here, ask.flow)) {
        return false;
    }
    if (ask.flow != Flow::node) {
        return true;
    }
    if (!ask.node) {
        return false;
    }
    const topology::Node& node = topology.at(*ask.node);
    // Central is nobody's home: it has a flow of its own.
    return node.region == here && node.shard.value < topology.shards.size();
}

}  // namespace domicile::mesh

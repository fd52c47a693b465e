#pragma once
// The record of processing activities (GDPR Art. 30(1)), out of the topology and the live schema: what the
// system says about itself cannot lag behind what it is. Pure; the same input gives the same text, so that it
// can stand in a repository.

#include "privacy/live_schema.hpp"
#include "topology/topology.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace domicile::privacy {

/// Markdown. `live`: of any shard; columns that are not declared personal are listed as such.
[[nodiscard]] std::string register_text(const topology::Topology& topology, const LiveSchema& live);

/// Lines of one text that the other has not: "- old", "+ new", in order. Empty if they are the same.
[[nodiscard]] std::vector<std::string> differences(std::string_view before, std::string_view now);

}  // namespace domicile::privacy

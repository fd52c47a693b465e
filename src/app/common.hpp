#pragma once
// What several subcommands share: reading the topology, and telling of failures on the terminal.

#include "access/policies.hpp"
#include "app/commands.hpp"
#include "base/error.hpp"
#include "fleet/fleet.hpp"
#include "topology/topology.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace domicile::app {

/// The topology, or nothing after every finding was printed to stderr.
std::optional<topology::Topology> read_topology(const std::filesystem::path& file);

/// The whole file, or an error naming it.
base::Result<std::string> read_file(const std::filesystem::path& file, std::size_t bytes_max);

fleet::Options fleet_options(const Common& common, const topology::Topology& topology);

/// The policies of a topology whose files are relative to `folder`, or the first finding.
base::Result<std::shared_ptr<const iam::PolicySet>> read_policies(const topology::Topology& topology,
                                                                  const std::filesystem::path& folder);

/// Prints "domicile: …" to stderr and gives the exit status.
int failed(const base::Error& error);

}  // namespace domicile::app

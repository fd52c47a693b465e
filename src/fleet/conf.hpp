#pragma once
// The configuration files of one embedded PostgreSQL 15 node, from the topology. Pure text; written anew at
// each start, so that a change of the topology applies.

#include "fleet/roles.hpp"
#include "topology/topology.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace domicile::fleet {

/// From where a reader streams.
struct Upstream {
    topology::Address writer;
    topology::Address relay = {};    ///< of the mesh, where the writer stands in another region; else port 0
    std::string slot;                ///< its physical replication slot on the writer
    std::string application;         ///< as the writer's pg_stat_replication names it
    std::filesystem::path passfile;  ///< the replication role's passwords
    std::string user = std::string(roles::replication);  ///< its login
    std::string authority = {};  ///< with [embedded] tls: who signs the writer's certificate
};

/// `domicile.conf`, which postgresql.conf includes last. `upstream` is null for a writer.
[[nodiscard]] std::string postgres_conf(const topology::Topology& topology, const topology::Node& node,
                                        const Upstream* upstream);
/// `pg_hba.conf`: our roles, our databases, SCRAM over loopback; everything else is refused.
[[nodiscard]] std::string hba_conf(const topology::Topology& topology, const topology::Node& node);

/// A reader's replication slot: lower case letters, digits and underscores, at most 63 bytes, different for
/// different nodes (PostgreSQL: ReplicationSlotValidateName).
[[nodiscard]] std::string slot_name(std::string_view node);
/// All slots that slot_name() makes start with this.
inline constexpr std::string_view slot_prefix = "domicile_";
/// The node's name as PostgreSQL can hold it (NAMEDATALEN - 1 bytes).
[[nodiscard]] std::string application_name(std::string_view node);

/// A value in postgresql.conf, quoted.
[[nodiscard]] std::string conf_value(std::string_view text);

}  // namespace domicile::fleet

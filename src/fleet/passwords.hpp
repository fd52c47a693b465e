#pragma once
// Database passwords of the embedded clusters: one random password per jurisdiction and role, in files only
// the runtime user may read. They never stand in an argument, an environment, a log or an SQL text (roles get
// SCRAM verifiers).

#include "base/error.hpp"
#include "base/secret.hpp"
#include "fleet/state_dir.hpp"
#include "topology/topology.hpp"

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

namespace domicile::fleet {

/// The PostgreSQL roles of every cluster, each with what it is for.
namespace roles {
inline constexpr std::string_view superuser = "postgres";        ///< only the fleet, only for set-up
inline constexpr std::string_view owner = "domicile_owner";      ///< owns the schemas, runs migrations
inline constexpr std::string_view gateway = "domicile_gateway";  ///< the statements of clients
inline constexpr std::string_view replication = "domicile_replication";  ///< readers stream with it
inline constexpr std::string_view monitor = "domicile_monitor";          ///< positions and sizes, no rows
}  // namespace roles
inline constexpr std::array all_roles = {roles::superuser, roles::owner, roles::gateway, roles::replication,
                                         roles::monitor};

/// Who may log in at the SQL door, and the node role that serves them. Their passwords and verifiers are made
/// beside the roles' own; the gateway reads verifiers only.
struct Login {
    std::string_view name;
    std::string_view role;
};
inline constexpr std::array logins = {
    Login{"app", roles::gateway},     ///< the application: reads and writes rows
    Login{"operator", roles::owner},  ///< defines tables, too
};
/// Only where the topology says superuser_login.
inline constexpr Login superuser_login = {"postgres", roles::superuser};
/// The file that holds a login's password, beside the roles'.
[[nodiscard]] std::string login_file(std::string_view name);
/// The login's stored form (RFC 5803), for the SQL door. configuration if it is missing.
[[nodiscard]] base::Result<std::string> read_verifier(const std::filesystem::path& state,
                                                      std::string_view jurisdiction, std::string_view name);

/// The folder of central's passwords; no jurisdiction may bear this name beside a central.
inline constexpr std::string_view central_secrets = "central";

/// The folder under secrets/ for a node: its jurisdiction's name, or "central".
[[nodiscard]] std::string secrets_folder(const topology::Topology& topology, const topology::Node& node);

/// Makes every password that is not there yet, and the pgpass file of the replication role.
[[nodiscard]] base::Status make_passwords(const topology::Topology& topology, const StateDir& state,
                                          const RunAs& user);

/// configuration if the file is missing or may not be read.
[[nodiscard]] base::Result<base::Secret<std::string>> read_password(const std::filesystem::path& state,
                                                                    std::string_view jurisdiction,
                                                                    std::string_view role);

/// Where readers of a jurisdiction find the replication role's password, in libpq's passfile format.
[[nodiscard]] std::filesystem::path passfile(const StateDir& state, std::string_view jurisdiction);

/// PostgreSQL's stored form of a password (SCRAM-SHA-256$4096:salt$stored:server, RFC 5803). The salt follows
/// from the password, which is 256 random bits: the same password gives the same text, so setting it again
/// changes nothing.
[[nodiscard]] std::string scram_verifier(const base::Secret<std::string>& password);

}  // namespace domicile::fleet

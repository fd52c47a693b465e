#pragma once
// The PostgreSQL roles of every cluster, and who may log in at the SQL door.

#include <array>
#include <string_view>
#include <vector>

namespace domicile::fleet {

/// Each with what it is for. A role has two logins, its own name and that name with "_b", which serve in turn
/// (vault/rotation.hpp); whichever it is, statements run as the role.
namespace roles {
inline constexpr std::string_view superuser = "postgres";        ///< only the fleet, only for set-up
inline constexpr std::string_view owner = "domicile_owner";      ///< owns the schemas, runs migrations
inline constexpr std::string_view gateway = "domicile_gateway";  ///< the statements of clients
inline constexpr std::string_view replication = "domicile_replication";  ///< readers stream with it
inline constexpr std::string_view monitor = "domicile_monitor";          ///< positions and sizes, no rows
inline constexpr std::string_view worker =
    "domicile_worker";  ///< takes batches and documents from the outbox
/// Carries out what people ask for (rights): the one role that restrictions do not bind (GDPR Art. 18(2)).
inline constexpr std::string_view officer = "domicile_officer";
/// Nobody logs in with it. Only COPY runs under it where people are restricted: it may add rows, and sees
/// none.
inline constexpr std::string_view copier = "domicile_copier";
inline constexpr std::string_view figures = "domicile_figures";  ///< at central: sends batches, reads figures
}  // namespace roles
inline constexpr std::array all_roles = {roles::superuser, roles::owner,  roles::gateway, roles::replication,
                                         roles::monitor,   roles::worker, roles::officer};
/// At central beside the others, one login for all jurisdictions: each keeps a copy in its vault as this
/// secret.
inline constexpr std::array central_roles = {roles::figures};
inline constexpr std::string_view figures_secret = "central-figures";

/// Who may log in at the SQL door, and the node role that serves them. The gateway reads verifiers only.
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

/// The scope of central's secrets; no jurisdiction may bear this name beside a central.
inline constexpr std::string_view central_scope = "central";
/// Those of a scope: a jurisdiction's, or central's.
[[nodiscard]] inline std::vector<std::string_view> roles_of(std::string_view scope) {
    std::vector<std::string_view> roles(all_roles.begin(), all_roles.end());
    if (scope == central_scope) {
        roles.insert(roles.end(), central_roles.begin(), central_roles.end());
    }
    return roles;
}

}  // namespace domicile::fleet

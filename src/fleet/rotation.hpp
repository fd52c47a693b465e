#pragma once
// Rotation of the embedded clusters' database roles: what vault::rotate() does to real nodes.

#include "fleet/secrets.hpp"
#include "vault/rotation.hpp"

#include <functional>
#include <string_view>

namespace domicile::fleet {

/// Gives the role's other login a new password on every node of a scope, tries it, and makes it the one that
/// serves. Goes on with a rotation that was cut off. One at a time for a scope. Errors: configuration,
/// node_unavailable (a writer is down: nothing is lost, try again).
[[nodiscard]] base::Status rotate_role(const Secrets& secrets, std::string_view scope, std::string_view role,
                                       const vault::RotationOptions& options);

}  // namespace domicile::fleet

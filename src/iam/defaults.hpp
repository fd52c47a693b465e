#pragma once
// The policies a deployment has before it writes its own: for the roles app, operator, analyst, auditor and
// subject, and the guard rail of every jurisdiction. docs/policy.md explains them.

#include <span>
#include <string_view>

namespace domicile::iam {

struct DefaultRole {
    std::string_view role;
    std::string_view policy;  ///< JSON
};
[[nodiscard]] std::span<const DefaultRole> default_roles() noexcept;
/// JSON; for every jurisdiction that has no guard rails of its own.
[[nodiscard]] std::string_view default_guard_rail() noexcept;

}  // namespace domicile::iam

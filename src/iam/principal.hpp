#pragma once
// Who is asking: name, roles, own jurisdiction, and the data subject it acts for, if any.

#include "base/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::iam {

enum class PrincipalKind : std::uint8_t {
    service,  ///< a role that acts for no person in particular: applications, operators, analysts
    subject,  ///< acts for one data subject: `subject` is set
    gateway,  ///< another gateway, by its certificate (mesh)
};

/// As the condition key aws:PrincipalType has it.
[[nodiscard]] constexpr std::string_view name(PrincipalKind kind) noexcept {
    switch (kind) {
        case PrincipalKind::service: return "Service";
        case PrincipalKind::subject: return "Subject";
        case PrincipalKind::gateway: break;
    }
    return "Gateway";
}

struct Principal {
    std::string name;
    PrincipalKind kind = PrincipalKind::service;
    std::vector<std::string> roles;
    base::JurisdictionIndex jurisdiction;
    std::optional<base::UserId> subject;
    std::string purpose;       ///< what the data is used for, as its token says; empty if it does not
    std::int64_t expires = 0;  ///< seconds since 1970 from which it is nobody any more; 0 = never
};

}  // namespace domicile::iam

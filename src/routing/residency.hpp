#pragma once
// Who may ask here at all (mission row 13; GDPR Chapter V): a principal of the gateway's own jurisdiction;
// one of another under a declared transfer that covers everything asked for; nobody else. A data subject
// abroad is led home. Pure, and blind to whether anybody exists.

#include "routing/admit.hpp"

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace domicile::routing {

/// One thing a request does. Views outlive the call.
struct Touch {
    std::string_view action;                ///< "data:Select"
    std::string_view table;                 ///< name; "pg_catalog" and such for what is nobody's
    std::span<const std::string> personal;  ///< personal columns it reads
};

/// "adequacy", "contract_clauses", "consent".
[[nodiscard]] std::string_view name(topology::TransferBasis basis) noexcept;

/// The basis under which a principal from abroad may do all this; empty for one of our own. Refusals:
/// foreign_home with the way home for a data subject, not_permitted (residency/principal-abroad) for others.
[[nodiscard]] std::expected<std::optional<topology::TransferBasis>, Refusal> may_ask(
    const Principal& principal, std::span<const Touch> touches, const Place& place);

}  // namespace domicile::routing

#include "routing/residency.hpp"

#include "routing/authority.hpp"

#include <algorithm>

namespace domicile::routing {
namespace {

bool covers(const topology::Transfer& transfer, const Touch& touch) {
    return std::ranges::find(transfer.actions, touch.action) != transfer.actions.end() &&
           std::ranges::find(transfer.tables, touch.table) != transfer.tables.end() &&
           (transfer.columns.empty() || std::ranges::all_of(touch.personal, [&](const std::string& column) {
                return std::ranges::find(transfer.columns, column) != transfer.columns.end();
            }));
}

}  // namespace

std::string_view name(topology::TransferBasis basis) noexcept {
    switch (basis) {
        case topology::TransferBasis::adequacy: return "adequacy";
        case topology::TransferBasis::contract_clauses: return "contract_clauses";
        case topology::TransferBasis::consent: break;
    }
    return "consent";
}

std::expected<std::optional<topology::TransferBasis>, Refusal> may_ask(const Principal& principal,
                                                                       std::span<const Touch> touches,
                                                                       const Place& place) {
    if (principal.jurisdiction == place.gateway) {
        return std::nullopt;
    }
    if (principal.subject) {
        // Whoever travels is served at home, never from here, and is told the way.
        return refuse_foreign(base::Code::foreign_home, rules::home_by_id, place, principal.jurisdiction);
    }
    // One transfer must cover it all: two half bases make no whole one.
    for (const auto& transfer : place.topology.transfers) {
        if (transfer.from == place.gateway && transfer.to == principal.jurisdiction && !touches.empty() &&
            std::ranges::all_of(touches, [&](const Touch& touch) { return covers(transfer, touch); })) {
            return transfer.basis;
        }
    }
    return refuse(
        base::Code::not_permitted, rules::principal_abroad,
        "The principal belongs to another jurisdiction than this gateway, and no declared transfer covers "
        "what it asks for.",
        "Ask a gateway of the principal's own jurisdiction, or declare the transfer's legal basis.");
}

}  // namespace domicile::routing

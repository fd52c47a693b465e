#pragma once
// For the .cpp files of this room only: the maker of plans, and how refusals are worded.

#include "routing/admit.hpp"

#include <string>
#include <utility>

namespace domicile::routing {

struct Authority {
    static Plan make(ShardIndex shard, JurisdictionIndex jurisdiction, Access access, std::uint64_t epoch) {
        return Plan(shard, jurisdiction, access, epoch);
    }
};

inline std::unexpected<Refusal> refuse(base::Code code, std::string_view rule, std::string text,
                                       std::string hint = {},
                                       std::optional<JurisdictionIndex> home = std::nullopt) {
    return std::unexpected(
        Refusal{base::Error{code, std::move(text), std::move(hint), std::string(rule), {}}, home});
}

inline std::unexpected<Refusal> refuse_foreign(base::Code code, std::string_view rule, const Place& place,
                                               JurisdictionIndex home) {
    // Names jurisdictions only. The id is not repeated: error texts hold no user ids.
    return refuse(code, rule,
                  "The home is jurisdiction " + place.topology.at(home).name + "; this gateway serves " +
                      place.topology.at(place.gateway).name + " only.",
                  "Ask the home gateway.", home);
}

}  // namespace domicile::routing

#include "routing/admit.hpp"

#include "base/assert.hpp"
#include "routing/authority.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace domicile::routing {

namespace {

using base::Code;

/// A 64-bit mixer (the finaliser of SplitMix64), so that close numbers choose unrelated shards.
constexpr std::uint64_t mix(std::uint64_t x) {
    x ^= x >> 30U;
    x *= 0xBF58476D1CE4E5B9ULL;
    x ^= x >> 27U;
    x *= 0x94D049BB133111EBULL;
    return x ^ (x >> 31U);
}

std::expected<Plan, Refusal> admit_create(const Values& values, const Place& place) {
    if (!values.country.empty()) {
        const auto home = place.topology.home_of_country(values.country);
        if (!home) {
            return refuse(Code::invalid_value, rules::home_by_country,
                          "No jurisdiction takes people of this country.", "Use an ISO 3166-1 alpha-2 code.");
        }
        if (*home != place.gateway) {
            return refuse_foreign(Code::foreign_country, rules::home_by_country, place, *home);
        }
    }
    // Rendezvous order: every spread number ranks the open shards in its own way, so ids spread evenly, a
    // full shard's share falls evenly on the others, and a repeated request finds the shard of the first.
    std::vector<std::pair<std::uint64_t, ShardIndex>> ranked;
    for (std::uint16_t i = 0; i < place.topology.shards.size(); ++i) {
        const auto& shard = place.topology.shards[i];
        if (shard.jurisdiction == place.gateway && shard.open) {
            ranked.emplace_back(mix(values.spread ^ mix(i + 1ULL)), ShardIndex{i});
        }
    }
    if (values.attempt >= ranked.size()) {
        return refuse(Code::range_full, rules::no_open_range,
                      "No open range of this jurisdiction has ids left.",
                      "Add a shard or open a range in the topology.");
    }
    std::ranges::sort(ranked, std::greater<>{});
    return Authority::make(ranked[values.attempt].second, place.gateway, Access::writer, place.map.epoch());
}

}  // namespace

std::expected<Plan, Refusal> admit(const Facts& facts, const Values& values, const Principal& principal,
                                   const Place& place) {
    DOMICILE_ASSERT(facts.table != nullptr && facts.table->kind == topology::TableKind::sharded);
    if (principal.jurisdiction != place.gateway && !principal.by_transfer) {
        return refuse(Code::not_permitted, rules::principal_abroad,
                      "The principal belongs to another jurisdiction than this gateway.");
    }
    if (facts.verb == Verb::create) {
        return admit_create(values, place);
    }
    DOMICILE_ASSERT(values.user.has_value());
    const auto shard = place.map.find(*values.user);
    if (!shard) {
        return refuse(Code::no_range, rules::outside_ranges,
                      "The user id lies in no range of any jurisdiction.");
    }
    const JurisdictionIndex home = place.topology.at(*shard).jurisdiction;
    if (home != place.gateway) {
        return refuse_foreign(Code::foreign_home, rules::home_by_id, place, home);
    }
    return Authority::make(*shard, home, facts.verb == Verb::read ? Access::reader : Access::writer,
                           place.map.epoch());
}

std::expected<Plan, Refusal> admit_upkeep(const topology::Topology& topology, ShardIndex shard,
                                          JurisdictionIndex own) {
    if (topology.at(shard).jurisdiction != own) {
        return refuse(Code::not_permitted, rules::principal_abroad,
                      "The shard belongs to another jurisdiction.");
    }
    return Authority::make(shard, own, Access::writer, 0);
}

Plan admit_central(const topology::Topology& topology) {
    DOMICILE_ASSERT(topology.central.has_value());
    return Authority::make(ShardIndex{static_cast<std::uint16_t>(topology.shards.size())},
                           topology.at(topology.central->region).jurisdiction, Access::writer, 0);
}

}  // namespace domicile::routing

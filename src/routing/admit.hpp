#pragma once
// The one gate: facts of a statement, its values, who asks and where, joined into a Plan or a Refusal that
// names its rule. Pure: no socket, no clock, no database.

#include "routing/plan.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace domicile::routing {

/// What a statement does, known before its values are.
enum class Verb : std::uint8_t {
    read,    ///< rows of one person
    write,   ///< rows of one person
    create,  ///< a new person, who gets an id here
};

/// Facts of a statement: known once per shape. `table` outlives the call.
struct Facts {
    Verb verb = Verb::read;
    const topology::Table* table = nullptr;
};

/// The values of one execution.
struct Values {
    std::optional<UserId> user;  ///< the user id the statement stands on; empty for Verb::create
    std::string_view country;    ///< for Verb::create: ISO alpha-2 of the new person, empty if not given
    std::uint64_t spread = 0;    ///< for Verb::create: any number; equal numbers choose equal shards
    std::uint32_t attempt = 0;   ///< for Verb::create: 0, then 1, 2, … when a shard's ranges are full
};

/// Who asks, as far as residency is concerned.
struct Principal {
    JurisdictionIndex jurisdiction;
    std::optional<UserId> subject = {};  ///< the person it acts for
    bool by_transfer = false;  ///< from abroad, and a declared transfer covers all it asks for (may_ask)
};

/// Where it is asked, and what is known there. References outlive the call.
struct Place {
    const topology::Topology& topology;
    const topology::RangeMap& map;
    JurisdictionIndex gateway;
};

/// The rule names a Refusal can carry (docs/errors.md).
namespace rules {
inline constexpr std::string_view home_by_id = "residency/home-by-id";
inline constexpr std::string_view home_by_country = "residency/home-by-country";
inline constexpr std::string_view principal_abroad = "residency/principal-abroad";
inline constexpr std::string_view outside_ranges = "ranges/outside";
inline constexpr std::string_view no_open_range = "ranges/none-open";
inline constexpr std::string_view shard_abroad = "residency/shard-abroad";
inline constexpr std::string_view unknown_table = "routing/unknown-table";
inline constexpr std::string_view key_missing = "routing/key-missing";
inline constexpr std::string_view key_update = "routing/key-update";
inline constexpr std::string_view broadcast_write = "routing/broadcast-write";
inline constexpr std::string_view not_joined = "routing/not-joined-by-key";
inline constexpr std::string_view opaque_function = "routing/opaque-function";
inline constexpr std::string_view several_shards = "routing/several-shards";
inline constexpr std::string_view not_supported = "routing/not-supported";
inline constexpr std::string_view restricted = "privacy/restricted";
inline constexpr std::string_view slow_client = "limits/slow-client";    ///< by the doors
inline constexpr std::string_view credentials = "identity/credentials";  ///< by the doors
}  // namespace rules

/// A Plan for exactly one shard of the gateway's own jurisdiction, or the refusal:
/// no_range (the id lies in no range), foreign_home, foreign_country, not_permitted, range_full.
/// The same answer whether or not the person exists. REQUIRES: facts.table is set and sharded.
[[nodiscard]] std::expected<Plan, Refusal> admit(const Facts& facts, const Values& values,
                                                 const Principal& principal, const Place& place);

/// A Plan for the upkeep of one shard of the gateway's own jurisdiction: health probes, live columns,
/// migrations. Reads no person's rows. not_permitted if the shard stands in another jurisdiction than `own`.
[[nodiscard]] std::expected<Plan, Refusal> admit_upkeep(const topology::Topology& topology, ShardIndex shard,
                                                        JurisdictionIndex own);

/// A Plan for the upkeep of central, whose nodes hold no person. REQUIRES: topology.central.
[[nodiscard]] Plan admit_central(const topology::Topology& topology);

}  // namespace domicile::routing

#pragma once
// All regions as one of them sees them, as one JSON document for the page, the command line and whoever asks
// the gateway: docs/operations.md. Pure.

#include "ops/alarms.hpp"
#include "ops/facts.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::ops {

/// What the relay knows of another region.
struct PeerFacts {
    topology::RegionIndex region;
    bool reachable = false;
    bool same_map = false;
    std::int64_t round_trip_us = 0;
    std::optional<RegionFacts> facts = {};
};

/// Out of the relay's list; what cannot be believed is left out. Every other region of the topology once.
[[nodiscard]] std::vector<PeerFacts> read_peers(const topology::Topology& topology, topology::RegionIndex own,
                                                std::string_view seen);

/// Facts that are older count as silence.
inline constexpr std::int64_t silent_ms = 15'000;
/// The other regions as resources of kind region, for alarms: "silent_s" counts from `since_ms` if nothing
/// was ever heard.
[[nodiscard]] std::vector<Resource> regions_as_resources(const topology::Topology& topology,
                                                         topology::RegionIndex own,
                                                         std::span<const PeerFacts> peers,
                                                         std::int64_t since_ms, std::int64_t now_ms);
/// Who watches whether `region` speaks at all: the region where central stands, and for that one another. The
/// same region makes composite alarms.
[[nodiscard]] topology::RegionIndex watcher_of(const topology::Topology& topology,
                                               topology::RegionIndex region);

/// All alarms that are known, own ones and those that other regions tell.
[[nodiscard]] std::vector<AlarmView> known_alarms(const RegionFacts& own, std::span<const PeerFacts> peers);

[[nodiscard]] std::string overview(const topology::Topology& topology, topology::RegionIndex region,
                                   const RegionFacts& own, std::span<const PeerFacts> peers);

/// What somebody may see of it: lists keep what belongs to no jurisdiction, or to one that `may` admits.
/// Regions that are hidden stand there without figures. Empty object if `text` is no overview.
[[nodiscard]] boost::json::object permitted(std::string_view text,
                                            const std::function<bool(std::string_view jurisdiction)>& may);

}  // namespace domicile::ops

#pragma once
// The range map as regions hand it to each other. Each home has an epoch of its own, and is believed about
// its own ranges only: whoever takes over a region of one jurisdiction cannot lead the people of another
// astray. Pure.

#include "base/error.hpp"
#include "topology/range_map.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::mesh {

struct KnownMap {
    topology::RangeMap map;             ///< its epoch is the highest of all homes'
    std::vector<std::uint64_t> epochs;  ///< by jurisdiction
    friend bool operator==(const KnownMap& one, const KnownMap& other) {
        return one.epochs == other.epochs && one.map == other.map;
    }
};

/// What the topology file says.
[[nodiscard]] KnownMap declared(const topology::Topology& topology);

inline constexpr std::size_t map_bytes_max = 1U << 20U;
/// "home eu 2\neu-1 0-30000,60000-90000\nhome uk 1\n…": every home and every shard, in the topology's order.
[[nodiscard]] std::string map_text(const topology::Topology& topology, const KnownMap& known);
/// protocol_violation if the text is anything else: another topology's, malformed, overlapping.
[[nodiscard]] base::Result<KnownMap> parse_map(const topology::Topology& topology, std::string_view text);

/// `own` with the newer of both for each home that `theirs` is believed about; `from`: that home alone, as
/// another region is; nothing: every home. Nothing new: null. configuration if ids of one home would get
/// another, or if one epoch has two sets of ranges.
[[nodiscard]] base::Result<std::optional<KnownMap>> learn(const topology::Topology& topology,
                                                          const KnownMap& own, const KnownMap& theirs,
                                                          std::optional<base::JurisdictionIndex> from);

}  // namespace domicile::mesh

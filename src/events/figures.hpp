#pragma once
// What crosses a border: a batch of figures, held against the topology. Only declared names, short values of
// dimensions, and numbers pass. Pure.

#include "base/error.hpp"
#include "topology/topology.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace domicile::events {

struct FigureBatch {
    std::string shard;
    std::uint64_t number = 0;
    std::string changes;  ///< JSON: [[metric, [value, …], {measure: "number"}], …]
};

/// {"shard": "eu-1", "batch": 17, "figures": [["sales", ["DE", "2011-03"], {"count": "7", "sum.total":
/// "-3.50"}]]} invalid_value for anything else: an unknown shard or metric, another number of dimensions, a
/// text where a number belongs.
[[nodiscard]] base::Result<FigureBatch> parse_batch(const topology::Topology& topology,
                                                    std::string_view body);

}  // namespace domicile::events

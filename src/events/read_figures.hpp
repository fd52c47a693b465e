#pragma once
// Reading central's figures, and comparing the books: what central holds must be the sum of what the shards
// have let go, batch for batch.

#include "events/figure_table.hpp"
#include "events/postgres_queue.hpp"

#include <string>
#include <vector>

namespace domicile::events {

/// All figures the topology declares, of one snapshot. A cell that is not as declared is left out.
[[nodiscard]] base::Result<Figures> read_figures(const topology::Topology& topology,
                                                 pool::MaintenanceClient& central);

/// What one comparison found.
struct Difference {
    std::string metric, cell, measure;
    std::string central, shards;
};
struct Comparison {
    std::size_t figures = 0;  ///< numbers compared
    std::map<std::string, std::uint64_t, std::less<>>
        marks;  ///< the watermark of each shard they were compared at
    std::vector<Difference> differences;
    /// Cells whose count in the shard is not that of its rows: only if `recount` was asked for.
    std::vector<Difference> miscounted;
};

/// Central = Σ shards, each shard at the batch that central has applied: from one snapshot of central, and
/// one of each shard. node_unavailable if a shard cannot be asked.
[[nodiscard]] base::Result<Comparison> compare(const topology::Topology& topology,
                                               pool::MaintenanceClient& central,
                                               const std::vector<std::pair<std::string, Connect>>& shards);

}  // namespace domicile::events

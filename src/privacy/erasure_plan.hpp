#pragma once
// How one person is erased from a shard (GDPR Art. 17): which rows go and which values are overwritten, by
// the topology's rules and the live foreign keys; or why it cannot be done, found before anything is written.
// Pure.

#include "privacy/live_schema.hpp"
#include "topology/topology.hpp"

#include <string>
#include <vector>

namespace domicile::privacy {

struct ErasureStep {
    std::string table;
    bool rows_go = false;              ///< else they stay, without the values of `columns`
    std::vector<std::string> columns;  ///< "name"
    std::vector<std::string> how;      ///< beside each: "set to null"
};

struct ErasurePlan {
    std::vector<ErasureStep> steps;  ///< every table of people that the erasure changes
    std::vector<std::string> stays;  ///< tables of people without personal columns: nothing is done to them
    /// Counts rows, one column a step; $1 is the user id.
    std::string count_sql;
    /// All of it, in one statement each: first what is overwritten, then what goes (constraints are checked
    /// when all is gone, so cycles do no harm). $1 is the user id, $2 (only in overwrite_sql) a key of this
    /// erasure that is kept nowhere. A row each: how many rows a step has changed. Empty if nothing is.
    std::string overwrite_sql;
    std::string remove_sql;
};

struct ErasureFinding {
    std::string what;
    std::string hint;
};

struct ErasureDecision {
    ErasurePlan plan;
    std::vector<ErasureFinding> findings;  ///< not empty: the plan must not be run
};

[[nodiscard]] ErasureDecision plan_erasure(const topology::Topology& topology, const LiveSchema& live);

}  // namespace domicile::privacy

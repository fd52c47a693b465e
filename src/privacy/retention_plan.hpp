#pragma once
// Which rows have been kept long enough (GDPR Art. 5(1)(e)), as SQL, by the topology's `retention` and
// `retained_from` and the live foreign keys; or why that cannot be done. Pure.

#include "privacy/erasure_plan.hpp"
#include "privacy/live_schema.hpp"
#include "topology/topology.hpp"

#include <string>
#include <vector>

namespace domicile::privacy {

struct RetentionStep {
    std::string table;
    std::string retention;  ///< "10 years"
    bool people = false;  ///< of the person table nobody's row is deleted: the person's erasure is asked for
    /// One batch of `$1::bigint` rows, in one statement; its tag counts them. People under a hold or a
    /// restriction stay, and rows that others point at: they go when those have gone.
    std::string sql;
    /// How many are due, whatever holds them; counts to 100 000.
    std::string due_sql;
};

struct RetentionDecision {
    std::vector<RetentionStep> steps;  ///< tables that point at others first
    std::vector<ErasureFinding> findings;
};

[[nodiscard]] RetentionDecision plan_retention(const topology::Topology& topology, const LiveSchema& live);

}  // namespace domicile::privacy

#pragma once
// What could be better, before it is an alarm. Pure: from what is declared and what is measured to findings,
// each with its evidence and the command that mends it. Every region judges its own; what is declared for the
// whole deployment is judged where composite alarms are.

#include "iam/policy_set.hpp"
#include "ops/facts.hpp"
#include "ops/overview.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::ops {

enum class Pillar : std::uint8_t { cost, performance, security, resilience, limits, operations, residency };
[[nodiscard]] std::string_view name(Pillar pillar) noexcept;

struct Finding {
    std::string check;
    Pillar pillar = Pillar::operations;
    topology::Severity severity = topology::Severity::medium;  ///< low, medium or high
    std::string resource;
    std::string region = {};
    std::string jurisdiction = {};
    std::string title = {};
    std::string evidence = {};
    std::string why = {};
    std::string command = {};

    /// The same for the same check and resource, as long as the finding stands: acknowledgements name it.
    [[nodiscard]] std::string id() const;
};

/// A database role that is not one of PostgreSQL's own.
struct RoleFact {
    std::string name;
    bool superuser = false, create_role = false, bypass_rls = false, replication = false;
};
struct IndexFact {
    std::string table, name;
    std::int64_t scans = 0, bytes = 0;
    bool unique = false;
};
struct TableFact {
    std::string name;
    std::int64_t live = 0, dead = 0;
    bool key_first = false;  ///< some index begins with the user's key
    bool materialized = false;
};
/// What one node's database says of itself beyond the facts.
struct DatabaseEvidence {
    std::string node;
    bool writer = false;
    std::map<std::string, std::string, std::less<>> settings;
    std::vector<RoleFact> roles;
    std::vector<IndexFact> indexes;
    std::vector<TableFact> tables;
    std::int64_t statistics_age_s = 0;  ///< since the counters began
    double commits_per_s = 0;
};

struct Evidence {
    const topology::Topology& topology;
    topology::RegionIndex region;
    const RegionFacts& facts;
    std::span<const PeerFacts> peers = {};
    const iam::PolicySet* policies = nullptr;  ///< null: not looked at
    std::vector<DatabaseEvidence> databases = {};
    /// Average lag in ms of the last hour and of the day before it, by node.
    std::map<std::string, std::pair<double, double>> lag_trend = {};
    /// The database roles that may be there, and which of them may pass row-level security.
    std::vector<std::string> known_roles = {};
    std::int64_t now_ms = 0;
};

struct Check {
    std::string_view id;
    Pillar pillar;
    topology::Severity severity;
    std::string_view title;
    std::string_view why;
    std::string_view command;  ///< "{resource}" stands for the finding's
    /// Appends one (resource, evidence) for each finding. Resources of kind and name, or words of the file.
    void (*look)(const Evidence& evidence, std::vector<std::pair<std::string, std::string>>& found);
    bool deployment = false;  ///< of the whole deployment: one region judges it
};

[[nodiscard]] std::span<const Check> declared_checks();  ///< of the topology file and the policies
[[nodiscard]] std::span<const Check> measured_checks();  ///< of what runs
[[nodiscard]] std::vector<Finding> advise(const Evidence& evidence);

/// As the page shows it. `acknowledged`: the operator's statement, or null.
[[nodiscard]] boost::json::object to_value(const Finding& finding, const boost::json::object* acknowledged);

}  // namespace domicile::ops

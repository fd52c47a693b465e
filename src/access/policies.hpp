#pragma once
// The policies in force for a topology: the defaults of each role and jurisdiction or the files the topology
// names instead, and what declared transfers say of the tables they open.

#include "base/error.hpp"
#include "iam/policy_set.hpp"
#include "topology/topology.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace domicile::access {

/// What is wrong with a policy file.
struct FileFinding {
    std::string file;  ///< as the topology names it
    iam::Finding finding;
};

struct LoadedPolicies {
    /// Null if there is an error among the findings: half the policies are none.
    std::shared_ptr<const iam::PolicySet> set;
    std::vector<FileFinding> findings;
};

/// `read` gives the text of a file that the topology names, 64 KiB at most.
using ReadPolicy = std::function<base::Result<std::string>(const std::string& file)>;
[[nodiscard]] LoadedPolicies policies_of(const topology::Topology& topology, const ReadPolicy& read);

/// "policies/a.json#/Statement/0: text". configuration.
[[nodiscard]] base::Error first_error(const LoadedPolicies& policies);

/// Every policy file the topology names, each once, sorted.
[[nodiscard]] std::vector<std::string> policy_files(const topology::Topology& topology);

}  // namespace domicile::access

#pragma once
// The policies in force for a topology: the defaults of each role and jurisdiction, and what declared
// transfers say of the tables they open.

#include "iam/policy_set.hpp"
#include "topology/topology.hpp"

#include <memory>

namespace domicile::access {

[[nodiscard]] std::shared_ptr<const iam::PolicySet> policies_of(const topology::Topology& topology);

}  // namespace domicile::access

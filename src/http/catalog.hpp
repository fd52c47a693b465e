#pragma once
// Reads the live columns of the topology's sharded tables from one shard of the own jurisdiction.

#include "base/error.hpp"
#include "http/shape.hpp"
#include "pool/pool.hpp"

#include <memory>

namespace domicile::http {

/// configuration if a table or its key is missing; what the pool reports otherwise. References outlive the
/// await.
net::Task<base::Result<std::shared_ptr<const Schema>>> load_schema(pool::Pool& pool,
                                                                   const topology::Topology& topology,
                                                                   topology::JurisdictionIndex own);

}  // namespace domicile::http

#pragma once
// Reads from PostgreSQL's catalogs what an erasure must know.

#include "base/error.hpp"
#include "pool/maintenance.hpp"
#include "privacy/live_schema.hpp"

namespace domicile::rights {

/// Ordinary and partitioned tables of schema public, all foreign keys among them, materialized views of every
/// schema.
[[nodiscard]] base::Result<privacy::LiveSchema> read_schema(pool::MaintenanceClient& client);

}  // namespace domicile::rights

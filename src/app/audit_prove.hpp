#pragma once
// Proofs out of an institution's log, to standard output.

#include "app/commands.hpp"
#include "fleet/secrets.hpp"

namespace domicile::app {

/// That the log holds a document (options.id), or has only grown since it had options.since entries. Exit
/// status.
int audit_prove(const topology::Topology& topology, const fleet::Secrets& secrets,
                const AuditOptions& options);

}  // namespace domicile::app

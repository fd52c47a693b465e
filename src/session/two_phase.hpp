#pragma once
// Two-phase commit over several shards without a coordinator of its own (PostgreSQL docs, "PREPARE
// TRANSACTION"). The first shard decides: a row in its domicile.decisions, written in its own transaction, is
// the decision, and its commit makes it. The others are prepared before that and follow after it. Whoever
// finds a prepared transaction looks there: a row means commit; none, once the first shard's transaction is
// over, means rollback.

#include "base/error.hpp"
#include "net/stream.hpp"
#include "pool/pool.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace domicile::session {

/// Commits what is open on these connections, all or none; the first is of shard `first`. Errors: a node's
/// own (then `node_error` holds its ErrorResponse and all is rolled back), node_unavailable (rolled back),
/// commit_in_doubt (decided by recover_prepared(), one way for all).
net::Task<base::Status> commit_two_phase(std::span<pool::Connection* const> connections,
                                         std::string_view first, std::string& node_error);

/// The parameter types of a statement as they stand in Parse, from the node.
net::Task<base::Result<std::string>> parameter_types(pool::Connection& connection, std::string_view sql,
                                                     std::string_view types);

/// The name of a distributed transaction: "domicile/<first shard>/<its transaction id>/<random>".
struct Gid {
    std::string shard;
    std::string transaction;
};
[[nodiscard]] std::optional<Gid> parse_gid(std::string_view text);

/// What to do with a prepared transaction.
enum class Fate { commit, rollback, wait };
/// `status`: pg_xact_status() of the first shard's transaction, asked before `decided` was looked up; empty
/// for NULL (too old to be known).
[[nodiscard]] Fate fate(std::string_view status, bool decided);

/// Finishes what other gateways have left in the shards of this jurisdiction, every few seconds, until `stop`
/// says so. Runs as the pool's role: a role finishes its own.
net::Task<void> recover_prepared(net::Timer& timer, pool::Pool& pool, const topology::Topology& topology,
                                 base::JurisdictionIndex own, const bool& stop);

}  // namespace domicile::session

#pragma once
// The SQL that follows from the topology: roles, database, and what every shard carries beside the
// application's own tables (range check, id sequences, grants). Pure text; each script may run any number of
// times.

#include "topology/topology.hpp"

#include <span>
#include <string>
#include <string_view>

namespace domicile::fleet {

/// A login of a role: its own name, or its other one (vault/rotation.hpp).
struct RoleVerifier {
    std::string_view role;
    std::string user;
    std::string verifier;  ///< PostgreSQL's stored form of the password; empty: it has none yet
};

/// Creates the logins that are missing and mends their passwords; a role's own name stands before the other.
/// As superuser, in database `postgres`.
[[nodiscard]] std::string roles_sql(std::span<const RoleVerifier> verifiers);
/// Who may connect, and who may see schema public. As superuser, in the database itself.
[[nodiscard]] std::string database_sql(std::string_view database, bool central = false);
/// What central carries beside its migrations. As domicile_owner.
[[nodiscard]] std::string central_sql(const topology::Topology& topology);

/// Everything that a shard's database needs from the topology, after its migrations. As domicile_owner; one
/// implicit transaction. Raises a clear error if a table is missing, lacks its key column, or holds rows
/// outside the ranges.
[[nodiscard]] std::string shard_sql(const topology::Topology& topology, base::ShardIndex shard);
/// Makes the functions of schema domicile that run with their owner's rights `role`'s: the owner's while they
/// are made anew, the officer's after that, so that they see people who are restricted. As superuser.
[[nodiscard]] std::string function_owner_sql(std::string_view role);
/// Removes statistics that were gathered over personal columns before these were declared: PostgreSQL keeps
/// sample values of a column there, out of reach of an erasure. As superuser.
[[nodiscard]] std::string personal_statistics_sql(const topology::Topology& topology, base::ShardIndex shard);

/// The sequence that gives out new user ids of one range, without its schema (which is domicile).
[[nodiscard]] std::string sequence_name(const topology::KeyRange& range);

}  // namespace domicile::fleet

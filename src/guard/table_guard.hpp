#pragma once
// What keeps a sharded table right inside the database itself: the key in the primary key, the CHECK on the
// shard's ranges, the personal columns that the topology says how to erase. SQL made from the topology; run
// by the fleet after migrations, and by the SQL door inside every transaction that defines such a table.

#include "topology/topology.hpp"

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace domicile::guard {

inline constexpr std::string_view range_constraint = "domicile_range";

/// The condition of the CHECK constraint: `key` lies in one of `ranges`.
[[nodiscard]] std::string range_condition(std::string_view key, std::span<const topology::KeyRange> ranges);

/// Brings the table into order or raises an error that says what is wrong (SQLSTATE 42P16 where the
/// definition is). `required`: the table must be there; else a missing one is nobody's fault. As the table's
/// owner.
[[nodiscard]] std::string table_guard(const topology::Table& table, const topology::Shard& shard,
                                      bool required);

/// With [privacy] strict: refuses a database in which something holds user ids that the topology does not
/// declare, so that no erasure can reach it (SQLSTATE 42P16). Empty without.
[[nodiscard]] std::string coverage_guard(const topology::Topology& topology);

/// The part of it that hides people whose processing is restricted (GDPR Art. 18): row-level security, for
/// its owner, too, as long as `domicile.restrictions` names anybody. As the table's owner.
[[nodiscard]] std::string restriction_guard(const topology::Table& table);

/// Replaces every `{name}` in the pattern by its text.
[[nodiscard]] std::string fill(std::string_view pattern,
                               std::initializer_list<std::pair<std::string_view, std::string>> values);

}  // namespace domicile::guard

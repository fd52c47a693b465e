#pragma once
// What PostgreSQL's own functions mean for routing. A name it does not know is opaque. Pure.

#include <cstdint>
#include <string_view>

namespace domicile::sql {

enum class FunctionClass : std::uint8_t {
    plain,          ///< immutable or stable, and reads nothing but its arguments
    aggregates,     ///< the same, over rows
    volatile_,      ///< not on a reader
    sequences,      ///< nextval and its kin: not on a reader, and later calls must meet the same connection
    session_locks,  ///< advisory locks that outlive the transaction
    opaque,         ///< may read any table or file, acts on the server, or is unknown
};

/// `name` as the parser folds it, without a schema or of pg_catalog.
[[nodiscard]] FunctionClass function_class(std::string_view name);

}  // namespace domicile::sql

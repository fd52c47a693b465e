#pragma once
// admit() for statements of the SQL door: facts and constants, joined with the range map into the exact set
// of shards or a refusal that names its rule. Pure.

#include "routing/admit.hpp"
#include "routing/key_set.hpp"
#include "sql/facts.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace domicile::routing {

/// One constant of an execution as a user id.
struct Constant {
    enum class Kind : std::uint8_t {
        id,
        null,      ///< SQL NULL
        too_low,   ///< an integer below every 64-bit one
        too_high,  ///< an integer above every 64-bit one
        unknown,   ///< no plain integer: it bounds nothing
    };
    Kind kind = Kind::unknown;
    std::int64_t id = 0;
};

/// Gives the values behind the operands of one execution.
class Constants {
  public:
    virtual ~Constants() = default;
    [[nodiscard]] virtual Constant at(const sql::Operand& operand) const = 0;
    /// The elements of an array, NULLs left out; false if it is not understood.
    [[nodiscard]] virtual bool array(const sql::Operand& operand, std::vector<std::int64_t>& ids) const = 0;
};

/// What the session adds.
struct Session {
    std::optional<UserId> user;  ///< SET domicile.user_id: routes what carries no key
    bool only_writer = false;    ///< SET domicile.read = 'writer', or inside a transaction that may write
    std::uint32_t sticky = 0;    ///< equal numbers choose equal shards where any shard will do
};

struct Route {
    enum class Kind : std::uint8_t {
        one,      ///< one shard must serve it
        any,      ///< one shard, and any other of the jurisdiction would do as well
        several,  ///< read: gather; write, definition: two-phase commit. Shards in the order of their keys
    };
    Kind kind = Kind::one;
    Plan plan;               ///< the first or only one
    std::vector<Plan> more;  ///< the others of `several`

    [[nodiscard]] std::size_t shards() const noexcept { return 1 + more.size(); }
};

/// The ids a tree leaves possible: a superset of the truth, and the truth itself where every predicate in it
/// is on the key alone. Exposed for its tests.
[[nodiscard]] KeySet evaluate(const sql::KeyTree& tree, const Constants& constants);

/// Whether all rows the statement is about are those of one person: every group of its tables is bound to
/// that id alone. Reference tables do not count against it, all other tables do; a statement without any
/// table of persons is about nobody: false.
[[nodiscard]] bool only_about(const sql::Facts& facts, const Constants& constants, UserId user);

/// The same permission, for the shard's writer.
[[nodiscard]] Plan for_writer(const Plan& plan);

/// Errors: unknown_table, no_range, foreign_home, not_permitted, cannot_route (with the rule that says why).
[[nodiscard]] std::expected<Route, Refusal> admit(const sql::Facts& facts, const Constants& constants,
                                                  const Session& session, const Principal& principal,
                                                  const Place& place);

}  // namespace domicile::routing

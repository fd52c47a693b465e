#pragma once
// A Plan is the permission to touch a database: which shard, writer or reader, for which jurisdiction. Only
// this room makes one (admit.hpp), only against a Plan does the pool give a connection, and the pool asserts
// once more that the node stands in the plan's jurisdiction. Residency is a type, not a habit.

#include "base/error.hpp"
#include "base/ids.hpp"
#include "topology/range_map.hpp"
#include "topology/topology.hpp"

#include <cstdint>
#include <expected>
#include <optional>

namespace domicile::routing {

using base::JurisdictionIndex;
using base::ShardIndex;
using base::UserId;

/// Which kind of node may serve.
enum class Access : std::uint8_t {
    writer,  ///< only the shard's writer
    reader,  ///< a reader that is fresh enough, else the writer
};

/// Why a statement is refused. `home` is set when the person's home is elsewhere: it follows from the id and
/// the public range map alone, so it says nothing about whether the person exists.
struct Refusal {
    base::Error error;
    std::optional<JurisdictionIndex> home;
};

struct Authority;  // the makers of plans, in admit.cpp

class Plan {
  public:
    [[nodiscard]] ShardIndex shard() const noexcept { return shard_; }
    [[nodiscard]] JurisdictionIndex jurisdiction() const noexcept { return jurisdiction_; }
    [[nodiscard]] Access access() const noexcept { return access_; }
    /// Epoch of the range map the plan was made with.
    [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }

  private:
    friend struct Authority;
    Plan(ShardIndex shard, JurisdictionIndex jurisdiction, Access access, std::uint64_t epoch)
        : shard_(shard), jurisdiction_(jurisdiction), access_(access), epoch_(epoch) {}

    ShardIndex shard_;
    JurisdictionIndex jurisdiction_;
    Access access_;
    std::uint64_t epoch_;
};

}  // namespace domicile::routing

#pragma once
// Rewrites tables whose pages may still hold erased values.

#include "events/leader.hpp"
#include "rights/work.hpp"

namespace domicile::rights {

class Rewriter {
  public:
    Rewriter(std::string shard, std::uint32_t rewrite_h, const events::Connect& monitor)
        : shard_(std::move(shard)), rewrite_h_(rewrite_h), monitor_(monitor) {}
    /// The next table, if it is time; whether there was one.
    base::Result<bool> round(pool::MaintenanceClient& client);

  private:
    std::string shard_;
    std::uint32_t rewrite_h_;
    const events::Connect& monitor_;
    std::chrono::steady_clock::time_point rewritten_{};
};

}  // namespace domicile::rights

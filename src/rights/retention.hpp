#pragma once
// Removes rows whose retention has passed (GDPR Art. 5(1)(e)), a batch at a time, and says what it did.

#include "base/metrics.hpp"
#include "rights/work.hpp"
#include "topology/topology.hpp"

namespace domicile::rights {

class Retention {
  public:
    Retention(const topology::Topology& topology, std::string shard, base::Counter& removed)
        : topology_(topology), shard_(std::move(shard)), removed_(removed) {}
    /// One batch of one table, if it is time; whether there may be more.
    base::Result<bool> round(pool::MaintenanceClient& client);

  private:
    const topology::Topology& topology_;
    std::string shard_;
    base::Counter& removed_;
    std::size_t next_ = 0;  // of the plan's steps
    std::chrono::steady_clock::time_point due_{};
};

}  // namespace domicile::rights

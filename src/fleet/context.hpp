#pragma once
// What every part of one run of the fleet needs to know. Made once, then shared by its threads.

#include "base/error.hpp"
#include "fleet/fleet.hpp"
#include "fleet/process.hpp"
#include "fleet/secrets.hpp"
#include "fleet/state_dir.hpp"
#include "pool/maintenance.hpp"
#include "topology/topology.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace domicile::fleet {

/// PostgreSQL 15's programs.
struct Programs {
    std::filesystem::path initdb;
    std::filesystem::path postgres;
    std::filesystem::path pg_basebackup;
};
/// Debian's folder, else the one `pg_config --bindir` names. configuration if they are not there.
[[nodiscard]] base::Result<Programs> find_programs();

class Context {
  public:
    Context(const topology::Topology& topology, const Options& options, StateDir state, RunAs user,
            Programs programs, const std::atomic<bool>& stop)
        : topology(topology),
          options(options),
          state(std::move(state)),
          user(std::move(user)),
          programs(std::move(programs)),
          secrets(topology, this->state, options.region),
          stop_(stop) {}

    /// The caller's flag, or a `down` from another process.
    [[nodiscard]] bool stopping() const;
    /// Tells the operator. Thread-safe.
    void say(Step step, std::string_view name, std::string text, std::size_t done = 0,
             std::size_t total = 0) const;

    [[nodiscard]] bool is_central(const topology::Node& node) const {
        return node.shard.value >= topology.shards.size();
    }

    const topology::Topology& topology;
    const Options& options;
    const StateDir state;
    const RunAs user;
    const Programs programs;
    const Secrets secrets;

  private:
    const std::atomic<bool>& stop_;
    mutable std::mutex saying_;
};

/// A connection for upkeep, as the login that serves the role now.
[[nodiscard]] base::Result<pool::MaintenanceClient> connect(const Secrets& secrets,
                                                            const topology::Node& node, std::string_view role,
                                                            std::string_view database);
/// The same with a login of one's own.
[[nodiscard]] base::Result<pool::MaintenanceClient> connect_as(
    const topology::Topology& topology, const topology::Node& node, const vault::DatabaseLogin& login,
    std::string_view database, std::optional<topology::RegionIndex> from = {});

/// The first column of the first row of the last result set; nothing if there is none or it is null.
[[nodiscard]] base::Result<std::optional<std::string>> single_value(pool::MaintenanceClient& client,
                                                                    std::string_view statement);

}  // namespace domicile::fleet

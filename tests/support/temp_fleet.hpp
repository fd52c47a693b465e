#pragma once
// A small embedded system for one test: a topology with free ports in a temporary folder, brought up in a
// thread, torn down at the end. One test process may hold several.

#include "fleet/fleet.hpp"
#include "fleet/secrets.hpp"
#include "pool/maintenance.hpp"
#include "topology/topology.hpp"

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace domicile::test_support {

/// Free TCP ports of 127.0.0.1, one after the other, below the range the kernel hands out to clients.
/// Different calls in one process give different ports.
[[nodiscard]] std::uint16_t free_port_block(std::size_t count);

/// Two jurisdictions: eu (two regions, shard eu-1 with a reader and ids [0, 1000)) and uk (shard uk-1 with
/// ids [1000, 2000)), central, tables users and orders. `@PORT@` stands for the next free port, `@FIRST@` for
/// the first of a block of 16 for the nodes.
[[nodiscard]] std::string small_topology();
/// The migrations of small_topology(): file name to SQL.
[[nodiscard]] std::map<std::string, std::string> small_migrations();

class TempFleet {
  public:
    /// `self` is what gateways run. Writes everything and reads the topology back; throws if it is not valid.
    explicit TempFleet(std::filesystem::path self, std::string_view topology = small_topology(),
                       const std::map<std::string, std::string>& migrations = small_migrations());
    TempFleet(const TempFleet&) = delete;
    TempFleet& operator=(const TempFleet&) = delete;
    /// Stops whatever runs and deletes the folder.
    ~TempFleet();

    /// Brings it up in a thread and waits until it is ready or has failed.
    [[nodiscard]] base::Status start();
    /// Lets the supervisor thread stop everything; its result.
    [[nodiscard]] base::Status stop();
    /// up() in a process of its own, which the caller ends and reaps; does not wait for anything.
    [[nodiscard]] pid_t fork_up() const;
    /// Brings it up in a process of its own, which the caller may kill; waits until it is ready. The pid, or
    /// -1.
    [[nodiscard]] pid_t start_process();

    [[nodiscard]] const topology::Topology& topology() const { return topology_; }
    [[nodiscard]] const fleet::Options& options() const { return options_; }
    [[nodiscard]] fleet::StateDir state() const { return fleet::StateDir(options_.state); }
    /// The fleet's own secrets: "login/app" of "eu". Empty if there is none.
    [[nodiscard]] fleet::Secrets secrets() const { return fleet::Secrets(topology_, state()); }
    [[nodiscard]] std::string secret(std::string_view scope, std::string_view name) const;
    [[nodiscard]] std::filesystem::path folder() const { return folder_; }
    [[nodiscard]] const topology::Node& node(std::string_view name) const;
    /// Whether any line of progress so far holds `part`.
    [[nodiscard]] bool said(std::string_view part) const;

    /// Connects as one of the fleet's roles. Throws if that fails.
    [[nodiscard]] pool::MaintenanceClient connect(std::string_view node, std::string_view role) const;

  private:
    std::filesystem::path folder_;
    topology::Topology topology_;
    fleet::Options options_;
    std::atomic<bool> stop_{false};
    std::atomic<bool> ended_{false};
    base::Status result_;
    std::thread thread_;
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

/// Polls until `condition` holds; false after `timeout`.
template <class Condition>
[[nodiscard]] bool eventually(Condition condition,
                              std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

}  // namespace domicile::test_support

#pragma once
// One supervised part: a PostgreSQL node, or a region's gateway, worker, or relay of the mesh.

#include "fleet/context.hpp"
#include "fleet/process.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace domicile::fleet {

/// How long to wait before a start, by how the starts before it went. Pure.
class Backoff {
  public:
    static constexpr std::chrono::milliseconds shortest{200};
    static constexpr std::chrono::milliseconds longest{10'000};
    static constexpr std::chrono::milliseconds healthy{30'000};

    /// After a run that lasted `lived`: the shortest wait after a healthy run, else twice the last one.
    [[nodiscard]] std::chrono::milliseconds after(std::chrono::milliseconds lived) {
        wait_ = lived >= healthy || wait_ == wait_.zero() ? shortest : std::min(wait_ * 2, longest);
        failures_ = lived >= healthy ? 1 : failures_ + 1;
        return wait_;
    }
    /// Runs in a row that were not healthy.
    [[nodiscard]] unsigned failures() const { return failures_; }
    void reset() { *this = {}; }

  private:
    std::chrono::milliseconds wait_{0};
    unsigned failures_ = 0;
};

/// In the order in which they are stopped.
enum class UnitKind : std::uint8_t { worker, gateway, reader, writer, central, mesh };

struct Unit {
    using Time = std::chrono::steady_clock::time_point;

    UnitKind kind = UnitKind::gateway;
    std::string name;                          ///< the node's, or "gateway.<region>", "worker.…", "mesh.…"
    const topology::Node* node = nullptr;      ///< null for what a region has
    const topology::Node* writer = nullptr;    ///< readers: whom they follow
    const topology::Region* region = nullptr;  ///< gateways, workers and relays

    std::mutex mutex;  ///< held by whoever starts, stops or replaces the process
    Process process;
    Time started{};
    Backoff backoff;
    std::optional<Time> retry_at;
    bool awaiting = false;  ///< started again, not ready yet
};

using Units = std::vector<std::unique_ptr<Unit>>;

/// One unit for every embedded node and every region, in topology order; of one region only, if it is given.
/// Pointers into `topology`.
[[nodiscard]] Units units_of(const topology::Topology& topology,
                             std::optional<topology::RegionIndex> region = std::nullopt);
[[nodiscard]] std::string gateway_name(const topology::Region& region);
[[nodiscard]] std::string worker_name(const topology::Region& region);
[[nodiscard]] std::string mesh_name(const topology::Region& region);
/// Whether anything happens after the commit: figures, or documents.
[[nodiscard]] bool needs_workers(const topology::Topology& topology);

/// The live process of a unit, whoever started it.
[[nodiscard]] std::optional<Process> find_unit(const StateDir& state, const Unit& unit);
/// The live gateway of a region by its pid file, else by its command line.
[[nodiscard]] std::optional<Process> find_gateway(const StateDir& state, const topology::Region& region);

/// The same for its worker, and its relay of the mesh.
[[nodiscard]] std::optional<Process> find_worker(const StateDir& state, const topology::Region& region);
[[nodiscard]] std::optional<Process> find_mesh(const StateDir& state, const topology::Region& region);

/// Whether a command line is that of this state's gateway for `region`. Pure.
[[nodiscard]] bool is_gateway(const std::vector<std::string>& arguments, const std::string& region,
                              const std::string& state);

/// A gateway, a worker or a relay.
[[nodiscard]] base::Result<Process> start_server(const Context& context, UnitKind kind,
                                                 const topology::Region& region);

/// Stops every live unit: workers, gateways, then readers, writers, central; tells progress. Error names what
/// would not die.
[[nodiscard]] base::Status stop_units(const Context& context, Units& units);
/// Ends one process the way its kind wants, harder if it does not listen. False if it outlives even that.
[[nodiscard]] bool stop_process(UnitKind kind, Process& process);

}  // namespace domicile::fleet

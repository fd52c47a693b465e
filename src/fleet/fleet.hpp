#pragma once
// The embedded system on one machine: every PostgreSQL cluster of the topology and one gateway per region, as
// real processes under one supervisor. What runs outlives the supervisor: after `kill -9` of it the database
// and the gateways go on serving, and the next up() adopts them.

#include "base/error.hpp"
#include "fleet/secrets.hpp"
#include "fleet/state_dir.hpp"
#include "fleet/status.hpp"
#include "topology/topology.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace domicile::fleet {

enum class Step : std::uint8_t {
    prepare,  ///< state directory, passwords, ports
    node,     ///< PostgreSQL nodes: done of total
    migrate,  ///< one migration applied
    mesh,     ///< relays of the mesh: done of total
    gateway,  ///< gateways: done of total
    worker,   ///< workers: done of total
    ready,    ///< all is up
    restart,  ///< something died and is started again
    stop,     ///< stopping: done of total
    note,     ///< one line the operator should read
};

/// One line of progress. `total` is 0 where nothing is counted.
struct Progress {
    Step step = Step::note;
    std::string name;  ///< node, gateway or file
    std::size_t done = 0;
    std::size_t total = 0;
    std::string text;
};

struct Options {
    std::filesystem::path topology_file;
    std::filesystem::path state;  ///< absolute
    std::filesystem::path self;   ///< our own binary, which gateways run
    /// Only what stands in this region: the others have supervisors of their own, on other machines or in
    /// other network namespaces. Empty: the whole system.
    std::optional<topology::RegionIndex> region = std::nullopt;
    std::function<void(const Progress&)> progress;  ///< may be empty; called by one thread at a time
};

/// Brings everything up, then supervises until `stop` is set or `down` asks; then stops everything in order
/// (gateways, readers, writers, central). Ok at once if a supervisor lives already. configuration with a hint
/// for everything the operator can mend; then nothing is left running that this call has started.
[[nodiscard]] base::Status up(const topology::Topology& topology, const Options& options,
                              const std::atomic<bool>& stop);

/// Asks a living supervisor to stop and waits; without one, stops what is left itself. Ok if nothing runs.
[[nodiscard]] base::Status down(const topology::Topology& topology, const Options& options);

/// Deletes the state directory. configuration if anything runs, or if the folder does not bear our marker.
[[nodiscard]] base::Status reset(const topology::Topology& topology, const Options& options);

/// Looks at everything without changing anything. Never fails because a part is down: that is what it
/// reports.
[[nodiscard]] base::Result<StatusReport> status(const topology::Topology& topology, const Options& options);

/// Whether a living supervisor has brought everything up.
[[nodiscard]] bool ready(const std::filesystem::path& state);

}  // namespace domicile::fleet

#pragma once
// One embedded PostgreSQL node: its data directory, its configuration, its postmaster. Needs no SQL.

#include "base/error.hpp"
#include "fleet/conf.hpp"
#include "fleet/context.hpp"
#include "fleet/process.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace domicile::fleet {

/// What `postmaster.pid` says.
struct Postmaster {
    pid_t pid = 0;
    std::uint16_t port = 0;
    bool ready = false;  ///< takes connections
    bool stopping = false;
};
[[nodiscard]] std::optional<Postmaster> parse_postmaster(std::string_view text);

/// The live postmaster of a node, whoever started it; nothing if there is none.
struct LiveNode {
    Process process;
    Postmaster file;
};
[[nodiscard]] std::optional<LiveNode> find_node(const StateDir& state, const topology::Node& node);

/// Whether the node has a complete data directory.
[[nodiscard]] bool has_data(const StateDir& state, const topology::Node& node);
/// initdb beside and rename: whatever kills us, the node has a whole data directory or none.
[[nodiscard]] base::Status create_writer(const Context& context, const topology::Node& node);
/// Copies the running writer with pg_basebackup, beside and rename; replaces what is there.
/// REQUIRES: the reader does not run; its slot exists.
[[nodiscard]] base::Status copy_writer(const Context& context, const topology::Node& reader,
                                       const topology::Node& writer);

/// Ends what an interrupted create_writer() or copy_writer() has left running: a helper process can outlive
/// the program that dies with us.
void end_setup(const StateDir& state, const topology::Node& node);

/// Writes domicile.conf, pg_hba.conf and standby.signal. `writer` is null for a writer itself.
[[nodiscard]] base::Status configure(const Context& context, const topology::Node& node,
                                     const topology::Node* writer);

/// Starts the postmaster; takes over one that lives already. Backends a dead postmaster has left behind are
/// ended, for they hold the data directory.
[[nodiscard]] base::Result<Process> start_node(const Context& context, const topology::Node& node);
/// Waits until the node takes connections. node_unavailable with the end of its log if it dies or takes too
/// long.
[[nodiscard]] base::Status wait_ready(const Context& context, const topology::Node& node, Process& process,
                                      std::chrono::milliseconds timeout);

/// "ready", "starting", "stopping" or "down".
[[nodiscard]] std::string_view node_state(const std::optional<LiveNode>& live);

}  // namespace domicile::fleet

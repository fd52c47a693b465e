#pragma once
// Which node of a shard serves: a pure decision over what is known of the nodes.

#include "base/ids.hpp"
#include "routing/plan.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace domicile::routing {

/// A place in a shard's write-ahead log. Positions of different timelines do not compare (PostgreSQL docs,
/// "Timelines").
struct Position {
    std::uint32_t timeline = 0;
    std::uint64_t lsn = 0;
    friend bool operator==(const Position&, const Position&) = default;
};

/// "1:0/3000148": timeline, then the LSN as PostgreSQL prints it.
[[nodiscard]] std::string to_text(const Position& position);
[[nodiscard]] std::optional<Position> parse_position(std::string_view text);
/// "0/3000148" as PostgreSQL prints it.
[[nodiscard]] std::optional<std::uint64_t> parse_lsn(std::string_view text);

/// What the last probe of a node found.
struct NodeState {
    bool up = false;
    bool in_recovery = false;
    bool local = false;  ///< stands in the gateway's own region
    std::uint32_t timeline = 0;
    std::uint64_t lsn = 0;      ///< written (writer) or replayed (reader)
    std::int64_t lag_ms = 0;    ///< of a reader behind its writer, measured by the prober
    std::int64_t asked_us = 0;  ///< by the gateway's steady clock: when the probe was sent
    bool restrictions = false;  ///< the processing of some people's data is restricted (GDPR Art. 18)
};

/// The index of the node that is the writer: up, not in recovery, on the highest timeline of all nodes that
/// are not. Nothing if there is none, or two claim the same timeline: a guess could lose writes.
[[nodiscard]] std::optional<std::size_t> choose_writer(std::span<const NodeState> nodes);

/// The node for a plan. A reader serves only if it is up, on the writer's timeline (when the writer is
/// known), not further behind than `lag_ms_max`, and has replayed `required`; local ones first, `turn` takes
/// turns among equals. Without such a reader the writer serves. Nothing if that is unknown, too.
[[nodiscard]] std::optional<std::size_t> choose_node(std::span<const NodeState> nodes, Access access,
                                                     const std::optional<Position>& required,
                                                     std::int64_t lag_ms_max, std::uint64_t turn);

}  // namespace domicile::routing

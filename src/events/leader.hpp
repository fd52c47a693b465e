#pragma once
// One worker at a time does a piece of work of a shard: who holds its advisory lock. The lock ends with the
// connection, so another worker takes over at once when a leader dies.

#include "base/metrics.hpp"
#include "events/postgres_queue.hpp"

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>

namespace domicile::events {

/// Any numbers that applications are unlikely to lock (PostgreSQL docs, 13.3.5 Advisory Locks).
inline constexpr std::string_view relay_lock = "7237129510022";
inline constexpr std::string_view keeper_lock = "7237129510023";

struct Work {
    std::string log_name;  ///< "relay": what log lines begin with
    std::string of;        ///< the shard, or the institution
    std::string lock;      ///< an SQL expression of type bigint
    Connect connect;       ///< to where the lock is
    base::Counter* failures = nullptr;
    base::Gauge* leads = nullptr;  ///< may be null
    /// Once when it has become the leader, before the first round; may be empty.
    std::function<void()> begin = {};
    /// Some of the work, and whether there is more of it already.
    std::function<base::Result<bool>(pool::MaintenanceClient&)> round = {};
    /// After a round that failed; may be empty.
    std::function<void()> failed = {};
};

/// Until told to stop: leads when it can, works as long as it leads. A thread of its own.
void lead(const std::stop_token& stop, const Work& work);

/// Sleeps, but not beyond the request to stop.
void sleep_for(const std::stop_token& stop, std::chrono::milliseconds time);

}  // namespace domicile::events

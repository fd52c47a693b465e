#pragma once
// One shard's relay: turns what its transactions have told into numbered batches, and hands them to the queue
// until central has applied them.

#include "base/metrics.hpp"
#include "cloud/queue.hpp"
#include "events/leader.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

namespace domicile::events {

/// Batch numbers that central has applied, by shard.
using Watermarks = std::map<std::string, std::uint64_t, std::less<>>;

struct RelayMetrics {
    RelayMetrics(base::Metrics& metrics, const std::string& shard);
    base::Gauge& leads;
    base::Counter& events;
    base::Counter& batches;
    base::Counter& documents;
    base::Counter& failures;
    base::Gauge& backlog;      ///< rows of the outbox
    base::Gauge& lag_ms;       ///< age of the oldest of them
    base::Gauge& unconfirmed;  ///< batches that central has not applied yet
};

class Relay {
  public:
    /// `writer` connects to the shard's writer, whichever node it is now. `watermarks` asks central; both may
    /// fail, which is tried again. References outlive it.
    Relay(std::string shard, Connect writer, cloud::Queue& queue,
          std::function<base::Result<Watermarks>()> watermarks, RelayMetrics& metrics)
        : shard_(std::move(shard)),
          writer_(std::move(writer)),
          queue_(queue),
          watermarks_(std::move(watermarks)),
          metrics_(metrics) {}

    /// Until told to stop. A thread of its own.
    void run(const std::stop_token& stop);

    /// One round of a leader: what was taken and sent. For tests, and `run`.
    struct Round {
        std::uint64_t events = 0;
        std::uint64_t sent = 0;
    };
    base::Result<Round> round(pool::MaintenanceClient& client);

  private:
    base::Result<std::uint64_t> send_pending(pool::MaintenanceClient& client);
    base::Status confirm(pool::MaintenanceClient& client);

    std::string shard_;
    Connect writer_;
    cloud::Queue& queue_;
    std::function<base::Result<Watermarks>()> watermarks_;
    RelayMetrics& metrics_;
    std::optional<std::uint64_t> sent_;  // the last batch that is in the queue, or beyond
    std::string attempt_;                // of sending: a queue takes what it has seen for the same message
    void begin_anew(std::uint64_t after);
    std::uint64_t confirmed_ = 0;
    std::chrono::steady_clock::time_point asked_{};
    std::chrono::steady_clock::time_point advanced_{};
};

}  // namespace domicile::events

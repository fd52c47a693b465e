#pragma once
// Central's end of the queue: applies each batch exactly once, in the order of its shard.

#include "events/figures.hpp"
#include "events/relay.hpp"

namespace domicile::events {

enum class Applied : std::uint8_t {
    now,
    before,  ///< a duplicate: nothing changed
    early,   ///< one before it is missing: nothing changed; the shard will send both
};

/// One message's body against central, in one transaction. invalid_value: it can never be applied.
[[nodiscard]] base::Result<Applied> apply(const topology::Topology& topology,
                                          pool::MaintenanceClient& central, std::string_view body);
[[nodiscard]] base::Result<Watermarks> read_watermarks(pool::MaintenanceClient& central);

struct ConsumerMetrics {
    explicit ConsumerMetrics(base::Metrics& metrics);
    base::Counter& applied;
    base::Counter& duplicates;
    base::Counter& early;
    base::Counter& poison;
    base::Counter& failures;
    base::Gauge& waiting;
    base::Gauge& dead;
};

class Consumer {
  public:
    Consumer(const topology::Topology& topology, cloud::Queue& queue, Connect central,
             ConsumerMetrics& metrics)
        : topology_(topology), queue_(queue), central_(std::move(central)), metrics_(metrics) {}
    /// Until told to stop. A thread of its own.
    void run(const std::stop_token& stop);
    /// Receives once; how many messages came.
    base::Result<std::size_t> round(pool::MaintenanceClient& central, std::chrono::seconds wait);

  private:
    const topology::Topology& topology_;
    cloud::Queue& queue_;
    Connect central_;
    ConsumerMetrics& metrics_;
};

}  // namespace domicile::events

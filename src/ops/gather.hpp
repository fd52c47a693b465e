#pragma once
// From what a region's processes write down to its facts. Pure but for what it remembers: the counters of the
// last time, from which rates follow.

#include "base/metrics.hpp"
#include "ops/facts.hpp"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace domicile::ops {

/// What is asked less often, since it costs a database or a vault a question.
struct Slow {
    std::vector<Resource> resources;  ///< facts are added to those of the same kind and name
    boost::json::array ranges, requests;
};

struct Sources {
    std::int64_t now_ms = 0;
    std::string gateway_view;  ///< JSON of the gateway (RegionFiles::view); empty: it does not live
    std::string relay_seen;    ///< JSON of the relay; empty: it does not live, or there is none
    std::vector<base::MetricValue> worker;
    Slow slow;
};

class Gatherer {
  public:
    /// The topology outlives it.
    Gatherer(const topology::Topology& topology, topology::RegionIndex region)
        : topology_(topology), region_(region) {}

    /// Every resource of the region that the topology knows is there, whether anything is known of it or not.
    [[nodiscard]] RegionFacts gather(const Sources& sources);

  private:
    /// By how much a counter grows per second; nothing the first time, or after its process began anew.
    std::optional<double> rate(const std::string& counter, double value, std::int64_t now_ms);
    void gateway(RegionFacts& facts, const Sources& sources);
    void worker(RegionFacts& facts, const Sources& sources);
    void relay(RegionFacts& facts, const Sources& sources);
    Resource& resource(RegionFacts& facts, std::string_view kind, std::string_view name);

    const topology::Topology& topology_;
    topology::RegionIndex region_;
    std::map<std::string, std::pair<double, std::int64_t>> counters_;
};

/// The value below which `share` of a histogram's observations lie, in ms, by the buckets' growth; nothing if
/// there were none. `buckets`: upper bound in seconds and how many more than before lie below it.
[[nodiscard]] std::optional<double> quantile_ms(std::span<const std::pair<double, double>> buckets,
                                                double share);

/// `labels` of a metric: the value of one, or empty.
[[nodiscard]] std::string_view label(std::string_view labels, std::string_view name) noexcept;

}  // namespace domicile::ops

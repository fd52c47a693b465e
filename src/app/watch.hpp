#pragma once
// What a region's worker does beside its work: it looks at everything of the region once a second, keeps a
// small history, judges alarms, and writes down what the page, the command line and other regions read.

#include "app/region_files.hpp"
#include "base/metrics.hpp"
#include "fleet/secrets.hpp"
#include "ops/advisor.hpp"
#include "ops/alarms.hpp"
#include "ops/gather.hpp"
#include "ops/overview.hpp"
#include "ops/series.hpp"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

namespace domicile::app {

/// What the kernel says of this process.
class ProcessMetrics {
  public:
    /// `what`: gateway or worker; the names of one must not be the other's, since one page shows both.
    ProcessMetrics(base::Metrics& metrics, const std::string& what);
    void update();

  private:
    base::Counter& cpu_ms_;
    base::Gauge& resident_;
};

inline constexpr const char* silences_file = "silences.json";
inline constexpr const char* acknowledgements_file = "acknowledgements.json";
inline constexpr std::uint32_t history_series_max = 4'096;
[[nodiscard]] inline std::string series_name(std::string_view region, std::string_view resource,
                                             std::string_view fact) {
    return std::string(region) + " " + std::string(resource) + " " + std::string(fact);
}

class HistoryFile;

class Watch {
  public:
    /// References outlive it. `folder`: what the topology's files are relative to. `policies`: null if they
    /// cannot be read.
    Watch(const fleet::Secrets& secrets, topology::RegionIndex region, const RegionFiles& files,
          base::Metrics& metrics, std::filesystem::path folder,
          std::shared_ptr<const iam::PolicySet> policies);
    ~Watch();

    /// Until stopped.
    void run(const std::stop_token& stop);

  private:
    void step(std::int64_t now_ms);
    void look_slowly(const std::stop_token& stop);
    void add_certificates(ops::Slow& slow) const;
    [[nodiscard]] boost::json::array advise(const ops::RegionFacts& facts,
                                            std::span<const ops::PeerFacts> peers, std::int64_t now_ms);
    void add_vault(ops::Slow& slow) const;
    void tell(const std::stop_token& stop);
    void keep_history(const ops::RegionFacts& facts, std::span<const ops::PeerFacts> peers,
                      std::int64_t now_ms);
    [[nodiscard]] std::vector<ops::Silence> silences(const ops::RegionFacts& own,
                                                     std::span<const ops::PeerFacts> peers) const;

    const fleet::Secrets& secrets_;
    const topology::Topology& topology_;
    topology::RegionIndex region_;
    const RegionFiles& files_;
    base::Metrics& metrics_;
    ProcessMetrics process_;
    base::Gauge& active_;
    base::Counter& told_;
    base::Counter& untold_;
    ops::Gatherer gatherer_;
    ops::Alarms alarms_;
    std::int64_t since_ms_;
    boost::json::array transitions_;  ///< the last of them
    std::unique_ptr<HistoryFile> history_;

    std::mutex mutex_;
    std::condition_variable_any awake_;
    ops::Slow slow_;
    std::vector<ops::DatabaseEvidence> databases_;
    boost::json::array advice_;  ///< as of the last look
    std::int64_t advised_ms_ = 0;
    std::shared_ptr<const iam::PolicySet> policies_;
    std::filesystem::path folder_;  ///< of the topology's files
    std::deque<ops::Alarm> untold_queue_;
};

}  // namespace domicile::app

#pragma once
// Counters, gauges and histograms as relaxed atomics, and their OpenMetrics 1.0 text. Each room declares its
// metrics in one struct; labels are fixed when a metric is made, so cardinality is bounded by the topology,
// never by traffic.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::base {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
  public:
    void add(std::uint64_t count = 1) noexcept { value_.fetch_add(count, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

class Gauge {
  public:
    void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
    void add(std::int64_t change) noexcept { value_.fetch_add(change, std::memory_order_relaxed); }
    [[nodiscard]] std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::int64_t> value_{0};
};

/// Durations in fixed buckets from 100 µs to 10 s; exposed in seconds.
class Histogram {
  public:
    static constexpr std::array<std::uint64_t, 16> bounds_us = {
        100,    250,     500,     1'000,   2'500,     5'000,     10'000,    25'000,
        50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};
    void observe_us(std::uint64_t microseconds) noexcept;

  private:
    friend class Metrics;
    std::array<std::atomic<std::uint64_t>, bounds_us.size() + 1> buckets_{};
    std::atomic<std::uint64_t> sum_us_{0};
};

/// One number as it stands now; a histogram gives several.
struct MetricValue {
    std::string name;    ///< "domicile_pool_waits_total", "domicile_http_request_seconds_bucket"
    std::string labels;  ///< as in the text, without braces
    double value = 0;
};

/// Owns every metric; references stay valid for the registry's life. Making metrics locks, counting never
/// does.
class Metrics {
  public:
    /// `name` without the `_total` suffix, which the text adds. The same name with other labels joins one
    /// family.
    Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
    Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
    /// `name` ends in `_seconds`.
    Histogram& histogram(std::string_view name, std::string_view help, const Labels& labels = {});

    /// OpenMetrics 1.0 text, with the closing `# EOF`.
    [[nodiscard]] std::string text() const;
    /// The same numbers as values, in the text's order.
    [[nodiscard]] std::vector<MetricValue> values() const;

  private:
    enum class Kind : std::uint8_t { counter, gauge, histogram };
    struct Sample {
        std::string labels;  // rendered, without braces
        Counter* counter = nullptr;
        Gauge* gauge = nullptr;
        Histogram* histogram = nullptr;
    };
    struct Family {
        std::string name;
        std::string help;
        Kind kind;
        std::vector<Sample> samples;
    };
    Sample& sample(std::string_view name, std::string_view help, Kind kind, const Labels& labels);

    mutable std::mutex mutex_;
    std::deque<Counter> counters_;
    std::deque<Gauge> gauges_;
    std::deque<Histogram> histograms_;
    std::vector<Family> families_;
};

}  // namespace domicile::base

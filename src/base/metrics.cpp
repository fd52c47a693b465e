#include "base/metrics.hpp"

#include "base/assert.hpp"

#include <algorithm>

namespace domicile::base {
namespace {

std::string render(const Labels& labels) {
    std::string text;
    for (const auto& [key, value] : labels) {
        if (!text.empty()) {
            text += ',';
        }
        text += key + "=\"";
        for (const char c : value) {
            if (c == '\n') {
                text += "\\n";
                continue;
            }
            if (c == '"' || c == '\\') {
                text += '\\';
            }
            text += c;
        }
        text += '"';
    }
    return text;
}

std::string braced(const std::string& labels, const std::string& extra = {}) {
    if (labels.empty() && extra.empty()) {
        return {};
    }
    return "{" + labels + (labels.empty() || extra.empty() ? "" : ",") + extra + "}";
}

/// Microseconds as seconds, exactly: no rounding through a double.
std::string seconds(std::uint64_t microseconds) {
    std::string fraction = std::to_string(microseconds % 1'000'000);
    fraction.insert(0, 6 - fraction.size(), '0');
    return std::to_string(microseconds / 1'000'000) + "." + fraction;
}

}  // namespace

void Histogram::observe_us(std::uint64_t microseconds) noexcept {
    const auto bucket =
        std::lower_bound(bounds_us.begin(), bounds_us.end(), microseconds) - bounds_us.begin();
    buckets_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    sum_us_.fetch_add(microseconds, std::memory_order_relaxed);
}

Metrics::Sample& Metrics::sample(std::string_view name, std::string_view help, Kind kind,
                                 const Labels& labels) {
    auto family = std::ranges::find(families_, name, &Family::name);
    if (family == families_.end()) {
        families_.push_back(Family{std::string(name), std::string(help), kind, {}});
        family = std::prev(families_.end());
    }
    DOMICILE_ASSERT(family->kind == kind);
    std::string rendered = render(labels);
    const auto found = std::ranges::find(family->samples, rendered, &Sample::labels);
    if (found != family->samples.end()) {
        return *found;
    }
    return family->samples.emplace_back(Sample{std::move(rendered), nullptr, nullptr, nullptr});
}

Counter& Metrics::counter(std::string_view name, std::string_view help, const Labels& labels) {
    const std::scoped_lock lock(mutex_);
    Sample& made = sample(name, help, Kind::counter, labels);
    if (made.counter == nullptr) {
        made.counter = &counters_.emplace_back();
    }
    return *made.counter;
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, const Labels& labels) {
    const std::scoped_lock lock(mutex_);
    Sample& made = sample(name, help, Kind::gauge, labels);
    if (made.gauge == nullptr) {
        made.gauge = &gauges_.emplace_back();
    }
    return *made.gauge;
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, const Labels& labels) {
    const std::scoped_lock lock(mutex_);
    Sample& made = sample(name, help, Kind::histogram, labels);
    if (made.histogram == nullptr) {
        made.histogram = &histograms_.emplace_back();
    }
    return *made.histogram;
}

std::string Metrics::text() const {
    const std::scoped_lock lock(mutex_);
    std::string out;
    for (const Family& family : families_) {
        static constexpr std::array<std::string_view, 3> kinds = {"counter", "gauge", "histogram"};
        out += "# TYPE " + family.name + " ";
        out += kinds[static_cast<std::size_t>(family.kind)];
        out += "\n# HELP " + family.name + " " + family.help + "\n";
        for (const Sample& one : family.samples) {
            if (one.counter != nullptr) {
                out += family.name + "_total" + braced(one.labels) + " " +
                       std::to_string(one.counter->value()) + "\n";
            } else if (one.gauge != nullptr) {
                out += family.name + braced(one.labels) + " " + std::to_string(one.gauge->value()) + "\n";
            } else if (one.histogram != nullptr) {
                std::uint64_t count = 0;
                for (std::size_t i = 0; i <= Histogram::bounds_us.size(); ++i) {
                    count += one.histogram->buckets_[i].load(std::memory_order_relaxed);
                    const std::string bound = i < Histogram::bounds_us.size()
                                                  ? seconds(Histogram::bounds_us[i])
                                                  : std::string("+Inf");
                    out += family.name + "_bucket" + braced(one.labels, "le=\"" + bound + "\"") + " " +
                           std::to_string(count) + "\n";
                }
                out += family.name + "_sum" + braced(one.labels) + " " +
                       seconds(one.histogram->sum_us_.load(std::memory_order_relaxed)) + "\n";
                out += family.name + "_count" + braced(one.labels) + " " + std::to_string(count) + "\n";
            }
        }
    }
    return out + "# EOF\n";
}

std::vector<MetricValue> Metrics::values() const {
    const std::scoped_lock lock(mutex_);
    std::vector<MetricValue> out;
    for (const Family& family : families_) {
        for (const Sample& one : family.samples) {
            if (one.counter != nullptr) {
                out.push_back(
                    {family.name + "_total", one.labels, static_cast<double>(one.counter->value())});
            } else if (one.gauge != nullptr) {
                out.push_back({family.name, one.labels, static_cast<double>(one.gauge->value())});
            } else if (one.histogram != nullptr) {
                std::uint64_t count = 0;
                for (std::size_t i = 0; i <= Histogram::bounds_us.size(); ++i) {
                    count += one.histogram->buckets_[i].load(std::memory_order_relaxed);
                    const std::string bound = i < Histogram::bounds_us.size()
                                                  ? seconds(Histogram::bounds_us[i])
                                                  : std::string("+Inf");
                    out.push_back({family.name + "_bucket",
                                   one.labels + (one.labels.empty() ? "" : ",") + "le=\"" + bound + "\"",
                                   static_cast<double>(count)});
                }
                const auto sum = one.histogram->sum_us_.load(std::memory_order_relaxed);
                out.push_back({family.name + "_sum", one.labels, static_cast<double>(sum) / 1e6});
                out.push_back({family.name + "_count", one.labels, static_cast<double>(count)});
            }
        }
    }
    return out;
}

}  // namespace domicile::base

#include "app/operations.hpp"

#include "app/policy_question.hpp"
#include "app/said.hpp"
#include "app/watch.hpp"
#include "iam/vocabulary.hpp"
#include "ops/overview.hpp"
#include "ops/series.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using base::Code;
using Clock = std::chrono::steady_clock;

constexpr auto wanted_for = 10s;  // what nobody asks for any more is not prepared

std::int64_t now_ms() {
    return std::chrono::system_clock::now().time_since_epoch() / 1ms;
}

std::unexpected<base::Error> invalid(std::string text, std::string hint) {
    return base::fail(Code::invalid_value, std::move(text), std::move(hint));
}

}  // namespace

struct OperationsReader::Impl {
    Impl(const topology::Topology& its_topology, const RegionFiles& its_files,
         const access::AccessLog& its_log, std::shared_ptr<const iam::PolicySet> its_policies,
         std::string its_home)
        : topology(its_topology),
          files(its_files),
          log(its_log),
          policies(std::move(its_policies)),
          home(std::move(its_home)) {}

    struct Wanted {
        std::shared_ptr<const http::Sections> sections;
        Clock::time_point asked;
    };

    [[nodiscard]] std::shared_ptr<const http::Sections> prepare(const std::vector<bool>& may) const {
        const auto text = files.overview();
        const auto all = ops::permitted(text, [&](std::string_view name) {
            const auto index = topology.jurisdiction(name);
            return index && may[index->value];
        });
        if (all.empty()) {
            return nullptr;
        }
        auto sections = std::make_shared<http::Sections>();
        for (const auto& [key, value] : all) {
            sections->emplace_back(key, json::serialize(value));
        }
        return sections;
    }

    std::shared_ptr<const http::Sections> overview(const std::vector<bool>& may) {
        {
            const std::lock_guard lock(mutex);
            const auto found = wanted.find(may);
            if (found != wanted.end()) {
                found->second.asked = Clock::now();
                return found->second.sections;
            }
        }
        auto made = prepare(may);  // the first time only; from then on the thread does it
        const std::lock_guard lock(mutex);
        wanted[may] = {made, Clock::now()};
        awake.notify_all();
        return made;
    }

    void run(const std::stop_token& stop) {
        std::unique_lock lock(mutex);
        while (!stop.stop_requested()) {
            awake.wait(lock, stop, [this] { return !wanted.empty(); });
            awake.wait_for(lock, stop, 1s, [] { return false; });
            std::vector<std::vector<bool>> due;
            for (auto at = wanted.begin(); at != wanted.end();) {
                const bool old = Clock::now() - at->second.asked > wanted_for;
                if (!old) {
                    due.push_back(at->first);
                }
                at = old ? wanted.erase(at) : std::next(at);
            }
            lock.unlock();
            for (const auto& may : due) {
                auto made = prepare(may);
                const std::lock_guard again(mutex);
                if (const auto found = wanted.find(may); found != wanted.end()) {
                    found->second.sections = std::move(made);
                }
            }
            lock.lock();
        }
    }

    base::Result<std::string> history(std::string_view region, std::string_view resource,
                                      std::string_view fact, std::string_view range) {
        static constexpr std::string_view ranges[] = {"1h", "1d", "4w"};
        const auto level = static_cast<std::size_t>(std::ranges::find(ranges, range) - std::begin(ranges));
        if (level == std::size(ranges)) {
            return invalid("`range` is 1h, 1d or 4w.", "");
        }
        const std::lock_guard lock(saying);
        if (!series) {
            auto opened = ops::Series::open(files.history(), history_series_max, false);
            if (!opened) {
                return std::unexpected(std::move(opened.error()));
            }
            series.emplace(std::move(*opened));
        }
        json::array points;
        for (const auto& point : series->read(series_name(region, resource, fact), level, now_ms())) {
            points.push_back(json::array{point.at_ms, point.average, point.most});
        }
        return json::serialize(
            json::object{{"step_s", ops::Series::levels[level].step_s}, {"points", std::move(points)}});
    }

    const topology::Topology& topology;
    const RegionFiles& files;
    const access::AccessLog& log;
    std::shared_ptr<const iam::PolicySet> policies;
    std::string home;
    std::mutex mutex;
    std::condition_variable_any awake;
    std::map<std::vector<bool>, Wanted> wanted;
    std::mutex saying;
    std::optional<ops::Series> series;
    std::jthread thread;
};

OperationsReader::OperationsReader(const topology::Topology& topology, topology::RegionIndex region,
                                   const RegionFiles& files, const access::AccessLog& log,
                                   std::shared_ptr<const iam::PolicySet> policies)
    : impl_(new Impl(topology, files, log, std::move(policies),
                     topology.at(topology.at(region).jurisdiction).name)) {
    impl_->thread = std::jthread([this](const std::stop_token& stop) { impl_->run(stop); });
}

OperationsReader::~OperationsReader() = default;

http::Operations OperationsReader::operations() {
    Impl* one = impl_.get();
    return {
        .overview = [one](const std::vector<bool>& may) { return one->overview(may); },
        .history = [one](auto region, auto resource, auto fact,
                         auto range) { return one->history(region, resource, fact, range); },
        .refusals = [one](std::uint64_t& seen) { return one->log.refusals(seen); },
        .say =
            [one](auto what, auto body, auto who) {
                const std::lock_guard lock(one->saying);
                return app::say(one->files, one->home, what, body, who);
            },
        .who_can = [one](auto action,
                         auto resource) { return who_can(*one->policies, one->topology, action, resource); },
        .simulate = [one](auto body) { return simulate(*one->policies, one->topology, body); },
        .asset = [](std::string_view path) { return console_asset(path); },
    };
}

}  // namespace domicile::app

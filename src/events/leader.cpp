#include "events/leader.hpp"

#include "base/log.hpp"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace domicile::events {
namespace {

using namespace std::chrono_literals;

constexpr auto answer_wait = 30s;
constexpr auto idle_wait = 200ms;
constexpr auto follow_wait = 1s;

/// As long as it goes well; at once if another one leads.
base::Status term(const std::stop_token& stop, const Work& work) {
    auto client = work.connect();
    if (!client) {
        return std::unexpected(std::move(client.error()));
    }
    const auto locked = client->run("SELECT pg_try_advisory_lock(" + work.lock + ")", answer_wait);
    if (!locked) {
        return std::unexpected(locked.error());
    }
    if (locked->at(0).rows.at(0).at(0) != "t") {
        return {};
    }
    base::log::info(work.log_name + ".leads", {{"of", work.of}});
    if (work.leads != nullptr) {
        work.leads->set(1);
    }
    if (work.begin) {
        work.begin();
    }
    while (!stop.stop_requested()) {
        const auto more = work.round(*client);
        if (!more) {
            return std::unexpected(more.error());
        }
        if (!*more) {
            sleep_for(stop, idle_wait);
        }
    }
    return {};
}

}  // namespace

void sleep_for(const std::stop_token& stop, std::chrono::milliseconds time) {
    std::mutex mutex;
    std::condition_variable_any asleep;
    std::unique_lock lock(mutex);
    asleep.wait_for(lock, stop, time, [] { return false; });
}

void lead(const std::stop_token& stop, const Work& work) {
    bool told = false;
    while (!stop.stop_requested()) {
        const auto done = term(stop, work);
        if (work.leads != nullptr) {
            work.leads->set(0);
        }
        if (done) {
            told = false;
        } else {
            work.failures->add();
            if (work.failed) {
                work.failed();
            }
            // Once: what stays broken is a metric, not a line a second.
            if (!std::exchange(told, true)) {
                base::log::warn(work.log_name + ".failed",
                                {{"of", work.of}, {"error", base::describe(done.error())}});
            }
        }
        sleep_for(stop, follow_wait);
    }
}

}  // namespace domicile::events

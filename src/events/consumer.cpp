#include "events/consumer.hpp"

#include "base/control_point.hpp"
#include "base/log.hpp"

#include <charconv>

namespace domicile::events {
namespace {

using namespace std::chrono_literals;

constexpr auto answer_wait = 20s;
constexpr auto visibility = 30s;
constexpr auto poll_wait = 5s;
constexpr auto retry_wait = 1s;

}  // namespace

base::Result<Applied> apply(const topology::Topology& topology, pool::MaintenanceClient& central,
                            std::string_view body) {
    const auto batch = parse_batch(topology, body);
    if (!batch) {
        return std::unexpected(batch.error());
    }
    const std::optional<std::string> parameters[] = {batch->shard, std::to_string(batch->number),
                                                     batch->changes};
    const auto done =
        central.run("SELECT domicile.apply_batch($1, $2::bigint, $3::jsonb)", parameters, answer_wait);
    if (!done) {
        return std::unexpected(done.error());
    }
    const auto& said = done->rows.at(0).at(0);
    return said == "applied" ? Applied::now : said == "duplicate" ? Applied::before : Applied::early;
}

base::Result<Watermarks> read_watermarks(pool::MaintenanceClient& central) {
    const auto found = central.run("SELECT shard, n FROM domicile.watermarks", answer_wait);
    if (!found) {
        return std::unexpected(found.error());
    }
    Watermarks marks;
    for (const auto& row : found->at(0).rows) {
        const auto& text = row.at(1).value_or("");
        std::from_chars(text.data(), text.data() + text.size(), marks[row.at(0).value_or("")]);
    }
    return marks;
}

ConsumerMetrics::ConsumerMetrics(base::Metrics& metrics)
    : applied(metrics.counter("domicile_figures_applied", "Batches applied to the central figures")),
      duplicates(metrics.counter("domicile_figures_duplicates", "Batches that came again")),
      early(metrics.counter("domicile_figures_early", "Batches that came before the one they follow")),
      poison(metrics.counter("domicile_figures_poison", "Messages that can never be applied")),
      failures(metrics.counter("domicile_figures_failures", "Rounds of the consumer that failed")),
      waiting(metrics.gauge("domicile_queue_waiting", "Messages of the figures' queue that wait")),
      dead(metrics.gauge("domicile_queue_dead", "Messages of the figures' queue that were set aside")) {}

void Consumer::run(const std::stop_token& stop) {
    bool told = false;
    while (!stop.stop_requested()) {
        auto central = central_();
        base::Status good = central ? base::Status() : std::unexpected(central.error());
        while (good && !stop.stop_requested()) {
            const auto done = round(*central, poll_wait);
            good = done ? base::Status() : std::unexpected(done.error());
            told = told && !good;
        }
        if (!good) {
            metrics_.failures.add();
            if (!std::exchange(told, true)) {
                base::log::warn("figures.failed", {{"error", base::describe(good.error())}});
            }
            sleep_for(stop, retry_wait);
        }
    }
}

base::Result<std::size_t> Consumer::round(pool::MaintenanceClient& central, std::chrono::seconds wait) {
    const auto messages = queue_.receive(cloud::queue_batch_max, visibility, wait);
    if (!messages) {
        return std::unexpected(messages.error());
    }
    for (const auto& message : *messages) {
        base::control_point("consumer.received");
        const auto applied = apply(topology_, central, message.body);
        if (!applied && applied.error().code != base::Code::invalid_value) {
            return std::unexpected(applied.error());
        }
        base::Status done;
        if (!applied) {
            // Left to come again until it is set aside, where somebody can look at it.
            metrics_.poison.add();
            base::log::warn("figures.poison",
                            {{"message", message.id}, {"error", base::describe(applied.error())}});
            done = queue_.hide(message, 0s);
        } else {
            // One that came before its time is let go: the one it waits for is lost, and when the shard sends
            // that again it sends all behind it, in order. To keep it would put it in front of what it waits
            // for.
            (*applied == Applied::now      ? metrics_.applied
             : *applied == Applied::before ? metrics_.duplicates
                                           : metrics_.early)
                .add();
            base::control_point("consumer.applied");
            done = queue_.remove({&message, 1});
            base::control_point("consumer.removed");
        }
        if (!done) {
            return std::unexpected(done.error());
        }
    }
    if (const auto depth = queue_.depth()) {
        metrics_.waiting.set(static_cast<std::int64_t>(depth->waiting + depth->in_flight));
        metrics_.dead.set(static_cast<std::int64_t>(depth->dead));
    }
    return messages->size();
}

}  // namespace domicile::events

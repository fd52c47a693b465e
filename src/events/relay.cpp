#include "events/relay.hpp"

#include "base/control_point.hpp"
#include "base/log.hpp"

#include <charconv>

namespace domicile::events {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t batch_events_max = 1'000;
constexpr std::uint64_t batches_max = 50;
constexpr auto answer_wait = 30s;
constexpr auto confirm_interval = 1s;
// A batch that was handed over and is not applied by then is handed over again.
constexpr auto resend_after = 10s;

std::uint64_t number(const std::optional<std::string>& text) {
    std::uint64_t value = 0;
    if (text) {
        std::from_chars(text->data(), text->data() + text->size(), value);
    }
    return value;
}

base::Result<pool::TextRow> one_row(pool::MaintenanceClient& client, std::string_view statement) {
    auto found = client.run(statement, answer_wait);
    if (!found) {
        return std::unexpected(std::move(found.error()));
    }
    if (found->empty() || found->back().rows.empty()) {
        return base::fail(base::Code::internal, "A shard's relay got no answer to its question.");
    }
    return std::move(found->back().rows.front());
}

}  // namespace

RelayMetrics::RelayMetrics(base::Metrics& metrics, const std::string& shard)
    : leads(metrics.gauge("domicile_relay_leads", "1 if this worker leads the shard's relay",
                          {{"shard", shard}})),
      events(metrics.counter("domicile_relay_events", "Events taken from the outbox", {{"shard", shard}})),
      batches(metrics.counter("domicile_relay_batches", "Batches of figures handed to the queue",
                              {{"shard", shard}})),
      documents(metrics.counter("domicile_relay_documents", "Audited events numbered", {{"shard", shard}})),
      failures(metrics.counter("domicile_relay_failures", "Rounds that failed", {{"shard", shard}})),
      backlog(metrics.gauge("domicile_outbox_events", "Events in the outbox", {{"shard", shard}})),
      lag_ms(metrics.gauge("domicile_outbox_lag_milliseconds", "Age of the oldest event in the outbox",
                           {{"shard", shard}})),
      unconfirmed(metrics.gauge("domicile_relay_unconfirmed", "Batches that central has not applied",
                                {{"shard", shard}})) {}

void Relay::run(const std::stop_token& stop) {
    lead(stop,
         {.log_name = "relay",
          .of = shard_,
          .lock = std::string(relay_lock),
          .connect = writer_,
          .failures = &metrics_.failures,
          .leads = &metrics_.leads,
          .begin = [this] { sent_.reset(); },
          .round = [this](pool::MaintenanceClient& client) -> base::Result<bool> {
              const auto done = round(client);
              return done ? base::Result<bool>(done->events == batch_events_max || done->sent == batches_max)
                          : std::unexpected(done.error());
          }});
}

base::Result<Relay::Round> Relay::round(pool::MaintenanceClient& client) {
    Round round;
    const auto made = one_row(client, "SELECT events, batch, audited FROM domicile.make_batch(" +
                                          std::to_string(batch_events_max) + ")");
    if (!made) {
        return std::unexpected(made.error());
    }
    base::control_point("relay.batched");
    round.events = number((*made)[0]);
    metrics_.events.add(round.events);
    metrics_.documents.add(number((*made)[2]));
    auto sent = send_pending(client);
    if (!sent) {
        // The shard keeps what the queue does not take: the outbox goes on meanwhile.
        base::log::warn("relay.queue", {{"shard", shard_}, {"error", base::describe(sent.error())}});
        metrics_.failures.add();
    }
    round.sent = sent.value_or(0);
    if (Clock::now() - asked_ >= confirm_interval) {
        asked_ = Clock::now();
        if (const auto confirmed = confirm(client); !confirmed) {
            return std::unexpected(confirmed.error());
        }
    }
    return round;
}

void Relay::begin_anew(std::uint64_t after) {
    sent_ = after;
    advanced_ = Clock::now();
    attempt_ = std::to_string(std::chrono::system_clock::now().time_since_epoch() / 1ms);
}

base::Result<std::uint64_t> Relay::send_pending(pool::MaintenanceClient& client) {
    if (!sent_) {
        const auto state = one_row(client, "SELECT confirmed FROM domicile.batch_state");
        if (!state) {
            return std::unexpected(state.error());
        }
        confirmed_ = number((*state)[0]);
        begin_anew(confirmed_);
    }
    const std::optional<std::string> parameters[] = {shard_, std::to_string(*sent_)};
    const auto pending = client.run(
        "SELECT n, jsonb_build_object('shard', $1::text, 'batch', n, 'figures', figures)::text "
        "FROM domicile.batches WHERE n > $2::bigint ORDER BY n LIMIT 50",
        parameters, answer_wait);
    if (!pending) {
        return std::unexpected(pending.error());
    }
    std::vector<cloud::Outgoing> messages;
    for (const auto& row : pending->rows) {
        messages.push_back(
            {shard_, shard_ + "-" + row[0].value_or("") + "-" + attempt_, row[1].value_or("")});
    }
    if (messages.empty()) {
        return 0;
    }
    if (*sent_ == confirmed_) {
        advanced_ = Clock::now();  // nothing was on its way: the clock of what is sent again starts here
    }
    if (const auto sent = queue_.send(messages); !sent) {
        return std::unexpected(sent.error());
    }
    base::control_point("relay.sent");
    sent_ = number(pending->rows.back()[0]);
    metrics_.batches.add(messages.size());
    return messages.size();
}

base::Status Relay::confirm(pool::MaintenanceClient& client) {
    const auto books = one_row(
        client,
        "SELECT (SELECT count(*) FROM domicile.outbox), coalesce((SELECT extract(epoch FROM "
        "clock_timestamp() - min(at)) * 1000 FROM (SELECT at FROM domicile.outbox ORDER BY id LIMIT 1) "
        "AS o), 0)::bigint, made FROM domicile.batch_state");
    if (!books) {
        return std::unexpected(books.error());
    }
    metrics_.backlog.set(static_cast<std::int64_t>(number((*books)[0])));
    metrics_.lag_ms.set(static_cast<std::int64_t>(number((*books)[1])));
    const auto made = number((*books)[2]);
    metrics_.unconfirmed.set(static_cast<std::int64_t>(made - std::min(made, confirmed_)));
    if (!sent_ || confirmed_ >= made) {
        return {};
    }
    const auto known = watermarks_();
    if (!known) {
        return {};  // central is out of reach; what is not confirmed stays
    }
    const auto own = known->find(shard_);
    const auto applied = own == known->end() ? 0 : own->second;
    if (applied > confirmed_) {
        if (const auto done =
                client.run("SELECT domicile.confirm_batches(" + std::to_string(applied) + ")", answer_wait);
            !done) {
            return std::unexpected(done.error());
        }
        base::control_point("relay.confirmed");
        confirmed_ = applied;
        advanced_ = Clock::now();
    } else if (Clock::now() - advanced_ > resend_after) {
        base::log::warn("relay.again", {{"shard", shard_}, {"after", confirmed_}});
        begin_anew(confirmed_);
    }
    metrics_.unconfirmed.set(static_cast<std::int64_t>(made - std::min(made, confirmed_)));
    return {};
}

}  // namespace domicile::events

#include "topology/operations.hpp"

#include <array>
#include <charconv>
#include <chrono>

namespace domicile::topology {
namespace {

using Test = AlarmRule::Test;

/// Exactly `digits` decimal digits at the front of `text`, which is shortened by them.
std::optional<int> take(std::string_view& text, std::size_t digits) {
    int value = 0;
    if (text.size() < digits) {
        return std::nullopt;
    }
    const auto [end, failed] = std::from_chars(text.data(), text.data() + digits, value);
    if (failed != std::errc() || end != text.data() + digits || text[0] == '-') {
        return std::nullopt;
    }
    text.remove_prefix(digits);
    return value;
}

bool skip(std::string_view& text, char mark) {
    const bool there = text.starts_with(mark);
    text.remove_prefix(there ? 1 : 0);
    return there;
}

AlarmRule rule(std::string name, std::string resource, std::string fact, Test test, std::int64_t threshold,
               std::pair<std::uint32_t, std::uint32_t> share, std::uint32_t every_s, Severity severity,
               std::string why, Missing missing = Missing::ignore) {
    std::string runbook = "docs/runbooks.md#" + name;
    return {.name = std::move(name),
            .test = test,
            .resource = std::move(resource),
            .fact = std::move(fact),
            .threshold = threshold,
            .breaching = share.first,
            .periods = share.second,
            .every_s = every_s,
            .missing = missing,
            .severity = severity,
            .why = std::move(why),
            .runbook = std::move(runbook)};
}

}  // namespace

std::string_view name(Severity severity) noexcept {
    static constexpr std::array<std::string_view, 4> names = {"low", "medium", "high", "critical"};
    return names[static_cast<std::size_t>(severity)];
}

std::optional<std::int64_t> read_instant(std::string_view text) {
    using namespace std::chrono;
    const auto y = take(text, 4);
    const bool dash = skip(text, '-');
    const auto m = take(text, 2);
    const bool second_dash = skip(text, '-');
    const auto d = take(text, 2);
    const bool t = skip(text, 'T');
    const auto hour = take(text, 2);
    const bool colon = skip(text, ':');
    const auto minute = take(text, 2);
    if (!y || !dash || !m || !second_dash || !d || !t || !hour || !colon || !minute || text != "Z" ||
        *hour > 23 || *minute > 59) {
        return std::nullopt;
    }
    const year_month_day day{year(*y), month(static_cast<unsigned>(*m)),
                             std::chrono::day(static_cast<unsigned>(*d))};
    if (!day.ok()) {
        return std::nullopt;
    }
    return seconds(sys_days(day).time_since_epoch()).count() + *hour * 3'600 + *minute * 60;
}

std::optional<std::pair<std::uint32_t, std::uint32_t>> read_share(std::string_view text) {
    constexpr std::uint32_t periods_max = 60;
    std::pair<std::uint32_t, std::uint32_t> share;
    const auto of = text.find(" of ");
    if (of == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view parts[] = {text.substr(0, of), text.substr(of + 4)};
    for (std::size_t i = 0; i < 2; ++i) {
        auto& value = i == 0 ? share.first : share.second;
        const auto* end = parts[i].data() + parts[i].size();
        if (const auto [at, failed] = std::from_chars(parts[i].data(), end, value);
            failed != std::errc() || at != end) {
            return std::nullopt;
        }
    }
    return share.first >= 1 && share.first <= share.second && share.second <= periods_max
               ? std::optional(share)
               : std::nullopt;
}

const std::vector<KnownFacts>& known_facts() {
    static const std::vector<KnownFacts> all = {
        {"region", {"silent_s", "reachable"}},
        {"gateway",
         {"up", "ready", "sessions", "connections", "requests_per_s", "errors_per_s", "refusals_per_s",
          "statements_per_s", "login_failures_per_s", "p99_ms", "pool_open", "pool_busy", "pool_waits_per_s",
          "pool_rejected_per_s", "map_epoch", "map_behind", "cpu_percent", "memory_bytes"}},
        {"worker", {"up", "failures_per_s", "poison_per_s", "cpu_percent", "memory_bytes"}},
        {"relay", {"up", "peers", "peers_reachable", "peers_other_map", "round_trip_ms"}},
        {"node",
         {"up", "writer", "lag_ms", "connections", "connections_max", "connections_percent", "bytes",
          "oldest_transaction_s", "frozen_age", "clock_skew_ms", "cache_hit_percent", "slots_bytes",
          "prepared_transactions"}},
        {"shard",
         {"has_writer", "people", "range_used_percent", "epoch", "outbox_events", "outbox_lag_ms",
          "unconfirmed", "documents_waiting", "documents_lag_ms", "requests_open", "days_left", "rewrites",
          "restricted"}},
        {"queue", {"waiting", "dead"}},
        {"institution", {"unacknowledged_s", "failures_per_s"}},
        {"secret", {"age_days", "in_step", "pending"}},
        {"certificate", {"days_left"}},
        {"store", {"free_percent"}},
    };
    return all;
}

const std::vector<AlarmRule>& default_alarms() {
    using enum Severity;
    static const std::vector<AlarmRule> all = [] {
        std::vector<AlarmRule> rules = {
            rule("shard-without-writer", "shard", "has_writer", Test::below, 1, {3, 3}, 1, critical,
                 "Nobody of this shard can write, and readers grow old."),
            rule("region-silent", "region", "silent_s", Test::above, 15, {1, 1}, 1, critical,
                 "Nothing is known of the region: it may be down, or cut off.", Missing::breaching),
            rule("gateway-down", "gateway", "up", Test::below, 1, {5, 5}, 1, critical,
                 "People of this region are served from farther away, or not at all.", Missing::breaching),
            rule("node-down", "node", "up", Test::below, 1, {3, 5}, 1, high,
                 "A node that is down serves no reads, and one more failure may end the shard's writes."),
            rule("replica-lag", "node", "lag_ms", Test::above, 10'000, {3, 5}, 2, medium,
                 "Reads of people who have just written go to the writer; a failover would wait, or lose."),
            rule("gateway-errors", "gateway", "errors_per_s", Test::above, 1, {3, 5}, 2, high,
                 "Requests end with 5xx: people see failures."),
            rule("connections-short", "node", "connections_percent", Test::above, 90, {3, 5}, 10, high,
                 "The next clients will be refused."),
            rule("pool-rejects", "gateway", "pool_rejected_per_s", Test::above, 0, {3, 5}, 2, medium,
                 "Requests are refused because too many wait for a node."),
            rule("logins-fail", "gateway", "login_failures_per_s", Test::above, 5, {3, 5}, 10, medium,
                 "Somebody guesses, or a password has changed and a client has not."),
            rule("refusals-surge", "gateway", "refusals_per_s", Test::above, 50, {3, 5}, 10, medium,
                 "A client asks for people of other homes, or somebody tries."),
            rule("map-behind", "gateway", "map_behind", Test::above, 0, {60, 60}, 1, high,
                 "The gateway routes by a range map that another region has replaced."),
            rule("outbox-lag", "shard", "outbox_lag_ms", Test::above, 60'000, {3, 3}, 2, high,
                 "What was committed is not counted and not documented; the outbox grows."),
            rule("documents-lag", "shard", "documents_lag_ms", Test::above, 300'000, {3, 3}, 2, high,
                 "Audited events have no stored document yet."),
            rule("dispatch-late", "institution", "unacknowledged_s", Test::above, 3'600, {3, 3}, 10, high,
                 "An institution has not received what it must."),
            rule("queue-dead", "queue", "dead", Test::above, 0, {1, 1}, 2, high,
                 "A batch of figures was set aside: central's figures stand still for its shard."),
            rule("queue-waiting", "queue", "waiting", Test::above, 1'000, {3, 3}, 10, medium,
                 "Central does not keep up with the batches."),
            rule("worker-fails", "worker", "failures_per_s", Test::above, 0, {5, 10}, 2, medium,
                 "Rounds of the worker fail and are tried again."),
            rule("privacy-due", "shard", "days_left", Test::below, 7, {1, 1}, 10, high,
                 "The answer to a person is due within a week (GDPR Art. 12(3)).", Missing::not_breaching),
            rule("range-full", "shard", "range_used_percent", Test::above, 90, {1, 1}, 10, high,
                 "New people will soon find no free id here."),
            rule("secret-behind", "secret", "in_step", Test::below, 1, {3, 3}, 30, medium,
                 "A region holds an older version: after a failover its logins would fail."),
            rule("secret-old", "secret", "age_days", Test::above, 90, {1, 1}, 60, medium,
                 "A password has not been rotated for 90 days."),
            rule("certificate-expiring", "certificate", "days_left", Test::below, 7, {1, 1}, 60, high,
                 "Clients will refuse the door when its certificate has expired."),
            rule("clock-skew", "node", "clock_skew_ms", Test::above, 2'000, {3, 3}, 10, medium,
                 "Due dates, tokens and figures are cut by clocks."),
            rule(
                "transaction-old", "node", "oldest_transaction_s", Test::above, 3'600, {1, 1}, 10, medium,
                "Nothing is vacuumed and no outbox passes an open transaction; erased values stay in pages."),
            rule("wraparound", "node", "frozen_age", Test::above, 1'000'000'000, {1, 1}, 60, critical,
                 "PostgreSQL stops taking writes before transaction ids wrap around."),
            rule("store-full", "store", "free_percent", Test::below, 10, {1, 1}, 30, high,
                 "Documents, ledger and databases stop when the disk is full."),
        };
        AlarmRule risk;
        risk.name = "trouble-spreads";
        risk.test = Test::composite;
        risk.any_of = {"region-silent", "shard-without-writer", "node-down"};
        risk.regions = 2;
        risk.severity = critical;
        risk.why = "Two regions at once are seldom an accident: a release, a certificate, the network.";
        risk.runbook = "docs/runbooks.md#trouble-spreads";
        rules.push_back(std::move(risk));
        return rules;
    }();
    return all;
}

}  // namespace domicile::topology

#include "rights/officer.hpp"

#include "base/log.hpp"
#include "rights/restriction.hpp"
#include "rights/schema_reader.hpp"

#include <boost/json.hpp>

namespace domicile::rights {
namespace {

namespace json = boost::json;
using base::Code;
using pool::MaintenanceClient;

constexpr std::string_view officer_lock = "7237129510024";

}  // namespace

OfficerMetrics::OfficerMetrics(base::Metrics& registry, const std::string& shard)
    : erasures(registry.counter("domicile_rights_erasures", "People erased", {{"shard", shard}})),
      restrictions(registry.counter("domicile_rights_restrictions",
                                    "Restrictions of processing, and their ends", {{"shard", shard}})),
      exports(registry.counter("domicile_rights_exports", "Packages made for people", {{"shard", shard}})),
      retained(registry.counter("domicile_rights_retention_rows", "Rows removed when their time was over",
                                {{"shard", shard}})),
      refused(registry.counter("domicile_rights_refused", "Requests refused before the first write",
                               {{"shard", shard}})),
      replayed(registry.counter("domicile_rights_replayed",
                                "Entries of the ledger done again in a restored "
                                "database",
                                {{"shard", shard}})),
      failures(registry.counter("domicile_rights_failures", "Rounds that failed", {{"shard", shard}})),
      open(registry.gauge("domicile_rights_open", "Requests that are not answered", {{"shard", shard}})),
      oldest_s(
          registry.gauge("domicile_rights_oldest_seconds", "Age of the oldest of them", {{"shard", shard}})),
      rewrites(registry.gauge("domicile_rights_rewrites", "Tables with pages that may hold erased values",
                              {{"shard", shard}})) {}

Officer::Officer(const topology::Topology& topology, std::string shard, events::Connect officer,
                 events::Connect monitor, cloud::ObjectStore& store, cloud::KeyService& service,
                 crypto::SigningKey key, OfficerMetrics& metrics)
    : topology_(topology),
      shard_(std::move(shard)),
      officer_(std::move(officer)),
      monitor_(std::move(monitor)),
      key_(std::move(key)),
      metrics_(metrics),
      ledger_(topology, shard_, store, service, key_),
      erasure_(topology, shard_, monitor_, ledger_, key_),
      exporter_(topology, shard_, store, service, key_),
      rewriter_(shard_, topology.privacy.rewrite_h, monitor_),
      retention_(topology, shard_, metrics.retained) {}

void Officer::run(const std::stop_token& stop) {
    events::lead(stop, {.log_name = "rights",
                        .of = shard_,
                        .lock = std::string(officer_lock),
                        .connect = officer_,
                        .failures = &metrics_.failures,
                        .round = [this](MaintenanceClient& client) { return round(client); }});
}

/// One that has begun first; then in their order, except erasures of people under a hold that stands. An
/// objection is for a human to decide.
base::Result<std::optional<Task>> Officer::next(MaintenanceClient& client) {
    const auto found = client.run(
        "SELECT r.id, r.user_id, r.kind, to_char(r.asked_at AT TIME ZONE 'UTC', " + std::string(rfc3339) +
            "), coalesce(r.detail ->> 'ground', ''), e.n, e.salt, to_char(e.begun_at AT TIME ZONE 'UTC', " +
            std::string(rfc3339) +
            ") FROM domicile.requests AS r LEFT JOIN domicile.ledger AS e ON e.request = r.id WHERE r.state "
            "IN ('open', 'running') AND r.kind <> 'objection' AND NOT EXISTS (SELECT FROM domicile.holds AS "
            "h "
            "WHERE h.user_id = r.user_id AND h.until >= current_date AND r.state = 'open' AND r.kind = "
            "'erasure') ORDER BY r.state = 'running' DESC, e.n NULLS LAST, r.id LIMIT 1;"
            "SELECT count(*), coalesce(extract(epoch FROM now() - min(asked_at)), 0)::bigint, (SELECT "
            "count(*) "
            "FROM domicile.rewrites) FROM domicile.requests WHERE state IN ('open', 'running')",
        answer_wait);
    if (!found) {
        return std::unexpected(found.error());
    }
    const auto& books = found->at(1).rows.at(0);
    metrics_.open.set(number(books.at(0)));
    metrics_.oldest_s.set(number(books.at(1)));
    metrics_.rewrites.set(number(books.at(2)));
    if (found->at(0).rows.empty()) {
        return std::optional<Task>();
    }
    const auto& row = found->at(0).rows[0];
    return Task{row.at(0).value_or(""), row.at(1).value_or(""), row.at(2).value_or(""),
                row.at(3).value_or(""), row.at(4).value_or(""), number(row.at(5)),
                row.at(6).value_or(""), row.at(7).value_or("")};
}

base::Result<bool> Officer::round(MaintenanceClient& client) {
    const auto replayed = ledger_.replay(client);
    if (!replayed) {
        return std::unexpected(replayed.error());
    }
    metrics_.replayed.add(static_cast<std::uint64_t>(*replayed));
    auto task = next(client);
    if (!task) {
        return std::unexpected(std::move(task.error()));
    }
    if (!*task) {
        if (auto tidied = exporter_.tidy(client); !tidied) {
            return std::unexpected(std::move(tidied.error()));
        }
        const auto removed = retention_.round(client);
        return !removed || *removed ? removed : rewriter_.round(client);
    }
    base::Status done;
    if ((*task)->kind == "restriction" || (*task)->kind == "lifting") {
        done = restrict(client, **task);
    } else {
        const auto live = read_schema(client);
        if (!live) {
            return std::unexpected(live.error());
        }
        if ((*task)->kind == "export") {
            done = exporter_.make(client, **task, *live);
            metrics_.exports.add(done ? 1 : 0);
        } else {
            done = erase(client, **task, *live);
        }
    }
    return done ? base::Result<bool>(true) : std::unexpected(std::move(done.error()));
}

base::Status Officer::erase(MaintenanceClient& client, Task& task, const privacy::LiveSchema& live) {
    const auto decision = privacy::plan_erasure(topology_, live);
    if (!decision.findings.empty() && task.entry == 0) {
        return refuse(client, task, decision.findings);
    }
    if (!decision.findings.empty()) {
        return base::fail(
            Code::configuration, "An erasure that has begun cannot go on: the schema has changed.",
            "`domicile user erase ID --dry-run` says what is in its way.", decision.findings.front().what);
    }
    auto done = task.entry == 0 ? ledger_.begin(client, task) : base::Status();
    done = done ? ledger_.note(task) : done;
    done = done ? erasure_.finish(client, task, decision.plan) : done;
    metrics_.erasures.add(done ? 1 : 0);
    return done;
}

base::Status Officer::restrict(MaintenanceClient& client, Task& task) {
    auto done = task.entry == 0 ? ledger_.begin(client, task) : base::Status();
    done = done ? ledger_.note(task) : done;
    done = done ? apply_restriction(client, topology_, task, monitor_) : done;
    metrics_.restrictions.add(done ? 1 : 0);
    if (done) {
        base::log::info("rights.restriction",
                        {{"shard", shard_}, {"kind", task.kind}, {"entry", task.entry}});
    }
    return done;
}

base::Status Officer::refuse(MaintenanceClient& client, const Task& task,
                             const std::vector<privacy::ErasureFinding>& findings) {
    json::array all;
    for (const auto& one : findings) {
        all.push_back({{"what", one.what}, {"hint", one.hint}});
    }
    const auto noted = ask(client,
                           "UPDATE domicile.requests SET state = 'refused', done_at = clock_timestamp(), "
                           "answer = $2::jsonb WHERE id = $1::bigint",
                           {task.request, json::serialize(json::object{{"findings", std::move(all)}})});
    if (!noted) {
        return std::unexpected(noted.error());
    }
    metrics_.refused.add();
    base::log::error("rights.refused", {{"shard", shard_}, {"why", findings.front().what}});
    return {};
}

}  // namespace domicile::rights

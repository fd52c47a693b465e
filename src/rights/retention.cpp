#include "rights/retention.hpp"

#include "base/log.hpp"
#include "privacy/retention_plan.hpp"
#include "rights/schema_reader.hpp"

namespace domicile::rights {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t batch_rows = 1'000;
constexpr auto batch_pause = 100ms;  // others write meanwhile
constexpr auto table_pause = 10min;

base::Status report(pool::MaintenanceClient& client, const std::string& table, std::int64_t removed,
                    std::int64_t waiting, const std::string& note) {
    const auto noted =
        ask(client,
            "INSERT INTO domicile.retention AS r (table_name, ran_at, removed, waiting, note) "
            "VALUES ($1, clock_timestamp(), $2::bigint, $3::bigint, nullif($4, '')) ON CONFLICT "
            "(table_name) DO UPDATE SET ran_at = excluded.ran_at, removed = r.removed + "
            "excluded.removed, waiting = excluded.waiting, note = excluded.note",
            {table, std::to_string(removed), std::to_string(waiting), note});
    return noted ? base::Status() : std::unexpected(noted.error());
}

}  // namespace

base::Result<bool> Retention::round(pool::MaintenanceClient& client) {
    if (std::chrono::steady_clock::now() < due_) {
        return false;
    }
    const auto live = read_schema(client);
    if (!live) {
        return std::unexpected(live.error());
    }
    const auto plan = privacy::plan_retention(topology_, *live);
    if (next_ >= plan.steps.size()) {
        next_ = 0;
        due_ = std::chrono::steady_clock::now() + table_pause;
        for (const auto& finding : plan.findings) {
            base::log::error("rights.retention", {{"shard", shard_}, {"why", finding.what}});
        }
        return false;
    }
    const auto& step = plan.steps[next_];
    const auto ran = ask(client, step.sql, {std::to_string(batch_rows)});
    if (!ran) {
        ++next_;  // one table's fault does not keep the others
        base::log::error("rights.retention",
                         {{"shard", shard_}, {"table", step.table}, {"error", base::describe(ran.error())}});
        const auto noted = report(client, step.table, 0, 0, ran.error().text);
        return noted ? base::Result<bool>(true) : std::unexpected(noted.error());
    }
    const auto gone = number(ran->tag.substr(ran->tag.rfind(' ') + 1));
    removed_.add(static_cast<std::uint64_t>(gone));
    std::int64_t waiting = 0;
    if (gone < batch_rows) {
        const auto counted = client.run(step.due_sql, answer_wait);
        if (!counted) {
            return std::unexpected(counted.error());
        }
        waiting = number(counted->at(0).rows.at(0).at(0));
        ++next_;
    } else {
        due_ = std::chrono::steady_clock::now() + batch_pause;
    }
    const auto noted = report(client, step.table, gone, waiting, "");
    return noted ? base::Result<bool>(true) : std::unexpected(noted.error());
}

}  // namespace domicile::rights

#include "rights/rewriter.hpp"

#include "base/log.hpp"
#include "sql/quote.hpp"

namespace domicile::rights {
namespace {

using namespace std::chrono_literals;
using pool::MaintenanceClient;

constexpr auto rewrite_wait = 30min;
constexpr auto rewrite_pause = 5s;  // between two tables: others want the disk, too

}  // namespace

/// PostgreSQL leaves the bytes of a removed row in its page until something is written over them; only a new
/// file is sure not to have them. One table at a time, when nobody holds it for long.
base::Result<bool> Rewriter::round(MaintenanceClient& client) {
    if (std::chrono::steady_clock::now() - rewritten_ < rewrite_pause && rewrite_h_ > 0) {
        return false;
    }
    const auto waiting = client.run(
        "SELECT table_name, erasures, xid::xid FROM domicile.rewrites WHERE since <= now() - interval '" +
            std::to_string(rewrite_h_ * 30) + " minutes' ORDER BY since LIMIT 1",
        answer_wait);
    if (!waiting) {
        return std::unexpected(waiting.error());
    }
    if (waiting->at(0).rows.empty()) {
        return false;
    }
    const auto& row = waiting->at(0).rows[0];
    const std::string name = row.at(0).value_or("");
    // A rewrite copies what somebody may still see.
    auto monitor = monitor_();
    const auto unseen =
        monitor ? ask(*monitor,
                      "SELECT coalesce(max(age(x)), 0) < age($1::xid) FROM (SELECT backend_xmin AS x FROM "
                      "pg_stat_activity WHERE pid <> "
                      "pg_backend_pid() UNION ALL SELECT xmin FROM pg_replication_slots) AS horizon",
                      {row.at(2)})
                : base::Result<pool::ResultSet>(std::unexpected(monitor.error()));
    if (!unseen) {
        return std::unexpected(unseen.error());
    }
    if (unseen->rows.at(0).at(0) != "t") {
        return false;
    }
    const auto dot = name.find('.');
    const std::string table =
        sql::sql_identifier(name.substr(0, dot)) + "." + sql::sql_identifier(name.substr(dot + 1));
    if (auto set = client.run("SET lock_timeout = '2s'", answer_wait); !set) {
        return std::unexpected(set.error());
    }
    const auto done = client.run("VACUUM (FULL) " + table, rewrite_wait);
    rewritten_ = std::chrono::steady_clock::now();
    if (!done) {
        // Somebody uses it: later. The promise is a day, an attempt every few seconds.
        base::log::warn("rights.rewrite",
                        {{"shard", shard_}, {"table", name}, {"error", base::describe(done.error())}});
        return done.error().detail.starts_with("55P03") ? base::Result<bool>(false)
                                                        : std::unexpected(done.error());
    }
    // What was erased meanwhile waits for the next time.
    const auto noted = ask(client,
                           "WITH done AS (DELETE FROM domicile.rewrites WHERE table_name = $1 AND erasures = "
                           "$2::bigint RETURNING 1) UPDATE "
                           "domicile.rewrites SET since = now(), erasures = erasures - $2::bigint WHERE "
                           "table_name = $1 AND NOT EXISTS (SELECT "
                           "FROM done)",
                           {name, row.at(1)});
    return noted ? base::Result<bool>(true) : std::unexpected(noted.error());
}

}  // namespace domicile::rights

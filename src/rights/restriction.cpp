#include "rights/restriction.hpp"

#include "base/control_point.hpp"
#include "guard/table_guard.hpp"
#include "rights/ledger.hpp"
#include "sql/quote.hpp"

#include <boost/json.hpp>

namespace domicile::rights {

namespace json = boost::json;

base::Status apply_restriction(pool::MaintenanceClient& client, const topology::Topology& topology,
                               const Task& task, const events::Connect& monitor) {
    // Switching policies on or off locks each table for a moment: whoever holds one for long is not waited
    // for, since everybody else would wait behind us.
    std::string script = "BEGIN; SET LOCAL lock_timeout = '500ms'; ";
    script += task.kind == "restriction"
                  ? "INSERT INTO domicile.restrictions (user_id, ground) VALUES (" + task.user + ", " +
                        sql::sql_literal(task.ground) +
                        ") ON CONFLICT (user_id) DO UPDATE SET ground = excluded.ground;"
                  : "DELETE FROM domicile.restrictions WHERE user_id = " + task.user + ";";
    for (const auto& table : topology.tables) {
        if (table.kind == topology::TableKind::sharded) {
            script += guard::restriction_guard(table);
        }
    }
    script += "UPDATE domicile.shard SET restrictions = (SELECT count(*) FROM domicile.restrictions); ";
    if (const auto reached = Ledger::reached(task); !reached.empty()) {
        script += reached + "; ";
    }
    script += "UPDATE domicile.ledger SET done_at = coalesce(done_at, clock_timestamp()) WHERE n = " +
              std::to_string(task.entry) + "; COMMIT; SELECT pg_current_wal_insert_lsn()";
    const auto ran = client.run(script, answer_wait);
    if (!ran) {
        std::ignore = client.run("ROLLBACK", answer_wait);
        return std::unexpected(ran.error());
    }
    base::control_point("eraser.restricted");
    const auto readers = wait_for_readers(monitor(), ran->back().rows.at(0).at(0).value_or(""));
    const auto answer = json::serialize(json::object{{"entry", task.entry},
                                                     {"readers", json::value_from(readers.there)},
                                                     {"readers_not", json::value_from(readers.not_there)}});
    const auto noted = ask(client,
                           "WITH told AS (SELECT domicile.tell_recipients($1::bigint, $3::bigint)) UPDATE "
                           "domicile.requests SET state = 'done', done_at = clock_timestamp(), answer = "
                           "$2::jsonb FROM told WHERE id = $1::bigint",
                           {task.request, answer, task.user});
    return noted ? base::Status() : std::unexpected(noted.error());
}

}  // namespace domicile::rights

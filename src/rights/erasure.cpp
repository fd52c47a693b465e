#include "rights/erasure.hpp"

#include "base/control_point.hpp"
#include "base/log.hpp"
#include "sql/quote.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace domicile::rights {
namespace {

namespace json = boost::json;
using pool::MaintenanceClient;

std::string text_array(const std::vector<std::string>& names) {
    std::string out = "ARRAY[";
    for (const auto& name : names) {
        out += (out.size() == 6 ? "" : ", ") + sql::sql_literal(name);
    }
    return out + "]::text[]";
}

}  // namespace

Erasure::Erasure(const topology::Topology& topology, std::string shard, const events::Connect& monitor,
                 Ledger& ledger, const crypto::SigningKey& key)
    : topology_(topology),
      shard_(std::move(shard)),
      jurisdiction_(
          topology.at(std::ranges::find(topology.shards, shard_, &topology::Shard::name)->jurisdiction).name),
      monitor_(monitor),
      ledger_(ledger),
      key_(key) {}

/// One transaction: all of it, or nothing.
base::Result<std::vector<Done>> Erasure::erase(MaintenanceClient& client, const Task& task,
                                               const privacy::ErasurePlan& plan) {
    std::vector<Done> done;
    const auto failed = [&](base::Error error) -> base::Result<std::vector<Done>> {
        std::ignore = client.run("ROLLBACK", answer_wait);
        return std::unexpected(std::move(error));
    };
    if (const auto begun = client.run("BEGIN", answer_wait); !begun) {
        return failed(begun.error());
    }
    // Once only: whoever died after it finds its own result.
    const auto before = ask(client, "SELECT result FROM domicile.ledger WHERE n = $1::bigint FOR UPDATE",
                            {std::to_string(task.entry)});
    if (!before) {
        return failed(before.error());
    }
    if (const auto& result = before->rows.at(0).at(0)) {
        std::ignore = client.run("COMMIT", answer_wait);
        const auto known = json::parse(*result).as_array();
        for (const auto& one : known) {
            done.push_back({std::string(one.at("store").as_string()), std::string(one.at("what").as_string()),
                            one.at("rows").as_int64()});
        }
        return done;
    }
    std::vector<std::string> rewritten(own_tables.begin(), own_tables.end());
    std::vector<std::string> personal;
    for (const auto& [statement, has_key] :
         {std::pair{&plan.overwrite_sql, true}, {&plan.remove_sql, false}}) {
        if (statement->empty()) {
            continue;
        }
        // The key of the hashes is here, and nowhere else, until this call returns.
        const auto ran =
            ask(client, *statement, has_key ? Parameters{task.user, random_hex(32)} : Parameters{task.user});
        if (!ran) {
            return failed(ran.error());
        }
        for (const auto& row : ran->rows) {
            const auto& step = plan.steps.at(static_cast<std::size_t>(number(row.at(0))));
            std::string what = step.rows_go ? "deleted" : "";
            for (std::size_t i = 0; i < step.columns.size(); ++i) {
                what += (what.empty() ? "" : "; ") + step.columns[i] + ": " + step.how[i];
            }
            done.push_back({"table " + step.table, std::move(what), number(row.at(1))});
            rewritten.push_back("public." + step.table);
        }
    }
    for (const auto& table : topology_.tables) {
        for (const auto& column : table.personal) {
            personal.push_back(column.name);
        }
    }
    const std::string names = text_array(personal);
    struct Own {
        const char* store;
        const char* what;
        std::string statement;
    };
    const Own own[] = {
        // First: whoever stores a document holds its key's row meanwhile.
        {"keys of the person's documents", "destroyed",
         "DELETE FROM domicile.person_keys WHERE user_id = $1::bigint"},
        {"answers kept for idempotency keys", "deleted",
         "DELETE FROM domicile.idempotency WHERE user_id = $1::bigint"},
        // What waits to be counted or documented goes on without its personal values; so do the events of
        // this transaction.
        {"events in the outbox", "personal values removed",
         "UPDATE domicile.outbox SET body = body - " + names + " WHERE user_id = $1::bigint"},
        {"audit documents not made yet", "personal values removed",
         "UPDATE domicile.documents SET body = jsonb_set(jsonb_set(body, '{row}', (body -> 'row') - " +
             names + "), '{person}', 'null') - 'lines' WHERE user_id = $1::bigint AND stored_at IS NULL"},
        {"packages made for the person", "deleted",
         "DELETE FROM domicile.packages WHERE user_id = $1::bigint"},
        {"notices to recipients", "their words removed",
         "UPDATE domicile.notices SET text = NULL WHERE user_id = $1::bigint AND text IS NOT NULL"},
        {"audit documents", "made unreadable: the key of the person is destroyed",
         "UPDATE domicile.documents SET erased = true WHERE user_id = $1::bigint AND stored_at IS NOT NULL "
         "AND NOT erased"},
    };
    for (const auto& [store, what, statement] : own) {
        const auto ran = ask(client, statement, {task.user});
        if (!ran) {
            return failed(ran.error());
        }
        done.push_back({store, what, number(ran->tag.substr(ran->tag.rfind(' ') + 1))});
    }
    if (const auto reached = Ledger::reached(task); !reached.empty()) {
        if (const auto moved = client.run(reached, answer_wait); !moved) {
            return failed(moved.error());
        }
    }
    json::array result;
    for (const auto& one : done) {
        result.push_back({{"store", one.store}, {"what", one.what}, {"rows", one.rows}});
    }
    if (const auto noted = ask(client,
                               "UPDATE domicile.ledger SET done_at = clock_timestamp(), result = $2::jsonb "
                               "WHERE n = $1::bigint",
                               {std::to_string(task.entry), json::serialize(result)});
        !noted) {
        return failed(noted.error());
    }
    if (const auto noted = client.run(
            "INSERT INTO domicile.rewrites AS rewrites (table_name) SELECT unnest(" + text_array(rewritten) +
                ") ON CONFLICT (table_name) DO UPDATE SET xid = excluded.xid, erasures = rewrites.erasures + "
                "1",
            answer_wait);
        !noted) {
        return failed(noted.error());
    }
    base::control_point("eraser.erased");
    if (const auto committed = client.run("COMMIT", answer_wait); !committed) {
        return std::unexpected(committed.error());
    }
    base::control_point("eraser.committed");
    return done;
}

base::Status Erasure::finish(MaintenanceClient& client, const Task& task, const privacy::ErasurePlan& plan) {
    auto done = erase(client, task, plan);
    if (!done) {
        return std::unexpected(std::move(done.error()));
    }
    if (task.salt.empty()) {
        // Its certificate was given when it was first done.
        const auto noted = ask(client,
                               "UPDATE domicile.requests SET state = 'done', done_at = clock_timestamp(), "
                               "answer = jsonb_build_object('entry', "
                               "$2::bigint) WHERE id = $1::bigint",
                               {task.request, std::to_string(task.entry)});
        return noted ? base::Status() : std::unexpected(noted.error());
    }
    const auto when = client.run("SELECT pg_current_wal_insert_lsn(), to_char(done_at AT TIME ZONE 'UTC', " +
                                     std::string(rfc3339) +
                                     ") FROM domicile.ledger WHERE n = " + std::to_string(task.entry),
                                 answer_wait);
    if (!when) {
        return std::unexpected(when.error());
    }
    Certificate it;
    it.system = topology_.name;
    it.jurisdiction = jurisdiction_;
    it.shard = shard_;
    it.user_id = number(task.user);
    it.request = number(task.request);
    it.asked_at = task.asked_at;
    it.begun_at = task.begun_at;
    it.done_at = when->at(0).rows.at(0).at(1).value_or("");
    it.entry = task.entry;
    it.done = std::move(*done);
    for (const auto& table : plan.stays) {
        it.stays.push_back({"table " + table, "",
                            "has no personal column; the user id stays, so that records keep their place"});
    }
    it.stays.push_back({"ledger and requests of the shard", "",
                        "that and when the person was erased (GDPR Art. 5(2)); by the user id alone"});
    it.stays.push_back({"consents given and withdrawn", "",
                        "that they were, to be able to show it (GDPR Art. 7(1)); by the user id alone"});
    const auto& promises = topology_.privacy;
    const std::string rewritten = day_in(promises.rewrite_h / 24 + 1);
    for (const auto& step : plan.steps) {
        it.remains.push_back({"pages of table " + step.table, rewritten,
                              "freed space of heap and indexes, rewritten in the background"});
    }
    it.remains.push_back({"pages of our own tables", rewritten, "the same"});
    it.remains.push_back({"write-ahead log of all nodes",
                          day_in(promises.rewrite_h / 24 + 1 + promises.wal_days), "recycled with time"});
    if (promises.backup_days > 0) {
        it.remains.push_back({"backups", day_in(promises.backup_days),
                              "a restored one is erased again from the ledger before it serves"});
    }
    for (const auto& institution : topology_.institutions) {
        if (topology_.at(institution.jurisdiction).name == jurisdiction_) {
            it.remains.push_back({"documents that " + institution.name + " has received", "",
                                  "a recipient's own; it is told (GDPR Art. 19)"});
        }
    }
    auto readers = wait_for_readers(monitor_(), when->at(0).rows[0].at(0).value_or(""));
    it.readers = std::move(readers.there);
    it.readers_not = std::move(readers.not_there);
    auto proof = ledger_.proof(task);
    if (!proof) {
        return std::unexpected(std::move(proof.error()));
    }
    it.ledger_proof = std::move(*proof);
    const auto file = sign_certificate(it, key_);
    if (!file) {
        return std::unexpected(file.error());
    }
    const auto noted = ask(
        client,
        "WITH told AS (SELECT domicile.tell_recipients($1::bigint, $3::bigint)) UPDATE domicile.requests SET "
        "state = 'done', done_at = clock_timestamp(), answer = jsonb_build_object('certificate', $2::text) "
        "FROM told WHERE id = $1::bigint",
        {task.request, *file, task.user});
    if (!noted) {
        return std::unexpected(noted.error());
    }
    base::control_point("eraser.certified");
    base::log::info("rights.erased", {{"shard", shard_},
                                      {"entry", task.entry},
                                      {"readers", static_cast<std::uint64_t>(it.readers.size())}});
    return {};
}

}  // namespace domicile::rights

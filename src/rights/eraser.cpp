#include "rights/eraser.hpp"

#include "base/control_point.hpp"
#include "base/log.hpp"
#include "crypto/aead.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "documents/manifest.hpp"
#include "rights/schema_reader.hpp"
#include "sql/quote.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <thread>

#include <boost/json.hpp>

namespace domicile::rights {
namespace {

namespace json = boost::json;
using base::Code;
using namespace std::chrono_literals;
using pool::MaintenanceClient;
using Parameters = std::vector<std::optional<std::string>>;

constexpr std::string_view eraser_lock = "7237129510024";
constexpr auto answer_wait = 60s;
constexpr auto rewrite_wait = 30min;
constexpr auto rewrite_pause = 5s;  // between two tables: others want the disk, too
constexpr auto readers_wait = 10s;
constexpr auto compare_every = 5s;
constexpr std::string_view rfc3339 = "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'";

/// Our own tables that held what is erased; written like those of the topology.
constexpr std::array own_tables = {"domicile.idempotency", "domicile.outbox", "domicile.documents",
                                   "domicile.person_keys"};

std::int64_t number(const std::optional<std::string>& text) {
    std::int64_t value = 0;
    if (text) {
        std::from_chars(text->data(), text->data() + text->size(), value);
    }
    return value;
}

base::Result<pool::ResultSet> ask(MaintenanceClient& client, std::string_view statement,
                                  const Parameters& parameters) {
    return client.run(statement, parameters, answer_wait);
}

std::string random_hex(std::size_t bytes) {
    std::string raw(bytes, '\0');
    crypto::random_bytes({reinterpret_cast<unsigned char*>(raw.data()), raw.size()});
    return crypto::hex(raw);
}

std::string day_in(std::uint32_t days) {
    const std::time_t then = std::time(nullptr) + static_cast<std::time_t>(days) * 86'400;
    std::tm parts{};
    ::gmtime_r(&then, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}

std::string text_array(const std::vector<std::string>& names) {
    std::string out = "ARRAY[";
    for (const auto& name : names) {
        out += (out.size() == 6 ? "" : ", ") + sql::sql_literal(name);
    }
    return out + "]::text[]";
}

std::string ledger_key(const std::string& shard, std::int64_t n) {
    std::string digits = std::to_string(n);
    digits.insert(0, digits.size() < 9 ? 9 - digits.size() : 0, '0');
    return "ledger/" + shard + "/" + digits;
}

}  // namespace

struct Eraser::Task {
    std::string request, user, asked_at;
    std::int64_t entry = 0;
    std::string salt, begun_at;
};

EraserMetrics::EraserMetrics(base::Metrics& registry, const std::string& shard)
    : erasures(registry.counter("domicile_rights_erasures", "People erased", {{"shard", shard}})),
      refused(registry.counter("domicile_rights_refused", "Requests refused before the first write",
                               {{"shard", shard}})),
      replayed(registry.counter("domicile_rights_replayed", "Erasures done again in a restored database",
                                {{"shard", shard}})),
      failures(registry.counter("domicile_rights_failures", "Rounds that failed", {{"shard", shard}})),
      open(registry.gauge("domicile_rights_open", "Requests that are not answered", {{"shard", shard}})),
      oldest_s(
          registry.gauge("domicile_rights_oldest_seconds", "Age of the oldest of them", {{"shard", shard}})),
      rewrites(registry.gauge("domicile_rights_rewrites", "Tables with pages that may hold erased values",
                              {{"shard", shard}})) {}

Eraser::Eraser(const topology::Topology& topology, std::string shard, events::Connect owner,
               events::Connect monitor, cloud::ObjectStore& store, cloud::KeyService& service,
               crypto::SigningKey key, EraserMetrics& metrics)
    : topology_(topology),
      shard_(std::move(shard)),
      jurisdiction_(
          topology.at(std::ranges::find(topology.shards, shard_, &topology::Shard::name)->jurisdiction).name),
      owner_(std::move(owner)),
      monitor_(std::move(monitor)),
      store_(store),
      service_(service),
      context_{{"system", topology.name}, {"jurisdiction", jurisdiction_}, {"purpose", "ledger"}},
      log_(store, "erasures-" + shard_),
      key_(std::move(key)),
      metrics_(metrics) {}

void Eraser::run(const std::stop_token& stop) {
    events::lead(stop, {.log_name = "rights",
                        .of = shard_,
                        .lock = std::string(eraser_lock),
                        .connect = owner_,
                        .failures = &metrics_.failures,
                        .round = [this](MaintenanceClient& client) { return round(client); }});
}

/// A database from before erasures that the ledger holds: they are written down again, and then carried out
/// like any.
base::Status Eraser::replay(MaintenanceClient& client) {
    if (std::chrono::steady_clock::now() - compared_ < compare_every) {
        return {};
    }
    const auto head = log_.size();
    const auto own = client.run("SELECT ledger FROM domicile.shard", answer_wait);
    if (!head || !own) {
        return std::unexpected(head ? own.error() : head.error());
    }
    for (auto n = number(own->at(0).rows.at(0).at(0)) + 1; n <= static_cast<std::int64_t>(*head); ++n) {
        const auto known = read_entry(n);
        if (!known) {
            return std::unexpected(known.error());
        }
        const auto noted = ask(
            client,
            "WITH asked AS (INSERT INTO domicile.requests (user_id, kind, asked_by, state) VALUES "
            "($2::bigint, 'erasure', "
            "'ledger', 'running') ON CONFLICT (user_id, kind) WHERE state IN ('open', 'running') DO UPDATE "
            "SET state = "
            "'running' RETURNING id), counted AS (UPDATE domicile.shard SET ledger = $1::bigint) INSERT INTO "
            "domicile.erasures (n, request, user_id, salt, begun_at) SELECT $1::bigint, id, $2::bigint, '', "
            "$3::timestamptz "
            "FROM asked",
            {std::to_string(n), known->user, known->begun_at});
        if (!noted) {
            return std::unexpected(noted.error());
        }
        metrics_.replayed.add();
        base::log::warn("rights.replayed", {{"shard", shard_}, {"entry", n}});
    }
    compared_ = std::chrono::steady_clock::now();
    return {};
}

/// Who it was, out of the store.
base::Result<Eraser::Entry> Eraser::read_entry(std::int64_t n) {
    const auto sealed = store_.get(ledger_key(shard_, n));
    if (!sealed) {
        return std::unexpected(sealed.error());
    }
    const auto line = sealed->find('\n');
    const auto wrapped =
        line == std::string::npos ? std::nullopt : crypto::base64_decode(sealed->substr(0, line));
    const auto key = wrapped ? service_.unwrap(*wrapped, context_)
                             : base::Result<base::Secret<std::string>>(
                                   base::fail(Code::internal, "An entry of the ledger is none."));
    if (!key) {
        return std::unexpected(key.error());
    }
    const auto plain =
        crypto::aead_open(*key, std::string_view(*sealed).substr(line + 1), ledger_id(shard_, n));
    if (!plain) {
        return std::unexpected(plain.error());
    }
    // "erasure", shard, entry, user, request, time: a line each.
    std::vector<std::string> lines;
    std::istringstream in(plain->reveal());
    for (std::string one; std::getline(in, one);) {
        lines.push_back(one);
    }
    return lines.size() == 6 ? base::Result<Entry>(Entry{lines[3], lines[5]})
                             : base::fail(Code::internal, "An entry of the ledger is none.");
}

base::Result<bool> Eraser::round(MaintenanceClient& client) {
    if (auto replayed = replay(client); !replayed) {
        return std::unexpected(std::move(replayed.error()));
    }
    // One that has begun first; then in their order, except people under a hold that stands.
    const auto next =
        client.run("SELECT r.id, r.user_id, to_char(r.asked_at AT TIME ZONE 'UTC', " + std::string(rfc3339) +
                       "), e.n, e.salt, to_char(e.begun_at AT TIME ZONE 'UTC', " + std::string(rfc3339) +
                       ") FROM domicile.requests AS r LEFT JOIN domicile.erasures AS e ON e.request = r.id "
                       "WHERE r.state IN ('open', 'running') AND "
                       "NOT EXISTS (SELECT FROM domicile.holds AS h WHERE h.user_id = r.user_id AND h.until "
                       ">= current_date AND r.state = 'open') "
                       "ORDER BY r.state = 'running' DESC, r.id LIMIT 1;"
                       "SELECT count(*), coalesce(extract(epoch FROM now() - min(asked_at)), 0)::bigint, "
                       "(SELECT count(*) FROM domicile.rewrites) "
                       "FROM domicile.requests WHERE state IN ('open', 'running')",
                   answer_wait);
    if (!next) {
        return std::unexpected(next.error());
    }
    const auto& books = next->at(1).rows.at(0);
    metrics_.open.set(number(books.at(0)));
    metrics_.oldest_s.set(number(books.at(1)));
    metrics_.rewrites.set(number(books.at(2)));
    if (next->at(0).rows.empty()) {
        return rewrite(client);
    }
    const auto& row = next->at(0).rows[0];
    Task task{row.at(0).value_or(""), row.at(1).value_or(""), row.at(2).value_or(""),
              number(row.at(3)),      row.at(4).value_or(""), row.at(5).value_or("")};
    const auto live = read_schema(client);
    if (!live) {
        return std::unexpected(live.error());
    }
    const auto decision = privacy::plan_erasure(topology_, *live);
    base::Status done;
    if (!decision.findings.empty() && task.entry == 0) {
        done = refuse(client, task, decision.findings);
    } else if (!decision.findings.empty()) {
        done = base::fail(
            Code::configuration, "An erasure that has begun cannot go on: the schema has changed.",
            "`domicile user erase ID --dry-run` says what is in its way.", decision.findings.front().what);
    } else {
        done = task.entry == 0 ? begin(client, task) : base::Status();
        done = done ? note_in_ledger(task) : done;
        done = done ? finish(client, task, decision.plan) : done;
    }
    return done ? base::Result<bool>(true) : std::unexpected(std::move(done.error()));
}

base::Status Eraser::refuse(MaintenanceClient& client, const Task& task,
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

/// The next entry of the ledger, committed.
base::Status Eraser::begin(MaintenanceClient& client, Task& task) {
    task.salt = random_hex(16);
    // The shard's own position first: whoever sees the entry in the store finds it here.
    const auto begun = ask(client,
                           "WITH taken AS (UPDATE domicile.requests SET state = 'running' WHERE id = "
                           "$1::bigint), counted AS (UPDATE domicile.shard SET "
                           "ledger = ledger + 1 RETURNING ledger) INSERT INTO domicile.erasures (n, request, "
                           "user_id, salt, begun_at) SELECT ledger, "
                           "$1::bigint, $2::bigint, $3, date_trunc('second', clock_timestamp()) FROM counted "
                           "RETURNING n, to_char(begun_at AT TIME ZONE "
                           "'UTC', " +
                               std::string(rfc3339) + ")",
                           {task.request, task.user, task.salt});
    if (!begun) {
        return std::unexpected(begun.error());
    }
    task.entry = number(begun->rows.at(0).at(0));
    task.begun_at = begun->rows.at(0).at(1).value_or("");
    base::control_point("eraser.begun");
    return {};
}

/// Beside the database, which may be restored from before: a sealed entry that says who, and a commitment in
/// a log that anybody may check. Done again it does nothing.
base::Status Eraser::note_in_ledger(const Task& task) {
    const std::string statement =
        ledger_statement(shard_, task.entry, number(task.user), number(task.request), task.begun_at);
    if (task.salt.empty()) {
        return {};  // it came from there
    }
    const std::string place = ledger_key(shard_, task.entry);
    if (const auto there = store_.get(place); !there) {
        if (there.error().code != Code::not_found) {
            return std::unexpected(there.error());
        }
        const auto key = service_.generate(context_);
        if (!key) {
            return std::unexpected(key.error());
        }
        const std::string sealed = crypto::base64(key->wrapped) + "\n" +
                                   crypto::aead_seal(key->plain, statement, ledger_id(shard_, task.entry));
        if (auto put = store_.put_if_absent(place, sealed);
            !put && put.error().code != Code::precondition_failed) {
            return put;
        }
    }
    const std::string hash = crypto::hex(crypto::view(crypto::sha256(statement)));
    const auto size = static_cast<std::uint64_t>(task.entry);
    const std::string entry = documents::entry_of(ledger_id(shard_, task.entry), hash, task.salt);
    if (auto added = log_.append(size - 1, std::span(&entry, 1)); !added) {
        return added;
    }
    const auto root = crypto::tree_root(size, log_.reader(size));
    if (!root) {
        return std::unexpected(root.error());
    }
    const auto note = crypto::sign_checkpoint(
        {documents::log_origin(topology_.name, "erasures-" + shard_), size, *root}, key_);
    if (!note) {
        return std::unexpected(note.error());
    }
    base::control_point("eraser.noted");
    return log_.publish(*note);
}

/// One transaction: all of it, or nothing.
base::Result<std::vector<Done>> Eraser::erase(MaintenanceClient& client, const Task& task,
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
    const auto before = ask(client, "SELECT result FROM domicile.erasures WHERE n = $1::bigint FOR UPDATE",
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
    json::array result;
    for (const auto& one : done) {
        result.push_back({{"store", one.store}, {"what", one.what}, {"rows", one.rows}});
    }
    if (const auto noted = ask(client,
                               "UPDATE domicile.erasures SET done_at = clock_timestamp(), result = $2::jsonb "
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

base::Status Eraser::finish(MaintenanceClient& client, const Task& task, const privacy::ErasurePlan& plan) {
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
                                     ") FROM domicile.erasures WHERE n = " + std::to_string(task.entry),
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
                                  "a recipient's own (GDPR Art. 19)"});
        }
    }
    wait_for_readers(when->at(0).rows[0].at(0).value_or(""), it);
    const auto size = static_cast<std::uint64_t>(task.entry);
    auto hashes = crypto::inclusion_proof(size - 1, size, log_.reader(size));
    const auto note = log_.checkpoint();  // of this entry: the next one has not begun
    if (!hashes || !note) {
        return std::unexpected(hashes ? note.error() : hashes.error());
    }
    it.ledger_proof = documents::to_text(documents::InclusionProof{ledger_id(shard_, task.entry), task.salt,
                                                                   size - 1, std::move(*hashes), *note});
    const auto file = sign_certificate(it, key_);
    if (!file) {
        return std::unexpected(file.error());
    }
    const auto noted =
        ask(client,
            "UPDATE domicile.requests SET state = 'done', done_at = clock_timestamp(), answer = "
            "jsonb_build_object('certificate', $2::text) WHERE id = $1::bigint",
            {task.request, *file});
    if (!noted) {
        return std::unexpected(noted.error());
    }
    base::control_point("eraser.certified");
    metrics_.erasures.add();
    base::log::info("rights.erased", {{"shard", shard_},
                                      {"entry", task.entry},
                                      {"readers", static_cast<std::uint64_t>(it.readers.size())}});
    return {};
}

/// By their replay position: not that they should have it, but that they have.
void Eraser::wait_for_readers(const std::string& position, Certificate& certificate) {
    const auto deadline = std::chrono::steady_clock::now() + readers_wait;
    auto client = monitor_();
    for (;;) {
        certificate.readers.clear();
        certificate.readers_not.clear();
        const auto found = client ? ask(*client,
                                        "SELECT application_name, coalesce(replay_lsn >= $1::pg_lsn, false) "
                                        "FROM pg_stat_replication ORDER BY 1",
                                        {position})
                                  : base::Result<pool::ResultSet>(std::unexpected(client.error()));
        if (!found) {
            certificate.readers_not.emplace_back("all: their positions are not known");
            return;
        }
        for (const auto& row : found->rows) {
            (row.at(1) == "t" ? certificate.readers : certificate.readers_not)
                .push_back(row.at(0).value_or(""));
        }
        if (certificate.readers_not.empty() || std::chrono::steady_clock::now() > deadline) {
            return;
        }
        std::this_thread::sleep_for(20ms);
    }
}

/// PostgreSQL leaves the bytes of a removed row in its page until something is written over them; only a new
/// file is sure not to have them. One table at a time, when nobody holds it for long.
base::Result<bool> Eraser::rewrite(MaintenanceClient& client) {
    if (std::chrono::steady_clock::now() - rewritten_ < rewrite_pause && topology_.privacy.rewrite_h > 0) {
        return false;
    }
    const auto waiting = client.run(
        "SELECT table_name, erasures, xid::xid FROM domicile.rewrites WHERE since <= now() - interval '" +
            std::to_string(topology_.privacy.rewrite_h * 30) + " minutes' ORDER BY since LIMIT 1",
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

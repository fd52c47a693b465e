#include "ops/database_facts.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <boost/json.hpp>

namespace domicile::ops {
namespace {

using namespace std::chrono_literals;

constexpr auto answer_wait = 3s;

// One row; the names are those of the facts. A standby has no insert position, and no slots of its own here.
constexpr std::string_view node_sql = R"sql(
SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS connections_max,
       pg_database_size(current_database()) AS bytes,
       coalesce((SELECT extract(epoch FROM max(clock_timestamp() - xact_start)) FROM pg_stat_activity
                 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()), 0) AS oldest_transaction_s,
       (SELECT max(age(datfrozenxid)) FROM pg_database) AS frozen_age,
       (SELECT CASE WHEN blks_hit + blks_read > 10000 THEN round(100.0 * blks_hit / (blks_hit + blks_read), 1) END
        FROM pg_stat_database WHERE datname = current_database()) AS cache_hit_percent,
       (SELECT count(*) FROM pg_prepared_xacts) AS prepared_transactions,
       CASE WHEN pg_is_in_recovery() THEN NULL ELSE
           (SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) FROM pg_replication_slots) END AS slots_bytes,
       extract(epoch FROM clock_timestamp()) * 1000 AS clock_ms
)sql";

constexpr std::string_view shard_sql = R"sql(
SELECT s.restrictions, (SELECT r.row_count FROM domicile.row_counts() AS r WHERE r.table_name = $1) AS people,
       (SELECT count(*) FROM domicile.open_requests()) AS requests_open, s.map_epoch AS epoch
FROM domicile.shard AS s
)sql";

constexpr std::string_view evidence_sql = R"sql(
SELECT pg_is_in_recovery()::text, (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()),
       coalesce((SELECT extract(epoch FROM now() - stats_reset)::bigint FROM pg_stat_database WHERE datname = current_database()),
                extract(epoch FROM now() - pg_postmaster_start_time())::bigint);
SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums',
    'autovacuum', 'log_statement', 'password_encryption', 'archive_mode');
SELECT rolname::text, rolsuper, rolcreaterole, rolbypassrls, rolreplication FROM pg_roles
    WHERE rolname !~ '^pg_' AND (rolsuper OR rolcreaterole OR rolbypassrls OR rolreplication);
SELECT s.relname::text, s.indexrelname::text, s.idx_scan, pg_relation_size(s.indexrelid), i.indisunique
    FROM pg_stat_user_indexes AS s JOIN pg_index AS i USING (indexrelid) WHERE s.schemaname = 'public' ORDER BY 4 DESC LIMIT 500;
SELECT c.relname::text, coalesce(s.n_live_tup, 0), coalesce(s.n_dead_tup, 0), c.relkind = 'm',
       (SELECT string_agg(DISTINCT a.attname::text, ' ') FROM pg_index AS i JOIN pg_attribute AS a
            ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indrelid = c.oid)
    FROM pg_class AS c LEFT JOIN pg_stat_user_tables AS s ON s.relid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'm') LIMIT 1000
)sql";

std::optional<double> number(const std::optional<std::string>& text) {
    if (!text) {
        return std::nullopt;
    }
    double value = 0;
    const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), value);
    return failed == std::errc() && end == text->data() + text->size() ? std::optional(value) : std::nullopt;
}

double now_ms() {
    return static_cast<double>(std::chrono::system_clock::now().time_since_epoch() / 1us) / 1'000;
}

}  // namespace

base::Status ask_node(pool::MaintenanceClient& client, Resource& node) {
    const double before = now_ms();
    const auto found = client.run(node_sql, answer_wait);
    const double after = now_ms();
    if (!found) {
        return std::unexpected(found.error());
    }
    const auto& set = found->at(0);
    for (std::size_t i = 0; i < set.columns.size() && !set.rows.empty(); ++i) {
        const auto value = number(set.rows[0][i]);
        if (!value) {
            continue;
        }
        if (set.columns[i] == "clock_ms") {
            // Within the round trip nothing can be told apart.
            const double skew = *value < before ? before - *value : *value > after ? *value - after : 0;
            node.set("clock_skew_ms", std::round(skew));
        } else {
            node.set(set.columns[i], std::round(*value * 10) / 10);
        }
    }
    return {};
}

base::Status ask_shard(pool::MaintenanceClient& client, const topology::Topology& topology,
                       topology::ShardIndex index, Resource& shard, boost::json::array& ranges) {
    const auto& declared = topology.at(index);
    const std::optional<std::string> people[] = {topology.person_table().name};
    const auto found = client.run(shard_sql, people, answer_wait);
    if (!found) {
        return std::unexpected(found.error());
    }
    const auto used = client.run(
        "SELECT sequencename::text, last_value FROM pg_sequences WHERE schemaname = 'domicile'", answer_wait);
    if (!used) {
        return std::unexpected(used.error());
    }
    std::optional<double> count;
    double epoch = 0;
    if (!found->rows.empty()) {
        const auto& row = found->rows[0];
        for (std::size_t i = 0; i < found->columns.size(); ++i) {
            const auto value = number(row[i]);
            if (value) {
                shard.set(found->columns[i] == "restrictions" ? "restricted" : found->columns[i], *value);
            }
        }
        count = number(row[1]);
        epoch = number(row[3]).value_or(0);
    }
    double fullest = 0;
    for (const auto& range : declared.ranges) {
        double percent = 0;
        for (const auto& row : used->at(0).rows) {
            // Named by the key and where the range begins (fleet/shard_sql).
            const auto last = number(row[1]);
            if (last && row[0] && row[0]->ends_with("_" + std::to_string(range.from))) {
                percent = (*last - static_cast<double>(range.from)) * 100 /
                          static_cast<double>(range.to - range.from);
            }
        }
        fullest = std::max(fullest, percent);
        ranges.push_back(boost::json::object{
            {"from", range.from},
            {"to", range.to},
            {"shard", declared.name},
            {"jurisdiction", topology.at(declared.jurisdiction).name},
            {"open", declared.open},
            // People are counted by shard; a shard with several ranges says so with each of them.
            {"people", count && declared.ranges.size() == 1
                           ? boost::json::value(static_cast<std::int64_t>(*count))
                           : boost::json::value()},
            {"used_percent", std::round(percent * 10) / 10},
            {"epoch", static_cast<std::int64_t>(epoch)}});
    }
    shard.set("range_used_percent", std::round(fullest * 10) / 10);
    return {};
}

base::Result<DatabaseEvidence> ask_evidence(pool::MaintenanceClient& client,
                                            const topology::Topology& topology,
                                            std::pair<double, std::int64_t>& before) {
    const auto found = client.run(evidence_sql, 5s);
    if (!found) {
        return std::unexpected(found.error());
    }
    const auto text = [](const std::optional<std::string>& value) { return value.value_or(""); };
    const auto whole = [](const std::optional<std::string>& value) {
        return static_cast<std::int64_t>(number(value).value_or(0));
    };
    DatabaseEvidence evidence;
    const auto& self = found->at(0).rows.at(0);
    evidence.writer = self.at(0) == "false";
    evidence.statistics_age_s = whole(self.at(2));
    const double commits = number(self.at(1)).value_or(0);
    const auto now = static_cast<std::int64_t>(now_ms());
    if (before.second != 0 && commits >= before.first && now > before.second) {
        evidence.commits_per_s = (commits - before.first) * 1'000 / static_cast<double>(now - before.second);
    }
    before = {commits, now};
    for (const auto& row : found->at(1).rows) {
        evidence.settings[text(row.at(0))] = text(row.at(1));
    }
    for (const auto& row : found->at(2).rows) {
        evidence.roles.push_back(
            {text(row.at(0)), row.at(1) == "t", row.at(2) == "t", row.at(3) == "t", row.at(4) == "t"});
    }
    for (const auto& row : found->at(3).rows) {
        evidence.indexes.push_back(
            {text(row.at(0)), text(row.at(1)), whole(row.at(2)), whole(row.at(3)), row.at(4) == "t"});
    }
    for (const auto& row : found->at(4).rows) {
        const auto* declared = topology.table(text(row.at(0)));
        const std::string firsts = " " + text(row.at(4)) + " ";
        evidence.tables.push_back(
            {text(row.at(0)), whole(row.at(1)), whole(row.at(2)),
             declared != nullptr && firsts.find(" " + declared->key + " ") != std::string::npos,
             row.at(3) == "t"});
    }
    return evidence;
}

}  // namespace domicile::ops

// Checks of what runs.

#include "ops/advisor.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace domicile::ops {
namespace {

using Found = std::vector<std::pair<std::string, std::string>>;
using enum Pillar;
using topology::Severity;

std::string number(double value) {
    const double rounded = std::round(value * 10) / 10;
    std::string text = std::to_string(rounded);
    text.erase(text.find_last_not_of('0') + 1);
    return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

/// Resources of a kind whose fact lies beyond a bound.
void beyond(const Evidence& e, Found& found, std::string_view kind, std::string_view fact, double bound,
            std::string_view unit, bool above = true) {
    for (const Resource& one : e.facts.resources) {
        const auto value = one.kind == kind ? one.fact(fact) : std::nullopt;
        if (value && (above ? *value > bound : *value < bound)) {
            found.emplace_back(one.kind + " " + one.name, number(*value) + " " + std::string(unit) +
                                                              (above ? ", more than " : ", less than ") +
                                                              number(bound));
        }
    }
}

/// Writers whose setting is not as it should be.
void setting(const Evidence& e, Found& found, std::string_view name, std::string_view wanted,
             bool writers_only = true) {
    for (const auto& database : e.databases) {
        const auto value = database.settings.find(name);
        if ((database.writer || !writers_only) && value != database.settings.end() &&
            value->second != wanted) {
            found.emplace_back("node " + database.node, std::string(name) + " = " + value->second);
        }
    }
}

void fsync_off(const Evidence& e, Found& f) {
    setting(e, f, "fsync", "on");
}
void pages_off(const Evidence& e, Found& f) {
    setting(e, f, "full_page_writes", "on");
}
void commit_off(const Evidence& e, Found& f) {
    for (const auto& database : e.databases) {
        const auto value = database.settings.find("synchronous_commit");
        if (database.writer && value != database.settings.end() && value->second == "off") {
            f.emplace_back("node " + database.node, "synchronous_commit = off");
        }
    }
}
void no_checksums(const Evidence& e, Found& f) {
    setting(e, f, "data_checksums", "on");
}
void vacuum_off(const Evidence& e, Found& f) {
    setting(e, f, "autovacuum", "on");
}
void statements_logged(const Evidence& e, Found& f) {
    setting(e, f, "log_statement", "none", false);
}
void old_passwords(const Evidence& e, Found& f) {
    setting(e, f, "password_encryption", "scram-sha-256");
}
void no_archive(const Evidence& e, Found& f) {
    if (e.topology.privacy.backup_days > 0) {
        for (const auto& database : e.databases) {
            const auto value = database.settings.find("archive_mode");
            if (database.writer && value != database.settings.end() && value->second == "off") {
                f.emplace_back("node " + database.node, "archive_mode = off, backups are promised for " +
                                                            std::to_string(e.topology.privacy.backup_days) +
                                                            " days");
            }
        }
    }
}

void strong_role(const Evidence& e, Found& found) {
    for (const auto& database : e.databases) {
        for (const auto& role : database.roles) {
            const bool known = std::ranges::count(e.known_roles, role.name) != 0;
            if (database.writer && !known &&
                (role.superuser || role.create_role || role.bypass_rls || role.replication)) {
                found.emplace_back("role " + role.name + " on " + database.node,
                                   std::string(role.superuser     ? "superuser"
                                               : role.create_role ? "may create roles"
                                               : role.bypass_rls  ? "passes row-level security"
                                                                  : "may replicate"));
            }
        }
    }
}

void unused_index(const Evidence& e, Found& found) {
    for (const auto& database : e.databases) {
        for (const auto& index : database.indexes) {
            if (database.writer && !index.unique && index.scans == 0 && index.bytes > (1 << 20) &&
                database.statistics_age_s > 86'400) {
                found.emplace_back("index " + index.name + " on " + database.node,
                                   "never used in " + std::to_string(database.statistics_age_s / 86'400) +
                                       " days, " + number(static_cast<double>(index.bytes) / (1 << 20)) +
                                       " MiB");
            }
        }
    }
}

void key_not_indexed(const Evidence& e, Found& found) {
    for (const auto& database : e.databases) {
        for (const auto& table : database.tables) {
            const auto* declared = e.topology.table(table.name);
            if (database.writer && declared != nullptr && declared->kind == topology::TableKind::sharded &&
                !table.key_first) {
                found.emplace_back("table " + table.name + " on " + database.node,
                                   "no index begins with " + declared->key);
            }
        }
    }
}

void dead_rows(const Evidence& e, Found& found) {
    for (const auto& database : e.databases) {
        for (const auto& table : database.tables) {
            if (database.writer && table.dead > 10'000 && table.dead * 5 > table.live) {
                found.emplace_back(
                    "table " + table.name + " on " + database.node,
                    std::to_string(table.dead) + " dead rows beside " + std::to_string(table.live));
            }
        }
    }
}

void hot_shard(const Evidence& e, Found& found) {
    std::vector<double> rates;
    for (const auto& database : e.databases) {
        if (database.writer) {
            rates.push_back(database.commits_per_s);
        }
    }
    if (rates.size() < 2) {
        return;
    }
    std::ranges::sort(rates);
    const double middle = rates[(rates.size() - 1) / 2];
    for (const auto& database : e.databases) {
        if (database.writer && database.commits_per_s > 50 && database.commits_per_s > 3 * middle) {
            found.emplace_back(
                "node " + database.node,
                number(database.commits_per_s) + " commits/s, the median shard has " + number(middle));
        }
    }
}

void unbalanced(const Evidence& e, Found& found) {
    double all = 0;
    double shards = 0;
    for (const Resource& one : e.facts.resources) {
        if (one.kind == "shard" && one.fact("people")) {
            all += *one.fact("people");
            ++shards;
        }
    }
    for (const Resource& one : e.facts.resources) {
        const auto people = one.kind == "shard" ? one.fact("people") : std::nullopt;
        if (people && shards > 1 && *people > 1'000 && *people > 2 * (all - *people) / (shards - 1)) {
            found.emplace_back("shard " + one.name, number(*people) + " people, the others " +
                                                        number((all - *people) / (shards - 1)) +
                                                        " on average");
        }
    }
}

void lag_trend(const Evidence& e, Found& found) {
    for (const auto& [node, lag] : e.lag_trend) {
        if (lag.first > 200 && lag.first > 3 * lag.second) {
            found.emplace_back("node " + node, number(lag.first) + " ms behind in the last hour, " +
                                                   number(lag.second) + " ms before");
        }
    }
}

void cannot_fit(const Evidence& e, Found& found) {
    const auto own = e.topology.at(e.region).jurisdiction;
    const auto gateways =
        static_cast<double>(std::ranges::count(e.topology.regions, own, &topology::Region::jurisdiction));
    const double most = gateways * e.topology.limits.gateway_threads * e.topology.limits.node_connections_max;
    for (const Resource& one : e.facts.resources) {
        const auto room = one.kind == "node" ? one.fact("connections_max") : std::nullopt;
        if (room && most > *room) {
            found.emplace_back("node " + one.name,
                               number(most) + " connections may be opened, " + number(*room) + " fit");
        }
    }
}

void other_map(const Evidence& e, Found& found) {
    for (const auto& peer : e.peers) {
        if (peer.reachable && peer.facts && peer.facts->map_epoch != 0 && e.facts.map_epoch != 0 &&
            peer.facts->map_epoch != e.facts.map_epoch) {
            found.emplace_back("region " + e.topology.at(peer.region).name,
                               "epoch " + std::to_string(peer.facts->map_epoch) + ", here " +
                                   std::to_string(e.facts.map_epoch));
        }
    }
}

void old_materialized(const Evidence& e, Found& found) {
    for (const auto& database : e.databases) {
        for (const auto& table : database.tables) {
            if (database.writer && table.materialized) {
                found.emplace_back("materialized view " + table.name + " on " + database.node,
                                   "keeps copies that no erasure reaches");
            }
        }
    }
}

void idle_threads(const Evidence& e, Found& found) {
    if (e.topology.limits.gateway_threads < 2) {
        return;
    }
    for (const Resource& one : e.facts.resources) {
        const auto cpu = one.kind == "gateway" ? one.fact("cpu_percent") : std::nullopt;
        if (cpu && *cpu < 5) {
            found.emplace_back(
                "gateway " + one.name,
                number(*cpu) + " % CPU on " + std::to_string(e.topology.limits.gateway_threads) + " threads");
        }
    }
}

void busy_gateway(const Evidence& e, Found& f) {
    beyond(e, f, "gateway", "cpu_percent", 80.0 * e.topology.limits.gateway_threads, "% CPU");
}
void pool_waits(const Evidence& e, Found& f) {
    beyond(e, f, "gateway", "pool_waits_per_s", 1, "requests/s wait for a node");
}
void cold_cache(const Evidence& e, Found& f) {
    beyond(e, f, "node", "cache_hit_percent", 95, "% of pages from memory", false);
}
void slot_retains(const Evidence& e, Found& f) {
    beyond(e, f, "node", "slots_bytes", 1 << 30, "bytes of log kept for a reader");
}
void prepared(const Evidence& e, Found& f) {
    beyond(e, f, "node", "prepared_transactions", 10, "prepared transactions");
}
void long_transaction(const Evidence& e, Found& f) {
    beyond(e, f, "node", "oldest_transaction_s", 300, "s is the oldest transaction");
}
void range_filling(const Evidence& e, Found& f) {
    beyond(e, f, "shard", "range_used_percent", 70, "% of a range is used");
}
void connections_near(const Evidence& e, Found& f) {
    beyond(e, f, "node", "connections_percent", 70, "% of connections are used");
}
void frozen(const Evidence& e, Found& f) {
    beyond(e, f, "node", "frozen_age", 500e6, "transactions since the last freeze");
}
void disk(const Evidence& e, Found& f) {
    beyond(e, f, "store", "free_percent", 20, "% of the disk are free", false);
}
void queue_grows(const Evidence& e, Found& f) {
    beyond(e, f, "queue", "waiting", 100, "batches wait");
}
void skew(const Evidence& e, Found& f) {
    beyond(e, f, "node", "clock_skew_ms", 500, "ms of clock skew");
}
void old_secret(const Evidence& e, Found& f) {
    beyond(e, f, "secret", "age_days", 60, "days without a rotation");
}
void pending_secret(const Evidence& e, Found& f) {
    beyond(e, f, "secret", "pending", 0, "rotation begun and not finished");
}
void old_certificate(const Evidence& e, Found& f) {
    beyond(e, f, "certificate", "days_left", 30, "days left", false);
}
void privacy_soon(const Evidence& e, Found& f) {
    beyond(e, f, "shard", "days_left", 14, "days left for an answer", false);
}
void rewrites(const Evidence& e, Found& f) {
    beyond(e, f, "shard", "rewrites", 0, "tables with pages that may hold erased values");
}

constexpr std::array checks = {
    Check{"fsync-off", resilience, Severity::high, "PostgreSQL does not wait for the disk",
          "A crash of the machine may damage the database.", "ALTER SYSTEM SET fsync = on", fsync_off},
    Check{"full-page-writes-off", resilience, Severity::medium, "Torn pages cannot be mended",
          "A crash in the midst of a page's write damages it; no backup can be taken from a reader.",
          "ALTER SYSTEM SET full_page_writes = on", pages_off},
    Check{"commit-not-waited-for", resilience, Severity::high,
          "A commit is acknowledged before it is written", "A crash loses what clients were told is stored.",
          "ALTER SYSTEM SET synchronous_commit = on", commit_off},
    Check{"no-checksums", resilience, Severity::low, "Damaged pages are not noticed",
          "A disk that lies is copied to every reader and backup.",
          "pg_checksums --enable, on a stopped node", no_checksums},
    Check{"no-archive", resilience, Severity::medium, "Backups are promised, the log is not archived",
          "A base backup alone restores to its own moment only.", "ALTER SYSTEM SET archive_mode = on",
          no_archive},
    Check{"lag-trend", resilience, Severity::medium, "A reader falls behind more than it used to",
          "Soon it will not be good for reads, nor for a failover.", "domicile status --json", lag_trend},
    Check{"slot-retains", resilience, Severity::medium, "Much log is kept for a reader",
          "The disk fills, and then the writer stops.",
          "SELECT pg_drop_replication_slot(…) if the reader is gone for good", slot_retains},
    Check{"strong-role", security, Severity::high, "A database role has too much privilege",
          "It can read every row of the shard, or give itself what it needs.",
          "DROP ROLE, or ALTER ROLE … NOSUPERUSER NOCREATEROLE NOBYPASSRLS NOREPLICATION", strong_role},
    Check{"statements-logged", security, Severity::high, "Statements stand in PostgreSQL's log",
          "They hold people's values, and no erasure reaches a log.",
          "ALTER SYSTEM SET log_statement = 'none'", statements_logged},
    Check{"old-password-hash", security, Severity::medium, "Passwords are not kept as SCRAM verifiers",
          "MD5 verifiers are passwords themselves.", "ALTER SYSTEM SET password_encryption = 'scram-sha-256'",
          old_passwords},
    Check{"secret-not-rotated", security, Severity::low, "A secret is older than two months",
          "What nobody rotates, nobody can rotate in a hurry.", "domicile secret rotate", old_secret},
    Check{"rotation-unfinished", security, Severity::medium, "A rotation was begun and not finished",
          "Two versions are good at once until it is.", "domicile secret rotate", pending_secret},
    Check{"certificate-soon", security, Severity::medium, "A certificate expires within a month",
          "Clients will refuse the door.", "Replace the file and restart the gateway", old_certificate},
    Check{"unused-index", performance, Severity::low, "An index is never used", "Every write pays for it.",
          "DROP INDEX, through the SQL door", unused_index},
    Check{"key-not-indexed", performance, Severity::high,
          "A person's rows are found by reading the whole table",
          "Every request for one person costs as much as one for all.",
          "CREATE INDEX on the key, through the SQL door", key_not_indexed},
    Check{"dead-rows", performance, Severity::medium, "A table holds many dead rows",
          "Reads go through them; erased values stay in them.",
          "VACUUM the table; look for what holds the horizon", dead_rows},
    Check{"vacuum-off", performance, Severity::high, "Nothing is vacuumed",
          "Tables grow without end, and transaction ids run out.", "ALTER SYSTEM SET autovacuum = on",
          vacuum_off},
    Check{"hot-shard", performance, Severity::medium, "One shard works much more than the others",
          "It will be full while the others idle.",
          "Close it (open = false), so that new people go elsewhere", hot_shard},
    Check{"unbalanced-shards", performance, Severity::low, "One shard has many more people than the others",
          "It will be the first to be slow.", "Close it (open = false), so that new people go elsewhere",
          unbalanced},
    Check{"cold-cache", performance, Severity::low, "Many pages come from the disk", "Reads wait.",
          "Raise shared_buffers in [embedded.settings], or memory", cold_cache},
    Check{"pool-waits", performance, Severity::low, "Requests wait for a node's connection",
          "They could run at once.", "Raise node_connections_max in [limits]", pool_waits},
    Check{"gateway-busy", performance, Severity::medium, "A gateway has little CPU left",
          "The next peak is slow.", "Raise gateway_threads in [limits], or add a gateway", busy_gateway},
    Check{"transaction-long", performance, Severity::medium, "A transaction has been open for minutes",
          "Vacuum, the outbox and the rewriting of erased pages wait for it.",
          "SELECT pg_terminate_backend(pid), once it is clear whose it is", long_transaction},
    Check{"range-filling", limits, Severity::medium, "A range of ids fills up",
          "Then nobody new finds a place on the shard.", "Add a range to [shards.…] and raise map_epoch",
          range_filling},
    Check{"connections-near", limits, Severity::medium, "A node is near its limit of connections",
          "Clients will be refused.", "Lower node_connections_max, or raise max_connections",
          connections_near},
    Check{"connections-cannot-fit", limits, Severity::medium,
          "Gateways may open more connections than a node takes", "In a peak some requests fail.",
          "Lower node_connections_max in [limits], or raise max_connections", cannot_fit},
    Check{"freeze-late", limits, Severity::medium, "Old rows wait to be frozen",
          "At two thousand million PostgreSQL stops taking writes.", "VACUUM (FREEZE)", frozen},
    Check{"disk-filling", limits, Severity::medium, "The disk fills up", "Everything stops when it is full.",
          "Add space, or see docs/runbooks.md#store-full", disk},
    Check{"queue-grows", limits, Severity::low, "Batches of figures wait",
          "What waits longer than the queue keeps it is lost there, and sent anew by the shard.",
          "domicile stats verify", queue_grows},
    Check{"prepared-left", operations, Severity::medium, "Transactions in two phases are left over",
          "They hold locks and the horizon.",
          "domicile status; the gateway's recovery ends them, or says why not", prepared},
    Check{"clock-apart", operations, Severity::low, "A node's clock is apart",
          "Due dates and tokens are cut by clocks.", "chronyc tracking, on the node", skew},
    Check{"map-differs", operations, Severity::medium, "Regions use different range maps",
          "Until they agree, some requests take a longer way.", "domicile mesh routes", other_map},
    Check{"answer-soon", operations, Severity::medium, "An answer to a person is due within two weeks",
          "GDPR Art. 12(3).", "domicile privacy requests", privacy_soon},
    Check{"rewrites-wait", residency, Severity::low, "Pages may still hold erased values",
          "They are rewritten when no snapshot sees the old rows any more; a certificate says until when.",
          "domicile privacy requests", rewrites},
    Check{"copies-unreached", residency, Severity::high, "A materialized view keeps people's values",
          "No erasure reaches it.", "DROP MATERIALIZED VIEW; use a view", old_materialized},
    Check{"threads-idle", cost, Severity::low, "A gateway has threads to spare",
          "Each keeps connections open on every node.", "Lower gateway_threads in [limits]", idle_threads},
};

}  // namespace

std::span<const Check> measured_checks() {
    return checks;
}

}  // namespace domicile::ops

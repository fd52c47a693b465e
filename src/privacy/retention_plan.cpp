#include "privacy/retention_plan.hpp"

#include "sql/quote.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace domicile::privacy {
namespace {

using sql::sql_identifier;
using sql::sql_literal;

constexpr std::array times = {"date", "timestamp without time zone", "timestamp with time zone"};

std::string place(std::string_view table) {
    return "public." + sql_identifier(table);
}

/// Whether nothing points at row `t` of the table.
std::string unreferenced(const LiveSchema& live, const std::string& table) {
    std::string text;
    for (const auto& key : live.foreign_keys) {
        if (key.parent != table) {
            continue;
        }
        std::string pairs;
        for (std::size_t i = 0; i < key.child_columns.size(); ++i) {
            pairs += (i == 0 ? "c." : " AND c.") + sql_identifier(key.child_columns[i]) + " = t." +
                     sql_identifier(key.parent_columns[i]);
        }
        text += " AND NOT EXISTS (SELECT FROM " + place(key.child) + " AS c WHERE " + pairs + ")";
    }
    return text;
}

/// Children before parents, as far as there is an order.
std::vector<const topology::Table*> ordered(const topology::Topology& topology, const LiveSchema& live) {
    std::vector<const topology::Table*> order;
    std::set<std::string> seen;
    const auto visit = [&](const auto& self, const topology::Table& table) -> void {
        if (!seen.insert(table.name).second) {
            return;
        }
        for (const auto& key : live.foreign_keys) {
            const auto child = std::ranges::find(topology.tables, key.child, &topology::Table::name);
            if (key.parent == table.name && child != topology.tables.end()) {
                self(self, *child);
            }
        }
        order.push_back(&table);
    };
    for (const auto& table : topology.tables) {
        visit(visit, table);
    }
    return order;
}

}  // namespace

RetentionDecision plan_retention(const topology::Topology& topology, const LiveSchema& live) {
    RetentionDecision out;
    for (const auto* table : ordered(topology, live)) {
        if (table->retained_from.empty() || table->kind != topology::TableKind::sharded) {
            continue;
        }
        const LiveTable* there = live.table(table->name);
        const LiveColumn* from = there == nullptr ? nullptr : there->column(table->retained_from);
        if (from == nullptr || std::ranges::find(times, from->type) == times.end()) {
            out.findings.push_back({"the table " + table->name + " has no date or time " +
                                        table->retained_from + " from which its retention could count",
                                    "name another column in `retained_from`"});
            continue;
        }
        if (there->primary_key.empty()) {
            out.findings.push_back(
                {"the table " + table->name + " has no primary key", "give it one: rows are removed by it"});
            continue;
        }
        const std::string key = "t." + sql_identifier(table->key);
        const std::string old = "t." + sql_identifier(table->retained_from) + " < now() - " +
                                sql_literal(table->retention) + "::interval";
        const std::string free = " AND NOT EXISTS (SELECT FROM domicile.holds AS h WHERE h.user_id = " + key +
                                 " AND h.until >= current_date) AND NOT EXISTS (SELECT FROM "
                                 "domicile.restrictions AS r WHERE r.user_id = " +
                                 key + ")";
        RetentionStep step{table->name, table->retention, table->person, {}, {}};
        const std::string due = "FROM " + place(table->name) + " AS t WHERE " + old;
        if (table->person) {
            const std::string asked =
                " AND NOT EXISTS (SELECT FROM domicile.requests AS q WHERE q.user_id = " + key +
                " AND q.kind = 'erasure' AND q.asked_at > t." + sql_identifier(table->retained_from) + ")";
            step.sql = "INSERT INTO domicile.requests (user_id, kind, asked_by) SELECT " + key +
                       ", 'erasure', 'retention' " + due + free + asked +
                       " LIMIT $1::bigint ON CONFLICT DO NOTHING";
            step.due_sql = "SELECT count(*) FROM (SELECT " + due + asked + " LIMIT 100000) AS d";
        } else {
            std::string names;
            std::string same;
            for (const auto& column : there->primary_key) {
                names += (names.empty() ? "t." : ", t.") + sql_identifier(column);
                same += (same.empty() ? "g." : " AND g.") + sql_identifier(column) + " = d." +
                        sql_identifier(column);
            }
            step.sql = "WITH d AS MATERIALIZED (SELECT " + names + " " + due + free +
                       unreferenced(live, table->name) + " LIMIT $1::bigint) DELETE FROM " +
                       place(table->name) + " AS g USING d WHERE " + same;
            step.due_sql = "SELECT count(*) FROM (SELECT " + due + " LIMIT 100000) AS d";
        }
        out.steps.push_back(std::move(step));
    }
    return out;
}

}  // namespace domicile::privacy

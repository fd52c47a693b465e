#include "events/outbox_sql.hpp"

#include "guard/table_guard.hpp"
#include "sql/quote.hpp"

#include <algorithm>
#include <set>
#include <vector>

namespace domicile::events {
namespace {

using guard::fill;
using sql::sql_identifier;
using sql::sql_literal;
using topology::RowEvent;
using topology::Statistic;

// Statement triggers with transition tables: one call a statement, however many rows. They run with the
// owner's rights, so that nobody can tell of rows that are not there, and name everything in full, so that
// they need no setting of their own.
constexpr std::string_view trigger_sql = R"sql(
CREATE OR REPLACE FUNCTION domicile.{function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $domicile$
BEGIN
{inserts}    RETURN NULL;
END $domicile$;
REVOKE ALL ON FUNCTION domicile.{function}() FROM PUBLIC;
CREATE OR REPLACE TRIGGER {trigger} AFTER {event} ON public.{table} REFERENCING {transitions}
    FOR EACH STATEMENT EXECUTE FUNCTION domicile.{function}();
)sql";

constexpr std::string_view insert_sql =
    R"sql(    INSERT INTO domicile.outbox (table_name, op, sign, audited, user_id, body)
        SELECT {table_literal}, '{op}', {sign}, {audited}, {key}, {body} FROM {rows};
)sql";

constexpr std::string_view truncate_sql = R"sql(
CREATE OR REPLACE FUNCTION domicile.refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $domicile$
BEGIN
    RAISE EXCEPTION 'table % is counted or audited row by row', TG_TABLE_NAME
        USING ERRCODE = '55000', HINT = 'DELETE the rows.';
END $domicile$;
CREATE OR REPLACE TRIGGER domicile_truncate BEFORE TRUNCATE ON public.{table}
    FOR EACH STATEMENT EXECUTE FUNCTION domicile.refuse_truncate();
)sql";

constexpr std::string_view drop_sql = "DROP TRIGGER IF EXISTS {trigger} ON public.{table};\n";

constexpr std::string_view metric_sql = R"sql(
DO $domicile$
DECLARE
    known text;
BEGIN
    SELECT definition INTO known FROM domicile.metrics WHERE name = {name};
    IF known IS NULL THEN
        INSERT INTO domicile.metrics VALUES ({name}, {definition}, {persons_min}, {rest});
        INSERT INTO domicile.outbox (table_name, op, sign, audited, metric, user_id, body)
            SELECT {table_literal}, 'I', 1, false, {name}, {key}, {body} FROM public.{table} AS r;
    ELSIF known <> {definition} THEN
        RAISE EXCEPTION 'the statistic {plain} means something else than before: {meaning}, not %', known
            USING HINT = 'Give the changed figure a new name: what has left under the old one stays as it was.';
    END IF;
    UPDATE domicile.metrics SET persons_min = {persons_min}, rest = {rest} WHERE name = {name};
END $domicile$;
)sql";

// What is below the snapshot's xmin has ended: no transaction that is still running can put a row in front of
// what is taken. The order within is that of the identity column: a transaction that changes a row after
// another has committed tells of it later, whatever its number.
constexpr std::string_view batch_sql = R"sql(
CREATE OR REPLACE FUNCTION domicile.make_batch(most integer)
RETURNS TABLE (events bigint, batch bigint, audited bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $domicile$
#variable_conflict use_column
DECLARE
    state domicile.batch_state;
    horizon xid8;
    taken domicile.outbox[];
    changes jsonb;
BEGIN
    SELECT * INTO state FROM domicile.batch_state FOR UPDATE;
    horizon := pg_snapshot_xmin(pg_current_snapshot());
    WITH gone AS (
        DELETE FROM domicile.outbox AS o WHERE o.id = ANY (ARRAY(
            SELECT n.id FROM domicile.outbox AS n WHERE n.xid < horizon ORDER BY n.id LIMIT most)) RETURNING o)
        SELECT array_agg(gone.o ORDER BY (gone.o).id) INTO taken FROM gone;
    events := coalesce(cardinality(taken), 0);
    audited := 0;
    batch := 0;
    IF events > 0 THEN
        WITH counted AS MATERIALIZED (
            SELECT p.user_id, p.sign, m.metric, m.cell, m.measure, m.value FROM unnest(taken) AS p, LATERAL ({measures}) AS m
        ), people AS (
            INSERT INTO domicile.contributors AS c (metric, cell, user_id, events, share)
                SELECT metric, cell, user_id, coalesce(sum(sign) FILTER (WHERE measure = 'count'), 0),
                       sum(sign * value * hashtextextended(measure, 0))
                FROM counted GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
                ON CONFLICT (metric, cell, user_id) DO UPDATE SET events = c.events + excluded.events, share = c.share + excluded.share
        ), sums AS (
            INSERT INTO domicile.measures AS m (metric, cell, measure, value)
                SELECT metric, cell, measure, sum(sign * value) FROM counted GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
                ON CONFLICT (metric, cell, measure) DO UPDATE SET value = m.value + excluded.value
        )
        INSERT INTO domicile.cells AS c (metric, cell, touched_at, dirty)
            SELECT metric, cell, clock_timestamp(), true FROM counted GROUP BY 1, 2 ORDER BY 1, 2
            ON CONFLICT (metric, cell) DO UPDATE SET touched_at = excluded.touched_at, dirty = true;
        INSERT INTO domicile.documents (number, at, table_name, op, user_id, body)
            SELECT state.documents + row_number() OVER (ORDER BY p.id), p.at, p.table_name, p.op, p.user_id, {document_body}
            FROM unnest(taken) AS p WHERE p.audited;
        GET DIAGNOSTICS audited = ROW_COUNT;
    END IF;

    -- What has rested long enough leaves, if enough people made it, and enough people changed it since it last left: neither
    -- a figure nor the difference of two tells of fewer. What has shrunk below that is withdrawn; what it said is remembered
    -- here as abroad, so that it comes back only when enough people have changed it.
    WITH judged AS MATERIALIZED (
        SELECT c.metric, c.cell, c.released, p.people >= d.persons_min AND p.fresh >= d.persons_min AS leaves,
               p.people < d.persons_min AS small
        FROM domicile.cells AS c JOIN domicile.metrics AS d ON d.name = c.metric,
             LATERAL (SELECT count(*) FILTER (WHERE n.events <> 0) AS people, count(*) FILTER (WHERE n.share <> n.share_left) AS fresh
                      FROM domicile.contributors AS n WHERE n.metric = c.metric AND n.cell = c.cell) AS p
        WHERE c.dirty AND c.touched_at <= clock_timestamp() - d.rest
        ORDER BY c.touched_at LIMIT 2000
    ), marked AS (
        UPDATE domicile.cells AS c SET dirty = false, released = CASE WHEN j.leaves THEN true WHEN j.small THEN false ELSE c.released END
            FROM judged AS j WHERE c.metric = j.metric AND c.cell = j.cell
    ), known AS (
        UPDATE domicile.contributors AS n SET share_left = n.share
            FROM judged AS j WHERE n.metric = j.metric AND n.cell = j.cell AND j.leaves AND n.share_left <> n.share
    ), moved AS (
        UPDATE domicile.measures AS m SET released = t.target
            FROM (SELECT o.metric, o.cell, o.measure, o.released AS before, CASE WHEN j.leaves THEN o.value ELSE 0 END AS target
                  FROM judged AS j JOIN domicile.measures AS o ON o.metric = j.metric AND o.cell = j.cell
                  WHERE j.leaves OR j.small) AS t
            WHERE m.metric = t.metric AND m.cell = t.cell AND m.measure = t.measure AND t.target <> t.before
            RETURNING m.metric, m.cell, m.measure, t.target - t.before AS change
    )
    SELECT jsonb_agg(jsonb_build_array(g.metric, g.cell, g.change) ORDER BY g.metric, g.cell) INTO changes
        FROM (SELECT metric, cell, jsonb_object_agg(measure, change::text) AS change FROM moved GROUP BY 1, 2) AS g;

    IF changes IS NOT NULL THEN
        batch := state.made + 1;
        INSERT INTO domicile.batches (n, figures) VALUES (batch, changes);
    END IF;
    IF events > 0 OR batch > 0 THEN
        UPDATE domicile.batch_state AS s SET made = greatest(s.made, batch), events = s.events + make_batch.events,
                                             documents = s.documents + audited;
    END IF;
    RETURN NEXT;
END $domicile$;
REVOKE ALL ON FUNCTION domicile.make_batch(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION domicile.make_batch(integer) TO {worker};

-- Central has applied everything up to `through`. Batches stay for a while, so that the books can be compared.
CREATE OR REPLACE FUNCTION domicile.confirm_batches(through bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $domicile$
BEGIN
    UPDATE domicile.batch_state SET confirmed = least(made, through) WHERE confirmed < through;
    DELETE FROM domicile.batches WHERE n <= through AND made_at < now() - interval '10 minutes';
    DELETE FROM domicile.measures AS m WHERE m.value = 0 AND m.released = 0 AND EXISTS (
        SELECT FROM domicile.cells AS c WHERE c.metric = m.metric AND c.cell = m.cell AND NOT c.dirty);
END $domicile$;
REVOKE ALL ON FUNCTION domicile.confirm_batches(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION domicile.confirm_batches(bigint) TO {worker};
GRANT USAGE ON SCHEMA domicile TO {worker};
GRANT SELECT, UPDATE (body, stored_at, sha256, bytes, salt, erased) ON domicile.documents TO {worker};
GRANT SELECT, INSERT, UPDATE (made_at) ON domicile.person_keys TO {worker};  -- the last: to lock a row
GRANT SELECT, INSERT, UPDATE (acknowledged_at, receipt) ON domicile.dispatches TO {worker};
GRANT SELECT ON domicile.shard, domicile.outbox, domicile.batches, domicile.batch_state, domicile.metrics, domicile.cells,
    domicile.measures TO {worker};
)sql";

/// Columns of a table that its statistics look at.
std::set<std::string> counted_columns(const topology::Topology& topology, const std::string& table) {
    std::set<std::string> columns;
    for (const auto& statistic : topology.statistics) {
        if (statistic.table == table) {
            columns.insert(statistic.by.begin(), statistic.by.end());
            columns.insert(statistic.sums.begin(), statistic.sums.end());
            for (const auto* one : {&statistic.time, &statistic.histogram}) {
                if (!one->empty()) {
                    columns.insert(*one);
                }
            }
        }
    }
    return columns;
}

std::string body_of(const std::set<std::string>& columns) {
    std::string text = "pg_catalog.jsonb_build_object(";
    const char* separator = "";
    for (const auto& column : columns) {
        text += separator + sql_literal(column) + ", r." + sql_identifier(column);
        separator = ", ";
    }
    return text + ")";
}

struct Told {
    bool counted = false;
    bool audited = false;
};

std::string trigger(const topology::Table& table, const std::set<std::string>& columns, RowEvent event,
                    const Told& told) {
    struct Words {
        const char* event;
        const char* suffix;
        const char* transitions;
        char op;
    };
    const Words words = event == RowEvent::inserted ? Words{"INSERT", "insert", "NEW TABLE AS new_rows", 'I'}
                        : event == RowEvent::updated
                            ? Words{"UPDATE", "update", "OLD TABLE AS old_rows NEW TABLE AS new_rows", 'U'}
                            : Words{"DELETE", "delete", "OLD TABLE AS old_rows", 'D'};
    const std::string name = std::string("domicile_tell_") + words.suffix;
    if (!told.counted && !told.audited) {
        return fill(drop_sql, {{"trigger", name}, {"table", sql_identifier(table.name)}});
    }
    const std::string key = "r." + sql_identifier(table.key);
    const std::string body = told.audited ? "pg_catalog.to_jsonb(r)" : body_of(columns);
    const auto rows_of = [&](const std::string& rows, int sign, bool audited) {
        return fill(insert_sql, {{"table_literal", sql_literal(table.name)},
                                 {"op", std::string(1, words.op)},
                                 {"sign", std::to_string(sign)},
                                 {"audited", audited ? "true" : "false"},
                                 {"key", key},
                                 {"body", body},
                                 {"rows", rows}});
    };
    std::string inserts;
    if (event == RowEvent::updated) {
        // Only rows in which something changed that is told of.
        const auto changed = [&](const char* these, const char* those, int sign, bool audited) {
            const std::string one = key + " AS k, " + body + " AS b FROM ";
            return fill(insert_sql, {{"table_literal", sql_literal(table.name)},
                                     {"op", "U"},
                                     {"sign", std::to_string(sign)},
                                     {"audited", audited ? "true" : "false"},
                                     {"key", "c.k"},
                                     {"body", "c.b"},
                                     {"rows", "(SELECT " + one + these + " AS r EXCEPT ALL SELECT " + one +
                                                  those + " AS r) AS c"}});
        };
        inserts = (told.counted ? changed("old_rows", "new_rows", -1, false) : std::string()) +
                  changed("new_rows", "old_rows", 1, told.audited);
    } else {
        const bool inserted = event == RowEvent::inserted;
        inserts = rows_of(inserted ? "new_rows AS r" : "old_rows AS r", inserted ? 1 : -1, told.audited);
    }
    return fill(trigger_sql, {{"inserts", inserts},
                              {"function", sql_identifier("tell_" + table.name + "_" + words.suffix)},
                              {"trigger", name},
                              {"event", words.event},
                              {"transitions", words.transitions},
                              {"table", sql_identifier(table.name)}});
}

std::string texts(const std::vector<std::string>& all) {
    std::string text;
    for (const auto& one : all) {
        text += (text.empty() ? "" : ",") + one;
    }
    return text;
}

/// What a figure means, in one line: if it changes, it is another figure.
std::string definition(const Statistic& statistic) {
    std::string text =
        "table=" + statistic.table + " by=" + texts(statistic.by) + " sums=" + texts(statistic.sums);
    if (!statistic.time.empty()) {
        text += " time=" + statistic.time + "/" + std::string(name(statistic.bucket));
    }
    if (!statistic.histogram.empty()) {
        text += " histogram=" + statistic.histogram + ":";
        for (const auto bound : statistic.bounds) {
            text += " " + std::to_string(bound);
        }
    }
    return text;
}

/// What an audited event's document says, read in the transaction that numbers it: the row as it was told,
/// and what its layout wants beside it as it is now. From then on it is fixed.
std::string document_body(const topology::Topology& topology) {
    // Values as PostgreSQL writes them: a decimal must not pass through somebody's double.
    const std::string row_as_texts =
        "'row', (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each_text(p.body) AS e)";
    std::string cases;
    for (const auto& layout : topology.documents) {
        const auto table = std::ranges::find(topology.tables, layout.table, &topology::Table::name);
        std::string parts = row_as_texts;
        const auto& people = topology.person_table();
        if (!layout.person.empty()) {
            std::string columns;
            for (const auto& column : layout.person) {
                columns += (columns.empty() ? "u." : ", u.") + sql_identifier(column) + "::text";
            }
            parts += ", 'person', (SELECT to_jsonb(x) FROM (SELECT " + columns + " FROM public." +
                     sql_identifier(people.name) + " AS u WHERE u." + sql_identifier(people.key) +
                     " = p.user_id) AS x)";
        }
        if (!layout.lines.empty() && table != topology.tables.end()) {
            const auto lines = std::ranges::find(topology.tables, layout.lines, &topology::Table::name);
            std::string columns;
            for (const auto& column : layout.columns) {
                columns += (columns.empty() ? "l." : ", l.") + sql_identifier(column) + "::text";
            }
            std::string condition = "l." + sql_identifier(lines->key) + " = p.user_id";
            for (const auto& column : layout.by) {
                condition += " AND l." + sql_identifier(column) + " = (jsonb_populate_record(NULL::public." +
                             sql_identifier(layout.table) + ", p.body))." + sql_identifier(column);
            }
            parts += ", 'lines', (SELECT jsonb_agg(jsonb_build_array(" + columns +
                     ") ORDER BY l.ctid) FROM public." + sql_identifier(layout.lines) + " AS l WHERE " +
                     condition + ")";
        }
        cases += " WHEN " + sql_literal(layout.table) + " THEN jsonb_build_object(" + parts + ")";
    }
    const std::string plain = "jsonb_build_object(" + row_as_texts + ")";
    return cases.empty() ? plain : "CASE p.table_name" + cases + " ELSE " + plain + " END";
}

/// One event's measures for one figure, as rows (metric, cell, measure, value).
std::string measures(const Statistic& statistic) {
    const auto number = [](const std::string& column) {
        return "(p.body ->> " + sql_literal(column) + ")::numeric";
    };
    // A value of a dimension is short: longer ones are free text, which has no place in a figure.
    std::string cell;
    for (const auto& column : statistic.by) {
        cell += (cell.empty() ? "" : ", ") + ("left(p.body ->> " + sql_literal(column) + ", 64)");
    }
    if (!statistic.time.empty()) {
        const char* form = statistic.bucket == topology::Bucket::day     ? "YYYY-MM-DD"
                           : statistic.bucket == topology::Bucket::month ? "YYYY-MM"
                                                                         : "YYYY";
        cell += (cell.empty() ? "" : ", ") +
                ("to_char((p.body ->> " + sql_literal(statistic.time) + ")::timestamptz, '" + form + "')");
    }
    if (!statistic.histogram.empty()) {
        std::string place = "CASE";
        for (const auto bound : statistic.bounds) {
            place += " WHEN " + number(statistic.histogram) + " <= " + std::to_string(bound) +
                     " THEN '<=" + std::to_string(bound) + "'";
        }
        place += " WHEN p.body ->> " + sql_literal(statistic.histogram) + " IS NOT NULL THEN '>" +
                 std::to_string(statistic.bounds.back()) + "' END";
        cell += (cell.empty() ? "" : ", ") + place;
    }
    std::string values = "('count', 1::numeric)";
    for (const auto& column : statistic.sums) {
        values += ", (" + sql_literal("sum." + column) + ", " + number(column) + ")";
    }
    return "SELECT " + sql_literal(statistic.name) + "::text AS metric, jsonb_build_array(" + cell +
           ") AS cell, v.measure, v.value FROM (VALUES " + values +
           ") AS v (measure, value) WHERE p.table_name = " + sql_literal(statistic.table) +
           " AND (p.metric IS NULL OR p.metric = " + sql_literal(statistic.name) +
           ") AND v.value IS NOT NULL";
}

}  // namespace

std::string outbox_sql(const topology::Topology& topology, base::ShardIndex shard,
                       const std::string& worker) {
    std::string text;
    std::string all_measures;
    for (const auto& table : topology.tables) {
        if (table.kind != topology::TableKind::sharded) {
            continue;
        }
        const auto columns = counted_columns(topology, table.name);
        const bool counted = std::ranges::any_of(
            topology.statistics, [&](const Statistic& statistic) { return statistic.table == table.name; });
        for (const auto event : {RowEvent::inserted, RowEvent::updated, RowEvent::deleted}) {
            const bool audited = std::ranges::find(table.audited, event) != table.audited.end();
            text += trigger(table, columns, event, {counted, audited});
        }
        text +=
            counted || !table.audited.empty()
                ? fill(truncate_sql, {{"table", sql_identifier(table.name)}})
                : fill(drop_sql, {{"trigger", "domicile_truncate"}, {"table", sql_identifier(table.name)}});
        for (const auto& statistic : topology.statistics) {
            if (statistic.table != table.name) {
                continue;
            }
            text += fill(metric_sql, {{"name", sql_literal(statistic.name)},
                                      {"plain", statistic.name},
                                      {"meaning", definition(statistic)},
                                      {"definition", sql_literal(definition(statistic))},
                                      {"persons_min", std::to_string(statistic.persons_min)},
                                      {"rest", "interval '" + std::to_string(statistic.rest_s) + " seconds'"},
                                      {"table_literal", sql_literal(table.name)},
                                      {"key", "r." + sql_identifier(table.key)},
                                      {"body", body_of(columns)},
                                      {"table", sql_identifier(table.name)}});
            all_measures += (all_measures.empty() ? "" : " UNION ALL ") + measures(statistic);
        }
    }
    if (all_measures.empty()) {
        all_measures =
            "SELECT NULL::text AS metric, NULL::jsonb AS cell, NULL::text AS measure, NULL::numeric AS value "
            "WHERE false";
    }
    std::ignore = shard;
    return text +
           fill(batch_sql,
                {{"measures", all_measures}, {"document_body", document_body(topology)}, {"worker", worker}});
}

}  // namespace domicile::events

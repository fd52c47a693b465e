#include "guard/table_guard.hpp"

#include "sql/quote.hpp"

namespace domicile::guard {
namespace {

using sql::sql_identifier;
using sql::sql_literal;

// The comment repeats the condition as we wrote it: PostgreSQL prints a constraint in its own words, which
// compare badly.
constexpr std::string_view table_sql = R"sql(
DO $domicile$
DECLARE
    relation constant regclass := pg_catalog.to_regclass({table_literal});
    wanted constant text := {condition_literal};
    key_number smallint;
    key_type oid;
    present text;
    target integer;
BEGIN
    IF relation IS NULL THEN
        IF {required} THEN
            RAISE EXCEPTION 'no migration creates table {table_plain}, which the topology declares';
        END IF;
        RETURN;
    END IF;
    IF (SELECT relkind NOT IN ('r', 'p') FROM pg_catalog.pg_class WHERE oid = relation) THEN
        RAISE EXCEPTION '{table_plain} must be a table: the topology gives its rows to users' USING ERRCODE = '42P16';
    END IF;
    SELECT a.attnum, a.atttypid INTO key_number, key_type FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = relation AND a.attname = {key_literal} AND NOT a.attisdropped;
    IF key_number IS NULL OR key_type NOT IN ('int8'::regtype, 'int4'::regtype) THEN
        RAISE EXCEPTION 'table {table_plain} needs a column {key_plain} of type bigint or integer, its key'
            USING ERRCODE = '42P16';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i
                   WHERE i.indrelid = relation AND i.indisprimary AND key_number = ANY (i.indkey::smallint[])) THEN
        RAISE EXCEPTION 'the primary key of table {table_plain} must contain its key column {key_plain}'
            USING ERRCODE = '42P16';
    END IF;
{personal}    SELECT pg_catalog.obj_description(c.oid, 'pg_constraint') INTO present FROM pg_catalog.pg_constraint AS c
        WHERE c.conrelid = relation AND c.conname = '{constraint}' AND c.contype = 'c' AND c.convalidated;
    IF present IS DISTINCT FROM wanted THEN
        ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {constraint};
        BEGIN
            ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({condition});
        EXCEPTION WHEN check_violation THEN
            RAISE EXCEPTION 'table {table_plain} holds rows outside the ranges of this shard: move them first';
        END;
        COMMENT ON CONSTRAINT {constraint} ON {table} IS {condition_literal};
    END IF;
{restriction}END $domicile$;
)sql";

// A rule that cannot be carried out is no rule. And PostgreSQL's statistics keep sample values of a column,
// out of reach of an erasure.
constexpr std::string_view personal_sql =
    R"sql(    SELECT attstattarget INTO target FROM pg_catalog.pg_attribute
        WHERE attrelid = relation AND attname = {column_literal} AND NOT attisdropped AND NOT ({nulls} AND attnotnull);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'table {table_plain} needs the column {column_plain}{nullable}: the topology says how it is erased'
            USING ERRCODE = '42P16';
    END IF;
    IF target <> 0 THEN
        ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0;
    END IF;
)sql";

// Policies cost nothing as long as nobody of the shard is restricted: row-level security is off until then.
constexpr std::string_view restriction_block =
    R"sql(    IF NOT EXISTS (SELECT FROM pg_catalog.pg_policy WHERE polrelid = relation AND polname = 'domicile_restricted') THEN
        CREATE POLICY domicile_restricted ON {table} AS RESTRICTIVE
            USING ({key} NOT IN (SELECT r.user_id FROM domicile.restrictions AS r)) WITH CHECK (true);
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_policy WHERE polrelid = relation AND polpermissive AND polname <> 'domicile_everybody') THEN
        DROP POLICY IF EXISTS domicile_everybody ON {table};  -- the application has policies of its own
    ELSIF NOT EXISTS (SELECT FROM pg_catalog.pg_policy WHERE polrelid = relation AND polname = 'domicile_everybody')
        AND NOT (SELECT relrowsecurity FROM pg_catalog.pg_class WHERE oid = relation) THEN
        CREATE POLICY domicile_everybody ON {table} USING (true) WITH CHECK (true);
    END IF;
    IF EXISTS (SELECT FROM domicile.restrictions) THEN
        IF NOT (SELECT relrowsecurity AND relforcerowsecurity FROM pg_catalog.pg_class WHERE oid = relation) THEN
            ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
            ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        END IF;
    ELSIF EXISTS (SELECT FROM pg_catalog.pg_policy WHERE polrelid = relation AND polname = 'domicile_everybody')
        AND (SELECT relrowsecurity FROM pg_catalog.pg_class WHERE oid = relation) THEN
        ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
    END IF;
)sql";

constexpr std::string_view restriction_only = R"sql(
DO $domicile$
DECLARE
    relation constant regclass := pg_catalog.to_regclass({table_literal});
BEGIN
    IF relation IS NULL THEN
        RETURN;
    END IF;
{restriction}END $domicile$;
)sql";

std::string restriction_of(const topology::Table& table) {
    return fill(restriction_block,
                {{"table", "public." + sql_identifier(table.name)}, {"key", sql_identifier(table.key)}});
}

}  // namespace

// Whoever holds a person's key holds the person: an erasure that does not know of it would be half.
constexpr std::string_view coverage_sql = R"sql(
DO $domicile$
DECLARE
    keys constant jsonb := {keys};
    personal constant jsonb := {personal};
    stray record;
BEGIN
    FOR stray IN
        SELECT c.relname AS child, p.relname AS parent, a.attname AS key_column
        FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
            JOIN pg_catalog.pg_class AS p ON p.oid = k.confrelid,
            unnest(k.conkey, k.confkey) AS u (child_column, parent_column)
            JOIN pg_catalog.pg_attribute AS q ON q.attnum = u.parent_column
            JOIN pg_catalog.pg_attribute AS a ON a.attnum = u.child_column
        WHERE k.contype = 'f' AND k.conparentid = 0 AND p.relnamespace = 'public'::pg_catalog.regnamespace AND q.attrelid = p.oid
            AND a.attrelid = c.oid AND q.attname = keys ->> p.relname::text AND a.attname IS DISTINCT FROM keys ->> c.relname::text
            AND NOT coalesce(personal -> c.relname::text ? a.attname::text, false) LOOP
        IF keys ? stray.child::text THEN
            RAISE EXCEPTION 'column % of table % holds a user id of % without a class and an erasure rule', stray.key_column,
                stray.child, stray.parent USING ERRCODE = '42P16',
                HINT = 'Declare it in the topology: personal.COLUMN.class and personal.COLUMN.erase.';
        END IF;
        RAISE EXCEPTION 'table % points at people of % and is declared nowhere', stray.child, stray.parent
            USING ERRCODE = '42P16', HINT = 'Declare it in the topology with key, purpose, retention and erasure rules.';
    END LOOP;
    FOR stray IN SELECT c.relname AS child FROM pg_catalog.pg_class AS c WHERE c.relkind = 'm'
        AND c.relnamespace = 'public'::pg_catalog.regnamespace LIMIT 1 LOOP
        RAISE EXCEPTION 'materialized view % would keep values that an erasure does not reach', stray.child
            USING ERRCODE = '42P16', HINT = 'Use a view.';
    END LOOP;
END $domicile$;
)sql";

std::string coverage_guard(const topology::Topology& topology) {
    if (!topology.privacy.strict) {
        return {};
    }
    std::string keys = "pg_catalog.jsonb_build_object(";
    std::string personal = keys;
    for (const auto& table : topology.tables) {
        if (table.kind != topology::TableKind::sharded) {
            continue;
        }
        const char* comma = keys.ends_with('(') ? "" : ", ";
        keys += comma + sql_literal(table.name) + ", " + sql_literal(table.key);
        std::string columns = "'[";
        for (const auto& column : table.personal) {
            columns += (columns.size() == 2 ? "\"" : ", \"") + column.name + "\"";
        }
        personal += comma + sql_literal(table.name) + ", " + columns + "]'::jsonb";
    }
    return fill(coverage_sql, {{"keys", keys + ")"}, {"personal", personal + ")"}});
}

std::string restriction_guard(const topology::Table& table) {
    return fill(restriction_only, {{"restriction", restriction_of(table)},
                                   {"table_literal", sql_literal("public." + sql_identifier(table.name))}});
}

std::string fill(std::string_view pattern,
                 std::initializer_list<std::pair<std::string_view, std::string>> values) {
    std::string text(pattern);
    for (const auto& [name, value] : values) {
        const auto mark = "{" + std::string(name) + "}";
        for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + value.size())) {
            text.replace(at, mark.size(), value);
        }
    }
    return text;
}

std::string range_condition(std::string_view key, std::span<const topology::KeyRange> ranges) {
    const auto column = sql_identifier(key);
    std::string text;
    for (const auto& range : ranges) {
        text += (text.empty() ? "(" : " OR (") + column + " >= " + std::to_string(range.from) + " AND " +
                column + " < " + std::to_string(range.to) + ")";
    }
    return text.empty() ? "false" : text;
}

std::string table_guard(const topology::Table& table, const topology::Shard& shard, bool required) {
    std::string personal;
    for (const auto& column : table.personal) {
        const bool nulls = column.erasure == topology::Erasure::set_null;
        personal += fill(personal_sql, {{"column_literal", sql_literal(column.name)},
                                        {"column_plain", column.name},
                                        {"column", sql_identifier(column.name)},
                                        {"nulls", nulls ? "true" : "false"},
                                        {"nullable", nulls ? ", which may be null" : ""}});
    }
    const auto condition = range_condition(table.key, shard.ranges);
    return fill(table_sql, {{"personal", personal},
                            {"restriction", restriction_of(table)},
                            {"required", required ? "true" : "false"},
                            {"table_literal", sql_literal("public." + sql_identifier(table.name))},
                            {"table_plain", table.name},
                            {"table", "public." + sql_identifier(table.name)},
                            {"key_literal", sql_literal(table.key)},
                            {"key_plain", table.key},
                            {"constraint", std::string(range_constraint)},
                            {"condition_literal", sql_literal(condition)},
                            {"condition", condition}});
}

}  // namespace domicile::guard

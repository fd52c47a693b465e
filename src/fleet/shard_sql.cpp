#include "fleet/shard_sql.hpp"

#include "events/outbox_sql.hpp"
#include "fleet/requests_sql.hpp"
#include "fleet/secrets.hpp"
#include "fleet/text.hpp"
#include "guard/table_guard.hpp"
#include "vault/rotation.hpp"

#include <algorithm>

namespace domicile::fleet {
namespace {

using guard::fill;

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const auto& part : parts) {
        text += (text.empty() ? "" : ", ") + part;
    }
    return text;
}

std::string text_array(const std::vector<std::string>& values) {
    std::vector<std::string> literals;
    for (const auto& value : values) {
        literals.push_back(sql_literal(value));
    }
    return "ARRAY[" + joined(literals) + "]::text[]";
}

/// Options of a new role beside LOGIN. NOINHERIT: a role granted by mistake does not act by itself.
std::string_view role_options(std::string_view role) {
    if (role == roles::superuser) {
        return "SUPERUSER";
    }
    if (role == roles::replication) {
        return "NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT REPLICATION";
    }
    if (role == roles::monitor) {
        return "NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT NOREPLICATION";
    }
    if (role == roles::officer) {
        return "NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT NOREPLICATION BYPASSRLS";
    }
    return "NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION";
}

bool on_shard(const topology::Table& table, base::ShardIndex shard) {
    return table.kind != topology::TableKind::single || table.shard == shard;
}

constexpr std::string_view identity_sql = R"sql(
DO $domicile$
DECLARE
    found text;
BEGIN
    INSERT INTO domicile.shard (name, jurisdiction) VALUES ({shard}, {jurisdiction}) ON CONFLICT DO NOTHING;
    SELECT s.name || ' of ' || s.jurisdiction INTO found FROM domicile.shard AS s;
    IF found <> {shard} || ' of ' || {jurisdiction} THEN
        RAISE EXCEPTION 'this database is shard %, not {plain}', found;
    END IF;
    SELECT s.map_epoch || ' ' || s.ranges INTO found FROM domicile.shard AS s;
    IF split_part(found, ' ', 1)::bigint > {epoch} THEN
        RAISE EXCEPTION 'the range map here has epoch %, the topology''s is older: {epoch}', split_part(found, ' ', 1)
            USING HINT = 'Take the newer topology file.';
    ELSIF split_part(found, ' ', 1)::bigint = {epoch} AND split_part(found, ' ', 2) <> {ranges} THEN
        RAISE EXCEPTION 'ranges have changed, map_epoch in the topology has not: {epoch}'
            USING HINT = 'Raise it at each change of ranges.';
    END IF;
    UPDATE domicile.shard SET ranges = {ranges}, map_epoch = {epoch} WHERE ranges <> {ranges} OR map_epoch <> {epoch};
END $domicile$;
)sql";

// A new sequence starts behind the people who are there already. One whose range has shrunk below its
// position is set to the end: used up, never outside.
constexpr std::string_view sequence_sql = R"sql(
DO $domicile$
DECLARE
    highest bigint;
    settings record;
BEGIN
    IF pg_catalog.to_regclass({sequence_literal}) IS NULL THEN
        CREATE SEQUENCE {sequence} AS bigint MINVALUE {first} MAXVALUE {last} START WITH {first} NO CYCLE;
        SELECT max({key}) INTO highest FROM {table} WHERE {condition};
        IF highest IS NOT NULL THEN
            PERFORM pg_catalog.setval({sequence_literal}, highest, true);
        END IF;
    ELSE
        SELECT seqmin, seqmax INTO settings FROM pg_catalog.pg_sequence WHERE seqrelid = {sequence_literal}::regclass;
        IF settings.seqmin <> {first} OR settings.seqmax <> {last} THEN
            IF (SELECT last_value FROM {sequence}) > {last} THEN
                ALTER SEQUENCE {sequence} MINVALUE {first} MAXVALUE {last} START WITH {first} RESTART WITH {last};
                PERFORM pg_catalog.setval({sequence_literal}, {last}, true);
            ELSE
                ALTER SEQUENCE {sequence} MINVALUE {first} MAXVALUE {last} START WITH {first};
            END IF;
        END IF;
    END IF;
END $domicile$;
GRANT USAGE ON SEQUENCE {sequence} TO {gateway};
GRANT SELECT ON SEQUENCE {sequence} TO {monitor};
)sql";

constexpr std::string_view old_sequences_sql = R"sql(
DO $domicile$
DECLARE
    old text;
BEGIN
    FOR old IN SELECT c.relname FROM pg_catalog.pg_class AS c
               WHERE c.relnamespace = 'domicile'::regnamespace AND c.relkind = 'S' AND c.relname LIKE 'user\_id\_%'
                 AND NOT c.relname::text = ANY ({names}) LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON SEQUENCE domicile.%I FROM {gateway}', old);
    END LOOP;
END $domicile$;
)sql";

// The monitor may know how many rows there are, never which: counting runs with the owner's rights.
constexpr std::string_view row_counts_sql = R"sql(
CREATE OR REPLACE FUNCTION domicile.row_counts() RETURNS TABLE (table_name text, row_count bigint, estimated boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $domicile$
BEGIN
    FOREACH table_name IN ARRAY {tables} LOOP
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %I LIMIT 1000001) AS counted', table_name) INTO row_count;
        estimated := row_count > 1000000;
        IF estimated THEN
            SELECT greatest(reltuples::bigint, 1000000) INTO row_count FROM pg_class
                WHERE oid = format('%I', table_name)::regclass;
        END IF;
        RETURN NEXT;
    END LOOP;
END $domicile$;
REVOKE ALL ON FUNCTION domicile.row_counts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION domicile.row_counts() TO {monitor};
)sql";

// Tables made through the SQL door later. It serves only those that the topology names, or says where they
// live.
constexpr std::string_view later_tables_sql = R"sql(
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {gateway};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT INSERT ON TABLES TO {copier};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE ON SEQUENCES TO {gateway}, {copier};
)sql";

// Tables that the topology does not name.
constexpr std::string_view other_tables_sql = R"sql(
DO $domicile$
DECLARE
    other regclass;
BEGIN
    FOR other IN SELECT oid FROM pg_catalog.pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind IN ('r', 'p', 'v', 'm') AND relname <> ALL ({named}) LOOP
        EXECUTE pg_catalog.format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO {gateway}', other);
    END LOOP;
    FOR other IN SELECT oid FROM pg_catalog.pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind = 'S' LOOP
        EXECUTE pg_catalog.format('GRANT USAGE ON SEQUENCE %s TO {gateway}', other);
    END LOOP;
END $domicile$;
)sql";

}  // namespace

std::string sequence_name(const topology::KeyRange& range) {
    return "user_id_" + std::to_string(range.from);
}

std::string roles_sql(std::span<const RoleVerifier> verifiers) {
    std::vector<std::string> rows;
    for (const auto& [role, user, verifier] : verifiers) {
        rows.push_back("(" + sql_literal(user) + ", " + sql_literal(role) + ", " +
                       sql_literal(role_options(role)) + ", nullif(" + sql_literal(verifier) + ", ''))");
    }
    // Whichever login serves, statements run as the role, and what they make belongs to it.
    return fill(R"sql(
DO $domicile$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN SELECT * FROM (VALUES {rows}) AS v (name, role, options, verifier) LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted.name) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I LOGIN %s PASSWORD %L', wanted.name, wanted.options, wanted.verifier);
            IF wanted.name <> wanted.role THEN
                EXECUTE pg_catalog.format('GRANT %I TO %I', wanted.role, wanted.name);
                EXECUTE pg_catalog.format('ALTER ROLE %I SET role = %L', wanted.name, wanted.role);
            END IF;
        ELSIF wanted.verifier IS NOT NULL AND
            (SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = wanted.name) IS DISTINCT FROM wanted.verifier THEN
            EXECUTE pg_catalog.format('ALTER ROLE %I PASSWORD %L', wanted.name, wanted.verifier);
        END IF;
    END LOOP;
END $domicile$;
GRANT pg_monitor TO {monitor};
GRANT {owner} TO {officer};
DO $domicile$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{copier}') THEN
        CREATE ROLE {copier} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION BYPASSRLS;
    END IF;
END $domicile$;
GRANT {copier} TO {gateway}, {owner};
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
)sql",
                {{"rows", joined(rows)},
                 {"monitor", std::string(roles::monitor)},
                 {"owner", std::string(roles::owner)},
                 {"gateway", std::string(roles::gateway)},
                 {"officer", std::string(roles::officer)},
                 {"copier", std::string(roles::copier)}});
}

std::string database_sql(std::string_view database, bool central) {
    const std::string text = central
                                 ? fill("GRANT CONNECT ON DATABASE {database} TO {figures}, {figures_b};\n",
                                        {{"database", sql_identifier(database)},
                                         {"figures", std::string(roles::figures)},
                                         {"figures_b", vault::other_user(roles::figures, roles::figures)}})
                                 : std::string();
    return fill(R"sql(
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {gateway}, {monitor}, {worker}, {gateway_b}, {monitor_b}, {worker_b}, {owner_b},
    {officer}, {officer_b};
GRANT TEMPORARY ON DATABASE {database} TO {gateway};
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO {owner};
GRANT USAGE ON SCHEMA public TO {gateway}, {copier};
)sql",
                {{"owner", std::string(roles::owner)},
                 {"officer", std::string(roles::officer)},
                 {"officer_b", vault::other_user(roles::officer, roles::officer)},
                 {"copier", std::string(roles::copier)},
                 {"database", sql_identifier(database)},
                 {"gateway", std::string(roles::gateway)},
                 {"monitor", std::string(roles::monitor)},
                 {"gateway_b", vault::other_user(roles::gateway, roles::gateway)},
                 {"monitor_b", vault::other_user(roles::monitor, roles::monitor)},
                 {"worker", std::string(roles::worker)},
                 {"worker_b", vault::other_user(roles::worker, roles::worker)},
                 {"owner_b", vault::other_user(roles::owner, roles::owner)}}) +
           text;
}

std::string central_sql(const topology::Topology& topology) {
    return fill(R"sql(
INSERT INTO domicile.central (name) VALUES ({name}) ON CONFLICT DO NOTHING;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA domicile FROM PUBLIC;
GRANT USAGE ON SCHEMA domicile TO {worker}, {figures};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA domicile TO {worker};
GRANT SELECT, UPDATE, DELETE ON domicile.queue TO {worker};
GRANT SELECT ON domicile.figures, domicile.watermarks TO {worker}, {figures};
GRANT EXECUTE ON FUNCTION domicile.queue_send(text, text, text, text) TO {figures};
)sql",
                {{"name", sql_literal(topology.name)},
                 {"worker", std::string(roles::worker)},
                 {"figures", std::string(roles::figures)}});
}

std::string shard_sql(const topology::Topology& topology, base::ShardIndex index) {
    const auto& shard = topology.at(index);
    const auto& people = topology.person_table();
    const std::string gateway(roles::gateway);
    const std::string monitor(roles::monitor);
    std::string text =
        fill(identity_sql, {{"shard", sql_literal(shard.name)},
                            {"ranges", sql_literal(topology::ranges_text(shard.ranges))},
                            {"epoch", std::to_string(topology.map_epoch)},
                            {"jurisdiction", sql_literal(topology.at(shard.jurisdiction).name)},
                            {"plain", shard.name + " of " + topology.at(shard.jurisdiction).name}});
    std::vector<std::string> tables;
    std::vector<std::string> granted;
    for (const auto& table : topology.tables) {
        if (!on_shard(table, index)) {
            continue;
        }
        tables.push_back(table.name);
        granted.push_back(sql_identifier(table.name));
        if (table.kind == topology::TableKind::sharded) {
            text += guard::table_guard(table, shard, true);
        }
    }
    text += guard::coverage_guard(topology);
    std::vector<std::string> sequences;
    for (const auto& range : shard.ranges) {
        sequences.push_back(sequence_name(range));
        const auto sequence = "domicile." + sql_identifier(sequences.back());
        text += fill(sequence_sql, {{"sequence_literal", sql_literal(sequence)},
                                    {"sequence", sequence},
                                    {"first", std::to_string(range.from)},
                                    {"last", std::to_string(range.to - 1)},
                                    {"key", sql_identifier(people.key)},
                                    {"table", sql_identifier(people.name)},
                                    {"condition", guard::range_condition(people.key, {&range, 1})},
                                    {"gateway", gateway},
                                    {"monitor", monitor}});
    }
    text += fill(old_sequences_sql, {{"names", text_array(sequences)}, {"gateway", gateway}});
    text += fill(row_counts_sql, {{"tables", text_array(tables)}, {"monitor", monitor}});
    text += fill(
        later_tables_sql,
        {{"owner", std::string(roles::owner)}, {"gateway", gateway}, {"copier", std::string(roles::copier)}});
    text += "GRANT USAGE ON SCHEMA domicile TO " + gateway + ", " + monitor + ";\n";
    text += "GRANT SELECT ON domicile.shard TO " + gateway + ", " + monitor + ";\n";
    text += "GRANT SELECT, INSERT, UPDATE, DELETE ON domicile.idempotency TO " + gateway + ";\n";
    text += "GRANT SELECT, INSERT, DELETE ON domicile.decisions TO " + gateway + ";\n";
    text += requests_sql(topology, index, gateway, std::string(roles::worker));
    text += events::outbox_sql(topology, index, std::string(roles::worker));
    if (!granted.empty()) {
        text += "GRANT SELECT, INSERT, UPDATE, DELETE ON " + joined(granted) + " TO " + gateway + ";\n";
        text += "GRANT INSERT ON " + joined(granted) + " TO " + std::string(roles::copier) + ";\n";
    }
    if (topology.other_tables && topology.other_tables->shard == index) {
        std::vector<std::string> named;
        for (const auto& table : topology.tables) {
            named.push_back(table.name);
        }
        text +=
            fill(other_tables_sql,
                 {{"named", text_array(named)}, {"owner", std::string(roles::owner)}, {"gateway", gateway}});
    }
    return text;
}

std::string function_owner_sql(std::string_view role) {
    return fill(R"sql(
DO $domicile$
DECLARE
    own regprocedure;
BEGIN
    FOR own IN SELECT p.oid FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
               WHERE n.nspname = 'domicile' AND p.prosecdef AND p.prorettype <> 'pg_catalog.trigger'::regtype LOOP
        EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO {role}', own);
    END LOOP;
END $domicile$;
)sql",
                {{"role", std::string(role)}});
}

std::string personal_statistics_sql(const topology::Topology& topology, base::ShardIndex index) {
    std::string text;
    for (const auto& table : topology.tables) {
        for (const auto& column : table.personal) {
            if (on_shard(table, index)) {
                text +=
                    "DELETE FROM pg_catalog.pg_statistic AS s USING pg_catalog.pg_attribute AS a WHERE "
                    "a.attrelid = " +
                    sql_literal(sql_identifier(table.name)) +
                    "::regclass AND a.attname = " + sql_literal(column.name) +
                    " AND s.starelid = a.attrelid AND s.staattnum = a.attnum;\n";
            }
        }
    }
    return text;
}

}  // namespace domicile::fleet

#include "fleet/requests_sql.hpp"

#include "fleet/roles.hpp"
#include "guard/table_guard.hpp"
#include "sql/quote.hpp"

namespace domicile::fleet {
namespace {

using sql::sql_identifier;
using sql::sql_literal;

constexpr std::string_view text = R"sql(
CREATE OR REPLACE FUNCTION domicile.request_json(r domicile.requests) RETURNS jsonb LANGUAGE sql STABLE AS $domicile$
    SELECT jsonb_build_object('request', r.id, 'kind', r.kind, 'state', r.state, 'asked_at', r.asked_at, 'done_at', r.done_at,
                              'extended', r.extended, 'answer', r.answer, 'detail', r.detail,
                              'held_until', (SELECT until FROM domicile.holds WHERE user_id = r.user_id AND r.state = 'open'),
                              'recipients', (SELECT jsonb_agg(jsonb_build_object('name', n.institution, 'told_at', n.acknowledged_at,
                                             'documents', n.documents) ORDER BY n.institution)
                                             FROM domicile.notices AS n WHERE n.request = r.id AND n.documents IS DISTINCT FROM 0))
$domicile$;
-- For whoever watches the clocks: what is open, and of nobody in particular.
CREATE OR REPLACE FUNCTION domicile.open_requests() RETURNS TABLE (id bigint, kind text, state text, asked date, extended boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $domicile$
    SELECT id, kind, state, asked_at::date, extended IS NOT NULL FROM domicile.requests WHERE state IN ('open', 'running') ORDER BY id
$domicile$;
REVOKE ALL ON FUNCTION domicile.open_requests() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION domicile.open_requests() TO {monitor};
-- Who has received something of the person may have to hear of what was done about it (Art. 19).
CREATE OR REPLACE FUNCTION domicile.tell_recipients(request bigint, subject bigint) RETURNS void LANGUAGE sql AS $domicile$
    INSERT INTO domicile.notices (request, institution, user_id)
        SELECT request, i, subject FROM unnest({institutions}) AS i ON CONFLICT DO NOTHING
$domicile$;
DROP FUNCTION IF EXISTS domicile.ask(bigint, text, text);
CREATE OR REPLACE FUNCTION domicile.ask(subject bigint, what text, who text, detail jsonb DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $domicile$
DECLARE
    found domicile.requests;
BEGIN
    IF NOT EXISTS (SELECT FROM public.{people} WHERE {key} = subject) AND
       NOT EXISTS (SELECT FROM domicile.requests WHERE user_id = subject) THEN
        RETURN NULL;
    END IF;
    IF what = 'rectification' THEN
        RAISE EXCEPTION 'a rectification says what is right: domicile.rectify' USING ERRCODE = '22023';
    END IF;
    INSERT INTO domicile.requests (user_id, kind, asked_by, detail) VALUES (subject, what, who, detail)
        ON CONFLICT (user_id, kind) WHERE state IN ('open', 'running') DO NOTHING;
    SELECT * INTO found FROM domicile.requests AS r WHERE r.user_id = subject AND r.kind = what ORDER BY id DESC LIMIT 1;
    RETURN domicile.request_json(found);
END $domicile$;
CREATE OR REPLACE FUNCTION domicile.asked(subject bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $domicile$
    SELECT coalesce(jsonb_agg(domicile.request_json(r) ORDER BY r.id), '[]') FROM domicile.requests AS r WHERE r.user_id = subject
$domicile$;
-- The package of one request; or, of none, that of the last quarter of an hour, else a new one is asked for.
CREATE OR REPLACE FUNCTION domicile.package(subject bigint, wanted bigint, who text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $domicile$
DECLARE
    found domicile.requests;
BEGIN
    SELECT * INTO found FROM domicile.requests AS r WHERE r.user_id = subject AND r.kind = 'export'
        AND CASE WHEN wanted IS NOT NULL THEN r.id = wanted
                 ELSE r.state IN ('open', 'running') OR r.done_at > clock_timestamp() - interval '15 minutes' END
        AND (r.state <> 'done' OR EXISTS (SELECT FROM domicile.packages AS p WHERE p.request = r.id)) ORDER BY r.id DESC LIMIT 1;
    IF found.id IS NULL AND wanted IS NULL THEN
        RETURN domicile.ask(subject, 'export', who);
    END IF;
    RETURN CASE WHEN found.id IS NOT NULL THEN domicile.request_json(found) END;
END $domicile$;
CREATE OR REPLACE FUNCTION domicile.is_restricted(subject bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $domicile$
    SELECT EXISTS (SELECT FROM domicile.restrictions WHERE user_id = subject)
$domicile$;

-- Art. 16: one row's values are set right, in one transaction with the record of it and with what recipients are to be told.
-- Null: there is no such row.
CREATE OR REPLACE FUNCTION domicile.rectify(subject bigint, target text, row_key jsonb, changes jsonb, who text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $domicile$
DECLARE
    key_of constant jsonb := {keys};
    parts text[];
    names text[];
    changed bigint;
    found domicile.requests;
BEGIN
    IF NOT key_of ? target THEN
        RAISE EXCEPTION 'there is no table of people''s rows with that name' USING ERRCODE = '42P01';
    END IF;
    SELECT array_agg(a.attname::text ORDER BY a.attnum) INTO parts FROM pg_index AS i, pg_attribute AS a
        WHERE i.indrelid = format('public.%I', target)::regclass AND i.indisprimary AND a.attrelid = i.indrelid
          AND a.attnum = ANY (i.indkey::smallint[]) AND a.attname <> key_of ->> target;
    SELECT array_agg(n ORDER BY n) INTO names FROM jsonb_object_keys(changes) AS n;
    IF names IS NULL OR names && parts OR key_of ->> target = ANY (names) OR EXISTS (
        SELECT FROM unnest(names) AS n WHERE NOT EXISTS (SELECT FROM pg_attribute AS a
            WHERE a.attrelid = format('public.%I', target)::regclass AND a.attname = n AND a.attnum > 0 AND NOT a.attisdropped)) THEN
        RAISE EXCEPTION 'a rectification changes columns of the table, none of them of its key' USING ERRCODE = '42703';
    END IF;
    IF EXISTS (SELECT FROM unnest(parts) AS p WHERE row_key -> p IS NULL) THEN
        RAISE EXCEPTION 'the row''s key is not whole' USING ERRCODE = '22023';
    END IF;
    EXECUTE format('UPDATE public.%I AS t SET %s FROM jsonb_populate_record(NULL::public.%I, $2) AS n, '
                   'jsonb_populate_record(NULL::public.%I, $3) AS k WHERE t.%I = $1%s', target,
                   (SELECT string_agg(format('%I = n.%I', one, one), ', ') FROM unnest(names) AS one), target, target,
                   key_of ->> target,
                   (SELECT coalesce(string_agg(format(' AND t.%I = k.%I', one, one), ''), '') FROM unnest(parts) AS one))
        USING subject, changes, row_key;
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed = 0 THEN
        RETURN NULL;
    END IF;
    INSERT INTO domicile.requests (user_id, kind, asked_by, state, done_at, detail)
        VALUES (subject, 'rectification', who, 'done', clock_timestamp(),
                jsonb_build_object('table', target, 'key', row_key, 'columns', to_jsonb(names)))
        RETURNING * INTO found;
    PERFORM domicile.tell_recipients(found.id, subject);
    RETURN domicile.request_json(found);
END $domicile$;

-- Art. 7(1): that somebody has consented, to which words, when; and that it was withdrawn, as easily (7(3)). Null: no such
-- person. To words that were never put before people nobody can consent.
CREATE OR REPLACE FUNCTION domicile.consent(subject bigint, what text, which text, yes boolean, who text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $domicile$
DECLARE
    told text := coalesce(which, (SELECT version FROM domicile.consents WHERE user_id = subject AND purpose = what
                                  ORDER BY id DESC LIMIT 1));
BEGIN
    IF NOT EXISTS (SELECT FROM public.{people} WHERE {key} = subject) THEN
        RETURN NULL;
    END IF;
    IF NOT EXISTS (SELECT FROM domicile.consent_texts WHERE purpose = what AND version = told) THEN
        RAISE EXCEPTION 'no text with that purpose and version is declared' USING ERRCODE = '22023';
    END IF;
    INSERT INTO domicile.consents (user_id, purpose, version, given, recorded_by) VALUES (subject, what, told, yes, who);
    RETURN domicile.consents_of(subject);
END $domicile$;
CREATE OR REPLACE FUNCTION domicile.consents_of(subject bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $domicile$
    SELECT coalesce(jsonb_agg(jsonb_build_object('purpose', c.purpose, 'version', c.version, 'given', c.given, 'at', c.at)
                              ORDER BY c.id), '[]') FROM domicile.consents AS c WHERE c.user_id = subject
$domicile$;
-- Whether a consent stands now: for the application's own statements.
CREATE OR REPLACE FUNCTION domicile.consented(subject bigint, what text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $domicile$
    SELECT coalesce((SELECT c.given FROM domicile.consents AS c WHERE c.user_id = subject AND c.purpose = what
                     ORDER BY c.id DESC LIMIT 1), false)
$domicile$;

-- What a recipient may be told now of a row that was set right: columns that its documents show anyway.
CREATE OR REPLACE FUNCTION domicile.row_now(subject bigint, detail jsonb, shown text[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $domicile$
DECLARE
    key_of constant jsonb := {keys};
    found jsonb;
BEGIN
    EXECUTE format('SELECT to_jsonb(t) FROM public.%I AS t WHERE t.%I = $1 AND to_jsonb(t) @> $2', detail ->> 'table',
                   key_of ->> (detail ->> 'table')) USING subject, coalesce(detail -> 'key', '{}') INTO found;
    RETURN (SELECT jsonb_object_agg(n, found -> n) FROM jsonb_array_elements_text(detail -> 'columns') AS n WHERE n = ANY (shown));
END $domicile$;

REVOKE ALL ON FUNCTION domicile.request_json(domicile.requests), domicile.tell_recipients(bigint, bigint),
    domicile.ask(bigint, text, text, jsonb), domicile.asked(bigint), domicile.is_restricted(bigint),
    domicile.package(bigint, bigint, text),
    domicile.rectify(bigint, text, jsonb, jsonb, text), domicile.consent(bigint, text, text, boolean, text),
    domicile.consents_of(bigint), domicile.consented(bigint, text), domicile.row_now(bigint, jsonb, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION domicile.ask(bigint, text, text, jsonb), domicile.asked(bigint), domicile.is_restricted(bigint),
    domicile.package(bigint, bigint, text),
    domicile.rectify(bigint, text, jsonb, jsonb, text), domicile.consent(bigint, text, text, boolean, text),
    domicile.consents_of(bigint), domicile.consented(bigint, text) TO {gateway};
GRANT EXECUTE ON FUNCTION domicile.row_now(bigint, jsonb, text[]) TO {worker};
GRANT SELECT (user_id) ON domicile.restrictions TO {gateway};
GRANT SELECT (request, piece, user_id, bytes) ON domicile.packages TO {gateway};
GRANT SELECT (id, user_id, kind, detail, state, done_at) ON domicile.requests TO {worker};
GRANT SELECT, UPDATE (text, documents, acknowledged_at, receipt) ON domicile.notices TO {worker};
)sql";

}  // namespace

std::string requests_sql(const topology::Topology& topology, topology::ShardIndex shard,
                         const std::string& gateway, const std::string& worker) {
    const auto& people = topology.person_table();
    std::string keys = "pg_catalog.jsonb_build_object(";
    for (const auto& table : topology.tables) {
        if (table.kind == topology::TableKind::sharded) {
            keys +=
                (keys.ends_with('(') ? "" : ", ") + sql_literal(table.name) + ", " + sql_literal(table.key);
        }
    }
    std::string institutions = "ARRAY[";
    for (const auto& one : topology.institutions) {
        if (one.jurisdiction == topology.at(shard).jurisdiction) {
            institutions += (institutions.ends_with('[') ? "" : ", ") + sql_literal(one.name);
        }
    }
    std::string out = guard::fill(text, {{"people", sql_identifier(people.name)},
                                         {"key", sql_identifier(people.key)},
                                         {"keys", keys + ")"},
                                         {"institutions", institutions + "]::text[]"},
                                         {"worker", worker},
                                         {"gateway", gateway},
                                         {"monitor", std::string(roles::monitor)}});
    for (const auto& consent : topology.consents) {
        // A text that was put before people does not change: it would not be what they have consented to.
        out += guard::fill(R"sql(
DO $domicile$
BEGIN
    INSERT INTO domicile.consent_texts (purpose, version, text) VALUES ({purpose}, {version}, {words}) ON CONFLICT DO NOTHING;
    IF (SELECT text FROM domicile.consent_texts WHERE purpose = {purpose} AND version = {version}) <> {words} THEN
        RAISE EXCEPTION 'the text of consent % in version % has changed', {purpose}, {version}
            USING HINT = 'Give the new words a new version.';
    END IF;
END $domicile$;
)sql",
                           {{"purpose", sql_literal(consent.purpose)},
                            {"version", sql_literal(consent.version)},
                            {"words", sql_literal(consent.text)}});
    }
    return out;
}

}  // namespace domicile::fleet

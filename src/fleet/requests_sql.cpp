#include "fleet/requests_sql.hpp"

#include "guard/table_guard.hpp"
#include "sql/quote.hpp"

namespace domicile::fleet {
namespace {

constexpr std::string_view text = R"sql(
CREATE OR REPLACE FUNCTION domicile.request_json(r domicile.requests) RETURNS jsonb LANGUAGE sql STABLE AS $domicile$
    SELECT jsonb_build_object('request', r.id, 'kind', r.kind, 'state', r.state, 'asked_at', r.asked_at, 'done_at', r.done_at,
                              'extended', r.extended, 'answer', r.answer,
                              'held_until', (SELECT until FROM domicile.holds WHERE user_id = r.user_id AND r.state = 'open'))
$domicile$;
CREATE OR REPLACE FUNCTION domicile.ask(subject bigint, what text, who text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $domicile$
DECLARE
    found domicile.requests;
BEGIN
    IF NOT EXISTS (SELECT FROM public.{people} WHERE {key} = subject) AND
       NOT EXISTS (SELECT FROM domicile.requests WHERE user_id = subject) THEN
        RETURN NULL;
    END IF;
    INSERT INTO domicile.requests (user_id, kind, asked_by) VALUES (subject, what, who)
        ON CONFLICT (user_id, kind) WHERE state IN ('open', 'running') DO NOTHING;
    SELECT * INTO found FROM domicile.requests WHERE user_id = subject AND kind = what ORDER BY id DESC LIMIT 1;
    RETURN domicile.request_json(found);
END $domicile$;
CREATE OR REPLACE FUNCTION domicile.asked(subject bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $domicile$
    SELECT coalesce(jsonb_agg(domicile.request_json(r) ORDER BY r.id), '[]') FROM domicile.requests AS r WHERE r.user_id = subject
$domicile$;
REVOKE ALL ON FUNCTION domicile.request_json(domicile.requests), domicile.ask(bigint, text, text), domicile.asked(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION domicile.ask(bigint, text, text), domicile.asked(bigint) TO {gateway};
)sql";

}  // namespace

std::string requests_sql(const topology::Topology& topology, const std::string& gateway) {
    const auto& people = topology.person_table();
    return guard::fill(text, {{"people", sql::sql_identifier(people.name)},
                              {"key", sql::sql_identifier(people.key)},
                              {"gateway", gateway}});
}

}  // namespace domicile::fleet

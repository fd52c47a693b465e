#include "rights/schema_reader.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace domicile::rights {
namespace {

using namespace std::chrono_literals;

// Names are joined with a character that no SQL name of a topology may hold.
constexpr std::string_view catalog_sql = R"sql(
SELECT c.relname, a.attname, format_type(a.atttypid, NULL), NOT a.attnotnull,
       CASE WHEN a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4 THEN a.atttypmod - 4 ELSE 0 END,
       a.attgenerated <> ''
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY c.relname, a.attnum;
SELECT k.conname, c.relname,
       (SELECT string_agg(a.attname, '/' ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
            JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number),
       p.relname,
       (SELECT string_agg(a.attname, '/' ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
            JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.number),
       k.confdeltype, k.confupdtype,
       (SELECT string_agg(a.attname, '/') FROM unnest(k.confdelsetcols) AS u (number)
            JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number)
    FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_class AS p ON p.oid = k.confrelid
    WHERE k.contype = 'f' AND p.relnamespace = 'public'::regnamespace AND k.conparentid = 0 ORDER BY c.relname, k.conname;
SELECT n.nspname || '.' || c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'm' ORDER BY 1;
SELECT c.relname, a.attname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
    JOIN unnest(i.indkey::smallint[]) WITH ORDINALITY AS u (number, place) ON true
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = u.number
    WHERE i.indisprimary AND c.relnamespace = 'public'::regnamespace ORDER BY c.relname, u.place;
)sql";

std::vector<std::string> split(const std::optional<std::string>& text) {
    std::vector<std::string> parts;
    std::istringstream in(text.value_or(""));
    for (std::string part; std::getline(in, part, '/');) {
        parts.push_back(part);
    }
    return parts;
}

}  // namespace

base::Result<privacy::LiveSchema> read_schema(pool::MaintenanceClient& client) {
    const auto found = client.run(catalog_sql, 30s);
    if (!found) {
        return std::unexpected(found.error());
    }
    privacy::LiveSchema live;
    for (const auto& row : found->at(0).rows) {
        if (live.tables.empty() || live.tables.back().name != row.at(0)) {
            live.tables.push_back({row.at(0).value_or(""), {}, {}});
        }
        privacy::LiveColumn column{row.at(1).value_or(""), row.at(2).value_or(""), row.at(3) == "t", 0,
                                   row.at(5) == "t"};
        const std::string most = row.at(4).value_or("0");
        std::from_chars(most.data(), most.data() + most.size(), column.characters_max);
        live.tables.back().columns.push_back(std::move(column));
    }
    for (const auto& row : found->at(1).rows) {
        live.foreign_keys.push_back({row.at(0).value_or(""), row.at(1).value_or(""), split(row.at(2)),
                                     row.at(3).value_or(""), split(row.at(4)),
                                     row.at(5).value_or("a").front(), row.at(6).value_or("a").front(),
                                     split(row.at(7))});
    }
    for (const auto& row : found->at(2).rows) {
        live.copies.push_back(row.at(0).value_or(""));
    }
    for (const auto& row : found->at(3).rows) {
        const auto table = std::ranges::find(live.tables, row.at(0).value_or(""), &privacy::LiveTable::name);
        if (table != live.tables.end()) {
            table->primary_key.push_back(row.at(1).value_or(""));
        }
    }
    return live;
}

}  // namespace domicile::rights

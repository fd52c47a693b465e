#include "http/catalog.hpp"

#include "http/json.hpp"
#include "routing/admit.hpp"

#include <charconv>

namespace domicile::http {
namespace {

using base::Code;

// PostgreSQL docs, "System Catalogs". to_regclass gives null for a missing table, so no rows come.
constexpr std::string_view columns_sql =
    "SELECT a.attname, a.atttypid, format_type(a.atttypid, a.atttypmod), a.atttypmod, a.attnotnull,"
    " a.atthasdef OR a.attidentity <> '', a.attgenerated <> '' OR a.attidentity = 'a',"
    " coalesce(a.attnum = ANY (i.indkey), false)"
    " FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary"
    " WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
constexpr std::string_view constraints_sql =
    "SELECT c.conname, a.attname FROM pg_constraint c"
    " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)"
    " WHERE c.conrelid = to_regclass($1) ORDER BY c.conname, array_position(c.conkey, a.attnum)";

std::int32_t number(std::string_view text) {
    std::int32_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

class CatalogSink final : public pool::ReplySink {
  public:
    explicit CatalogSink(TableShape& into) : shape_(into) {}

    void row(std::uint32_t index, std::string_view data_row) override {
        wire::RowReader reader(data_row);
        std::string values[8];
        for (std::uint16_t i = 0; i < reader.columns() && i < std::size(values); ++i) {
            values[i] = std::string(reader.next().value_or(std::string_view{}));
        }
        if (index == 1) {
            if (shape_.constraints.empty() || shape_.constraints.back().name != values[0]) {
                shape_.constraints.push_back(Constraint{values[0], {}});
            }
            shape_.constraints.back().columns.push_back(values[1]);
            return;
        }
        Column column;
        column.name = values[0];
        base::Buffer quoted;
        append_json_string(quoted, column.name);
        column.json_name = std::string(quoted.view()) + ":";
        column.kind = kind_of(static_cast<std::uint32_t>(number(values[1])));
        column.type = values[2];
        const std::int32_t modifier = number(values[3]);
        if (modifier >= 4 && column.kind == ColumnKind::text) {
            column.length_max = modifier - 4;  // PostgreSQL: VARHDRSZ
        }
        if (modifier >= 4 && column.kind == ColumnKind::numeric) {
            column.precision = (modifier - 4) >> 16U & 0xFFFF;
            column.scale = (((modifier - 4) & 0x7FF) ^ 1024) - 1024;  // signed in 11 bits since PostgreSQL 15
        }
        column.not_null = values[4] == "t";
        column.has_default = values[5] == "t";
        column.generated = values[6] == "t";
        if (values[7] == "t") {
            shape_.primary_key.push_back(column.name);
        }
        shape_.columns.push_back(std::move(column));
    }
    void complete(std::uint32_t, std::uint64_t) override {}
    void error(std::uint32_t, const wire::ServerError& error) override { sqlstate = error.sqlstate; }

    std::string sqlstate;

  private:
    TableShape& shape_;
};

}  // namespace

net::Task<base::Result<std::shared_ptr<const Schema>>> load_schema(pool::Pool& pool,
                                                                   const topology::Topology& topology,
                                                                   topology::JurisdictionIndex own) {
    base::Error last{Code::node_unavailable, "No shard of this jurisdiction answers.", {}, {}, {}};
    for (std::uint16_t i = 0; i < topology.shards.size(); ++i) {
        const topology::ShardIndex shard{i};
        if (topology.at(shard).jurisdiction != own || !pool.has_writer(shard)) {
            continue;
        }
        const auto plan = routing::admit_upkeep(topology, shard, own);
        if (!plan) {
            co_return std::unexpected(plan.error().error);
        }
        auto lease = co_await pool.acquire(*plan);
        if (!lease) {
            last = lease.error();
            continue;
        }
        auto schema = std::make_shared<Schema>();
        bool complete = true;
        for (const topology::Table& table : topology.tables) {
            if (table.kind != topology::TableKind::sharded) {
                continue;
            }
            TableShape& shape = schema->tables.emplace_back();
            shape.table = &table;
            CatalogSink sink(shape);
            const std::string name = "\"" + table.name + "\"";
            const wire::Parameter parameters[] = {name};
            (*lease)->begin();
            (*lease)->add(pool.statements().intern(columns_sql), parameters);
            (*lease)->add(pool.statements().intern(constraints_sql), parameters);
            (*lease)->sync();
            const auto ran = co_await (*lease)->run(sink, base::limits::statement_timeout);
            if (!ran) {
                last = ran.error();
                complete = false;
                break;
            }
            if (shape.column(table.key) == nullptr || shape.primary_key.empty()) {
                co_return base::fail(Code::configuration,
                                     "Table \"" + table.name + "\" with key column \"" + table.key +
                                         "\" and a primary key is not in the database.",
                                     "Apply the application's migrations.", sink.sqlstate);
            }
        }
        if (complete) {
            co_return std::shared_ptr<const Schema>(std::move(schema));
        }
    }
    co_return std::unexpected(std::move(last));
}

}  // namespace domicile::http

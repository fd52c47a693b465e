#include "load/loader.hpp"

#include "load/copy_text.hpp"
#include "load/csv.hpp"
#include "load/invent.hpp"
#include "load/people.hpp"
#include "load/refused_file.hpp"
#include "load/shard_writer.hpp"
#include "load/source_table.hpp"
#include "routing/admit.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <mutex>

namespace domicile::load {
namespace {

using base::Code;
using topology::ShardIndex;

constexpr std::size_t batch_rows = 5'000;
constexpr std::chrono::seconds patience{60};

std::uint64_t spread_of(std::string_view text) {
    // FNV-1a: any even spread will do, as long as a second run spreads alike.
    std::uint64_t hash = 0xCBF29CE484222325ULL;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    }
    return hash;
}

std::string quote_name(std::string_view name) {
    return "\"" + std::string(name) + "\"";
}

/// A column with its place in the record found.
struct BoundColumn {
    const ColumnSource* source = nullptr;
    std::size_t field = 0;
};

class Loader {
  public:
    Loader(const topology::Topology& topology, const Spec& spec, const Options& options)
        : topology_(topology),
          spec_(spec),
          options_(options),
          map_(topology::RangeMap::of(topology)),
          refused_(options.refused) {}

    base::Result<LoadResult> run() {
        if (auto done = gather_people(); !done) {
            return std::unexpected(done.error());
        }
        if (auto done = find_known_people(); !done) {
            return std::unexpected(done.error());
        }
        if (auto done = create_people(); !done) {
            return std::unexpected(done.error());
        }
        for (const TableLoad& table : spec_.tables) {
            if (auto done = load_table(table); !done) {
                return std::unexpected(done.error());
            }
        }
        return std::move(result_);
    }

  private:
    [[nodiscard]] bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }
    static std::unexpected<base::Error> stopped_error() {
        return base::fail(Code::configuration, "Stopped.",
                          "Run the same command again: it goes on where it stopped.");
    }
    void report(const std::filesystem::path& file, const SourceTable& table, std::uint64_t rows) {
        if (options_.progress) {
            options_.progress(
                {file.filename().string(), table.reader().bytes_read(), table.reader().bytes_total(), rows});
        }
    }
    void refuse(const std::filesystem::path& file, const Record& record, const std::string& reason) {
        std::string source;
        append_csv(source, record.fields);
        refused_.add(file.filename().string(), record.line, reason, source);
        ++result_.refused;
    }
    [[nodiscard]] const std::string* iso(const std::string& name) const {
        const auto found = spec_.countries.find(name);
        return found == spec_.countries.end() ? nullptr : &found->second;
    }

    base::Result<pool::MaintenanceClient> connect(ShardIndex shard) {
        const auto own = topology_.at(shard).jurisdiction;
        const auto plan = routing::admit_upkeep(topology_, shard, own);
        if (!plan) {
            return std::unexpected(plan.error().error);
        }
        const auto login = options_.login(own);
        if (!login) {
            return std::unexpected(login.error());
        }
        base::Error last{
            Code::node_unavailable, "Shard " + topology_.at(shard).name + " has no writer.", {}, {}, {}};
        for (const auto node : topology_.at(shard).nodes) {
            auto client =
                pool::MaintenanceClient::open(*plan, topology_, node, *login, std::chrono::seconds{5});
            if (!client) {
                last = client.error();
                continue;
            }
            const auto recovering = client->run("SELECT pg_is_in_recovery()", patience);
            if (recovering && !recovering->empty() && recovering->front().rows.at(0).at(0) == "f") {
                return client;
            }
        }
        last.hint = "Start the fleet with `domicile up`.";
        return std::unexpected(std::move(last));
    }

    base::Status gather_people() {
        auto table = SourceTable::open(spec_.people.file);
        if (!table) {
            return std::unexpected(table.error());
        }
        const auto person = table->column(spec_.people.person);
        const auto country = table->column(spec_.people.country);
        if (!person || !country) {
            return std::unexpected(!person ? person.error() : country.error());
        }
        Record record;
        for (;;) {
            const auto more = table->next(record);
            if (!more) {
                return std::unexpected(more.error());
            }
            if (!*more) {
                break;
            }
            if (record.fields.size() != table->width()) {
                continue;  // refused where the record's own table is loaded
            }
            if (const std::string* code = iso(record.fields[*country])) {
                people_.see(record.fields[*person], *code);
            }
        }
        result_.people = people_.count();
        for (const Person* one : people_.all()) {
            if (one->countries.size() > 1) {
                std::string seen;
                for (const std::string& code : one->countries) {
                    seen += (seen.empty() ? "" : ", ") + code;
                }
                const auto home = topology_.home_of_country(one->country);
                result_.moved.push_back(one->key + ": " + seen + "; last " + one->country + ", home " +
                                        (home ? topology_.at(*home).name : "nowhere"));
            }
        }
        return {};
    }

    /// The column of the person table with a given kind of source.
    [[nodiscard]] const ColumnSource* person_column(ColumnSource::Kind kind) const {
        const auto found = std::ranges::find(spec_.people.columns, kind, &ColumnSource::kind);
        return found == spec_.people.columns.end() ? nullptr : &*found;
    }

    base::Status find_known_people() {
        const auto* key = person_column(ColumnSource::Kind::person_key);
        const auto* kind = person_column(ColumnSource::Kind::person_kind);
        const auto* country = person_column(ColumnSource::Kind::home_country);
        if (key == nullptr || kind == nullptr || country == nullptr) {
            return base::fail(Code::configuration, "The people need columns for key, kind and country.",
                              "docs/load.md shows them.");
        }
        const topology::Table& table = topology_.person_table();
        for (std::uint16_t i = 0; i < topology_.shards.size(); ++i) {
            auto client = connect(ShardIndex{i});
            if (!client) {
                return std::unexpected(client.error());
            }
            const auto found = client->run(
                "SELECT " + quote_name(table.key) + ", " + quote_name(key->column) + "::text, " +
                    quote_name(country->column) + " FROM " + quote_name(table.name) + " WHERE " +
                    quote_name(key->column) + " IS NOT NULL OR " + quote_name(kind->column) + " = 'counter'",
                patience);
            if (!found) {
                return std::unexpected(found.error());
            }
            for (const auto& row : found->front().rows) {
                Person* person = people_.find(row[1].value_or(""), row[2].value_or(""));
                if (person != nullptr) {
                    // A person is where the database has them. What the file says may be newer, but rows are
                    // never stored outside home, and a move is not the loader's to make.
                    const auto home = topology_.home_of_country(person->country);
                    if (person->known) {
                        person->conflict = "the database knows this person twice";
                    } else if (home != topology_.at(ShardIndex{i}).jurisdiction) {
                        person->conflict =
                            "is at home in " + topology_.at(topology_.at(ShardIndex{i}).jurisdiction).name +
                            " in the database, in " + (home ? topology_.at(*home).name : "no jurisdiction") +
                            " in the file";
                    }
                    std::from_chars(row[0]->data(), row[0]->data() + row[0]->size(), person->user.value);
                    person->shard = ShardIndex{i};
                    person->known = true;
                }
            }
        }
        return {};
    }

    std::optional<std::string> person_value(const ColumnSource& source, const Person& person) const {
        using Kind = ColumnSource::Kind;
        switch (source.kind) {
            case Kind::person_key: return person.key.empty() ? std::nullopt : std::optional(person.key);
            case Kind::person_kind: return person.key.empty() ? "counter" : "customer";
            case Kind::home_country: return person.country;
            case Kind::name:
                return person.key.empty() ? std::nullopt : std::optional(invented_name(person.key));
            case Kind::email:
                return person.key.empty() ? std::nullopt : std::optional(invented_email(person.key));
            default: return source.text;
        }
    }

    base::Status create_people() {
        // Home first, then a shard of home: the same gate every new person passes.
        std::map<std::uint16_t, std::vector<Person*>> by_shard;
        for (Person* person : people_.all()) {
            if (person->known) {
                continue;
            }
            const auto home = topology_.home_of_country(person->country);
            if (!home) {
                continue;  // its rows are refused with the reason
            }
            routing::Values values;
            values.country = person->country;
            values.spread = spread_of(person->key.empty() ? "counter " + person->country : person->key);
            const auto plan = routing::admit({routing::Verb::create, &topology_.person_table()}, values,
                                             {*home}, {topology_, map_, *home});
            if (!plan) {
                return std::unexpected(plan.error().error);
            }
            by_shard[plan->shard().value].push_back(person);
        }
        for (auto& [index, people] : by_shard) {
            if (stopped()) {
                return stopped_error();
            }
            if (auto done = create_people_on(ShardIndex{index}, people); !done) {
                return done;
            }
            result_.people_created += people.size();
        }
        for (std::uint16_t i = 0; i < topology_.shards.size(); ++i) {
            ShardResult shard;
            shard.shard = topology_.shards[i].name;
            shard.jurisdiction = topology_.at(topology_.shards[i].jurisdiction).name;
            for (const Person* person : people_.all()) {
                if (person->known && person->shard == ShardIndex{i}) {
                    (person->key.empty() ? shard.counters : shard.people) += 1;
                }
            }
            result_.shards.push_back(std::move(shard));
        }
        return {};
    }

    base::Status create_people_on(ShardIndex shard, std::vector<Person*>& people) {
        auto client = connect(shard);
        if (!client) {
            return std::unexpected(client.error());
        }
        const topology::Table& table = topology_.person_table();
        std::vector<std::int64_t> ids;
        for (const topology::KeyRange& range : topology_.at(shard).ranges) {
            // Ids skipped by a run that died before its COPY stay unused: a gap is harmless, a second owner
            // is not.
            const std::optional<std::string> values[] = {std::to_string(people.size() - ids.size()),
                                                         "domicile.user_id_" + std::to_string(range.from)};
            const auto left = client->run(
                "SELECT nextval($2::text::regclass) FROM generate_series(1, least($1::bigint,"
                " (SELECT max_value - coalesce(last_value, min_value - 1) FROM pg_sequences"
                "  WHERE schemaname = 'domicile' AND 'domicile.' || sequencename = $2::text)))",
                values, patience);
            if (!left) {
                return std::unexpected(left.error());
            }
            for (const auto& row : left->rows) {
                std::int64_t id = 0;
                std::from_chars(row[0]->data(), row[0]->data() + row[0]->size(), id);
                ids.push_back(id);
            }
            if (ids.size() == people.size()) {
                break;
            }
        }
        if (ids.size() != people.size()) {
            return base::fail(Code::range_full,
                              "Shard " + topology_.at(shard).name + " has no ids left for " +
                                  std::to_string(people.size() - ids.size()) + " people.",
                              "Give it a wider range in the topology.");
        }
        std::string rows;
        std::string columns = quote_name(table.key);
        for (const ColumnSource& source : spec_.people.columns) {
            columns += ", " + quote_name(source.column);
        }
        for (std::size_t i = 0; i < people.size(); ++i) {
            append_copy_value(rows, std::to_string(ids[i]));
            for (const ColumnSource& source : spec_.people.columns) {
                rows += '\t';
                append_copy_value(rows, person_value(source, *people[i]));
            }
            rows += '\n';
        }
        base::Status step =
            client->copy_begin("COPY " + quote_name(table.name) + " (" + columns + ") FROM STDIN", patience);
        if (step) {
            step = client->copy_data(rows, patience);
        }
        if (!step) {
            return step;
        }
        const auto copied = client->copy_end(patience);
        if (!copied) {
            return std::unexpected(copied.error());
        }
        for (std::size_t i = 0; i < people.size(); ++i) {
            people[i]->user = base::UserId{ids[i]};
            people[i]->shard = shard;
            people[i]->known = true;
        }
        return {};
    }

    base::Result<std::vector<BoundColumn>> bind(const TableLoad& load, const SourceTable& table) const {
        std::vector<BoundColumn> bound;
        for (const ColumnSource& source : load.columns) {
            BoundColumn column{&source, 0};
            if (!source.from.empty()) {
                const auto field = table.column(source.from);
                if (!field) {
                    return std::unexpected(field.error());
                }
                column.field = *field;
            }
            bound.push_back(column);
        }
        return bound;
    }

    /// Appends the row to the batch, or gives the reason why it cannot be loaded.
    std::optional<std::string> append_row(Batch& batch, const Record& record, const Person& person,
                                          const std::vector<BoundColumn>& columns) const {
        using Kind = ColumnSource::Kind;
        const std::size_t before = batch.rows.size();
        append_copy_value(batch.rows, std::to_string(person.user.value));
        for (const BoundColumn& column : columns) {
            batch.rows += '\t';
            const std::string& field = record.fields[column.field];
            switch (column.source->kind) {
                case Kind::constant: append_copy_value(batch.rows, column.source->text); break;
                case Kind::prefixed:
                    append_copy_value(batch.rows, field.starts_with(column.source->text) ? "t" : "f");
                    break;
                case Kind::country: {
                    const std::string* code = iso(field);
                    if (code == nullptr) {
                        batch.rows.resize(before);
                        return "unknown country";
                    }
                    append_copy_value(batch.rows, *code);
                    break;
                }
                case Kind::field:
                    if (!field.empty()) {
                        append_copy_value(batch.rows, field);
                    } else if (column.source->empty_is_null) {
                        append_copy_value(batch.rows, std::nullopt);
                    } else {
                        append_copy_value(batch.rows, column.source->text);
                    }
                    break;
                default: append_copy_value(batch.rows, person_value(*column.source, person)); break;
            }
        }
        batch.rows += '\n';
        batch.ends.push_back(batch.rows.size());
        batch.lines.push_back(record.line);
        append_csv(batch.sources.emplace_back(), record.fields);
        return std::nullopt;
    }

    base::Status load_table(const TableLoad& load) {
        const topology::Table* target = topology_.table(load.table);
        if (target == nullptr || target->kind != topology::TableKind::sharded) {
            return base::fail(Code::configuration,
                              "The topology has no sharded table \"" + load.table + "\".");
        }
        auto table = SourceTable::open(load.file);
        if (!table) {
            return std::unexpected(table.error());
        }
        const auto person_field = table->column(load.person);
        const auto country_field = table->column(load.country);
        const auto columns = bind(load, *table);
        if (!person_field || !country_field || !columns) {
            return std::unexpected(!person_field    ? person_field.error()
                                   : !country_field ? country_field.error()
                                                    : columns.error());
        }
        std::vector<std::size_t> proof_fields;
        for (const std::string& name : load.proof) {
            const auto source = std::ranges::find(load.columns, name, &ColumnSource::column);
            const auto field = source == load.columns.end() ? base::Result<std::size_t>(std::size_t{0})
                                                            : table->column(source->from);
            if (source == load.columns.end() || !field) {
                return base::fail(Code::configuration,
                                  "The proof column \"" + name + "\" is not loaded from the file.");
            }
            proof_fields.push_back(*field);
        }
        std::string names = quote_name(target->key);
        for (const BoundColumn& column : *columns) {
            names += ", " + quote_name(column.source->column);
        }
        const std::string copy = "COPY " + quote_name(target->name) + " (" + names + ") FROM STDIN";
        const std::string file = load.file.filename().string();

        TableResult result;
        result.table = load.table;
        std::atomic<std::uint64_t> refused_by_nodes{0};
        std::mutex refused_mutex;
        std::vector<std::uint64_t> refused_lines;
        std::vector<std::unique_ptr<ShardWriter>> writers;
        std::vector<std::uint64_t> resume;
        for (std::uint16_t i = 0; i < topology_.shards.size(); ++i) {
            auto client = connect(ShardIndex{i});
            if (!client) {
                return std::unexpected(client.error());
            }
            writers.push_back(std::make_unique<ShardWriter>(
                std::move(*client), copy, spec_.name, load.table + " " + file, [&](const Refused& row) {
                    refused_by_nodes.fetch_add(1);
                    const std::scoped_lock lock(refused_mutex);
                    refused_lines.push_back(row.line);
                    refused_.add(file, row.line, row.reason, row.source);
                }));
            const auto line = writers.back()->resume_line();
            if (!line) {
                return std::unexpected(line.error());
            }
            resume.push_back(*line);
        }
        std::map<std::uint64_t, Decimal>
            open_proofs;  // of rows still in flight, in case the node refuses them
        std::vector<Batch> batches(topology_.shards.size());
        Record record;
        bool healthy = true;
        while (healthy) {
            const auto more = table->next(record);
            if (!more) {
                return std::unexpected(more.error());
            }
            if (!*more) {
                break;
            }
            ++result.source_rows;
            if (result.source_rows % 4'096 == 0) {
                report(load.file, *table, result.source_rows);
                if (stopped()) {
                    return stopped_error();
                }
            }
            if (refused_.knows(file, record.line)) {
                ++result.refused;
                continue;
            }
            const auto refuse_here = [&](const std::string& reason) {
                refuse(load.file, record, reason);
                ++result.refused;
            };
            if (record.fields.size() != table->width()) {
                refuse_here("has " + std::to_string(record.fields.size()) + " fields instead of " +
                            std::to_string(table->width()));
                continue;
            }
            const std::string& key = record.fields[*person_field];
            const std::string* country = iso(record.fields[*country_field]);
            Person* person = key.empty() && country == nullptr
                                 ? nullptr
                                 : people_.find(key, country == nullptr ? "" : *country);
            if (person == nullptr || !person->known) {
                refuse_here(country == nullptr ? "unknown country" : "nobody is known under this key");
                continue;
            }
            if (!person->conflict.empty()) {
                refuse_here(person->conflict);
                continue;
            }
            Decimal proof = Decimal::parse("1").value_or(Decimal{});
            bool exact = !proof_fields.empty();
            for (const std::size_t field : proof_fields) {
                const auto value = Decimal::parse(record.fields[field]);
                exact = exact && value.has_value();
                proof = exact ? proof * *value : proof;
            }
            if (!proof_fields.empty() && !exact) {
                refuse_here("is not a decimal number where one is summed");
                continue;
            }
            result.counter_rows += key.empty() ? 1 : 0;
            const auto plan = routing::admit({routing::Verb::write, target}, {person->user, {}, 0, 0},
                                             {topology_.at(person->shard).jurisdiction},
                                             {topology_, map_, topology_.at(person->shard).jurisdiction});
            if (!plan) {
                refuse_here(plan.error().error.text);
                continue;
            }
            const std::uint16_t shard = plan->shard().value;
            if (exact) {
                result.source_sum += proof;
            }
            if (record.line <= resume[shard]) {
                ++result.skipped;
                continue;
            }
            if (const auto reason = append_row(batches[shard], record, *person, *columns)) {
                refuse_here(*reason);
                continue;
            }
            if (exact) {
                open_proofs.emplace(record.line, proof);
            }
            if (batches[shard].size() >= batch_rows) {
                healthy = writers[shard]->put(std::exchange(batches[shard], Batch{}));
            }
        }
        std::optional<base::Error> failed;
        for (std::size_t i = 0; i < writers.size(); ++i) {
            if (healthy && batches[i].size() != 0) {
                healthy = writers[i]->put(std::move(batches[i]));
            }
            const auto done = writers[i]->finish();
            if (done) {
                result.loaded += *done;
            } else {
                failed = done.error();
            }
        }
        if (failed) {
            return std::unexpected(std::move(*failed));
        }
        for (const std::uint64_t line : refused_lines) {
            const auto minus_one = Decimal::parse("-1").value_or(Decimal{});
            const auto found = open_proofs.find(line);
            if (found != open_proofs.end()) {
                result.source_sum += found->second * minus_one;
            }
        }
        result.refused += refused_by_nodes;
        result_.refused += refused_by_nodes;
        report(load.file, *table, result.source_rows);
        return prove(load, *target, result);
    }

    base::Status prove(const TableLoad& load, const topology::Table& target, TableResult& result) {
        std::string product;
        for (const std::string& column : load.proof) {
            product += (product.empty() ? "" : " * ") + quote_name(column);
        }
        Decimal total;
        for (std::uint16_t i = 0; i < topology_.shards.size(); ++i) {
            auto client = connect(ShardIndex{i});
            if (!client) {
                return std::unexpected(client.error());
            }
            const auto sums =
                client->run("SELECT count(*), coalesce(sum(" + (product.empty() ? "0" : product) +
                                "), 0) FROM " + quote_name(target.name),
                            patience);
            if (!sums) {
                return std::unexpected(sums.error());
            }
            const auto& row = sums->front().rows.at(0);
            std::uint64_t rows = 0;
            std::from_chars(row[0]->data(), row[0]->data() + row[0]->size(), rows);
            result.shard_rows += rows;
            total += Decimal::parse(*row[1]).value_or(Decimal{});
        }
        result.shard_sum = total.text();
        result.proven =
            result.shard_rows + result.refused == result.source_rows && total == result.source_sum;
        result_.tables.push_back(std::move(result));
        return {};
    }

    const topology::Topology& topology_;
    const Spec& spec_;
    const Options& options_;
    topology::RangeMap map_;
    RefusedFile refused_;
    People people_;
    LoadResult result_;
};

}  // namespace

base::Result<LoadResult> run(const topology::Topology& topology, const Spec& spec, const Options& options) {
    return Loader(topology, spec, options).run();
}

}  // namespace domicile::load

#include "topology/builder.hpp"
#include "topology/parse.hpp"
#include "topology/words.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace domicile::topology {
namespace {

constexpr std::size_t statistics_max = 4'096;
constexpr std::size_t transfers_max = 4'096;

struct ErasureName {
    std::string_view name;
    Erasure erasure;
};
constexpr std::array erasures{
    ErasureName{"delete_row", Erasure::delete_row}, ErasureName{"null", Erasure::set_null},
    ErasureName{"generalise", Erasure::generalise}, ErasureName{"tokenise", Erasure::tokenise},
    ErasureName{"keyed_hash", Erasure::keyed_hash}, ErasureName{"shred", Erasure::shred},
};

struct OriginName {
    std::string_view name;
    Origin origin;
};
constexpr std::array origins{
    OriginName{"provided", Origin::provided},
    OriginName{"observed", Origin::observed},
    OriginName{"inferred", Origin::inferred},
};

struct EventName {
    std::string_view name;
    RowEvent event;
};
constexpr std::array events{
    EventName{"insert", RowEvent::inserted},
    EventName{"update", RowEvent::updated},
    EventName{"delete", RowEvent::deleted},
};

struct BasisName {
    std::string_view name;
    TransferBasis basis;
};
struct BucketName {
    std::string_view name;
    Bucket bucket;
};
constexpr std::array bucket_names{
    BucketName{"day", Bucket::day},
    BucketName{"month", Bucket::month},
    BucketName{"year", Bucket::year},
};
constexpr std::size_t bounds_max = 32;
constexpr std::array bases{
    BasisName{"adequacy", TransferBasis::adequacy},
    BasisName{"contract_clauses", TransferBasis::contract_clauses},
    BasisName{"consent", TransferBasis::consent},
};

template <class Table>
std::vector<std::string_view> names_of(const Table& table) {
    std::vector<std::string_view> names;
    for (const auto& row : table) {
        names.push_back(row.name);
    }
    return names;
}

/// Null, and a finding, if the word is not in the table.
template <class Table>
const typename Table::value_type* choose(const Table& table, const Word& word, std::string_view what,
                                         Report& report) {
    const auto found = std::ranges::find(table, word.text, &Table::value_type::name);
    if (found != table.end()) {
        return &*found;
    }
    const auto names = names_of(table);
    const std::string choices = "choose from " + listed(names);
    const std::string close = suggest(word.text, names, "");
    report.add(word.place, "unknown " + std::string(what) + " " + quoted(word.text),
               close.empty() ? choices : close + " " + choices);
    return nullptr;
}

const PersonalColumn* personal_column(const Table& table, std::string_view column) {
    const auto found = std::ranges::find(table.personal, column, &PersonalColumn::name);
    return found == table.personal.end() ? nullptr : &*found;
}

}  // namespace

void Builder::tables() {
    const Entry* section = root_.get("tables");
    std::string person;
    bool persons_known = true;
    if (const Entry* rest = section == nullptr ? nullptr : section->value.find(other_tables_name)) {
        other_tables(*rest);
    }
    for (const Entry* entry : named("tables", tables_max, table_names_)) {
        if (check_sql_name(entry->key, entry->place, "table") && entry->key.starts_with("domicile")) {
            report_.add(entry->place, "table name " + quoted(entry->key) + " starts with `domicile`",
                        "rename it: these names are kept for our own tables");
        }
        const Reader reader = open(*entry, "tables", keys::table);
        Table table;
        table.name = entry->key;
        if (entry->value.kind == Value::Kind::table) {
            table_kind(reader, table);
        }
        table.person = reader.flag("person", false);
        persons_known = persons_known && entry->value.kind == Value::Kind::table && !reader.broken("person");
        if (table.person && table.kind != TableKind::sharded) {
            report_.add(reader.get("person")->value.place,
                        "the person table " + quoted(table.name) + " is not sharded",
                        "give it `key`, the user-id column: people live on the shard of their id");
        }
        if (table.person && !person.empty()) {
            report_.add(reader.get("person")->value.place,
                        "two person tables: " + quoted(person) + " and " + quoted(table.name),
                        "leave `person = true` with the one that has a row per person");
        } else if (table.person) {
            person = table.name;
        }
        if (const Value* country = reader.text("country")) {
            check_sql_name(country->text, country->place, "column");
            table.country = country->text;
            if (!table.person && !reader.broken("person")) {
                report_.add(reader.place("country"),
                            "`country` in " + reader.label() + ", which is not the person table",
                            "remove it: home follows from the country of the person");
            }
        }
        personal(reader, table);
        for (const auto& [key, value] :
             {std::pair{"purpose", &table.purpose}, {"retention", &table.retention}}) {
            const Value* text = reader.text(key);
            if (text == nullptr) {
                continue;
            }
            if (table.kind != TableKind::sharded) {
                report_.add(text->place,
                            quoted(key) + " in " + reader.label() + ", whose rows belong to nobody",
                            "remove it");
            }
            *value = text->text;
        }
        if (!table.retention.empty() && !is_period(table.retention)) {
            report_.add(reader.place("retention"), "`retention` in " + reader.label() + " is no period",
                        "write a number of days, months or years: \"10 years\"");
        }
        if (const Value* from = reader.text("retained_from")) {
            check_sql_name(from->text, from->place, "column");
            table.retained_from = from->text;
            if (table.retention.empty() && !reader.broken("retention")) {
                report_.add(from->place, "`retained_from` in " + reader.label() + " without `retention`",
                            "say how long: retention = \"10 years\"");
            }
        }
        audit(reader, table);
        files(reader, "policies", table.policies);
        topology_.tables.push_back(std::move(table));
    }
    if (section != nullptr && !section->value.entries.empty() && person.empty() && persons_known) {
        report_.add(section->place, "no table holds the people",
                    "add `person = true` to the table with one row per person");
    }
}

/// Tables that nobody names hold rows of nobody we know of, so one shard has them.
void Builder::other_tables(const Entry& entry) {
    const Reader reader = open(entry, "tables", keys::other_tables);
    Table table;
    table.name = other_tables_name;
    table.kind = TableKind::single;
    if (const Value* shard = reader.text("shard")) {
        if (const auto index = resolve({shard->text, shard->place}, "shard", shard_names_, reader.label())) {
            table.shard = ShardIndex(*index);
        }
    }
    topology_.other_tables = std::move(table);
}

void Builder::table_kind(const Reader& reader, Table& table) {
    const bool reference = reader.flag("reference", false);
    const int kinds = (reader.given("key") ? 1 : 0) + (reference ? 1 : 0) + (reader.given("shard") ? 1 : 0);
    if (kinds == 0 && !reader.broken("reference")) {
        report_.add(
            reader.place(), "table " + quoted(table.name) + " has no user key",
            "add `key` (the user-id column), or `reference = true` (the same rows on every shard), or "
            "`shard` (rows of nobody, on one shard)");
    }
    if (kinds > 1) {
        report_.add(reader.place(),
                    "table " + quoted(table.name) + " has more than one of `key`, `reference`, `shard`",
                    "leave exactly one of them");
    }
    table.kind = reference               ? TableKind::reference
                 : reader.given("shard") ? TableKind::single
                                         : TableKind::sharded;
    if (reader.given("key")) {
        table.kind = TableKind::sharded;
    }
    if (const Value* key = reader.text("key")) {
        check_sql_name(key->text, key->place, "column");
        table.key = key->text;
    }
    if (const Value* shard = reader.text("shard")) {
        if (const auto index = resolve({shard->text, shard->place}, "shard", shard_names_, reader.label())) {
            table.shard = ShardIndex(*index);
        }
    }
}

void Builder::personal(const Reader& reader, Table& table) {
    const Entry* columns = reader.get("personal");
    if (columns == nullptr) {
        return;
    }
    if (table.kind != TableKind::sharded) {
        report_.add(
            columns->place, "personal columns in " + reader.label() + ", whose rows belong to nobody",
            "give the table `key`, so that a person's rows can be found and erased, or remove `personal`");
    }
    for (const Entry& entry : columns->value.entries) {
        check_sql_name(entry.key, entry.place, "column");
        if (!table.key.empty() && entry.key == table.key) {
            report_.add(entry.place,
                        "the key " + quoted(entry.key) + " of " + reader.label() + " cannot be personal",
                        "remove it: the id stays, so that the records that must stay keep their place");
        }
        const std::string label = "personal column " + quoted(entry.key) + " in " + reader.label();
        const Reader rule(entry.value, entry.place, label, keys::personal, report_);
        PersonalColumn column{entry.key, Erasure::set_null};
        if (const Value* erase = rule.text("erase")) {
            if (const auto* chosen = choose(erasures, {erase->text, erase->place}, "erasure rule", report_)) {
                column.erasure = chosen->erasure;
            }
        }
        if (const Value* to = rule.text("to")) {
            if (column.erasure != Erasure::generalise || !is_generalisation(to->text)) {
                report_.add(to->place, "`to` of " + label + " is " + quoted(to->text),
                            "with erase = \"generalise\", write \"year\", \"month\", \"decade\", "
                            "\"prefix:N\" (the first "
                            "letters) or \"step:N\" (rounded down to a multiple)");
            }
            column.to = to->text;
        } else if (column.erasure == Erasure::generalise && !rule.broken("erase")) {
            report_.add(entry.place, label + " is generalised, to nothing",
                        "add `to`: \"year\", \"month\", \"decade\", \"prefix:N\" or \"step:N\"");
        }
        if (const Value* klass = rule.text("class")) {
            check_name(klass->text, klass->place, "class");
            column.klass = klass->text;
        }
        if (const Value* origin = rule.text("origin")) {
            if (const auto* chosen = choose(origins, {origin->text, origin->place}, "origin", report_)) {
                column.origin = chosen->origin;
            }
        }
        table.personal.push_back(std::move(column));
    }
}

void Builder::audit(const Reader& reader, Table& table) {
    const auto verbs = reader.texts("audit");
    check_unique(verbs, "`audit` in " + reader.label());
    for (const Word& verb : verbs) {
        if (const auto* chosen = choose(events, verb, "audit verb", report_)) {
            table.audited.push_back(chosen->event);
        }
    }
}

void Builder::statistics() {
    Names names;
    for (const Entry* entry : named("statistics", statistics_max, names)) {
        check_sql_name(entry->key, entry->place, "statistic");
        const Reader reader = open(*entry, "statistics", keys::statistic);
        Statistic statistic;
        statistic.name = entry->key;
        const Table* table = nullptr;
        if (const Value* name = reader.text("table")) {
            if (const auto index =
                    resolve({name->text, name->place}, "table", table_names_, reader.label())) {
                table = &topology_.tables[*index];
                statistic.table = table->name;
                if (table->kind == TableKind::reference) {
                    report_.add(name->place,
                                reader.label() + " counts the reference table " + quoted(table->name),
                                "count a sharded table: every shard holds the same reference rows");
                }
            }
        }
        columns(reader, "by", table, statistic.by);
        columns(reader, "sums", table, statistic.sums);
        buckets(reader, table, statistic);
        bounded(reader, "persons_min", 2, 1'000, statistic.persons_min);
        bounded(reader, "rest_s", 0, 86'400, statistic.rest_s);
        topology_.statistics.push_back(std::move(statistic));
    }
}

void Builder::buckets(const Reader& reader, const Table* table, Statistic& statistic) {
    std::vector<std::string> one;
    const auto column = [&](std::string_view key) {
        one.clear();
        if (const Value* name = reader.text(key)) {
            columns(reader, key, {{name->text, name->place}}, table, one);
        }
        return one.empty() ? std::string() : one.front();
    };
    statistic.time = column("time");
    statistic.histogram = column("histogram");
    if (const Value* bucket = reader.text("bucket")) {
        if (const auto* chosen = choose(bucket_names, {bucket->text, bucket->place}, "bucket", report_)) {
            statistic.bucket = chosen->bucket;
        }
        if (!reader.given("time")) {
            report_.add(bucket->place, "`bucket` in " + reader.label() + " has no `time`",
                        "name the column whose time is meant: time = \"created_at\"");
        }
    }
    if (const Entry* list = reader.get("bounds")) {
        for (const Value& item : list->value.items) {
            if (item.kind != Value::Kind::integer ||
                (!statistic.bounds.empty() && item.integer <= statistic.bounds.back()) ||
                statistic.bounds.size() == bounds_max) {
                report_.add(item.place,
                            "`bounds` in " + reader.label() + " must be growing integers, at most " +
                                std::to_string(bounds_max),
                            "write bounds = [10, 100, 1_000]");
                break;
            }
            statistic.bounds.push_back(item.integer);
        }
    }
    if (!statistic.table.empty() &&
        std::ranges::count(topology_.statistics, statistic.table, &Statistic::table) != 0) {
        report_.add(
            reader.place("table"), reader.label() + " is a second figure of " + quoted(statistic.table),
            "take all dimensions into one: what each withholds could be told from the difference of two");
    }
    const auto dimensions = statistic.dimensions();
    if (std::set<std::string>(dimensions.begin(), dimensions.end()).size() != dimensions.size()) {
        report_.add(reader.place("by"), reader.label() + " has two dimensions of one name",
                    "name the column otherwise, or choose another bucket");
    }
    if (statistic.bounds.empty() && reader.get("bounds") != nullptr) {
        report_.add(reader.place("bounds"), "`bounds` in " + reader.label() + " is empty",
                    "give at least one");
    }
    if (reader.given("histogram") != reader.given("bounds")) {
        report_.add(reader.place(reader.given("bounds") ? "bounds" : "histogram"),
                    reader.label() + " has only one of `histogram` and `bounds`", "give both, or none");
    }
}

void Builder::columns(const Reader& reader, std::string_view key, const Table* table,
                      std::vector<std::string>& out) {
    columns(reader, key, reader.texts(key), table, out);
}

void Builder::columns(const Reader& reader, std::string_view key, const std::vector<Word>& words,
                      const Table* table, std::vector<std::string>& out) {
    check_unique(words, quoted(key) + " in " + reader.label());
    for (const Word& word : words) {
        if (!check_sql_name(word.text, word.place, "column")) {
            continue;
        }
        const std::string verb = key == "by" || key == "time" ? "groups by" : "sums";
        if (table != nullptr && !table->key.empty() && word.text == table->key) {
            report_.add(word.place, reader.label() + " " + verb + " the user key " + quoted(word.text),
                        "remove it: figures contain no person");
        } else if (table != nullptr && personal_column(*table, word.text) != nullptr) {
            report_.add(word.place, reader.label() + " " + verb + " the personal column " + quoted(word.text),
                        "remove it: figures contain no person");
        }
        out.emplace_back(word.text);
    }
}

void Builder::transfers() {
    const Entry* list = root_.get("transfers");
    if (list == nullptr) {
        return;
    }
    for (const Value& item : list->value.items) {
        if (topology_.transfers.size() == transfers_max) {
            report_.add(item.place, "more than " + std::to_string(transfers_max) + " transfers",
                        "join those with the same ends and basis");
            return;
        }
        transfer(item);
    }
}

void Builder::transfer(const Value& item) {
    const Reader reader(item, item.place, "[[transfers]]", keys::transfer, report_);
    Transfer transfer;
    const auto end = [&](std::string_view key) -> std::optional<JurisdictionIndex> {
        const Value* name = reader.text(key);
        if (name == nullptr) {
            return std::nullopt;
        }
        const auto index = resolve({name->text, name->place}, "jurisdiction", jurisdiction_names_,
                                   quoted(key) + " in " + reader.label());
        return index ? std::optional(JurisdictionIndex(*index)) : std::nullopt;
    };
    const auto from = end("from");
    const auto to = end("to");
    if (from && to && from == to) {
        report_.add(reader.text("to")->place,
                    "a transfer from " + quoted(topology_.at(*from).name) + " to itself",
                    "remove it: within a jurisdiction no basis is needed");
    }
    transfer.from = from.value_or(JurisdictionIndex{});
    transfer.to = to.value_or(JurisdictionIndex{});
    if (const Value* basis = reader.text("basis")) {
        if (const auto* chosen = choose(bases, {basis->text, basis->place}, "transfer basis", report_)) {
            transfer.basis = chosen->basis;
        }
    }
    for (const std::string_view key : {"actions", "tables"}) {
        const Entry* list = reader.get(key);
        if (list != nullptr && list->value.items.empty()) {
            report_.add(list->value.place, "a transfer names no " + std::string(key),
                        "name each of the " + std::string(key) + " it allows, or remove the transfer");
        }
        check_unique(reader.texts(key), quoted(key) + " in " + reader.label());
    }
    for (const Word& action : reader.texts("actions")) {
        if (!is_action(action.text)) {
            report_.add(action.place, "malformed action " + quoted(action.text) + " in " + reader.label(),
                        "name one action, without wildcards, such as \"data:Select\"");
        }
        transfer.actions.emplace_back(action.text);
    }
    for (const Word& table : reader.texts("tables")) {
        if (resolve(table, "table", table_names_, "`tables` in " + reader.label())) {
            transfer.tables.emplace_back(table.text);
        }
    }
    check_unique(reader.texts("columns"), "`columns` in " + reader.label());
    for (const Word& column : reader.texts("columns")) {
        if (check_sql_name(column.text, column.place, "column")) {
            transfer.columns.emplace_back(column.text);
        }
    }
    topology_.transfers.push_back(std::move(transfer));
}

}  // namespace domicile::topology

// What audited events become, and who receives it: [documents.TABLE], [institutions.NAME].

#include "topology/builder.hpp"
#include "topology/words.hpp"

#include <algorithm>

namespace domicile::topology {
namespace {

constexpr std::size_t institutions_max = 1'024;

const Table* find(const Topology& topology, std::string_view name) {
    const auto found = std::ranges::find(topology.tables, name, &Table::name);
    return found == topology.tables.end() ? nullptr : &*found;
}

}  // namespace

void Builder::documents() {
    Names names;
    for (const Entry* entry : named("documents", topology_.tables.size() + 1, names)) {
        const Reader reader = open(*entry, "documents", keys::document);
        DocumentLayout layout;
        layout.table = entry->key;
        resolve({entry->key, entry->place}, "table", table_names_, reader.label());
        if (const Table* table = find(topology_, layout.table); table != nullptr && table->audited.empty()) {
            report_.add(entry->place, "no event of " + quoted(layout.table) + " is audited",
                        "add `audit = [\"insert\"]` to the table, or remove " + reader.label());
        }
        if (const Value* title = reader.text("title")) {
            if (printable(title->text) != title->text || title->text.size() > 200) {
                report_.add(title->place, "`title` in " + reader.label() + " is no line of text",
                            "write at most 200 printable characters; {column} stands for a value");
            }
            layout.title = title->text;
        }
        const auto columns = [&](std::string_view key, std::vector<std::string>& out) {
            const auto words = reader.texts(key);
            check_unique(words, quoted(key) + " in " + reader.label());
            for (const Word& word : words) {
                if (check_sql_name(word.text, word.place, "column")) {
                    out.emplace_back(word.text);
                }
            }
        };
        columns("fields", layout.fields);
        columns("person", layout.person);
        columns("by", layout.by);
        columns("columns", layout.columns);
        if (const Value* lines = reader.text("lines")) {
            if (const auto index =
                    resolve({lines->text, lines->place}, "table", table_names_, reader.label())) {
                layout.lines = lines->text;
                if (topology_.tables[*index].kind != TableKind::sharded) {
                    report_.add(lines->place, "`lines` in " + reader.label() + " is not sharded",
                                "list rows of the same person");
                }
            }
        }
        for (const std::string_view key : {"by", "columns"}) {
            if (reader.given(key) != reader.given("lines") && !reader.broken("lines")) {
                report_.add(reader.place(key), reader.label() + " has only one of `lines` and " + quoted(key),
                            "give `lines`, `by` and `columns`, or none of them");
            }
        }
        topology_.documents.push_back(std::move(layout));
    }
}

void Builder::institutions() {
    Names names;
    for (const Entry* entry : named("institutions", institutions_max, names)) {
        check_name(entry->key, entry->place, "institution");
        const Reader reader = open(*entry, "institutions", keys::institution);
        Institution one;
        one.name = entry->key;
        if (const Value* jurisdiction = reader.text("jurisdiction")) {
            if (const auto index = resolve({jurisdiction->text, jurisdiction->place}, "jurisdiction",
                                           jurisdiction_names_, reader.label())) {
                one.jurisdiction = JurisdictionIndex(*index);
            }
        }
        const auto words = reader.texts("documents");
        check_unique(words, "`documents` in " + reader.label());
        for (const Word& word : words) {
            if (!resolve(word, "table", table_names_, "`documents` in " + reader.label())) {
                continue;
            }
            if (find(topology_, word.text)->audited.empty()) {
                report_.add(word.place, "no event of " + quoted(word.text) + " is audited",
                            "add `audit = [\"insert\"]` to the table");
            }
            one.documents.emplace_back(word.text);
        }
        if (const Value* deliver = reader.text("deliver")) {
            const std::string_view text = deliver->text;
            const bool local = text.starts_with("directory:/") ||
                               (text.starts_with("directory:") && is_name(text.substr(10)));
            const bool clear = text.starts_with("http://127.0.0.1:") || text.starts_with("http://localhost:");
            if (printable(text) != text || text.size() > 2'000 ||
                (!local && !clear && !text.starts_with("https://"))) {
                report_.add(deliver->place, "`deliver` in " + reader.label() + " is " + quoted(text),
                            "write \"directory:/absolute/path\", \"directory:name\" (in the state "
                            "directory), or an https URL: "
                            "documents do not travel in clear");
            }
            one.deliver = text;
        }
        bounded(reader, "batch_documents", 1, 10'000, one.batch_documents);
        bounded(reader, "batch_s", 0, 86'400, one.batch_s);
        topology_.institutions.push_back(std::move(one));
    }
}

}  // namespace domicile::topology

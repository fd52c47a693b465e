// What audited events become, and who receives it: [documents.TABLE], [institutions.NAME].

#include "topology/builder.hpp"
#include "topology/words.hpp"

#include <algorithm>

namespace domicile::topology {
namespace {

/// sftp://user@host[:port]/path of plain characters: nothing to escape in any protocol.
bool is_sftp(std::string_view text) {
    constexpr std::string_view scheme = "sftp://";
    if (!text.starts_with(scheme)) {
        return false;
    }
    text.remove_prefix(scheme.size());
    const auto plain = [](std::string_view part, std::string_view beside) {
        return !part.empty() && std::ranges::all_of(part, [&](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   beside.find(c) != std::string_view::npos;
        });
    };
    const auto at = text.find('@');
    const auto slash = text.find('/');
    if (at == std::string_view::npos || slash == std::string_view::npos || at > slash) {
        return false;
    }
    return plain(text.substr(0, at), "._-") && plain(text.substr(at + 1, slash - at - 1), ".-:") &&
           plain(text.substr(slash), "/._-~") && text.find("..", slash) == std::string_view::npos;
}

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

/// How documents travel: never in clear, and never to a server that may be another one.
void Builder::delivery(const Reader& reader, Institution& one) {
    const Value* deliver = reader.text("deliver");
    if (deliver == nullptr) {
        return;
    }
    const std::string_view text = deliver->text;
    const bool local =
        text.starts_with("directory:/") || (text.starts_with("directory:") && is_name(text.substr(10)));
    const bool clear = text.starts_with("http://127.0.0.1:") || text.starts_with("http://localhost:");
    const bool sftp = is_sftp(text);
    if (printable(text) != text || text.size() > 2'000 ||
        (!local && !clear && !sftp && !text.starts_with("https://"))) {
        report_.add(
            deliver->place, "`deliver` in " + reader.label() + " is " + quoted(text),
            "write \"directory:/absolute/path\", \"directory:name\" (in the state directory), an https "
            "URL, or \"sftp://user@host/path\": documents do not travel in clear");
    }
    one.deliver = text;
    if (const Value* credential = reader.text("credential")) {
        if (const auto index = resolve({credential->text, credential->place}, "secret", secret_names_,
                                       "`credential` in " + reader.label())) {
            const auto& places = topology_.secrets[*index].jurisdictions;
            if (std::ranges::find(places, one.jurisdiction) == places.end()) {
                report_.add(credential->place,
                            "the secret " + quoted(credential->text) + " may not be in the jurisdiction of " +
                                reader.label(),
                            "add it to the secret's `jurisdictions`");
            }
        }
        one.credential = credential->text;
    }
    if (const Value* host_key = reader.text("host_key")) {
        // As `ssh-keygen -l` prints it: 32 bytes in base64 without padding.
        const bool good = host_key->text.starts_with("SHA256:") && host_key->text.size() == 50 &&
                          host_key->text.find_first_not_of(
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 7) ==
                              std::string_view::npos;
        if (!good) {
            report_.add(host_key->place, "`host_key` in " + reader.label() + " is no fingerprint",
                        "write what `ssh-keygen -lf` prints of the server's key: \"SHA256:…\"");
        }
        one.host_key = host_key->text.substr(good ? 7 : 0);
    }
    if (sftp) {
        for (const std::string_view key : {"credential", "host_key"}) {
            if (!reader.given(key)) {
                report_.add(deliver->place, reader.label() + " delivers by SFTP without " + quoted(key),
                            key == "credential" ? "name a declared secret that holds the private key"
                                                : "write what `ssh-keygen -lf` prints of the server's key");
            }
        }
    } else if (reader.given("host_key") && !reader.broken("deliver")) {
        report_.add(reader.place("host_key"),
                    "`host_key` in " + reader.label() + " means nothing but to SFTP", "remove it");
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
        delivery(reader, one);
        bounded(reader, "batch_documents", 1, 10'000, one.batch_documents);
        bounded(reader, "batch_s", 0, 86'400, one.batch_s);
        topology_.institutions.push_back(std::move(one));
    }
}

}  // namespace domicile::topology

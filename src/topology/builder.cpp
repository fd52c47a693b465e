#include "topology/builder.hpp"

#include "base/limits.hpp"
#include "topology/words.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <unordered_set>
#include <utility>

namespace domicile::topology {

void Builder::Names::add(std::string_view name) {
    index.emplace(name, static_cast<std::uint16_t>(all.size()));
    all.push_back(name);
}

std::optional<std::uint16_t> Builder::Names::find(std::string_view name) const {
    const auto found = index.find(name);
    return found == index.end() ? std::nullopt : std::optional(found->second);
}

Builder::Builder(const Value& root, Report& report)
    : root_value_(root), report_(report), root_(root, file_start, "the file", keys::topology, report) {}

Topology Builder::build() {
    header();
    jurisdictions();
    regions();
    check_writer_regions();
    embedded();
    shards();
    check_overlaps();
    central();
    embedded_ports();
    check_addresses();
    tables();
    statistics();
    documents();
    transfers();
    identity();
    roles();
    vault();
    queue();
    store();
    secrets();
    institutions();
    mesh();
    edge();
    limits();
    privacy();
    consents();
    notify();
    alarms();
    maintenance();
    return std::move(topology_);
}

Reader Builder::open(const Entry& entry, std::string_view kind, const keys::Section& section) {
    std::string label = quoted(entry.key);
    label = kind.empty() ? label.substr(1, label.size() - 2)
                         : std::string(kind) + "." + label.substr(1, label.size() - 2);
    return {entry.value, entry.place, "[" + label + "]", section, report_};
}

std::vector<const Entry*> Builder::named(std::string_view kind, std::size_t most, Names& names) {
    std::vector<const Entry*> entries;
    const Entry* section = root_.get(kind);
    if (section == nullptr) {
        return entries;
    }
    if (section->value.entries.empty()) {
        report_.add(section->place, "[" + std::string(kind) + "] is empty",
                    "add a section [" + std::string(kind) + ".NAME], or remove it");
    }
    for (const Entry& entry : section->value.entries) {
        if (entries.size() == most) {
            report_.add(entry.place, "more than " + std::to_string(most) + " " + std::string(kind),
                        "split the system into several files");
            break;
        }
        if (kind == "tables" && entry.key == other_tables_name) {
            continue;  // names no table
        }
        entries.push_back(&entry);
        names.add(entry.key);
    }
    return entries;
}

std::optional<std::uint16_t> Builder::resolve(const Word& word, std::string_view kind, const Names& names,
                                              const std::string& label) {
    const auto found = names.find(word.text);
    if (!found) {
        report_.add(word.place, label + " names the unknown " + std::string(kind) + " " + quoted(word.text),
                    suggest(word.text, names.all,
                            names.all.empty() ? "declare it in a section of its own"
                                              : "use one of: " + listed(names.all)));
    }
    return found;
}

void Builder::check_name(std::string_view text, Place place, std::string_view what) {
    if (!is_name(text)) {
        report_.add(place, "malformed " + std::string(what) + " name " + quoted(text),
                    "use lower-case letters, digits and -, a letter first, at most 63");
    }
}

bool Builder::check_sql_name(std::string_view text, Place place, std::string_view what) {
    if (is_sql_name(text)) {
        return true;
    }
    report_.add(place, "malformed " + std::string(what) + " name " + quoted(text),
                "use lower-case letters, digits and _, a letter or _ first, at most 63");
    return false;
}

void Builder::check_unique(const std::vector<Word>& words, std::string_view what) {
    std::unordered_set<std::string_view> seen;
    for (const Word& word : words) {
        if (!seen.insert(word.text).second) {
            report_.add(word.place, std::string(what) + " names " + quoted(word.text) + " twice",
                        "remove one of them");
        }
    }
}

void Builder::header() {
    if (const Value* name = root_.text("name")) {
        check_name(name->text, name->place, "topology");
        topology_.name = name->text;
    }
    bounded(root_, "map_epoch", 1, std::numeric_limits<std::uint32_t>::max(), topology_.map_epoch);
    const Entry* entry = root_.get("database");
    if (entry == nullptr) {
        return;
    }
    const Reader reader = open(*entry, "", keys::database);
    if (const Value* name = reader.text("name")) {
        static constexpr std::string_view taken[] = {"postgres", "template0", "template1"};
        if (check_sql_name(name->text, name->place, "database") &&
            std::ranges::count(taken, name->text) != 0) {
            report_.add(name->place,
                        "the database name " + quoted(name->text) + " belongs to PostgreSQL itself",
                        "name it after the application");
        }
        topology_.database.name = name->text;
    }
    topology_.database.superuser_login = reader.flag("superuser_login", false);
    if (const Value* authority = reader.text("node_tls_ca")) {
        if (authority->text.empty() || printable(authority->text) != authority->text) {
            report_.add(authority->place, "`node_tls_ca` in [database] is not a file",
                        "name the PEM file with the authority of the nodes, relative to this file");
        }
        topology_.database.node_tls_ca = authority->text;
    }
    if (const Value* migrations = reader.text("migrations")) {
        if (migrations->text.empty() || printable(migrations->text) != migrations->text) {
            report_.add(
                migrations->place, "`migrations` in [database] is not a folder",
                "name the folder of numbered SQL files, relative to this file: migrations = \"schema\"");
        }
        topology_.database.migrations = migrations->text;
    }
}

void Builder::bounded(const Reader& reader, std::string_view key, std::int64_t least, std::int64_t most,
                      std::uint32_t& value) {
    const Entry* entry = reader.get(key);
    if (entry == nullptr) {
        return;
    }
    if (entry->value.integer < least || entry->value.integer > most) {
        report_.add(entry->value.place,
                    quoted(key) + " in " + reader.label() +
                        " is out of range: " + std::to_string(entry->value.integer),
                    "choose from " + std::to_string(least) + " to " + std::to_string(most));
        return;
    }
    value = static_cast<std::uint32_t>(entry->value.integer);
}

void Builder::limits() {
    const Entry* entry = root_.get("limits");
    if (entry == nullptr) {
        return;
    }
    // A statement ends in time for the request that carries it.
    constexpr std::int64_t statement_ms_most =
        std::chrono::milliseconds(base::limits::http_request_timeout).count() - 1;
    const Reader reader = open(*entry, "", keys::limits);
    Limits& limits = topology_.limits;
    bounded(reader, "body_bytes_max", 1'024, 64 << 20, limits.body_bytes_max);
    bounded(reader, "page_rows_max", 1, 10'000, limits.page_rows_max);
    bounded(reader, "statement_ms_max", 1, statement_ms_most, limits.statement_ms_max);
    bounded(reader, "node_connections_max", 1, 1'000, limits.node_connections_max);
    bounded(reader, "client_connections_max", 1, 65'535, limits.client_connections_max);
    bounded(reader, "gateway_threads", 1, 256, limits.gateway_threads);
}

}  // namespace domicile::topology

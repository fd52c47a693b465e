#include "topology/builder.hpp"
#include "topology/parse.hpp"
#include "topology/words.hpp"

#include <algorithm>
#include <utility>

namespace domicile::topology {

void Builder::jurisdictions() {
    std::optional<std::string> rest_of_world;
    for (const Entry* entry : named("jurisdictions", jurisdictions_max, jurisdiction_names_)) {
        check_name(entry->key, entry->place, "jurisdiction");
        const Reader reader = open(*entry, "jurisdictions", keys::jurisdiction);
        Jurisdiction jurisdiction;
        jurisdiction.name = entry->key;
        if (const Value* law = reader.text("law")) {
            jurisdiction.law = law->text;
        }
        countries(reader, jurisdiction);
        files(reader, "guard_rails", jurisdiction.guard_rails);
        const auto holidays = reader.texts("holidays");
        check_unique(holidays, "`holidays` in " + reader.label());
        for (const Word& word : holidays) {
            if (!is_holiday(word.text)) {
                report_.add(
                    word.place, "malformed holiday " + quoted(word.text) + " in " + reader.label(),
                    "write \"12-25\" (each year), \"2026-05-14\" (once), or \"easter+1\" (days from Easter "
                    "Sunday)");
                continue;
            }
            jurisdiction.holidays.emplace_back(word.text);
        }
        jurisdiction.rest_of_world = reader.flag("rest_of_world", false);
        if (jurisdiction.rest_of_world && rest_of_world) {
            report_.add(
                reader.get("rest_of_world")->value.place,
                quoted(entry->key) + " claims the rest of the world, and so does " + quoted(*rest_of_world),
                "leave `rest_of_world = true` with one jurisdiction");
        } else if (jurisdiction.rest_of_world) {
            rest_of_world = entry->key;
        }
        topology_.jurisdictions.push_back(std::move(jurisdiction));
    }
}

void Builder::countries(const Reader& reader, Jurisdiction& jurisdiction) {
    for (const Word& word : reader.texts("countries")) {
        if (!is_country(word.text)) {
            report_.add(word.place, "malformed country code " + quoted(word.text) + " in " + reader.label(),
                        "write two upper-case letters (ISO 3166-1 alpha-2), such as \"DE\"");
            continue;
        }
        const auto [owner, fresh] =
            country_owners_.try_emplace(std::string(word.text), jurisdiction.name, word.place);
        if (!fresh) {
            report_.add(word.place,
                        "country " + quoted(word.text) + " is listed by " + quoted(jurisdiction.name) +
                            " and already by " + quoted(owner->second.first) + " (line " +
                            std::to_string(owner->second.second.line) + ")",
                        "a country belongs to one jurisdiction: remove one of the two");
            continue;
        }
        jurisdiction.countries.emplace_back(word.text);
    }
}

void Builder::regions() {
    for (const Entry* entry : named("regions", regions_max, region_names_)) {
        check_name(entry->key, entry->place, "region");
        const Reader reader = open(*entry, "regions", keys::region);
        Region region;
        RegionFacts facts;
        region.name = entry->key;
        if (const Value* name = reader.text("jurisdiction")) {
            if (const auto index =
                    resolve({name->text, name->place}, "jurisdiction", jurisdiction_names_, reader.label())) {
                facts.jurisdiction = JurisdictionIndex(*index);
                region.jurisdiction = JurisdictionIndex(*index);
            }
        }
        region.writer = reader.flag("writer", false);
        facts.writer_known = !reader.broken("writer");
        facts.writer_place =
            reader.get("writer") == nullptr ? entry->place : reader.get("writer")->value.place;
        if (const Value* certificate = reader.text("tls_certificate")) {
            region.tls_certificate = certificate->text;
        }
        if (const Value* key = reader.text("tls_key")) {
            region.tls_key = key->text;
        }
        if (region.tls_certificate.empty() != region.tls_key.empty()) {
            report_.add(reader.place(),
                        "one of `tls_certificate` and `tls_key` in " + reader.label() + " is missing",
                        "give both PEM files, or none");
        }
        region.http = door(reader, "http");
        region.sql = door(reader, "sql");
        if (reader.given("mesh")) {
            region.mesh = door(reader, "mesh");
        }
        topology_.regions.push_back(std::move(region));
        region_facts_.push_back(facts);
    }
}

Address Builder::door(const Reader& reader, std::string_view key) {
    const Value* text = reader.text(key);
    if (text == nullptr) {
        return {};
    }
    const std::string what = quoted(key) + " in " + reader.label();
    const auto address = read_address(text->text);
    if (!address) {
        report_.add(text->place, what + " is not an address: " + quoted(text->text),
                    "write \"host:port\" or \"[ipv6]:port\", with a port from 1 to 65535");
        return {};
    }
    if (!is_loopback(address->host) && key != "mesh" && !reader.given("tls_certificate")) {
        report_.add(
            text->place, what + " listens on " + quoted(address->host) + " without a certificate",
            "give `tls_certificate` and `tls_key`, or listen on a loopback address (127.0.0.1, [::1], "
            "localhost): tokens and rows do not travel in clear");
    }
    uses_.push_back({*address, text->place, what});
    return *address;
}

void Builder::check_writer_regions() {
    // A region without a readable jurisdiction could be the one that is missed.
    if (std::ranges::any_of(region_facts_, [](const RegionFacts& facts) { return !facts.jurisdiction; }) ||
        root_.get("regions") == nullptr) {
        return;
    }
    for (std::size_t i = 0; i < topology_.jurisdictions.size(); ++i) {
        const std::string name = quoted(topology_.jurisdictions[i].name);
        const Place place = root_.get("jurisdictions")->value.entries[i].place;
        std::vector<std::string_view> candidates;
        const Region* writer = nullptr;
        bool all_known = true;
        for (std::size_t r = 0; r < topology_.regions.size(); ++r) {
            const Region& region = topology_.regions[r];
            if (region.jurisdiction.value != i) {
                continue;
            }
            candidates.push_back(region.name);
            all_known = all_known && region_facts_[r].writer_known;
            if (region.writer && writer != nullptr) {
                report_.add(region_facts_[r].writer_place,
                            "jurisdiction " + name + " has two writer regions: " + quoted(writer->name) +
                                " and " + quoted(region.name),
                            "leave `writer = true` with one of them");
            } else if (region.writer) {
                writer = &region;
            }
        }
        if (candidates.empty()) {
            report_.add(place, "jurisdiction " + name + " has no region",
                        "add a region with `jurisdiction = \"" + printable(topology_.jurisdictions[i].name) +
                            "\"`, or remove the jurisdiction");
        } else if (writer == nullptr && all_known) {
            report_.add(place, "jurisdiction " + name + " has no writer region",
                        "add `writer = true` to one of its regions: " + listed(candidates));
        }
    }
}

bool Builder::has_writer_region(JurisdictionIndex index) const {
    return std::ranges::any_of(topology_.regions, [&](const Region& region) {
        return region.jurisdiction == index && region.writer;
    });
}

}  // namespace domicile::topology

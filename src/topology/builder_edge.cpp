// [edge]: what every response says about itself, and which region serves whom. One declaration for the doors
// and for what runs at CloudFront.

#include "topology/builder.hpp"
#include "topology/words.hpp"

#include <algorithm>
#include <array>

namespace domicile::topology {
namespace {

constexpr std::size_t reporting_max = 16;
constexpr std::size_t url_bytes_max = 1'024;

// Referrer Policy (W3C), section 3.
constexpr std::array<std::string_view, 8> referrer_words = {"no-referrer",
                                                            "no-referrer-when-downgrade",
                                                            "origin",
                                                            "origin-when-cross-origin",
                                                            "same-origin",
                                                            "strict-origin",
                                                            "strict-origin-when-cross-origin",
                                                            "unsafe-url"};
// HTML, section "Cross-origin opener policies".
constexpr std::array<std::string_view, 4> opener_words = {"same-origin", "same-origin-allow-popups",
                                                          "noopener-allow-popups", "unsafe-none"};
// Fetch, section "Cross-Origin-Resource-Policy header".
constexpr std::array<std::string_view, 3> resource_words = {"same-origin", "same-site", "cross-origin"};

/// What may stand between the quotes of a structured header (RFC 8941) and in a URL.
bool is_report_url(std::string_view text) {
    const bool clear = text.starts_with("http://");
    if (text.size() > url_bytes_max || (!clear && !text.starts_with("https://"))) {
        return false;
    }
    const auto rest = text.substr(clear ? 7 : 8);
    const auto address = read_address(rest.substr(0, rest.find_first_of("/?#")));
    return !rest.empty() &&
           std::ranges::all_of(rest, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; }) &&
           (!clear || (address && is_loopback(address->host)));
}

}  // namespace

void Builder::edge() {
    const Entry* entry = root_.get("edge");
    if (entry == nullptr) {
        return;
    }
    const Reader reader = open(*entry, "", keys::edge);
    Edge& edge = topology_.edge;
    edge.declared = true;
    edge_headers(reader);
    for (const Entry* one : edge_texts(reader, "reporting")) {
        check_name(one->key, one->place, "reporting endpoint");
        if (!is_report_url(one->value.text)) {
            report_.add(one->value.place,
                        "the reporting endpoint " + quoted(one->key) + " is no URL that browsers report to",
                        "write an https URL of visible ASCII, or http:// with a loopback address and a port");
        }
        if (edge.reporting.size() == reporting_max) {
            report_.add(one->place, "more than 16 reporting endpoints", "remove some");
            break;
        }
        edge.reporting.emplace_back(one->key, one->value.text);
    }
    for (const Entry* one : edge_texts(reader, "countries")) {
        if (!is_country(one->key)) {
            report_.add(one->place, "malformed country " + quoted(one->key) + " in [edge]",
                        "use two upper-case letters (ISO 3166-1 alpha-2): DE");
            continue;
        }
        const auto region =
            resolve({one->value.text, one->value.place}, "region", region_names_, "`countries` in [edge]");
        if (!region) {
            continue;
        }
        const auto home = topology_.home_of_country(one->key);
        const auto& stands = region_facts_[*region].jurisdiction;
        // Silent where the region's own jurisdiction is already a finding.
        if (stands && (!home || *home != *stands)) {
            report_.add(one->value.place,
                        "people of " + one->key + " would be served abroad, in " + quoted(one->value.text),
                        home ? "name a region of " + topology_.at(*home).name
                             : "no jurisdiction takes them: remove the country");
            continue;
        }
        edge.countries.emplace_back(one->key, RegionIndex{*region});
    }
    for (const Entry* one : edge_texts(reader, "hosts")) {
        const auto index =
            resolve({one->key, one->place}, "jurisdiction", jurisdiction_names_, "`hosts` in [edge]");
        const bool twice = std::ranges::any_of(
            edge.hosts, [&](const auto& other) { return other.second == one->value.text; });
        if (!is_public_host(one->value.text) || twice) {
            report_.add(
                one->value.place,
                twice ? "two jurisdictions have the host " + quoted(one->value.text)
                      : quoted(one->value.text) + " in [edge] is no host name",
                "give each jurisdiction a name of its own in lower case: hosts.eu = \"eu.shop.example\"");
        }
        if (index) {
            edge.hosts.emplace_back(JurisdictionIndex{*index}, one->value.text);
        }
    }
}

void Builder::edge_headers(const Reader& reader) {
    Edge& edge = topology_.edge;
    edge_policy(reader, "content_security_policy", edge.content_security_policy);
    edge_policy(reader, "report_only", edge.report_only);
    if (const Value* value = reader.text("strict_transport_security")) {
        if (!is_transport_security(value->text)) {
            report_.add(
                value->place, "`strict_transport_security` in [edge] is " + quoted(value->text),
                "write \"max-age=SECONDS\", then \"; includeSubDomains\" and \"; preload\" if wanted");
        }
        edge.strict_transport_security = value->text;
    }
    if (const Value* value = reader.text("permissions_policy")) {
        if (!is_header_value(value->text)) {
            report_.add(value->place, "`permissions_policy` in [edge] cannot stand in a header",
                        "write visible ASCII, 4096 bytes at most: \"camera=(), geolocation=()\"");
        }
        edge.permissions_policy = value->text;
    }
    edge_word(reader, "referrer_policy", referrer_words, edge.referrer_policy);
    edge_word(reader, "cross_origin_opener_policy", opener_words, edge.opener_policy);
    edge_word(reader, "cross_origin_resource_policy", resource_words, edge.resource_policy);
}

void Builder::edge_policy(const Reader& reader, std::string_view key, std::string& value) {
    const Value* text = reader.text(key);
    if (text == nullptr) {
        return;
    }
    if (!is_policy(text->text)) {
        report_.add(text->place, quoted(key) + " in [edge] is not one policy",
                    "write visible ASCII without commas, 4096 bytes at most; braces only as 'nonce-{nonce}'");
    }
    value = text->text;
}

void Builder::edge_word(const Reader& reader, std::string_view key, std::span<const std::string_view> words,
                        std::string& value) {
    const Value* text = reader.text(key);
    if (text == nullptr) {
        return;
    }
    const std::vector<std::string_view> names(words.begin(), words.end());
    if (std::ranges::find(names, text->text) == names.end()) {
        report_.add(text->place, "unknown " + quoted(key) + " " + quoted(text->text) + " in [edge]",
                    suggest(text->text, names, "choose one of: " + listed(names)));
    }
    value = text->text;
}

std::vector<const Entry*> Builder::edge_texts(const Reader& reader, std::string_view key) {
    std::vector<const Entry*> entries;
    const Entry* table = reader.get(key);
    if (table == nullptr) {
        return entries;
    }
    for (const Entry& entry : table->value.entries) {
        if (entry.value.kind == Value::Kind::text) {
            entries.push_back(&entry);
            continue;
        }
        report_.add(entry.value.place,
                    quoted(entry.key) + " in " + quoted(key) + " of [edge] must be text, not " +
                        std::string(describe(entry.value.kind)),
                    "put it in quotes");
    }
    return entries;
}

}  // namespace domicile::topology

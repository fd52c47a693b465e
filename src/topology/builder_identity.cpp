// Who is believed about who is asking: [identity].

#include "topology/builder.hpp"
#include "topology/words.hpp"

#include <algorithm>
#include <array>

namespace domicile::topology {
namespace {

constexpr std::size_t issuers_max = 64;
constexpr std::size_t clients_max = 1'024;
constexpr std::size_t roles_max = 1'024;
constexpr std::array<std::string_view, 3> algorithms{"RS256", "ES256", "EdDSA"};

bool is_text(const Value& value) {
    return !value.text.empty() && printable(value.text) == value.text && value.text.size() <= 512;
}

}  // namespace

void Builder::identity() {
    topology_.identity.audience = "domicile:" + topology_.name;
    const Entry* entry = root_.get("identity");
    if (entry == nullptr) {
        return;
    }
    const Reader reader = open(*entry, "", keys::identity);
    if (const Value* audience = reader.text("audience")) {
        if (!is_text(*audience)) {
            report_.add(audience->place, "`audience` in [identity] is empty or holds control characters",
                        "write what tokens for this deployment name as \"aud\"");
        }
        topology_.identity.audience = audience->text;
    }
    clients(reader);
    const Entry* list = reader.get("issuers");
    if (list == nullptr) {
        return;
    }
    for (const Value& item : list->value.items) {
        if (topology_.identity.issuers.size() == issuers_max) {
            report_.add(item.place, "more than " + std::to_string(issuers_max) + " issuers", "keep fewer");
            return;
        }
        issuer(item);
    }
}

void Builder::issuer(const Value& item) {
    const Reader reader(item, item.place, "[[identity.issuers]]", keys::issuer, report_);
    TokenIssuer issuer;
    if (const Value* name = reader.text("issuer")) {
        if (!is_text(*name) || name->text.starts_with("domicile:")) {
            report_.add(name->place, "`issuer` in " + reader.label() + " cannot be " + quoted(name->text),
                        "write the tokens' \"iss\"; names that begin with domicile: are our own");
        }
        if (std::ranges::count(topology_.identity.issuers, name->text, &TokenIssuer::name) != 0) {
            report_.add(name->place, "the issuer " + quoted(name->text) + " stands twice",
                        "join the two: whose keys count must be certain");
        }
        issuer.name = name->text;
    }
    if (const Value* jwks = reader.text("jwks")) {
        const bool url = jwks->text.find("://") != std::string_view::npos;
        if (!is_text(*jwks) || (url && !jwks->text.starts_with("https://"))) {
            report_.add(jwks->place, "`jwks` in " + reader.label() + " is neither a file nor an https URL",
                        "name a JWK set (RFC 7517): a file relative to this one, or an https URL");
        }
        issuer.jwks = jwks->text;
        if (const Value* authority = reader.text("jwks_ca")) {
            if (!url || !is_text(*authority)) {
                report_.add(authority->place,
                            "`jwks_ca` in " + reader.label() + " names no authority of a URL",
                            "name the PEM file with the authority of the server of `jwks`, or remove it");
            }
            issuer.authority = authority->text;
        }
    }
    for (const std::string_view key : {"audiences", "jurisdictions", "roles", "algorithms"}) {
        const Entry* list = reader.get(key);
        if (list != nullptr && list->value.items.empty()) {
            report_.add(list->value.place, quoted(key) + " in " + reader.label() + " is empty",
                        "name what the issuer may say, or remove the issuer");
        }
        check_unique(reader.texts(key), quoted(key) + " in " + reader.label());
    }
    for (const Word& audience : reader.texts("audiences")) {
        issuer.audiences.emplace_back(audience.text);
    }
    for (const Word& name : reader.texts("jurisdictions")) {
        if (const auto index =
                resolve(name, "jurisdiction", jurisdiction_names_, "`jurisdictions` in " + reader.label())) {
            issuer.jurisdictions.emplace_back(*index);
        }
    }
    for (const Word& role : reader.texts("roles")) {
        check_name(role.text, role.place, "role");
        issuer.roles.emplace_back(role.text);
    }
    for (const Word& algorithm : reader.texts("algorithms")) {
        if (std::ranges::count(algorithms, algorithm.text) == 0) {
            report_.add(algorithm.place,
                        quoted(algorithm.text) + " in " + reader.label() + " is no algorithm we take",
                        "use RS256, ES256 or EdDSA");
        }
        issuer.algorithms.emplace_back(algorithm.text);
    }
    topology_.identity.issuers.push_back(std::move(issuer));
}

void Builder::clients(const Reader& identity) {
    if (const Value* authority = identity.text("client_ca")) {
        if (!is_text(*authority)) {
            report_.add(authority->place, "`client_ca` in [identity] is not a file",
                        "name the PEM file with the authority of clients' certificates");
        }
        topology_.identity.client_authority = authority->text;
    }
    const Entry* list = identity.get("clients");
    if (list == nullptr) {
        return;
    }
    if (!identity.given("client_ca")) {
        report_.add(list->place, "[[identity.clients]] without `client_ca`",
                    "name the authority that signs their certificates");
    }
    for (const Value& item : list->value.items) {
        if (topology_.identity.clients.size() == clients_max) {
            report_.add(item.place, "more than " + std::to_string(clients_max) + " clients", "use tokens");
            return;
        }
        const Reader reader(item, item.place, "[[identity.clients]]", keys::client, report_);
        CertifiedClient client;
        if (const Value* name = reader.text("name")) {
            check_name(name->text, name->place, "client");
            if (std::ranges::count(topology_.identity.clients, name->text, &CertifiedClient::name) != 0) {
                report_.add(name->place, "the client " + quoted(name->text) + " stands twice", "remove one");
            }
            client.name = name->text;
        }
        check_unique(reader.texts("roles"), "`roles` in " + reader.label());
        for (const Word& role : reader.texts("roles")) {
            check_name(role.text, role.place, "role");
            client.roles.emplace_back(role.text);
        }
        if (reader.get("roles") != nullptr && client.roles.empty()) {
            report_.add(reader.place("roles"), "`roles` in " + reader.label() + " is empty", "name one");
        }
        if (const Value* name = reader.text("jurisdiction")) {
            if (const auto index = resolve({name->text, name->place}, "jurisdiction", jurisdiction_names_,
                                           "`jurisdiction` in " + reader.label())) {
                client.jurisdiction = JurisdictionIndex(*index);
            }
        }
        topology_.identity.clients.push_back(std::move(client));
    }
}

void Builder::roles() {
    for (const Entry* entry : named("roles", roles_max, role_names_)) {
        check_name(entry->key, entry->place, "role");
        const Reader reader = open(*entry, "roles", keys::role);
        Role role;
        role.name = entry->key;
        files(reader, "policies", role.policies);
        files(reader, "boundary", role.boundary);
        topology_.roles.push_back(std::move(role));
    }
}

void Builder::files(const Reader& reader, std::string_view key, std::vector<std::string>& out) {
    const auto words = reader.texts(key);
    check_unique(words, quoted(key) + " in " + reader.label());
    for (const Word& word : words) {
        if (word.text.empty() || printable(word.text) != word.text || word.text.size() > 512) {
            report_.add(word.place, quoted(key) + " in " + reader.label() + " names no file",
                        "name policies in JSON, relative to this file");
        }
        out.emplace_back(word.text);
    }
}

}  // namespace domicile::topology

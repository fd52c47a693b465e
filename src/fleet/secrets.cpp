#include "fleet/secrets.hpp"

#include "cloud/aws_credentials.hpp"
#include "cloud/aws_keys.hpp"
#include "cloud/aws_secrets.hpp"
#include "cloud/local_keys.hpp"
#include "cloud/local_secrets.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "crypto/scram.hpp"
#include "fleet/text.hpp"

#include <algorithm>
#include <ctime>
#include <unistd.h>

namespace domicile::fleet {
namespace fs = std::filesystem;
using base::Code;
using Text = base::Secret<std::string>;

namespace {

constexpr std::size_t password_bytes = 32;
// PostgreSQL: SCRAM_DEFAULT_ITERATIONS, SCRAM_DEFAULT_SALT_LEN. Stretching adds nothing to 256 random bits.
constexpr int scram_iterations = 4096;
constexpr std::size_t scram_salt_bytes = 16;
constexpr std::string_view shared_scope = "shared";

base::Error unreadable(base::Error error, std::string_view scope, std::string_view name) {
    error.detail = error.text + (error.detail.empty() ? "" : ": " + error.detail);
    error.text = "cannot read the secret " + std::string(name) + " of " + std::string(scope);
    error.hint = "`domicile up` makes it; only the user who runs the system may read it";
    error.code = Code::configuration;
    return error;
}

}  // namespace

std::string login_secret(std::string_view role) {
    return "db/" + std::string(role);
}

std::string scope_of(const topology::Topology& topology, const topology::Node& node) {
    if (node.shard.value >= topology.shards.size()) {
        return std::string(central_scope);
    }
    return topology.at(topology.at(node.shard).jurisdiction).name;
}

vault::Place Secrets::place(topology::RegionIndex index) const {
    const std::string& region = topology_.at(index).name;
    vault::Place place;
    place.region = region;
    if (topology_.vault.driver == topology::Vault::Driver::aws) {
        const cloud::AwsAccess access{cloud::find_credentials, topology_.vault.endpoint};
        const std::string prefix = "domicile/" + topology_.name + "/";
        place.secrets = std::make_shared<cloud::AwsSecrets>(access, region, prefix, topology_.vault.key);
        place.keys = std::make_shared<cloud::AwsKeys>(access, region, topology_.vault.key);
    } else {
        place.secrets = std::make_shared<cloud::LocalSecrets>(state_.vault(region));
        place.keys = std::make_shared<cloud::LocalKeys>(state_.keys(region), "domicile");
    }
    return place;
}

base::Result<vault::Vault> Secrets::over(std::string scope,
                                         std::vector<topology::RegionIndex> regions) const {
    if (near_) {
        const auto own = topology_.at(*near_).jurisdiction;
        std::erase_if(regions, [&](auto region) { return topology_.at(region).jurisdiction != own; });
    }
    if (regions.empty()) {
        return base::fail(Code::configuration, "The secrets of " + scope + " are out of reach from here.",
                          "A region holds those of its own jurisdiction.");
    }
    const auto primary = regions.front();
    if (near_) {
        std::ranges::sort(regions, {},
                          [&](auto region) { return std::pair(region != *near_, region.value); });
    }
    std::vector<vault::Place> places;
    std::size_t written = 0;
    for (const auto region : regions) {
        written = region == primary ? places.size() : written;
        places.push_back(place(region));
    }
    return vault::Vault(topology_.name, std::move(scope), std::move(places), written);
}

base::Result<vault::Vault> Secrets::vault(std::string_view scope) const {
    std::vector<topology::RegionIndex> regions;
    if (scope == central_scope && topology_.central) {
        regions.push_back(topology_.central->region);
    } else if (const auto jurisdiction = topology_.jurisdiction(scope)) {
        regions.push_back(topology_.writer_region(*jurisdiction));
        for (std::uint16_t i = 0; i < topology_.regions.size(); ++i) {
            const topology::RegionIndex region(i);
            if (topology_.at(region).jurisdiction == *jurisdiction && region != regions.front()) {
                regions.push_back(region);
            }
        }
    } else {
        return base::fail(Code::configuration, "There is no jurisdiction " + std::string(scope) + ".",
                          "Name one of the topology.");
    }
    return over(std::string(scope), std::move(regions));
}

base::Result<vault::Vault> Secrets::vault(const topology::SharedSecret& secret) const {
    std::vector<topology::RegionIndex> regions;
    for (const auto jurisdiction : secret.jurisdictions) {
        const auto writer = topology_.writer_region(jurisdiction);
        regions.push_back(writer);
        for (std::uint16_t i = 0; i < topology_.regions.size(); ++i) {
            const topology::RegionIndex region(i);
            if (topology_.at(region).jurisdiction == jurisdiction && region != writer) {
                regions.push_back(region);
            }
        }
    }
    return over(std::string(shared_scope), std::move(regions));
}

base::Result<Text> Secrets::text(std::string_view scope, std::string_view name) const {
    const auto secrets = vault(scope);
    auto value = secrets ? secrets->get(name) : base::Result<vault::Value>(std::unexpected(secrets.error()));
    if (!value) {
        return std::unexpected(unreadable(std::move(value.error()), scope, name));
    }
    return std::move(value->value);
}

base::Result<vault::DatabaseLogin> Secrets::login(std::string_view scope, std::string_view role) const {
    const auto value = text(scope, login_secret(role));
    return value ? vault::parse_login(*value) : std::unexpected(value.error());
}

base::Result<std::shared_ptr<cloud::KeyService>> Secrets::keys_of(std::string_view jurisdiction) const {
    const auto index = topology_.jurisdiction(jurisdiction);
    if (!index || (near_ && topology_.at(*near_).jurisdiction != *index)) {
        return base::fail(Code::configuration,
                          "The keys of " + std::string(jurisdiction) + " are out of reach from here.",
                          "A region holds those of its own jurisdiction.");
    }
    return place(topology_.writer_region(*index)).keys;
}

base::Status Secrets::make_scope(std::string_view scope) const {
    const auto secrets = vault(scope);
    if (!secrets) {
        return std::unexpected(secrets.error());
    }
    const auto present = secrets->list();
    if (!present) {
        return std::unexpected(present.error());
    }
    const auto missing = [&](const std::string& name) {
        return std::ranges::find(*present, name) == present->end();
    };
    const auto put = [&](const std::string& name, const Text& value) -> base::Status {
        const auto done = secrets->put(name, value);
        return done ? base::Status() : std::unexpected(done.error());
    };
    std::vector<std::string_view> roles(all_roles.begin(), all_roles.end());
    if (scope == central_scope) {
        roles.insert(roles.end(), central_roles.begin(), central_roles.end());
    }
    for (const auto role : roles) {
        const auto name = login_secret(role);
        if (!missing(name)) {
            continue;
        }
        if (auto done = put(name, vault::to_text(vault::make_login(std::string(role), 0))); !done) {
            return done;
        }
    }
    for (const auto& login : {logins[0], logins[1], superuser_login}) {
        const std::string name = "login/" + std::string(login.name);
        const std::string verifier = "verifier/" + std::string(login.name);
        if (scope == central_scope || (!missing(name) && !missing(verifier))) {
            continue;  // central has no doors
        }
        const Text password(crypto::random_token(password_bytes));
        if (auto done = put(name, password); !done) {
            return done;
        }
        if (auto done = put(verifier, Text(scram_verifier(password))); !done) {
            return done;
        }
    }
    return {};
}

base::Status Secrets::make(const RunAs& user) const {
    if (topology_.vault.driver == topology::Vault::Driver::local) {
        for (const auto& region : topology_.regions) {
            for (const auto& folder : {state_.vault(region.name), state_.keys(region.name)}) {
                for (const auto& one : {folder.parent_path(), folder}) {
                    if (auto made = make_private_folder(one, user); !made) {
                        return made;
                    }
                }
            }
        }
    }
    std::vector<std::string> scopes;
    for (const auto& jurisdiction : topology_.jurisdictions) {
        if (topology_.central && jurisdiction.name == central_scope) {
            return base::fail(
                Code::configuration,
                "a jurisdiction named `central` would share its secrets with the central database",
                "give the jurisdiction another name");
        }
        scopes.push_back(jurisdiction.name);
    }
    if (topology_.central) {
        scopes.emplace_back(central_scope);
    }
    for (const auto& scope : scopes) {
        if (auto made = make_scope(scope); !made) {
            return made;
        }
        if (auto made = make_private_folder(state_.secrets() / scope, user); !made) {
            return made;
        }
        if (auto written = write_passfile(scope, user); !written) {
            return written;
        }
    }
    return topology_.central ? share_central() : base::Status();
}

base::Status Secrets::share_central() const {
    const auto login = text(central_scope, login_secret(roles::figures));
    if (!login) {
        return std::unexpected(login.error());
    }
    for (const auto& jurisdiction : topology_.jurisdictions) {
        const auto own = vault(jurisdiction.name);
        if (!own) {
            return std::unexpected(own.error());
        }
        const auto present = own->get(figures_secret);
        if (present && present->value.reveal() == login->reveal()) {
            continue;
        }
        if (const auto put = own->put(figures_secret, *login); !put) {
            return std::unexpected(put.error());
        }
    }
    return {};
}

base::Status Secrets::write_passfile(std::string_view scope, const RunAs& user) const {
    const auto secrets = vault(scope);
    if (!secrets) {
        return std::unexpected(secrets.error());
    }
    std::string lines;
    for (const auto stage : {vault::Stage::current, vault::Stage::pending, vault::Stage::previous}) {
        const auto value = secrets->get(login_secret(roles::replication), stage);
        if (!value) {
            if (stage != vault::Stage::current && value.error().code == Code::not_found) {
                continue;
            }
            return std::unexpected(unreadable(value.error(), scope, login_secret(roles::replication)));
        }
        const auto login = vault::parse_login(value->value);
        if (!login) {
            return std::unexpected(login.error());
        }
        // libpq takes the first line that fits: a pending password stands before the one it replaces.
        lines += "*:*:*:" + login->user + ":" + login->password.reveal() + "\n";
    }
    const Text text(std::move(lines));
    return write_file(passfile(state_, scope), text.reveal(), 0600, &user);
}

fs::path passfile(const StateDir& state, std::string_view scope) {
    return state.secret(scope, std::string(roles::replication) + ".pgpass");
}

std::string scram_verifier(const Text& password) {
    const auto digest = crypto::hmac_sha256(password.reveal(), "domicile scram salt");
    const auto salt = crypto::view(digest).substr(0, scram_salt_bytes);
    const auto salted = crypto::scram_salted_password(password.reveal(), salt, scram_iterations);
    const auto client_key = crypto::hmac_sha256(crypto::view(salted), "Client Key");
    const auto stored_key = crypto::sha256(crypto::view(client_key));
    const auto server_key = crypto::hmac_sha256(crypto::view(salted), "Server Key");
    return "SCRAM-SHA-256$" + std::to_string(scram_iterations) + ":" + crypto::base64(salt) + "$" +
           crypto::base64(crypto::view(stored_key)) + ":" + crypto::base64(crypto::view(server_key));
}

}  // namespace domicile::fleet

#include "fleet/issuer.hpp"

#include "crypto/random.hpp"
#include "iam/token.hpp"

#include <algorithm>
#include <vector>

namespace domicile::fleet {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kept_keys = 4;

constexpr std::string_view issuer_secret = "issuer-key";
constexpr std::string_view pseudonym_secret = "pseudonym-key";
constexpr std::string_view dispatch_secret = "dispatch-key";

/// The newest key first; what verifies older tokens behind it.
base::Status add_key(const Secrets& secrets, std::string_view jurisdiction) {
    const StateDir& state = secrets.state();
    const auto vault = secrets.vault(jurisdiction);
    if (!vault) {
        return std::unexpected(vault.error());
    }
    const auto key = crypto::SigningKey::generate(crypto::SignatureAlgorithm::eddsa);
    if (!key) {
        return std::unexpected(key.error());
    }
    std::vector<iam::IssuerKey> keys = {{iam::thumbprint(key->verifying()), key->verifying()}};
    if (const auto present = read_file(issuer_keys(state, jurisdiction))) {
        if (auto old = iam::parse_jwks(*present)) {
            for (auto& one : *old) {
                if (keys.size() < kept_keys) {
                    keys.push_back(std::move(one));
                }
            }
        }
    }
    // The public half first: no token is signed by a key that nobody can check.
    if (auto written =
            write_file(issuer_keys(state, jurisdiction), iam::render_jwks(keys) + "\n", 0644, nullptr);
        !written) {
        return written;
    }
    const auto put = vault->put(issuer_secret, key->pem());
    return put ? base::Status() : std::unexpected(put.error());
}

}  // namespace

fs::path issuer_keys(const StateDir& state, std::string_view jurisdiction) {
    return state.root() / "issuers" / (std::string(jurisdiction) + ".jwks");
}

fs::path access_folder(const StateDir& state, std::string_view region) {
    return state.root() / "access" / std::string(region);
}

base::Status make_issuers(const Secrets& secrets, const RunAs& user) {
    const StateDir& state = secrets.state();
    const topology::Topology& topology = secrets.topology();
    std::error_code error;
    for (const char* folder : {"issuers", "access", "regions", "objects"}) {
        fs::create_directories(state.root() / folder, error);
        if (error) {
            return base::fail(base::Code::configuration,
                              "cannot make " + (state.root() / folder).string() + ": " + error.message());
        }
    }
    for (const auto& jurisdiction : topology.jurisdictions) {
        const auto vault = secrets.vault(jurisdiction.name);
        const auto present = vault ? vault->list() : std::unexpected(vault.error());
        if (!present) {
            return std::unexpected(present.error());
        }
        const auto missing = [&](std::string_view name) {
            return std::ranges::find(*present, name) == present->end();
        };
        if (missing(issuer_secret) || !fs::exists(issuer_keys(state, jurisdiction.name))) {
            if (auto made = add_key(secrets, jurisdiction.name); !made) {
                return made;
            }
        }
        if (missing(dispatch_secret)) {
            const auto key = crypto::SigningKey::generate(crypto::SignatureAlgorithm::eddsa);
            const auto put = key ? vault->put(dispatch_secret, key->pem()) : std::unexpected(key.error());
            if (!put) {
                return std::unexpected(put.error());
            }
        }
        if (missing(pseudonym_secret)) {
            const base::Secret<std::string> key(crypto::random_token(32));
            if (const auto made = vault->put(pseudonym_secret, key); !made) {
                return std::unexpected(made.error());
            }
        }
    }
    for (const auto& jurisdiction : topology.jurisdictions) {
        if (auto made = make_private_folder(state.objects(jurisdiction.name), user); !made) {
            return made;
        }
    }
    if (auto made = make_private_folder(state.delivered(), user); !made) {
        return made;
    }
    for (const auto& region : topology.regions) {
        for (const auto& folder : {access_folder(state, region.name), state.region(region.name)}) {
            if (auto made = make_private_folder(folder, user); !made) {
                return made;
            }
        }
    }
    return {};
}

base::Status roll_issuer(const Secrets& secrets, std::string_view jurisdiction) {
    if (const auto present = secrets.text(jurisdiction, issuer_secret); !present) {
        return std::unexpected(present.error());
    }
    return add_key(secrets, jurisdiction);
}

base::Result<crypto::SigningKey> read_issuer(const Secrets& secrets, std::string_view jurisdiction) {
    const auto text = secrets.text(jurisdiction, issuer_secret);
    return text ? crypto::SigningKey::from_pem(*text) : std::unexpected(text.error());
}

base::Result<crypto::SigningKey> read_dispatch_key(const Secrets& secrets, std::string_view jurisdiction) {
    const auto text = secrets.text(jurisdiction, dispatch_secret);
    return text ? crypto::SigningKey::from_pem(*text) : std::unexpected(text.error());
}

base::Result<base::Secret<std::string>> read_pseudonym_key(const Secrets& secrets,
                                                           std::string_view jurisdiction) {
    return secrets.text(jurisdiction, pseudonym_secret);
}

}  // namespace domicile::fleet

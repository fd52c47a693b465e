#include "fleet/issuer.hpp"

#include "crypto/random.hpp"
#include "iam/token.hpp"

#include <vector>

namespace domicile::fleet {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kept_keys = 4;

fs::path key_file(const StateDir& state, std::string_view jurisdiction) {
    return state.secret(jurisdiction, "issuer.key");
}
fs::path pseudonym_file(const StateDir& state, std::string_view jurisdiction) {
    return state.secret(jurisdiction, "pseudonym.key");
}

/// The newest key first; what verifies older tokens behind it.
base::Status add_key(const StateDir& state, std::string_view jurisdiction, const RunAs& user) {
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
    return write_file(key_file(state, jurisdiction), key->pem().reveal(), 0600, &user);
}

}  // namespace

fs::path issuer_keys(const StateDir& state, std::string_view jurisdiction) {
    return state.root() / "issuers" / (std::string(jurisdiction) + ".jwks");
}

fs::path access_folder(const StateDir& state, std::string_view region) {
    return state.root() / "access" / std::string(region);
}

base::Status make_issuers(const topology::Topology& topology, const StateDir& state, const RunAs& user) {
    std::error_code error;
    for (const char* folder : {"issuers", "access"}) {
        fs::create_directories(state.root() / folder, error);
        if (error) {
            return base::fail(base::Code::configuration,
                              "cannot make " + (state.root() / folder).string() + ": " + error.message());
        }
    }
    for (const auto& jurisdiction : topology.jurisdictions) {
        if (!fs::exists(key_file(state, jurisdiction.name)) ||
            !fs::exists(issuer_keys(state, jurisdiction.name))) {
            if (auto made = add_key(state, jurisdiction.name, user); !made) {
                return made;
            }
        }
        if (!fs::exists(pseudonym_file(state, jurisdiction.name))) {
            if (auto made = write_file(pseudonym_file(state, jurisdiction.name), crypto::random_token(32),
                                       0600, &user);
                !made) {
                return made;
            }
        }
    }
    for (const auto& region : topology.regions) {
        if (auto made = make_private_folder(access_folder(state, region.name), user); !made) {
            return made;
        }
    }
    return {};
}

base::Status roll_issuer(const StateDir& state, std::string_view jurisdiction, const RunAs& user) {
    if (!fs::exists(key_file(state, jurisdiction))) {
        return base::fail(base::Code::configuration, "there is no issuer in " + std::string(jurisdiction),
                          "`domicile up` makes it");
    }
    return add_key(state, jurisdiction, user);
}

base::Result<crypto::SigningKey> read_issuer(const StateDir& state, std::string_view jurisdiction) {
    auto text = read_file(key_file(state, jurisdiction));
    if (!text) {
        return base::fail(
            base::Code::configuration, "cannot read the signing key of " + std::string(jurisdiction),
            "`domicile up` makes it; only the user who runs the system may read it", text.error().text);
    }
    return crypto::SigningKey::from_pem(base::Secret<std::string>(std::move(*text)));
}

base::Result<base::Secret<std::string>> read_pseudonym_key(const StateDir& state,
                                                           std::string_view jurisdiction) {
    auto text = read_file(pseudonym_file(state, jurisdiction));
    if (!text || text->empty()) {
        return base::fail(base::Code::configuration,
                          "cannot read the pseudonym key of " + std::string(jurisdiction),
                          "`domicile up` makes it");
    }
    return base::Secret<std::string>(std::move(*text));
}

}  // namespace domicile::fleet

#include "fleet/passwords.hpp"

#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "crypto/scram.hpp"
#include "fleet/text.hpp"

#include <unistd.h>

namespace domicile::fleet {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t password_bytes = 32;
// PostgreSQL: SCRAM_DEFAULT_ITERATIONS, SCRAM_DEFAULT_SALT_LEN. Stretching adds nothing to 256 random bits.
constexpr int scram_iterations = 4096;
constexpr std::size_t scram_salt_bytes = 16;

base::Status make_folder_of(const StateDir& state, const RunAs& user, std::string_view folder) {
    if (auto made = make_private_folder(state.secrets() / std::string(folder), user); !made) {
        return made;
    }
    for (const auto role : all_roles) {
        const auto file = state.secret(folder, role);
        if (::access(file.c_str(), F_OK) == 0) {
            continue;
        }
        const base::Secret<std::string> password(crypto::random_token(password_bytes));
        if (auto written = write_file(file, password.reveal(), 0600, &user); !written) {
            return written;
        }
    }
    for (const auto& login : {logins[0], logins[1], superuser_login}) {
        const auto file = state.secret(folder, login_file(login.name));
        const auto verifier = state.secret(folder, login_file(login.name) + ".verifier");
        if (::access(file.c_str(), F_OK) == 0 && ::access(verifier.c_str(), F_OK) == 0) {
            continue;
        }
        const base::Secret<std::string> made(crypto::random_token(password_bytes));
        if (auto written = write_file(file, made.reveal(), 0600, &user); !written) {
            return written;
        }
        if (auto written = write_file(verifier, scram_verifier(made), 0600, &user); !written) {
            return written;
        }
    }
    const auto password = read_password(state.root(), folder, roles::replication);
    if (!password) {
        return std::unexpected(password.error());
    }
    const base::Secret<std::string> line("*:*:*:" + std::string(roles::replication) + ":" +
                                         password->reveal() + "\n");
    return write_file(passfile(state, folder), line.reveal(), 0600, &user);
}

}  // namespace

std::string secrets_folder(const topology::Topology& topology, const topology::Node& node) {
    if (node.shard.value >= topology.shards.size()) {
        return std::string(central_secrets);
    }
    return topology.at(topology.at(node.shard).jurisdiction).name;
}

base::Status make_passwords(const topology::Topology& topology, const StateDir& state, const RunAs& user) {
    for (const auto& jurisdiction : topology.jurisdictions) {
        if (topology.central && jurisdiction.name == central_secrets) {
            return base::fail(
                base::Code::configuration,
                "a jurisdiction named `central` would share its passwords with the central database",
                "give the jurisdiction another name");
        }
        if (auto made = make_folder_of(state, user, jurisdiction.name); !made) {
            return made;
        }
    }
    return topology.central ? make_folder_of(state, user, central_secrets) : base::Status();
}

base::Result<base::Secret<std::string>> read_password(const fs::path& state, std::string_view jurisdiction,
                                                      std::string_view role) {
    auto text = read_file(StateDir(state).secret(jurisdiction, role));
    if (!text) {
        auto error = std::move(text.error());
        error.text =
            "cannot read the password of role " + std::string(role) + " in " + std::string(jurisdiction);
        error.hint = "`domicile up` makes it; only the user who runs the system may read it";
        return std::unexpected(std::move(error));
    }
    if (text->empty()) {
        return base::fail(base::Code::configuration, "the password of role " + std::string(role) + " in " +
                                                         std::string(jurisdiction) + " is empty");
    }
    return base::Secret<std::string>(std::move(*text));
}

std::string login_file(std::string_view name) {
    return "login_" + std::string(name);
}

base::Result<std::string> read_verifier(const fs::path& state, std::string_view jurisdiction,
                                        std::string_view name) {
    return read_file(StateDir(state).secret(jurisdiction, login_file(name) + ".verifier"));
}

fs::path passfile(const StateDir& state, std::string_view jurisdiction) {
    return state.secret(jurisdiction, std::string(roles::replication) + ".pgpass");
}

std::string scram_verifier(const base::Secret<std::string>& password) {
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

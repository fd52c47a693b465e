#include "fleet/mesh_authority.hpp"

#include <algorithm>

namespace domicile::fleet {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view key_secret = "mesh-ca-key";
constexpr std::chrono::days authority_valid{3'650};
constexpr std::chrono::days renew_before{30};

}  // namespace

base::Status make_mesh_authorities(const Secrets& secrets) {
    const auto& topology = secrets.topology();
    for (std::uint16_t i = 0; i < topology.jurisdictions.size(); ++i) {
        const auto& jurisdiction = topology.jurisdictions[i].name;
        const bool meshed = std::ranges::any_of(topology.regions, [&](const auto& region) {
            return region.jurisdiction.value == i && region.mesh.port != 0;
        });
        if (!meshed) {
            continue;
        }
        const auto file = secrets.state().mesh_authority(jurisdiction);
        const auto vault = secrets.vault(jurisdiction);
        if (!vault) {
            return std::unexpected(vault.error());
        }
        const auto present = read_file(file);
        const auto key = vault->get(key_secret);
        if (present && key && crypto::is_good(*present, *present, renew_before)) {
            continue;
        }
        if (!key && key.error().code != base::Code::not_found) {
            return std::unexpected(key.error());
        }
        const auto made = crypto::make_authority(topology.name + " mesh of " + jurisdiction, authority_valid);
        if (!made) {
            return std::unexpected(made.error());
        }
        if (const auto put = vault->put(key_secret, made->key); !put) {
            return std::unexpected(put.error());
        }
        std::error_code error;
        fs::create_directories(file.parent_path(), error);
        if (auto written = write_file(file, made->certificate, 0644, nullptr); !written) {
            return written;
        }
    }
    return {};
}

base::Result<crypto::Identity> mesh_authority(const Secrets& secrets, std::string_view jurisdiction) {
    auto certificate = read_file(secrets.state().mesh_authority(jurisdiction));
    if (!certificate) {
        return std::unexpected(std::move(certificate.error()));
    }
    auto key = secrets.text(jurisdiction, key_secret);
    if (!key) {
        return std::unexpected(std::move(key.error()));
    }
    return crypto::Identity{std::move(*certificate), std::move(*key)};
}

std::map<std::string, std::string> mesh_authorities(const topology::Topology& topology,
                                                    const StateDir& state) {
    std::map<std::string, std::string> found;
    for (const auto& jurisdiction : topology.jurisdictions) {
        if (auto certificate = read_file(state.mesh_authority(jurisdiction.name))) {
            found.emplace(jurisdiction.name, std::move(*certificate));
        }
    }
    return found;
}

}  // namespace domicile::fleet

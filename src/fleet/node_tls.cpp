#include "fleet/node_tls.hpp"

#include "crypto/certificate.hpp"
#include "fleet/secrets.hpp"

#include <vector>

namespace domicile::fleet {
namespace {

using std::chrono::days;

constexpr days authority_valid{3'650};
constexpr days node_valid{397};
constexpr days renew_before{30};
constexpr std::string_view key_secret = "node-ca-key";

/// The jurisdiction's authority; made when it is not there, or ends before what it would sign.
base::Result<crypto::Identity> authority(const Context& context, const std::string& jurisdiction) {
    const auto certificate_file = context.state.node_authority(jurisdiction);
    const auto vault = context.secrets.vault(jurisdiction);
    if (!vault) {
        return std::unexpected(vault.error());
    }
    auto certificate = read_file(certificate_file);
    auto key = vault->get(key_secret);
    if (certificate && key && crypto::is_good(*certificate, *certificate, node_valid)) {
        return crypto::Identity{std::move(*certificate), std::move(key->value)};
    }
    auto made = crypto::make_authority(context.topology.name + " nodes of " + jurisdiction, authority_valid);
    if (!made) {
        return made;
    }
    if (const auto put = vault->put(key_secret, made->key); !put) {
        return std::unexpected(put.error());
    }
    if (auto written = write_file(certificate_file, made->certificate, 0644, &context.user); !written) {
        return std::unexpected(std::move(written.error()));
    }
    return made;
}

}  // namespace

base::Status ensure_node_certificate(const Context& context, const topology::Node& node) {
    const auto signer = authority(context, scope_of(context.topology, node));
    if (!signer) {
        return std::unexpected(signer.error());
    }
    const auto data = context.state.data(node.name);
    const auto present = read_file(data / "server.crt");
    if (present && crypto::is_good(*present, signer->certificate, renew_before)) {
        return {};
    }
    const std::vector<std::string> hosts = {node.address.host};
    const auto made = crypto::make_certificate(*signer, node.name, hosts, node_valid);
    if (!made) {
        return std::unexpected(made.error());
    }
    if (auto written = write_file(data / "server.key", made->key.reveal(), 0600, &context.user); !written) {
        return written;
    }
    return write_file(data / "server.crt", made->certificate, 0600, &context.user);
}

}  // namespace domicile::fleet

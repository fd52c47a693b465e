#include "mesh/identity.hpp"

#include "crypto/openssl.hpp"
#include "mesh/routes.hpp"

#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace domicile::mesh {
namespace {

using base::Code;

using Certificate = std::unique_ptr<X509, crypto::Freer<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, crypto::Freer<EVP_PKEY_free>>;

crypto::Bio reader(const std::string& text) {
    return crypto::Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Certificate certificate_of(const std::string& pem) {
    const auto bio = reader(pem);
    return Certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

base::Result<TlsContext> context_of(bool server, const crypto::Identity& own,
                                    const std::map<std::string, std::string>& authorities) {
    TlsContext context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()), &SSL_CTX_free);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    // Every connection shows its certificate anew.
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context.get(), 0);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    const auto certificate = certificate_of(own.certificate);
    const auto key_bio = reader(own.key.reveal());
    const Key key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
    bool good = certificate != nullptr && key != nullptr &&
                SSL_CTX_use_certificate(context.get(), certificate.get()) == 1 &&
                SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1;
    for (const auto& [jurisdiction, pem] : authorities) {
        const auto authority = certificate_of(pem);
        good = good && authority != nullptr &&
               X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority.get()) == 1;
    }
    if (!good) {
        return base::fail(Code::configuration, "A certificate of the mesh cannot be used.",
                          "Remove the file under STATE/mesh that is damaged; `domicile up` makes it anew.");
    }
    return context;
}

}  // namespace

Identity::Identity(const topology::Topology& topology, topology::RegionIndex region, Authority authority,
                   Trusted trusted)
    : topology_(topology), region_(region), authority_(std::move(authority)), trusted_(std::move(trusted)) {}

base::Status Identity::renew() {
    const auto authority = authority_();
    if (!authority) {
        return std::unexpected(authority.error());
    }
    const std::string name = certificate_name(topology_, region_);
    const std::vector<std::string> hosts = {name};
    // Its subject carries the role; 64 bytes at most (RFC 5280, ub-common-name).
    const auto own = crypto::make_certificate(*authority, "mesh", hosts, valid);
    if (!own) {
        return std::unexpected(own.error());
    }
    auto authorities = trusted_();
    const auto server = context_of(true, *own, authorities);
    const auto client = context_of(false, *own, authorities);
    if (!server || !client) {
        return std::unexpected(server ? client.error() : server.error());
    }
    const std::lock_guard lock(mutex_);
    contexts_ = {*server, *client};
    authorities_ = std::move(authorities);
    return {};
}

Contexts Identity::contexts() const {
    const std::lock_guard lock(mutex_);
    return contexts_;
}

std::optional<topology::RegionIndex> Identity::recognise(const std::string& pem) const {
    for (const std::string& name : crypto::dns_names(pem)) {
        const auto region = region_of(topology_, name);
        if (!region) {
            continue;
        }
        const std::lock_guard lock(mutex_);
        const auto authority = authorities_.find(topology_.at(topology_.at(*region).jurisdiction).name);
        if (authority != authorities_.end() &&
            crypto::is_good(pem, authority->second, std::chrono::seconds{0})) {
            return region;
        }
    }
    return std::nullopt;
}

}  // namespace domicile::mesh

#include "vault/envelope.hpp"

#include "crypto/aead.hpp"

namespace domicile::vault {
namespace {

constexpr std::string_view magic = "DOMV1";
constexpr std::size_t head_bytes = magic.size() + 2;
constexpr std::size_t sealed_bytes_max = 1U << 20U;

}  // namespace

base::Result<std::string> seal(cloud::KeyService& keys, const base::Secret<std::string>& plain,
                               const cloud::EncryptionContext& context) {
    const auto key = keys.generate(context);
    if (!key) {
        return std::unexpected(key.error());
    }
    if (key->wrapped.size() > 0xFFFF) {
        return base::fail(base::Code::protocol_violation, "The key service gives a key that is too long.");
    }
    std::string sealed(magic);
    sealed += static_cast<char>(key->wrapped.size() >> 8U);
    sealed += static_cast<char>(key->wrapped.size() & 0xFFU);
    sealed += key->wrapped;
    sealed += crypto::aead_seal(key->plain, plain.reveal(), cloud::bound_to(sealed, context));
    return sealed;
}

base::Result<base::Secret<std::string>> open(cloud::KeyService& keys, std::string_view sealed,
                                             const cloud::EncryptionContext& context) {
    const auto damaged = [] {
        return base::fail(base::Code::invalid_value, "The sealed value is not what was sealed.");
    };
    if (sealed.size() < head_bytes || !sealed.starts_with(magic) || sealed.size() > sealed_bytes_max) {
        return damaged();
    }
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(sealed[at]); };
    const std::size_t wrapped = (std::size_t{byte(magic.size())} << 8U) + byte(magic.size() + 1);
    if (sealed.size() < head_bytes + wrapped) {
        return damaged();
    }
    const auto key = keys.unwrap(sealed.substr(head_bytes, wrapped), context);
    if (!key) {
        return std::unexpected(key.error());
    }
    auto plain = crypto::aead_open(*key, sealed.substr(head_bytes + wrapped),
                                   cloud::bound_to(sealed.substr(0, head_bytes + wrapped), context));
    if (!plain) {
        return damaged();
    }
    return plain;
}

}  // namespace domicile::vault

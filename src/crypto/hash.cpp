#include "crypto/hash.hpp"

#include "base/assert.hpp"

#include <charconv>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

namespace domicile::crypto {
namespace {
const unsigned char* raw(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
}  // namespace

Digest sha256(std::string_view bytes) {
    Digest digest;
    SHA256(raw(bytes), bytes.size(), digest.data());
    return digest;
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    DOMICILE_ASSERT(context_ != nullptr &&
                    EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() {
    EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
}

void Sha256::add(std::string_view bytes) {
    DOMICILE_ASSERT(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()) == 1);
}

Digest Sha256::take() {
    Digest digest{};
    DOMICILE_ASSERT(EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), digest.data(), nullptr) == 1 &&
                    EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr) == 1);
    return digest;
}

Digest hmac_sha256(std::string_view key, std::string_view bytes) {
    Digest digest;
    unsigned size = 0;
    DOMICILE_ASSERT(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw(bytes), bytes.size(),
                         digest.data(), &size) != nullptr);
    return digest;
}

Digest pbkdf2_sha256(std::string_view password, std::string_view salt, int iterations) {
    Digest digest;
    DOMICILE_ASSERT(iterations > 0);
    DOMICILE_ASSERT(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), raw(salt),
                                      static_cast<int>(salt.size()), iterations, EVP_sha256(),
                                      static_cast<int>(digest.size()), digest.data()) == 1);
    return digest;
}

std::optional<Digest> digest_of(std::string_view hex) {
    Digest digest;
    if (hex.size() != 2 * digest.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < digest.size(); ++i) {
        const auto [end, error] = std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, digest[i], 16);
        if (error != std::errc{} || end != hex.data() + 2 * i + 2) {
            return std::nullopt;
        }
    }
    return digest;
}

std::string hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        out += digits[static_cast<unsigned char>(c) >> 4U];
        out += digits[static_cast<unsigned char>(c) & 15U];
    }
    return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace domicile::crypto

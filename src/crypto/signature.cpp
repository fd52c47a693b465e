#include "crypto/signature.hpp"

#include "crypto/base64.hpp"
#include "crypto/openssl.hpp"

#include <array>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

namespace domicile::crypto {
namespace {

using base::Code;

using Digest = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Freer<BN_clear_free>>;
using Sums = std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>>;
using Key = std::shared_ptr<EVP_PKEY>;

constexpr std::size_t p256_bytes = 32;
constexpr int rsa_bits_min = 2'048;  // RFC 7518 section 3.3
constexpr int rsa_bits_max = 8'192;  // what it costs to verify grows with the square

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::unexpected<base::Error> no_key() {
    return base::fail(Code::invalid_value, "The key is none of Ed25519, P-256, or RSA of 2048 to 8192 bits.");
}

Key own(EVP_PKEY* key) {
    return {key, [](EVP_PKEY* held) { EVP_PKEY_free(held); }};
}

/// Null for Ed25519, which hashes by itself.
const EVP_MD* hash_of(SignatureAlgorithm algorithm) {
    return algorithm == SignatureAlgorithm::eddsa ? nullptr : EVP_sha256();
}

std::string big_endian(EVP_PKEY* key, const char* parameter, std::size_t width) {
    BIGNUM* read = nullptr;
    if (EVP_PKEY_get_bn_param(key, parameter, &read) != 1) {
        return {};
    }
    const Number number(read);
    const auto least = static_cast<std::size_t>(BN_num_bytes(number.get()));
    std::string text(std::max(least, width), '\0');
    BN_bn2binpad(number.get(), reinterpret_cast<unsigned char*>(text.data()), static_cast<int>(text.size()));
    return text;
}

/// r and s side by side, from DER.
std::optional<std::string> flat(std::string_view der) {
    const unsigned char* at = bytes(der);
    const Sums sums(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    if (!sums) {
        return std::nullopt;
    }
    std::string text(2 * p256_bytes, '\0');
    auto* out = reinterpret_cast<unsigned char*>(text.data());
    if (BN_bn2binpad(ECDSA_SIG_get0_r(sums.get()), out, p256_bytes) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(sums.get()), out + p256_bytes, p256_bytes) < 0) {
        return std::nullopt;
    }
    return text;
}

std::optional<std::string> der(std::string_view flat_text) {
    if (flat_text.size() != 2 * p256_bytes) {
        return std::nullopt;
    }
    const Sums sums(ECDSA_SIG_new());
    BIGNUM* r = BN_bin2bn(bytes(flat_text), p256_bytes, nullptr);
    BIGNUM* s = BN_bin2bn(bytes(flat_text) + p256_bytes, p256_bytes, nullptr);
    if (!sums || r == nullptr || s == nullptr || ECDSA_SIG_set0(sums.get(), r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return std::nullopt;
    }
    unsigned char* made = nullptr;
    const int size = i2d_ECDSA_SIG(sums.get(), &made);
    if (size <= 0) {
        return std::nullopt;
    }
    std::string text(reinterpret_cast<char*>(made), static_cast<std::size_t>(size));
    OPENSSL_free(made);
    return text;
}

Key from_parameters(const char* kind, OSSL_PARAM* parameters) {
    const Context context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
    EVP_PKEY* key = nullptr;
    if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
        return nullptr;
    }
    return own(key);
}

}  // namespace

std::string_view name(SignatureAlgorithm algorithm) noexcept {
    switch (algorithm) {
        case SignatureAlgorithm::rs256: return "RS256";
        case SignatureAlgorithm::es256: return "ES256";
        case SignatureAlgorithm::eddsa: break;
    }
    return "EdDSA";
}

std::optional<SignatureAlgorithm> signature_algorithm(std::string_view text) noexcept {
    for (const auto algorithm :
         {SignatureAlgorithm::rs256, SignatureAlgorithm::es256, SignatureAlgorithm::eddsa}) {
        if (text == name(algorithm)) {
            return algorithm;
        }
    }
    return std::nullopt;
}

base::Result<VerifyingKey> VerifyingKey::checked(std::shared_ptr<evp_pkey_st> key) {
    if (!key) {
        return no_key();
    }
    std::array<char, 32> group{};
    switch (EVP_PKEY_get_base_id(key.get())) {
        case EVP_PKEY_ED25519: return VerifyingKey(std::move(key), SignatureAlgorithm::eddsa);
        case EVP_PKEY_EC:
            // A point off the curve is refused where the key is made.
            if (EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), nullptr) != 1 ||
                std::string_view(group.data()) != "prime256v1") {
                return no_key();
            }
            return VerifyingKey(std::move(key), SignatureAlgorithm::es256);
        case EVP_PKEY_RSA: {
            const int bits = EVP_PKEY_get_bits(key.get());
            if (bits < rsa_bits_min || bits > rsa_bits_max) {
                return no_key();
            }
            return VerifyingKey(std::move(key), SignatureAlgorithm::rs256);
        }
        default: return no_key();
    }
}

base::Result<VerifyingKey> VerifyingKey::from_pem(std::string_view pem) {
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return checked(bio ? own(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr)) : nullptr);
}

base::Result<VerifyingKey> VerifyingKey::from_ed25519(std::string_view raw) {
    return checked(own(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(raw), raw.size())));
}

base::Result<VerifyingKey> VerifyingKey::from_p256(std::string_view x, std::string_view y) {
    if (x.size() != p256_bytes || y.size() != p256_bytes) {
        return no_key();
    }
    std::string point = "\x04";  // SEC 1 section 2.3.3: uncompressed
    point.append(x).append(y);
    std::string group = "prime256v1";
    std::array parameters = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size()),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
        OSSL_PARAM_construct_end()};
    return checked(from_parameters("EC", parameters.data()));
}

base::Result<VerifyingKey> VerifyingKey::from_rsa(std::string_view n, std::string_view e) {
    if (n.size() > rsa_bits_max / 8 || e.size() > 8) {
        return no_key();
    }
    const Number modulus(BN_bin2bn(bytes(n), static_cast<int>(n.size()), nullptr));
    const Number exponent(BN_bin2bn(bytes(e), static_cast<int>(e.size()), nullptr));
    // An exponent of 1 or an even one would accept what nobody signed.
    if (!modulus || !exponent || BN_num_bits(exponent.get()) < 2 || BN_is_odd(exponent.get()) == 0) {
        return no_key();
    }
    const std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>> builder(OSSL_PARAM_BLD_new());
    if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
        return no_key();
    }
    const std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>> parameters(
        OSSL_PARAM_BLD_to_param(builder.get()));
    return checked(parameters ? from_parameters("RSA", parameters.get()) : nullptr);
}

bool VerifyingKey::verify(std::string_view message, std::string_view signature) const {
    std::optional<std::string> converted;
    if (algorithm_ == SignatureAlgorithm::es256) {
        converted = der(signature);
        if (!converted) {
            return false;
        }
        signature = *converted;
    }
    const Digest context(EVP_MD_CTX_new());
    return context &&
           EVP_DigestVerifyInit(context.get(), nullptr, hash_of(algorithm_), nullptr, key_.get()) == 1 &&
           EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
                            message.size()) == 1;
}

std::vector<std::pair<std::string, std::string>> VerifyingKey::jwk() const {
    switch (algorithm_) {
        case SignatureAlgorithm::eddsa: {
            std::string raw(32, '\0');
            std::size_t size = raw.size();
            EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
            return {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", base64url(raw)}};
        }
        case SignatureAlgorithm::es256:
            return {{"kty", "EC"},
                    {"crv", "P-256"},
                    {"x", base64url(big_endian(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, p256_bytes))},
                    {"y", base64url(big_endian(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, p256_bytes))}};
        case SignatureAlgorithm::rs256: break;
    }
    return {{"kty", "RSA"},
            {"n", base64url(big_endian(key_.get(), OSSL_PKEY_PARAM_RSA_N, 1))},
            {"e", base64url(big_endian(key_.get(), OSSL_PKEY_PARAM_RSA_E, 1))}};
}

base::Result<SigningKey> SigningKey::generate(SignatureAlgorithm algorithm) {
    EVP_PKEY* made = nullptr;
    switch (algorithm) {
        case SignatureAlgorithm::rs256: made = EVP_RSA_gen(3'072); break;
        case SignatureAlgorithm::es256: made = EVP_EC_gen("P-256"); break;
        case SignatureAlgorithm::eddsa: made = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"); break;
    }
    if (made == nullptr) {
        return base::fail(Code::internal, "A signing key cannot be made.");
    }
    return SigningKey(VerifyingKey(own(made), algorithm));
}

base::Result<SigningKey> SigningKey::from_pem(const base::Secret<std::string>& pem) {
    const Bio bio(BIO_new_mem_buf(pem.reveal().data(), static_cast<int>(pem.reveal().size())));
    auto key = VerifyingKey::checked(bio ? own(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr))
                                         : nullptr);
    if (!key) {
        return std::unexpected(std::move(key.error()));
    }
    return SigningKey(std::move(*key));
}

base::Secret<std::string> SigningKey::pem() const {
    const Bio bio(BIO_new(BIO_s_secmem()));
    if (!bio ||
        PEM_write_bio_PrivateKey(bio.get(), public_.key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        return {};
    }
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return base::Secret<std::string>(std::string(text, static_cast<std::size_t>(size)));
}

base::Result<std::string> SigningKey::sign(std::string_view message) const {
    const Digest context(EVP_MD_CTX_new());
    std::size_t size = 0;
    if (!context ||
        EVP_DigestSignInit(context.get(), nullptr, hash_of(algorithm()), nullptr, public_.key_.get()) != 1 ||
        EVP_DigestSign(context.get(), nullptr, &size, bytes(message), message.size()) != 1) {
        return base::fail(Code::internal, "The message cannot be signed.");
    }
    std::string signature(size, '\0');
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       bytes(message), message.size()) != 1) {
        return base::fail(Code::internal, "The message cannot be signed.");
    }
    signature.resize(size);
    if (algorithm() == SignatureAlgorithm::es256) {
        auto converted = flat(signature);
        if (!converted) {
            return base::fail(Code::internal, "The message cannot be signed.");
        }
        return std::move(*converted);
    }
    return signature;
}

}  // namespace domicile::crypto

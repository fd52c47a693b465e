#pragma once
// Digital signatures as JSON Web Signature uses them (RFC 7518 section 3, RFC 8037): RS256, ES256, EdDSA
// (Ed25519). A key belongs to exactly one algorithm, so a signature is never checked under another one than
// its key is for.

#include "base/error.hpp"
#include "base/secret.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct evp_pkey_st;

namespace domicile::crypto {

enum class SignatureAlgorithm : std::uint8_t { rs256, es256, eddsa };

/// "RS256", "ES256", "EdDSA".
[[nodiscard]] std::string_view name(SignatureAlgorithm algorithm) noexcept;
/// Exactly one of those names; nothing else, "none" least of all.
[[nodiscard]] std::optional<SignatureAlgorithm> signature_algorithm(std::string_view name) noexcept;

class VerifyingKey {
  public:
    /// SubjectPublicKeyInfo in PEM. invalid_value for anything but Ed25519, P-256, or RSA of 2048 to 8192
    /// bits.
    [[nodiscard]] static base::Result<VerifyingKey> from_pem(std::string_view pem);
    /// RFC 8037: 32 bytes.
    [[nodiscard]] static base::Result<VerifyingKey> from_ed25519(std::string_view bytes);
    /// RFC 7518 section 6.2: coordinates of 32 bytes each.
    [[nodiscard]] static base::Result<VerifyingKey> from_p256(std::string_view x, std::string_view y);
    /// RFC 7518 section 6.3: big-endian modulus and exponent.
    [[nodiscard]] static base::Result<VerifyingKey> from_rsa(std::string_view n, std::string_view e);

    [[nodiscard]] SignatureAlgorithm algorithm() const noexcept { return algorithm_; }
    /// ES256 signatures are r and s of 32 bytes each (RFC 7518 section 3.4), not DER.
    [[nodiscard]] bool verify(std::string_view message, std::string_view signature) const;
    /// The members of its JSON Web Key beyond "kid", "use" and "alg", as name and value in base64url or text.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> jwk() const;

  private:
    friend class SigningKey;
    VerifyingKey(std::shared_ptr<evp_pkey_st> key, SignatureAlgorithm algorithm)
        : key_(std::move(key)), algorithm_(algorithm) {}
    static base::Result<VerifyingKey> checked(std::shared_ptr<evp_pkey_st> key);

    std::shared_ptr<evp_pkey_st> key_;
    SignatureAlgorithm algorithm_;
};

class SigningKey {
  public:
    /// internal if OpenSSL fails.
    [[nodiscard]] static base::Result<SigningKey> generate(SignatureAlgorithm algorithm);
    /// PKCS#8 in PEM, as pem() gives it. invalid_value if it is none of our kinds.
    [[nodiscard]] static base::Result<SigningKey> from_pem(const base::Secret<std::string>& pem);

    [[nodiscard]] SignatureAlgorithm algorithm() const noexcept { return public_.algorithm(); }
    [[nodiscard]] const VerifyingKey& verifying() const noexcept { return public_; }
    [[nodiscard]] base::Secret<std::string> pem() const;
    [[nodiscard]] base::Result<std::string> sign(std::string_view message) const;

  private:
    explicit SigningKey(VerifyingKey key) : public_(std::move(key)) {}
    VerifyingKey public_;  // of the same EVP_PKEY, which holds both halves
};

}  // namespace domicile::crypto

#pragma once
// Bearer tokens: JSON Web Tokens (RFC 7519) signed by issuers we know (RFC 7515), and their keys (RFC 7517).
// Rules of RFC 8725: the algorithm follows from the key and never from the token alone, the issuer owns the
// key, and the audience is ours. Pure: the caller gives the time.

#include "base/error.hpp"
#include "base/ids.hpp"
#include "crypto/signature.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::iam {

/// What a token says. Times are seconds since 1970.
struct Claims {
    std::string issuer;
    std::string audience;
    std::string name;  ///< "sub"
    std::vector<std::string> roles;
    std::string jurisdiction;
    std::optional<base::UserId> user;  ///< the data subject it acts for
    std::string purpose;
    std::int64_t issued = 0;
    std::int64_t not_before = 0;
    std::int64_t expires = 0;
};

/// A public key of an issuer. `id` is "kid"; may be empty.
struct IssuerKey {
    std::string id;
    crypto::VerifyingKey key;
};

/// Whom we believe, and about what. An empty list of roles means any role.
struct Issuer {
    std::string name;  ///< "iss", compared byte by byte
    std::vector<std::string> audiences;
    std::vector<std::string> jurisdictions;  ///< it may speak of principals of these only
    std::vector<std::string> roles;
    std::vector<crypto::SignatureAlgorithm> algorithms;  ///< empty: all three
    std::vector<IssuerKey> keys;
};

/// How far clocks may differ.
inline constexpr std::int64_t clock_skew_seconds = 30;
inline constexpr std::size_t token_bytes_max = 8U << 10U;

/// The claims of a valid token. Otherwise authentication_failed with one text for every reason; `detail`
/// holds the reason, for the log. `unknown_key` is set if the issuer is known and its key is not: then newer
/// keys may help.
[[nodiscard]] base::Result<Claims> verify_token(std::string_view token, std::span<const Issuer> issuers,
                                                std::int64_t now, bool* unknown_key = nullptr);

/// A token of ours, signed. internal if OpenSSL fails.
[[nodiscard]] base::Result<std::string> issue_token(const Claims& claims, const crypto::SigningKey& key,
                                                    std::string_view key_id);

/// The keys of a JWK set that can verify signatures; keys of other kinds and uses are left out, as RFC 7517
/// section 5 asks. malformed_request if it is no JWK set.
[[nodiscard]] base::Result<std::vector<IssuerKey>> parse_jwks(std::string_view json);
[[nodiscard]] std::string render_jwks(std::span<const IssuerKey> keys);

/// RFC 7638: names a key by what it is.
[[nodiscard]] std::string thumbprint(const crypto::VerifyingKey& key);

/// Whether the text has a token's form: three parts of base64url.
[[nodiscard]] bool looks_like_token(std::string_view text) noexcept;

}  // namespace domicile::iam

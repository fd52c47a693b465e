#pragma once
// Authenticated encryption: AES-256-GCM (NIST SP 800-38D) over OpenSSL.

#include "base/error.hpp"
#include "base/secret.hpp"

#include <string>
#include <string_view>

namespace domicile::crypto {

inline constexpr std::size_t aead_key_bytes = 32;
inline constexpr std::size_t aead_nonce_bytes = 12;
inline constexpr std::size_t aead_tag_bytes = 16;

/// Nonce, ciphertext, tag. A nonce is random: a key must not seal more than 2^32 texts. `associated` is
/// authenticated, not stored: opening needs the same bytes. REQUIRES: a key of 32 bytes.
[[nodiscard]] std::string aead_seal(const base::Secret<std::string>& key, std::string_view plain,
                                    std::string_view associated);

/// invalid_value if key, associated bytes or any bit of `sealed` are not what they were; the error does not
/// say which.
[[nodiscard]] base::Result<base::Secret<std::string>> aead_open(const base::Secret<std::string>& key,
                                                                std::string_view sealed,
                                                                std::string_view associated);

}  // namespace domicile::crypto

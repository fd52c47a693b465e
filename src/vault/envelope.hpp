#pragma once
// Envelope encryption: each value under a data key of its own, that key under the key service of one region,
// both bound to a context. Without that region's key service the bytes open nowhere.

#include "cloud/key_service.hpp"

#include <string>
#include <string_view>

namespace domicile::vault {

/// "DOMV1", two bytes with the size of the wrapped key (big-endian), the wrapped key, then nonce, ciphertext
/// and tag (AES-256-GCM). Everything before the nonce and the whole context are authenticated.
[[nodiscard]] base::Result<std::string> seal(cloud::KeyService& keys, const base::Secret<std::string>& plain,
                                             const cloud::EncryptionContext& context);
/// invalid_value if it was not sealed under this context, or not left as it was; what the key service
/// reports.
[[nodiscard]] base::Result<base::Secret<std::string>> open(cloud::KeyService& keys, std::string_view sealed,
                                                           const cloud::EncryptionContext& context);

}  // namespace domicile::vault

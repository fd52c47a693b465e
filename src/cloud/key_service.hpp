#pragma once
// The key service of one region: it keeps a key-encryption key that never leaves it, and hands out data keys
// under it (envelope encryption). Drivers: local_keys, aws_keys (AWS KMS). One conformance suite holds both.

#include "base/error.hpp"
#include "base/secret.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace domicile::cloud {

/// What a data key is bound to: unwrapping needs the same pairs. The service may write them into its own log
/// in clear, so they hold names of regions and secrets, never personal data.
using EncryptionContext = std::map<std::string, std::string>;

/// `begin` and the context as bytes that no other pair gives: each part bears its length.
[[nodiscard]] std::string bound_to(std::string_view begin, const EncryptionContext& context);

struct DataKey {
    base::Secret<std::string> plain;  ///< 32 bytes
    std::string wrapped;              ///< opaque; names the version of the key it stands under
};

/// Errors: node_unavailable (out of reach: another region may serve), not_permitted, configuration (no such
/// key), invalid_value (what was given does not unwrap, or not under this context). Threads may share one.
class KeyService {
  public:
    virtual ~KeyService() = default;
    [[nodiscard]] virtual base::Result<DataKey> generate(const EncryptionContext& context) = 0;
    [[nodiscard]] virtual base::Result<base::Secret<std::string>> unwrap(
        std::string_view wrapped, const EncryptionContext& context) = 0;
    /// A new version wraps from now on; all older ones still unwrap.
    [[nodiscard]] virtual base::Status rotate() = 0;
};

}  // namespace domicile::cloud

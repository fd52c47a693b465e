#pragma once
// Base64 by RFC 4648.

#include <optional>
#include <string>
#include <string_view>

namespace domicile::crypto {

/// Section 4, padded.
[[nodiscard]] std::string base64(std::string_view bytes);
/// Section 5, unpadded.
[[nodiscard]] std::string base64url(std::string_view bytes);
/// Strict: wrong length, alphabet, padding or stray bits give nothing.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);
[[nodiscard]] std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace domicile::crypto

#pragma once
// SHA-256, HMAC-SHA-256 and PBKDF2 over OpenSSL.

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace domicile::crypto {

using Digest = std::array<unsigned char, 32>;

[[nodiscard]] Digest sha256(std::string_view bytes);
[[nodiscard]] Digest hmac_sha256(std::string_view key, std::string_view bytes);
/// RFC 8018 with HMAC-SHA-256 and one block. REQUIRES: iterations > 0.
[[nodiscard]] Digest pbkdf2_sha256(std::string_view password, std::string_view salt, int iterations);

[[nodiscard]] inline std::string_view view(const Digest& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}
/// Lower-case hexadecimal.
[[nodiscard]] std::string hex(std::string_view bytes);
/// Nothing but 64 hexadecimal digits.
[[nodiscard]] std::optional<Digest> digest_of(std::string_view hex);
/// In time that depends on the lengths only.
[[nodiscard]] bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace domicile::crypto

#pragma once
// SHA-256, HMAC-SHA-256 and PBKDF2 over OpenSSL.

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace domicile::crypto {

using Digest = std::array<unsigned char, 32>;

[[nodiscard]] Digest sha256(std::string_view bytes);
/// The same over bytes that come one part after the other.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;
    void add(std::string_view bytes);
    /// Ends it, and begins anew.
    [[nodiscard]] Digest take();

  private:
    void* context_;  // EVP_MD_CTX
};
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

#pragma once
// Randomness from OpenSSL's generator.

#include <cstddef>
#include <span>
#include <string>

namespace domicile::crypto {

/// Fills `bytes` with cryptographic randomness. Aborts if the generator fails: nothing safe can follow.
void random_bytes(std::span<unsigned char> bytes);

/// `byte_count` random bytes as unpadded base64url: fit for a password, a nonce, a file name.
[[nodiscard]] std::string random_token(std::size_t byte_count);

}  // namespace domicile::crypto

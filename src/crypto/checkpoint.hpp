#pragma once
// A log's checkpoint: how many leaves it has and what their root is, as a signed note (C2SP tlog-checkpoint
// and signed-note), so that other programs can check it, too.

#include "crypto/hash.hpp"
#include "crypto/signature.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace domicile::crypto {

struct Checkpoint {
    std::string origin;  ///< names the log, and the key: no blank, no plus
    std::uint64_t size = 0;
    Digest root{};
};

/// The first four bytes of SHA-256(name, newline, 0x01, key): which key a signature is of. `key`: 32 bytes.
[[nodiscard]] std::string note_key_id(std::string_view name, std::string_view key);

/// Three lines of text, a blank one, one Ed25519 signature. The same checkpoint gives the same bytes.
[[nodiscard]] base::Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, const SigningKey& key);
/// Nothing if it is none, or no signature of it is of that key; signatures of others are passed over.
[[nodiscard]] std::optional<Checkpoint> open_checkpoint(std::string_view note, const VerifyingKey& key);

/// The 32 bytes of an Ed25519 key.
[[nodiscard]] std::string raw_ed25519(const VerifyingKey& key);

}  // namespace domicile::crypto

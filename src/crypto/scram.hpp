#pragma once
// The sums of SCRAM-SHA-256 (RFC 5802, RFC 7677). Messages are the business of the wire room.

#include "crypto/hash.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace domicile::crypto {

/// Hi(password, salt, i) of RFC 5802 section 2.2; the dear step, so callers cache it per (password, salt,
/// iterations).
[[nodiscard]] inline Digest scram_salted_password(std::string_view password, std::string_view salt,
                                                  int iterations) {
    return pbkdf2_sha256(password, salt, iterations);
}

struct ScramProof {
    Digest client_proof;      ///< goes into the client-final-message
    Digest server_signature;  ///< what the server must answer
};

/// RFC 5802 section 3, from the AuthMessage of the exchange.
[[nodiscard]] ScramProof scram_proof(const Digest& salted_password, std::string_view auth_message);

/// PostgreSQL: SCRAM_SHA_256_DEFAULT_ITERATIONS, SCRAM_DEFAULT_SALT_LEN.
inline constexpr int scram_iterations_default = 4'096;
inline constexpr std::size_t scram_salt_bytes_default = 16;

/// What a server keeps of a password (RFC 5802 section 3, RFC 5803). It checks proofs in microseconds.
struct ScramVerifier {
    int iterations = scram_iterations_default;
    std::string salt;
    Digest stored_key{};
    Digest server_key{};
    bool doomed = false;  ///< of nobody: no proof is right
};

/// Reads the stored form of PostgreSQL (docs, catalog pg_authid),
/// SCRAM-SHA-256$iterations:salt$stored:server. Strict: nothing for any other text, for more than
/// limits::scram_iterations_max or for an empty salt.
[[nodiscard]] std::optional<ScramVerifier> parse_scram_verifier(std::string_view text);

/// For a user whom we do not know, so that the exchange tells nothing of it: the salt is always the same for
/// this name, the sums are the same, and every proof is wrong (PostgreSQL: mock_scram_secret in
/// auth-scram.c). `secret` should be kept for the life of the process at least, 32 random bytes. `iterations`
/// must be what true users have, or it tells them apart.
[[nodiscard]] ScramVerifier mock_scram_verifier(std::string_view secret, std::string_view user,
                                                int iterations = scram_iterations_default);

/// The server signature if `client_proof` is right for the AuthMessage. Takes the same time either way, but
/// for the signature.
[[nodiscard]] std::optional<Digest> scram_verify(const ScramVerifier& verifier, std::string_view auth_message,
                                                 const Digest& client_proof);

}  // namespace domicile::crypto

#pragma once
// The sums of SCRAM-SHA-256 (RFC 5802, RFC 7677). Messages are the business of the wire room.

#include "crypto/hash.hpp"

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

}  // namespace domicile::crypto

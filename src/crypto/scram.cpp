#include "crypto/scram.hpp"

namespace domicile::crypto {

ScramProof scram_proof(const Digest& salted_password, std::string_view auth_message) {
    const Digest client_key = hmac_sha256(view(salted_password), "Client Key");
    const Digest stored_key = sha256(view(client_key));
    const Digest client_signature = hmac_sha256(view(stored_key), auth_message);
    const Digest server_key = hmac_sha256(view(salted_password), "Server Key");
    ScramProof proof{};
    for (std::size_t i = 0; i < proof.client_proof.size(); ++i) {
        proof.client_proof[i] = client_key[i] ^ client_signature[i];
    }
    proof.server_signature = hmac_sha256(view(server_key), auth_message);
    return proof;
}

}  // namespace domicile::crypto

#include "crypto/scram.hpp"

#include "base/limits.hpp"
#include "crypto/base64.hpp"

#include <algorithm>
#include <charconv>

namespace domicile::crypto {
namespace {

/// The text up to `separator`, which is cut off with it; nothing without one.
std::optional<std::string_view> cut(std::string_view& text, char separator) {
    const auto at = text.find(separator);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view front = text.substr(0, at);
    text.remove_prefix(at + 1);
    return front;
}

std::optional<int> iterations_of(std::string_view text) {
    int value = 0;
    const char* last = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), last, value);
    if (parsed.ec != std::errc{} || parsed.ptr != last || value < 1 ||
        value > base::limits::scram_iterations_max) {
        return std::nullopt;
    }
    return value;
}

bool read_key(std::string_view text, Digest& key) {
    const auto bytes = base64_decode(text);
    if (!bytes || bytes->size() != key.size()) {
        return false;
    }
    std::ranges::copy(*bytes, key.begin());
    return true;
}

}  // namespace

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

std::optional<ScramVerifier> parse_scram_verifier(std::string_view text) {
    const auto scheme = cut(text, '$');
    const auto iterations_text = cut(text, ':');
    const auto salt_text = cut(text, '$');
    const auto stored_text = cut(text, ':');
    if (scheme != "SCRAM-SHA-256" || !iterations_text || !salt_text || !stored_text) {
        return std::nullopt;
    }
    const auto iterations = iterations_of(*iterations_text);
    auto salt = base64_decode(*salt_text);
    ScramVerifier verifier;
    if (!iterations || !salt || salt->empty() || !read_key(*stored_text, verifier.stored_key) ||
        !read_key(text, verifier.server_key)) {
        return std::nullopt;
    }
    verifier.iterations = *iterations;
    verifier.salt = std::move(*salt);
    return verifier;
}

ScramVerifier mock_scram_verifier(std::string_view secret, std::string_view user, int iterations) {
    // The salt is public; the prefix keeps it from being one of the keys.
    const auto derive = [&](std::string_view use) {
        return hmac_sha256(secret, std::string(use).append(user));
    };
    ScramVerifier verifier;
    verifier.iterations = iterations;
    const Digest salt = derive("salt:");
    verifier.salt = view(salt).substr(0, scram_salt_bytes_default);
    verifier.stored_key = derive("stored:");
    verifier.server_key = derive("server:");
    verifier.doomed = true;
    return verifier;
}

std::optional<Digest> scram_verify(const ScramVerifier& verifier, std::string_view auth_message,
                                   const Digest& client_proof) {
    Digest client_key = hmac_sha256(view(verifier.stored_key), auth_message);
    for (std::size_t i = 0; i < client_key.size(); ++i) {
        client_key[i] ^= client_proof[i];
    }
    const Digest stored_key = sha256(view(client_key));
    const bool right = equal_constant_time(view(stored_key), view(verifier.stored_key));
    if (!right || verifier.doomed) {
        return std::nullopt;
    }
    return hmac_sha256(view(verifier.server_key), auth_message);
}

}  // namespace domicile::crypto

// Tokens and key sets from outside: nothing that nobody signed is ever taken.

#include "iam/token.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace domicile;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static const auto key = crypto::SigningKey::generate(crypto::SignatureAlgorithm::eddsa).value();
    static const std::vector<iam::Issuer> issuers = {{"i", {"a"}, {"eu"}, {}, {}, {{"k", key.verifying()}}}};
    if (iam::verify_token(text, issuers, 1'800'000'000)) {
        __builtin_trap();
    }
    std::ignore = iam::looks_like_token(text);
    if (const auto keys = iam::parse_jwks(text)) {
        std::ignore = iam::parse_jwks(iam::render_jwks(*keys));
    }
    return 0;
}

// What is checked from files alone: checkpoints, proofs, certificates. Whatever is taken says itself again in
// the same bytes.

#include "crypto/base64.hpp"
#include "crypto/checkpoint.hpp"
#include "documents/proof.hpp"
#include "fuzz.hpp"
#include "rights/certificate.hpp"

#include <string>

namespace {

const domicile::crypto::SigningKey& key() {
    static const auto one =
        domicile::crypto::SigningKey::generate(domicile::crypto::SignatureAlgorithm::eddsa).value();
    return one;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace domicile;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    // Nobody has the key: nothing is ever taken for signed.
    DOMICILE_ASSERT(!crypto::open_checkpoint(text, key().verifying()));
    DOMICILE_ASSERT(!rights::open_certificate(text, key().verifying()));
    if (const auto proof = documents::parse_inclusion(text)) {
        DOMICILE_ASSERT(documents::parse_inclusion(to_text(*proof)).has_value());
        DOMICILE_ASSERT(!documents::check(*proof, std::string(64, 'a'), key().verifying()));
    }
    if (const auto proof = documents::parse_consistency(text)) {
        DOMICILE_ASSERT(documents::parse_consistency(to_text(*proof)).has_value());
        DOMICILE_ASSERT(!documents::check(*proof, crypto::Checkpoint{"a/b", 1, {}}, key().verifying()));
    }
    // Signed, so that what follows the signature is looked at, too.
    const std::string line(text.substr(0, text.find('\n')));
    const auto signature = key().sign(line);
    if (signature) {
        std::ignore =
            rights::open_certificate(line + "\n" + crypto::base64(*signature) + "\n", key().verifying());
    }
    return 0;
}

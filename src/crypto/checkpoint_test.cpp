#include "crypto/checkpoint.hpp"

#include "crypto/base64.hpp"

#include <gtest/gtest.h>

namespace domicile::crypto {
namespace {

// The public key of Go's checksum database, whose id stands in its name: sum.golang.org+033de0ae+Ac4z….
TEST(Checkpoint, NamesKeysAsOthersDo) {
    const auto key = base64_decode("Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8").value();
    EXPECT_EQ(hex(note_key_id("sum.golang.org", key.substr(1))), "033de0ae");
}

TEST(Checkpoint, OpensWithItsKeyOnly) {
    const auto key = SigningKey::generate(SignatureAlgorithm::eddsa).value();
    const auto other = SigningKey::generate(SignatureAlgorithm::eddsa).value();
    const auto note = sign_checkpoint({"retail/eu-tax", 7, sha256("root")}, key).value();
    EXPECT_EQ(note, sign_checkpoint({"retail/eu-tax", 7, sha256("root")}, key).value());
    const auto opened = open_checkpoint(note, key.verifying());
    ASSERT_TRUE(opened) << note;
    EXPECT_EQ(opened->origin, "retail/eu-tax");
    EXPECT_EQ(opened->size, 7U);
    EXPECT_EQ(opened->root, sha256("root"));
    EXPECT_FALSE(open_checkpoint(note, other.verifying()));
    // A witness's signature beside ours is passed over.
    const auto witness = sign_checkpoint({"witness", 7, sha256("root")}, other).value();
    EXPECT_TRUE(open_checkpoint(note + witness.substr(witness.find("\n\n") + 2), key.verifying()));
    for (std::size_t i = 0; i < note.size(); ++i) {
        std::string bent = note;
        bent[i] = static_cast<char>(bent[i] ^ 1);
        EXPECT_FALSE(open_checkpoint(bent, key.verifying())) << i;
        EXPECT_FALSE(open_checkpoint(note.substr(0, i), key.verifying())) << i;
    }
}

}  // namespace
}  // namespace domicile::crypto

#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "crypto/scram.hpp"

#include <gtest/gtest.h>

namespace domicile::crypto {
namespace {

TEST(Base64, EncodesTheVectorsOfRfc4648Section10) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (const auto& [bytes, text] : rows) {
        EXPECT_EQ(base64(bytes), text);
        EXPECT_EQ(base64_decode(text), bytes);
    }
}

TEST(Base64, RefusesWhatNoEncoderWrites) {
    for (const std::string_view text : {"Z", "Zg=", "Zg", "Zh==", "Z===", "====", "Zm9v!", "Zm9v\n"}) {
        EXPECT_EQ(base64_decode(text), std::nullopt) << text;
    }
    EXPECT_EQ(base64url_decode("Zh"), std::nullopt);
    EXPECT_EQ(base64url_decode("-_-_"), "\xfb\xff\xbf");
}

TEST(Hash, MatchesFips180AndRfc4231) {
    EXPECT_EQ(hex(view(sha256("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(view(hmac_sha256("Jefe", "what do ya want for nothing?"))),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Scram, MatchesTheExchangeOfRfc7677Section3) {
    const auto salt = base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==");
    const Digest salted = scram_salted_password("pencil", *salt, 4096);
    const ScramProof proof =
        scram_proof(salted,
                    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
                    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
                    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    EXPECT_EQ(base64(view(proof.client_proof)), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    EXPECT_EQ(base64(view(proof.server_signature)), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST(Random, TokensDiffer) {
    EXPECT_NE(random_token(16), random_token(16));
    EXPECT_EQ(random_token(16).size(), 22U);
}

}  // namespace
}  // namespace domicile::crypto

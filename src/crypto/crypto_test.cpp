#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "crypto/scram.hpp"

#include <algorithm>

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

constexpr std::string_view stored_pencil =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

TEST(Scram, VerifiesTheExchangeOfRfc7677Section3) {
    const auto verifier = parse_scram_verifier(stored_pencil);
    ASSERT_TRUE(verifier);
    EXPECT_EQ(verifier->iterations, 4096);
    EXPECT_EQ(base64(verifier->salt), "W22ZaJ0SNY7soEsUEjb6gQ==");
    EXPECT_FALSE(verifier->doomed);
    const std::string auth_message =
        "n=user,r=rOprNGfwEbeRWgbNEkqO,"
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    Digest proof{};
    std::ranges::copy(*base64_decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), proof.begin());
    const auto signature = scram_verify(*verifier, auth_message, proof);
    ASSERT_TRUE(signature);
    EXPECT_EQ(base64(view(*signature)), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    EXPECT_FALSE(scram_verify(*verifier, auth_message + "x", proof));
    ScramVerifier doomed = *verifier;
    doomed.doomed = true;
    EXPECT_FALSE(scram_verify(doomed, auth_message, proof));
    proof[0] ^= 1U;
    EXPECT_FALSE(scram_verify(*verifier, auth_message, proof));
}

TEST(Scram, RefusesVerifiersThatPostgresDoesNotStore) {
    const std::string good(stored_pencil);
    const auto with = [&](std::string_view from, std::string_view to) {
        return std::string(good).replace(good.find(from), from.size(), to);
    };
    const std::string rows[] = {
        "",
        "pencil",
        "md5a6343a68d964ca596d9752250d54bb8a",
        "SCRAM-SHA-256",
        "SCRAM-SHA-256$",
        "SCRAM-SHA-256$4096:$:",
        good + "x",
        good + ":",
        " " + good,
        with("256", "1"),
        with("SCRAM", "scram"),
        with("4096", "0"),
        with("4096", "-4096"),
        with("4096", "+4096"),
        with("4096", ""),
        with("4096", "4096x"),
        with("4096", "1000001"),
        with("4096", "99999999999999999999"),
        with("W22ZaJ0SNY7soEsUEjb6gQ==", ""),
        with("W22ZaJ0SNY7soEsUEjb6gQ==", "W22Z!"),
        with("WG5d8oPm", ""),
        with("wfPLwcE6", ""),
        with("wfPLwcE6", "wfPLwcE6AAAA"),
        with("=:", "="),
        with("==$", "==:"),
    };
    for (const std::string& row : rows) {
        EXPECT_FALSE(parse_scram_verifier(row)) << row;
    }
    for (std::size_t kept = 0; kept < good.size(); ++kept) {
        EXPECT_FALSE(parse_scram_verifier(good.substr(0, kept))) << kept;
    }
}

TEST(Scram, MakesAVerifierOfNobodyThatIsTheSameEachTime) {
    const ScramVerifier nobody = mock_scram_verifier("secret", "nobody");
    const ScramVerifier again = mock_scram_verifier("secret", "nobody");
    EXPECT_TRUE(nobody.doomed);
    EXPECT_EQ(nobody.iterations, 4096);
    EXPECT_EQ(nobody.salt.size(), 16U);
    EXPECT_EQ(nobody.salt, again.salt);
    EXPECT_EQ(nobody.stored_key, again.stored_key);
    EXPECT_NE(nobody.salt, mock_scram_verifier("secret", "anna").salt);
    EXPECT_NE(nobody.salt, mock_scram_verifier("another", "nobody").salt);
    EXPECT_NE(nobody.stored_key, nobody.server_key);
    EXPECT_NE(nobody.salt, view(nobody.stored_key).substr(0, 16));
}

TEST(Random, TokensDiffer) {
    EXPECT_NE(random_token(16), random_token(16));
    EXPECT_EQ(random_token(16).size(), 22U);
}

}  // namespace
}  // namespace domicile::crypto

#include "iam/token.hpp"

#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "iam/attempts.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace domicile::iam {
namespace {

using crypto::SignatureAlgorithm;
using crypto::SigningKey;

constexpr std::int64_t now = 1'800'000'000;

Claims good_claims() {
    Claims claims;
    claims.issuer = "domicile:eu";
    claims.audience = "domicile:retail";
    claims.name = "ops@example";
    claims.roles = {"operator"};
    claims.jurisdiction = "eu";
    claims.issued = now - 10;
    claims.expires = now + 3'600;
    return claims;
}

struct World {
    explicit World(SignatureAlgorithm algorithm = SignatureAlgorithm::eddsa)
        : key(SigningKey::generate(algorithm).value()), id(thumbprint(key.verifying())) {
        issuers.push_back({"domicile:eu", {"domicile:retail"}, {"eu"}, {}, {}, {{id, key.verifying()}}});
    }
    SigningKey key;
    std::string id;
    std::vector<Issuer> issuers;

    [[nodiscard]] std::string token(const Claims& claims) const {
        return issue_token(claims, key, id).value();
    }
    /// The given header and payload, signed rightly.
    [[nodiscard]] std::string raw(std::string_view header, std::string_view payload) const {
        std::string text = crypto::base64url(header) + "." + crypto::base64url(payload);
        return text + "." + crypto::base64url(key.sign(text).value());
    }
    [[nodiscard]] std::string why(std::string_view token, std::int64_t at = now) const {
        const auto claims = verify_token(token, issuers, at);
        if (claims) {
            return "accepted";
        }
        EXPECT_EQ(claims.error().code, base::Code::authentication_failed);
        EXPECT_EQ(claims.error().text, "The credentials are not valid.");  // the same whatever was wrong
        EXPECT_TRUE(claims.error().hint.empty());
        return claims.error().detail;
    }
};

TEST(Signature, agrees_with_the_examples_of_rfc_8037) {
    const auto x = crypto::base64url_decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").value();
    const auto key = crypto::VerifyingKey::from_ed25519(x).value();
    EXPECT_EQ(thumbprint(key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    const auto signature = crypto::base64url_decode(
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
    EXPECT_TRUE(key.verify("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc", signature.value()));
}

TEST(Signature, each_kind_signs_and_survives_pem_and_jwk) {
    for (const auto algorithm :
         {SignatureAlgorithm::rs256, SignatureAlgorithm::es256, SignatureAlgorithm::eddsa}) {
        const auto key = SigningKey::generate(algorithm).value();
        EXPECT_EQ(key.algorithm(), algorithm);
        const auto again = SigningKey::from_pem(key.pem()).value();
        const auto signature = again.sign("a message").value();
        const std::vector<IssuerKey> one = {{"k", key.verifying()}};
        const auto read = parse_jwks(render_jwks(one)).value();
        ASSERT_EQ(read.size(), 1U);
        EXPECT_EQ(read[0].key.algorithm(), algorithm);
        EXPECT_TRUE(read[0].key.verify("a message", signature));
        EXPECT_FALSE(read[0].key.verify("A message", signature));
        for (std::size_t i = 0; i < signature.size(); i += 7) {
            std::string bent = signature;
            bent[i] = static_cast<char>(bent[i] ^ 1);
            EXPECT_FALSE(read[0].key.verify("a message", bent));
        }
        EXPECT_FALSE(read[0].key.verify("a message", ""));
        EXPECT_FALSE(read[0].key.verify("a message", std::string(64, '\0')));
    }
}

TEST(Signature, weak_keys_are_refused) {
    EXPECT_FALSE(crypto::VerifyingKey::from_ed25519("short"));
    EXPECT_FALSE(
        crypto::VerifyingKey::from_p256(std::string(32, 1), std::string(32, 1)));  // not on the curve
    EXPECT_FALSE(crypto::VerifyingKey::from_rsa(std::string(128, '\xff'), "\x01\x00\x01"));  // 1024 bits
    std::string n(256, '\xff');
    EXPECT_FALSE(crypto::VerifyingKey::from_rsa(n, "\x01"));
    EXPECT_FALSE(crypto::VerifyingKey::from_rsa(n, "\x02"));
    EXPECT_FALSE(crypto::VerifyingKey::from_rsa(std::string(2'000, '\xff'), std::string("\x01\x00\x01", 3)));
    EXPECT_FALSE(
        crypto::VerifyingKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
}

TEST(Token, a_good_one_gives_its_claims) {
    for (const auto algorithm :
         {SignatureAlgorithm::rs256, SignatureAlgorithm::es256, SignatureAlgorithm::eddsa}) {
        const World world(algorithm);
        Claims claims = good_claims();
        claims.user = base::UserId{17};
        claims.purpose = "support";
        const auto read = verify_token(world.token(claims), world.issuers, now).value();
        EXPECT_EQ(read.name, claims.name);
        EXPECT_EQ(read.roles, claims.roles);
        EXPECT_EQ(read.jurisdiction, "eu");
        EXPECT_EQ(read.user, base::UserId{17});
        EXPECT_EQ(read.purpose, "support");
        EXPECT_EQ(read.expires, claims.expires);
        EXPECT_TRUE(looks_like_token(world.token(claims)));
    }
}

TEST(Token, what_is_wrong_is_refused) {
    const World world;
    struct Case {
        const char* why;
        std::function<void(Claims&)> change;
    };
    const Case cases[] = {
        {"expired", [](Claims& c) { c.expires = now - clock_skew_seconds; }},
        {"accepted", [](Claims& c) { c.expires = now - clock_skew_seconds + 1; }},
        {"not valid yet", [](Claims& c) { c.not_before = now + clock_skew_seconds + 1; }},
        {"accepted", [](Claims& c) { c.not_before = now + clock_skew_seconds; }},
        {"not valid yet", [](Claims& c) { c.issued = now + 3'000; }},
        {"wrong audience", [](Claims& c) { c.audience = "domicile:other"; }},
        {"unknown issuer", [](Claims& c) { c.issuer = "domicile:us"; }},
        {"unknown issuer", [](Claims& c) { c.issuer = "domicile:eu "; }},
        {"jurisdiction not the issuer's", [](Claims& c) { c.jurisdiction = "us"; }},
        {"jurisdiction not the issuer's", [](Claims& c) { c.jurisdiction = ""; }},
        {"no name or no role, or one that is none", [](Claims& c) { c.roles.clear(); }},
        {"no name or no role, or one that is none", [](Claims& c) { c.name = ""; }},
        {"no name or no role, or one that is none", [](Claims& c) { c.name = std::string(300, 'a'); }},
        {"no name or no role, or one that is none", [](Claims& c) { c.name = std::string("a\0b", 3); }},
        {"no name or no role, or one that is none", [](Claims& c) { c.purpose = "a\nb"; }},
        {"no name or no role, or one that is none", [](Claims& c) { c.roles = {"operator\t"}; }},
        {"too long", [](Claims& c) { c.roles.assign(32, std::string(400, 'a')); }},
    };
    for (const auto& one : cases) {
        Claims claims = good_claims();
        one.change(claims);
        EXPECT_EQ(world.why(world.token(claims)), one.why);
    }
}

constexpr std::string_view payload =
    R"({"iss":"domicile:eu","aud":"domicile:retail","sub":"a","roles":["operator"],"jurisdiction":"eu","exp":1800003600})";

TEST(Token, forged_headers_are_refused) {
    const World world;
    EXPECT_EQ(world.why(world.raw(R"({"alg":"EdDSA"})", payload)), "accepted");
    for (const auto& [header, why] : std::vector<std::pair<std::string, std::string>>{
             {R"({"alg":"none"})", "algorithm not allowed"},
             {R"({"alg":"None"})", "algorithm not allowed"},
             {R"({"alg":"NONE"})", "algorithm not allowed"},
             {R"({"alg":""})", "algorithm not allowed"},
             {R"({})", "algorithm not allowed"},
             {R"({"alg":null})", "algorithm not allowed"},
             {R"({"alg":["EdDSA"]})", "algorithm not allowed"},
             {R"({"alg":"HS256"})", "algorithm not allowed"},
             {R"({"alg":"RS512"})", "algorithm not allowed"},
             {R"({"alg":"eddsa"})", "algorithm not allowed"},
             {R"({"alg":"RS256"})",
              "unknown key"},  // the key is an Ed25519 one: no other algorithm can use it
             {R"({"alg":"ES256"})", "unknown key"},
             {R"({"alg":"EdDSA","kid":"../../etc/passwd"})", "unknown key"},
             {R"({"alg":"EdDSA","crit":["exp"]})", "header asks for an extension"},
             {R"({"alg":"EdDSA","b64":false})", "header asks for an extension"},
             {R"({"alg":"EdDSA","zip":"DEF"})", "header asks for an extension"},
             {R"({"alg":"EdDSA","typ":"dpop+jwt"})", "not an access token"},
             {R"(["alg"])", "not a JWT"},
             {R"({"alg":"EdDSA")", "not a JWT"},
             {std::string(R"({"alg":"EdDSA","x":)") + std::string(50, '['), "not a JWT"},
         }) {
        EXPECT_EQ(world.why(world.raw(header, payload)), why) << header;
    }
    // The key a token brings along is never looked at.
    const auto theirs = SigningKey::generate(SignatureAlgorithm::eddsa).value();
    const std::vector<IssuerKey> set = {{world.id, theirs.verifying()}};
    const std::string header =
        R"({"alg":"EdDSA","jku":"http://127.0.0.1/keys","jwk":)" + render_jwks(set) + "}";
    const std::string text = crypto::base64url(header) + "." + crypto::base64url(payload);
    EXPECT_EQ(world.why(text + "." + crypto::base64url(theirs.sign(text).value())),
              "signature does not verify");
}

TEST(Token, a_public_key_is_no_shared_secret) {
    // The classic confusion: HS256 with the text of the RSA public key as its secret.
    const World world(SignatureAlgorithm::rs256);
    const std::string text =
        crypto::base64url(R"({"alg":"HS256","kid":")" + world.id + "\"}") + "." + crypto::base64url(payload);
    for (const auto& secret : {render_jwks(world.issuers[0].keys), world.key.verifying().jwk()[1].second}) {
        const auto sum = crypto::hmac_sha256(secret, text);
        EXPECT_EQ(world.why(text + "." + crypto::base64url(crypto::view(sum))), "algorithm not allowed");
    }
}

TEST(Token, forged_payloads_are_refused) {
    const World world;
    constexpr std::string_view header = R"({"alg":"EdDSA"})";
    const auto with = [&](std::string_view from, std::string_view to) {
        std::string text(payload);
        text.replace(text.find(from), from.size(), to);
        return world.why(world.raw(header, text));
    };
    EXPECT_EQ(with(R"("exp":1800003600)", R"("x":1)"), "no expiry, or a time that is no number");
    EXPECT_EQ(with(R"("exp":1800003600)", R"("exp":"1800003600")"), "no expiry, or a time that is no number");
    EXPECT_EQ(with(R"("exp":1800003600)", R"("exp":-1)"), "no expiry, or a time that is no number");
    EXPECT_EQ(with(R"("exp":1800003600)", R"("exp":1e300)"), "no expiry, or a time that is no number");
    EXPECT_EQ(with(R"("exp":1800003600)", R"("exp":1800003600.5)"), "accepted");
    EXPECT_EQ(with(R"("exp":1800003600)", R"("exp":1800003600,"user":"5")"), "user is no integer");
    EXPECT_EQ(with(R"("exp":1800003600)", R"("exp":1800003600,"user":5.5)"), "user is no integer");
    EXPECT_EQ(with(R"("exp":1800003600)", R"("exp":1800003600,"user":99999999999999999999)"),
              "user is no integer");
    EXPECT_EQ(with(R"("aud":"domicile:retail")", R"("aud":["x","domicile:retail"])"), "accepted");
    EXPECT_EQ(with(R"("aud":"domicile:retail")", R"("aud":[1])"), "wrong audience");
    EXPECT_EQ(with(R"("aud":"domicile:retail")", R"("aud":{"domicile:retail":1})"), "wrong audience");
    EXPECT_EQ(with(R"(["operator"])", R"(["operator",1])"), "no name or no role, or one that is none");
    EXPECT_EQ(with(R"(["operator"])", R"({"operator":true})"), "no name or no role, or one that is none");
    EXPECT_EQ(with(R"("jurisdiction":"eu")", R"("jurisdiction":["eu"])"), "jurisdiction not the issuer's");
    EXPECT_EQ(with(R"("iss":"domicile:eu")", R"("iss":["domicile:eu"])"), "unknown issuer");
}

TEST(Token, any_changed_byte_breaks_it) {
    const World world;
    const std::string token = world.token(good_claims());
    for (std::size_t i = 0; i < token.size(); ++i) {
        std::string bent = token;
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        EXPECT_NE(world.why(bent), "accepted") << i;
        EXPECT_NE(world.why(token.substr(0, i)), "accepted") << i;
    }
    EXPECT_NE(world.why(token + "."), "accepted");
    EXPECT_NE(world.why(token + "="), "accepted");
    EXPECT_NE(world.why(" " + token), "accepted");
    EXPECT_NE(world.why(token.substr(0, token.rfind('.') + 1)), "accepted");  // signature stripped
}

TEST(Token, an_issuer_speaks_of_its_own_only) {
    World world;
    world.issuers[0].roles = {"subject"};
    EXPECT_EQ(world.why(world.token(good_claims())), "role not the issuer's");
    Claims claims = good_claims();
    claims.roles = {"subject", "operator"};
    EXPECT_EQ(world.why(world.token(claims)), "role not the issuer's");
    claims.roles = {"subject"};
    EXPECT_EQ(world.why(world.token(claims)), "accepted");
    world.issuers[0].algorithms = {SignatureAlgorithm::es256};
    EXPECT_EQ(world.why(world.token(claims)), "algorithm not allowed for this issuer");
    // Another issuer's key does not sign for this one.
    World both;
    const World other;
    both.issuers.push_back(other.issuers[0]);
    both.issuers[1].name = "domicile:us";
    EXPECT_EQ(both.why(other.token(good_claims())), "unknown key");
}

TEST(Token, keys_roll_over) {
    World world;
    const auto next = SigningKey::generate(SignatureAlgorithm::es256).value();
    const std::string id = thumbprint(next.verifying());
    const std::string token = issue_token(good_claims(), next, id).value();
    bool unknown = false;
    EXPECT_FALSE(verify_token(token, world.issuers, now, &unknown));
    EXPECT_TRUE(unknown);
    world.issuers[0].keys.push_back({id, next.verifying()});
    EXPECT_EQ(world.why(token), "accepted");
    EXPECT_EQ(world.why(world.token(good_claims())), "accepted");  // the old key still counts
    world.issuers[0].keys.erase(world.issuers[0].keys.begin());
    EXPECT_EQ(world.why(world.token(good_claims())), "unknown key");
}

TEST(Jwks, keys_of_other_kinds_are_left_out) {
    const World world;
    std::string set = render_jwks(world.issuers[0].keys);
    set.insert(
        set.find('[') + 1,
        R"({"kty":"oct","k":"AAAA","alg":"HS256"},{"kty":"EC","crv":"P-521","x":"AA","y":"AA"},7,)"
        R"({"kty":"OKP","crv":"Ed25519","use":"enc","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},)"
        R"({"kty":"OKP","crv":"Ed25519","alg":"RS256","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},)");
    EXPECT_EQ(parse_jwks(set).value().size(), 1U);
    for (const char* bad : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[)", "null"}) {
        EXPECT_FALSE(parse_jwks(bad)) << bad;
    }
}

TEST(Attempts, waits_grow_and_are_forgotten) {
    Attempts attempts;
    auto time = Attempts::Time{} + std::chrono::hours(1);
    for (unsigned i = 0; i < Attempts::free_failures; ++i) {
        EXPECT_EQ(attempts.wait("a", time), Attempts::Wait::zero());
        attempts.failed("a", time);
    }
    EXPECT_EQ(attempts.wait("a", time), Attempts::first_wait);
    attempts.failed("a", time);
    EXPECT_EQ(attempts.wait("a", time), 2 * Attempts::first_wait);
    for (int i = 0; i < 100; ++i) {
        attempts.failed("a", time);
    }
    EXPECT_EQ(attempts.wait("a", time), Attempts::longest_wait);
    EXPECT_EQ(attempts.wait("b", time), Attempts::Wait::zero());
    time += Attempts::forgotten + std::chrono::seconds(1);
    EXPECT_EQ(attempts.wait("a", time), Attempts::Wait::zero());
    attempts.failed("a", time);
    EXPECT_EQ(attempts.wait("a", time), Attempts::Wait::zero());
    attempts.succeeded("a");
    EXPECT_EQ(attempts.size(), 0U);
}

TEST(Attempts, is_bounded) {
    Attempts attempts;
    const auto time = Attempts::Time{} + std::chrono::hours(1);
    for (std::size_t i = 0; i < Attempts::kept_max + 1'000; ++i) {
        attempts.failed(std::to_string(i), time);
    }
    EXPECT_EQ(attempts.size(), Attempts::kept_max);
}

}  // namespace
}  // namespace domicile::iam

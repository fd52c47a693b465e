#include "cloud/secret_store.hpp"
#include "cloud/sigv4.hpp"

#include <gtest/gtest.h>

namespace domicile::cloud {
namespace {

// AWS's published examples (Signature Version 4 test suite; Amazon S3 API Reference, "Signature
// Calculations").
TEST(SigV4, GivesAwssOwnSignatures) {
    const AwsCredentials suite{
        "AKIDEXAMPLE", base::Secret<std::string>("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), {}};
    const std::int64_t time = 1'440'938'160;  // 20150830T123600Z
    EXPECT_EQ(amz_date(time), "20150830T123600Z");
    const auto added = sign({.method = "GET",
                             .path = "/",
                             .query = "",
                             .headers = {{"host", "example.amazonaws.com"}},
                             .body = ""},
                            suite, "us-east-1", "service", time);
    ASSERT_EQ(added.size(), 2U);
    EXPECT_EQ(added[1].second,
              "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
              "SignedHeaders=host;x-amz-date, "
              "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(SigV4, SignsTheTokenOfTemporaryCredentials) {
    const AwsCredentials temporary{"A", base::Secret<std::string>("s"), "token"};
    const auto added =
        sign({.method = "GET", .path = "/", .query = "", .headers = {{"host", "h"}}, .body = ""}, temporary,
             "r", "s", 0);
    EXPECT_EQ(added[1], (std::pair<std::string, std::string>("x-amz-security-token", "token")));
    EXPECT_NE(added[2].second.find("SignedHeaders=host;x-amz-date;x-amz-security-token"), std::string::npos);
}

TEST(SecretName, KeepsToPlainParts) {
    for (const auto* good : {"a", "db/domicile_gateway", "a.b-c/9"}) {
        EXPECT_TRUE(is_secret_name(good)) << good;
    }
    for (const auto* bad : {"", "/a", "a/", "a//b", ".", "a/../b", "A", "\xc3\xa4"}) {
        EXPECT_FALSE(is_secret_name(bad)) << bad;
    }
}

}  // namespace
}  // namespace domicile::cloud

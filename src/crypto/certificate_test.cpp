#include "crypto/certificate.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace domicile::crypto {
namespace {

using std::chrono::days;

TEST(Certificate, IsSignedByItsAuthorityAndNoOther) {
    const auto authority = make_authority("eu nodes", days{3'650});
    const auto other = make_authority("eu nodes", days{3'650});
    ASSERT_TRUE(authority && other);
    const std::vector<std::string> hosts = {"127.0.0.1", "::1", "node.example"};
    const auto certificate = make_certificate(*authority, "eu-1.w", hosts, days{90});
    ASSERT_TRUE(certificate);
    EXPECT_TRUE(certificate->certificate.starts_with("-----BEGIN CERTIFICATE-----"));
    EXPECT_TRUE(certificate->key.reveal().starts_with("-----BEGIN PRIVATE KEY-----"));
    EXPECT_TRUE(is_good(certificate->certificate, authority->certificate, days{30}));
    EXPECT_FALSE(is_good(certificate->certificate, authority->certificate, days{91})) << "it ends before";
    EXPECT_FALSE(is_good(certificate->certificate, other->certificate, days{30}))
        << "the same name, another key";
    EXPECT_FALSE(is_good("", authority->certificate, days{0}));
    EXPECT_FALSE(is_good("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                         authority->certificate, days{0}));
}

TEST(Certificate, TakesNamesOnlyThatCannotMeanMore) {
    const auto authority = make_authority("a", days{10});
    ASSERT_TRUE(authority);
    for (const std::string host : {"", "a,DNS:b", "a b", "dirName:x\n", "*"}) {
        EXPECT_FALSE(make_certificate(*authority, "x", std::vector{host}, days{1})) << host;
    }
    EXPECT_FALSE(
        make_certificate({"", base::Secret<std::string>("")}, "x", std::vector<std::string>{"a"}, days{1}));
}

}  // namespace
}  // namespace domicile::crypto

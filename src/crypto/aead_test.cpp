#include "crypto/aead.hpp"

#include <gtest/gtest.h>

namespace domicile::crypto {
namespace {

const base::Secret<std::string> key(std::string(32, 'k'));

TEST(Aead, OpensWhatItHasSealed) {
    for (const std::string& plain : {std::string(), std::string("p"), std::string(100'000, 'x')}) {
        const auto opened = aead_open(key, aead_seal(key, plain, "where"), "where");
        ASSERT_TRUE(opened.has_value());
        EXPECT_EQ(opened->reveal(), plain);
    }
    EXPECT_NE(aead_seal(key, "same", ""), aead_seal(key, "same", ""));
}

TEST(Aead, RefusesAnyBentBitAndAnyOtherContext) {
    const std::string sealed = aead_seal(key, "secret", "eu");
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
        std::string bent = sealed;
        bent[bit / 8] = static_cast<char>(bent[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_FALSE(aead_open(key, bent, "eu").has_value()) << bit;
    }
    EXPECT_FALSE(aead_open(key, sealed, "uk").has_value());
    EXPECT_FALSE(aead_open(base::Secret<std::string>(std::string(32, 'K')), sealed, "eu").has_value());
    for (std::size_t size = 0; size < sealed.size(); ++size) {
        EXPECT_FALSE(aead_open(key, std::string_view(sealed).substr(0, size), "eu").has_value()) << size;
    }
}

}  // namespace
}  // namespace domicile::crypto

#include "crypto/random.hpp"

#include "base/assert.hpp"
#include "crypto/base64.hpp"

#include <vector>

#include <openssl/rand.h>

namespace domicile::crypto {

void random_bytes(std::span<unsigned char> bytes) {
    DOMICILE_ASSERT(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
}

std::string random_token(std::size_t byte_count) {
    std::vector<unsigned char> bytes(byte_count);
    random_bytes(bytes);
    return base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace domicile::crypto

#include "crypto/aead.hpp"

#include "base/assert.hpp"
#include "crypto/openssl.hpp"
#include "crypto/random.hpp"

#include <openssl/evp.h>

namespace domicile::crypto {
namespace {

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Freer<EVP_CIPHER_CTX_free>>;

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}
int length(std::string_view text) {
    DOMICILE_ASSERT(text.size() < (1U << 30U));  // what we seal is bounded far below
    return static_cast<int>(text.size());
}

}  // namespace

std::string aead_seal(const base::Secret<std::string>& key, std::string_view plain,
                      std::string_view associated) {
    DOMICILE_ASSERT(key.reveal().size() == aead_key_bytes);
    std::string sealed(aead_nonce_bytes + plain.size() + aead_tag_bytes, '\0');
    unsigned char* nonce = bytes(sealed);
    unsigned char* text = nonce + aead_nonce_bytes;
    random_bytes({nonce, aead_nonce_bytes});
    const Cipher cipher(EVP_CIPHER_CTX_new());
    int done = 0;
    const bool good =
        EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key.reveal()), nonce) == 1 &&
        EVP_EncryptUpdate(cipher.get(), nullptr, &done, bytes(associated), length(associated)) == 1 &&
        EVP_EncryptUpdate(cipher.get(), text, &done, bytes(plain), length(plain)) == 1 &&
        EVP_EncryptFinal_ex(cipher.get(), text + done, &done) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, aead_tag_bytes, text + plain.size()) == 1;
    DOMICILE_ASSERT(good);
    return sealed;
}

base::Result<base::Secret<std::string>> aead_open(const base::Secret<std::string>& key,
                                                  std::string_view sealed, std::string_view associated) {
    DOMICILE_ASSERT(key.reveal().size() == aead_key_bytes);
    const auto refused = [] {
        return base::fail(base::Code::invalid_value, "The sealed bytes do not open.");
    };
    if (sealed.size() < aead_nonce_bytes + aead_tag_bytes) {
        return refused();
    }
    const std::string_view nonce = sealed.substr(0, aead_nonce_bytes);
    std::string tag(sealed.substr(sealed.size() - aead_tag_bytes));
    const std::string_view text =
        sealed.substr(aead_nonce_bytes, sealed.size() - aead_nonce_bytes - aead_tag_bytes);
    std::string plain(text.size(), '\0');
    const Cipher cipher(EVP_CIPHER_CTX_new());
    int done = 0;
    const bool good =
        EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key.reveal()), bytes(nonce)) ==
            1 &&
        EVP_DecryptUpdate(cipher.get(), nullptr, &done, bytes(associated), length(associated)) == 1 &&
        EVP_DecryptUpdate(cipher.get(), bytes(plain), &done, bytes(text), length(text)) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, aead_tag_bytes, tag.data()) == 1 &&
        EVP_DecryptFinal_ex(cipher.get(), bytes(plain) + done, &done) == 1;
    base::Secret<std::string> opened(std::move(plain));  // wiped, if it is not handed out
    if (!good) {
        return refused();
    }
    return opened;
}

}  // namespace domicile::crypto

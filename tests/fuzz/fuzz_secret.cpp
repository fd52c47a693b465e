// What comes back from a secret store, a credentials file, a rotated login: nothing that was not sealed
// opens.

#include "cloud/aws_credentials.hpp"
#include "cloud/secret_store.hpp"
#include "vault/envelope.hpp"
#include "vault/rotation.hpp"

#include <cstddef>
#include <cstdint>

namespace {

using namespace domicile;

/// Unwraps anything to one key: only the envelope itself stands between bytes and a value.
class EasyKeys final : public cloud::KeyService {
  public:
    base::Result<cloud::DataKey> generate(const cloud::EncryptionContext& /*context*/) override {
        return cloud::DataKey{key(), "wrapped"};
    }
    base::Result<base::Secret<std::string>> unwrap(std::string_view /*wrapped*/,
                                                   const cloud::EncryptionContext& /*context*/) override {
        return key();
    }
    base::Status rotate() override { return {}; }

  private:
    static base::Secret<std::string> key() { return base::Secret<std::string>(std::string(32, 'k')); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    static EasyKeys keys;
    static const cloud::EncryptionContext context{{"region", "eu-west-1"}, {"secret", "eu/db/x"}};
    if (vault::open(keys, text, context)) {
        __builtin_trap();
    }
    auto sealed = vault::seal(keys, base::Secret<std::string>(text), context).value();
    const auto opened = vault::open(keys, sealed, context);
    if (size < (1U << 19U) && (!opened || opened->reveal() != text)) {
        __builtin_trap();
    }
    sealed[size % sealed.size()] = static_cast<char>(sealed[size % sealed.size()] ^ 1);
    if (vault::open(keys, sealed, context)) {
        __builtin_trap();
    }
    if (const auto login = vault::parse_login(base::Secret<std::string>(text))) {
        const auto again = vault::parse_login(vault::to_text(*login));
        if (!again || again->user != login->user) {
            __builtin_trap();
        }
    }
    std::ignore = cloud::parse_credentials_file(text);
    std::ignore = cloud::is_secret_name(text);
    return 0;
}

#include "cloud/aws_keys.hpp"

#include "crypto/aead.hpp"
#include "crypto/base64.hpp"

#include <boost/json.hpp>

namespace domicile::cloud {
namespace {

namespace json = boost::json;
using base::Code;
using Secret = base::Secret<std::string>;

json::object as_json(const EncryptionContext& context) {
    json::object pairs;
    for (const auto& [name, value] : context) {
        pairs[name] = value;
    }
    return pairs;
}

/// base64 in a member; nothing if it is not there.
std::optional<std::string> bytes_of(const json::object& body, std::string_view name) {
    const json::value* value = body.if_contains(name);
    return value != nullptr && value->is_string() ? crypto::base64_decode(value->as_string()) : std::nullopt;
}

base::Error as_key_error(base::Error error) {
    // A key that is not there is a mistake of whoever set up the region, not an absent secret.
    error.code = error.code == Code::not_found ? Code::configuration : error.code;
    return error;
}

std::unexpected<base::Error> odd() {
    return base::fail(Code::protocol_violation, "The key service gives something else than a key.");
}

}  // namespace

base::Result<DataKey> AwsKeys::generate(const EncryptionContext& context) {
    const auto answer =
        service_.run("GenerateDataKey",
                     {{"KeyId", key_}, {"KeySpec", "AES_256"}, {"EncryptionContext", as_json(context)}});
    if (!answer) {
        return std::unexpected(as_key_error(answer.error()));
    }
    auto plain = bytes_of(*answer, "Plaintext");
    auto wrapped = bytes_of(*answer, "CiphertextBlob");
    if (!plain || plain->size() != crypto::aead_key_bytes || !wrapped) {
        return odd();
    }
    return DataKey{Secret(std::move(*plain)), std::move(*wrapped)};
}

base::Result<Secret> AwsKeys::unwrap(std::string_view wrapped, const EncryptionContext& context) {
    // The key is named, so that a blob under a key of somebody else is refused.
    const auto answer = service_.run("Decrypt", {{"KeyId", key_},
                                                 {"CiphertextBlob", crypto::base64(wrapped)},
                                                 {"EncryptionContext", as_json(context)}});
    if (!answer) {
        return std::unexpected(as_key_error(answer.error()));
    }
    auto plain = bytes_of(*answer, "Plaintext");
    if (!plain || plain->size() != crypto::aead_key_bytes) {
        return odd();
    }
    return Secret(std::move(*plain));
}

base::Status AwsKeys::rotate() {
    const auto described = service_.run("DescribeKey", {{"KeyId", key_}});
    if (!described) {
        return std::unexpected(as_key_error(described.error()));
    }
    // It takes ids and ARNs, no alias.
    const json::value* metadata = described->if_contains("KeyMetadata");
    const json::value* id =
        metadata != nullptr && metadata->is_object() ? metadata->as_object().if_contains("KeyId") : nullptr;
    if (id == nullptr) {
        return odd();
    }
    const auto done = service_.run("RotateKeyOnDemand", {{"KeyId", *id}});
    return done ? base::Status() : std::unexpected(as_key_error(done.error()));
}

}  // namespace domicile::cloud

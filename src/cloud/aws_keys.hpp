#pragma once
// AWS KMS as a key service (AWS KMS API Reference: GenerateDataKey, Decrypt, RotateKeyOnDemand).

#include "cloud/aws_call.hpp"
#include "cloud/key_service.hpp"

namespace domicile::cloud {

class AwsKeys final : public KeyService {
  public:
    /// `key` is an id, an ARN, or "alias/…"; it must exist in the region.
    AwsKeys(AwsAccess access, std::string region, std::string key)
        : service_(std::move(access), std::move(region), "kms", "TrentService"), key_(std::move(key)) {}

    base::Result<DataKey> generate(const EncryptionContext& context) override;
    base::Result<base::Secret<std::string>> unwrap(std::string_view wrapped,
                                                   const EncryptionContext& context) override;
    base::Status rotate() override;

  private:
    AwsService service_;
    std::string key_;
};

}  // namespace domicile::cloud

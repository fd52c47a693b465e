#pragma once
// AWS Secrets Manager as a secret store (AWS Secrets Manager API Reference). Its AWSCURRENT, AWSPENDING and
// AWSPREVIOUS are our stages.

#include "cloud/aws_call.hpp"
#include "cloud/secret_store.hpp"

#include <boost/json/fwd.hpp>

namespace domicile::cloud {

class AwsSecrets final : public SecretStore {
  public:
    /// `prefix` stands before every name ("domicile/retail/"); `key` encrypts at rest, empty: AWS's own.
    AwsSecrets(AwsAccess access, std::string region, std::string prefix, std::string key)
        : service_(std::move(access), std::move(region), "secretsmanager", "secretsmanager"),
          prefix_(std::move(prefix)),
          key_(std::move(key)) {}

    base::Status put(std::string_view name, std::string_view version, std::string_view bytes,
                     Stage stage) override;
    base::Result<StoredVersion> get(std::string_view name, Stage stage) override;
    base::Status move(std::string_view name, Stage stage, std::string_view to,
                      std::string_view from) override;
    base::Result<std::vector<SecretVersion>> describe(std::string_view name) override;
    base::Result<std::vector<std::string>> list(std::string_view prefix) override;
    base::Status remove(std::string_view name) override;

  private:
    [[nodiscard]] base::Result<boost::json::object> run(std::string_view action,
                                                        const boost::json::object& body) const;
    AwsService service_;
    std::string prefix_, key_;
};

}  // namespace domicile::cloud

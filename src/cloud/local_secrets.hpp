#pragma once
// A secret store in files: one folder a region, one file a secret. What it is given is sealed already.

#include "cloud/secret_store.hpp"

#include <filesystem>

namespace domicile::cloud {

class LocalSecrets final : public SecretStore {
  public:
    /// `folder` is the region's; it must be there for anything to work.
    explicit LocalSecrets(std::filesystem::path folder) : folder_(std::move(folder)) {}

    base::Status put(std::string_view name, std::string_view version, std::string_view bytes,
                     Stage stage) override;
    base::Result<StoredVersion> get(std::string_view name, Stage stage) override;
    base::Status move(std::string_view name, Stage stage, std::string_view to,
                      std::string_view from) override;
    base::Result<std::vector<SecretVersion>> describe(std::string_view name) override;
    base::Result<std::vector<std::string>> list(std::string_view prefix) override;
    base::Status remove(std::string_view name) override;

  private:
    struct Version : SecretVersion {
        std::string bytes;
    };
    [[nodiscard]] std::filesystem::path file(std::string_view name) const;
    [[nodiscard]] base::Result<std::vector<Version>> read(std::string_view name) const;
    [[nodiscard]] base::Status write(std::string_view name, std::vector<Version> versions) const;
    static void give(std::vector<Version>& versions, Stage stage, std::string_view to);

    std::filesystem::path folder_;
};

}  // namespace domicile::cloud

#pragma once
// A key service in files: one folder a region, one file a key with all its versions. Whoever may read the
// folder can unwrap: it stands apart from the secrets, so that a copy of those alone opens nothing.

#include "cloud/key_service.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace domicile::cloud {

class LocalKeys final : public KeyService {
  public:
    /// `folder` is the region's; it must be there for anything to work. The key is made when first used.
    LocalKeys(std::filesystem::path folder, std::string key)
        : folder_(std::move(folder)), key_(std::move(key)) {}

    base::Result<DataKey> generate(const EncryptionContext& context) override;
    base::Result<base::Secret<std::string>> unwrap(std::string_view wrapped,
                                                   const EncryptionContext& context) override;
    base::Status rotate() override;

  private:
    struct Version;
    [[nodiscard]] base::Result<std::vector<Version>> versions() const;
    [[nodiscard]] base::Result<std::vector<Version>> add_version(bool only_the_first);

    std::filesystem::path folder_;
    std::string key_;
};

}  // namespace domicile::cloud

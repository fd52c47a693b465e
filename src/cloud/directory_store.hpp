#pragma once
// The object store as a directory: an object is a file of its key's name, with its SHA-256 in front.

#include "cloud/object_store.hpp"

#include <filesystem>

namespace domicile::cloud {

class DirectoryStore final : public ObjectStore {
  public:
    explicit DirectoryStore(std::filesystem::path root) : root_(std::move(root)) {}
    base::Status put_if_absent(std::string_view key, std::string_view bytes) override;
    base::Status put(std::string_view key, std::string_view bytes) override;
    base::Result<std::string> get(std::string_view key) override;
    base::Result<std::vector<StoredObject>> list(std::string_view prefix) override;

  private:
    base::Status write(std::string_view key, std::string_view bytes, bool replace);
    std::filesystem::path root_;
};

}  // namespace domicile::cloud

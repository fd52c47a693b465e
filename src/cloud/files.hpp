#pragma once
// Private files of the local drivers: 0600 in folders of 0700, owned by whoever owns the folder above,
// written beside and renamed so that a reader sees the old text or the new. Errors: node_unavailable for a
// folder that cannot be reached (a region that is down), configuration for the rest.

#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace domicile::cloud {

/// not_found if there is none. At most `bytes_max` bytes.
[[nodiscard]] base::Result<std::string> read_private(const std::filesystem::path& file,
                                                     std::size_t bytes_max);
/// Durable when it returns. Makes missing folders between `root`, which must be there, and the file.
[[nodiscard]] base::Status write_private(const std::filesystem::path& root, const std::filesystem::path& file,
                                         std::string_view text);

/// One writer at a time, across processes; let go when destroyed, however the process ends.
class FolderLock {
  public:
    [[nodiscard]] static base::Result<FolderLock> take(const std::filesystem::path& root);
    FolderLock(FolderLock&& other) noexcept;
    FolderLock& operator=(FolderLock&&) = delete;
    ~FolderLock();

  private:
    explicit FolderLock(int fd) : fd_(fd) {}
    int fd_;
};

}  // namespace domicile::cloud

#pragma once
// A file, plain or compressed by Zstandard (.zst), read in pieces.

#include "base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace domicile::load {

class FileReader {
  public:
    /// configuration if the file cannot be opened.
    static base::Result<FileReader> open(const std::filesystem::path& file);
    FileReader(FileReader&&) noexcept;
    FileReader& operator=(FileReader&&) noexcept;
    ~FileReader();

    /// Replaces `out` by the next piece; empty at the end. invalid_value if the compressed data is broken or
    /// ends early.
    [[nodiscard]] base::Status read(std::string& out);
    [[nodiscard]] std::uint64_t bytes_read() const noexcept;   ///< of the file itself
    [[nodiscard]] std::uint64_t bytes_total() const noexcept;  ///< of the file itself

  private:
    struct Impl;
    explicit FileReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace domicile::load

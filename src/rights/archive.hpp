#pragma once
// A ZIP archive (PKWARE APPNOTE, as libarchive writes it) that is written from front to back and handed on in
// pieces of equal length, so that one of any size needs little memory. The same entries give the same bytes.

#include "base/error.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::rights {

struct ArchivedFile {
    std::string name;
    std::string sha256;  ///< hex
    std::uint64_t bytes = 0;
};

class Archive {
  public:
    /// `take` gets each full piece, and the last one; its error ends the archive.
    Archive(std::size_t piece_bytes, std::function<base::Status(std::string_view piece)> take);
    Archive(const Archive&) = delete;
    Archive& operator=(const Archive&) = delete;
    ~Archive();

    /// Begins a file; what is added goes into it until the next begins.
    base::Status begin(std::string name);
    base::Status add(std::string_view bytes);
    base::Status file(std::string name, std::string_view bytes);
    /// Ends the file that is open, and writes the directory.
    base::Status close();
    /// Those that are complete.
    [[nodiscard]] const std::vector<ArchivedFile>& files() const;
    /// Of the archive, so far.
    [[nodiscard]] std::uint64_t bytes() const;
    /// SHA-256 of the whole, hex. REQUIRES: closed.
    [[nodiscard]] const std::string& sha256() const;
    /// Ends the file that is open: then files() has it.
    base::Status end();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace domicile::rights

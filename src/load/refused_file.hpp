#pragma once
// Where refused rows go: a CSV of file, line, reason and the record itself, readable by its owner only.
// Thread-safe.

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace domicile::load {

class RefusedFile {
  public:
    /// Reads what earlier runs have refused. The file is made with the first row.
    explicit RefusedFile(std::filesystem::path path);

    /// `source` is the record as CSV. A row that is known already is not written again.
    void add(const std::string& file, std::uint64_t line, const std::string& reason,
             const std::string& source);
    [[nodiscard]] bool knows(const std::string& file, std::uint64_t line);

  private:
    std::filesystem::path path_;
    std::mutex mutex_;
    std::set<std::pair<std::string, std::string>> known_;  // file and line
};

}  // namespace domicile::load

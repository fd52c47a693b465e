#pragma once
// A CSV file with a header line, record by record.

#include "base/error.hpp"
#include "load/csv.hpp"
#include "load/file_reader.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace domicile::load {

class SourceTable {
  public:
    /// configuration if the file cannot be opened; invalid_value if its first record is broken.
    static base::Result<SourceTable> open(const std::filesystem::path& path);
    /// True if `record` was filled; false at the end. invalid_value is final.
    [[nodiscard]] base::Result<bool> next(Record& record);
    /// The index of a column of the header; configuration if there is none.
    [[nodiscard]] base::Result<std::size_t> column(const std::string& name) const;
    [[nodiscard]] std::size_t width() const { return header_.size(); }
    [[nodiscard]] const FileReader& reader() const { return reader_; }

  private:
    SourceTable(FileReader reader, std::filesystem::path path)
        : reader_(std::move(reader)), path_(std::move(path)) {}

    FileReader reader_;
    std::filesystem::path path_;
    CsvReader csv_;
    std::string piece_;
    bool at_end_ = false;
    std::vector<std::string> header_;
};

}  // namespace domicile::load

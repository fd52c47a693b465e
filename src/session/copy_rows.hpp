#pragma once
// Rows of a result as the lines of COPY … TO STDOUT (PostgreSQL docs, "COPY", "File Formats"), byte for byte
// as PostgreSQL writes them. Pure.

#include "session/copy_split.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::session {

class CopyRows {
  public:
    /// Errors: invalid_value for a column of FORCE_QUOTE that the result does not have.
    static base::Result<CopyRows> of(CopyFormat format, std::vector<std::string> columns);

    /// What comes before the rows: the header line, the binary signature; may be empty.
    [[nodiscard]] std::string head() const;
    /// Appends one row. Fields are in text format, or binary for the binary format.
    void append(std::string& out, std::span<const std::optional<std::string_view>> fields) const;
    /// What comes behind the rows.
    [[nodiscard]] std::string_view tail() const;

  private:
    void append_text(std::string& out, std::string_view field) const;
    void append_csv(std::string& out, std::string_view field, bool force) const;

    CopyFormat format_;
    std::vector<std::string> columns_;
    std::vector<bool> force_;
    std::string null_;
};

}  // namespace domicile::session

#pragma once
// Cuts the stream of COPY … FROM STDIN into rows and reads each row's user id (PostgreSQL docs, "COPY", "File
// Formats"). Pure: bytes in, rows out. A row may be spread over any number of pieces.

#include "base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace domicile::session {

struct CopyFormat {
    enum class Kind : std::uint8_t { text, csv, binary };
    Kind kind = Kind::text;
    char delimiter = '\t';
    char quote = '"';
    char escape = '"';
    bool header = false;
    std::optional<std::string> null;       ///< how NULL is written; empty: by the format's default
    bool force_quote_all = false;          ///< of COPY TO
    std::vector<std::string> force_quote;  ///< of COPY TO: columns
    std::size_t key_column = 0;            ///< from 0
};

/// The options of a COPY statement, which may stand in any of PostgreSQL's two styles; and its column list.
struct CopyStatement {
    std::string table;
    std::vector<std::string> columns;  ///< folded; empty: all of the table
    std::string_view query;            ///< COPY (query) TO: a part of the text
    CopyFormat format;
};
/// cannot_route if an option is not understood. REQUIRES: analyse() found COPY … FROM STDIN or TO STDOUT.
[[nodiscard]] base::Result<CopyStatement> parse_copy(std::string_view text, bool standard_strings);

/// SQL that gives the columns of COPY without a list: all but generated ones.
[[nodiscard]] std::string columns_question(std::string_view table);

class CopySplit {
  public:
    /// Takes the id of a row and its bytes, as they came (for text and CSV with the end of the line).
    using Row = std::function<base::Status(std::int64_t id, std::string_view bytes)>;
    CopySplit(CopyFormat format, Row row) : format_(format), row_(std::move(row)) {}

    /// Errors: of `row`, and invalid_value for a row without a plain user id or a malformed stream.
    base::Status put(std::string_view bytes);
    /// The stream is over.
    base::Status end();
    /// What each shard must get before its rows: the header of the binary format, and of CSV.
    [[nodiscard]] const std::string& header() const noexcept { return header_; }

  private:
    /// Bytes of the first whole row in the text, 0 if it is not whole yet.
    [[nodiscard]] std::size_t row_size(std::string_view text, bool last) const;
    base::Status take(std::string_view row);
    [[nodiscard]] std::optional<std::string> key_of(std::string_view row) const;
    base::Status put_binary(std::string_view bytes, std::size_t& used);

    CopyFormat format_;
    Row row_;
    std::string rest_;
    std::string header_;
    bool begun_ = false;
    bool over_ = false;
    std::uint64_t line_ = 0;
};

}  // namespace domicile::session

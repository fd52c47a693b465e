#pragma once
// What a PostgreSQL node says: decoders of its messages. No I/O. Views point into the message body and live
// as long as the caller's bytes. A decoder returns false on any malformed body; the connection is then
// unusable.

#include "wire/frame.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace domicile::wire {

/// Message types a node sends.
namespace backend {
inline constexpr char authentication = 'R';
inline constexpr char backend_key_data = 'K';
inline constexpr char bind_complete = '2';
inline constexpr char close_complete = '3';
inline constexpr char command_complete = 'C';
inline constexpr char copy_both_response = 'W';
inline constexpr char copy_data = 'd';
inline constexpr char copy_done = 'c';
inline constexpr char copy_in_response = 'G';
inline constexpr char copy_out_response = 'H';
inline constexpr char data_row = 'D';
inline constexpr char empty_query = 'I';
inline constexpr char error_response = 'E';
inline constexpr char negotiate_version = 'v';
inline constexpr char no_data = 'n';
inline constexpr char notice_response = 'N';
inline constexpr char notification = 'A';
inline constexpr char parameter_description = 't';
inline constexpr char parameter_status = 'S';
inline constexpr char parse_complete = '1';
inline constexpr char portal_suspended = 's';
inline constexpr char ready_for_query = 'Z';
inline constexpr char row_description = 'T';
}  // namespace backend

/// ErrorResponse and NoticeResponse (docs, "Error and Notice Message Fields"). Absent fields are empty.
struct ServerError {
    std::string_view severity;
    std::string_view sqlstate;
    std::string_view message;
    std::string_view detail;
    std::string_view hint;
    std::string_view context;
    std::string_view table;
    std::string_view column;
    std::string_view constraint;
};
/// Fields may be missing (a hostile node may send none). `sqlstate` is five of 0-9 and A-Z, or empty: it goes
/// to logs and clients, so nothing else may pass for one.
[[nodiscard]] bool decode(std::string_view body, ServerError& error);
/// Five of 0-9 and A-Z.
[[nodiscard]] bool is_sqlstate(std::string_view text) noexcept;

struct ColumnDescription {
    std::string_view name;
    std::uint32_t table_oid = 0;
    std::int16_t attribute = 0;
    std::uint32_t type_oid = 0;
    std::int16_t type_size = 0;
    std::int32_t type_modifier = 0;
    std::int16_t format = 0;
};
[[nodiscard]] bool decode_row_description(std::string_view body, std::vector<ColumnDescription>& columns);

/// The fields of one DataRow, read in order.
class RowReader {
  public:
    explicit RowReader(std::string_view body) noexcept;
    [[nodiscard]] std::uint16_t columns() const noexcept { return columns_; }
    /// The next field: nothing for SQL NULL. Past the end or malformed: nothing, and ok() is false.
    [[nodiscard]] std::optional<std::string_view> next() noexcept;
    /// False after a malformed field, a read past the last column, or bytes left over behind it.
    [[nodiscard]] bool ok() const noexcept {
        return reader_.ok() && !overrun_ && (read_ < columns_ || reader_.done());
    }

  private:
    Reader reader_;
    std::uint16_t columns_ = 0;
    std::uint16_t read_ = 0;
    bool overrun_ = false;
};

/// Whether a DataRow's body holds exactly the fields it announces.
[[nodiscard]] bool well_formed_row(std::string_view body) noexcept;

/// CommandComplete: its tag.
[[nodiscard]] bool decode_command_complete(std::string_view body, std::string_view& tag) noexcept;

/// Rows a command touched, from its tag ("INSERT 0 5", "UPDATE 3", "COPY 7"); 0 for tags without a count.
[[nodiscard]] std::uint64_t affected_rows(std::string_view tag) noexcept;

/// ReadyForQuery: 'I' idle, 'T' in transaction, 'E' failed transaction.
[[nodiscard]] bool decode_ready(std::string_view body, char& status) noexcept;

}  // namespace domicile::wire

#pragma once
// What a PostgreSQL node says: decoders of its messages. No I/O. Views point into the message body and live as long as
// the caller's bytes. A decoder returns false on any malformed body; the connection is then unusable.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "wire/frame.hpp"

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
/// Fields may be missing (a hostile node may send none: sqlstate is then empty).
[[nodiscard]] bool decode(std::string_view body, ServerError& error);

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
    [[nodiscard]] bool ok() const noexcept { return reader_.ok() && !overrun_; }

  private:
    Reader reader_;
    std::uint16_t columns_ = 0;
    std::uint16_t read_ = 0;
    bool overrun_ = false;
};

/// Rows a command touched, from its tag ("INSERT 0 5", "UPDATE 3", "COPY 7"); 0 for tags without a count.
[[nodiscard]] std::uint64_t affected_rows(std::string_view tag) noexcept;

/// ReadyForQuery: 'I' idle, 'T' in transaction, 'E' failed transaction.
[[nodiscard]] bool decode_ready(std::string_view body, char& status) noexcept;

/// Counts what is still owed to us. Every Query or Sync sent is answered by exactly one ReadyForQuery, whatever else
/// comes between; only when all came and the last said idle may the connection serve another session.
class ReplyTracker {
  public:
    void expect() noexcept { ++owed_; }
    /// Call for every frame. False: the node sent what cannot come here, and the connection must be closed.
    [[nodiscard]] bool advance(const Frame& frame) noexcept;
    [[nodiscard]] bool settled() const noexcept { return owed_ == 0; }
    [[nodiscard]] bool idle() const noexcept { return owed_ == 0 && status_ == 'I'; }
    [[nodiscard]] std::uint32_t owed() const noexcept { return owed_; }

  private:
    std::uint32_t owed_ = 0;
    char status_ = 'I';
};

}  // namespace domicile::wire

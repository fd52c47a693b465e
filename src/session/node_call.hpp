#pragma once
// The gateway's own questions to a node over a leased connection: a script in the simple protocol, its rows
// and tags taken, nothing passed to the client. Start several, then finish each: they run in parallel.

#include "net/stream.hpp"
#include "pool/pool.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::session {

/// In network byte order, for the parts of a message that are put together as text.
[[nodiscard]] inline std::string u16(std::size_t value) {
    return {static_cast<char>(value >> 8U), static_cast<char>(value & 0xFFU)};
}
[[nodiscard]] inline std::string u32(std::size_t value) {
    return u16(value >> 16U) + u16(value & 0xFFFFU);
}

/// What a node may say beside its answers (notices, notifications, settings) before it is out of its mind.
inline constexpr std::size_t chatter_bytes_max = 1U << 20U;

struct CallResult {
    std::vector<std::string> tags;
    std::vector<std::vector<std::optional<std::string>>> rows;  ///< the fields of the first MiB of rows
    std::string parameter_description;                          ///< count and OIDs, as in Parse
    std::string description;                                    ///< body of the last RowDescription
    std::vector<std::string> raw_rows;                          ///< bodies of the DataRows, for passing on
    std::string error;     ///< body of the first ErrorResponse, empty if there was none
    std::string sqlstate;  ///< its SQLSTATE

    [[nodiscard]] bool good() const noexcept { return error.empty(); }
};

/// Appends the script to what is to be sent.
void add_call(pool::Connection& connection, std::string_view sql);
/// The same for one statement of the extended protocol, unnamed: `types` as in Parse, the others as in Bind.
/// Without `execute` it is only described.
void add_execution(pool::Connection& connection, std::string_view sql, std::string_view types,
                   std::string_view formats_and_values, std::string_view result_formats, bool execute = true);
/// Parse alone: the node judges the text and does not run it.
void add_parse(pool::Connection& connection, std::string_view sql);
/// Sends what is gathered. Errors: node_unavailable, node_timeout; the connection is closed then.
net::Task<base::Status> send_calls(pool::Connection& connection, std::chrono::milliseconds timeout);
/// Reads until everything sent is answered. Errors: node_unavailable, node_timeout, protocol_violation; the
/// connection is closed then; cannot_route if it gives more than 16 MiB of rows. What PostgreSQL reports is
/// in the result.
net::Task<base::Result<CallResult>> finish_calls(pool::Connection& connection,
                                                 std::chrono::milliseconds timeout);
/// All three.
net::Task<base::Result<CallResult>> call(pool::Connection& connection, std::string_view sql,
                                         std::chrono::milliseconds timeout);

}  // namespace domicile::session

#pragma once
// What we say to a PostgreSQL client: encoders that append whole messages to a buffer (PostgreSQL docs,
// "Message Formats"). No I/O. A text that becomes a C string is cut at its first zero byte, since what lies
// behind it would be read as other fields.

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "wire/client.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace domicile::wire {

inline constexpr std::string_view scram_sha_256 = "SCRAM-SHA-256";

void append_authentication_sasl(base::Buffer& out, std::span<const std::string_view> mechanisms);
void append_authentication_sasl_continue(base::Buffer& out, std::string_view data);
void append_authentication_sasl_final(base::Buffer& out, std::string_view data);
/// AuthenticationCleartextPassword: for tokens, over TLS or loopback only.
void append_authentication_cleartext(base::Buffer& out);
void append_authentication_ok(base::Buffer& out);
/// Version 3.0, and those of the client's settings that are options of the protocol. To send when
/// StartupPacket::needs_negotiation(), before anything else.
void append_negotiate_protocol_version(base::Buffer& out, std::span<const Setting> settings);
void append_parameter_status(base::Buffer& out, std::string_view name, std::string_view value);
void append_backend_key_data(base::Buffer& out, std::uint32_t process_id, std::uint32_t secret_key);
/// `status`: 'I' idle, 'T' in transaction, 'E' failed transaction.
void append_ready_for_query(base::Buffer& out, char status);

/// PostgreSQL docs, "Error and Notice Message Fields". The first three are for ErrorResponse, the others for
/// NoticeResponse. After fatal and panic the connection ends.
enum class Severity : std::uint8_t { error, fatal, panic, warning, notice, debug, info, log };

/// Fields that are empty are not sent, but for the message.
struct Report {
    Severity severity = Severity::error;
    std::string_view sqlstate;  ///< five of 0-9 and A-Z; anything else is sent as XX000, internal error
    std::string_view message;
    std::string_view detail;
    std::string_view hint;
};
void append_error(base::Buffer& out, const Report& report);
void append_notice(base::Buffer& out, const Report& report);
/// The error's SQLSTATE, text, hint, and its rule as the detail. Its own detail is for the log and is not
/// sent.
void append_error(base::Buffer& out, const base::Error& error, Severity severity = Severity::error);

void append_parse_complete(base::Buffer& out);
void append_bind_complete(base::Buffer& out);
void append_close_complete(base::Buffer& out);
void append_no_data(base::Buffer& out);
void append_empty_query(base::Buffer& out);
void append_portal_suspended(base::Buffer& out);
void append_command_complete(base::Buffer& out, std::string_view tag);

/// REQUIRES: at most 65535 of them.
void append_parameter_description(base::Buffer& out, std::span<const std::uint32_t> type_oids);

/// A column of a result that we make ourselves: of no table, without a type modifier, in text format.
struct Column {
    std::string_view name;
    std::uint32_t type_oid = 25;  ///< text
    std::int16_t type_size = -1;  ///< negative: of variable width
};
/// REQUIRES: at most limits::wire_columns_max columns; so for the row.
void append_row_description(base::Buffer& out, std::span<const Column> columns);
/// Text format; nothing is SQL NULL.
void append_data_row(base::Buffer& out, std::span<const std::optional<std::string_view>> values);

/// 0: text, 1: binary, for the copy and for each of its columns.
enum class CopyFormat : std::uint8_t { text, binary };
/// REQUIRES: at most limits::wire_columns_max columns.
void append_copy_in_response(base::Buffer& out, CopyFormat format, std::size_t columns);
void append_copy_out_response(base::Buffer& out, CopyFormat format, std::size_t columns);
// CopyData and CopyDone are the same in both directions: append_copy_data() and append_copy_done() of
// wire/frontend.hpp.

}  // namespace domicile::wire

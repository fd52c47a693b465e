#include "wire/server.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "wire/backend.hpp"
#include "wire/message.hpp"

#include <algorithm>
#include <limits>

namespace domicile::wire {
namespace {

// AuthenticationXxx codes (PostgreSQL docs, "Message Formats").
constexpr std::uint32_t auth_ok = 0;
constexpr std::uint32_t auth_sasl = 10;
constexpr std::uint32_t auth_sasl_continue = 11;
constexpr std::uint32_t auth_sasl_final = 12;

std::string_view before_zero(std::string_view text) noexcept {
    return text.substr(0, text.find('\0'));
}

void append_text(base::Buffer& out, std::string_view text) {
    out.append_cstring(before_zero(text));
}

void append_authentication(base::Buffer& out, std::uint32_t kind, std::string_view data) {
    const MessageWriter message(out, backend::authentication);
    out.append_u32(kind);
    out.append(data);
}

void append_bare(base::Buffer& out, char type) {
    const MessageWriter message(out, type);
}

std::string_view name_of(Severity severity) noexcept {
    switch (severity) {
        case Severity::error: return "ERROR";
        case Severity::fatal: return "FATAL";
        case Severity::panic: return "PANIC";
        case Severity::warning: return "WARNING";
        case Severity::notice: return "NOTICE";
        case Severity::debug: return "DEBUG";
        case Severity::info: return "INFO";
        case Severity::log: return "LOG";
    }
    return "ERROR";
}

void append_field(base::Buffer& out, char field, std::string_view prefix, std::string_view text,
                  std::string_view suffix) {
    if (before_zero(text).empty()) {
        return;
    }
    out.append_u8(static_cast<std::uint8_t>(field));
    out.append(prefix);
    out.append(before_zero(text));
    out.append_cstring(suffix);
}

/// `rule` is sent when there is no detail.
void append_report(base::Buffer& out, char type, const Report& report, std::string_view rule = {}) {
    const MessageWriter message(out, type);
    const std::string_view severity = name_of(report.severity);
    append_field(out, 'S', {}, severity, {});
    append_field(out, 'V', {}, severity, {});
    // Clients take these two fields for granted; some fall over without them.
    append_field(out, 'C', {}, is_sqlstate(report.sqlstate) ? report.sqlstate : "XX000", {});
    append_field(out, 'M', {}, before_zero(report.message).empty() ? "?" : report.message, {});
    append_field(out, 'D', {}, report.detail, {});
    append_field(out, 'D', "Rule: ", rule, ".");
    append_field(out, 'H', {}, report.hint, {});
    out.append_u8(0);
}

void append_count(base::Buffer& out, std::size_t count, std::size_t count_max) {
    // Cut to 16 bits, the rest would be read as other fields of the message.
    DOMICILE_ASSERT(count <= count_max);
    out.append_u16(static_cast<std::uint16_t>(count));
}

void append_copy_response(base::Buffer& out, char type, CopyFormat format, std::size_t columns) {
    const MessageWriter message(out, type);
    out.append_u8(static_cast<std::uint8_t>(format));
    append_count(out, columns, base::limits::wire_columns_max);
    for (std::size_t i = 0; i < columns; ++i) {
        out.append_u16(static_cast<std::uint16_t>(format));
    }
}

}  // namespace

void append_authentication_sasl(base::Buffer& out, std::span<const std::string_view> mechanisms) {
    const MessageWriter message(out, backend::authentication);
    out.append_u32(auth_sasl);
    for (const std::string_view mechanism : mechanisms) {
        append_text(out, mechanism);
    }
    out.append_u8(0);
}

void append_authentication_sasl_continue(base::Buffer& out, std::string_view data) {
    append_authentication(out, auth_sasl_continue, data);
}

void append_authentication_sasl_final(base::Buffer& out, std::string_view data) {
    append_authentication(out, auth_sasl_final, data);
}

void append_authentication_cleartext(base::Buffer& out) {
    append_authentication(out, 3, {});  // PostgreSQL docs, "Message Formats"
}

void append_authentication_ok(base::Buffer& out) {
    append_authentication(out, auth_ok, {});
}

void append_negotiate_protocol_version(base::Buffer& out, std::span<const Setting> settings) {
    const MessageWriter message(out, backend::negotiate_version);
    // The docs say "newest minor version"; PostgreSQL sends, and libpq compares, the whole version.
    out.append_u32(protocol_version_3_0);
    const auto ours = [](const Setting& setting) { return is_protocol_option(setting.name); };
    out.append_u32(static_cast<std::uint32_t>(std::ranges::count_if(settings, ours)));
    for (const Setting& setting : settings) {
        if (ours(setting)) {
            append_text(out, setting.name);
        }
    }
}

void append_parameter_status(base::Buffer& out, std::string_view name, std::string_view value) {
    const MessageWriter message(out, backend::parameter_status);
    append_text(out, name);
    append_text(out, value);
}

void append_backend_key_data(base::Buffer& out, std::uint32_t process_id, std::uint32_t secret_key) {
    const MessageWriter message(out, backend::backend_key_data);
    out.append_u32(process_id);
    out.append_u32(secret_key);
}

void append_ready_for_query(base::Buffer& out, char status) {
    DOMICILE_ASSERT(status == 'I' || status == 'T' || status == 'E');
    const MessageWriter message(out, backend::ready_for_query);
    out.append_u8(static_cast<std::uint8_t>(status));
}

void append_error(base::Buffer& out, const Report& report) {
    append_report(out, backend::error_response, report);
}

void append_notice(base::Buffer& out, const Report& report) {
    append_report(out, backend::notice_response, report);
}

void append_error(base::Buffer& out, const base::Error& error, Severity severity) {
    const base::CodeInfo& info = base::info(error.code);
    Report report;
    report.severity = severity;
    report.sqlstate = info.sqlstate;
    report.message = before_zero(error.text).empty() ? info.title : error.text;
    report.hint = error.hint;
    append_report(out, backend::error_response, report, error.rule);
}

void append_parse_complete(base::Buffer& out) {
    append_bare(out, backend::parse_complete);
}
void append_bind_complete(base::Buffer& out) {
    append_bare(out, backend::bind_complete);
}
void append_close_complete(base::Buffer& out) {
    append_bare(out, backend::close_complete);
}
void append_no_data(base::Buffer& out) {
    append_bare(out, backend::no_data);
}
void append_empty_query(base::Buffer& out) {
    append_bare(out, backend::empty_query);
}
void append_portal_suspended(base::Buffer& out) {
    append_bare(out, backend::portal_suspended);
}

void append_command_complete(base::Buffer& out, std::string_view tag) {
    const MessageWriter message(out, backend::command_complete);
    append_text(out, tag);
}

void append_parameter_description(base::Buffer& out, std::span<const std::uint32_t> type_oids) {
    const MessageWriter message(out, backend::parameter_description);
    append_count(out, type_oids.size(), std::numeric_limits<std::uint16_t>::max());
    for (const std::uint32_t oid : type_oids) {
        out.append_u32(oid);
    }
}

void append_row_description(base::Buffer& out, std::span<const Column> columns) {
    const MessageWriter message(out, backend::row_description);
    append_count(out, columns.size(), base::limits::wire_columns_max);
    for (const Column& column : columns) {
        append_text(out, column.name);
        out.append_u32(0);  // of no table
        out.append_u16(0);
        out.append_u32(column.type_oid);
        out.append_u16(static_cast<std::uint16_t>(column.type_size));
        out.append_u32(0xFFFF'FFFFU);  // no type modifier
        out.append_u16(0);             // text
    }
}

void append_data_row(base::Buffer& out, std::span<const std::optional<std::string_view>> values) {
    const MessageWriter message(out, backend::data_row);
    append_count(out, values.size(), base::limits::wire_columns_max);
    for (const auto& value : values) {
        if (!value) {
            out.append_u32(0xFFFF'FFFFU);
            continue;
        }
        out.append_u32(static_cast<std::uint32_t>(value->size()));
        out.append(*value);
    }
}

void append_copy_in_response(base::Buffer& out, CopyFormat format, std::size_t columns) {
    append_copy_response(out, backend::copy_in_response, format, columns);
}
void append_copy_out_response(base::Buffer& out, CopyFormat format, std::size_t columns) {
    append_copy_response(out, backend::copy_out_response, format, columns);
}

}  // namespace domicile::wire

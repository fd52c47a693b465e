#include "wire/client.hpp"

#include "base/limits.hpp"

#include <algorithm>

namespace domicile::wire {
namespace {

using Kind = StartupPacket::Kind;

// PostgreSQL: pqcomm.h. The "major version" 1234 marks requests that are no start-up.
constexpr std::uint32_t cancel_code = 80'877'102;
constexpr std::uint32_t ssl_code = 80'877'103;
constexpr std::uint32_t gssenc_code = 80'877'104;

/// Name and value pairs up to an empty name, which is the last byte (PostgreSQL: ProcessStartupPacket).
Kind read_settings(Reader reader, StartupPacket& packet) noexcept {
    for (;;) {
        const std::string_view name = reader.cstring();
        if (!reader.ok()) {
            return Kind::malformed;
        }
        if (name.empty()) {
            return reader.done() ? Kind::startup : Kind::malformed;
        }
        const std::string_view value = reader.cstring();
        if (!reader.ok() || packet.list_size == packet.list.size()) {
            return Kind::malformed;
        }
        packet.list[packet.list_size++] = {name, value};
    }
}

Kind read_packet(Reader reader, StartupPacket& packet) noexcept {
    const std::uint32_t code = reader.u32();
    packet.major = static_cast<std::uint16_t>(code >> 16U);
    packet.minor = static_cast<std::uint16_t>(code & 0xFFFFU);
    switch (code) {
        case ssl_code: return reader.done() ? Kind::ssl_request : Kind::malformed;
        case gssenc_code: return reader.done() ? Kind::gssenc_request : Kind::malformed;
        case cancel_code:
            packet.process_id = reader.u32();
            packet.secret_key = reader.u32();
            // Longer keys belong to protocol 3.2, which we do not speak.
            return reader.done() ? Kind::cancel_request : Kind::malformed;
        default: return packet.major == 3 ? read_settings(reader, packet) : Kind::unsupported_version;
    }
}

/// Two bytes of count, then as many integers.
template <class Integer>
IntegerList<Integer> read_list(Reader& reader) noexcept {
    // The count is unsigned, as PostgreSQL reads it: 65535 parameters are allowed.
    const std::size_t count = reader.u16();
    return IntegerList<Integer>(reader.bytes(count * sizeof(Integer)));
}

bool only_known_formats(const Formats& formats) noexcept {
    for (std::size_t i = 0; i < formats.size(); ++i) {
        if (formats[i] != 0 && formats[i] != 1) {
            return false;
        }
    }
    return true;
}

/// The value of a length already read. A negative one other than -1 becomes a huge size and fails the check.
std::optional<std::string_view> read_value(Reader& reader) noexcept {
    const std::uint32_t length = reader.u32();
    if (length == 0xFFFF'FFFFU || !reader.ok()) {
        return std::nullopt;
    }
    return reader.bytes(length);
}

/// The longest message of a type, by its own length word; 0 for types that no client sends.
std::size_t length_max(char type) noexcept {
    switch (type) {
        case frontend::query:
        case frontend::parse:
        case frontend::bind:
        case frontend::function_call:
        case frontend::copy_data: return base::limits::wire_message_bytes_max;
        case frontend::close:
        case frontend::copy_done:
        case frontend::copy_fail:
        case frontend::describe:
        case frontend::execute:
        case frontend::flush:
        case frontend::sync:
        case frontend::terminate: return small_message_bytes_max;
        default: return 0;
    }
}

}  // namespace

std::optional<std::string_view> StartupPacket::find(std::string_view name) const noexcept {
    for (std::size_t i = list_size; i-- > 0;) {
        if (list[i].name == name) {
            return list[i].value;
        }
    }
    return std::nullopt;
}

bool StartupPacket::needs_negotiation() const noexcept {
    return minor > 0 || std::ranges::any_of(settings(), [](const Setting& setting) {
               return is_protocol_option(setting.name);
           });
}

Scan scan_startup(std::string_view bytes, StartupPacket& packet) noexcept {
    Reader reader(bytes);
    const std::size_t length = reader.u32();
    if (!reader.ok()) {
        return Scan::more;
    }
    // The length counts itself, and PostgreSQL's bound does not count it.
    if (length < 8 || length - 4 > base::limits::wire_startup_bytes_max) {
        return Scan::broken;
    }
    const std::string_view body = reader.bytes(length - 4);
    if (!reader.ok()) {
        return Scan::more;
    }
    packet.list_size = 0;
    packet.process_id = packet.secret_key = 0;
    packet.bytes = length;
    packet.kind = read_packet(Reader(body), packet);
    if (packet.kind != Kind::startup) {
        packet.list_size = 0;
    }
    return Scan::frame;
}

Scan scan_client(std::string_view bytes, Frame& frame) noexcept {
    if (bytes.empty()) {
        return Scan::more;
    }
    const std::size_t bound = length_max(bytes[0]);
    return bound == 0 ? Scan::broken : scan(bytes, frame, bound);
}

bool decode(std::string_view body, Query& query) noexcept {
    Reader reader(body);
    query.sql = reader.cstring();
    return reader.done();
}

bool decode(std::string_view body, Parse& parse) noexcept {
    Reader reader(body);
    parse.name = reader.cstring();
    parse.rest_offset = parse.name.size() + 1;
    parse.sql = reader.cstring();
    parse.types = read_list<std::uint32_t>(reader);
    return reader.done();
}

std::optional<std::string_view> ParameterReader::next() noexcept {
    DOMICILE_ASSERT(!done());
    return read_value(reader_);
}

bool Bind::is_binary(std::size_t index) const noexcept {
    DOMICILE_ASSERT(index < parameter_count);
    return !formats.empty() && formats[formats.size() == 1 ? 0 : index] == 1;
}

bool decode(std::string_view body, Bind& bind) noexcept {
    Reader reader(body);
    bind.portal = reader.cstring();
    bind.statement_offset = bind.portal.size() + 1;
    bind.statement = reader.cstring();
    bind.rest_offset = bind.statement_offset + bind.statement.size() + 1;
    bind.formats = read_list<std::int16_t>(reader);
    bind.parameter_count = reader.u16();
    if (bind.formats.size() > 1 && bind.formats.size() != bind.parameter_count) {
        return false;
    }
    const std::size_t values_offset = bind.rest_offset + 2 + bind.formats.size() * sizeof(std::int16_t) + 2;
    std::size_t values_size = 0;
    for (std::size_t i = 0; i < bind.parameter_count && reader.ok(); ++i) {
        values_size += 4 + read_value(reader).value_or(std::string_view{}).size();
    }
    bind.result_formats = read_list<std::int16_t>(reader);
    if (!reader.done() || !only_known_formats(bind.formats) || !only_known_formats(bind.result_formats) ||
        bind.result_formats.size() > base::limits::wire_columns_max) {
        return false;
    }
    bind.bytes = body.substr(values_offset, values_size);
    return true;
}

bool decode(std::string_view body, Target& target) noexcept {
    Reader reader(body);
    target.kind = static_cast<char>(reader.u8());
    target.name = reader.cstring();
    return reader.done() && (target.kind == 'S' || target.kind == 'P');
}

bool decode(std::string_view body, Execute& execute) noexcept {
    Reader reader(body);
    execute.portal = reader.cstring();
    execute.rest_offset = execute.portal.size() + 1;
    execute.rows_max = static_cast<std::uint32_t>(std::max(reader.i32(), 0));
    return reader.done();
}

bool decode(std::string_view body, CopyFail& fail) noexcept {
    Reader reader(body);
    fail.reason = reader.cstring();
    return reader.done();
}

bool decode(std::string_view body, SaslInitialResponse& response) noexcept {
    Reader reader(body);
    response.mechanism = reader.cstring();
    response.data = read_value(reader);
    return reader.done();
}

bool decode(std::string_view body, SaslResponse& response) noexcept {
    response.data = body;
    return true;
}

}  // namespace domicile::wire

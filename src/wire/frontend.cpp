#include "wire/frontend.hpp"

#include "base/assert.hpp"
#include "wire/message.hpp"

namespace domicile::wire {
namespace {

constexpr std::uint32_t protocol_version = 3U << 16U;

}  // namespace

void append_startup(base::Buffer& out,
                    std::span<const std::pair<std::string_view, std::string_view>> settings) {
    const std::size_t start = out.size();
    out.append_u32(0);
    out.append_u32(protocol_version);
    for (const auto& [name, value] : settings) {
        out.append_cstring(name);
        out.append_cstring(value);
    }
    out.append_u8(0);
    out.patch_u32(start, static_cast<std::uint32_t>(out.size() - start));
}

void append_sasl_initial(base::Buffer& out, std::string_view mechanism, std::string_view data) {
    const MessageWriter message(out, 'p');
    out.append_cstring(mechanism);
    out.append_u32(static_cast<std::uint32_t>(data.size()));
    out.append(data);
}

void append_sasl_response(base::Buffer& out, std::string_view data) {
    const MessageWriter message(out, 'p');
    out.append(data);
}

void append_query(base::Buffer& out, std::string_view sql) {
    const MessageWriter message(out, 'Q');
    out.append_cstring(sql);
}

void append_parse(base::Buffer& out, std::string_view name, std::string_view sql) {
    const MessageWriter message(out, 'P');
    out.append_cstring(name);
    out.append_cstring(sql);
    out.append_u16(0);
}

void append_bind(base::Buffer& out, std::string_view statement, std::span<const Parameter> parameters) {
    // Cut to 16 bits, the rest of the parameters would be read as other fields of the message.
    DOMICILE_ASSERT(parameters.size() <= bind_parameters_max);
    const MessageWriter message(out, 'B');
    out.append_cstring("");
    out.append_cstring(statement);
    out.append_u16(0);
    out.append_u16(static_cast<std::uint16_t>(parameters.size()));
    for (const Parameter& parameter : parameters) {
        if (!parameter) {
            out.append_u32(0xFFFF'FFFFU);
            continue;
        }
        out.append_u32(static_cast<std::uint32_t>(parameter->size()));
        out.append(*parameter);
    }
    out.append_u16(0);
}

void append_describe_portal(base::Buffer& out) {
    const MessageWriter message(out, 'D');
    out.append_u8('P');
    out.append_cstring("");
}

void append_execute_portal(base::Buffer& out, std::string_view portal) {
    const MessageWriter message(out, 'E');
    out.append_cstring(portal);
    out.append_u32(0);  // no limit of rows
}

void append_execute(base::Buffer& out) {
    const MessageWriter message(out, 'E');
    out.append_cstring("");
    out.append_u32(0);
}

void append_close_statement(base::Buffer& out, std::string_view name) {
    const MessageWriter message(out, 'C');
    out.append_u8('S');
    out.append_cstring(name);
}

void append_sync(base::Buffer& out) {
    const MessageWriter message(out, 'S');
}

void append_flush(base::Buffer& out) {
    const MessageWriter message(out, 'H');
}

void append_copy_data(base::Buffer& out, std::string_view bytes) {
    const MessageWriter message(out, 'd');
    out.append(bytes);
}

void append_copy_done(base::Buffer& out) {
    const MessageWriter message(out, 'c');
}

void append_copy_fail(base::Buffer& out, std::string_view reason) {
    const MessageWriter message(out, 'f');
    out.append_cstring(reason);
}

void append_terminate(base::Buffer& out) {
    const MessageWriter message(out, 'X');
}

}  // namespace domicile::wire

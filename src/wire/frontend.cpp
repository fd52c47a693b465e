#include "wire/frontend.hpp"

#include "base/assert.hpp"

namespace domicile::wire {
namespace {

/// Writes type and a length that the destructor fills in.
class Message {
  public:
    Message(base::Buffer& out, char type) : out_(out) {
        out_.append_u8(static_cast<std::uint8_t>(type));
        start_ = out_.size();
        out_.append_u32(0);
    }
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    ~Message() { out_.patch_u32(start_, static_cast<std::uint32_t>(out_.size() - start_)); }

  private:
    base::Buffer& out_;
    std::size_t start_ = 0;
};

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
    const Message message(out, 'p');
    out.append_cstring(mechanism);
    out.append_u32(static_cast<std::uint32_t>(data.size()));
    out.append(data);
}

void append_sasl_response(base::Buffer& out, std::string_view data) {
    const Message message(out, 'p');
    out.append(data);
}

void append_query(base::Buffer& out, std::string_view sql) {
    const Message message(out, 'Q');
    out.append_cstring(sql);
}

void append_parse(base::Buffer& out, std::string_view name, std::string_view sql) {
    const Message message(out, 'P');
    out.append_cstring(name);
    out.append_cstring(sql);
    out.append_u16(0);
}

void append_bind(base::Buffer& out, std::string_view statement, std::span<const Parameter> parameters) {
    // Cut to 16 bits, the rest of the parameters would be read as other fields of the message.
    DOMICILE_ASSERT(parameters.size() <= bind_parameters_max);
    const Message message(out, 'B');
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
    const Message message(out, 'D');
    out.append_u8('P');
    out.append_cstring("");
}

void append_execute(base::Buffer& out) {
    const Message message(out, 'E');
    out.append_cstring("");
    out.append_u32(0);
}

void append_close_statement(base::Buffer& out, std::string_view name) {
    const Message message(out, 'C');
    out.append_u8('S');
    out.append_cstring(name);
}

void append_sync(base::Buffer& out) {
    const Message message(out, 'S');
}

void append_copy_data(base::Buffer& out, std::string_view bytes) {
    const Message message(out, 'd');
    out.append(bytes);
}

void append_copy_done(base::Buffer& out) {
    const Message message(out, 'c');
}

void append_copy_fail(base::Buffer& out, std::string_view reason) {
    const Message message(out, 'f');
    out.append_cstring(reason);
}

void append_terminate(base::Buffer& out) {
    const Message message(out, 'X');
}

}  // namespace domicile::wire

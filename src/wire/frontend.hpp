#pragma once
// What we say to a PostgreSQL node: encoders that append whole messages to a buffer. No I/O.

#include "base/buffer.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace domicile::wire {

/// A parameter in text format; nothing is SQL NULL.
using Parameter = std::optional<std::string_view>;

/// The protocol counts them in 16 bits.
inline constexpr std::size_t bind_parameters_max = 65'535;

/// REQUIRES for all: texts that become C strings hold no zero byte.
void append_startup(base::Buffer& out,
                    std::span<const std::pair<std::string_view, std::string_view>> settings);
void append_sasl_initial(base::Buffer& out, std::string_view mechanism, std::string_view data);
void append_sasl_response(base::Buffer& out, std::string_view data);
void append_query(base::Buffer& out, std::string_view sql);
/// Parameter types are left to the node to infer.
void append_parse(base::Buffer& out, std::string_view name, std::string_view sql);
/// Unnamed portal, text parameters, text results. REQUIRES: at most bind_parameters_max parameters.
void append_bind(base::Buffer& out, std::string_view statement, std::span<const Parameter> parameters);
/// Describe the unnamed portal.
void append_describe_portal(base::Buffer& out);
/// Execute the unnamed portal to its end.
void append_execute(base::Buffer& out);
/// Execute a named portal to its end.
void append_execute_portal(base::Buffer& out, std::string_view portal);
void append_close_statement(base::Buffer& out, std::string_view name);
void append_sync(base::Buffer& out);
void append_flush(base::Buffer& out);
void append_copy_data(base::Buffer& out, std::string_view bytes);
void append_copy_done(base::Buffer& out);
void append_copy_fail(base::Buffer& out, std::string_view reason);
void append_terminate(base::Buffer& out);

}  // namespace domicile::wire

#pragma once
// Errors as RFC 9457 problem details, and PostgreSQL's errors as ours.

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "http/shape.hpp"
#include "wire/backend.hpp"

#include <span>
#include <string>
#include <string_view>

namespace domicile::http {

/// The stable `type` of a problem.
[[nodiscard]] std::string problem_type(base::Code code);

/// Appends the problem document. Equal errors give equal bytes: no instance, no id, no time.
/// `home` and `home_url` are set for a foreign home only.
void append_problem(base::Buffer& out, const base::Error& error, std::string_view home = {},
                    std::string_view home_url = {});

/// What PostgreSQL reported, with the columns named and no value repeated. `parameters` names the column
/// behind each statement parameter, in order ("" if none).
[[nodiscard]] base::Error from_server(const wire::ServerError& error, const TableShape& shape,
                                      std::span<const std::string> parameters);

/// The error says that our picture of the schema is out of date.
[[nodiscard]] bool schema_changed(std::string_view sqlstate);

}  // namespace domicile::http

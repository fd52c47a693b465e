#pragma once
// Telling somebody: a webhook, a mail, a command. Each gets names and numbers of machines only.

#include "base/error.hpp"
#include "topology/operations.hpp"

#include <string_view>

namespace domicile::ops {

/// Blocks until it is taken, ten seconds at most. `subject`: one line; `text`: lines for people; `json`: the
/// same for machines. node_unavailable if nobody took it: try again later.
base::Status tell(const topology::Channel& channel, std::string_view subject, std::string_view text,
                  std::string_view json);

/// RFC 5322 message of one part, UTF-8. `date`: seconds since 1970. Pure.
[[nodiscard]] std::string mail(const topology::Channel& channel, std::string_view subject,
                               std::string_view text, std::int64_t date);

}  // namespace domicile::ops

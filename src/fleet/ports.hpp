#pragma once
// Questions to addresses of this machine, answered by blocking calls with a bound.

#include "base/error.hpp"
#include "topology/topology.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace domicile::fleet {

/// Whether a server could listen there now. configuration if the host is not an address of this machine.
[[nodiscard]] base::Result<bool> port_free(const topology::Address& address);

/// The process that listens on a TCP port, as far as we may see it.
[[nodiscard]] std::optional<pid_t> listener_of(std::uint16_t port);
/// The socket inodes of listeners on `port` in the text of /proc/net/tcp or tcp6. Pure.
[[nodiscard]] std::vector<std::string> listener_inodes(std::string_view proc_net_tcp, std::uint16_t port);

/// Whether something accepts connections there.
[[nodiscard]] bool answers(const topology::Address& address, std::chrono::milliseconds timeout);
/// The status of `GET path` over HTTP/1.1; 0 if there is no answer in time. With `tls` nobody is verified: no
/// more is asked than whether it is up.
[[nodiscard]] int http_status(const topology::Address& address, std::string_view path,
                              std::chrono::milliseconds timeout, bool tls = false);

}  // namespace domicile::fleet

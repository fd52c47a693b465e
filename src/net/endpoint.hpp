#pragma once
// An address a socket can be bound or connected to, and how names become one.

#include "base/error.hpp"
#include "net/loop.hpp"

#include <cstdint>
#include <string>
#include <sys/socket.h>

namespace domicile::net {

struct Endpoint {
    sockaddr_storage address{};
    socklen_t length = 0;

    [[nodiscard]] bool known() const noexcept { return length != 0; }
    [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&address); }
    /// "127.0.0.1", without the port; for logs and rules about source addresses.
    [[nodiscard]] std::string host() const;
};

/// An IP address as it is; nothing is asked. Not known() if `host` is a name.
[[nodiscard]] Endpoint numeric_endpoint(const std::string& host, std::uint16_t port);
/// Blocks while names are asked. configuration if there is no such host.
[[nodiscard]] base::Result<Endpoint> resolve(const std::string& host, std::uint16_t port);
/// The same without blocking the loop: names are asked on a thread of their own.
[[nodiscard]] Task<base::Result<Endpoint>> resolve(Loop& loop, std::string host, std::uint16_t port);

}  // namespace domicile::net

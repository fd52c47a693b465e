#include "net/endpoint.hpp"

#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <thread>

namespace domicile::net {
namespace {

Endpoint look_up(const std::string& host, std::uint16_t port, int flags, int& failed) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    Endpoint endpoint;
    failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (failed == 0) {
        endpoint.length = found->ai_addrlen;
        std::memcpy(&endpoint.address, found->ai_addr, found->ai_addrlen);
        ::freeaddrinfo(found);
    }
    return endpoint;
}

}  // namespace

std::string Endpoint::host() const {
    char text[NI_MAXHOST] = {};
    if (!known() || ::getnameinfo(get(), length, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) {
        return {};
    }
    return text;
}

Endpoint numeric_endpoint(const std::string& host, std::uint16_t port) {
    int failed = 0;
    return look_up(host, port, AI_NUMERICHOST, failed);
}

base::Result<Endpoint> resolve(const std::string& host, std::uint16_t port) {
    int failed = 0;
    const Endpoint endpoint = look_up(host, port, 0, failed);
    if (failed != 0) {
        return base::fail(base::Code::configuration,
                          "The host " + host + " cannot be found: " + ::gai_strerror(failed) + ".");
    }
    return endpoint;
}

Task<base::Result<Endpoint>> resolve(Loop& loop, std::string host, std::uint16_t port) {
    const Endpoint numeric = numeric_endpoint(host, port);
    if (numeric.known()) {
        co_return numeric;
    }
    struct Shared {
        explicit Shared(Loop& loop_of) : timer(loop_of) {}
        Timer timer;
        std::optional<base::Result<Endpoint>> found;
    };
    // Shared with the posted work: the waiting coroutine may be gone by then.
    auto shared = std::make_shared<Shared>(loop);
    std::thread([&loop, shared, host, port] {
        auto found = resolve(host, port);
        loop.post([shared, found = std::move(found)] {
            shared->found = found;
            shared->timer.cancel();
        });
    }).detach();
    co_await shared->timer.wait(std::chrono::seconds{10});
    if (!shared->found) {
        co_return base::fail(base::Code::configuration, "The host " + host + " was not found in time.");
    }
    co_return *shared->found;
}

}  // namespace domicile::net

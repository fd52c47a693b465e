#include "fleet/ports.hpp"

#include "cloud/http_call.hpp"
#include "fleet/process.hpp"
#include "fleet/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sstream>
#include <sys/socket.h>
#include <unistd.h>

namespace domicile::fleet {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

std::unique_ptr<addrinfo, FreeAddresses> resolve(const topology::Address& address) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* list = nullptr;
    if (::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list) != 0) {
        return nullptr;
    }
    return std::unique_ptr<addrinfo, FreeAddresses>(list);
}

class Socket {
  public:
    explicit Socket(const addrinfo& to)
        : fd_(::socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, to.ai_protocol)) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int fd() const { return fd_; }

    [[nodiscard]] bool wait(short events, Clock::time_point deadline) const {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd entry{.fd = fd_, .events = events, .revents = 0};
        return left > 0 && ::poll(&entry, 1, static_cast<int>(left)) == 1;
    }
    [[nodiscard]] bool connect(const addrinfo& to, Clock::time_point deadline) const {
        if (::connect(fd_, to.ai_addr, to.ai_addrlen) == 0) {
            return true;
        }
        int error = 0;
        socklen_t size = sizeof error;
        return errno == EINPROGRESS && wait(POLLOUT, deadline) &&
               ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    }

  private:
    int fd_;
};

}  // namespace

base::Result<bool> port_free(const topology::Address& address) {
    const auto list = resolve(address);
    if (!list) {
        return base::fail(base::Code::configuration, "host " + address.host + " has no address",
                          "write an address of this machine, such as 127.0.0.1");
    }
    const Socket socket(*list);
    const int yes = 1;
    // As the servers do: a port whose last connections linger in TIME_WAIT is free.
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(socket.fd(), list->ai_addr, list->ai_addrlen) == 0 && ::listen(socket.fd(), 1) == 0) {
        return true;
    }
    if (errno == EADDRINUSE) {
        return false;
    }
    return base::fail(base::Code::configuration, "cannot listen on " + host_port(address),
                      errno == EACCES ? "ports below 1024 are for root" : "write an address of this machine",
                      std::strerror(errno));
}

std::vector<std::string> listener_inodes(std::string_view proc_net_tcp, std::uint16_t port) {
    std::vector<std::string> result;
    std::array<char, 8> suffix_text{};
    std::snprintf(suffix_text.data(), suffix_text.size(), ":%04X", static_cast<unsigned>(port));
    const std::string_view suffix = suffix_text.data();
    for (const auto line : split(proc_net_tcp, '\n')) {
        const auto fields = split(line, ' ');
        // sl local_address rem_address st … inode; state 0A is LISTEN.
        if (fields.size() > 9 && fields[1].ends_with(suffix) && fields[3] == "0A") {
            result.emplace_back(fields[9]);
        }
    }
    return result;
}

std::optional<pid_t> listener_of(std::uint16_t port) {
    std::vector<std::string> links;
    for (const auto* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ostringstream text;
        text << std::ifstream(table).rdbuf();
        for (const auto& inode : listener_inodes(text.str(), port)) {
            links.push_back("socket:[" + inode + "]");
        }
    }
    if (links.empty()) {
        return std::nullopt;
    }
    for (const pid_t pid : all_pids()) {
        std::error_code error;
        for (auto entry = fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", error);
             !error && entry != fs::directory_iterator(); entry.increment(error)) {
            std::error_code unreadable;
            const auto target = fs::read_symlink(entry->path(), unreadable).string();
            if (std::ranges::find(links, target) != links.end()) {
                return pid;
            }
        }
    }
    return std::nullopt;
}

bool answers(const topology::Address& address, std::chrono::milliseconds timeout) {
    const auto list = resolve(address);
    if (!list) {
        return false;
    }
    const Socket socket(*list);
    return socket.connect(*list, Clock::now() + timeout);
}

int http_status(const topology::Address& address, std::string_view path, std::chrono::milliseconds timeout,
                bool tls) {
    if (tls) {
        cloud::HttpCall request;
        request.url = "https://" + host_port(address) + std::string(path);
        request.timeout = timeout;
        request.unverified = true;
        const auto answer = cloud::call(request);
        return answer ? answer->status : 0;
    }
    const auto deadline = Clock::now() + timeout;
    const auto list = resolve(address);
    if (!list) {
        return 0;
    }
    const Socket socket(*list);
    if (!socket.connect(*list, deadline)) {
        return 0;
    }
    const auto request = "GET " + std::string(path) + " HTTP/1.1\r\nHost: " + host_port(address) +
                         "\r\nConnection: close\r\n\r\n";
    // A request this short fits the empty send buffer of a new socket.
    if (::send(socket.fd(), request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
        return 0;
    }
    std::string answer;
    constexpr std::size_t status_line_bytes = 12;  // "HTTP/1.1 200"
    while (answer.size() < status_line_bytes && socket.wait(POLLIN, deadline)) {
        std::array<char, 256> bytes{};
        const auto count = ::recv(socket.fd(), bytes.data(), bytes.size(), 0);
        if (count <= 0) {
            break;
        }
        answer.append(bytes.data(), static_cast<std::size_t>(count));
    }
    if (!answer.starts_with("HTTP/1.") || answer.size() < status_line_bytes) {
        return 0;
    }
    return parse_number<int>(std::string_view(answer).substr(9, 3)).value_or(0);
}

}  // namespace domicile::fleet

#include "support/hostile_node.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace domicile::test_support {
namespace {

constexpr int poll_ms = 20;
constexpr std::size_t read_bytes = 64U << 10U;

std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
    }
    return value;
}

bool send_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

/// Appends what is there; false at the end of the stream.
bool receive(int socket, std::string& into) {
    const std::size_t before = into.size();
    into.resize(before + read_bytes);
    const auto got = ::recv(socket, into.data() + before, read_bytes, 0);
    into.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return got > 0;
}

bool ready(int socket, short events, int timeout_ms) {
    pollfd one{socket, events, 0};
    return ::poll(&one, 1, timeout_ms) > 0;
}

sockaddr_in local(std::uint16_t port) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return place;
}

}  // namespace

std::string message(char type, std::string_view body) {
    std::string text(1, type);
    const auto length = static_cast<std::uint32_t>(body.size() + 4);
    for (int shift = 24; shift >= 0; shift -= 8) {
        text += static_cast<char>(length >> static_cast<unsigned>(shift));
    }
    return text.append(body);
}

struct HostileNode::Link {
    int gateway = -1;
    int node = -1;
    std::thread thread;
    std::mutex mutex;  // of what follows, while another thread speaks on it
    bool over = false;
    bool started = false;  // the start-up packet has passed
    bool probes = false;   // it is the prober's
    bool spoke = false;    // the first ReadyForQuery has passed
    std::string in;        // from the gateway, not yet a whole message
    std::string out;       // from the node
    std::uint64_t asked = 0;
    std::uint64_t answered = 0;
    std::uint64_t meant = ~std::uint64_t{0};  // the batch whose reply is replaced
    Misbehaviour misbehaviour;
    std::vector<std::string> reply;

    ~Link() {
        ::close(gateway);
        ::close(node);
    }
};

HostileNode::HostileNode(std::uint16_t node_port) : node_port_(node_port) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in place = local(0);
    socklen_t size = sizeof place;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&place), &size) != 0) {
        throw std::runtime_error("the hostile node cannot listen");
    }
    port_ = ntohs(place.sin_port);
    thread_ = std::thread([this] { accept_all(); });
}

HostileNode::~HostileNode() {
    stop_ = true;
    thread_.join();
    for (auto& link : links_) {
        link->thread.join();
    }
    ::close(listener_);
}

void HostileNode::arm(std::string marker, Misbehaviour misbehaviour) {
    const std::lock_guard lock(mutex_);
    marker_ = std::move(marker);
    misbehaviour_ = std::move(misbehaviour);
    misbehaved_ = left_ = blocked_ = false;
    said_bytes_ = 0;
}

std::size_t HostileNode::say_unasked(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (auto& link : links_) {
        const std::lock_guard link_lock(link->mutex);
        if (!link->over && !link->probes && link->spoke && link->asked == link->answered) {
            count += send_all(link->gateway, bytes) ? 1 : 0;
        }
    }
    return count;
}

void HostileNode::accept_all() {
    while (!stop_) {
        if (!ready(listener_, POLLIN, poll_ms)) {
            continue;
        }
        auto link = std::make_unique<Link>();
        link->gateway = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        link->node = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_in place = local(node_port_);
        if (link->gateway < 0 ||
            ::connect(link->node, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) {
            continue;
        }
        const int yes = 1;
        ::setsockopt(link->gateway, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        ::setsockopt(link->node, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        Link& one = *link;
        one.thread = std::thread([this, &one] { serve(one); });
        const std::lock_guard lock(mutex_);
        links_.push_back(std::move(link));
    }
}

void HostileNode::serve(Link& link) {
    bool going = true;
    while (going && !stop_) {
        pollfd both[] = {{link.gateway, POLLIN, 0}, {frozen_ ? -1 : link.node, POLLIN, 0}};
        if (::poll(both, 2, poll_ms) <= 0) {
            continue;
        }
        const std::lock_guard lock(link.mutex);
        if (both[0].revents != 0) {
            going = from_gateway(link);
        }
        if (going && both[1].revents != 0) {
            going = from_node(link);
        }
    }
    const std::lock_guard lock(link.mutex);
    link.over = true;
    ::shutdown(link.gateway, SHUT_RDWR);
    ::shutdown(link.node, SHUT_RDWR);
    if (link.misbehaviour) {
        left_ = true;
    }
}

/// Passes on what the gateway says, and looks for the marker in it.
bool HostileNode::from_gateway(Link& link) {
    const std::size_t before = link.in.size();
    if (!receive(link.gateway, link.in)) {
        return false;
    }
    if (!send_all(link.node, std::string_view(link.in).substr(before))) {
        return false;
    }
    for (;;) {
        const std::size_t head = link.started ? 1 : 0;
        if (link.in.size() < head + 4) {
            return true;
        }
        const std::size_t whole = head + u32_at(link.in, head);
        if (link.in.size() < whole) {
            return true;
        }
        const char type = link.started ? link.in[0] : '\0';
        const std::string_view body = std::string_view(link.in).substr(0, whole);
        const std::lock_guard lock(mutex_);
        if ((type == 'Q' || type == 'P' || type == 'B') && !marker_.empty() && misbehaviour_ &&
            body.find(marker_) != std::string_view::npos) {
            link.meant = link.asked;
            link.misbehaviour = std::exchange(misbehaviour_, nullptr);
        }
        link.asked += type == 'Q' || type == 'S' ? 1 : 0;
        link.probes =
            link.probes || (!link.started && body.find("domicile_monitor") != std::string_view::npos);
        link.started = true;
        link.in.erase(0, whole);
    }
}

/// Passes on what the node says, message by message, but for the reply that is meant.
bool HostileNode::from_node(Link& link) {
    if (!receive(link.node, link.out)) {
        return false;
    }
    std::size_t at = 0;
    bool going = true;
    while (going && link.out.size() - at >= 5) {
        const std::size_t whole = 1 + u32_at(link.out, at + 1);
        if (link.out.size() - at < whole) {
            break;
        }
        const std::string one = link.out.substr(at, whole);
        at += whole;
        const bool meant = link.spoke && link.answered == link.meant;
        if (one[0] == 'Z') {
            link.answered += link.spoke ? 1 : 0;
            link.spoke = true;
        }
        if (!meant) {
            going = send_all(link.gateway, one);
            continue;
        }
        link.reply.push_back(one);
        if (one[0] == 'Z' || one[0] == 'G') {
            link.meant = ~std::uint64_t{0};
            going = act(link);
        }
    }
    link.out.erase(0, at);
    return going;
}

bool HostileNode::act(Link& link) {
    const Act what = link.misbehaviour(link.reply);
    link.reply.clear();
    misbehaved_ = true;
    if (!send_all(link.gateway, what.bytes)) {
        return false;
    }
    if (!what.endless.empty()) {
        link.reply = {what.endless};
        return endless(link);
    }
    switch (what.then) {
        case Act::Then::go_on: return true;
        case Act::Then::hang_up: return false;
        case Act::Then::silence:
            while (!stop_ && hear(link)) {
            }
            return false;
    }
    return false;
}

/// Swallows what the gateway says; false when it has gone.
bool HostileNode::hear(Link& link) {
    std::string heard;
    return !ready(link.gateway, POLLIN, poll_ms) || receive(link.gateway, heard);
}

bool HostileNode::endless(Link& link) {
    std::string chunk;
    while (chunk.size() < read_bytes) {
        chunk += link.reply.front();
    }
    std::string_view rest;
    while (!stop_) {
        rest = rest.empty() ? std::string_view(chunk) : rest;
        const auto sent = ::send(link.gateway, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            rest.remove_prefix(static_cast<std::size_t>(sent));
            said_bytes_ += static_cast<std::uint64_t>(sent);
            blocked_ = false;
            std::string heard;
            if (ready(link.gateway, POLLIN, 0) && !receive(link.gateway, heard)) {
                return false;
            }
            continue;
        }
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            return false;
        }
        if (!ready(link.gateway, POLLOUT, 10 * poll_ms)) {
            blocked_ = true;  // for so long that it is no hiccup
        }
        if (ready(link.gateway, POLLIN, 0) && !hear(link)) {
            return false;
        }
    }
    return false;
}

}  // namespace domicile::test_support

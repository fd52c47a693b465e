#include "net/stream.hpp"

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace domicile::net {
namespace {

constexpr std::size_t receive_bytes_min = 4096;

error_code from_errno() {
    return {errno, std::system_category()};
}

error_code broken() {
    return std::make_error_code(std::errc::protocol_error);
}

}  // namespace

Stream::Stream(Loop& loop, int descriptor) : loop_(loop) {
    next_ = loop_.streams_;
    if (next_ != nullptr) {
        next_->previous_ = this;
    }
    loop_.streams_ = this;
    if (descriptor >= 0) {
        adopt(descriptor);
    }
}

Stream::~Stream() {
    close();
    (previous_ != nullptr ? previous_->next_ : loop_.streams_) = next_;
    if (next_ != nullptr) {
        next_->previous_ = previous_;
    }
}

void Stream::adopt(int descriptor) noexcept {
    descriptor_ = descriptor;
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!loop_.watch(descriptor, *this)) {
        close();
    }
}

void Stream::on_events(std::uint32_t events) noexcept {
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        readable_ = true;
        // From now on a short read does not mean that nothing more is there: the end is.
        hung_up_ = hung_up_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
        if (reader_ != nullptr) {
            loop_.wake(*reader_);
        }
        if (hung_up_ && watcher_ != nullptr) {
            loop_.wake(*watcher_);
        }
    }
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
        writable_ = true;
        if (writer_ != nullptr) {
            loop_.wake(*writer_);
        }
    }
}

Task<error_code> Stream::connect(Endpoint endpoint) {
    const int descriptor =
        ::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        co_return from_errno();
    }
    const int started = ::connect(descriptor, endpoint.get(), endpoint.length);
    const error_code refused = started < 0 && errno != EINPROGRESS ? from_errno() : error_code{};
    writable_ = started == 0;
    adopt(descriptor);
    if (refused) {
        close();
        co_return refused;
    }
    co_await until_writable();
    if (!open()) {
        co_return std::make_error_code(std::errc::timed_out);
    }
    int failed = 0;
    socklen_t size = sizeof failed;
    ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed != 0) {
        close();
    }
    co_return error_code(failed, std::system_category());
}

error_code Stream::receive(base::Buffer& in, std::size_t bytes_max, std::size_t& count) {
    count = 0;
    if (!open()) {
        return std::make_error_code(std::errc::connection_aborted);
    }
    const auto room = in.prepare(std::min(bytes_max, receive_bytes_min));
    const std::size_t offered = std::min(room.size(), bytes_max);
    if (tls_ != nullptr) {
        ERR_clear_error();
        const int got = SSL_read_ex(tls_, room.data(), offered, &count);
        if (got == 1) {
            in.commit(count);
            readable_ = true;  // until the library says that it wants more
            return {};
        }
        count = 0;
        switch (SSL_get_error(tls_, got)) {
            case SSL_ERROR_WANT_READ: readable_ = hung_up_; return hung_up_ ? end_of_stream() : error_code{};
            case SSL_ERROR_WANT_WRITE: return {};
            case SSL_ERROR_ZERO_RETURN: return end_of_stream();
            case SSL_ERROR_SYSCALL: return errno != 0 ? from_errno() : end_of_stream();
            default: return broken();
        }
    }
    for (;;) {
        const ssize_t got = ::recv(descriptor_, room.data(), offered, 0);
        if (got > 0) {
            count = static_cast<std::size_t>(got);
            in.commit(count);
            readable_ = count == offered || hung_up_;
            return {};
        }
        if (got == 0) {
            return end_of_stream();
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            readable_ = false;
            return {};
        }
        if (errno != EINTR) {
            return from_errno();
        }
    }
}

std::optional<char> Stream::peek() const noexcept {
    char byte = 0;
    return ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1 ? std::optional(byte) : std::nullopt;
}

error_code Stream::send(std::string_view bytes, std::size_t& count) {
    count = 0;
    if (!open()) {
        return std::make_error_code(std::errc::connection_aborted);
    }
    if (tls_ != nullptr) {
        ERR_clear_error();
        const int sent = SSL_write_ex(tls_, bytes.data(), bytes.size(), &count);
        if (sent == 1) {
            return {};
        }
        count = 0;
        switch (SSL_get_error(tls_, sent)) {
            case SSL_ERROR_WANT_WRITE: writable_ = false; return {};
            case SSL_ERROR_WANT_READ: return {};
            case SSL_ERROR_SYSCALL: return errno != 0 ? from_errno() : end_of_stream();
            default: return broken();
        }
    }
    for (;;) {
        const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            count = static_cast<std::size_t>(sent);
            writable_ = count == bytes.size();
            return {};
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            writable_ = false;
            return {};
        }
        if (errno != EINTR) {
            return from_errno();
        }
    }
}

Task<error_code> Stream::read_some(base::Buffer& in, std::size_t bytes_max) {
    for (;;) {
        co_await until_readable();
        std::size_t count = 0;
        const error_code failed = receive(in, bytes_max, count);
        if (failed || count != 0) {
            co_return failed;
        }
    }
}

Task<error_code> Stream::write(std::string_view bytes) {
    while (!bytes.empty()) {
        std::size_t count = 0;
        if (const error_code failed = send(bytes, count)) {
            co_return failed;
        }
        bytes.remove_prefix(count);
        if (!bytes.empty()) {
            co_await until_writable();
        }
    }
    co_return error_code{};
}

Task<error_code> Stream::accept_tls(ssl_ctx_st* context) {
    tls_ = SSL_new(context);
    if (tls_ == nullptr || SSL_set_fd(tls_, descriptor_) != 1) {
        co_return broken();
    }
    co_return co_await handshake(true);
}

Task<error_code> Stream::connect_tls(ssl_ctx_st* context, const std::string& host) {
    tls_ = SSL_new(context);
    if (tls_ == nullptr || SSL_set_fd(tls_, descriptor_) != 1 ||
        (!host.empty() &&
         (SSL_set_tlsext_host_name(tls_, host.c_str()) != 1 || SSL_set1_host(tls_, host.c_str()) != 1))) {
        co_return broken();
    }
    co_return co_await handshake(false);
}

Task<error_code> Stream::handshake(bool server) {
    SSL_set_mode(
        tls_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    for (;;) {
        if (!open()) {
            co_return std::make_error_code(std::errc::timed_out);
        }
        ERR_clear_error();
        const int done = server ? SSL_accept(tls_) : SSL_connect(tls_);
        if (done == 1) {
            readable_ = true;
            co_return error_code{};
        }
        switch (SSL_get_error(tls_, done)) {
            case SSL_ERROR_WANT_READ:
                if (hung_up_) {
                    co_return end_of_stream();
                }
                readable_ = false;
                co_await until_readable();
                break;
            case SSL_ERROR_WANT_WRITE:
                writable_ = false;
                co_await until_writable();
                break;
            case SSL_ERROR_SYSCALL: co_return errno != 0 ? from_errno() : end_of_stream();
            default: co_return broken();
        }
    }
}

void Stream::close() noexcept {
    if (!open()) {
        return;
    }
    loop_.forget(*this);
    if (tls_ != nullptr) {
        ERR_clear_error();
        SSL_shutdown(tls_);  // says goodbye if the socket takes it, waits for nothing
        SSL_free(tls_);
        tls_ = nullptr;
    }
    ::close(descriptor_);
    descriptor_ = -1;
    for (Waiter* waiter : {reader_, writer_, watcher_}) {
        if (waiter != nullptr) {
            loop_.wake(*waiter);
        }
    }
}

void Stream::shutdown_send() noexcept {
    if (tls_ != nullptr) {
        ERR_clear_error();
        SSL_shutdown(tls_);
    }
    ::shutdown(descriptor_, SHUT_WR);
}

std::string Stream::peer_certificate() const {
    X509* certificate = tls_ != nullptr ? SSL_get1_peer_certificate(tls_) : nullptr;
    BIO* bio = BIO_new(BIO_s_mem());
    std::string text;
    if (certificate != nullptr && bio != nullptr && PEM_write_bio_X509(bio, certificate) == 1) {
        char* bytes = nullptr;
        const long size = BIO_get_mem_data(bio, &bytes);
        text.assign(bytes, static_cast<std::size_t>(size));
    }
    BIO_free(bio);
    X509_free(certificate);
    return text;
}

void Stream::cut_after(std::chrono::milliseconds silence) noexcept {
    const int on = 1;
    const int milliseconds = static_cast<int>(silence.count());
    const int seconds = std::max(1, milliseconds / 4'000);
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof seconds);
    const int probes = 3;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

Endpoint Stream::peer() const noexcept {
    Endpoint endpoint;
    endpoint.length = sizeof endpoint.address;
    if (::getpeername(descriptor_, reinterpret_cast<sockaddr*>(&endpoint.address), &endpoint.length) != 0) {
        endpoint.length = 0;
    }
    return endpoint;
}

// ---- Listener ----

base::Status Listener::listen(const std::string& host, std::uint16_t port, bool reuse_port) {
    const auto endpoint = resolve(host, port);
    if (!endpoint) {
        return std::unexpected(endpoint.error());
    }
    descriptor_ = ::socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    bool done = descriptor_ >= 0 && ::setsockopt(descriptor_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    done = done &&
           (!reuse_port || ::setsockopt(descriptor_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
           ::bind(descriptor_, endpoint->get(), endpoint->length) == 0 &&
           ::listen(descriptor_, SOMAXCONN) == 0 && loop_.watch(descriptor_, *this);
    if (!done) {
        const error_code failed = from_errno();
        close();
        return base::fail(base::Code::configuration,
                          "Cannot listen on " + host + ":" + std::to_string(port) + ": " + failed.message(),
                          "Free the port, or change it in the topology.");
    }
    return {};
}

void Listener::on_events(std::uint32_t /*events*/) noexcept {
    ready_ = true;
    if (waiter_ != nullptr) {
        loop_.wake(*waiter_);
    }
}

struct Listener::Acceptable {
    Listener& listener;
    bool await_ready() const noexcept { return listener.ready_ || !listener.open(); }
    void await_suspend(std::coroutine_handle<> handle) noexcept {
        listener.loop_.park(waiter, handle);
        listener.waiter_ = &waiter;
    }
    void await_resume() const noexcept { listener.waiter_ = nullptr; }
    Waiter waiter = {};
};

Task<void> Listener::run(std::function<void(int)> accepted) {
    Timer pause(loop_);
    while (open()) {
        co_await Acceptable{*this};
        if (!open()) {
            break;
        }
        const int socket = ::accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket >= 0) {
            accepted(socket);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            ready_ = false;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            // Out of descriptors, most likely: wait instead of spinning.
            co_await pause.wait(std::chrono::milliseconds{100});
        }
    }
}

void Listener::close() noexcept {
    if (open()) {
        loop_.forget(*this);
        ::close(descriptor_);
        descriptor_ = -1;
        if (waiter_ != nullptr) {
            loop_.wake(*waiter_);
        }
    }
}

std::uint16_t Listener::port() const noexcept {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                               : reinterpret_cast<sockaddr_in&>(address).sin_port);
}

}  // namespace domicile::net

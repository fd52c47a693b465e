#include "net/stream.hpp"

#include <cerrno>
#include <sys/socket.h>
#include <tuple>

namespace domicile::net {
namespace {
constexpr std::chrono::milliseconds sweep_interval{100};
}

Stream::Stream(tcp::socket socket, Sweeper& sweeper) : socket_(std::move(socket)), sweeper_(sweeper) {
    if (socket_.is_open()) {
        error_code ignored;
        socket_.non_blocking(true, ignored);
        socket_.set_option(tcp::no_delay(true), ignored);
    }
    sweeper_.add(*this);
}

Stream::~Stream() {
    sweeper_.remove(*this);
}

void Stream::expires_after(std::chrono::milliseconds time) noexcept {
    deadline_ = sweeper_.now() + sweep_interval + time;
}

awaitable<error_code> Stream::connect(tcp::endpoint endpoint) {
    error_code ignored;
    socket_.open(endpoint.protocol(), ignored);
    const auto [ec] = co_await socket_.async_connect(endpoint, as_result);
    if (!ec) {
        socket_.non_blocking(true, ignored);
        socket_.set_option(tcp::no_delay(true), ignored);
    }
    co_return ec;
}

awaitable<error_code> Stream::read_some(base::Buffer& in, std::size_t bytes_max) {
    const auto space = in.prepare(std::min<std::size_t>(bytes_max, 4096));
    const auto [ec, count] = co_await socket_.async_read_some(
        asio::buffer(space.data(), std::min(space.size(), bytes_max)), as_result);
    in.commit(count);
    co_return ec;
}

awaitable<error_code> Stream::write(std::string_view bytes) {
    while (!bytes.empty()) {
        // Straight to the kernel first: nearly every reply fits the socket's buffer, and the reactor costs
        // more.
        const ssize_t sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            co_return error_code(errno, boost::system::system_category());
        }
        const auto [ec] = co_await socket_.async_wait(tcp::socket::wait_write, as_result);
        if (ec) {
            co_return ec;
        }
    }
    co_return error_code{};
}

void Stream::close() noexcept {
    error_code ignored;
    socket_.close(ignored);
}

Sweeper::Sweeper(asio::io_context& context) : timer_(context) {}

awaitable<void> Sweeper::run() {
    while (!stopped_) {
        timer_.expires_after(sweep_interval);
        std::ignore = co_await timer_.async_wait(as_result);
        now_ = Clock::now();
        for (Stream* stream = first_; stream != nullptr; stream = stream->next_) {
            if (stream->deadline_ < now_ && stream->open()) {
                stream->expired_ = true;
                stream->close();
            }
        }
    }
}

void Sweeper::stop() {
    stopped_ = true;
    timer_.cancel();
}

void Sweeper::close_idle() noexcept {
    for (Stream* stream = first_; stream != nullptr; stream = stream->next_) {
        if (stream->idle_) {
            stream->close();
        }
    }
}

void Sweeper::close_all() noexcept {
    for (Stream* stream = first_; stream != nullptr; stream = stream->next_) {
        stream->close();
    }
}

void Sweeper::add(Stream& stream) noexcept {
    stream.next_ = first_;
    if (first_ != nullptr) {
        first_->previous_ = &stream;
    }
    first_ = &stream;
}

void Sweeper::remove(Stream& stream) noexcept {
    if (stream.previous_ != nullptr) {
        stream.previous_->next_ = stream.next_;
    } else {
        first_ = stream.next_;
    }
    if (stream.next_ != nullptr) {
        stream.next_->previous_ = stream.previous_;
    }
}

}  // namespace domicile::net

#pragma once
// One TCP connection with a deadline. Belongs to the thread of its io_context.
//
// Deadlines are swept, not armed: setting one is an assignment, and a sweeper per thread looks at all streams
// ten times a second. An armed timer would cost a system call for every request. On expiry the socket is
// closed, which is right for both protocols spoken here: half a message cannot be resumed.

#include "base/buffer.hpp"

#include <chrono>
#include <cstddef>
#include <string_view>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace domicile::net {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

inline constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

class Sweeper;

class Stream {
  public:
    Stream(tcp::socket socket, Sweeper& sweeper);
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream();

    /// The deadline of all reads and writes from now on, until set again. At most 100 ms late.
    void expires_after(std::chrono::milliseconds time) noexcept;
    void expires_never() noexcept { deadline_ = Clock::time_point::max(); }
    /// The deadline passed and the socket was closed for it.
    [[nodiscard]] bool expired() const noexcept { return expired_; }

    /// An idle stream waits for a request that nobody has begun: closing it loses nothing.
    void idle(bool idle) noexcept { idle_ = idle; }

    /// Connects a stream made with an unopened socket.
    awaitable<error_code> connect(tcp::endpoint endpoint);
    /// Appends what has come, at least one byte, at most about `bytes_max`; eof is an error code.
    awaitable<error_code> read_some(base::Buffer& in, std::size_t bytes_max);
    /// Writes all bytes; suspends only when the socket's buffer is full. REQUIRES: bytes stay valid.
    awaitable<error_code> write(std::string_view bytes);

    void close() noexcept;
    [[nodiscard]] bool open() const noexcept { return socket_.is_open(); }
    [[nodiscard]] tcp::socket& socket() noexcept { return socket_; }

  private:
    friend class Sweeper;
    tcp::socket socket_;
    Sweeper& sweeper_;
    Clock::time_point deadline_ = Clock::time_point::max();
    bool expired_ = false;
    bool idle_ = false;
    // Intrusive list of the sweeper.
    Stream* previous_ = nullptr;
    Stream* next_ = nullptr;
};

/// Closes the expired streams of one thread. Outlives its streams.
class Sweeper {
  public:
    explicit Sweeper(asio::io_context& context);
    Sweeper(const Sweeper&) = delete;
    Sweeper& operator=(const Sweeper&) = delete;

    /// Runs until stop().
    awaitable<void> run();
    void stop();
    /// Closes every idle stream, for an orderly end.
    void close_idle() noexcept;
    /// Closes every stream; what waits on them ends with an error.
    void close_all() noexcept;
    /// The time at the last sweep: good enough for deadlines, and free.
    [[nodiscard]] Clock::time_point now() const noexcept { return now_; }

  private:
    friend class Stream;
    void add(Stream& stream) noexcept;
    void remove(Stream& stream) noexcept;

    asio::steady_timer timer_;
    Clock::time_point now_ = Clock::now();
    Stream* first_ = nullptr;
    bool stopped_ = false;
};

}  // namespace domicile::net

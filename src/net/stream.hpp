#pragma once
// One TCP connection with a deadline, plain or TLS. Belongs to the thread of its loop.
//
// Edge-triggered: after a read that filled less than it was offered nothing more is there, so the next read
// waits for the loop instead of asking the kernel in vain. One receive and one send per message is all a
// request costs.
//
// Deadlines are swept, not armed: setting one is an assignment, and the loop looks at all streams ten times a
// second. On expiry the socket is closed, which is right for all protocols spoken here: half a message cannot
// be resumed.

#include "base/buffer.hpp"
#include "net/endpoint.hpp"
#include "net/loop.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

struct ssl_st;
struct ssl_ctx_st;

namespace domicile::net {

using std::error_code;

/// The peer has closed its side in order.
[[nodiscard]] inline error_code end_of_stream() {
    return std::make_error_code(std::errc::no_message_available);
}

class Stream final : private Watched {
  public:
    /// Takes a connected, non-blocking socket; -1 for one that connect() will open.
    explicit Stream(Loop& loop, int descriptor = -1);
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream();

    /// The deadline of all reads and writes from now on, until set again. At most 200 ms late.
    void expires_after(std::chrono::milliseconds time) noexcept {
        deadline_ = loop_.now() + Loop::sweep_interval + time;
    }
    void expires_never() noexcept { deadline_ = Clock::time_point::max(); }
    /// The deadline passed and the socket was closed for it.
    [[nodiscard]] bool expired() const noexcept { return expired_; }
    /// An idle stream waits for a request that nobody has begun: closing it loses nothing.
    void idle(bool idle) noexcept { idle_ = idle; }

    Task<error_code> connect(Endpoint endpoint);
    /// Handshakes. The context outlives the stream. `host`: the name the certificate must bear; empty =
    /// unchecked.
    Task<error_code> accept_tls(ssl_ctx_st* context);
    Task<error_code> connect_tls(ssl_ctx_st* context, const std::string& host);
    [[nodiscard]] bool secure() const noexcept { return tls_ != nullptr; }
    /// What the peer has shown in the handshake (PEM); empty if nothing.
    [[nodiscard]] std::string peer_certificate() const;
    /// Cuts the connection when the other machine has confirmed nothing for so long (tcp(7):
    /// TCP_USER_TIMEOUT, keep-alive): a link that is gone is not waited for.
    void cut_after(std::chrono::milliseconds silence) noexcept;

    /// Whether a receive may give something now without waiting.
    [[nodiscard]] bool readable() const noexcept { return readable_; }
    /// The peer has closed, reset, or said something: a connection that should be silent is not.
    [[nodiscard]] bool hung_up() const noexcept { return hung_up_ || !open(); }
    /// Appends what is there, at most about `bytes_max`. 0 bytes and no error: nothing now.
    error_code receive(base::Buffer& in, std::size_t bytes_max, std::size_t& count);
    /// The next byte, left where it is; nothing if none is there now.
    [[nodiscard]] std::optional<char> peek() const noexcept;
    /// Writes what the socket takes now, and says how much.
    error_code send(std::string_view bytes, std::size_t& count);

    /// Waits until a receive can give something, or the stream is closed.
    struct [[nodiscard]] Readable {
        Stream& stream;
        bool await_ready() const noexcept { return stream.readable_ || !stream.open(); }
        void await_suspend(std::coroutine_handle<> handle) noexcept {
            stream.loop_.park(waiter, handle);
            stream.reader_ = &waiter;
        }
        void await_resume() const noexcept { stream.reader_ = nullptr; }
        Waiter waiter = {};
    };
    Readable until_readable() noexcept { return {*this}; }
    /// Waits until this stream is readable or `other` is, or hangs up, whichever is first.
    struct [[nodiscard]] Either {
        Stream& one;
        Stream& other;
        bool await_ready() const noexcept {
            return one.readable_ || !one.open() || other.readable_ || !other.open();
        }
        void await_suspend(std::coroutine_handle<> handle) noexcept {
            one.loop_.park(waiter, handle);
            one.reader_ = &waiter;
            other.reader_ = &waiter;
        }
        void await_resume() const noexcept {
            one.reader_ = nullptr;
            other.reader_ = nullptr;
        }
        Waiter waiter = {};
    };
    Either until_either(Stream& other) noexcept { return {*this, other}; }
    /// Waits until this stream is readable or `other`, which is read by nobody now, has hung up.
    struct [[nodiscard]] OrHangUp {
        Stream& one;
        Stream& other;
        bool await_ready() const noexcept { return one.readable_ || !one.open() || other.hung_up(); }
        void await_suspend(std::coroutine_handle<> handle) noexcept {
            one.loop_.park(waiter, handle);
            one.reader_ = &waiter;
            other.watcher_ = &waiter;
        }
        void await_resume() const noexcept {
            one.reader_ = nullptr;
            other.watcher_ = nullptr;
        }
        Waiter waiter = {};
    };
    OrHangUp until_readable_or_hang_up(Stream& other) noexcept { return {*this, other}; }
    /// Waits until something can be written, or read.
    struct [[nodiscard]] Movable {
        Stream& stream;
        bool await_ready() const noexcept { return stream.writable_ || stream.readable_ || !stream.open(); }
        void await_suspend(std::coroutine_handle<> handle) noexcept {
            stream.loop_.park(waiter, handle);
            stream.reader_ = &waiter;
            stream.writer_ = &waiter;
        }
        void await_resume() const noexcept {
            stream.reader_ = nullptr;
            stream.writer_ = nullptr;
        }
        Waiter waiter = {};
    };
    Movable until_movable() noexcept { return {*this}; }
    struct [[nodiscard]] Writable {
        Stream& stream;
        bool await_ready() const noexcept { return stream.writable_ || !stream.open(); }
        void await_suspend(std::coroutine_handle<> handle) noexcept {
            stream.loop_.park(waiter, handle);
            stream.writer_ = &waiter;
        }
        void await_resume() const noexcept { stream.writer_ = nullptr; }
        Waiter waiter = {};
    };
    Writable until_writable() noexcept { return {*this}; }

    /// Appends what has come, at least one byte, at most about `bytes_max`.
    Task<error_code> read_some(base::Buffer& in, std::size_t bytes_max);
    /// Writes all bytes. REQUIRES: bytes stay valid.
    Task<error_code> write(std::string_view bytes);

    void close() noexcept;
    /// Says that nothing more will be sent; what the peer sends can still be read.
    void shutdown_send() noexcept;
    [[nodiscard]] bool open() const noexcept { return descriptor_ >= 0; }
    [[nodiscard]] Loop& loop() const noexcept { return loop_; }
    [[nodiscard]] Endpoint peer() const noexcept;

  private:
    friend class Loop;
    void on_events(std::uint32_t events) noexcept override;
    void adopt(int descriptor) noexcept;
    Task<error_code> handshake(bool server);

    Loop& loop_;
    int descriptor_ = -1;
    bool readable_ = false;
    bool writable_ = true;
    bool hung_up_ = false;
    bool expired_ = false;
    bool idle_ = false;
    ssl_st* tls_ = nullptr;
    Clock::time_point deadline_ = Clock::time_point::max();
    Waiter* reader_ = nullptr;
    Waiter* writer_ = nullptr;
    Waiter* watcher_ = nullptr;   // for hang-up only
    Stream* previous_ = nullptr;  // the loop's intrusive list
    Stream* next_ = nullptr;
};

/// Accepts connections.
class Listener final : private Watched {
  public:
    explicit Listener(Loop& loop) : loop_(loop) {}
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() { close(); }

    /// With `reuse_port` several threads may listen on one port. configuration if the port is taken.
    base::Status listen(const std::string& host, std::uint16_t port, bool reuse_port);
    /// Calls `accepted` with each new socket until closed; it owns the socket.
    Task<void> run(std::function<void(int)> accepted);
    void close() noexcept;
    [[nodiscard]] bool open() const noexcept { return descriptor_ >= 0; }
    [[nodiscard]] std::uint16_t port() const noexcept;

  private:
    void on_events(std::uint32_t events) noexcept override;
    struct Acceptable;
    Loop& loop_;
    int descriptor_ = -1;
    bool ready_ = false;
    Waiter* waiter_ = nullptr;
};

}  // namespace domicile::net

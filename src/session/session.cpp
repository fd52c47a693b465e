#include "session/session.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "wire/frontend.hpp"
#include "wire/server.hpp"

#include <chrono>

namespace domicile::session {
namespace {

constexpr std::size_t read_bytes = 16U << 10U;
constexpr std::size_t kept_bytes = 4U << 10U;

}  // namespace

Session::Session(Door& door, int socket) : door_(door), client_(door.loop(), socket) {}

Session::~Session() {
    if (keyed_) {
        door_.shared().cancels.remove(key_.process_id);
    }
    if (lease_) {
        // A transaction under way, or a state that is this client's alone: nobody else may have it.
        if (!node().relay().idle() || pins_ != 0) {
            node().close();
        }
    }
}

char Session::status() const noexcept {
    if (lease_ && !side_) {
        return (*lease_)->relay().status();
    }
    switch (unbound_) {
        case Unbound::idle: return 'I';
        case Unbound::open: return 'T';
        case Unbound::failed: return 'E';
    }
    return 'I';
}

void Session::end_if_idle() {
    if (status() == 'I' && (!lease_ || pins_ != 0) && in_.empty() && pending_.empty()) {
        client_.close();
    }
}

Task<bool> Session::fatal(std::string_view sqlstate, std::string_view text) {
    wire::Report report;
    report.severity = wire::Severity::fatal;
    report.sqlstate = sqlstate;
    report.message = text;
    wire::append_error(out_, report);
    client_.expires_after(std::chrono::seconds{5});
    co_await flush_client();
    co_return false;
}

Task<bool> Session::flush_client() {
    while (!out_.empty()) {
        std::size_t count = 0;
        if (client_.send(out_.view(), count)) {
            co_return false;
        }
        out_.consume(count);
        if (!out_.empty()) {
            co_await client_.until_writable();
        }
    }
    out_.shrink(kept_bytes);
    co_return true;
}

Task<bool> Session::fill() {
    if (in_.empty()) {
        // An idle client holds no buffer.
        if (in_.capacity() != 0) {
            door_.give_buffer(std::move(in_));
            in_ = base::Buffer();
        }
        out_.shrink(0);
        co_await client_.until_readable();
        in_ = door_.take_buffer();
    }
    for (;;) {
        std::size_t count = 0;
        if (client_.receive(in_, read_bytes, count)) {
            co_return false;
        }
        if (count != 0) {
            co_return true;
        }
        co_await client_.until_readable();
    }
}

Task<void> Session::run() {
    bool going = co_await log_in();
    while (going) {
        wire::Frame frame;
        const wire::Scan found = wire::scan_client(in_.view(), frame);
        if (found == wire::Scan::frame) {
            going = co_await handle(frame);
            continue;
        }
        if (found == wire::Scan::broken) {
            going = co_await fatal("08P01", "invalid frontend message");
            continue;
        }
        // Everything the client has said so far is judged: now send it, answer it, and wait for more.
        if (lease_ && node().relay().rounds() > 0) {
            going = co_await settle();
            continue;
        }
        if (lease_ && !node().out().empty()) {
            going = co_await send_to_node();
            continue;
        }
        if (!out_.empty() && !co_await flush_client()) {
            break;
        }
        if (lease_ && !(pins_ == 0 && node().relay().idle())) {
            // In a transaction, pinned, or in the midst of a batch: either side may speak.
            co_await client_.until_either(node().stream());
            if (node().stream().readable() && !co_await pump(false)) {
                break;
            }
            if (!client_.readable()) {
                continue;
            }
        }
        if (door_.draining() && status() == 'I' && in_.empty() && pending_.empty()) {
            going = co_await fatal("57P01", "terminating connection due to administrator command");
            continue;
        }
        going = co_await fill();
    }
    // A cancel that is on its way must not hit whoever gets the connection next.
    while (cancels_in_flight_ > 0) {
        net::Timer timer(door_.loop());
        co_await timer.wait(std::chrono::milliseconds{20});
    }
}

Task<bool> Session::handle(const wire::Frame& frame) {
    namespace type = wire::frontend;
    const std::size_t bytes = frame.bytes();
    handling_ = bytes;
    bool going = true;
    bool well_formed = true;
    if (lease_ && side_ && !batch_open_ && node().relay().rounds() > 0) {
        // What a read beside the open transaction came to decides what the next batch may do.
        if (!co_await settle() || (lease_ && !co_await after_round())) {
            co_return false;
        }
    }
    switch (frame.type) {
        case type::query: {
            wire::Query query;
            well_formed = wire::decode(frame.body, query);
            if (well_formed) {
                going = co_await on_query(query.sql);
            }
            break;
        }
        case type::parse:
            if (!skipping_) {
                going = co_await on_parse(frame.body);
            }
            break;
        case type::bind:
            if (!skipping_) {
                going = co_await on_bind(frame.body);
            }
            break;
        case type::describe:
        case type::close:
            if (!skipping_) {
                going = co_await on_describe_or_close(frame.type, frame.body);
            }
            break;
        case type::execute:
            if (!skipping_) {
                going = co_await on_execute(frame.body);
            }
            break;
        case type::sync:
            well_formed = wire::decode_empty(frame.body);
            if (well_formed) {
                going = co_await on_sync();
            }
            break;
        case type::flush:
            if (!skipping_) {
                going = co_await on_flush();
            }
            break;
        case type::terminate: co_return false;
        case type::copy_data:
        case type::copy_done:
        case type::copy_fail:
            if (lease_ && (node().relay().rounds() > 0 || node().relay().copying())) {
                bytes_handled_ = true;  // stays in place: the COPY that is about to begin takes it
                going = co_await settle();
            }
            break;  // left over from a COPY that failed: ignored, as PostgreSQL does
        case type::function_call:
            if (!skipping_) {
                going = co_await on_function_call(frame.body);
            }
            break;
        default: going = co_await fatal("08P01", "invalid frontend message type"); break;
    }
    if (!well_formed) {
        co_return co_await fatal("08P01", "invalid message format");
    }
    // Handlers leave the bytes in place: nothing reads from the client in between, but COPY, which consumes
    // its own statement first.
    if (bytes_handled_) {
        bytes_handled_ = false;
    } else {
        in_.consume(bytes);
    }
    handling_ = 0;
    co_return going;
}

void Session::cancel() {
    for (pool::Connection* connection : working_) {
        door_.shared().metrics.cancels.add();
        ++cancels_in_flight_;
        door_.loop().spawn(
            cancel_on_node(connection->endpoint(), connection->process_id(), connection->secret_key()));
    }
    if (lease_ && node().alive()) {
        door_.shared().metrics.cancels.add();
        ++cancels_in_flight_;
        door_.loop().spawn(cancel_on_node(node().endpoint(), node().process_id(), node().secret_key()));
    }
}

Task<void> Session::cancel_on_node(net::Endpoint endpoint, std::uint32_t process_id, std::uint32_t secret) {
    // The lease is kept until the node has closed this connection: then the signal is sent, and whatever the
    // backend is told next comes after it (postmaster.c: processCancelRequest).
    {
        net::Stream stream(door_.loop());
        stream.expires_after(base::limits::connect_timeout);
        base::Buffer buffer;
        buffer.append_u32(16);
        buffer.append_u32(80877102);
        buffer.append_u32(process_id);
        buffer.append_u32(secret);
        if (!co_await stream.connect(endpoint) && !co_await stream.write(buffer.view())) {
            buffer.clear();
            co_await stream.read_some(buffer, 16);
        }
    }
    --cancels_in_flight_;
    if (cancels_in_flight_ == 0 && cancel_waiter_ != nullptr) {
        cancel_waiter_->cancel();
    }
}

}  // namespace domicile::session

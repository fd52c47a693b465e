// The relay of bytes between the client and the bound node.

#include "base/limits.hpp"
#include "base/log.hpp"
#include "session/session.hpp"
#include "wire/backend.hpp"
#include "wire/frontend.hpp"
#include "wire/server.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace domicile::session {
namespace {

using base::Code;
using wire::Relay;

constexpr std::size_t read_bytes = 32U << 10U;
constexpr std::size_t out_bytes_max = 64U << 10U;  // beyond it the client's socket decides the pace
constexpr std::size_t kept_bytes = 64U << 10U;
constexpr std::size_t row_bytes_max = 1U << 30U;      // PostgreSQL: MaxAllocSize
constexpr std::size_t partial_bytes_min = 8U << 10U;  // a row longer than this is passed in pieces

}  // namespace

Task<bool> Session::send_to_node() {
    pool::Connection& connection = node();
    base::Buffer& out = connection.out();
    while (!out.empty()) {
        std::size_t count = 0;
        if (connection.stream().send(out.view(), count)) {
            co_return co_await node_lost("send");
        }
        out.consume(count);
        if (!out.empty()) {
            // The node may wait for us to take its answers before it takes more.
            co_await connection.stream().until_movable();
            if (connection.stream().readable() && !co_await pump(false)) {
                co_return false;
            }
            if (!lease_) {
                co_return true;  // lost and answered
            }
        }
    }
    out.shrink(kept_bytes);
    co_return true;
}

Task<bool> Session::pump(bool wait) {
    pool::Connection& connection = node();
    if (wait) {
        co_await connection.stream().until_readable_or_hang_up(client_);
        if (client_.hung_up() && !connection.stream().readable()) {
            // Nobody waits for the answer: let the node stop working on it.
            cancel();
            connection.close();
            co_return false;
        }
    }
    std::size_t count = 0;
    if (connection.stream().receive(connection.in(), read_bytes, count)) {
        co_return co_await node_lost("receive");
    }
    if (!relay_replies()) {
        base::log::error("sql.node_out_of_step", {{"node", door_.shared().topology.at(lease_->node()).name}});
        co_return co_await node_lost("out of step");
    }
    if (out_.size() >= out_bytes_max && !co_await flush_client()) {
        co_return false;
    }
    co_return true;
}

bool Session::relay_replies() {
    base::Buffer& in = node().in();
    Relay& relay = node().relay();
    const std::string_view bytes = in.view();
    std::size_t position = 0;
    std::size_t start = 0;  // of what is to be passed
    const auto pass_range = [&] {
        if (position > start) {
            out_.append(bytes.substr(start, position - start));
        }
        start = position;
    };
    if (passed_ != 0) {
        const std::size_t part = std::min(passed_, bytes.size());
        passed_ -= part;
        position = part;
        if (passing_hidden_) {
            start = position;
        }
    }
    bool good = true;
    while (passed_ == 0) {
        for (char own = relay.synthetic_due(); own != 0; own = relay.synthetic_due()) {
            pass_range();
            own == '1' ? wire::append_parse_complete(out_) : wire::append_close_complete(out_);
            if (own == '1') {
                parsing_.completed();
            }
        }
        if (bytes.size() - position < 5) {
            break;
        }
        const char type = bytes[position];
        wire::Reader head(bytes.substr(position + 1, 4));
        const std::size_t length = head.u32();
        const std::size_t whole = length + 1;
        if (length < 4 || length > row_bytes_max) {
            good = false;
            break;
        }
        if (bytes.size() - position < whole) {
            if ((type == 'D' || type == 'd') && bytes.size() - position >= partial_bytes_min) {
                const auto event = relay.advance(type, {});
                if (event == Relay::Event::broken) {
                    good = false;
                    break;
                }
                passing_hidden_ = event == Relay::Event::hide;
                if (passing_hidden_) {
                    pass_range();
                }
                passed_ = whole - (bytes.size() - position);
                position = bytes.size();
                if (passing_hidden_) {
                    start = position;
                }
            } else if (length > base::limits::wire_message_bytes_max && type != 'D' && type != 'd') {
                good = false;
            }
            break;
        }
        const std::string_view body = bytes.substr(position + 5, length - 4);
        if (replay_ && type == 'E' && position == start && refused_by_reader(body)) {
            replay_->due = true;
        } else if (replay_ && type != 'N' && type != 'S' && !replay_->due && !relay_is_quiet()) {
            replay_.reset();  // an answer has begun
        }
        if (type == 'E') {
            note_error(body);
        } else if (type == 'S') {
            note_parameter(body);
        }
        if (type == 'E' && relay.in_step()) {
            position += whole;  // the node ends the connection of its own accord, and says why
            good = false;
            break;
        }
        const auto event = relay.advance(type, body);
        if (event == Relay::Event::broken) {
            good = false;
            break;
        }
        if (event == Relay::Event::hide || (replay_ && replay_->due)) {
            pass_range();
            position += whole;
            start = position;
            continue;
        }
        if (type == '1') {
            parsing_.completed();
        } else if (type == 'Z') {
            round_told();
        }
        position += whole;
    }
    pass_range();
    in.consume(position);
    if (in.empty()) {
        in.shrink(kept_bytes);
    }
    return good;
}

bool Session::refused_by_reader(std::string_view body) const {
    wire::ServerError error;
    return wire::decode(body, error) && error.sqlstate == "25006";
}

void Session::note_error(std::string_view body) {
    wire::ServerError error;
    if (!wire::decode(body, error)) {
        return;
    }
    fatal_seen_ = error.severity == "FATAL" || error.severity == "PANIC";
    if (error.sqlstate == "0A000" || error.sqlstate == "26000") {
        // A statement planned before the schema changed must be prepared anew ("cached plan must not change
        // result type"), or the node has forgotten it.
        discard_node_ = true;
    }
}

void Session::note_parameter(std::string_view body) {
    wire::Reader reader(body);
    const auto name = reader.cstring();
    const auto value = reader.cstring();
    if (name == "standard_conforming_strings") {
        standard_strings_ = value == "on";
    }
}

Task<bool> Session::settle() {
    if (!co_await send_to_node()) {
        co_return false;
    }
    while (lease_ && node().relay().rounds() > 0) {
        if (node().relay().copying()) {
            if (!co_await copy_from_client()) {
                co_return false;
            }
            continue;
        }
        if (!co_await pump(true)) {
            co_return false;
        }
    }
    if (lease_ && replay_ && replay_->due) {
        // The reader would not: the same words to the writer.
        const Replay replay = std::move(*replay_);
        replay_.reset();
        effects_.clear();
        co_await release();
        sql::Facts facts = *replay.facts;
        facts.reader_may_serve = false;
        if (const auto bound = co_await bind_to(routing::for_writer(replay.plan), false); !bound) {
            wire::append_error(out_, bound.error());
            append_ready();
            co_return true;
        }
        wire::append_query(node().out(), replay.sql);
        node().relay().sent(Relay::Sent::query);
        note_sent(std::make_shared<const sql::Facts>(std::move(facts)));
        co_return co_await settle();
    }
    replay_.reset();
    co_return !lease_ || co_await after_round();
}

Task<bool> Session::drain_node() {
    if (!lease_ || (node().relay().settled() && node().out().empty())) {
        co_return true;
    }
    if (node().relay().rounds() > 0) {
        if (!co_await settle()) {
            co_return false;
        }
        if (!lease_ || node().relay().settled()) {
            co_return true;
        }
    }
    wire::append_flush(node().out());
    if (!co_await send_to_node()) {
        co_return false;
    }
    while (lease_ && !node().relay().settled() && !node().relay().failed()) {
        if (node().relay().copying()) {
            if (!co_await copy_from_client()) {
                co_return false;
            }
            continue;
        }
        if (!co_await pump(true)) {
            co_return false;
        }
    }
    co_return true;
}

Task<bool> Session::copy_from_client() {
    namespace type = wire::frontend;
    if (!bytes_handled_ && handling_ != 0) {
        // The message that is being handled came in front of the data.
        in_.consume(handling_);
        bytes_handled_ = true;
    }
    while (lease_ && node().relay().copying()) {
        if (!co_await flush_client()) {
            co_return false;
        }
        wire::Frame frame;
        const auto found = wire::scan_client(in_.view(), frame);
        if (found == wire::Scan::broken) {
            co_return co_await fatal("08P01", "invalid frontend message");
        }
        if (found == wire::Scan::more) {
            if (!co_await send_to_node()) {
                co_return false;
            }
            if (!lease_ || !node().relay().copying()) {
                break;
            }
            co_await client_.until_either(node().stream());
            if (node().stream().readable() && !co_await pump(false)) {
                co_return false;
            }
            std::size_t count = 0;
            if (client_.readable() && client_.receive(in_, read_bytes, count)) {
                node().close();
                co_return false;
            }
            continue;
        }
        base::Buffer& out = node().out();
        switch (frame.type) {
            case type::copy_data: out.append(in_.view().substr(0, frame.bytes())); break;
            case type::copy_done:
            case type::copy_fail:
                out.append(in_.view().substr(0, frame.bytes()));
                node().relay().copy_ended();
                break;
            case type::flush:
            case type::sync: break;  // PostgreSQL docs, "COPY Operations": ignored during COPY
            case type::terminate: node().close(); co_return false;
            default:
                wire::append_copy_fail(out, "unexpected message type during COPY from stdin");
                node().relay().copy_ended();
                in_.consume(frame.bytes());
                co_return co_await send_to_node();
        }
        in_.consume(frame.bytes());
        if (out.size() >= out_bytes_max && !co_await send_to_node()) {
            co_return false;
        }
    }
    co_return !lease_ || co_await send_to_node();
}

}  // namespace domicile::session

#include "http/server.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"

#include <charconv>
#include <ctime>
#include <unistd.h>

namespace domicile::http {
namespace {

using base::Code;
using net::error_code;
namespace limits = base::limits;

constexpr std::size_t read_bytes = 8U << 10U;
constexpr std::size_t kept_bytes = 32U << 10U;

}  // namespace

Server::Server(net::Loop& loop, Door& door, DoorMetrics& metrics, const topology::Limits& limits,
               access::Slowdown& slowdown, ssl_ctx_st* tls, const topology::Edge& edge)
    : loop_(loop),
      door_(door),
      metrics_(metrics),
      limits_(limits),
      slowdown_(slowdown),
      tls_(tls),
      edge_(edge, tls != nullptr),
      listener_(loop) {}

base::Status Server::listen(const topology::Address& address, bool reuse_port) {
    return listener_.listen(address.host, address.port, reuse_port);
}

void Server::stop() {
    listener_.close();
}

std::string_view Server::date() {
    // Once per sweep is exact enough: the header has whole seconds.
    if (date_.empty() || loop_.now() - date_at_ >= std::chrono::milliseconds{500}) {
        date_at_ = loop_.now();
        const std::time_t now = std::time(nullptr);
        std::tm parts{};
        ::gmtime_r(&now, &parts);
        char text[40];
        date_.assign(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts));
    }
    return date_;
}

Task<void> Server::run(net::Gate& gate) {
    co_await listener_.run([this, &gate](int socket) {
        if (gate.closed() || metrics_.connections.value() >= limits_.client_connections_max) {
            ::close(socket);
            return;
        }
        loop_.spawn(session(socket, gate.enter(), gate));
    });
}

/// RFC 9112 section 7.1. Ends with the client, or when the server drains.
Task<void> Server::send_chunks(net::Stream& stream, BodySource& source, net::Gate& gate) {
    base::Buffer part;
    base::Buffer out;
    net::Timer timer(loop_);
    while (!gate.closed() && stream.open()) {
        part.clear();
        if (!co_await source.next(part)) {
            co_return;
        }
        if (!part.empty()) {
            out.clear();
            char digits[20];
            const auto end = std::to_chars(digits, digits + sizeof digits, part.size(), 16).ptr;
            out.append({digits, end});
            out.append("\r\n");
            out.append(part.view());
            out.append("\r\n");
            stream.expires_after(limits::http_write_timeout);
            if (co_await stream.write(out.view())) {
                co_return;
            }
            stream.expires_never();
        }
        std::ignore = co_await timer.wait(source.pause);
    }
    std::ignore = co_await stream.write("0\r\n\r\n");
}

Task<void> Server::session(int socket, net::Gate::Pass /*pass*/, net::Gate& gate) {
    struct Counted {
        explicit Counted(base::Gauge& open) : gauge(open) { gauge.add(1); }
        ~Counted() { gauge.add(-1); }
        base::Gauge& gauge;
    };
    const Counted counted(metrics_.connections);
    net::Stream stream(loop_, socket);
    base::Buffer in;
    base::Buffer out;
    Request request;
    request.peer = stream.peer().host();
    if (tls_ != nullptr) {
        stream.expires_after(limits::http_request_timeout);
        if (co_await stream.accept_tls(tls_)) {
            co_return;
        }
        request.secure = true;
        request.service = door_.service_of(stream.peer_certificate());
    }
    Response response;
    bool keep_alive = true;
    while (keep_alive && !gate.closed()) {
        RequestParser parser(request, limits_.body_bytes_max);
        bool began = !in.empty();
        bool continued = false;
        std::optional<base::Error> failed;
        stream.expires_after(began ? limits::http_request_timeout : limits::http_idle_timeout);
        for (;;) {
            if (!in.empty()) {
                const auto used = parser.put(in.view());
                if (!used) {
                    failed = used.error();
                    break;
                }
                in.consume(*used);
                if (parser.done()) {
                    break;
                }
            }
            if (parser.header_done() && request.expects_continue && !continued) {
                continued = true;
                std::ignore = co_await stream.write("HTTP/1.1 100 Continue\r\n\r\n");
            }
            stream.idle(!began);
            const auto ec = co_await stream.read_some(in, read_bytes);
            stream.idle(false);
            if (ec) {
                if (stream.expired() && began) {
                    metrics_.refused(routing::rules::slow_client);
                }
                co_return;  // closed, reset or too slow: nobody to answer
            }
            if (!began) {
                began = true;
                // From the first byte on the whole request has one deadline: a slow client cannot stretch it.
                stream.expires_after(limits::http_request_timeout);
            }
        }
        stream.expires_never();
        response.clear();
        if (failed) {
            door_.refuse(*failed, response);
            keep_alive = false;
        } else {
            const auto started = net::Clock::now();
            co_await door_.handle(request, response);
            metrics_.seconds.observe_us(
                static_cast<std::uint64_t>((net::Clock::now() - started) / std::chrono::microseconds{1}));
            keep_alive = request.keep_alive && !gate.closed();
            if (response.status() == 401) {
                const auto wait = slowdown_.wait(request.peer, {});
                slowdown_.failed(request.peer, {});
                net::Timer timer(loop_);
                co_await timer.wait(wait);
            }
        }
        metrics_.by_class[response.status() / 100]->add();
        response.finish(out, date(), keep_alive, request.method == Method::head, edge_);
        stream.expires_after(limits::http_write_timeout);
        auto written = co_await stream.write(out.view());
        out.clear();
        if (written) {
            co_return;
        }
        if (response.source().next && response.source().bytes == BodySource::endless) {
            if (request.method != Method::head) {
                co_await send_chunks(stream, response.source(), gate);
            }
            co_return;  // whoever wants more asks anew
        }
        if (response.source().next && request.method != Method::head) {
            for (std::uint64_t sent = 0; sent < response.source().bytes; out.clear()) {
                if (!co_await response.source().next(out) || out.empty()) {
                    co_return;  // the client has less than it was promised, and sees it
                }
                sent += out.size();
                stream.expires_after(limits::http_write_timeout);
                if (co_await stream.write(out.view())) {
                    co_return;
                }
            }
        }
        in.shrink(kept_bytes);
        out.shrink(kept_bytes);
        response.clear();
        response.body().shrink(kept_bytes);
    }
    if (stream.open()) {
        stream.shutdown_send();
        // What the client still sends would answer our last words with a reset: take it, for a second at
        // most.
        stream.expires_after(std::chrono::seconds{1});
        for (error_code ec; !ec;) {
            in.clear();
            ec = co_await stream.read_some(in, read_bytes);
        }
    }
}

}  // namespace domicile::http

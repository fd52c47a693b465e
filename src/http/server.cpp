#include "http/server.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"

#include <ctime>

namespace domicile::http {
namespace {

using base::Code;
using net::error_code;
namespace limits = base::limits;

constexpr std::size_t read_bytes = 8U << 10U;
constexpr std::size_t kept_bytes = 32U << 10U;

}  // namespace

Server::Server(net::asio::io_context& context, net::Sweeper& sweeper, Door& door, DoorMetrics& metrics,
               const topology::Limits& limits)
    : context_(context),
      sweeper_(sweeper),
      door_(door),
      metrics_(metrics),
      limits_(limits),
      acceptor_(context) {}

base::Status Server::listen(const topology::Address& address, bool reuse_port) {
    boost::system::error_code ec;
    const auto ip = net::asio::ip::make_address(address.host == "localhost" ? "127.0.0.1" : address.host, ec);
    if (!ec) {
        const net::tcp::endpoint endpoint(ip, address.port);
        acceptor_.open(endpoint.protocol(), ec);
        if (!ec) {
            acceptor_.set_option(net::tcp::acceptor::reuse_address(true), ec);
        }
        if (!ec && reuse_port) {
            const int on = 1;
            ::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        }
        if (!ec) {
            acceptor_.bind(endpoint, ec);
        }
        if (!ec) {
            acceptor_.listen(net::asio::socket_base::max_listen_connections, ec);
        }
    }
    if (ec) {
        return base::fail(
            Code::configuration,
            "Cannot listen on " + address.host + ":" + std::to_string(address.port) + ": " + ec.message(),
            "Free the port, or change it in the topology.");
    }
    return {};
}

void Server::stop() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
}

std::string_view Server::date() {
    // Once per sweep is exact enough: the header has whole seconds.
    if (date_.empty() || sweeper_.now() - date_at_ >= std::chrono::milliseconds{500}) {
        date_at_ = sweeper_.now();
        const std::time_t now = std::time(nullptr);
        std::tm parts{};
        ::gmtime_r(&now, &parts);
        char text[40];
        date_.assign(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts));
    }
    return date_;
}

awaitable<void> Server::run(net::Gate& gate) {
    while (acceptor_.is_open()) {
        auto [ec, socket] = co_await acceptor_.async_accept(net::as_result);
        if (ec == net::asio::error::operation_aborted || !acceptor_.is_open()) {
            break;
        }
        if (ec) {
            // Out of descriptors, most likely: wait instead of spinning.
            base::log::warn("http.accept", {{"error", ec.message()}});
            net::asio::steady_timer pause(context_, std::chrono::milliseconds{100});
            std::ignore = co_await pause.async_wait(net::as_result);
            continue;
        }
        if (gate.closed() || metrics_.connections.value() >= limits_.client_connections_max) {
            boost::system::error_code ignored;
            socket.close(ignored);
            continue;
        }
        net::asio::co_spawn(context_, session(std::move(socket), gate.enter(), gate),
                            [](const std::exception_ptr& failed) {
                                if (failed) {
                                    base::log::error("http.session_threw");
                                }
                            });
    }
}

awaitable<void> Server::session(net::tcp::socket socket, net::Gate::Pass pass, net::Gate& gate) {
    struct Counted {
        explicit Counted(base::Gauge& open) : gauge(open) { gauge.add(1); }
        ~Counted() { gauge.add(-1); }
        base::Gauge& gauge;
    };
    const Counted counted(metrics_.connections);
    net::Stream stream(std::move(socket), sweeper_);
    base::Buffer in;
    base::Buffer out;
    Request request;
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
        }
        metrics_.by_class[response.status() / 100]->add();
        response.finish(out, date(), keep_alive, request.method == Method::head);
        stream.expires_after(limits::http_write_timeout);
        const auto written = co_await stream.write(out.view());
        out.clear();
        if (written) {
            co_return;
        }
        in.shrink(kept_bytes);
        out.shrink(kept_bytes);
        response.clear();
        response.body().shrink(kept_bytes);
    }
    if (stream.open()) {
        boost::system::error_code ignored;
        stream.socket().shutdown(net::tcp::socket::shutdown_send, ignored);
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

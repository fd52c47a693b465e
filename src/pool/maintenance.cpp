#include "pool/maintenance.hpp"

#include "base/assert.hpp"
#include "base/buffer.hpp"
#include "crypto/random.hpp"
#include "crypto/scram.hpp"
#include "wire/backend.hpp"
#include "wire/exchange.hpp"
#include "wire/frontend.hpp"
#include "wire/startup.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace domicile::pool {
namespace {

using base::Code;
using Clock = std::chrono::steady_clock;

base::Error reported(const wire::ServerError& error) {
    const std::string_view state = error.sqlstate;
    base::Error made;
    made.code = Code::internal;
    if (state.starts_with("08") || state.starts_with("57P")) {
        made.code = Code::node_unavailable;
    } else if (state == "23505") {
        made.code = Code::unique_violation;
    } else if (state.starts_with("23")) {
        made.code = Code::constraint_violation;
    } else if (state.starts_with("22")) {
        made.code = Code::invalid_value;
    }
    made.text = "PostgreSQL refused the statement.";
    // For the operator's own terminal. DETAIL and CONTEXT may quote rows and are left out.
    made.detail = std::string(state) + " " + std::string(error.message);
    if (!error.constraint.empty()) {
        made.detail += ", constraint " + std::string(error.constraint);
    }
    if (!error.column.empty()) {
        made.detail += ", column " + std::string(error.column);
    }
    return made;
}

}  // namespace

struct MaintenanceClient::Impl {
    int socket = -1;
    base::Buffer in;
    base::Buffer out;
    wire::Exchange exchange;
    Clock::time_point deadline;

    Impl() = default;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() { close(); }

    void close() {
        if (socket >= 0) {
            ::close(socket);
            socket = -1;
        }
    }

    std::unexpected<base::Error> dead(Code code, std::string detail) {
        close();
        return base::fail(code,
                          code == Code::node_timeout ? "The database node did not answer in time."
                                                     : "The connection to the database node was lost.",
                          {}, std::move(detail));
    }

    base::Status wait(short events) {
        if (socket < 0) {
            return dead(Code::node_unavailable, "closed");
        }
        for (;;) {
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
            if (left <= 0) {
                return dead(Code::node_timeout, "deadline");
            }
            pollfd waiting{socket, events, 0};
            const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
            if (ready > 0) {
                return {};
            }
            if (ready < 0 && errno != EINTR) {
                return dead(Code::node_unavailable, std::strerror(errno));
            }
        }
    }

    base::Status flush() {
        while (!out.empty()) {
            if (socket < 0) {
                return dead(Code::node_unavailable, "closed");
            }
            const auto bytes = out.view();
            const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent > 0) {
                out.consume(static_cast<std::size_t>(sent));
                continue;
            }
            if (sent < 0 && errno != EAGAIN && errno != EINTR) {
                return dead(Code::node_unavailable, std::strerror(errno));
            }
            if (auto waited = wait(POLLOUT); !waited) {
                return waited;
            }
        }
        return {};
    }

    /// The next frame; its view lives until `in` is consumed or read again.
    base::Result<wire::Frame> next() {
        for (;;) {
            wire::Frame frame;
            const wire::Scan found = wire::scan(in.view(), frame);
            if (found == wire::Scan::frame) {
                return frame;
            }
            if (found == wire::Scan::broken) {
                return dead(Code::protocol_violation, "length");
            }
            if (auto waited = wait(POLLIN); !waited) {
                return std::unexpected(waited.error());
            }
            const auto space = in.prepare(32U << 10U);
            const ssize_t got = ::recv(socket, space.data(), space.size(), 0);
            if (got == 0) {
                return dead(Code::node_unavailable, "closed by the node");
            }
            if (got < 0 && errno != EAGAIN && errno != EINTR) {
                return dead(Code::node_unavailable, std::strerror(errno));
            }
            in.commit(got > 0 ? static_cast<std::size_t>(got) : 0);
        }
    }

    base::Status connect(const topology::Address& address) {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        const std::string port = std::to_string(address.port);
        if (::getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found) != 0) {
            return dead(Code::node_unavailable, "cannot resolve " + address.host);
        }
        int failure = 0;
        for (const addrinfo* one = found; one != nullptr && socket < 0; one = one->ai_next) {
            socket = ::socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            if (socket < 0) {
                failure = errno;
                continue;
            }
            if (::connect(socket, one->ai_addr, one->ai_addrlen) == 0) {
                break;
            }
            failure = errno;
            if (failure == EINPROGRESS) {
                if (auto waited = wait(POLLOUT); !waited) {
                    ::freeaddrinfo(found);
                    return waited;
                }
                socklen_t size = sizeof failure;
                ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &size);
                if (failure == 0) {
                    break;
                }
            }
            close();
        }
        ::freeaddrinfo(found);
        if (socket < 0) {
            return dead(Code::node_unavailable, std::strerror(failure));
        }
        const int on = 1;
        ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return {};
    }

    base::Status start_up(const Login& login) {
        const std::string nonce = crypto::random_token(18);
        wire::StartupSettings settings;
        settings.user = login.user;
        settings.database = login.database;
        settings.application = "domicile";
        settings.nonce = nonce;
        settings.salted_password = [&login](std::string_view salt, int iterations) {
            return crypto::scram_salted_password(login.password.reveal(), salt, iterations);
        };
        wire::Startup startup(std::move(settings));
        startup.begin(out);
        while (!startup.done()) {
            if (auto sent = flush(); !sent) {
                return sent;
            }
            auto frame = next();
            if (!frame) {
                return std::unexpected(frame.error());
            }
            if (auto advanced = startup.advance(*frame, out); !advanced) {
                close();
                return advanced;
            }
            in.consume(frame->bytes());
        }
        return {};
    }

    /// Collects replies until the exchange is over, or until the node asks for COPY data.
    base::Result<std::vector<ResultSet>> collect() {
        std::vector<ResultSet> results(1);
        std::optional<base::Error> failed;
        while (!exchange.over() && !exchange.copying()) {
            auto frame = next();
            if (!frame) {
                return std::unexpected(frame.error());
            }
            switch (exchange.advance(*frame)) {
                case wire::Exchange::Event::columns:
                    if (!read_columns(frame->body, results.back())) {
                        return dead(Code::protocol_violation, "malformed row description");
                    }
                    break;
                case wire::Exchange::Event::row: read_row(frame->body, results.back()); break;
                case wire::Exchange::Event::complete:
                    static_cast<void>(wire::decode_command_complete(frame->body, tag));
                    results.back().tag = tag;
                    results.emplace_back();
                    break;
                case wire::Exchange::Event::error: {
                    wire::ServerError error;
                    static_cast<void>(wire::decode(frame->body, error));
                    failed = reported(error);
                    break;
                }
                case wire::Exchange::Event::broken: return dead(Code::protocol_violation, "out of step");
                case wire::Exchange::Event::none:
                case wire::Exchange::Event::copy_in:
                case wire::Exchange::Event::ready: break;
            }
            in.consume(frame->bytes());
        }
        if (failed) {
            return std::unexpected(std::move(*failed));
        }
        results.pop_back();
        return results;
    }

  private:
    static bool read_columns(std::string_view body, ResultSet& into) {
        std::vector<wire::ColumnDescription> columns;
        if (!wire::decode_row_description(body, columns)) {
            return false;
        }
        into.columns.clear();
        for (const auto& column : columns) {
            into.columns.emplace_back(column.name);
        }
        return true;
    }
    static void read_row(std::string_view body, ResultSet& into) {
        wire::RowReader reader(body);
        TextRow& row = into.rows.emplace_back();
        row.reserve(reader.columns());
        for (std::uint16_t i = 0; i < reader.columns(); ++i) {
            const auto value = reader.next();
            row.push_back(value ? std::optional<std::string>(*value) : std::nullopt);
        }
    }
    std::string_view tag;
};

MaintenanceClient::MaintenanceClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MaintenanceClient::MaintenanceClient(MaintenanceClient&&) noexcept = default;
MaintenanceClient& MaintenanceClient::operator=(MaintenanceClient&&) noexcept = default;
MaintenanceClient::~MaintenanceClient() = default;

base::Result<MaintenanceClient> MaintenanceClient::open(const routing::Plan& plan,
                                                        const topology::Topology& topology,
                                                        topology::NodeIndex node, const Login& login,
                                                        std::chrono::milliseconds timeout,
                                                        std::optional<topology::RegionIndex> from) {
    DOMICILE_ASSERT(topology.at(node).shard == plan.shard());
    DOMICILE_ASSERT(topology.jurisdiction_of(node) == plan.jurisdiction());
    auto impl = std::make_unique<Impl>();
    impl->deadline = Clock::now() + timeout;
    if (auto connected = impl->connect(from ? topology.reach(*from, node) : topology.at(node).address);
        !connected) {
        return std::unexpected(connected.error());
    }
    if (auto started = impl->start_up(login); !started) {
        return std::unexpected(started.error());
    }
    return MaintenanceClient(std::move(impl));
}

base::Result<std::vector<ResultSet>> MaintenanceClient::run(std::string_view script,
                                                            std::chrono::milliseconds timeout) {
    if (impl_->socket < 0) {
        return base::fail(Code::node_unavailable, "The connection to the database node was lost.");
    }
    impl_->exchange.sent();
    impl_->deadline = Clock::now() + timeout;
    wire::append_query(impl_->out, script);
    if (auto sent = impl_->flush(); !sent) {
        return std::unexpected(sent.error());
    }
    return impl_->collect();
}

base::Result<ResultSet> MaintenanceClient::run(std::string_view statement,
                                               std::span<const std::optional<std::string>> parameters,
                                               std::chrono::milliseconds timeout) {
    if (impl_->socket < 0) {
        return base::fail(Code::node_unavailable, "The connection to the database node was lost.");
    }
    impl_->exchange.sent();
    impl_->deadline = Clock::now() + timeout;
    std::vector<wire::Parameter> views;
    views.reserve(parameters.size());
    for (const auto& parameter : parameters) {
        views.push_back(parameter ? wire::Parameter(*parameter) : std::nullopt);
    }
    wire::append_parse(impl_->out, "", statement);
    wire::append_bind(impl_->out, "", views);
    wire::append_describe_portal(impl_->out);
    wire::append_execute(impl_->out);
    wire::append_sync(impl_->out);
    if (auto sent = impl_->flush(); !sent) {
        return std::unexpected(sent.error());
    }
    auto results = impl_->collect();
    if (!results) {
        return std::unexpected(results.error());
    }
    return results->empty() ? ResultSet{} : std::move(results->front());
}

base::Status MaintenanceClient::copy_begin(std::string_view statement, std::chrono::milliseconds timeout) {
    auto begun = run(statement, timeout);
    if (!begun) {
        return std::unexpected(begun.error());
    }
    if (!impl_->exchange.copying()) {
        return base::fail(Code::internal, "The statement is not a COPY FROM STDIN.");
    }
    return {};
}

base::Status MaintenanceClient::copy_data(std::string_view bytes, std::chrono::milliseconds timeout) {
    DOMICILE_ASSERT(impl_->exchange.copying());
    impl_->deadline = Clock::now() + timeout;
    wire::append_copy_data(impl_->out, bytes);
    return impl_->out.size() < (64U << 10U) ? base::Status{} : impl_->flush();
}

base::Result<std::uint64_t> MaintenanceClient::copy_end(std::chrono::milliseconds timeout) {
    DOMICILE_ASSERT(impl_->exchange.copying());
    impl_->deadline = Clock::now() + timeout;
    impl_->exchange.copy_ended();
    wire::append_copy_done(impl_->out);
    if (auto sent = impl_->flush(); !sent) {
        return std::unexpected(sent.error());
    }
    auto results = impl_->collect();
    if (!results) {
        return std::unexpected(results.error());
    }
    return results->empty() ? 0 : wire::affected_rows(results->back().tag);
}

void MaintenanceClient::copy_abort(std::string_view reason) {
    if (!impl_->exchange.copying()) {
        return;
    }
    impl_->exchange.copy_ended();
    impl_->deadline = Clock::now() + std::chrono::seconds{5};
    wire::append_copy_fail(impl_->out, reason);
    if (impl_->flush()) {
        static_cast<void>(impl_->collect());
    }
}

}  // namespace domicile::pool

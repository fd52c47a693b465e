#include "pool/connection.hpp"

#include "crypto/random.hpp"
#include "wire/startup.hpp"

#include <charconv>
#include <unordered_map>
#include <utility>

namespace domicile::pool {
namespace {

using base::Code;
namespace limits = base::limits;

constexpr std::size_t read_bytes = 16U << 10U;

/// "d<id>": the name of a prepared statement on the node.
std::string_view name_of(std::uint32_t id, std::array<char, 12>& storage) {
    if (id == 0) {
        return {};
    }
    storage[0] = 'd';
    const auto end = std::to_chars(storage.data() + 1, storage.data() + storage.size(), id).ptr;
    return {storage.data(), end};
}

}  // namespace

struct Statements::Impl {
    std::unordered_map<std::string_view, Statement> by_sql;  // the keys view the statements' own texts
};

Statements::Statements() : impl_(std::make_shared<Impl>()) {}

Statement Statements::intern(std::string_view sql) {
    const auto found = impl_->by_sql.find(sql);
    if (found != impl_->by_sql.end()) {
        return found->second;
    }
    Statement made{std::make_shared<const std::string>(sql), 0};
    if (impl_->by_sql.size() < limits::statements_per_connection_max) {
        made.id = static_cast<std::uint32_t>(impl_->by_sql.size() + 1);
        impl_->by_sql.emplace(*made.sql, made);
    }
    return made;
}

Connection::Connection(net::Loop& loop) : stream_(loop) {}

base::Error Connection::lost(const net::error_code& ec) {
    alive_ = false;
    const bool timed_out = stream_.expired();
    stream_.close();
    if (timed_out) {
        return {Code::node_timeout, "The database node did not answer in time.", {}, {}, {}};
    }
    return {Code::node_unavailable, "The connection to the database node was lost.", {}, {}, ec.message()};
}

base::Error Connection::desynchronised(std::string detail) {
    close();
    return {Code::protocol_violation, "The node broke the wire protocol.", {}, {}, std::move(detail)};
}

void Connection::close() noexcept {
    alive_ = false;
    stream_.close();
}

Task<base::Status> Connection::open(Target target, std::chrono::milliseconds timeout) {
    stream_.expires_after(timeout);
    endpoint_ = target.endpoint;
    const auto connected = co_await stream_.connect(target.endpoint);
    if (connected) {
        co_return std::unexpected(lost(connected));
    }
    if (target.must_tls && target.tls == nullptr) {
        close();
        co_return base::fail(Code::configuration,
                             "The node is to be reached by TLS, and no authority is given.",
                             "Start the gateway with --node-ca.");
    }
    if (target.must_tls) {
        if (const auto secured = co_await secure(target); !secured) {
            co_return secured;
        }
    }
    const std::string nonce = crypto::random_token(18);
    wire::StartupSettings settings;
    settings.user = target.user;
    settings.database = target.database;
    settings.application = target.application;
    settings.options = target.options;
    settings.nonce = nonce;
    settings.salted_password = std::move(target.salted_password);
    settings.on_parameter = std::move(target.on_parameter);
    wire::Startup startup(std::move(settings));
    out_.clear();
    startup.begin(out_);
    while (!startup.done()) {
        const auto written = co_await stream_.write(out_.view());
        out_.clear();
        if (written) {
            co_return std::unexpected(lost(written));
        }
        wire::Frame frame;
        const wire::Scan found = wire::scan(in_.view(), frame);
        if (found == wire::Scan::broken || in_.size() > limits::wire_startup_bytes_max) {
            co_return std::unexpected(desynchronised("start-up"));
        }
        if (found == wire::Scan::more) {
            const auto received = co_await stream_.read_some(in_, read_bytes);
            if (received) {
                co_return std::unexpected(lost(received));
            }
            continue;
        }
        const auto advanced = startup.advance(frame, out_);
        if (!advanced) {
            close();
            co_return advanced;
        }
        in_.consume(frame.bytes());
    }
    if (!in_.empty()) {
        // Bytes after ReadyForQuery that nobody asked for: a stuffed reply could pass for a later one.
        co_return std::unexpected(desynchronised("bytes after start-up"));
    }
    process_id_ = startup.process_id();
    secret_key_ = startup.secret_key();
    stream_.expires_never();
    alive_ = true;
    co_return base::Status{};
}

Task<base::Status> Connection::secure(const Target& target) {
    // SSLRequest, answered by one byte (PostgreSQL docs, "SSL Session Encryption"). More than that byte
    // before the handshake was stuffed in by someone between (CVE-2021-23222).
    out_.clear();
    out_.append_u32(8);
    out_.append_u32(80877103);
    auto failed = co_await stream_.write(out_.view());
    out_.clear();
    if (!failed) {
        failed = co_await stream_.read_some(in_, 2);
    }
    if (failed) {
        co_return std::unexpected(lost(failed));
    }
    if (in_.view() != "S") {
        close();
        co_return base::fail(Code::configuration, "The node does not speak TLS.",
                             "Switch ssl on at the node, or TLS off in the topology.");
    }
    in_.clear();
    failed = co_await stream_.connect_tls(target.tls, std::string(target.tls_host));
    if (failed) {
        close();
        co_return base::fail(Code::node_unavailable, "TLS with the node failed.", {}, failed.message());
    }
    co_return base::Status{};
}

void Connection::begin() {
    out_.clear();
    pipeline_.reset();
    statement_ids_.clear();
    in_flight_.reset();
}

void Connection::add(const Statement& statement, std::span<const wire::Parameter> parameters) {
    const auto index = static_cast<std::uint32_t>(statement_ids_.size());
    statement_ids_.push_back(statement.id);
    std::array<char, 12> storage{};
    const std::string_view name = name_of(statement.id, storage);
    if (statement.id == 0 || (!prepared_[statement.id] && !in_flight_[statement.id])) {
        wire::append_parse(out_, name, *statement.sql);
        pipeline_.sent_parse(index);
        in_flight_[statement.id] = statement.id != 0;
    }
    wire::append_bind(out_, name, parameters);
    pipeline_.sent_bind(index);
    wire::append_execute(out_);
    pipeline_.sent_execute(index);
}

void Connection::sync() {
    wire::append_sync(out_);
    pipeline_.sent_sync();
}

Task<base::Status> Connection::run(ReplySink& sink, std::chrono::milliseconds timeout) {
    stream_.expires_after(timeout);
    const auto written = co_await stream_.write(out_.view());
    out_.clear();
    if (written) {
        co_return std::unexpected(lost(written));
    }
    while (!pipeline_.settled()) {
        wire::Frame frame;
        const wire::Scan found = wire::scan(in_.view(), frame);
        if (found == wire::Scan::broken) {
            co_return std::unexpected(desynchronised("length"));
        }
        if (found == wire::Scan::more) {
            const auto received = co_await stream_.read_some(in_, read_bytes);
            if (received) {
                co_return std::unexpected(lost(received));
            }
            continue;
        }
        switch (pipeline_.advance(frame)) {
            case wire::Pipeline::Event::none:
            case wire::Pipeline::Event::ready: break;
            case wire::Pipeline::Event::parsed: prepared_[statement_ids_[pipeline_.tag()]] = true; break;
            case wire::Pipeline::Event::row: sink.row(pipeline_.tag(), frame.body); break;
            case wire::Pipeline::Event::complete: {
                wire::Reader reader(frame.body);
                sink.complete(pipeline_.tag(), wire::affected_rows(reader.cstring()));
                break;
            }
            case wire::Pipeline::Event::error: {
                wire::ServerError error;
                if (!wire::decode(frame.body, error)) {
                    co_return std::unexpected(desynchronised("error response"));
                }
                // A statement planned before the schema changed must be prepared anew (0A000 "cached plan
                // …").
                if (error.sqlstate == "0A000" || error.sqlstate == "26000") {
                    alive_ = false;
                }
                sink.error(pipeline_.tag(), error);
                break;
            }
            case wire::Pipeline::Event::broken: co_return std::unexpected(desynchronised("out of step"));
        }
        in_.consume(frame.bytes());
    }
    if (!in_.empty()) {
        co_return std::unexpected(desynchronised("bytes after the last sync"));
    }
    prepared_[0] = false;
    in_.shrink(64U << 10U);
    out_.shrink(64U << 10U);
    stream_.expires_never();
    co_return base::Status{};
}

bool Connection::still_alive() noexcept {
    return alive_ && !stream_.hung_up() && !stream_.readable();
}

}  // namespace domicile::pool

#include "app/gateway.hpp"

#include "access/policies.hpp"
#include "app/common.hpp"
#include "base/log.hpp"
#include "crypto/random.hpp"
#include "http/server.hpp"
#include "net/gate.hpp"
#include "pool/prober.hpp"
#include "session/door.hpp"

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <stop_token>
#include <thread>
#include <tuple>
#include <unistd.h>

#include <openssl/ssl.h>

namespace domicile::app {
namespace {

using net::Task;

constexpr std::chrono::seconds drain_time{5};

/// Statements see times in UTC and ISO, whatever the server's defaults; and none runs longer than the
/// topology allows.
std::string session_options(const topology::Limits& limits) {
    return "-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c extra_float_digits=1 -c "
           "bytea_output=hex"
           " -c search_path=public -c standard_conforming_strings=on -c statement_timeout=" +
           std::to_string(limits.statement_ms_max);
}

/// One thread of the gateway: its own event loop, pool and door. Sessions live and die here.
struct Worker {
    Worker(const http::Shared& shared, const session::Shared& sql_shared,
           const pool::Credentials& credentials,
           const std::map<std::string, pool::Credentials>& sql_credentials, pool::PoolMetrics& pool_metrics,
           http::DoorMetrics& door_metrics)
        : gate(loop),
          pool(loop, shared.topology, shared.region, credentials, pool_metrics),
          door(shared, pool, door_metrics),
          server(loop, door, door_metrics, shared.topology.limits),
          sql(loop, sql_shared, [&](const std::string& role) {
              return std::make_unique<pool::Pool>(loop, shared.topology, shared.region,
                                                  sql_credentials.at(role), pool_metrics);
          }) {
        door.on_schema = [this](const http::Schema& schema) {
            sql::KeyPlaces places;
            for (const auto& shape : schema.tables) {
                for (std::size_t i = 0; i < shape.columns.size(); ++i) {
                    if (shape.columns[i].name == shape.table->key) {
                        places[shape.table->name] = i;
                    }
                }
            }
            sql.analyser().know(std::move(places));
        };
    }

    void note_state(topology::NodeIndex node, const routing::NodeState& state) {
        pool.note_state(node, state);
        sql.note_state(node, state);
    }

    net::Loop loop;
    net::Gate gate;
    pool::Pool pool;
    http::Door door;
    http::Server server;
    session::Door sql;
};

/// Threads share the port (SO_REUSEPORT), and so could a stranger of the same unix user: make sure that
/// nobody has it.
base::Status port_is_free(const topology::Address& address) {
    net::Loop loop;
    net::Listener alone(loop);
    return alone.listen(address.host, address.port, false);
}

struct FreeContext {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

/// Null if no certificate is given. TLS 1.2 at least, as PostgreSQL (ssl_min_protocol_version).
base::Result<TlsContext> tls_context(const GatewayOptions& options) {
    if (options.tls_certificate.empty()) {
        return TlsContext();
    }
    TlsContext context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    // A client that speaks TLS at once names the protocol (PostgreSQL docs, "SSL Session Encryption").
    SSL_CTX_set_alpn_select_cb(
        context.get(),
        [](SSL*, const unsigned char** out, unsigned char* length, const unsigned char* offered,
           unsigned count, void*) {
            static constexpr unsigned char ours[] = "\x0apostgresql";
            const int chosen = SSL_select_next_proto(const_cast<unsigned char**>(out), length, ours,
                                                     sizeof ours - 1, offered, count);
            return chosen == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
        },
        nullptr);
    if (SSL_CTX_use_certificate_chain_file(context.get(), options.tls_certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context.get(), options.tls_key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context.get()) != 1) {
        return base::fail(base::Code::configuration,
                          "The certificate " + options.tls_certificate + " and its key cannot be used.",
                          "Give PEM files that belong together: --tls-cert, --tls-key.");
    }
    return context;
}

/// For connections to nodes; null if there is no authority. Whoever the authority has not signed is refused.
base::Result<TlsContext> node_tls_context(const GatewayOptions& options) {
    if (options.node_authorities.empty()) {
        return TlsContext();
    }
    TlsContext context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    for (const auto& file : options.node_authorities) {
        if (SSL_CTX_load_verify_locations(context.get(), file.c_str(), nullptr) != 1) {
            return base::fail(base::Code::configuration, "The authority " + file + " cannot be used.",
                              "Give a PEM file: --node-ca.");
        }
    }
    return context;
}

/// Ends everything that runs on the worker's loop, so that its run() returns by itself and no coroutine
/// outlives the objects it refers to.
Task<void> drain(Worker& worker, pool::Prober* prober, net::Gate* prober_gate) {
    worker.door.drain();
    worker.server.stop();
    worker.sql.stop();
    worker.sql.drain();
    worker.gate.close();
    worker.loop.close_idle();
    const bool drained = co_await worker.gate.drain(drain_time);
    if (!drained) {
        base::log::warn("gateway.sessions_cut",
                        {{"sessions", static_cast<std::uint64_t>(worker.gate.count())}});
    }
    worker.door.stop();
    worker.pool.stop();
    worker.sql.stop_pools();
    if (prober != nullptr) {
        prober->stop();
    }
    worker.loop.close_all();
    std::ignore = co_await worker.gate.drain(drain_time);
    if (prober != nullptr) {
        std::ignore = co_await prober_gate->drain(drain_time);
    }
}

/// Key sets from files. (From URLs: not yet; such an issuer's tokens are refused, and the log says so.)
base::Result<std::string> read_keys(const std::string& source) {
    constexpr std::size_t bytes_max = 256U << 10U;
    if (source.find("://") != std::string::npos) {
        return base::fail(base::Code::configuration, "JWK sets from URLs are not read yet.",
                          "Fetch the set into a file beside the topology.");
    }
    return read_file(source, bytes_max);
}

/// Keys roll over without a restart. A thread of its own, since files may be slow.
void keep_keys(const std::stop_token& stop, access::Authenticator& authenticator) {
    std::mutex mutex;
    std::condition_variable_any asleep;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
        asleep.wait_for(lock, stop, std::chrono::seconds{1}, [] { return false; });
        authenticator.refresh_if_asked();
    }
}

}  // namespace

base::Status run_gateway(const topology::Topology& topology, GatewayOptions options) {
    std::signal(SIGPIPE, SIG_IGN);  // TLS writes through the library, which cannot ask the kernel for silence
    net::Signals::block({SIGTERM, SIGINT});
    const topology::Region& region = topology.at(options.region);
    const topology::RangeMap map = topology::RangeMap::of(topology);
    pool::WritePositions positions(topology);
    base::Metrics metrics;
    pool::PoolMetrics pool_metrics(metrics);
    http::DoorMetrics door_metrics(metrics);
    metrics.gauge("domicile_map_epoch", "Epoch of the range map in use")
        .set(static_cast<std::int64_t>(map.epoch()));

    access::Authenticator authenticator(
        topology, options.folder,
        [&](std::string_view name) { return options.issuer_keys / (std::string(name) + ".jwks"); },
        read_keys);
    std::ignore = authenticator.refresh();  // what cannot be read is logged, and its tokens are refused
    auto access_log =
        access::AccessLog::open(options.access_folder, region.name, std::move(options.pseudonym_key));
    if (!access_log) {
        return std::unexpected(access_log.error());
    }
    const access::Judge judge(topology, options.region, access::policies_of(topology), access_log->get());
    access::Slowdown slowdown;
    const http::Shared shared{topology, map, options.region, positions, authenticator, judge};

    const auto node_tls = node_tls_context(options);
    if (!node_tls) {
        return std::unexpected(node_tls.error());
    }
    pool::Credentials credentials;
    credentials.tls = node_tls->get();
    credentials.database = topology.database.name;
    credentials.user = "domicile_gateway";
    credentials.password = std::move(options.gateway_password);
    credentials.application = "domicile-" + region.name;
    credentials.options = session_options(topology.limits);
    pool::Credentials monitor = credentials;
    monitor.user = "domicile_monitor";
    monitor.password = std::move(options.monitor_password);

    session::SqlMetrics sql_metrics(metrics);
    session::CancelKeys cancels;
    session::Definitions definitions;
    std::map<std::string, session::Login, std::less<>> logins;
    std::map<std::string, pool::Credentials> sql_credentials;
    for (auto& login : options.logins) {
        auto verifier = crypto::parse_scram_verifier(login.verifier);
        if (!verifier) {
            return base::fail(base::Code::configuration,
                              "The verifier of login " + login.name + " is malformed.");
        }
        logins[login.name] = session::Login{std::move(*verifier), login.role,
                                            login.role == options.operator_role, login.superuser};
        pool::Credentials& role = sql_credentials[login.role];
        role.database = topology.database.name;
        role.user = login.role;
        role.password = std::move(login.role_password);
        role.application = "domicile-" + region.name;
        role.tls = node_tls->get();
    }
    const auto tls = tls_context(options);
    if (!tls) {
        return std::unexpected(tls.error());
    }
    const session::Shared sql_shared{topology,
                                     map,
                                     options.region,
                                     std::move(logins),
                                     crypto::random_token(32),
                                     tls->get(),
                                     sql_metrics,
                                     cancels,
                                     definitions,
                                     authenticator,
                                     judge,
                                     slowdown,
                                     options.operator_role,
                                     options.rows_role};

    const std::size_t threads = topology.limits.gateway_threads;
    for (const auto& address : {region.http, region.sql}) {
        if (auto free = threads > 1 ? port_is_free(address) : base::Status{}; !free) {
            return free;
        }
    }
    std::vector<std::unique_ptr<Worker>> workers;
    for (std::size_t i = 0; i < threads; ++i) {
        workers.push_back(std::make_unique<Worker>(shared, sql_shared, credentials, sql_credentials,
                                                   pool_metrics, door_metrics));
        if (auto listening = workers.back()->server.listen(region.http, threads > 1); !listening) {
            return listening;
        }
        if (auto listening = workers.back()->sql.listen(region.sql, threads > 1); !listening) {
            return listening;
        }
    }
    Worker& first = *workers.front();
    net::Gate prober_gate(first.loop);
    pool::Prober prober(first.loop, topology, options.region, std::move(monitor), metrics,
                        [&](topology::NodeIndex node, const routing::NodeState& state) {
                            first.note_state(node, state);
                            for (std::size_t i = 1; i < workers.size(); ++i) {
                                // Across threads only values travel, by post.
                                Worker* worker = workers[i].get();
                                worker->loop.post([worker, node, state] { worker->note_state(node, state); });
                            }
                        });
    prober.start(prober_gate);
    first.sql.start_recovery(prober_gate);

    for (auto& worker : workers) {
        worker->loop.spawn(worker->server.run(worker->gate));
        worker->loop.spawn(worker->sql.run(worker->gate));
        worker->loop.spawn(worker->door.keep_schema(worker->loop));
    }
    const net::Signals signals(first.loop, {SIGTERM, SIGINT}, [&](int /*signal*/) {
        base::log::info("gateway.draining", {{"region", region.name}});
        // Should something refuse to end, the process ends all the same.
        ::alarm(static_cast<unsigned>(3 * drain_time.count()));
        for (auto& worker : workers) {
            Worker* one = worker.get();
            const bool with_prober = one == &first;
            one->loop.post([one, with_prober, &prober, &prober_gate] {
                one->loop.spawn(
                    drain(*one, with_prober ? &prober : nullptr, with_prober ? &prober_gate : nullptr));
            });
        }
    });

    const std::jthread keys([&](const std::stop_token& stop) { keep_keys(stop, authenticator); });
    base::log::info("gateway.started", {{"region", region.name},
                                        {"http_port", region.http.port},
                                        {"sql_port", region.sql.port},
                                        {"threads", static_cast<std::uint64_t>(threads)}});
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < workers.size(); ++i) {
        others.emplace_back([worker = workers[i].get()] { worker->loop.run(true); });
    }
    first.loop.run(true);
    for (std::thread& thread : others) {
        thread.join();
    }
    base::log::info("gateway.stopped", {{"region", region.name}});
    return {};
}

}  // namespace domicile::app

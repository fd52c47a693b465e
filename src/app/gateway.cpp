#include "app/gateway.hpp"

#include "app/common.hpp"
#include "app/operations.hpp"
#include "app/region_files.hpp"
#include "app/watch.hpp"
#include "base/log.hpp"
#include "cloud/http_call.hpp"
#include "crypto/random.hpp"
#include "http/server.hpp"
#include "net/gate.hpp"
#include "pool/prober.hpp"
#include "session/door.hpp"

#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <stop_token>
#include <thread>
#include <tuple>
#include <unistd.h>

#include <boost/json.hpp>
#include <openssl/ssl.h>

namespace domicile::app {
namespace {

using net::Task;

constexpr std::chrono::seconds drain_time{5};
constexpr std::chrono::minutes keys_age_max{5};

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
           http::DoorMetrics& door_metrics, access::Slowdown& slowdown, ssl_ctx_st* http_tls)
        : gate(loop),
          pool(loop, shared.topology, shared.region, credentials, pool_metrics),
          door(shared, pool, door_metrics),
          server(loop, door, door_metrics, shared.topology.limits, slowdown, http_tls, shared.topology.edge),
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

    /// `rows`: the role of the HTTP door's own pool.
    void renew(const std::string& role, const std::string& rows, const vault::DatabaseLogin& login) {
        if (role == rows) {
            pool.renew(login.user, login.password);
        }
        sql.renew(role, login.user, login.password);
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

/// The protocol a door speaks, as clients name it (RFC 7301): its length, then its name.
using Protocol = std::span<const unsigned char>;
constexpr unsigned char postgresql[] = "\x0apostgresql";
constexpr unsigned char http_1_1[] = "\x08http/1.1";
constexpr Protocol postgresql_protocol(postgresql, sizeof postgresql - 1);
constexpr Protocol http_protocol(http_1_1, sizeof http_1_1 - 1);

/// Null if no certificate is given. TLS 1.2 at least, as PostgreSQL (ssl_min_protocol_version). With
/// `client_authority` (PEM file) clients may show certificates; one that does not verify ends the handshake.
base::Result<TlsContext> tls_context(const GatewayOptions& options, const std::string& client_authority,
                                     const Protocol& protocol) {
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
           unsigned count, void* ours) {
            const auto& known = *static_cast<const Protocol*>(ours);
            const int chosen = SSL_select_next_proto(const_cast<unsigned char**>(out), length, known.data(),
                                                     static_cast<unsigned>(known.size()), offered, count);
            return chosen == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
        },
        const_cast<Protocol*>(&protocol));
    if (SSL_CTX_use_certificate_chain_file(context.get(), options.tls_certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context.get(), options.tls_key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context.get()) != 1) {
        return base::fail(base::Code::configuration,
                          "The certificate " + options.tls_certificate + " and its key cannot be used.",
                          "Give PEM files that belong together: --tls-cert, --tls-key.");
    }
    if (!client_authority.empty()) {
        STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(client_authority.c_str());
        if (names == nullptr ||
            SSL_CTX_load_verify_locations(context.get(), client_authority.c_str(), nullptr) != 1) {
            return base::fail(base::Code::configuration,
                              "The authority " + client_authority + " cannot be used.",
                              "`client_ca` in [identity] names a PEM file that the gateways' user may read.");
        }
        SSL_CTX_set_client_CA_list(context.get(), names);
        static constexpr unsigned char ours[] = "domicile";  // sessions are of this server alone
        SSL_CTX_set_session_id_context(context.get(), ours, sizeof ours - 1);
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
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

/// Key sets from files and https URLs.
base::Result<std::string> read_keys(const topology::Topology& topology, const std::filesystem::path& folder,
                                    const std::string& source) {
    constexpr std::size_t bytes_max = 256U << 10U;
    if (source.find("://") == std::string::npos) {
        return read_file(source, bytes_max);
    }
    cloud::HttpCall request;
    request.url = source;
    request.bytes_max = bytes_max;
    for (const auto& issuer : topology.identity.issuers) {
        if (issuer.jwks == source && !issuer.authority.empty()) {
            request.authority = (folder / issuer.authority).string();
        }
    }
    auto answer = cloud::call(request);
    if (!answer) {
        return std::unexpected(std::move(answer.error()));
    }
    if (answer->status != 200) {
        return base::fail(base::Code::configuration,
                          "The server of a JWK set answers " + std::to_string(answer->status) + ".");
    }
    return std::move(answer->body);
}

/// The node roles this gateway logs in as.
std::set<std::string> node_roles(const GatewayOptions& options) {
    std::set<std::string> roles = {options.rows_role, options.monitor_role};
    for (const auto& login : options.logins) {
        roles.insert(login.role);
    }
    return roles;
}

/// Passwords rotate without a restart: tells `renewed` of each login that changed. A vault that does not
/// answer changes nothing. A thread of its own, since it may be slow.
void keep_logins(const std::stop_token& stop, const GatewayOptions& options,
                 std::map<std::string, vault::DatabaseLogin> known,
                 const std::function<void(const std::string&, const vault::DatabaseLogin&)>& renewed) {
    std::mutex mutex;
    std::condition_variable_any asleep;
    std::unique_lock lock(mutex);
    bool told = false;
    while (!stop.stop_requested()) {
        asleep.wait_for(lock, stop, options.login_age_max, [] { return false; });
        for (auto& [role, login] : known) {
            auto now = options.login_of(role);
            if (!now) {
                if (!std::exchange(told, true)) {
                    base::log::warn("gateway.vault",
                                    {{"role", role}, {"error", base::describe(now.error())}});
                }
                continue;
            }
            told = false;
            if (now->user != login.user || now->since != login.since ||
                now->password.reveal() != login.password.reveal()) {
                login = std::move(*now);
                renewed(role, login);
                base::log::info("gateway.login_renewed", {{"role", role}});
            }
        }
    }
}

/// What the prober found last, for a thread that tells others.
class NodeBoard {
  public:
    void note(topology::NodeIndex node, const routing::NodeState& state) {
        const std::lock_guard lock(mutex_);
        nodes_[node.value] = state;
    }
    [[nodiscard]] std::map<std::uint16_t, routing::NodeState> nodes() const {
        const std::lock_guard lock(mutex_);
        return nodes_;
    }

  private:
    mutable std::mutex mutex_;
    std::map<std::uint16_t, routing::NodeState> nodes_;
};

/// Central's figures as last read: small, so every region has its own copy, and answers while central is
/// away.
class FigureCopy {
  public:
    [[nodiscard]] std::shared_ptr<const events::Figures> get() const {
        const std::lock_guard lock(mutex_);
        return figures_;
    }
    void set(std::shared_ptr<const events::Figures> figures) {
        const std::lock_guard lock(mutex_);
        figures_ = std::move(figures);
    }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const events::Figures> figures_;
};

/// A thread of its own, since central may be far.
void keep_figures(const std::stop_token& stop, const GatewayOptions& options, FigureCopy& copy) {
    std::mutex mutex;
    std::condition_variable_any asleep;
    std::unique_lock lock(mutex);
    bool told = false;
    while (!stop.stop_requested()) {
        auto read = options.read_figures();
        if (read) {
            copy.set(std::make_shared<const events::Figures>(std::move(*read)));
            told = false;
        } else if (!std::exchange(told, true)) {
            base::log::warn("gateway.figures", {{"error", base::describe(read.error())}});
        }
        asleep.wait_for(lock, stop, std::chrono::seconds{2}, [] { return false; });
    }
}

/// Heads of the ledgers, asked of the store outside the databases. What is not known yet is not served; what
/// was known stays when the store is away.
void ask_heads(const topology::Topology& topology, const GatewayOptions& options, pool::LedgerHeads& heads) {
    for (std::uint16_t i = 0; i < topology.shards.size(); ++i) {
        if (topology.shards[i].jurisdiction != topology.at(options.region).jurisdiction) {
            continue;
        }
        const topology::ShardIndex shard(i);
        if (const auto head = options.ledger_head(shard)) {
            heads.set(shard, *head);
        } else if (heads.of(shard) == pool::LedgerHeads::unknown) {
            base::log::warn("gateway.ledger",
                            {{"shard", topology.at(shard).name}, {"error", base::describe(head.error())}});
        }
    }
}

/// A thread of its own, since the store may be far.
void keep_heads(const std::stop_token& stop, const topology::Topology& topology,
                const GatewayOptions& options, pool::LedgerHeads& heads) {
    std::mutex mutex;
    std::condition_variable_any asleep;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
        ask_heads(topology, options, heads);
        asleep.wait_for(lock, stop, std::chrono::seconds{5}, [] { return false; });
    }
}

/// The view with what the gateway counts, for the region's own worker.
std::string with_metrics(std::string view, const std::vector<base::MetricValue>& values) {
    view.pop_back();
    view += ",\"metrics\":[";
    bool first = true;
    for (const auto& one : values) {
        view += std::exchange(first, false) ? "[" : ",[";
        view += boost::json::serialize(boost::json::value(one.name)) + "," +
                boost::json::serialize(boost::json::value(one.labels)) + "," +
                boost::json::serialize(boost::json::value(one.value)) + "]";
    }
    return view + "]}";
}

/// Takes over a range map that the relay has learned, and says how the region's nodes are. A thread of its
/// own, since files may be slow.
void keep_region(const std::stop_token& stop, const topology::Topology& topology,
                 topology::RegionIndex region, const RegionFiles& files, topology::MapInForce& maps,
                 const NodeBoard& board, base::Gauge& epoch, base::Metrics& metrics) {
    std::mutex mutex;
    std::condition_variable_any asleep;
    std::unique_lock lock(mutex);
    std::filesystem::file_time_type seen;
    ProcessMetrics process(metrics, "gateway");
    while (!stop.stop_requested()) {
        if (const auto written = files.map_time(); written != std::exchange(seen, written)) {
            auto known = files.map(topology);
            if (maps.adopt(std::move(known.map))) {
                epoch.set(static_cast<std::int64_t>(maps.now().epoch()));
                base::log::info("gateway.map", {{"epoch", maps.now().epoch()}});
            }
        }
        process.update();
        const std::string view = render_view(topology, region, maps.now().epoch(), board.nodes());
        files.keep_view(view);
        files.keep_gateway(with_metrics(view, metrics.values()));
        asleep.wait_for(lock, stop, std::chrono::seconds{1}, [] { return false; });
    }
}

/// Keys roll over without a restart. A thread of its own, since files may be slow.
void keep_keys(const std::stop_token& stop, access::Authenticator& authenticator) {
    std::mutex mutex;
    std::condition_variable_any asleep;
    std::unique_lock lock(mutex);
    auto next = std::chrono::steady_clock::now() + keys_age_max;
    while (!stop.stop_requested()) {
        asleep.wait_for(lock, stop, std::chrono::seconds{1}, [] { return false; });
        authenticator.refresh_if_asked();
        // A key that an issuer has withdrawn stops counting, too.
        if (std::chrono::steady_clock::now() >= next) {
            std::ignore = authenticator.refresh();
            next = std::chrono::steady_clock::now() + keys_age_max;
        }
    }
}

}  // namespace

base::Status run_gateway(const topology::Topology& topology, GatewayOptions options) {
    std::signal(SIGPIPE, SIG_IGN);  // TLS writes through the library, which cannot ask the kernel for silence
    net::Signals::block({SIGTERM, SIGINT});
    const topology::Region& region = topology.at(options.region);
    const RegionFiles files(options.region_folder);
    topology::MapInForce maps(files.map(topology).map);
    pool::WritePositions positions(topology);
    base::Metrics metrics;
    pool::PoolMetrics pool_metrics(metrics);
    http::DoorMetrics door_metrics(metrics);
    base::Gauge& map_epoch = metrics.gauge("domicile_map_epoch", "Epoch of the range map in use");
    map_epoch.set(static_cast<std::int64_t>(maps.now().epoch()));
    NodeBoard board;

    access::Authenticator authenticator(
        topology, options.folder,
        [&](std::string_view name) { return options.issuer_keys / (std::string(name) + ".jwks"); },
        [&](const std::string& source) { return read_keys(topology, options.folder, source); });
    std::ignore = authenticator.refresh();  // what cannot be read is logged, and its tokens are refused
    auto access_log =
        access::AccessLog::open(options.access_folder, region.name, std::move(options.pseudonym_key));
    if (!access_log) {
        return std::unexpected(access_log.error());
    }
    auto policies = read_policies(topology, options.folder);
    if (!policies) {
        return std::unexpected(std::move(policies.error()));
    }
    const access::Judge judge(topology, options.region, *policies, access_log->get());
    access::Slowdown slowdown;
    FigureCopy figures;
    OperationsReader watched(topology, options.region, files, **access_log, *policies);
    const http::Shared shared{topology,
                              maps,
                              options.region,
                              positions,
                              authenticator,
                              judge,
                              !region.http_tls(),
                              [&] { return figures.get(); },
                              [&] { return files.metrics(); },
                              watched.operations()};

    const auto node_tls = node_tls_context(options);
    if (!node_tls) {
        return std::unexpected(node_tls.error());
    }
    pool::Credentials credentials;
    credentials.tls = node_tls->get();
    std::map<std::string, vault::DatabaseLogin> node_logins;
    for (const std::string& role : node_roles(options)) {
        auto login = options.login_of(role);
        if (!login) {
            return std::unexpected(std::move(login.error()));
        }
        node_logins[role] = std::move(*login);
    }
    credentials.database = topology.database.name;
    credentials.user = node_logins.at(options.rows_role).user;
    credentials.password = node_logins.at(options.rows_role).password;
    credentials.application = "domicile-" + region.name;
    credentials.options = session_options(topology.limits);
    pool::Credentials monitor = credentials;
    monitor.user = node_logins.at(options.monitor_role).user;
    monitor.password = node_logins.at(options.monitor_role).password;

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
        role.user = node_logins.at(login.role).user;
        role.password = node_logins.at(login.role).password;
        role.application = "domicile-" + region.name;
        role.tls = node_tls->get();
    }
    const std::string client_authority = topology.identity.client_authority.empty()
                                             ? std::string()
                                             : (options.folder / topology.identity.client_authority).string();
    const auto tls = tls_context(options, client_authority, postgresql_protocol);
    if (!tls) {
        return std::unexpected(tls.error());
    }
    const auto http_tls =
        region.http_tls() ? tls_context(options, client_authority, http_protocol) : TlsContext();
    if (!http_tls) {
        return std::unexpected(http_tls.error());
    }
    if (region.http_tls() && *http_tls == nullptr) {
        return base::fail(base::Code::configuration,
                          "The HTTP door listens off loopback without a certificate.",
                          "Give --tls-cert and --tls-key.");
    }
    const session::Shared sql_shared{topology,
                                     maps,
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
                                                   pool_metrics, door_metrics, slowdown, http_tls->get()));
        if (auto listening = workers.back()->server.listen(region.http, threads > 1); !listening) {
            return listening;
        }
        if (auto listening = workers.back()->sql.listen(region.sql, threads > 1); !listening) {
            return listening;
        }
    }
    Worker& first = *workers.front();
    net::Gate prober_gate(first.loop);
    pool::LedgerHeads heads(topology, options.ledger_head ? pool::LedgerHeads::unknown : 0);
    if (options.ledger_head) {
        ask_heads(topology, options, heads);
    }
    pool::Prober prober(first.loop, topology, maps, heads, options.region, std::move(monitor), metrics,
                        [&](topology::NodeIndex node, const routing::NodeState& state) {
                            board.note(node, state);
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
    const std::jthread neighbours([&](const std::stop_token& stop) {
        keep_region(stop, topology, options.region, files, maps, board, map_epoch, metrics);
    });
    const std::jthread ledger([&](const std::stop_token& stop) {
        if (options.ledger_head) {
            keep_heads(stop, topology, options, heads);
        }
    });
    const std::jthread copier([&](const std::stop_token& stop) {
        if (options.read_figures) {
            keep_figures(stop, options, figures);
        }
    });
    const std::jthread passwords([&](const std::stop_token& stop) {
        keep_logins(stop, options, std::move(node_logins),
                    [&](const std::string& role, const vault::DatabaseLogin& login) {
                        for (auto& one : workers) {
                            one->loop.post([worker = one.get(), role, login, rows = options.rows_role] {
                                worker->renew(role, rows, login);
                            });
                        }
                        if (role == options.monitor_role) {
                            first.loop.post([&prober, login] { prober.renew(login.user, login.password); });
                        }
                    });
    });
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

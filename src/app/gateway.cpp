#include "app/gateway.hpp"

#include "base/log.hpp"
#include "http/server.hpp"
#include "net/gate.hpp"
#include "pool/prober.hpp"

#include <csignal>
#include <thread>
#include <tuple>
#include <unistd.h>

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
    Worker(const http::Shared& shared, const pool::Credentials& credentials, pool::PoolMetrics& pool_metrics,
           http::DoorMetrics& door_metrics)
        : gate(loop),
          pool(loop, shared.topology, shared.region, credentials, pool_metrics),
          door(shared, pool, door_metrics),
          server(loop, door, door_metrics, shared.topology.limits) {}

    net::Loop loop;
    net::Gate gate;
    pool::Pool pool;
    http::Door door;
    http::Server server;
};

/// Threads share the port (SO_REUSEPORT), and so could a stranger of the same unix user: make sure that
/// nobody has it.
base::Status port_is_free(const topology::Address& address) {
    net::Loop loop;
    net::Listener alone(loop);
    return alone.listen(address.host, address.port, false);
}

/// Ends everything that runs on the worker's loop, so that its run() returns by itself and no coroutine
/// outlives the objects it refers to.
Task<void> drain(Worker& worker, pool::Prober* prober, net::Gate* prober_gate) {
    worker.door.drain();
    worker.server.stop();
    worker.gate.close();
    worker.loop.close_idle();
    const bool drained = co_await worker.gate.drain(drain_time);
    if (!drained) {
        base::log::warn("gateway.sessions_cut",
                        {{"sessions", static_cast<std::uint64_t>(worker.gate.count())}});
    }
    worker.door.stop();
    worker.pool.stop();
    if (prober != nullptr) {
        prober->stop();
    }
    worker.loop.close_all();
    std::ignore = co_await worker.gate.drain(drain_time);
    if (prober != nullptr) {
        std::ignore = co_await prober_gate->drain(drain_time);
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
    const http::Shared shared{topology, map, options.region, positions};

    pool::Credentials credentials;
    credentials.database = topology.database.name;
    credentials.user = "domicile_gateway";
    credentials.password = std::move(options.gateway_password);
    credentials.application = "domicile-" + region.name;
    credentials.options = session_options(topology.limits);
    pool::Credentials monitor = credentials;
    monitor.user = "domicile_monitor";
    monitor.password = std::move(options.monitor_password);

    const std::size_t threads = topology.limits.gateway_threads;
    if (auto free = threads > 1 ? port_is_free(region.http) : base::Status{}; !free) {
        return free;
    }
    std::vector<std::unique_ptr<Worker>> workers;
    for (std::size_t i = 0; i < threads; ++i) {
        workers.push_back(std::make_unique<Worker>(shared, credentials, pool_metrics, door_metrics));
        if (auto listening = workers.back()->server.listen(region.http, threads > 1); !listening) {
            return listening;
        }
    }
    Worker& first = *workers.front();
    net::Gate prober_gate(first.loop);
    pool::Prober prober(first.loop, topology, options.region, std::move(monitor), metrics,
                        [&](topology::NodeIndex node, const routing::NodeState& state) {
                            first.pool.note_state(node, state);
                            for (std::size_t i = 1; i < workers.size(); ++i) {
                                // Across threads only values travel, by post.
                                Worker* worker = workers[i].get();
                                worker->loop.post(
                                    [worker, node, state] { worker->pool.note_state(node, state); });
                            }
                        });
    prober.start(prober_gate);

    for (auto& worker : workers) {
        worker->loop.spawn(worker->server.run(worker->gate));
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

    base::log::info("gateway.started", {{"region", region.name},
                                        {"http_port", region.http.port},
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

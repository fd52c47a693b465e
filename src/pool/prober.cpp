#include "pool/prober.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace domicile::pool {
namespace {

using base::Code;
namespace limits = base::limits;

constexpr std::size_t history_max = 256;  // at four probes a second: one minute

// pg_walfile_name names the timeline a writer writes on; a reader knows it from its WAL receiver, or, when
// that is not running, from the control file (PostgreSQL docs, "Recovery Information Functions", "Control
// Data Functions").
constexpr std::string_view probe_sql =
    "SELECT pg_is_in_recovery(),"
    " CASE WHEN pg_is_in_recovery()"
    "      THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver),"
    "                    (SELECT greatest(timeline_id, (SELECT min_recovery_end_timeline FROM "
    "pg_control_recovery()))"
    "                       FROM pg_control_checkpoint()))"
    "      ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END,"
    " CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END,"
    " s.name, s.ranges, s.ledger, s.restrictions FROM domicile.shard s";

/// Takes the one row of the probe.
class ProbeSink final : public ReplySink {
  public:
    void row(std::uint32_t /*index*/, std::string_view data_row) override {
        wire::RowReader reader(data_row);
        const auto in_recovery = reader.next();
        const auto timeline = reader.next();
        const auto lsn = reader.next();
        const auto name = reader.next();
        const auto held = reader.next();
        const auto erased = reader.next();
        const auto restrictions = reader.next();
        const auto position = lsn ? routing::parse_lsn(*lsn) : std::nullopt;
        if (!reader.ok() || !in_recovery || !timeline || !position || !name || !held || !erased ||
            !restrictions) {
            return;
        }
        std::from_chars(timeline->data(), timeline->data() + timeline->size(), state.timeline);
        state.in_recovery = *in_recovery == "t";
        state.lsn = *position;
        state.up = true;
        shard = *name;
        ranges = *held;
        std::from_chars(erased->data(), erased->data() + erased->size(), ledger);
        state.restrictions = *restrictions != "0";
    }
    void complete(std::uint32_t /*index*/, std::uint64_t /*rows*/) override {}
    void error(std::uint32_t /*index*/, const wire::ServerError& error) override {
        sqlstate = error.sqlstate;
    }

    routing::NodeState state;
    std::string shard;
    std::string ranges;
    std::uint64_t ledger = 0;
    std::string sqlstate;
};

}  // namespace

Prober::Prober(net::Loop& loop, const topology::Topology& topology, const topology::MapInForce& maps,
               const LedgerHeads& ledger, topology::RegionIndex region, Credentials credentials,
               base::Metrics& metrics, Publish publish)
    : loop_(loop),
      topology_(topology),
      maps_(maps),
      ledger_(ledger),
      region_(region),
      credentials_(std::move(credentials)),
      passwords_(std::make_shared<SaltedPasswords>(credentials_.password)),
      publish_(std::move(publish)),
      histories_(topology.shards.size()) {
    const auto own = topology.at(region).jurisdiction;
    for (const auto& shard : topology.shards) {
        if (shard.jurisdiction != own) {
            continue;
        }
        for (const auto node : shard.nodes) {
            const base::Labels labels = {{"shard", shard.name}, {"node", topology.at(node).name}};
            watched_.emplace_back(
                Watched{node, std::make_unique<net::Timer>(loop),
                        metrics.gauge("domicile_node_up", "1 if the node answered the last probe", labels),
                        metrics.gauge("domicile_node_writer", "1 if the node is not in recovery", labels),
                        metrics.gauge("domicile_replica_lag_milliseconds",
                                      "Time a reader is behind its writer", labels),
                        metrics.gauge("domicile_replica_lag_bytes",
                                      "Write-ahead log a reader has not replayed", labels)});
        }
    }
}

void Prober::start(net::Gate& gate) {
    for (Watched& watched : watched_) {
        loop_.spawn(watch(watched, gate.enter()));
    }
}

void Prober::renew(std::string user, base::Secret<std::string> password) {
    credentials_.user = std::move(user);
    credentials_.password = std::move(password);
    passwords_ = std::make_shared<SaltedPasswords>(credentials_.password);
}

void Prober::stop() {
    stopped_ = true;
    for (Watched& watched : watched_) {
        watched.timer->cancel();
    }
}

Task<void> Prober::watch(Watched& watched, net::Gate::Pass /*pass*/) {
    const topology::Node& node = topology_.at(watched.node);
    bool was_up = false;
    bool reported = false;
    while (!stopped_) {
        Connection connection(loop_);
        Connection::Target target;
        // A name is resolved anew at each reconnect, so that a failover by DNS is followed.
        const auto address = topology_.reach(region_, watched.node);
        const auto found = co_await net::resolve(loop_, address.host, address.port);
        target.endpoint = found.value_or(net::Endpoint{});
        target.user = credentials_.user;
        target.database = credentials_.database;
        target.application = credentials_.application;
        target.options = credentials_.options;
        target.salted_password = [passwords = passwords_](std::string_view salt, int iterations) {
            return passwords->get(salt, iterations);
        };
        add_tls(target, credentials_, topology_, watched.node);
        base::Status alive = co_await connection.open(std::move(target), limits::probe_timeout);
        while (alive && !stopped_) {
            auto probed = co_await probe(connection, watched);
            if (!probed) {
                alive = std::unexpected(probed.error());
                break;
            }
            if (!was_up) {
                base::log::info("node.up", {{"node", node.name},
                                            {"role", probed->in_recovery ? "reader" : "writer"},
                                            {"timeline", probed->timeline}});
                was_up = true;
                reported = false;
            }
            publish_(watched.node, restricted(watched, *probed) ? routing::NodeState{} : *probed);
            co_await watched.timer->wait(limits::probe_interval);
        }
        if (stopped_) {
            break;
        }
        if (was_up || !reported) {
            base::log::warn("node.down", {{"node", node.name}, {"error", base::describe(alive.error())}});
            was_up = false;
            reported = true;
        }
        watched.up.set(0);
        watched.writer.set(0);
        publish_(watched.node, routing::NodeState{});
        co_await watched.timer->wait(limits::probe_interval);
    }
}

Task<base::Result<routing::NodeState>> Prober::probe(Connection& connection, Watched& watched) {
    const topology::Node& node = topology_.at(watched.node);
    ProbeSink sink;
    const auto asked = net::Clock::now().time_since_epoch() / std::chrono::microseconds{1};
    connection.begin();
    connection.add(statements_.intern(probe_sql), {});
    connection.sync();
    const auto ran = co_await connection.run(sink, limits::probe_timeout);
    if (!ran) {
        co_return std::unexpected(ran.error());
    }
    if (!sink.state.up) {
        co_return base::fail(Code::node_unavailable, "The node answered the probe with an error.", {},
                             "SQLSTATE " + sink.sqlstate);
    }
    const std::string& expected = topology_.at(node.shard).name;
    if (sink.shard != expected) {
        // Serving from it would hand one shard's people to another's sessions.
        co_return base::fail(Code::configuration,
                             "The node holds shard " + sink.shard + ", not " + expected + ".",
                             "Check the addresses in the topology.");
    }
    // The lease of the range map: good until the next probe, and only while the database agrees with it.
    if (sink.ranges != maps_.now().text_of(node.shard)) {
        co_return base::fail(Code::configuration,
                             "The node holds other ranges than the range map of this gateway.",
                             "One of them is older: `domicile up` brings both to the topology.");
    }
    sink.state.asked_us = asked;
    watched.ledger = sink.ledger;
    measure_lag(node.shard, sink.state, watched);
    watched.up.set(1);
    watched.writer.set(sink.state.in_recovery ? 0 : 1);
    co_return sink.state;
}

/// Whether it shows people whom the ledger says are erased.
bool Prober::restricted(Watched& watched, const routing::NodeState& state) {
    const topology::Node& node = topology_.at(watched.node);
    const bool behind = watched.ledger < ledger_.of(node.shard);
    // A reader is behind for a moment after each erasure, and is not asked then.
    if (behind != std::exchange(watched.restricted, behind) && !state.in_recovery) {
        if (behind) {
            base::log::error("node.restricted", {{"node", node.name}, {"ledger", watched.ledger}});
        } else {
            base::log::info("node.unrestricted", {{"node", node.name}, {"ledger", watched.ledger}});
        }
    }
    if (behind) {
        watched.up.set(0);
    }
    return behind;
}

void Prober::measure_lag(topology::ShardIndex shard, routing::NodeState& state, const Watched& watched) {
    auto& positions = histories_[shard.value].writer_positions;
    const auto now = net::Clock::now();
    if (!state.in_recovery) {
        if (!positions.empty() && state.lsn < positions.back().second) {
            positions.clear();  // another writer took over at an earlier position
        }
        if (positions.empty() || positions.back().second != state.lsn) {
            positions.emplace_back(now, state.lsn);
        }
        if (positions.size() > history_max) {
            positions.pop_front();
        }
        return;
    }
    // By our own clock alone: the time since the writer was first seen beyond what this reader has replayed.
    const auto ahead =
        std::ranges::find_if(positions, [&](const auto& seen) { return seen.second > state.lsn; });
    if (ahead != positions.end()) {
        state.lag_ms = (now - ahead->first) / std::chrono::milliseconds{1};
        watched.lag_bytes.set(static_cast<std::int64_t>(positions.back().second - state.lsn));
    } else {
        watched.lag_bytes.set(0);
    }
    watched.lag_ms.set(state.lag_ms);
}

}  // namespace domicile::pool

#include "pool/pool.hpp"

#include "base/assert.hpp"
#include "base/log.hpp"
#include "crypto/scram.hpp"

#include <algorithm>
#include <tuple>

namespace domicile::pool {
namespace {

using base::Code;
namespace limits = base::limits;

/// Nodes are given by address; names are resolved once, at start.
net::Endpoint endpoint_of(const topology::Address& address) {
    const auto found = net::resolve(address.host, address.port);
    if (!found) {
        base::log::error("pool.resolve", {{"host", address.host}, {"error", found.error().text}});
        return {};
    }
    return *found;
}

/// Takes one position.
class PositionSink final : public ReplySink {
  public:
    void row(std::uint32_t /*index*/, std::string_view data_row) override {
        wire::RowReader reader(data_row);
        const auto text = reader.next();
        lsn = text ? routing::parse_lsn(*text) : std::nullopt;
    }
    void complete(std::uint32_t /*index*/, std::uint64_t /*rows*/) override {}
    void error(std::uint32_t /*index*/, const wire::ServerError& /*error*/) override {}

    std::optional<std::uint64_t> lsn;
};

}  // namespace

void add_tls(Connection::Target& target, const Credentials& credentials, const topology::Topology& topology,
             topology::NodeIndex index) {
    const topology::Node& node = topology.at(index);
    if (topology.tls(node)) {
        target.must_tls = true;
        target.tls = credentials.tls;
        target.tls_host = node.address.host;
    }
}

crypto::Digest SaltedPasswords::get(std::string_view salt, int iterations) {
    auto key = std::pair{std::string(salt), iterations};
    const auto found = cache_.find(key);
    if (found != cache_.end()) {
        return found->second;
    }
    if (cache_.size() >= 64) {
        cache_.clear();  // a node that invents salts must not grow our memory
    }
    const auto digest = crypto::scram_salted_password(password_.reveal(), salt, iterations);
    cache_.emplace(std::move(key), digest);
    return digest;
}

PoolMetrics::PoolMetrics(base::Metrics& metrics)
    : connects(metrics.counter("domicile_pool_connects", "Connections opened to nodes")),
      connect_failures(
          metrics.counter("domicile_pool_connect_failures", "Connections to nodes that failed to open")),
      discarded(
          metrics.counter("domicile_pool_discarded", "Node connections closed instead of being reused")),
      waits(metrics.counter("domicile_pool_waits", "Requests that waited for a node connection")),
      rejected(metrics.counter("domicile_pool_rejected", "Requests refused because too many were waiting")),
      reads_on_reader(
          metrics.counter("domicile_pool_leases", "Connections handed out", {{"node", "reader"}})),
      reads_on_writer(
          metrics.counter("domicile_pool_leases", "Connections handed out", {{"node", "writer"}})),
      open(metrics.gauge("domicile_pool_open_connections", "Open node connections")),
      busy(metrics.gauge("domicile_pool_busy_connections", "Node connections in use")) {}

struct Pool::Waiter {
    explicit Waiter(net::Loop& loop) : timer(loop) {}
    net::Timer timer;
    bool granted = false;
    std::unique_ptr<Connection> connection;  // handed over: nobody can be quicker
};

Pool::Pool(net::Loop& loop, const topology::Topology& topology, topology::RegionIndex region,
           Credentials credentials, PoolMetrics& metrics)
    : loop_(loop),
      topology_(topology),
      own_(topology.at(region).jurisdiction),
      region_(region),
      credentials_(std::move(credentials)),
      passwords_(std::make_shared<SaltedPasswords>(credentials_.password)),
      metrics_(metrics) {
    for (std::uint16_t i = 0; i < topology.shards.size(); ++i) {
        const auto& shard = topology.shards[i];
        if (shard.jurisdiction != own_) {
            continue;
        }
        ShardNodes& entry = shards_[i];
        for (const auto node : shard.nodes) {
            DOMICILE_ASSERT(topology.jurisdiction_of(node) == own_);
            NodePool nodes;
            nodes.node = node;
            nodes.endpoint = endpoint_of(topology.reach(region_, node));
            entry.pools.push_back(std::move(nodes));
            routing::NodeState state;
            state.local = topology.at(node).region == region_;
            entry.states.push_back(state);
        }
    }
}

Pool::~Pool() {
    stop();
}

void Pool::renew(std::string user, base::Secret<std::string> password) {
    credentials_.user = std::move(user);
    credentials_.password = std::move(password);
    passwords_ = std::make_shared<SaltedPasswords>(credentials_.password);
}

void Pool::stop() {
    stopped_ = true;
    for (auto& [index, shard] : shards_) {
        for (NodePool& nodes : shard.pools) {
            metrics_.open.add(-static_cast<std::int64_t>(nodes.idle.size()));
            nodes.open -= nodes.idle.size();
            nodes.idle.clear();
            for (Waiter* waiter : nodes.waiters) {
                waiter->timer.cancel();
            }
        }
    }
}

void Pool::note_state(topology::NodeIndex node, const routing::NodeState& state) {
    const auto found = shards_.find(topology_.at(node).shard.value);
    if (found == shards_.end()) {
        return;
    }
    ShardNodes& shard = found->second;
    for (std::size_t i = 0; i < shard.pools.size(); ++i) {
        if (shard.pools[i].node != node) {
            continue;
        }
        routing::NodeState& known = shard.states[i];
        const bool changed_role = known.up && state.up && known.in_recovery != state.in_recovery;
        if ((known.up && !state.up) || changed_role || (state.up && state.lsn < known.lsn)) {
            // What was connected before may hang on a dead or replaced server.
            NodePool& nodes = shard.pools[i];
            ++nodes.generation;
            metrics_.open.add(-static_cast<std::int64_t>(nodes.idle.size()));
            nodes.open -= nodes.idle.size();
            nodes.idle.clear();
        }
        const bool local = known.local;
        known = state;
        known.local = local;
        if (const auto writer = routing::choose_writer(shard.states)) {
            const routing::NodeState& seen = shard.states[*writer];
            shard.floor = shard.timeline == 0 ? seen.lsn : shard.floor;
            shard.timeline = seen.timeline;
            shard.written = seen.lsn;
            shard.asked_us = seen.asked_us;
        }
        return;
    }
}

std::span<const routing::NodeState> Pool::states(topology::ShardIndex shard) const {
    const auto found = shards_.find(shard.value);
    return found == shards_.end() ? std::span<const routing::NodeState>{} : found->second.states;
}

routing::Position Pool::freshness(topology::ShardIndex shard, std::uint64_t lsn) const {
    const ShardNodes& nodes = shards_.at(shard.value);
    if (nodes.timeline == 0) {
        return {0, ~std::uint64_t{0}};
    }
    return {nodes.timeline, std::max(lsn, nodes.floor)};
}

std::uint64_t Pool::beyond(topology::ShardIndex shard) const {
    // No statement lives long enough to write so much; and a position that is reached some day frees its
    // slot.
    constexpr std::uint64_t gibibyte = 1ULL << 30U;
    return shards_.at(shard.value).written + gibibyte;
}

std::optional<std::uint64_t> Pool::written_after(topology::ShardIndex shard, std::int64_t time_us) const {
    const ShardNodes& nodes = shards_.at(shard.value);
    return nodes.asked_us > time_us ? std::optional(nodes.written) : std::nullopt;
}

bool Pool::has_writer(topology::ShardIndex shard) const {
    const auto found = shards_.find(shard.value);
    return found != shards_.end() && routing::choose_writer(found->second.states).has_value();
}

Task<base::Result<Pool::Lease>> Pool::acquire(const routing::Plan& plan,
                                              std::optional<routing::Position> required) {
    const auto found = shards_.find(plan.shard().value);
    // The pair assertion to `admit`: a plan for another jurisdiction cannot come here.
    DOMICILE_ASSERT(plan.jurisdiction() == own_ && found != shards_.end());
    ShardNodes& shard = found->second;
    const auto choose = [&] {
        return routing::choose_node(shard.states, plan.access(), required,
                                    limits::reader_lag_max / std::chrono::milliseconds{1}, turn_++);
    };
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto chosen = choose();
        if (!chosen && plan.access() == routing::Access::reader) {
            // The writer is gone and no reader is known to be fresh enough yet: the next probe may know
            // better.
            net::Timer timer(loop_);
            const auto deadline = net::Clock::now() + limits::fresh_reader_wait;
            while (!chosen && net::Clock::now() < deadline && !stopped_) {
                co_await timer.wait(limits::probe_interval / 5);
                chosen = choose();
            }
        }
        if (!chosen) {
            co_return base::fail(Code::node_unavailable, "The shard has no writer at present.",
                                 "Try again soon.");
        }
        NodePool& nodes = shard.pools[*chosen];
        const auto jurisdiction = topology_.jurisdiction_of(nodes.node);
        DOMICILE_ASSERT(jurisdiction == plan.jurisdiction());
        const bool from_reader = shard.states[*chosen].in_recovery;
        auto leased = co_await lease(nodes, shard.states[*chosen]);
        if (leased && from_reader && required && shard.states[*chosen].lsn < required->lsn) {
            continue;  // the reader has started anew and is behind what the prober saw
        }
        if (leased) {
            (from_reader ? metrics_.reads_on_reader : metrics_.reads_on_writer).add();
            co_return leased;
        }
        if (leased.error().code != Code::node_unavailable && leased.error().code != Code::node_timeout) {
            co_return leased;
        }
        // Do not choose it again before the prober has seen it alive.
        shard.states[*chosen].up = false;
        if (plan.access() == routing::Access::writer) {
            co_return leased;
        }
    }
    co_return base::fail(Code::node_unavailable, "No node of the shard can be reached.", "Try again soon.");
}

Task<base::Result<std::unique_ptr<Connection>>> Pool::wait_turn(NodePool& nodes) {
    if (nodes.waiters.size() >= limits::waiters_per_node_max) {
        metrics_.rejected.add();
        co_return base::fail(Code::overloaded, "Too many requests wait for this shard.", "Try again later.");
    }
    metrics_.waits.add();
    Waiter waiter(loop_);
    nodes.waiters.push_back(&waiter);
    co_await waiter.timer.wait(limits::statement_timeout);
    // Judged by our own flag, not by the timer's word: a grant may race an expiry.
    if (!waiter.granted) {
        std::erase(nodes.waiters, &waiter);
        metrics_.rejected.add();
        co_return base::fail(Code::overloaded, "No connection to the shard came free in time.",
                             "Try again later.");
    }
    co_return std::move(waiter.connection);
}

Task<base::Result<Pool::Lease>> Pool::lease(NodePool& nodes, routing::NodeState& state) {
    const bool from_reader = state.in_recovery;
    for (;;) {
        if (stopped_) {
            co_return base::fail(Code::node_unavailable, "The gateway is stopping.");
        }
        if (!nodes.idle.empty()) {
            auto connection = std::move(nodes.idle.back());
            nodes.idle.pop_back();
            if (!connection->still_alive()) {
                metrics_.discarded.add();
                metrics_.open.add(-1);
                --nodes.open;
                continue;
            }
            metrics_.busy.add(1);
            co_return Lease(*this, nodes, std::move(connection), from_reader);
        }
        if (nodes.open < topology_.limits.node_connections_max) {
            break;
        }
        auto waited = co_await wait_turn(nodes);
        if (!waited) {
            co_return std::unexpected(waited.error());
        }
        if (*waited != nullptr) {
            metrics_.busy.add(1);
            co_return Lease(*this, nodes, std::move(*waited), from_reader);
        }
    }
    ++nodes.open;
    metrics_.open.add(1);
    metrics_.busy.add(1);
    const auto generation = nodes.generation;
    auto connection = std::make_unique<Connection>(loop_);
    Connection::Target target;
    target.endpoint = nodes.endpoint;
    target.user = credentials_.user;
    target.database = credentials_.database;
    target.application = credentials_.application;
    target.options = credentials_.options;
    target.salted_password = [passwords = passwords_](std::string_view salt, int iterations) {
        return passwords->get(salt, iterations);
    };
    target.on_parameter = on_parameter_;
    add_tls(target, credentials_, topology_, nodes.node);
    const auto opened = co_await connection->open(std::move(target), limits::connect_timeout);
    if (!opened) {
        metrics_.connect_failures.add();
        give_back(nodes, std::move(connection), generation);
        co_return std::unexpected(opened.error());
    }
    metrics_.connects.add();
    if (from_reader) {
        // A reader that crashed comes back at an earlier position than the prober last saw. Connections from
        // before are dead, so it is enough to look when one is opened.
        PositionSink sink;
        connection->begin();
        connection->add(statements_.intern("SELECT pg_last_wal_replay_lsn()"), {});
        connection->sync();
        const auto looked = co_await connection->run(sink, limits::connect_timeout);
        if (!looked || !sink.lsn) {
            give_back(nodes, std::move(connection), generation);
            co_return base::fail(Code::node_unavailable, "The reader does not tell its position.");
        }
        state.lsn = *sink.lsn;
    }
    co_return Lease(*this, nodes, std::move(connection), from_reader);
}

void Pool::give_back(NodePool& nodes, std::unique_ptr<Connection> connection,
                     std::uint64_t generation) noexcept {
    metrics_.busy.add(-1);
    const bool good = connection->reusable() && generation == nodes.generation && !stopped_;
    if (!good) {
        metrics_.discarded.add();
        metrics_.open.add(-1);
        --nodes.open;
        connection.reset();
    }
    if (!nodes.waiters.empty()) {
        Waiter* waiter = nodes.waiters.front();
        nodes.waiters.pop_front();
        waiter->granted = true;
        waiter->connection = std::move(connection);
        waiter->timer.cancel();
    } else if (connection != nullptr) {
        nodes.idle.push_back(std::move(connection));
    }
}

std::optional<Pool::Lease> Pool::try_acquire(const routing::Plan& plan,
                                             const std::optional<routing::Position>& required) {
    const auto found = shards_.find(plan.shard().value);
    DOMICILE_ASSERT(plan.jurisdiction() == own_ && found != shards_.end());
    ShardNodes& shard = found->second;
    const auto chosen = routing::choose_node(shard.states, plan.access(), required,
                                             limits::reader_lag_max / std::chrono::milliseconds{1}, turn_++);
    if (!chosen || stopped_) {
        return std::nullopt;
    }
    NodePool& nodes = shard.pools[*chosen];
    DOMICILE_ASSERT(topology_.jurisdiction_of(nodes.node) == plan.jurisdiction());
    if (nodes.idle.empty() || !nodes.waiters.empty() || !nodes.idle.back()->still_alive()) {
        return std::nullopt;
    }
    auto connection = std::move(nodes.idle.back());
    nodes.idle.pop_back();
    metrics_.busy.add(1);
    const bool from_reader = shard.states[*chosen].in_recovery;
    (from_reader ? metrics_.reads_on_reader : metrics_.reads_on_writer).add();
    return Lease(*this, nodes, std::move(connection), from_reader);
}

std::vector<Pool::NodeView> Pool::nodes() const {
    std::vector<NodeView> views;
    for (const auto& [index, shard] : shards_) {
        for (std::size_t i = 0; i < shard.pools.size(); ++i) {
            const NodePool& nodes = shard.pools[i];
            views.push_back(
                {nodes.node, shard.states[i], nodes.open, nodes.idle.size(), nodes.waiters.size()});
        }
    }
    std::ranges::sort(views, {}, [](const NodeView& view) { return view.node.value; });
    return views;
}

}  // namespace domicile::pool

#pragma once
// The only way to a database: connections to the nodes of the gateway's own jurisdiction, given against a
// Plan. Nodes of other jurisdictions are not even known here. One Pool per thread; only note_state() values
// cross threads, by post.

#include "base/error.hpp"
#include "base/metrics.hpp"
#include "base/secret.hpp"
#include "net/stream.hpp"
#include "pool/connection.hpp"
#include "routing/node_choice.hpp"
#include "routing/plan.hpp"
#include "topology/topology.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct ssl_ctx_st;

namespace domicile::pool {

/// How this gateway logs in to the nodes of its jurisdiction.
struct Credentials {
    std::string database;
    std::string user;
    base::Secret<std::string> password;
    std::string application;
    std::string options;        ///< "-c name=value …" for each session
    ssl_ctx_st* tls = nullptr;  ///< for the nodes that the topology wants reached by TLS; outlives the pool
};

/// Lets the connection speak TLS where the topology says so. configuration is missing if no context is there:
/// then the connection fails, it never goes on in clear.
void add_tls(Connection::Target& target, const Credentials& credentials, const topology::Topology& topology,
             topology::NodeIndex node);

/// Hi(password, salt, iterations), kept per salt: it costs milliseconds, a reconnect should not. One thread.
/// Whoever logs in keeps the one it began with: user and password change together.
class SaltedPasswords {
  public:
    explicit SaltedPasswords(base::Secret<std::string> password) : password_(std::move(password)) {}
    [[nodiscard]] crypto::Digest get(std::string_view salt, int iterations);

  private:
    base::Secret<std::string> password_;
    std::map<std::pair<std::string, int>, crypto::Digest> cache_;
};

struct PoolMetrics {
    explicit PoolMetrics(base::Metrics& metrics);
    base::Counter& connects;
    base::Counter& connect_failures;
    base::Counter& discarded;
    base::Counter& waits;
    base::Counter& rejected;
    base::Counter& reads_on_reader;
    base::Counter& reads_on_writer;
    base::Gauge& open;
    base::Gauge& busy;
};

class Pool {
  public:
    class Lease;

    /// `region` is the gateway's. References outlive the pool.
    Pool(net::Loop& loop, const topology::Topology& topology, topology::RegionIndex region,
         Credentials credentials, PoolMetrics& metrics);
    ~Pool();

    /// A connection to the node the plan and the freshness ask for. Errors: node_unavailable (no writer
    /// known, connect failed), node_timeout, overloaded (too many wait), configuration. Asserts that the
    /// node's jurisdiction is the plan's and the gateway's.
    Task<base::Result<Lease>> acquire(const routing::Plan& plan,
                                      std::optional<routing::Position> required = std::nullopt);

    /// The same without waiting: nothing if a connection would have to be opened or waited for, or if no node
    /// is known to serve.
    [[nodiscard]] std::optional<Lease> try_acquire(const routing::Plan& plan,
                                                   const std::optional<routing::Position>& required);

    /// What is open, for SHOW domicile.pools.
    struct NodeView {
        topology::NodeIndex node;
        routing::NodeState state;
        std::size_t open = 0;
        std::size_t idle = 0;
        std::size_t waiting = 0;
    };
    [[nodiscard]] std::vector<NodeView> nodes() const;

    /// The prober's news. An unknown or foreign node is ignored.
    void note_state(topology::NodeIndex node, const routing::NodeState& state);
    /// What is known of a shard's nodes, in the order of Shard::nodes. Valid until the next await.
    [[nodiscard]] std::span<const routing::NodeState> states(topology::ShardIndex shard) const;
    [[nodiscard]] bool has_writer(topology::ShardIndex shard) const;
    /// What a reader must have replayed to show a write at or before `lsn`, and everything written before
    /// this gateway first saw the shard's writer (it may have carried those writes in an earlier life). Also
    /// while no writer is known: its last timeline counts. Before any writer was seen, no reader is fresh
    /// enough.
    [[nodiscard]] routing::Position freshness(topology::ShardIndex shard, std::uint64_t lsn) const;
    /// A position surely beyond any write that is on its way now: what to remember when an answer was lost.
    [[nodiscard]] std::uint64_t beyond(topology::ShardIndex shard) const;
    /// Where the writer stood when it was asked after `time_us` (NodeState::asked_us): at or beyond
    /// everything committed before. Nothing if it was not asked since.
    [[nodiscard]] std::optional<std::uint64_t> written_after(topology::ShardIndex shard,
                                                             std::int64_t time_us) const;
    /// Told each ParameterStatus a node sends when a connection is opened.
    void on_parameter(std::function<void(std::string_view name, std::string_view value)> heard) {
        on_parameter_ = std::move(heard);
    }
    /// The login of connections opened from now on; those that are open stay (PostgreSQL asks only once).
    void renew(std::string user, base::Secret<std::string> password);
    /// Closes idle connections; those on lease close when they come back.
    void stop();

    [[nodiscard]] Statements& statements() noexcept { return statements_; }

  private:
    struct Waiter;
    struct NodePool {
        topology::NodeIndex node;
        net::Endpoint endpoint;
        std::vector<std::unique_ptr<Connection>> idle;
        std::size_t open = 0;
        std::deque<Waiter*> waiters;
        std::uint64_t generation = 0;  // grows when the node was seen down: older connections are not reused
    };
    struct ShardNodes {
        std::vector<routing::NodeState> states;
        std::uint32_t timeline = 0;  // of the last writer seen
        std::uint64_t floor = 0;     // where the first writer seen stood
        std::uint64_t written = 0;   // where the last writer was seen
        std::int64_t asked_us = 0;   // and when it was asked
        std::deque<NodePool> pools;  // a deque: leases hold references
    };

    void give_back(NodePool& nodes, std::unique_ptr<Connection> connection,
                   std::uint64_t generation) noexcept;
    Task<base::Result<std::unique_ptr<Connection>>> wait_turn(NodePool& nodes);
    Task<base::Result<Lease>> lease(NodePool& nodes, routing::NodeState& state);

    net::Loop& loop_;
    const topology::Topology& topology_;
    topology::JurisdictionIndex own_;
    topology::RegionIndex region_;
    Credentials credentials_;
    std::shared_ptr<SaltedPasswords> passwords_;
    PoolMetrics& metrics_;
    Statements statements_;
    std::unordered_map<std::uint16_t, ShardNodes> shards_;  // own jurisdiction only
    std::function<void(std::string_view, std::string_view)> on_parameter_;
    std::uint64_t turn_ = 0;
    bool stopped_ = false;
};

/// A connection for one exchange. Goes back to the pool when destroyed, if it stands idle and in step; is
/// closed otherwise. Destroyed before the pool.
class Pool::Lease {
  public:
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          nodes_(other.nodes_),
          connection_(std::move(other.connection_)),
          generation_(other.generation_),
          from_reader_(other.from_reader_) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
        if (pool_ != nullptr) {
            pool_->give_back(*nodes_, std::move(connection_), generation_);
        }
    }

    [[nodiscard]] Connection& operator*() const noexcept { return *connection_; }
    [[nodiscard]] Connection* operator->() const noexcept { return connection_.get(); }
    [[nodiscard]] bool from_reader() const noexcept { return from_reader_; }
    [[nodiscard]] topology::NodeIndex node() const noexcept { return nodes_->node; }

  private:
    friend class Pool;
    Lease(Pool& pool, NodePool& nodes, std::unique_ptr<Connection> connection, bool from_reader)
        : pool_(&pool),
          nodes_(&nodes),
          connection_(std::move(connection)),
          generation_(nodes.generation),
          from_reader_(from_reader) {}

    Pool* pool_;
    NodePool* nodes_;
    std::unique_ptr<Connection> connection_;
    std::uint64_t generation_;
    bool from_reader_;
};

}  // namespace domicile::pool

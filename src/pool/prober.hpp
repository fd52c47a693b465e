#pragma once
// Asks every node of the gateway's jurisdiction, four times a second, who it is and how far it is: writer or
// reader, timeline, write-ahead position, and whether its ranges are those of the gateway's map: each good
// answer renews the lease of that map for the shard, and without one nothing is served from it. A hung node
// is noticed by the probe's own deadline. Runs on one thread; hands values to `publish`, which carries them
// to all threads.

#include "net/gate.hpp"
#include "net/stream.hpp"
#include "pool/ledger_heads.hpp"
#include "pool/pool.hpp"
#include "topology/range_map.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace domicile::pool {

class Prober {
  public:
    using Publish = std::function<void(topology::NodeIndex, const routing::NodeState&)>;

    /// `credentials` of a role with pg_monitor. References outlive the prober.
    Prober(net::Loop& loop, const topology::Topology& topology, const topology::MapInForce& maps,
           const LedgerHeads& ledger, topology::RegionIndex region, Credentials credentials,
           base::Metrics& metrics, Publish publish);

    /// Spawns one coroutine per node of the own jurisdiction.
    void start(net::Gate& gate);
    void stop();
    /// The login of connections opened from now on.
    void renew(std::string user, base::Secret<std::string> password);

  private:
    struct Watched {
        topology::NodeIndex node;
        std::unique_ptr<net::Timer> timer;
        base::Gauge& up;
        base::Gauge& writer;
        base::Gauge& lag_ms;
        base::Gauge& lag_bytes;
        std::uint64_t ledger = 0;  // erasures that it has
        bool restricted = false;
    };
    struct History {
        std::deque<std::pair<net::Clock::time_point, std::uint64_t>> writer_positions;
    };

    Task<void> watch(Watched& watched, net::Gate::Pass pass);
    Task<base::Result<routing::NodeState>> probe(Connection& connection, Watched& watched);
    bool restricted(Watched& watched, const routing::NodeState& state);
    void measure_lag(topology::ShardIndex shard, routing::NodeState& state, const Watched& watched);

    net::Loop& loop_;
    const topology::Topology& topology_;
    const topology::MapInForce& maps_;
    const LedgerHeads& ledger_;
    topology::RegionIndex region_;
    Credentials credentials_;
    std::shared_ptr<SaltedPasswords> passwords_;
    Publish publish_;
    Statements statements_;
    std::deque<Watched> watched_;
    std::vector<History> histories_;  // by shard
    bool stopped_ = false;
};

}  // namespace domicile::pool

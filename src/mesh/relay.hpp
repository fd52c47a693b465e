#pragma once
// One region's end of the mesh. Inward it listens on the loopback address, one port for each node of the
// jurisdiction that stands elsewhere; outward it listens for other regions, over mutual TLS, and carries
// their connections to the nodes that stand here. It never looks into what it carries.

#include "mesh/identity.hpp"
#include "mesh/routes.hpp"
#include "net/gate.hpp"
#include "net/stream.hpp"
#include "topology/range_map.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace domicile::mesh {

using net::Task;

/// What is known of another region.
struct Peer {
    RegionIndex region;
    bool reachable = false;
    bool same_map = false;  ///< it holds the same range map
    std::int64_t round_trip_us = 0;
};

class Relay {
  public:
    /// References outlive it. REQUIRES: the identity was renewed once.
    Relay(net::Loop& loop, const topology::Topology& topology, RegionIndex region, const Identity& identity);

    /// configuration if an address is taken.
    base::Status listen();
    /// Accepts until stop().
    void start(net::Gate& gate);
    void stop();

    [[nodiscard]] const std::vector<Peer>& peers() const noexcept { return peers_; }
    [[nodiscard]] std::uint64_t carried() const noexcept { return carried_; }
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

  private:
    struct Link;

    Task<void> accept_inward(net::Listener& listener, NodeIndex node, net::Gate& gate, net::Gate::Pass pass);
    Task<void> accept_outward(net::Gate& gate, net::Gate::Pass pass);
    Task<void> carry_out(int socket, NodeIndex node, net::Gate& gate, net::Gate::Pass pass);
    Task<void> carry_in(int socket, net::Gate& gate, net::Gate::Pass pass);
    Task<void> gossip(Peer& peer, net::Timer& timer, net::Gate::Pass pass);
    /// Connects to another region, and shows who we are; true if it is who it should be.
    Task<bool> reach(net::Stream& stream, RegionIndex region);
    /// Bytes from one end to the other until one closes; then both are closed.
    static Task<void> pump(std::shared_ptr<Link> link, net::Stream& from, net::Stream& to,
                           net::Gate::Pass pass);

    net::Loop& loop_;
    const topology::Topology& topology_;
    RegionIndex region_;
    const Identity& identity_;
    std::string map_line_;
    net::Listener outward_;
    std::deque<std::pair<NodeIndex, net::Listener>> inward_;
    std::vector<Peer> peers_;
    std::deque<net::Timer> timers_;
    bool stopped_ = false;
    std::uint64_t carried_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace domicile::mesh

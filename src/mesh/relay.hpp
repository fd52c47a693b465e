#pragma once
// One region's end of the mesh. Inward it listens on the loopback address, one port for each node of the
// jurisdiction that stands elsewhere; outward it listens for other regions, over mutual TLS, and carries
// their connections to the nodes that stand here. It never looks into what it carries.

#include "mesh/identity.hpp"
#include "mesh/known_map.hpp"
#include "mesh/routes.hpp"
#include "net/gate.hpp"
#include "net/stream.hpp"

#include <cstdint>
#include <deque>
#include <functional>
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
    std::string view = {};  ///< what it says of itself, as it came; empty: nothing
};

/// What a relay needs of the machine it stands on. All are called on the relay's thread, and are quick.
struct Surroundings {
    std::function<void(const KnownMap&)> learned;  ///< another region has a newer map
    std::function<std::string()> view;             ///< what this region says of itself; may be empty
    std::function<void(const std::vector<Peer>&)> looked = {};  ///< a peer was asked
};

class Relay {
  public:
    /// References outlive it. REQUIRES: the identity was renewed once.
    /// `known`: the map this region begins with.
    Relay(net::Loop& loop, const topology::Topology& topology, RegionIndex region, const Identity& identity,
          KnownMap known, Surroundings surroundings);

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
    /// Answers maps and views until the asker goes.
    Task<void> answer(std::shared_ptr<Link> link, RegionIndex from, Ask ask);
    void hear(Peer& peer, std::string_view map);
    Task<void> gossip(Peer& peer, net::Timer& timer, net::Gate::Pass pass);
    [[nodiscard]] Ask ask_for(NodeIndex node) const;
    /// Connects to another region, and shows who we are; true if it is who it should be.
    Task<bool> reach(net::Stream& stream, RegionIndex region);
    /// Bytes from one end to the other until one closes; then both are closed.
    static Task<void> pump(std::shared_ptr<Link> link, net::Stream& from, net::Stream& to,
                           net::Gate::Pass pass);

    net::Loop& loop_;
    const topology::Topology& topology_;
    RegionIndex region_;
    const Identity& identity_;
    KnownMap known_;
    Surroundings surroundings_;
    net::Listener outward_;
    std::deque<std::pair<NodeIndex, net::Listener>> inward_;
    std::vector<Peer> peers_;
    std::deque<net::Timer> timers_;
    bool stopped_ = false;
    std::uint64_t carried_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace domicile::mesh

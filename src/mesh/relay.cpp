#include "mesh/relay.hpp"

#include "base/log.hpp"

#include <charconv>
#include <unistd.h>

namespace domicile::mesh {
namespace {

using net::Stream;
using namespace std::chrono_literals;

constexpr std::size_t read_bytes = 32U << 10U;
constexpr auto handshake_time = 5s;
// A link that says nothing back for so long is cut: whoever waits on it learns that it is gone.
constexpr auto silence_max = 10s;
constexpr auto gossip_interval = 2s;
constexpr std::size_t links_max = 4'096;

/// One line, without its end; empty if none comes in time.
Task<std::string> read_line(Stream& stream, base::Buffer& in) {
    for (;;) {
        const std::string_view seen = in.view();
        if (const auto end = seen.find('\n'); end != std::string_view::npos) {
            std::string line(seen.substr(0, end));
            in.consume(end + 1);
            co_return line;
        }
        if (seen.size() > line_bytes_max || co_await stream.read_some(in, line_bytes_max)) {
            co_return std::string();
        }
    }
}

constexpr std::size_t view_bytes_max = 2U << 20U;

/// "OK <bytes>" and so many bytes; empty if they do not come.
Task<std::string> read_text(Stream& stream, base::Buffer& in, std::size_t bytes_max) {
    const std::string line = co_await read_line(stream, in);
    std::size_t bytes = 0;
    if (!line.starts_with("OK ") ||
        std::from_chars(line.data() + 3, line.data() + line.size(), bytes).ptr != line.data() + line.size() ||
        bytes > bytes_max) {
        co_return std::string();
    }
    while (in.view().size() < bytes) {
        if (co_await stream.read_some(in, bytes - in.view().size())) {
            co_return std::string();
        }
    }
    std::string text(in.view().substr(0, bytes));
    in.consume(bytes);
    co_return text;
}

}  // namespace

struct Relay::Link {
    explicit Link(net::Loop& loop, int socket = -1) : near(loop, socket), far(loop) {}
    Stream near;
    Stream far;
    base::Buffer first;  // what came behind the line
};

Relay::Relay(net::Loop& loop, const topology::Topology& topology, RegionIndex region,
             const Identity& identity, KnownMap known, Surroundings surroundings)
    : loop_(loop),
      topology_(topology),
      region_(region),
      identity_(identity),
      known_(std::move(known)),
      surroundings_(std::move(surroundings)),
      outward_(loop) {
    for (std::uint16_t i = 0; i < topology.regions.size(); ++i) {
        if (may_flow(topology, region, RegionIndex(i), Flow::map)) {
            peers_.push_back({.region = RegionIndex(i)});
        }
    }
}

base::Status Relay::listen() {
    const auto& own = topology_.at(region_).mesh;
    if (auto listening = outward_.listen(own.host, own.port, false); !listening) {
        return listening;
    }
    for (std::uint16_t i = 0; i < topology_.nodes.size(); ++i) {
        const topology::Node& node = topology_.nodes[i];
        if (!may_answer(topology_, region_, node.region, ask_for(NodeIndex(i)))) {
            continue;
        }
        const auto address = topology_.reach(region_, NodeIndex(i));
        inward_.emplace_back(std::piecewise_construct, std::forward_as_tuple(NodeIndex(i)),
                             std::forward_as_tuple(loop_));
        if (auto listening = inward_.back().second.listen(address.host, address.port, false); !listening) {
            return listening;
        }
    }
    return {};
}

void Relay::start(net::Gate& gate) {
    loop_.spawn(accept_outward(gate, gate.enter()));
    for (auto& [node, listener] : inward_) {
        loop_.spawn(accept_inward(listener, node, gate, gate.enter()));
    }
    for (Peer& peer : peers_) {
        timers_.emplace_back(loop_);
        loop_.spawn(gossip(peer, timers_.back(), gate.enter()));
    }
}

void Relay::stop() {
    stopped_ = true;
    outward_.close();
    for (auto& [node, listener] : inward_) {
        listener.close();
    }
    for (auto& timer : timers_) {
        timer.cancel();
    }
}

Task<void> Relay::accept_inward(net::Listener& listener, NodeIndex node, net::Gate& gate,
                                net::Gate::Pass /*pass*/) {
    co_await listener.run([&](int socket) {
        if (stopped_ || gate.count() > links_max) {
            ::close(socket);
            return;
        }
        loop_.spawn(carry_out(socket, node, gate, gate.enter()));
    });
}

Task<void> Relay::accept_outward(net::Gate& gate, net::Gate::Pass /*pass*/) {
    co_await outward_.run([&](int socket) {
        if (stopped_ || gate.count() > links_max) {
            ::close(socket);
            return;
        }
        loop_.spawn(carry_in(socket, gate, gate.enter()));
    });
}

Ask Relay::ask_for(NodeIndex node) const {
    return topology_.central && topology_.central->node == node ? Ask{Flow::central, std::nullopt}
                                                                : Ask{Flow::node, node};
}

Task<bool> Relay::reach(Stream& stream, RegionIndex region) {
    const auto& address = topology_.at(region).mesh;
    const auto endpoint = co_await net::resolve(loop_, address.host, address.port);
    if (!endpoint || co_await stream.connect(*endpoint)) {
        co_return false;
    }
    stream.cut_after(silence_max);
    const Contexts contexts = identity_.contexts();
    if (co_await stream.connect_tls(contexts.client.get(), certificate_name(topology_, region))) {
        co_return false;
    }
    co_return identity_.recognise(stream.peer_certificate()) == region;
}

Task<void> Relay::carry_out(int socket, NodeIndex node, net::Gate& gate, net::Gate::Pass /*pass*/) {
    auto link = std::make_shared<Link>(loop_, socket);
    const RegionIndex to = topology_.at(node).region;
    link->far.expires_after(handshake_time);
    if (!co_await reach(link->far, to) || co_await link->far.write(ask_line(topology_, ask_for(node)))) {
        co_return;
    }
    if (co_await read_line(link->far, link->first) != "OK") {
        ++refused_;
        co_return;
    }
    link->far.expires_never();
    ++carried_;
    if (!link->first.empty() && co_await link->near.write(link->first.view())) {
        co_return;
    }
    loop_.spawn(pump(link, link->far, link->near, gate.enter()));
    co_await pump(link, link->near, link->far, gate.enter());
}

Task<void> Relay::carry_in(int socket, net::Gate& gate, net::Gate::Pass /*pass*/) {
    auto link = std::make_shared<Link>(loop_, socket);
    Stream& asker = link->near;
    asker.cut_after(silence_max);
    asker.expires_after(handshake_time);
    const Contexts contexts = identity_.contexts();
    if (co_await asker.accept_tls(contexts.server.get())) {
        ++refused_;
        co_return;
    }
    const auto from = identity_.recognise(asker.peer_certificate());
    const std::string line = co_await read_line(asker, link->first);
    const auto ask = parse_ask(topology_, line);
    if (!from || !ask || !may_answer(topology_, *from, region_, *ask)) {
        ++refused_;
        base::log::warn("mesh.refused", {{"from", from ? topology_.at(*from).name : "nobody we know"},
                                         {"flow", ask ? name(ask->flow) : "none"}});
        std::ignore = co_await asker.write("NO\n");
        co_return;
    }
    if (ask->flow == Flow::map || ask->flow == Flow::view) {
        co_await answer(link, *from, *ask);
        co_return;
    }
    const auto& address =
        topology_.at(ask->flow == Flow::central ? topology_.central->node : *ask->node).address;
    const auto endpoint = co_await net::resolve(loop_, address.host, address.port);
    link->far.expires_after(handshake_time);
    if (!endpoint || co_await link->far.connect(*endpoint)) {
        std::ignore = co_await asker.write("NO\n");
        co_return;
    }
    link->far.expires_never();
    if (co_await asker.write("OK\n")) {
        co_return;
    }
    asker.expires_never();
    ++carried_;
    if (!link->first.empty() && co_await link->far.write(link->first.view())) {
        co_return;
    }
    loop_.spawn(pump(link, link->far, link->near, gate.enter()));
    co_await pump(link, link->near, link->far, gate.enter());
}

Task<void> Relay::pump(std::shared_ptr<Link> link, Stream& from, Stream& to, net::Gate::Pass /*pass*/) {
    base::Buffer bytes;
    while (!co_await from.read_some(bytes, read_bytes) && !co_await to.write(bytes.view())) {
        bytes.clear();
    }
    link->near.close();
    link->far.close();
}

Task<void> Relay::answer(std::shared_ptr<Link> link, RegionIndex from, Ask ask) {
    std::optional<Ask> next = ask;
    while (next && (next->flow == Flow::map || next->flow == Flow::view) &&
           may_answer(topology_, from, region_, *next)) {
        const std::string text = next->flow == Flow::map ? map_text(topology_, known_) : surroundings_.view();
        if (co_await link->near.write("OK " + std::to_string(text.size()) + "\n" + text)) {
            co_return;
        }
        link->near.expires_after(handshake_time);
        next = parse_ask(topology_, co_await read_line(link->near, link->first));
    }
}

void Relay::hear(Peer& peer, std::string_view map) {
    const bool knew = std::exchange(peer.same_map, false);
    const auto theirs = parse_map(topology_, map);
    const auto home = topology_.at(peer.region).jurisdiction;
    auto learned = theirs ? learn(topology_, known_, *theirs, home) : std::unexpected(theirs.error());
    if (!learned) {
        if (knew) {
            base::log::warn("mesh.other_map", {{"region", topology_.at(peer.region).name},
                                               {"error", base::describe(learned.error())}});
        }
        return;
    }
    if (*learned) {
        known_ = std::move(**learned);
        base::log::info("mesh.map_learned", {{"from", topology_.at(peer.region).name},
                                             {"home", topology_.at(home).name},
                                             {"epoch", known_.epochs[home.value]}});
        surroundings_.learned(known_);
    }
    peer.same_map = *theirs == known_;
}

Task<void> Relay::gossip(Peer& peer, net::Timer& timer, net::Gate::Pass /*pass*/) {
    peer.same_map = true;  // until it says otherwise: only a change is worth a line in the log
    while (!stopped_) {
        Stream stream(loop_);
        base::Buffer in;
        stream.expires_after(handshake_time);
        const auto began = net::Clock::now();
        std::string map;
        std::string view;
        if (co_await reach(stream, peer.region) &&
            !co_await stream.write(ask_line(topology_, {Flow::map, std::nullopt}))) {
            const auto asked = net::Clock::now();
            map = co_await read_text(stream, in, map_bytes_max);
            peer.round_trip_us = (net::Clock::now() - asked) / std::chrono::microseconds{1};
            if (!map.empty() && !co_await stream.write(ask_line(topology_, {Flow::view, std::nullopt}))) {
                view = co_await read_text(stream, in, view_bytes_max);
            }
        }
        stream.close();
        const bool reachable = !map.empty();
        if (reachable != peer.reachable) {
            base::log::info(reachable ? "mesh.peer_up" : "mesh.peer_down",
                            {{"region", topology_.at(peer.region).name},
                             {"after_ms", static_cast<std::int64_t>((net::Clock::now() - began) / 1ms)}});
        }
        peer.reachable = reachable;
        peer.view = std::move(view);
        if (reachable) {
            hear(peer, map);
        }
        if (surroundings_.looked) {
            surroundings_.looked(peers_);
        }
        co_await timer.wait(gossip_interval);
    }
}

}  // namespace domicile::mesh

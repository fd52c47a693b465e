// `domicile mesh`: one region's relay, over mutual TLS, and `domicile mesh routes`.

#include "app/commands.hpp"
#include "app/common.hpp"
#include "app/region_files.hpp"
#include "base/log.hpp"
#include "fleet/mesh_authority.hpp"
#include "mesh/relay.hpp"

#include <condition_variable>
#include <csignal>
#include <iostream>
#include <mutex>
#include <stop_token>
#include <thread>
#include <tuple>
#include <unistd.h>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

using net::Task;

constexpr std::chrono::seconds drain_time{2};

/// A certificate lives for a day and is made anew long before; what is trusted may grow meanwhile, when
/// another jurisdiction comes up.
void keep_identity(const std::stop_token& stop, mesh::Identity& identity) {
    std::mutex mutex;
    std::condition_variable_any asleep;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
        asleep.wait_for(lock, stop, std::chrono::minutes{10}, [] { return false; });
        if (stop.stop_requested()) {
            break;
        }
        if (const auto renewed = identity.renew(); !renewed) {
            base::log::warn("mesh.not_renewed", {{"error", base::describe(renewed.error())}});
        }
    }
}

Task<void> drain(mesh::Relay& relay, net::Gate& gate, net::Loop& loop) {
    relay.stop();
    loop.close_all();
    std::ignore = co_await gate.drain(drain_time);
}

}  // namespace

int mesh(const Common& common, const MeshOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    if (options.routes) {
        boost::json::array all;
        for (const auto& route : mesh::routes(*topology)) {
            const std::string& from = topology->at(route.from).name;
            const std::string& to = topology->at(route.to).name;
            if (common.json) {
                all.push_back({{"from", from}, {"to", to}, {"flow", mesh::name(route.flow)}});
            } else {
                std::cout << from << " -> " << to << "  " << mesh::name(route.flow) << '\n';
            }
        }
        if (common.json) {
            std::cout << boost::json::serialize(all) << '\n';
        }
        return 0;
    }
    const auto region = topology->region(options.region);
    if (!region || topology->at(*region).mesh.port == 0) {
        return failed({base::Code::configuration,
                       options.region.empty() ? "A relay serves one region."
                                              : "The region " + options.region + " is not in the mesh.",
                       "Name one that has `mesh` in the topology, with --region.",
                       {},
                       {}});
    }
    std::signal(SIGPIPE, SIG_IGN);
    net::Signals::block({SIGTERM, SIGINT});
    const fleet::Secrets secrets(*topology, fleet::StateDir(fleet_options(common, *topology).state), *region);
    const std::string& jurisdiction = topology->at(topology->at(*region).jurisdiction).name;
    mesh::Identity identity(
        *topology, *region, [&] { return fleet::mesh_authority(secrets, jurisdiction); },
        [&] { return fleet::mesh_authorities(*topology, secrets.state()); });
    if (const auto made = identity.renew(); !made) {
        return failed(made.error());
    }
    net::Loop loop;
    net::Gate gate(loop);
    const RegionFiles files(secrets.state().region(options.region));
    mesh::Relay relay(loop, *topology, *region, identity, files.map(*topology),
                      {.learned = [&](const mesh::KnownMap& known) { files.keep_map(*topology, known); },
                       .view = [&] { return files.view(); },
                       .looked = [&](const auto& peers) { files.keep_seen(*topology, peers); }});
    if (const auto listening = relay.listen(); !listening) {
        return failed(listening.error());
    }
    relay.start(gate);
    const net::Signals signals(loop, {SIGTERM, SIGINT}, [&](int /*signal*/) {
        ::alarm(static_cast<unsigned>(3 * drain_time.count()));
        loop.spawn(drain(relay, gate, loop));
    });
    const std::jthread keeper([&](const std::stop_token& stop) { keep_identity(stop, identity); });
    base::log::info("mesh.started", {{"region", options.region}, {"port", topology->at(*region).mesh.port}});
    loop.run(true);
    base::log::info("mesh.stopped", {{"region", options.region}, {"carried", relay.carried()}});
    return 0;
}

}  // namespace domicile::app

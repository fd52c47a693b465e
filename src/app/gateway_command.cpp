// `domicile gateway`: reads the topology and its own jurisdiction's passwords, then serves one region.

#include "app/common.hpp"
#include "app/gateway.hpp"
#include "base/log.hpp"

#include <iostream>

namespace domicile::app {

int gateway(const Common& common, const GatewayCommand& command) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const auto region = topology->region(command.region);
    if (!region) {
        return failed({base::Code::configuration,
                       "The topology has no region " + command.region + ".",
                       "Name one with --region.",
                       {},
                       {}});
    }
    using base::log::Level;
    base::log::set_level(command.log_level == "debug"  ? Level::debug
                         : command.log_level == "warn" ? Level::warn
                                                       : Level::info);
    const auto options = fleet_options(common, *topology);
    const std::string& jurisdiction = topology->at(topology->at(*region).jurisdiction).name;
    // Only the own jurisdiction's secrets are opened: a gateway cannot log in abroad even if it wanted to.
    auto password = fleet::read_password(options.state, jurisdiction, fleet::roles::gateway);
    if (!password) {
        return failed(password.error());
    }
    auto monitor = fleet::read_password(options.state, jurisdiction, fleet::roles::monitor);
    if (!monitor) {
        return failed(monitor.error());
    }
    const auto served = run_gateway(*topology, {*region, std::move(*password), std::move(*monitor)});
    return served ? 0 : failed(served.error());
}

}  // namespace domicile::app

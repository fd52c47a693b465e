// `domicile top`, `domicile alarms`, `domicile advise`: what the regions' workers have seen, for the operator
// at the machine.

#include "app/commands.hpp"
#include "app/common.hpp"
#include "app/region_files.hpp"
#include "app/said.hpp"
#include "fleet/state_dir.hpp"
#include "ops/overview.hpp"
#include "ops/render.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <thread>
#include <unistd.h>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

namespace json = boost::json;

std::atomic<bool> ended{false};

/// The newest overview of any region, or of the named one.
base::Result<json::object> overview_of(const topology::Topology& topology, const fleet::StateDir& state,
                                       const std::string& region) {
    if (!region.empty() && !topology.region(region)) {
        return base::fail(base::Code::configuration, "The topology has no region " + region + ".",
                          "Name one with --region.");
    }
    json::object newest;
    for (const auto& one : topology.regions) {
        if (!region.empty() && one.name != region) {
            continue;
        }
        auto seen = ops::permitted(RegionFiles(state.region(one.name)).overview(),
                                   [](std::string_view) { return true; });
        if (!seen.empty() &&
            (newest.empty() || seen.at("at").to_number<double>() > newest.at("at").to_number<double>())) {
            newest = std::move(seen);
        }
    }
    if (newest.empty()) {
        return base::fail(
            base::Code::configuration, "No worker watches.",
            "Start the fleet with `domicile up`; a worker runs where people's data is declared.");
    }
    return newest;
}

/// Says it in a region of each jurisdiction that it is about: statements are believed at home only.
int tell_regions(const topology::Topology& topology, const fleet::StateDir& state, const std::string& region,
                 std::string_view what, const json::object& body) {
    for (const auto& one : topology.regions) {
        if (region.empty() ? one.writer : one.name == region) {
            const auto said = say(RegionFiles(state.region(one.name)), topology.at(one.jurisdiction).name,
                                  what, json::serialize(body), "operator");
            if (!said) {
                return failed(said.error());
            }
        }
    }
    return 0;
}

}  // namespace

int top(const Common& common, const OpsOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const fleet::StateDir state(fleet_options(common, *topology).state);
    struct sigaction action{};
    action.sa_handler = [](int /*signal*/) { ended = true; };
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    const bool live = !options.once && !common.json && ::isatty(STDOUT_FILENO) == 1;
    if (live) {
        std::cout << "\x1b[?1049h\x1b[?25l";  // another screen, no cursor; both come back at the end
    }
    int status = 0;
    do {
        const auto seen = overview_of(*topology, state, options.region);
        if (!seen && !live) {
            return failed(seen.error());
        }
        if (live) {
            std::cout << "\x1b[H\x1b[2J";
        }
        if (!seen) {
            std::cout << base::describe(seen.error()) << "\n";
        } else if (common.json) {
            std::cout << json::serialize(*seen) << "\n";
        } else {
            std::cout << ops::render_top(*seen, live);
        }
        std::cout << std::flush;
        for (int i = 0; live && i < 10 && !ended; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds{100});
        }
    } while (live && !ended);
    if (live) {
        std::cout << "\x1b[?25h\x1b[?1049l" << std::flush;
    }
    return status;
}

int alarms(const Common& common, const OpsOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const fleet::StateDir state(fleet_options(common, *topology).state);
    if (options.what == "silence") {
        const auto known = std::ranges::find(topology->alarms, options.name, &topology::AlarmRule::name);
        if (known == topology->alarms.end()) {
            return failed({base::Code::configuration,
                           "There is no alarm " + options.name + ".",
                           "`domicile alarms --all` lists them.",
                           {},
                           {}});
        }
        const int said = tell_regions(*topology, state, options.region, "silences",
                                      {{"alarm", options.name},
                                       {"region", options.region},
                                       {"resource", options.resource},
                                       {"minutes", options.minutes},
                                       {"reason", options.reason}});
        if (said == 0) {
            std::cout << options.name << " tells nobody for " << options.minutes << " minutes\n";
        }
        return said;
    }
    const auto seen = overview_of(*topology, state, options.region);
    if (!seen) {
        return failed(seen.error());
    }
    std::cout << (common.json ? json::serialize(seen->at("alarms")) + "\n"
                              : ops::render_alarms(*seen, options.all));
    return 0;
}

int advise(const Common& common, const OpsOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const fleet::StateDir state(fleet_options(common, *topology).state);
    if (options.what == "acknowledge") {
        const int said =
            tell_regions(*topology, state, options.region, "acknowledgements",
                         {{"id", options.name}, {"until", options.until}, {"reason", options.reason}});
        if (said == 0) {
            std::cout << options.name << " is accepted until " << options.until << "\n";
        }
        return said;
    }
    const auto seen = overview_of(*topology, state, options.region);
    if (!seen) {
        return failed(seen.error());
    }
    std::cout << (common.json ? json::serialize(seen->at("advice")) + "\n"
                              : ops::render_advice(*seen, options.pillar, options.all));
    return 0;
}

}  // namespace domicile::app

#include "fleet/unit.hpp"

#include "fleet/node.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <span>

namespace domicile::fleet {
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

struct Persuasion {
    int signal;
    std::chrono::milliseconds patience;
};

/// PostgreSQL: SIGINT is a fast shutdown, SIGQUIT an immediate one, which costs a recovery at the next start.
constexpr std::array node_persuasion = {Persuasion{SIGINT, 60s}, Persuasion{SIGQUIT, 10s},
                                        Persuasion{SIGKILL, 5s}};
constexpr std::array gateway_persuasion = {Persuasion{SIGTERM, 5s}, Persuasion{SIGKILL, 5s}};

std::span<const Persuasion> persuasion(UnitKind kind) {
    if (kind == UnitKind::gateway || kind == UnitKind::worker || kind == UnitKind::mesh) {
        return gateway_persuasion;
    }
    return node_persuasion;
}

}  // namespace

std::string gateway_name(const topology::Region& region) {
    return "gateway." + region.name;
}

std::string worker_name(const topology::Region& region) {
    return "worker." + region.name;
}

bool needs_workers(const topology::Topology& topology) {
    return !topology.statistics.empty() || std::ranges::any_of(topology.tables, [](const auto& table) {
        return !table.audited.empty() || !table.personal.empty();
    });
}

std::string mesh_name(const topology::Region& region) {
    return "mesh." + region.name;
}

Units units_of(const topology::Topology& topology, std::optional<topology::RegionIndex> only) {
    Units units;
    for (const auto& node : topology.nodes) {
        if (!node.embedded || (only && node.region != *only)) {
            continue;
        }
        auto unit = std::make_unique<Unit>();
        unit->name = node.name;
        unit->node = &node;
        if (node.shard.value >= topology.shards.size()) {
            unit->kind = UnitKind::central;
        } else if (node.writer) {
            unit->kind = UnitKind::writer;
        } else {
            unit->kind = UnitKind::reader;
            const auto& siblings = topology.at(node.shard).nodes;
            const auto writer =
                std::ranges::find_if(siblings, [&](auto index) { return topology.at(index).writer; });
            unit->writer = writer != siblings.end() ? &topology.at(*writer) : nullptr;
        }
        units.push_back(std::move(unit));
    }
    for (std::uint16_t i = 0; i < topology.regions.size(); ++i) {
        const topology::Region& region = topology.regions[i];
        if (only && *only != topology::RegionIndex(i)) {
            continue;
        }
        const auto add = [&](UnitKind kind, std::string name) {
            auto unit = std::make_unique<Unit>();
            unit->kind = kind;
            unit->name = std::move(name);
            unit->region = &region;
            units.push_back(std::move(unit));
        };
        add(UnitKind::gateway, gateway_name(region));
        if (needs_workers(topology)) {
            add(UnitKind::worker, worker_name(region));
        }
        if (region.mesh.port != 0) {
            add(UnitKind::mesh, mesh_name(region));
        }
    }
    return units;
}

namespace {

/// Whether a command line is that of one of our own servers for a region.
bool is_server(const std::vector<std::string>& arguments, std::string_view word, const std::string& region,
               const std::string& state) {
    const auto follows = [&](std::string_view flag, const std::string& value) {
        const auto at = std::ranges::find(arguments, flag);
        return at != arguments.end() && at + 1 != arguments.end() && *(at + 1) == value;
    };
    return std::ranges::find(arguments, word) != arguments.end() && follows("--region", region) &&
           follows("--state", state);
}

std::optional<Process> find_server(const StateDir& state, std::string_view word, const std::string& name,
                                   const std::string& region) {
    const auto fits = [&](pid_t pid) {
        return is_server(command_line(pid), word, region, state.root().string());
    };
    if (auto process = running(state.pid(name)); process && fits(process->pid)) {
        return process;
    }
    // A supervisor killed between the start and the pid file leaves a process that only its command line
    // betrays.
    for (const pid_t pid : all_pids()) {
        if (fits(pid)) {
            if (auto process = existing(pid)) {
                return process;
            }
        }
    }
    return std::nullopt;
}

base::Result<Process> launch(const Context& context, const std::string& name, Command command) {
    command.environment = child_environment(context.user);
    command.log = context.state.log(name);
    rotate_log(command.log);
    auto process = spawn(command, context.user);
    if (!process) {
        return process;
    }
    if (auto written = write_file(context.state.pid(name), pid_text(*process), 0644, nullptr); !written) {
        return std::unexpected(std::move(written.error()));
    }
    return process;
}

Command server_command(const Context& context, std::string_view word, const topology::Region& region) {
    Command command;
    command.arguments = {context.options.self.string(),
                         std::string(word),
                         "--topology",
                         context.state.topology().string(),
                         "--region",
                         region.name,
                         "--state",
                         context.state.root().string()};
    return command;
}

}  // namespace

bool is_gateway(const std::vector<std::string>& arguments, const std::string& region,
                const std::string& state) {
    return is_server(arguments, "gateway", region, state);
}

std::optional<Process> find_gateway(const StateDir& state, const topology::Region& region) {
    return find_server(state, "gateway", gateway_name(region), region.name);
}

std::optional<Process> find_worker(const StateDir& state, const topology::Region& region) {
    return find_server(state, "worker", worker_name(region), region.name);
}

std::optional<Process> find_mesh(const StateDir& state, const topology::Region& region) {
    return find_server(state, "mesh", mesh_name(region), region.name);
}

std::optional<Process> find_unit(const StateDir& state, const Unit& unit) {
    if (unit.kind == UnitKind::gateway) {
        return find_gateway(state, *unit.region);
    }
    if (unit.kind == UnitKind::worker) {
        return find_worker(state, *unit.region);
    }
    if (unit.kind == UnitKind::mesh) {
        return find_mesh(state, *unit.region);
    }
    const auto live = find_node(state, *unit.node);
    return live ? std::optional(live->process) : std::nullopt;
}

namespace {

base::Result<Process> start_gateway(const Context& context, const topology::Region& region) {
    Command command = server_command(context, "gateway", region);
    const auto folder = context.options.topology_file.parent_path();
    command.arguments.insert(command.arguments.end(), {"--files", folder.string()});
    if (!region.tls_certificate.empty()) {
        command.arguments.insert(command.arguments.end(),
                                 {"--tls-cert", (folder / region.tls_certificate).string(), "--tls-key",
                                  (folder / region.tls_key).string()});
    }
    if (context.topology.embedded.tls) {
        const auto& jurisdiction = context.topology.at(region.jurisdiction).name;
        command.arguments.insert(command.arguments.end(),
                                 {"--node-ca", context.state.node_authority(jurisdiction).string()});
    }
    if (const auto& authority = context.topology.database.node_tls_ca; !authority.empty()) {
        command.arguments.insert(command.arguments.end(), {"--node-ca", (folder / authority).string()});
    }
    return launch(context, gateway_name(region), std::move(command));
}

}  // namespace

base::Result<Process> start_server(const Context& context, UnitKind kind, const topology::Region& region) {
    if (kind == UnitKind::worker) {
        Command command = server_command(context, "worker", region);
        const auto folder = context.options.topology_file.parent_path();
        command.arguments.insert(command.arguments.end(), {"--files", folder.string()});
        return launch(context, worker_name(region), std::move(command));
    }
    if (kind == UnitKind::mesh) {
        return launch(context, mesh_name(region), server_command(context, "mesh", region));
    }
    return start_gateway(context, region);
}

bool stop_process(UnitKind kind, Process& process) {
    for (const auto& [signal, patience] : persuasion(kind)) {
        send_signal(process, signal);
        if (wait_gone(process, patience)) {
            return true;
        }
    }
    return !alive(process);
}

base::Status stop_units(const Context& context, Units& units) {
    std::size_t done = 0;
    std::string stubborn;
    std::size_t total = 0;
    for (auto& unit : units) {
        if (!alive(unit->process)) {
            unit->process = find_unit(context.state, *unit).value_or(Process{});
        }
        total += unit->process.known() ? 1U : 0U;
    }
    for (const auto kind : {UnitKind::worker, UnitKind::gateway, UnitKind::reader, UnitKind::writer,
                            UnitKind::central, UnitKind::mesh}) {
        // All of a kind are told first, so that they stop side by side.
        for (auto& unit : units) {
            if (unit->kind == kind) {
                send_signal(unit->process, persuasion(kind).front().signal);
            }
        }
        for (auto& unit : units) {
            if (unit->kind != kind) {
                continue;
            }
            std::error_code error;
            if (unit->process.known()) {
                if (!wait_gone(unit->process, persuasion(kind).front().patience) &&
                    !stop_process(kind, unit->process)) {
                    stubborn += (stubborn.empty() ? "" : ", ") + unit->name;
                    continue;
                }
                context.say(Step::stop, unit->name, unit->name + " stopped", ++done, total);
            }
            fs::remove(context.state.pid(unit->name), error);
        }
    }
    if (!stubborn.empty()) {
        return base::fail(base::Code::internal, "these processes do not end: " + stubborn);
    }
    return {};
}

}  // namespace domicile::fleet

#include "fleet/supervisor.hpp"

#include "fleet/bring_up.hpp"
#include "fleet/conf.hpp"
#include "fleet/database.hpp"
#include "fleet/node.hpp"
#include "fleet/ports.hpp"
#include "fleet/secrets.hpp"
#include "fleet/text.hpp"

#include <algorithm>
#include <filesystem>
#include <thread>
#include <unistd.h>

namespace domicile::fleet {
namespace fs = std::filesystem;
using base::Code;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto poll_interval = 100ms;
constexpr auto gateway_wait = 30s;
constexpr auto probe_wait = 500ms;
constexpr auto mend_interval = 5s;
/// Unhealthy runs in a row after which a reader's data counts as broken.
constexpr unsigned reader_failures_max = 5;

std::string seconds(Clock::duration duration) {
    const auto tenths = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count() / 100;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

void stop_strangers(const Context& context, const Units& units) {
    std::error_code error;
    const auto all = units_of(context.topology);
    for (const auto& entry : fs::directory_iterator(context.state.runs(), error)) {
        const auto name = entry.path().stem().string();
        // Other regions of the topology have supervisors of their own.
        const bool known = std::ranges::any_of(all, [&](const auto& unit) { return unit->name == name; }) ||
                           std::ranges::any_of(units, [&](const auto& unit) { return unit->name == name; });
        if (known || entry.path().extension() != ".pid") {
            continue;
        }
        if (auto process = running(entry.path())) {
            context.say(Step::note, name, name + " is no longer in the topology: stopping it");
            [[maybe_unused]] const bool gone = stop_process(
                name.starts_with("gateway.") || name.starts_with("worker.") || name.starts_with("mesh.")
                    ? UnitKind::gateway
                    : UnitKind::reader,
                *process);
        }
        fs::remove(entry.path(), error);
    }
}

Supervisor::Supervisor(const Context& context, bool topology_changed)
    : context_(context),
      topology_changed_(topology_changed),
      units_(units_of(context.topology, context.options.region)) {}

base::Status Supervisor::run() {
    const auto began = Clock::now();
    if (auto up = come_up(); !up && !context_.stopping()) {
        std::erase_if(units_, [](const auto& unit) { return !unit->process.child; });
        if (auto stopped = stop_units(context_, units_); !stopped) {
            context_.say(Step::note, "", base::describe(stopped.error()));
        }
        return up;
    }
    if (!context_.stopping()) {
        note_up();
        context_.say(Step::ready, "", "everything is up after " + seconds(Clock::now() - began));
        const std::jthread mender([this](const std::stop_token& stop) { mend_readers(stop); });
        while (!context_.stopping()) {
            for (auto& unit : units_) {
                tend(*unit);
            }
            std::this_thread::sleep_for(poll_interval);
        }
    }
    std::error_code error;
    fs::remove(context_.state.ready(), error);
    return stop_units(context_, units_);
}

base::Status Supervisor::come_up() {
    if (auto adopted = adopt(); !adopted) {
        return adopted;
    }
    if (auto free = check_ports(); !free) {
        return free;
    }
    if (auto external = check_external(context_); !external) {
        return external;
    }
    // Before the nodes: readers stream through it.
    if (auto meshed = start_servers(UnitKind::mesh); !meshed) {
        return meshed;
    }
    auto groups = groups_of(units_);
    if (auto up = bring_up(context_, groups); !up) {
        return up;
    }
    // Before the gateways: a shard that was restored from a backup serves nobody until a worker has brought
    // it up to its ledger.
    if (auto works = start_servers(UnitKind::worker); !works) {
        return works;
    }
    return start_servers(UnitKind::gateway);
}

base::Status Supervisor::adopt() {
    stop_strangers(context_, units_);
    std::size_t adopted = 0;
    for (auto& unit : units_) {
        bool stale = false;
        [[maybe_unused]] const auto noted = running(context_.state.pid(unit->name), &stale);
        const auto process = find_unit(context_.state, *unit);
        if (!process) {
            if (stale) {
                context_.say(Step::note, unit->name, "the pid file of " + unit->name + " is stale: ignored");
            }
            continue;
        }
        unit->process = *process;
        // Gateways keep their memory, and with it this name, from everybody but root.
        const std::string binary = executable(process->pid);
        const bool other_binary = !binary.empty() && binary != context_.options.self.string();
        if (unit->region != nullptr && (topology_changed_ || other_binary)) {
            context_.say(Step::note, unit->name,
                         unit->name +
                             (topology_changed_ ? " serves an older topology" : " runs another binary") +
                             ": replacing it");
            if (!stop_process(unit->kind, unit->process)) {
                return base::fail(Code::internal, unit->name + " does not stop");
            }
            unit->process = {};
            continue;
        }
        if (auto written = write_file(context_.state.pid(unit->name), pid_text(*process), 0644, nullptr);
            !written) {
            return written;
        }
        unit->started = Clock::now();
        ++adopted;
    }
    if (adopted > 0) {
        context_.say(Step::note, "", "took over " + std::to_string(adopted) + " running processes");
    }
    return {};
}

base::Status Supervisor::check_ports() const {
    const auto check = [](const topology::Address& address, const std::string& whose) -> base::Status {
        const auto free = port_free(address);
        if (!free) {
            auto error = free.error();
            error.text = whose + ": " + error.text;
            return std::unexpected(std::move(error));
        }
        if (*free) {
            return {};
        }
        std::string holder = "another process";
        if (const auto pid = listener_of(address.port)) {
            holder = "process " + std::to_string(*pid) + " (" +
                     fs::path(executable(*pid)).filename().string() + ")";
        }
        return base::fail(Code::configuration,
                          "port " + std::to_string(address.port) + " of " + whose + " is in use by " + holder,
                          "stop that process, or choose another port in the topology");
    };
    for (const auto& unit : units_) {
        if (unit->process.known()) {
            continue;
        }
        if (unit->node != nullptr) {
            if (auto free = check(unit->node->address, "node " + unit->name); !free) {
                return free;
            }
            continue;
        }
        if (unit->kind == UnitKind::worker) {
            continue;  // listens nowhere
        }
        if (unit->kind == UnitKind::mesh) {
            if (auto free = check(unit->region->mesh, "the mesh of region " + unit->region->name); !free) {
                return free;
            }
            continue;
        }
        for (const auto* door : {&unit->region->http, &unit->region->sql}) {
            if (auto free = check(*door, "region " + unit->region->name); door->port != 0 && !free) {
                return free;
            }
        }
    }
    return {};
}

base::Status Supervisor::start_servers(UnitKind kind) {
    std::size_t total = 0;
    for (auto& unit : units_) {
        total += unit->kind == kind ? 1U : 0U;
        if (unit->kind != kind || alive(unit->process) || context_.stopping()) {
            continue;
        }
        auto process = start_server(context_, kind, *unit->region);
        if (!process) {
            return std::unexpected(std::move(process.error()));
        }
        unit->process = *process;
        unit->started = Clock::now();
    }
    std::size_t done = 0;
    for (auto& unit : units_) {
        if (unit->kind != kind) {
            continue;
        }
        if (auto ready = wait_gateway(*unit); !ready) {
            return ready;
        }
        if (context_.stopping()) {
            break;
        }
        context_.say(kind == UnitKind::mesh     ? Step::mesh
                     : kind == UnitKind::worker ? Step::worker
                                                : Step::gateway,
                     unit->name, unit->name + (kind == UnitKind::worker ? " works" : " serves"), ++done,
                     total);
    }
    return {};
}

base::Status Supervisor::wait_gateway(Unit& unit) const {
    const auto log = context_.state.log(unit.name);
    const auto deadline = Clock::now() + gateway_wait;
    while (!context_.stopping()) {
        if (!alive(unit.process)) {
            return base::fail(Code::internal, unit.name + " died while it started", "see " + log.string(),
                              tail(log, 3));
        }
        if (serves(unit)) {
            return {};
        }
        if (Clock::now() > deadline) {
            return base::fail(Code::internal, unit.name + " does not become ready", "see " + log.string(),
                              tail(log, 3));
        }
        std::this_thread::sleep_for(20ms);
    }
    return {};
}

void Supervisor::note_up() {
    if (const auto self = existing(::getpid())) {
        if (auto written = write_file(context_.state.ready(), pid_text(*self), 0644, nullptr); !written) {
            context_.say(Step::note, "", base::describe(written.error()));
        }
    }
}

bool Supervisor::serves(const Unit& unit) const {
    if (unit.kind == UnitKind::gateway) {
        return http_status(unit.region->http, "/readyz", probe_wait, unit.region->http_tls()) == 200;
    }
    if (unit.kind == UnitKind::worker) {
        return find_worker(context_.state, *unit.region).has_value();
    }
    if (unit.kind == UnitKind::mesh) {
        return answers(unit.region->mesh, probe_wait);
    }
    const auto live = find_node(context_.state, *unit.node);
    return live && live->file.ready;
}

void Supervisor::tend(Unit& unit) {
    const std::unique_lock lock(unit.mutex, std::try_to_lock);
    if (!lock) {
        return;  // its reader is being copied
    }
    if (unit.retry_at) {
        if (Clock::now() >= *unit.retry_at) {
            unit.retry_at.reset();
            restart(unit);
        }
        return;
    }
    if (!alive(unit.process)) {
        schedule(unit);
    } else if (unit.awaiting && serves(unit)) {
        unit.awaiting = false;
        context_.say(Step::restart, unit.name, unit.name + " serves again");
    }
}

void Supervisor::schedule(Unit& unit) {
    const auto now = Clock::now();
    const auto wait =
        unit.backoff.after(std::chrono::duration_cast<std::chrono::milliseconds>(now - unit.started));
    unit.retry_at = now + wait;
    unit.started = now;
    unit.process = {};
    context_.say(Step::restart, unit.name,
                 unit.name + " has died; starting it again in " + std::to_string(wait.count()) + " ms");
}

void Supervisor::restart(Unit& unit) {
    base::Status ready;
    if (unit.node != nullptr) {
        ready = configure(context_, *unit.node, unit.writer);
    }
    auto process = !ready                 ? base::Result<Process>(std::unexpected(ready.error()))
                   : unit.node != nullptr ? start_node(context_, *unit.node)
                                          : start_server(context_, unit.kind, *unit.region);
    unit.started = Clock::now();
    if (!process) {
        context_.say(Step::note, unit.name, base::describe(process.error()));
        schedule(unit);
        return;
    }
    unit.process = *process;
    unit.awaiting = true;
}

void Supervisor::mend_readers(const std::stop_token& stop) {
    auto next = Clock::now() + mend_interval;
    while (!stop.stop_requested() && !context_.stopping()) {
        std::this_thread::sleep_for(poll_interval);
        if (Clock::now() < next) {
            continue;
        }
        for (auto& unit : units_) {
            if (unit->kind == UnitKind::reader && !context_.stopping()) {
                mend_reader(*unit);
            }
        }
        next = Clock::now() + mend_interval;
    }
}

void Supervisor::mend_reader(Unit& unit) {
    const bool here = !context_.options.region || unit.writer->region == *context_.options.region;
    const auto live = find_node(context_.state, *unit.writer);
    if (here && (!live || !live->file.ready)) {
        return;  // without its writer no reader can be judged
    }
    auto client = connect(context_.secrets, *unit.writer, roles::superuser, "postgres");
    const auto slot = client ? slot_state(*client, slot_name(unit.name))
                             : base::Result<SlotState>(std::unexpected(client.error()));
    const std::lock_guard lock(unit.mutex);
    const bool broken = unit.backoff.failures() >= reader_failures_max;
    if (!slot || (*slot == SlotState::usable && !broken)) {
        return;
    }
    if (broken) {
        context_.say(Step::note, unit.name, "reader " + unit.name + " does not stay up: copying it anew");
    }
    if (!stop_process(unit.kind, unit.process)) {
        return;
    }
    if (broken) {
        std::error_code error;
        fs::remove(context_.state.data(unit.name) / "PG_VERSION",
                   error);  // bring_up_reader() takes it for missing
    }
    if (auto up = bring_up_reader(context_, unit); !up && !context_.stopping()) {
        context_.say(Step::note, unit.name, base::describe(up.error()));
    }
    unit.backoff.reset();
    unit.retry_at.reset();
}

}  // namespace domicile::fleet

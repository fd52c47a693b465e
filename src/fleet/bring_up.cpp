#include "fleet/bring_up.hpp"

#include "fleet/conf.hpp"
#include "fleet/database.hpp"
#include "fleet/node.hpp"
#include "fleet/ports.hpp"
#include "fleet/secrets.hpp"
#include "fleet/text.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace domicile::fleet {
using base::Code;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

// After a crash a node replays its log first: seconds for our sizes, minutes at worst.
constexpr auto ready_wait = 10min;
// A reader that has not even asked the writer for its log by then cannot.
constexpr auto first_contact_wait = 20s;
constexpr auto poll_interval = 50ms;

base::Status launch(const Context& context, Unit& unit) {
    if (auto written = configure(context, *unit.node, unit.writer); !written) {
        return written;
    }
    auto process = start_node(context, *unit.node);
    if (!process) {
        return std::unexpected(std::move(process.error()));
    }
    unit.process = *process;
    unit.started = Clock::now();
    return {};
}

/// Until the reader streams. node_unavailable if it dies or does not reach the writer.
base::Status wait_streaming(const Context& context, Unit& unit, pool::MaintenanceClient& writer) {
    auto deadline = Clock::now() + first_contact_wait;
    const auto log = context.state.log(unit.name);
    while (!context.stopping()) {
        if (!alive(unit.process)) {
            return base::fail(Code::node_unavailable, "reader " + unit.name + " died while it started",
                              "see " + log.string(), tail(log, 3));
        }
        const auto state = stream_state(writer, application_name(unit.name));
        if (!state) {
            return std::unexpected(state.error());
        }
        const auto live = find_node(context.state, *unit.node);
        if (*state == "streaming" && live && live->file.ready) {
            return {};
        }
        if (*state) {
            deadline = Clock::now() + first_contact_wait;  // it catches up: as long as that takes
        } else if (Clock::now() > deadline) {
            return base::fail(Code::node_unavailable, "reader " + unit.name + " does not follow its writer",
                              "see " + log.string(), tail(log, 3));
        }
        std::this_thread::sleep_for(poll_interval);
    }
    return base::fail(Code::node_unavailable, "stopped while reader " + unit.name + " was starting");
}

/// A slot from before the copy begins, so that the writer keeps everything the copy will need.
base::Status copy(const Context& context, Unit& unit, pool::MaintenanceClient& writer, SlotState slot) {
    if (auto live = find_node(context.state, *unit.node)) {
        if (!stop_process(UnitKind::reader, live->process)) {
            return base::fail(Code::internal, "reader " + unit.name + " does not stop");
        }
    }
    const auto name = slot_name(unit.name);
    if (slot == SlotState::lost) {
        if (auto dropped = drop_slot(writer, name); !dropped) {
            return dropped;
        }
    }
    if (auto made = make_slot(writer, name); !made) {
        return made;
    }
    return copy_writer(context, *unit.node, *unit.writer);
}

base::Status start_writer(const Context& context, Unit& writer) {
    for (int attempt = 0;; ++attempt) {
        if (auto launched = launch(context, writer); !launched) {
            return launched;
        }
        const bool adopted = !writer.process.child;
        auto ready = wait_ready(context, *writer.node, writer.process, ready_wait);
        // One that was taken over may have been told to stop already by a supervisor that was killed while it
        // stopped.
        if (ready || !adopted || attempt > 0) {
            return ready;
        }
    }
}

/// Readers whose writer another region's supervisor runs: it may come up later.
base::Status bring_up_followers(const Context& context, Group& group, std::atomic<std::size_t>& done,
                                std::size_t total) {
    for (auto* reader : group.readers) {
        const auto deadline = Clock::now() + ready_wait;
        bool told = false;
        for (;;) {
            auto writer =
                connect(context.secrets, *reader->writer, roles::superuser, context.topology.database.name);
            // Its schema is what a copy must hold, so that the gateway here serves at once.
            if (writer && writer->run("SELECT FROM domicile.shard", std::chrono::seconds{5})) {
                break;
            }
            if (context.stopping() || Clock::now() > deadline) {
                return base::fail(
                    Code::node_unavailable,
                    "reader " + reader->name + ": its writer " + reader->writer->name + " is out of reach",
                    "start the region of the writer");
            }
            if (!std::exchange(told, true)) {
                context.say(Step::note, reader->name, reader->name + " waits for " + reader->writer->name);
            }
            std::this_thread::sleep_for(poll_interval * 5);
        }
        if (auto up = bring_up_reader(context, *reader); !up) {
            return up;
        }
        context.say(Step::node, reader->name, reader->name + " streams", ++done, total);
    }
    return {};
}

base::Status bring_up_group(const Context& context, Group& group, std::atomic<std::size_t>& done,
                            std::size_t total) {
    if (group.writer == nullptr) {
        return bring_up_followers(context, group, done, total);
    }
    auto& writer = *group.writer;
    if (auto made = create_writer(context, *writer.node); !made) {
        return made;
    }
    if (auto ready = start_writer(context, writer); !ready) {
        return ready;
    }
    if (auto prepared = prepare_database(context, *writer.node); !prepared) {
        return prepared;
    }
    context.say(Step::node, writer.name, writer.name + " is ready", ++done, total);
    for (auto* reader : group.readers) {
        if (auto up = bring_up_reader(context, *reader); !up) {
            return up;
        }
        context.say(Step::node, reader->name, reader->name + " streams", ++done, total);
    }
    return {};
}

}  // namespace

std::vector<Group> groups_of(Units& units) {
    std::vector<Group> groups;
    for (auto& unit : units) {
        if (unit->kind == UnitKind::writer || unit->kind == UnitKind::central) {
            groups.push_back({.writer = unit.get(), .readers = {}});
        }
    }
    for (auto& unit : units) {
        if (unit->kind != UnitKind::reader) {
            continue;
        }
        const auto group = std::ranges::find_if(groups, [&](const Group& candidate) {
            return candidate.writer != nullptr && candidate.writer->node == unit->writer;
        });
        if (group != groups.end()) {
            group->readers.push_back(unit.get());
        } else {
            groups.push_back({.writer = nullptr, .readers = {unit.get()}});
        }
    }
    return groups;
}

base::Status bring_up(const Context& context, std::vector<Group>& groups) {
    std::size_t total = 0;
    for (const auto& group : groups) {
        total += (group.writer != nullptr ? 1U : 0U) + group.readers.size();
    }
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> done{0};
    std::atomic<bool> failed{false};
    std::mutex mutex;
    base::Status first;
    const auto work = [&] {
        for (std::size_t i = next++; i < groups.size() && !failed && !context.stopping(); i = next++) {
            if (auto up = bring_up_group(context, groups[i], done, total); !up) {
                const std::lock_guard lock(mutex);
                if (!failed.exchange(true)) {
                    first = std::move(up);
                }
            }
        }
    };
    {
        std::vector<std::jthread> workers;
        const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
        for (std::size_t i = 0; i < std::min(groups.size(), cores * 2); ++i) {
            workers.emplace_back(work);
        }
    }
    return first;
}

base::Status bring_up_reader(const Context& context, Unit& unit) {
    auto writer = connect(context.secrets, *unit.writer, roles::superuser, "postgres");
    if (!writer) {
        return std::unexpected(std::move(writer.error()));
    }
    base::Status last =
        base::fail(Code::node_unavailable, "stopped before reader " + unit.name + " was started");
    bool again = false;
    for (int attempt = 0; attempt < 3 && !context.stopping(); ++attempt) {
        const auto slot = slot_state(*writer, slot_name(unit.name));
        if (!slot) {
            return std::unexpected(slot.error());
        }
        const bool had_data = has_data(context.state, *unit.node);
        if (again || !had_data || *slot != SlotState::usable) {
            if (had_data && !again) {
                context.say(
                    Step::note, unit.name,
                    "reader " + unit.name +
                        (*slot == SlotState::lost ? " was away too long for its writer to keep what it missed"
                                                  : " is unknown to its writer") +
                        ": copying it anew");
            }
            if (auto copied = copy(context, unit, *writer, *slot); !copied) {
                return copied;
            }
        }
        last = launch(context, unit);
        const bool adopted = last && !unit.process.child;
        if (last) {
            last = wait_streaming(context, unit, *writer);
        }
        if (last) {
            return {};
        }
        again = !adopted;
        if (!context.stopping() && again && attempt == 0) {
            context.say(Step::note, unit.name, base::describe(last.error()) + ": copying it anew");
        }
    }
    return last;
}

base::Status check_external(const Context& context) {
    for (const auto& shard : context.topology.shards) {
        bool embedded = false;
        bool answered = false;
        for (const auto index : shard.nodes) {
            const auto& node = context.topology.at(index);
            embedded = embedded || node.embedded;
            if (!node.embedded && answers(node.address, 2s)) {
                answered = true;
            } else if (!node.embedded) {
                context.say(Step::note, node.name, "existing server " + node.name + " does not answer");
            }
        }
        if (!embedded && !answered) {
            return base::fail(Code::node_unavailable, "no server of shard " + shard.name + " answers",
                              "they are existing servers: start them, or mend `nodes` of the shard");
        }
    }
    return {};
}

}  // namespace domicile::fleet

#include "fleet/fleet.hpp"

#include "cloud/files.hpp"
#include "fleet/context.hpp"
#include "fleet/issuer.hpp"
#include "fleet/mesh_authority.hpp"
#include "fleet/node.hpp"
#include "fleet/supervisor.hpp"
#include "fleet/text.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace domicile::fleet {
namespace fs = std::filesystem;
using base::Code;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

// Longer than the supervisor gives its slowest node.
constexpr auto down_wait = 150s;
constexpr auto poll_interval = 50ms;

const std::atomic<bool> never{false};

bool is_state(const StateDir& state) {
    std::error_code error;
    return fs::exists(state.marker(), error);
}

/// Through every link, because the kernel reports working directories that way.
StateDir resolved(const fs::path& state) {
    std::error_code error;
    const auto path = fs::weakly_canonical(state, error);
    return StateDir(error ? state : path);
}

StateDir state_of(const topology::Topology& topology, const Options& options) {
    auto state = resolved(options.state);
    return options.region ? state.of_region(topology.at(*options.region).name) : state;
}

void tell(const Options& options, std::string text) {
    if (options.progress) {
        options.progress({.step = Step::note, .name = {}, .done = 0, .total = 0, .text = std::move(text)});
    }
}

/// Keeps the topology in force beside the state, where the gateways' user can read it. True if it differs
/// from before.
base::Result<bool> keep_topology(const StateDir& state, const fs::path& file) {
    const auto text = read_file(file);
    if (!text) {
        return std::unexpected(text.error());
    }
    const auto before = read_file(state.topology());
    if (before && *before == *text) {
        return false;
    }
    if (auto written = write_file(state.topology(), *text, 0644, nullptr); !written) {
        return std::unexpected(std::move(written.error()));
    }
    return before.has_value();
}

bool same_content(const fs::path& one, const fs::path& other) {
    std::error_code error;
    if (!fs::exists(other, error) || fs::file_size(one, error) != fs::file_size(other, error)) {
        return false;
    }
    std::ifstream a(one, std::ios::binary);
    std::ifstream b(other, std::ios::binary);
    return std::equal(std::istreambuf_iterator<char>(a), {}, std::istreambuf_iterator<char>(b), {});
}

/// Keeps the binary beside the state: the gateways' user may not reach a build tree in somebody's home, and a
/// rebuild must not change what runs.
base::Result<fs::path> keep_binary(const StateDir& state, const fs::path& self) {
    fs::path kept = state.binary();
    if (same_content(self, kept)) {
        return kept;
    }
    std::error_code error;
    const fs::path beside = kept.string() + ".new";
    fs::create_directories(kept.parent_path(), error);
    fs::copy_file(self, beside, fs::copy_options::overwrite_existing, error);
    if (!error) {
        fs::permissions(beside, fs::perms(0755), error);
    }
    if (!error) {
        fs::rename(beside, kept, error);
    }
    if (error) {
        return base::fail(Code::configuration,
                          "cannot copy the binary to " + kept.string() + ": " + error.message());
    }
    return kept;
}

base::Status wait_for_supervisor(const StateDir& state, pid_t pid) {
    const auto deadline = Clock::now() + down_wait;
    while (SupervisorLock::holder(state)) {
        std::error_code error;
        // Again if it is gone: a supervisor that was just starting has cleared it.
        if (!fs::exists(state.stop_request(), error)) {
            if (auto asked = write_file(state.stop_request(), "", 0644, nullptr); !asked) {
                return asked;
            }
        }
        if (Clock::now() > deadline) {
            return base::fail(
                Code::internal, "the supervisor, process " + std::to_string(pid) + ", does not stop",
                "end it with `kill -9 " + std::to_string(pid) + "`, then run `domicile down` again");
        }
        std::this_thread::sleep_for(poll_interval);
    }
    std::error_code error;
    fs::remove(state.stop_request(), error);
    return {};
}

bool anything_runs(const topology::Topology& topology, const StateDir& state,
                   std::optional<topology::RegionIndex> region) {
    const auto units = units_of(topology, region);
    if (std::ranges::any_of(units, [&](const auto& unit) { return find_unit(state, *unit).has_value(); })) {
        return true;
    }
    if (region) {
        return false;  // the rest is others' work
    }
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(state.runs(), error)) {
        if (entry.path().extension() == ".pid" && running(entry.path())) {
            return true;
        }
    }
    return false;
}

}  // namespace

base::Status up(const topology::Topology& topology, const Options& options, const std::atomic<bool>& stop) {
    auto user = runtime_user();
    if (!user) {
        return std::unexpected(std::move(user.error()));
    }
    auto programs = find_programs();
    if (!programs) {
        return std::unexpected(std::move(programs.error()));
    }
    if (auto created = resolved(options.state).create(*user); !created) {
        return created;
    }
    const auto state = state_of(topology, options);
    auto lock = SupervisorLock::take(state);
    if (!lock) {
        return std::unexpected(std::move(lock.error()));
    }
    if (!*lock) {
        const auto holder = SupervisorLock::holder(state);
        tell(options,
             "already up" + (holder && *holder > 0 ? ", pid " + std::to_string(*holder) : std::string()));
        const auto text = read_file(options.topology_file);
        const auto in_force = read_file(state.topology());
        if (!same_content(options.self, state.binary()) || (text && in_force && *text != *in_force)) {
            tell(options,
                 "it runs an older build or topology: `domicile down`, then `domicile up` changes to this "
                 "one");
        }
        return {};
    }
    std::error_code error;
    fs::remove(state.ready(), error);
    fs::remove(state.stop_request(), error);
    {
        // Supervisors of several regions may come up at once: what they share is made once.
        const auto alone = cloud::FolderLock::take(state.secrets());
        if (!alone) {
            return std::unexpected(alone.error());
        }
        const Secrets secrets(topology, state);
        if (auto made = secrets.make(*user); !made) {
            return made;
        }
        if (auto made = make_issuers(secrets, *user); !made) {
            return made;
        }
        if (auto made = make_mesh_authorities(secrets); !made) {
            return made;
        }
    }
    const auto changed = keep_topology(state, options.topology_file);
    if (!changed) {
        return std::unexpected(changed.error());
    }
    Options settled = options;
    auto kept = keep_binary(state, options.self);
    if (!kept) {
        return std::unexpected(std::move(kept.error()));
    }
    settled.self = std::move(*kept);
    const Context context(topology, settled, state, std::move(*user), std::move(*programs), stop);
    context.say(Step::prepare, "", "state in " + state.root().string());
    return Supervisor(context, *changed).run();
}

base::Status down(const topology::Topology& topology, const Options& options) {
    const auto state = state_of(topology, options);
    if (!is_state(state)) {
        tell(options, "nothing runs");
        return {};
    }
    const auto holder = SupervisorLock::holder(state);
    if (holder) {
        tell(options, "asking the supervisor, process " + std::to_string(*holder) + ", to stop");
        if (auto stopped = wait_for_supervisor(state, *holder); !stopped) {
            return stopped;
        }
    }
    // Held while we stop what is left, so that no new supervisor starts it again beside us.
    const auto lock = SupervisorLock::take(state);
    if (!lock) {
        return std::unexpected(lock.error());
    }
    if (!*lock) {
        return base::fail(Code::configuration, "a new supervisor has started meanwhile",
                          "run `domicile down` again");
    }
    std::error_code error;
    fs::remove(state.ready(), error);
    for (const auto& node : topology.nodes) {
        if (node.embedded && (!options.region || node.region == *options.region)) {
            end_setup(state, node);
        }
    }
    if (!anything_runs(topology, state, options.region)) {
        tell(options, holder ? "everything has stopped" : "nothing runs");
        return {};
    }
    const Context context(topology, options, state, RunAs{}, Programs{}, never);
    auto units = units_of(topology, options.region);
    stop_strangers(context, units);
    return stop_units(context, units);
}

base::Status reset(const topology::Topology& topology, const Options& options) {
    const auto state = resolved(options.state);
    std::error_code error;
    if (!fs::exists(state.root(), error)) {
        tell(options, "nothing to delete: " + state.root().string() + " does not exist");
        return {};
    }
    if (!is_state(state)) {
        return base::fail(Code::configuration,
                          state.root().string() + " is not a state directory of Domicile",
                          "it lacks the file .domicile-state; nothing was deleted");
    }
    auto lock = SupervisorLock::take(state);
    if (!lock) {
        return std::unexpected(std::move(lock.error()));
    }
    if (!*lock || anything_runs(topology, state, std::nullopt)) {
        return base::fail(Code::configuration, "the system is up: nothing was deleted",
                          "run `domicile down` first");
    }
    // The marker goes last: an interrupted reset can be run again.
    for (const auto& entry : fs::directory_iterator(state.root(), error)) {
        if (entry.path() != state.marker()) {
            fs::remove_all(entry.path(), error);
        }
        if (error) {
            break;
        }
    }
    if (!error) {
        fs::remove_all(state.root(), error);
    }
    if (error) {
        return base::fail(Code::configuration, "cannot delete " + state.root().string(), "", error.message());
    }
    tell(options, "deleted " + state.root().string());
    return {};
}

bool ready(const fs::path& state) {
    return running(resolved(state).ready()).has_value();
}

}  // namespace domicile::fleet

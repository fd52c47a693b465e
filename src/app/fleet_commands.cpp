// `domicile up | down | status | reset`.

#include "app/common.hpp"
#include "app/region_files.hpp"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <signal.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace domicile::app {
namespace {

std::atomic<bool> stop_requested{false};

void request_stop(int /*signal*/) {
    stop_requested.store(true);
}

void catch_signals() {
    struct sigaction action{};
    action.sa_handler = request_stop;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    signal(SIGPIPE, SIG_IGN);
}

/// One line of progress, as the terminal shows it.
std::string line_of(const fleet::Progress& progress) {
    static constexpr std::string_view names[] = {"prepare", "node",  "migrate", "mesh", "gateway",
                                                 "worker",  "ready", "restart", "stop", "note"};
    std::string line = "  ";
    line += names[static_cast<std::size_t>(progress.step)];
    line.resize(11, ' ');
    if (progress.total != 0) {
        line += std::to_string(progress.done) + "/" + std::to_string(progress.total) + " ";
    }
    // The text names what it is about.
    line += progress.text.empty() ? progress.name : progress.text;
    return line;
}

int up_in_foreground(const topology::Topology& topology, fleet::Options options) {
    options.progress = [](const fleet::Progress& progress) { std::cout << line_of(progress) << std::endl; };
    catch_signals();
    const auto done = fleet::up(topology, options, stop_requested);
    return done ? 0 : failed(done.error());
}

/// The child of `up --detach`: supervises; tells the parent through `pipe` until all is ready.
int supervise_detached(const topology::Topology& topology, fleet::Options options, int pipe) {
    ::setsid();
    catch_signals();
    int out = pipe;
    const auto say = [&out](const std::string& line) {
        if (out >= 0) {
            const std::string text = line + "\n";
            std::ignore = ::write(out, text.data(), text.size());
        } else {
            std::fprintf(stderr, "%s\n", line.c_str());
        }
    };
    options.progress = [&](const fleet::Progress& progress) {
        say(line_of(progress));
        if (progress.step == fleet::Step::ready && out >= 0) {
            // From here on nobody listens: the terminal is given back and later lines go to the log.
            const std::string log = fleet::StateDir(options.state).log("supervisor").string();
            const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
            const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
            ::dup2(null, STDIN_FILENO);
            ::dup2(file >= 0 ? file : null, STDOUT_FILENO);
            ::dup2(file >= 0 ? file : null, STDERR_FILENO);
            const int ready = std::exchange(out, -1);
            std::ignore = ::write(ready, "\x04", 1);
            ::close(ready);
        }
    };
    const auto done = fleet::up(topology, options, stop_requested);
    if (!done) {
        say("domicile: " + base::describe(done.error()));
        return 1;
    }
    if (stop_requested) {
        return 130;
    }
    if (out >= 0) {
        std::ignore = ::write(out, "\x04", 1);  // already up: there was nothing to wait for
    }
    return 0;
}

int up_detached(const topology::Topology& topology, const fleet::Options& options) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return failed({base::Code::internal, std::string("pipe: ") + std::strerror(errno), {}, {}, {}});
    }
    std::cout.flush();
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        const int exit_code = supervise_detached(topology, options, ends[1]);
        std::_Exit(exit_code);
    }
    ::close(ends[1]);
    if (child < 0) {
        return failed({base::Code::internal, std::string("fork: ") + std::strerror(errno), {}, {}, {}});
    }
    catch_signals();
    bool ready = false;
    bool told = false;
    char bytes[512];
    for (;;) {
        const ssize_t count = ::read(ends[0], bytes, sizeof bytes);
        if (stop_requested && !told) {
            told = true;
            std::cout << "  stopping: what was started is being stopped again" << std::endl;
            ::kill(child, SIGTERM);
        }
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            break;
        }
        const std::string_view text(bytes, static_cast<std::size_t>(count));
        const auto mark = text.find('\x04');
        std::cout << text.substr(0, mark) << std::flush;
        if (mark != std::string_view::npos) {
            ready = true;
            break;
        }
    }
    ::close(ends[0]);
    if (ready) {
        return 0;
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? std::max(WEXITSTATUS(status), told ? 130 : 1) : 1;
}

}  // namespace

namespace {

bool choose_region(fleet::Options& options, const topology::Topology& topology, const std::string& name) {
    if (name.empty()) {
        return true;
    }
    options.region = topology.region(name);
    if (!options.region) {
        failed({base::Code::configuration,
                "There is no region " + name + ".",
                "Name one of the topology.",
                {},
                {}});
    }
    return options.region.has_value();
}

}  // namespace

int up(const Common& common, const UpOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    // Gateways would refuse to start, one by one.
    if (const auto policies = read_policies(*topology, common.topology.parent_path()); !policies) {
        return failed(policies.error());
    }
    auto fleet = fleet_options(common, *topology);
    if (!choose_region(fleet, *topology, options.region)) {
        return 1;
    }
    return options.detach ? up_detached(*topology, fleet) : up_in_foreground(*topology, fleet);
}

int down(const Common& common, const UpOptions& command) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    auto options = fleet_options(common, *topology);
    if (!choose_region(options, *topology, command.region)) {
        return 1;
    }
    options.progress = [](const fleet::Progress& progress) { std::cout << line_of(progress) << std::endl; };
    const auto done = fleet::down(*topology, options);
    return done ? 0 : failed(done.error());
}

namespace {

/// What one relay has seen of the other regions, from the file it keeps.
int mesh_status(const Common& common, const topology::Topology& topology, const fleet::StateDir& state,
                const std::string& region) {
    const auto index = topology.region(region);
    if (!index || topology.at(*index).mesh.port == 0) {
        return failed({base::Code::configuration,
                       "The region " + region + " is not in the mesh.",
                       "Name one that has `mesh` in the topology.",
                       {},
                       {}});
    }
    const std::string seen = RegionFiles(state.region(region)).seen();
    if (seen.empty()) {
        return failed({base::Code::configuration,
                       "The relay of " + region + " has seen nothing yet, or does not run here.",
                       "Start it: domicile up.",
                       {},
                       {}});
    }
    std::cout << (common.json ? seen : render_seen(seen));
    return 0;
}

}  // namespace

int status(const Common& common, const StatusOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const auto fleet = fleet_options(common, *topology);
    catch_signals();
    if (!options.mesh.empty()) {
        return mesh_status(common, *topology, fleet::StateDir(fleet.state), options.mesh);
    }
    do {
        const auto report = fleet::status(*topology, fleet);
        if (!report) {
            return failed(report.error());
        }
        if (options.watch && !common.json) {
            std::cout << "\x1b[H\x1b[2J";
        }
        std::cout << (common.json ? fleet::render_json(*report) : fleet::render_table(*report)) << std::flush;
        for (int i = 0; options.watch && i < 10 && !stop_requested; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds{100});
        }
    } while (options.watch && !stop_requested);
    return 0;
}

int reset(const Common& common, const ResetOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const auto fleet = fleet_options(common, *topology);
    if (!options.yes) {
        std::cout << "This deletes every database of \"" << topology->name << "\" in " << fleet.state.string()
                  << ".\nType the name to go on: " << std::flush;
        std::string answer;
        std::getline(std::cin, answer);
        if (answer != topology->name) {
            std::cout << "Nothing was deleted.\n";
            return 1;
        }
    }
    const auto done = fleet::reset(*topology, fleet);
    if (!done) {
        return failed(done.error());
    }
    std::cout << "Deleted " << fleet.state.string() << '\n';
    return 0;
}

}  // namespace domicile::app

#include "fleet/node.hpp"

#include "fleet/node_tls.hpp"
#include "fleet/secrets.hpp"
#include "fleet/text.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

namespace domicile::fleet {
namespace fs = std::filesystem;
using base::Code;
using namespace std::chrono_literals;

namespace {

constexpr auto initdb_wait = 2min;
constexpr auto copy_wait = 60min;
constexpr auto poll_interval = 20ms;
constexpr std::string_view version = "15";
constexpr std::string_view draft_name = "data.draft";

/// A fresh place for a new data directory, without what an interrupted run has left.
base::Result<fs::path> fresh_draft(const Context& context, const topology::Node& node) {
    if (auto made = make_private_folder(context.state.node(node.name), context.user); !made) {
        return std::unexpected(std::move(made.error()));
    }
    auto draft = context.state.node(node.name) / draft_name;
    end_setup(context.state, node);
    std::error_code error;
    fs::remove_all(draft, error);
    if (error) {
        return base::fail(Code::configuration, "cannot remove " + draft.string(), "", error.message());
    }
    return draft;
}

base::Status put_in_place(const Context& context, const topology::Node& node, const fs::path& draft) {
    const auto data = context.state.data(node.name);
    std::error_code error;
    fs::remove_all(data, error);
    if (!error) {
        fs::rename(draft, data, error);
    }
    if (error) {
        return base::fail(Code::configuration, "cannot put " + data.string() + " in place", "",
                          error.message());
    }
    return {};
}

/// initdb ran without sync, which costs seconds per cluster; one flush makes the whole file system safe.
void flush(const fs::path& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        ::syncfs(fd);
        ::close(fd);
    }
}

Command command_for(const Context& context, const topology::Node& node, std::string_view log) {
    Command command;
    command.environment = child_environment(context.user);
    command.log = context.state.log(node.name + std::string(log));
    rotate_log(command.log);
    return command;
}

}  // namespace

std::optional<Postmaster> parse_postmaster(std::string_view text) {
    // PostgreSQL: LOCK_FILE_LINE_*: pid, directory, start time, port, socket folder, address, shared memory,
    // status.
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        lines.push_back(trim(text.substr(0, end)));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    if (lines.empty()) {
        return std::nullopt;
    }
    const auto pid = parse_number<pid_t>(lines[0]);
    if (!pid || *pid <= 1) {
        return std::nullopt;
    }
    Postmaster result{.pid = *pid};
    if (lines.size() > 3) {
        result.port = parse_number<std::uint16_t>(lines[3]).value_or(0);
    }
    if (lines.size() > 7) {
        result.ready = lines[7] == "ready";
        result.stopping = lines[7] == "stopping";
    }
    return result;
}

std::optional<LiveNode> find_node(const StateDir& state, const topology::Node& node) {
    const auto text = read_file(state.data(node.name) / "postmaster.pid");
    const auto file = text ? parse_postmaster(*text) : std::nullopt;
    if (!file) {
        return std::nullopt;
    }
    const auto process = existing(file->pid);
    std::error_code error;
    // The kernel may have given the pid to another program: a postmaster stands in its data directory.
    const auto cwd = fs::read_symlink("/proc/" + std::to_string(file->pid) + "/cwd", error);
    if (!process || error || cwd != state.data(node.name)) {
        return std::nullopt;
    }
    return LiveNode{.process = *process, .file = *file};
}

bool has_data(const StateDir& state, const topology::Node& node) {
    std::error_code error;
    return fs::exists(state.data(node.name) / "PG_VERSION", error);
}

void end_setup(const StateDir& state, const topology::Node& node) {
    const auto draft = state.node(node.name) / draft_name;
    const auto busy = processes_in(draft);
    for (const pid_t pid : all_pids()) {
        const auto arguments = command_line(pid);
        const bool ours = std::ranges::find(busy, pid) != busy.end() ||
                          std::ranges::find(arguments, "--pgdata=" + draft.string()) != arguments.end();
        const auto program = fs::path(executable(pid)).filename();
        if (ours && (program == "initdb" || program == "postgres" || program == "pg_basebackup")) {
            if (auto process = existing(pid)) {
                send_signal(*process, SIGKILL);
                [[maybe_unused]] const bool gone = wait_gone(*process, 2s);
            }
        }
    }
}

base::Status create_writer(const Context& context, const topology::Node& node) {
    if (has_data(context.state, node)) {
        const auto made_by = read_file(context.state.data(node.name) / "PG_VERSION");
        if (!made_by || trim(*made_by) != version) {
            return base::fail(Code::configuration,
                              "the data of node " + node.name + " was not made by PostgreSQL 15",
                              "bring it to version 15 with pg_upgrade, or start anew with `domicile reset`");
        }
        return {};
    }
    const auto draft = fresh_draft(context, node);
    if (!draft) {
        return std::unexpected(draft.error());
    }
    auto command = command_for(context, node, ".setup");
    const auto login = context.secrets.login(scope_of(context.topology, node), roles::superuser);
    if (!login) {
        return std::unexpected(login.error());
    }
    // initdb reads passwords from files only; this one lives as long as initdb.
    const auto secret = context.state.node(node.name) / "password";
    if (auto written = write_file(secret, login->password.reveal(), 0600, &context.user); !written) {
        return written;
    }
    command.arguments = {context.programs.initdb.string(),
                         "--pgdata=" + draft->string(),
                         "--no-sync",
                         "--no-locale",
                         "--encoding=UTF8",
                         "--auth=scram-sha-256",
                         "--data-checksums",
                         "--username=" + std::string(roles::superuser),
                         "--pwfile=" + secret.string()};
    auto done = run_to_end(command, context.user, initdb_wait, [&] { return context.stopping(); });
    std::error_code error;
    fs::remove(secret, error);
    if (!done) {
        return done;
    }
    auto main_file = read_file(*draft / "postgresql.conf");
    if (!main_file) {
        return std::unexpected(std::move(main_file.error()));
    }
    if (auto written = write_file(*draft / "postgresql.conf", *main_file + "\ninclude 'domicile.conf'\n",
                                  0600, &context.user);
        !written) {
        return written;
    }
    if (context.topology.embedded.durable) {
        flush(*draft);
    }
    return put_in_place(context, node, *draft);
}

base::Status copy_writer(const Context& context, const topology::Node& reader, const topology::Node& writer) {
    const auto draft = fresh_draft(context, reader);
    if (!draft) {
        return std::unexpected(draft.error());
    }
    const auto login = context.secrets.login(scope_of(context.topology, reader), roles::replication);
    if (!login) {
        return std::unexpected(login.error());
    }
    auto command = command_for(context, reader, ".setup");
    command.environment.push_back("PGPASSFILE=" +
                                  passfile(context.state, scope_of(context.topology, reader)).string());
    const auto index = static_cast<std::uint16_t>(&writer - context.topology.nodes.data());
    const auto way = context.topology.reach(reader.region, topology::NodeIndex(index));
    command.arguments = {context.programs.pg_basebackup.string(),
                         "--pgdata=" + draft->string(),
                         "--host=" + way.host,
                         "--port=" + std::to_string(way.port),
                         "--username=" + login->user,
                         "--no-password",
                         "--checkpoint=fast",
                         "--wal-method=stream",
                         "--slot=" + slot_name(reader.name),
                         "--no-sync"};
    if (auto done = run_to_end(command, context.user, copy_wait, [&] { return context.stopping(); }); !done) {
        return done;
    }
    // Before it is in place: a copy without this file would come up as a second writer.
    if (auto written = write_file(*draft / "standby.signal", "", 0600, &context.user); !written) {
        return written;
    }
    return put_in_place(context, reader, *draft);
}

base::Status configure(const Context& context, const topology::Node& node, const topology::Node* writer) {
    const auto data = context.state.data(node.name);
    Upstream upstream;
    if (writer != nullptr) {
        const auto login = context.secrets.login(scope_of(context.topology, node), roles::replication);
        if (!login) {
            return std::unexpected(login.error());
        }
        const auto index = static_cast<std::uint16_t>(writer - context.topology.nodes.data());
        const auto way = context.topology.reach(node.region, topology::NodeIndex(index));
        upstream = {.writer = writer->address,
                    .relay = way == writer->address ? topology::Address{} : way,
                    .slot = slot_name(node.name),
                    .application = application_name(node.name),
                    .passfile = passfile(context.state, scope_of(context.topology, node)),
                    .user = login->user};
        if (auto written = write_file(data / "standby.signal", "", 0600, &context.user); !written) {
            return written;
        }
    }
    if (context.topology.embedded.tls) {
        upstream.authority = context.state.node_authority(scope_of(context.topology, node)).string();
        if (auto certified = ensure_node_certificate(context, node); !certified) {
            return certified;
        }
    }
    const auto conf = postgres_conf(context.topology, node, writer != nullptr ? &upstream : nullptr);
    if (auto written = write_file(data / "domicile.conf", conf, 0600, &context.user); !written) {
        return written;
    }
    return write_file(data / "pg_hba.conf", hba_conf(context.topology, node), 0600, &context.user);
}

base::Result<Process> start_node(const Context& context, const topology::Node& node) {
    if (auto live = find_node(context.state, node)) {
        if (live->file.stopping) {
            [[maybe_unused]] const bool gone = wait_gone(live->process, 60s);
        } else if (live->file.port == node.address.port) {
            send_signal(live->process, SIGHUP);  // it reads the files that configure() has written
            return live->process;
        }
        send_signal(live->process, SIGINT);
        if (!wait_gone(live->process, 60s)) {
            return base::fail(Code::internal, "node " + node.name + " does not stop");
        }
    }
    const auto data = context.state.data(node.name);
    bool empty = true;
    for (const pid_t pid : processes_in(data)) {
        if (fs::path(executable(pid)).filename() != "postgres") {
            continue;  // a shell of the operator, say
        }
        if (auto orphan = existing(pid)) {
            send_signal(*orphan, SIGKILL);
            empty = wait_gone(*orphan, 2s) && empty;
        }
    }
    if (empty) {
        // With nothing alive in the folder the lock file is stale; its pid may be another postmaster's by
        // now, which PostgreSQL would take for a living owner.
        std::error_code error;
        fs::remove(data / "postmaster.pid", error);
    }
    auto command = command_for(context, node, "");
    command.arguments = {context.programs.postgres.string(), "-D", data.string()};
    auto process = spawn(command, context.user);
    if (!process) {
        return process;
    }
    if (auto written = write_file(context.state.pid(node.name), pid_text(*process), 0644, nullptr);
        !written) {
        return std::unexpected(std::move(written.error()));
    }
    return process;
}

base::Status wait_ready(const Context& context, const topology::Node& node, Process& process,
                        std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const auto log = context.state.log(node.name);
    while (!context.stopping()) {
        if (!alive(process)) {
            return base::fail(Code::node_unavailable, "node " + node.name + " died while it started",
                              "see " + log.string(), tail(log, 3));
        }
        const auto live = find_node(context.state, node);
        if (live && live->file.pid == process.pid && live->file.ready) {
            return {};
        }
        if (std::chrono::steady_clock::now() > deadline) {
            return base::fail(Code::node_unavailable, "node " + node.name + " does not become ready",
                              "see " + log.string(), tail(log, 3));
        }
        std::this_thread::sleep_for(poll_interval);
    }
    return base::fail(Code::node_unavailable, "stopped while node " + node.name + " was starting");
}

std::string_view node_state(const std::optional<LiveNode>& live) {
    if (!live) {
        return "down";
    }
    if (live->file.stopping) {
        return "stopping";
    }
    return live->file.ready ? "ready" : "starting";
}

}  // namespace domicile::fleet

#pragma once
// Unix processes as the fleet needs them: started as the right user, recognised again after we have died,
// ended by pid. A pid alone is not an identity (the kernel reuses it), so a process is a pid and its start
// time. Thread-safe as long as one Process value is used by one thread at a time.

#include "base/error.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace domicile::fleet {

/// The unix user our children run as. PostgreSQL refuses root, so root hands over to `postgres`.
struct RunAs {
    bool change = false;  ///< we are root and the child becomes this user
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
    std::string name;
    std::string home;
};

/// Ourselves, or `postgres` when we are root. configuration if that user is missing.
[[nodiscard]] base::Result<RunAs> runtime_user();

struct Command {
    std::vector<std::string> arguments;    ///< the first is the absolute path of the program
    std::vector<std::string> environment;  ///< all of it: nothing is inherited
    std::filesystem::path log;             ///< standard output and error are appended here
    bool bound = false;                    ///< dies with the thread that starts it; servers must not
};

/// PATH, HOME and locale for `user`, and of our own environment only what DOMICILE_ or a sanitizer reads: a
/// PGPASSWORD of the operator's shell never reaches a child.
[[nodiscard]] std::vector<std::string> child_environment(const RunAs& user);

struct Process {
    pid_t pid = 0;
    std::uint64_t started = 0;  ///< clock ticks since boot, field 22 of /proc/<pid>/stat
    bool child = false;         ///< ours to reap
    [[nodiscard]] bool known() const { return pid > 0; }
};

/// What /proc/<pid>/stat says of one process.
struct ProcStat {
    char state = '?';
    std::uint64_t started = 0;
};
[[nodiscard]] std::optional<ProcStat> parse_stat(std::string_view text);
[[nodiscard]] std::optional<ProcStat> stat_of(pid_t pid);

/// Starts `command` in a session of its own, so that Ctrl-C in our terminal and our own death leave it
/// running.
[[nodiscard]] base::Result<Process> spawn(const Command& command, const RunAs& user);

/// Runs `command` to its end; it does not outlive us. internal with the last lines of its log if it fails,
/// node_timeout after `timeout`; `stop` is asked now and then and ends it early.
[[nodiscard]] base::Status run_to_end(const Command& command, const RunAs& user,
                                      std::chrono::milliseconds timeout, const std::function<bool()>& stop);

/// Whether this very process still runs; reaps it if it was our child and has ended. A zombie is dead.
[[nodiscard]] bool alive(Process& process);
void send_signal(Process& process, int number);
/// Polls until the process is gone. False if it outlives `timeout`.
[[nodiscard]] bool wait_gone(Process& process, std::chrono::milliseconds timeout);

/// The process of `pid` as it is now, for adoption; nothing if it is gone or a zombie.
[[nodiscard]] std::optional<Process> existing(pid_t pid);
[[nodiscard]] std::vector<std::string> command_line(pid_t pid);
/// The running program's file; ends in " (deleted)" if it has been replaced since.
[[nodiscard]] std::string executable(pid_t pid);
/// Pids whose working directory is `directory`: for a PostgreSQL data directory that is its postmaster and
/// backends.
[[nodiscard]] std::vector<pid_t> processes_in(const std::filesystem::path& directory);
/// Every pid visible to us.
[[nodiscard]] std::vector<pid_t> all_pids();

/// The last `lines_max` lines of a text file, for error messages; empty if it cannot be read.
[[nodiscard]] std::string tail(const std::filesystem::path& file, std::size_t lines_max);

}  // namespace domicile::fleet

#include "fleet/process.hpp"

#include "fleet/text.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace domicile::fleet {
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr auto poll_interval = 10ms;

base::Result<RunAs> look_up(const passwd& entry, bool change) {
    RunAs user{.change = change,
               .uid = entry.pw_uid,
               .gid = entry.pw_gid,
               .groups = {},
               .name = entry.pw_name,
               .home = entry.pw_dir};
    // Looked up here and not after fork(): initgroups() takes locks that another thread may hold.
    int count = 64;
    user.groups.resize(static_cast<std::size_t>(count));
    if (getgrouplist(entry.pw_name, entry.pw_gid, user.groups.data(), &count) < 0) {
        user.groups.resize(static_cast<std::size_t>(count));
        if (getgrouplist(entry.pw_name, entry.pw_gid, user.groups.data(), &count) < 0) {
            return base::fail(base::Code::configuration, "cannot read the groups of unix user " + user.name);
        }
    }
    user.groups.resize(static_cast<std::size_t>(count));
    return user;
}

struct Descriptor {
    int value = -1;
    Descriptor() = default;
    explicit Descriptor(int fd) : value(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { reset(); }
    void reset() {
        if (value >= 0) {
            ::close(value);
            value = -1;
        }
    }
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (const auto& text : texts) {
        result.push_back(const_cast<char*>(text.c_str()));
    }
    result.push_back(nullptr);
    return result;
}

/// What the child needs between fork and exec, all made before: there only system calls are safe, because
/// another thread of the parent may have held any lock of the C library.
struct Launch {
    char* const* arguments;
    char* const* environment;
    const gid_t* groups;
    std::size_t group_count;
    uid_t uid;
    gid_t gid;
    bool change;
    bool bound;
    int log;
    int null;
    int report;
};

[[noreturn]] void child(const Launch& launch) {
    const auto check = [&](long result) {
        if (result < 0) {
            const int error = errno;
            [[maybe_unused]] const auto written = ::write(launch.report, &error, sizeof error);
            ::_exit(127);
        }
    };
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1, SIGUSR2}) {
        ::signal(number, SIG_DFL);
    }
    check(::setsid());
    ::umask(077);
    check(::dup2(launch.null, STDIN_FILENO));
    check(::dup2(launch.log, STDOUT_FILENO));
    check(::dup2(launch.log, STDERR_FILENO));
    check(::chdir("/"));
    if (launch.change) {
        // The raw calls: the C library's wrappers tell every thread of the process, with locks we cannot
        // trust here.
        check(::syscall(SYS_setgroups, launch.group_count, launch.groups));
        check(::syscall(SYS_setresgid, launch.gid, launch.gid, launch.gid));
        check(::syscall(SYS_setresuid, launch.uid, launch.uid, launch.uid));
    }
    if (launch.bound) {
        // After the change of user, which clears it.
        check(::prctl(PR_SET_PDEATHSIG, SIGKILL));
    }
    // Everything above is opened close-on-exec; this catches what a library has left open. 4 =
    // CLOSE_RANGE_CLOEXEC.
    ::syscall(SYS_close_range, 3U, ~0U, 4U);
    ::execve(launch.arguments[0], launch.arguments, launch.environment);
    check(-1);
    ::_exit(127);
}

}  // namespace

base::Result<RunAs> runtime_user() {
    std::array<char, 16384> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    if (::geteuid() == 0) {
        if (::getpwnam_r("postgres", &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
            return base::fail(
                base::Code::configuration, "there is no unix user `postgres`",
                "PostgreSQL refuses to run as root. Install the package postgresql-15, which makes the "
                "user, or run as an ordinary user");
        }
        return look_up(*found, true);
    }
    if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
        return base::fail(base::Code::configuration,
                          "unix user " + std::to_string(::geteuid()) + " has no entry in the user database",
                          "initdb needs one: add the user to /etc/passwd");
    }
    return look_up(*found, false);
}

std::vector<std::string> child_environment(const RunAs& user) {
    std::vector<std::string> result = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                       "HOME=" + user.home, "USER=" + user.name, "LANG=C.UTF-8", "TZ=UTC"};
    for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
        const std::string_view entry = *at;
        const auto name = entry.substr(0, entry.find('='));
        // Where AWS credentials are found, not what they are: an environment is seen by too many.
        const bool aws = name == "AWS_SHARED_CREDENTIALS_FILE" || name.starts_with("AWS_CONTAINER_");
        if (name.starts_with("DOMICILE_") || aws || name.ends_with("SAN_OPTIONS")) {
            result.emplace_back(entry);
        }
    }
    return result;
}

std::optional<ProcStat> parse_stat(std::string_view text) {
    // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
    const auto close = text.rfind(')');
    if (close == std::string_view::npos) {
        return std::nullopt;
    }
    const auto fields = split(text.substr(close + 1), ' ');
    if (fields.size() < 20 || fields[0].size() != 1) {
        return std::nullopt;
    }
    const auto started = parse_number<std::uint64_t>(fields[19]);
    if (!started) {
        return std::nullopt;
    }
    return ProcStat{.state = fields[0][0], .started = *started};
}

std::optional<ProcStat> stat_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    if (!std::getline(file, text)) {
        return std::nullopt;
    }
    return parse_stat(text);
}

base::Result<Process> spawn(const Command& command, const RunAs& user) {
    const auto& program = command.arguments.front();
    const auto broken = [&](std::string_view step, int error) {
        return base::fail(base::Code::configuration, "cannot start " + program,
                          error == EACCES ? "unix user " + user.name +
                                                " must be able to read and run that file and to "
                                                "enter every folder above it"
                                          : std::string(),
                          std::string(step) + ": " + std::strerror(error));
    };
    Descriptor log(::open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (log.value < 0) {
        return broken("open " + command.log.string(), errno);
    }
    Descriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return broken("pipe", errno);
    }
    Descriptor report_read(ends[0]);
    Descriptor report_write(ends[1]);
    const auto arguments = pointers(command.arguments);
    const auto environment = pointers(command.environment);
    const Launch launch{.arguments = arguments.data(),
                        .environment = environment.data(),
                        .groups = user.groups.data(),
                        .group_count = user.groups.size(),
                        .uid = user.uid,
                        .gid = user.gid,
                        .change = user.change,
                        .bound = command.bound,
                        .log = log.value,
                        .null = null.value,
                        .report = report_write.value};
    const pid_t pid = ::fork();
    if (pid < 0) {
        return broken("fork", errno);
    }
    if (pid == 0) {
        child(launch);
    }
    report_write.reset();
    int error = 0;
    ssize_t got = 0;
    do {
        got = ::read(report_read.value, &error, sizeof error);
    } while (got < 0 && errno == EINTR);
    if (got == static_cast<ssize_t>(sizeof error)) {
        ::waitpid(pid, nullptr, 0);
        return broken("exec", error);
    }
    // Not reaped yet, so /proc/<pid> is there even if it has ended already.
    const auto stat = stat_of(pid);
    return Process{.pid = pid, .started = stat ? stat->started : 0, .child = true};
}

base::Status run_to_end(const Command& command, const RunAs& user, std::chrono::milliseconds timeout,
                        const std::function<bool()>& stop) {
    auto bound = command;
    bound.bound = true;
    auto process = spawn(bound, user);
    if (!process) {
        return std::unexpected(std::move(process.error()));
    }
    const auto name = fs::path(command.arguments.front()).filename().string();
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    for (;;) {
        int status = 0;
        const pid_t ended = ::waitpid(process->pid, &status, WNOHANG);
        if (ended == process->pid) {
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
                return {};
            }
            return base::fail(base::Code::internal, name + " failed", "see " + command.log.string(),
                              tail(command.log, 3));
        }
        const bool late = std::chrono::steady_clock::now() > deadline;
        if (late || stop()) {
            // Its own session, so its process group is itself and the helpers it has forked.
            ::kill(-process->pid, SIGTERM);
            if (!wait_gone(*process, 3s)) {
                ::kill(-process->pid, SIGKILL);
                ::waitpid(process->pid, nullptr, 0);
            }
            return late ? base::fail(base::Code::node_timeout, name + " took too long",
                                     "see " + command.log.string())
                        : base::fail(base::Code::internal, name + " was told to stop");
        }
        std::this_thread::sleep_for(poll_interval);
    }
}

bool alive(Process& process) {
    if (!process.known()) {
        return false;
    }
    if (process.child && ::waitpid(process.pid, nullptr, WNOHANG) == process.pid) {
        process = {};
        return false;
    }
    const auto stat = stat_of(process.pid);
    return stat && stat->started == process.started && stat->state != 'Z' && stat->state != 'X';
}

void send_signal(Process& process, int number) {
    if (alive(process)) {
        ::kill(process.pid, number);
    }
}

bool wait_gone(Process& process, std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (alive(process)) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(poll_interval);
    }
    return true;
}

std::optional<Process> existing(pid_t pid) {
    const auto stat = stat_of(pid);
    if (pid <= 0 || !stat || stat->state == 'Z' || stat->state == 'X') {
        return std::nullopt;
    }
    return Process{.pid = pid, .started = stat->started, .child = false};
}

std::vector<std::string> command_line(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
    std::vector<std::string> result;
    for (std::string argument; std::getline(file, argument, '\0');) {
        result.push_back(argument);
    }
    return result;
}

std::string executable(pid_t pid) {
    std::error_code error;
    return fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", error).string();
}

std::vector<pid_t> all_pids() {
    std::vector<pid_t> result;
    std::error_code error;
    for (auto entry = fs::directory_iterator("/proc", error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
        if (const auto pid = parse_number<pid_t>(entry->path().filename().string())) {
            result.push_back(*pid);
        }
    }
    return result;
}

std::vector<pid_t> processes_in(const fs::path& directory) {
    std::vector<pid_t> result;
    for (const pid_t pid : all_pids()) {
        std::error_code error;
        const auto cwd = fs::read_symlink("/proc/" + std::to_string(pid) + "/cwd", error);
        if (!error && cwd == directory && existing(pid)) {
            result.push_back(pid);
        }
    }
    return result;
}

std::string tail(const fs::path& file, std::size_t lines_max) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
        return {};
    }
    constexpr std::streamoff bytes_max = 4096;
    stream.seekg(0, std::ios::end);
    stream.seekg(std::max<std::streamoff>(0, stream.tellg() - bytes_max));
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) {
        if (!line.empty()) {
            lines.push_back(line);
        }
    }
    std::string result;
    for (std::size_t i = lines.size() > lines_max ? lines.size() - lines_max : 0; i < lines.size(); ++i) {
        result += (result.empty() ? "" : " | ") + lines[i];
    }
    return result;
}

}  // namespace domicile::fleet

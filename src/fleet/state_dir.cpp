#include "fleet/state_dir.hpp"

#include "fleet/text.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace domicile::fleet {
namespace fs = std::filesystem;
using base::Code;

namespace {

base::Status broken(std::string_view action, const fs::path& path, int error) {
    const bool denied = error == EACCES || error == EPERM;
    return base::fail(
        Code::configuration, "cannot " + std::string(action) + " " + path.string(),
        denied ? "run as the user who started this system, or choose another place with --state" : "",
        std::strerror(error));
}

base::Status make_folder(const fs::path& folder, unsigned mode, const RunAs* owner) {
    if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST) {
        return broken("make the folder", folder, errno);
    }
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return broken("open the folder", folder, errno);
    }
    // The mode again, because the umask may have taken bits away.
    const bool done = (owner == nullptr || !owner->change || ::fchown(fd, owner->uid, owner->gid) == 0) &&
                      ::fchmod(fd, mode) == 0;
    const int error = errno;
    ::close(fd);
    return done ? base::Status() : broken("own the folder", folder, error);
}

}  // namespace

base::Status StateDir::create(const RunAs& user) const {
    std::error_code error;
    fs::create_directories(root_.parent_path(), error);
    if (error) {
        return broken("make the folder", root_.parent_path(), error.value());
    }
    if (fs::exists(root_, error) && !fs::exists(marker(), error) && !fs::is_empty(root_, error)) {
        return base::fail(Code::configuration, root_.string() + " holds other files than Domicile's",
                          "choose an empty or a new folder with --state");
    }
    if (auto made = make_folder(root_, 0755, nullptr); !made) {
        return made;
    }
    if (!fs::exists(marker(), error)) {
        if (auto written = write_file(marker(), "Domicile state. `domicile reset` deletes this folder.\n",
                                      0644, nullptr);
            !written) {
            return written;
        }
    }
    for (const auto& folder : {runs(), logs()}) {
        if (auto made = make_folder(folder, 0755, nullptr); !made) {
            return made;
        }
    }
    for (const auto& folder : {nodes(), secrets()}) {
        if (auto made = make_private_folder(folder, user); !made) {
            return made;
        }
    }
    return {};
}

base::Status make_private_folder(const fs::path& folder, const RunAs& owner) {
    return make_folder(folder, 0700, &owner);
}

fs::path default_state(const topology::Topology& topology, const fs::path& topology_file) {
    std::error_code error;
    auto absolute = fs::weakly_canonical(topology_file, error);
    if (error) {
        absolute = fs::absolute(topology_file, error);
    }
    const auto name = topology.name + "-" + short_hash(absolute.string());
    if (::geteuid() == 0) {
        return fs::path("/var/lib/domicile") / name;
    }
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && state[0] == '/') {
        return fs::path(state) / "domicile" / name;
    }
    const char* home = std::getenv("HOME");
    return fs::path(home != nullptr && home[0] == '/' ? home : "/tmp") / ".local/state/domicile" / name;
}

base::Status write_file(const fs::path& file, std::string_view text, unsigned mode, const RunAs* owner) {
    // Threads of one process may write the same file; each needs a draft of its own.
    static std::atomic<unsigned> counter{0};
    const fs::path draft =
        file.string() + ".draft-" + std::to_string(::getpid()) + "-" + std::to_string(++counter);
    const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) {
        return broken("write", draft, errno);
    }
    bool done = ::fchmod(fd, mode) == 0 &&
                (owner == nullptr || !owner->change || ::fchown(fd, owner->uid, owner->gid) == 0);
    for (std::size_t at = 0; done && at < text.size();) {
        const auto count = ::write(fd, text.data() + at, text.size() - at);
        done = count > 0 || (count < 0 && errno == EINTR);
        at += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    done = done && ::fsync(fd) == 0;
    int error = errno;
    ::close(fd);
    if (done && ::rename(draft.c_str(), file.c_str()) == 0) {
        return {};
    }
    error = done ? errno : error;
    ::unlink(draft.c_str());
    return broken("write", file, error);
}

base::Result<std::string> read_file(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    if (!stream || !(text << stream.rdbuf() || stream.peek() == std::ifstream::traits_type::eof())) {
        return std::unexpected(broken("read", file, errno).error());
    }
    return std::move(text).str();
}

std::string pid_text(const Process& process) {
    return std::to_string(process.pid) + " " + std::to_string(process.started) + "\n";
}

std::optional<Process> parse_pid(std::string_view text) {
    const auto fields = split(trim(text), ' ');
    if (fields.size() != 2) {
        return std::nullopt;
    }
    const auto pid = parse_number<pid_t>(fields[0]);
    const auto started = parse_number<std::uint64_t>(fields[1]);
    if (!pid || *pid < 1 || !started) {
        return std::nullopt;
    }
    return Process{.pid = *pid, .started = *started, .child = false};
}

std::optional<Process> running(const fs::path& pid_file, bool* stale) {
    const auto text = read_file(pid_file);
    auto process = text ? parse_pid(*text) : std::nullopt;
    const bool live = process && alive(*process);
    if (stale != nullptr) {
        *stale = text && !live;
    }
    return live ? process : std::nullopt;
}

void rotate_log(const fs::path& file, std::uintmax_t bytes_max) {
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (!error && size >= bytes_max) {
        fs::rename(file, file.string() + ".1", error);
    }
}

namespace {
/// A lock of the open file and not of the process: a second one in this very process conflicts too.
struct flock whole_file() {
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}
}  // namespace

SupervisorLock::~SupervisorLock() {
    if (fd_ >= 0) {
        // Emptied first: whoever reads the file after us must not find our pid.
        [[maybe_unused]] const int emptied = ::ftruncate(fd_, 0);
        ::close(fd_);
    }
}

base::Result<std::optional<SupervisorLock>> SupervisorLock::take(const StateDir& state) {
    const int fd = ::open(state.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return std::unexpected(broken("open", state.lock(), errno).error());
    }
    SupervisorLock lock(fd);
    auto whole = whole_file();
    if (::fcntl(fd, F_OFD_SETLK, &whole) != 0) {
        const int error = errno;
        ::close(std::exchange(lock.fd_, -1));
        if (error == EAGAIN || error == EACCES) {
            return std::optional<SupervisorLock>();
        }
        return std::unexpected(broken("lock", state.lock(), error).error());
    }
    const auto text = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd, 0) != 0 ||
        ::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        return std::unexpected(broken("write", state.lock(), errno).error());
    }
    return std::optional(std::move(lock));
}

std::optional<pid_t> SupervisorLock::holder(const StateDir& state) {
    const int fd = ::open(state.lock().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return std::nullopt;
    }
    std::optional<pid_t> result;
    // Asks without taking it: a look must not keep a supervisor from starting.
    auto whole = whole_file();
    if (::fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK) {
        std::array<char, 32> text{};
        const auto count = ::pread(fd, text.data(), text.size(), 0);
        const auto pid = count > 0 ? parse_number<pid_t>(trim({text.data(), static_cast<std::size_t>(count)}))
                                   : std::nullopt;
        result = pid.value_or(0);  // it lives, and has not written its pid yet
    }
    ::close(fd);
    return result;
}

}  // namespace domicile::fleet

#include "cloud/files.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace domicile::cloud {
namespace fs = std::filesystem;
using base::Code;

namespace {

class Fd {
  public:
    explicit Fd(int fd) : fd_(fd) {}
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

std::unexpected<base::Error> failure(Code code, std::string_view what, const fs::path& path) {
    return base::fail(code, "cannot " + std::string(what) + " " + path.string(), "", std::strerror(errno));
}

/// What root makes belongs to the owner of the folder above.
void adopt(int fd, const fs::path& parent) {
    struct stat above{};
    if (::geteuid() == 0 && ::stat(parent.c_str(), &above) == 0) {
        [[maybe_unused]] const int done = ::fchown(fd, above.st_uid, above.st_gid);
    }
}

bool sync_folder(const fs::path& folder) {
    const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return fd.get() >= 0 && ::fsync(fd.get()) == 0;
}

base::Status make_folders(const fs::path& root, const fs::path& folder) {
    if (folder == root || ::access(folder.c_str(), F_OK) == 0) {
        return {};
    }
    if (auto above = make_folders(root, folder.parent_path()); !above) {
        return above;
    }
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        return failure(Code::node_unavailable, "make", folder);
    }
    const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd.get() < 0) {
        return failure(Code::node_unavailable, "open", folder);
    }
    adopt(fd.get(), folder.parent_path());
    return {};
}

}  // namespace

base::Result<std::string> read_private(const fs::path& file, std::size_t bytes_max) {
    const Fd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (fd.get() < 0) {
        return failure(errno == ENOENT ? Code::not_found : Code::node_unavailable, "read", file);
    }
    std::string text(bytes_max + 1, '\0');
    std::size_t size = 0;
    for (;;) {
        const auto got = ::read(fd.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return failure(Code::node_unavailable, "read", file);
        }
        if (got == 0) {
            break;
        }
        size += static_cast<std::size_t>(got);
        if (size > bytes_max) {
            return base::fail(Code::configuration, file.string() + " is larger than it can be");
        }
    }
    text.resize(size);
    return text;
}

base::Status write_private(const fs::path& root, const fs::path& file, std::string_view text) {
    if (auto made = make_folders(root, file.parent_path()); !made) {
        return made;
    }
    const fs::path beside = file.string() + "." + std::to_string(::getpid()) + ".new";
    {
        const Fd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (fd.get() < 0) {
            return failure(Code::node_unavailable, "write", beside);
        }
        adopt(fd.get(), file.parent_path());
        for (std::size_t done = 0; done < text.size();) {
            const auto put = ::write(fd.get(), text.data() + done, text.size() - done);
            if (put < 0 && errno != EINTR) {
                return failure(Code::node_unavailable, "write", beside);
            }
            done += put > 0 ? static_cast<std::size_t>(put) : 0;
        }
        if (::fsync(fd.get()) != 0) {
            return failure(Code::node_unavailable, "write", beside);
        }
    }
    if (::rename(beside.c_str(), file.c_str()) != 0 || !sync_folder(file.parent_path())) {
        return failure(Code::node_unavailable, "put in place", file);
    }
    return {};
}

base::Result<FolderLock> FolderLock::take(const fs::path& root) {
    const fs::path file = root / ".lock";
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failure(Code::node_unavailable, "lock", file);
    }
    adopt(fd, root);
    while (::flock(fd, LOCK_EX) != 0) {
        if (errno != EINTR) {
            ::close(fd);
            return failure(Code::node_unavailable, "lock", file);
        }
    }
    return FolderLock(fd);
}

FolderLock::FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FolderLock::~FolderLock() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

}  // namespace domicile::cloud

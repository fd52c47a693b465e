#include "cloud/directory_store.hpp"

#include "crypto/hash.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace domicile::cloud {
namespace fs = std::filesystem;
using base::Code;

namespace {

constexpr std::string_view magic = "DOMO1 ";
constexpr std::size_t head_bytes = 6 + 64 + 1;  // magic, SHA-256 in hex, line feed

std::unexpected<base::Error> failure(std::string_view what, const fs::path& path) {
    return base::fail(Code::node_unavailable, "The object store cannot " + std::string(what) + ".", "",
                      path.string() + ": " + std::strerror(errno));
}

base::Status sync_folder(const fs::path& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool good = fd >= 0 && ::fsync(fd) == 0;
    if (fd >= 0) {
        ::close(fd);
    }
    return good ? base::Status() : failure("keep a folder", folder);
}

/// Folders from the root down; a new one is durable before anything is put into it.
base::Status make_folders(const fs::path& folder) {
    if (::access(folder.c_str(), F_OK) == 0) {
        return {};
    }
    if (auto above = make_folders(folder.parent_path()); !above) {
        return above;
    }
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        return failure("make a folder", folder);
    }
    return sync_folder(folder.parent_path());
}

}  // namespace

bool is_object_key(std::string_view key) {
    if (key.empty() || key.size() > 512) {
        return false;
    }
    for (std::size_t at = 0; at <= key.size();) {
        const auto slash = std::min(key.find('/', at), key.size());
        const auto segment = key.substr(at, slash - at);
        const bool plain = std::ranges::all_of(segment, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                   c == '_' || c == '.';
        });
        if (!plain || segment.empty() || segment == "." || segment == ".." || segment.size() > 200) {
            return false;
        }
        at = slash + 1;
    }
    return true;
}

base::Status DirectoryStore::write(std::string_view key, std::string_view bytes, bool replace) {
    if (!is_object_key(key) || bytes.size() > object_bytes_max) {
        return base::fail(Code::invalid_value, "That is no key, or too large for an object.");
    }
    const fs::path file = root_ / key;
    if (!replace && ::access(file.c_str(), F_OK) == 0) {
        return base::fail(Code::precondition_failed, "The object is there already.");
    }
    if (auto made = make_folders(file.parent_path()); !made) {
        return made;
    }
    static std::atomic<unsigned> number{0};
    const fs::path beside =
        file.parent_path() / (".new-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
    const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failure("make an object", beside);
    }
    std::string whole(magic);
    whole += crypto::hex(crypto::view(crypto::sha256(bytes)));
    whole += '\n';
    whole += bytes;
    bool good = true;
    for (std::size_t done = 0; good && done < whole.size();) {
        const auto count = ::write(fd, whole.data() + done, whole.size() - done);
        good = count > 0;
        done += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    good = good && ::fsync(fd) == 0;
    ::close(fd);
    // A link fails if the name is taken, and makes it appear whole: put if absent.
    const bool named = good && (replace ? ::rename(beside.c_str(), file.c_str()) == 0
                                        : ::link(beside.c_str(), file.c_str()) == 0);
    const bool taken = good && !named && errno == EEXIST;
    auto result = named ? sync_folder(file.parent_path())
                  : taken
                      ? base::Status(base::fail(Code::precondition_failed, "The object is there already."))
                      : base::Status(failure("write an object", file));
    if (!replace || !named) {
        ::unlink(beside.c_str());
    }
    return result;
}

base::Status DirectoryStore::put_if_absent(std::string_view key, std::string_view bytes) {
    return write(key, bytes, false);
}

base::Status DirectoryStore::put(std::string_view key, std::string_view bytes) {
    return write(key, bytes, true);
}

base::Result<std::string> DirectoryStore::get(std::string_view key) {
    if (!is_object_key(key)) {
        return base::fail(Code::invalid_value, "That is no key of an object.");
    }
    const fs::path file = root_ / key;
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return base::fail(Code::not_found, "There is no such object.");
        }
        return failure("read an object", file);
    }
    std::string whole;
    char piece[1U << 16U];
    ssize_t count = 0;
    while ((count = ::read(fd, piece, sizeof piece)) > 0 && whole.size() <= object_bytes_max + head_bytes) {
        whole.append(piece, static_cast<std::size_t>(count));
    }
    ::close(fd);
    if (count < 0) {
        return failure("read an object", file);
    }
    if (whole.size() < head_bytes || !whole.starts_with(magic) ||
        whole.substr(magic.size(), 64) !=
            crypto::hex(crypto::view(crypto::sha256(std::string_view(whole).substr(head_bytes))))) {
        return base::fail(Code::internal, "An object is not what was put.", "Restore it from a copy.",
                          file.string());
    }
    return whole.substr(head_bytes);
}

base::Result<std::vector<StoredObject>> DirectoryStore::list(std::string_view prefix) {
    std::vector<StoredObject> all;
    std::error_code error;
    for (auto entry = fs::recursive_directory_iterator(root_, error);
         !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
        const std::string key = fs::relative(entry->path(), root_, error).generic_string();
        if (entry->is_regular_file(error) && key.starts_with(prefix) &&
            !entry->path().filename().string().starts_with('.')) {
            const auto size = entry->file_size(error);
            all.push_back({key, size >= head_bytes ? size - head_bytes : 0});
        }
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        return base::fail(Code::node_unavailable, "The object store cannot be listed.", "", error.message());
    }
    std::ranges::sort(all, {}, &StoredObject::key);
    return all;
}

}  // namespace domicile::cloud

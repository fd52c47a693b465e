// SFTP (draft-ietf-secsh-filexfer-02, which OpenSSH serves) over libcurl. A file is written beside its place
// and renamed, so that it appears whole; a name that is taken is never overwritten.

#include "documents/delivery.hpp"

#include <algorithm>
#include <curl/curl.h>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>

namespace domicile::documents {
namespace {

using base::Code;

constexpr long connect_s = 10;
constexpr long call_s = 60;

struct Cleanup {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, Cleanup>;

/// libssh2 reads private keys from files only; this one is in memory, and has no name.
class KeyFile {
  public:
    explicit KeyFile(const base::Secret<std::string>& key) : fd_(::memfd_create("key", MFD_CLOEXEC)) {
        std::string_view rest = key.reveal();
        while (fd_ >= 0 && !rest.empty()) {
            const auto count = ::write(fd_, rest.data(), rest.size());
            if (count <= 0) {
                break;
            }
            rest.remove_prefix(static_cast<std::size_t>(count));
        }
        path_ = "/proc/self/fd/" + std::to_string(fd_);
    }
    KeyFile(const KeyFile&) = delete;
    KeyFile& operator=(const KeyFile&) = delete;
    ~KeyFile() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] const char* path() const { return path_.c_str(); }

  private:
    int fd_;
    std::string path_;
};

struct Download {
    std::string bytes;
    std::size_t most = 0;
};

std::size_t take(const char* bytes, std::size_t one, std::size_t count, void* to) {
    auto& download = *static_cast<Download*>(to);
    const std::size_t size = one * count;
    if (size > download.most - download.bytes.size()) {
        return 0;
    }
    download.bytes.append(bytes, size);
    return size;
}

std::size_t give(char* bytes, std::size_t one, std::size_t count, void* from) {
    auto& rest = *static_cast<std::string_view*>(from);
    const std::size_t size = std::min(one * count, rest.size());
    rest.copy(bytes, size);
    rest.remove_prefix(size);
    return size;
}

class Sftp final : public Delivery {
  public:
    explicit Sftp(Destination destination)
        : to_(std::move(destination)), key_(to_.credential), handle_(curl_easy_init()) {
        while (to_.where.ends_with('/')) {
            to_.where.pop_back();
        }
        // What the rename is told: the path on the server, relative to the home if it begins with "/~/".
        path_ = to_.where.substr(to_.where.find('/', std::string_view("sftp://").size()));
        if (path_.starts_with("/~/")) {
            path_ = path_.substr(3);
        }
    }

    base::Result<std::string> put(std::string_view name, std::string_view bytes) override {
        const std::lock_guard lock(mutex_);  // one connection
        if (handle_ == nullptr) {
            return base::fail(Code::internal, "libcurl does not start");
        }
        const std::string file(name);
        Download there{{}, bytes.size()};
        const auto read = fetch(file, there);
        if (read == CURLE_OK || read == CURLE_WRITE_ERROR) {
            return read == CURLE_OK && there.bytes == bytes
                       ? base::Result<std::string>(std::string("there"))
                       : base::fail(Code::precondition_failed,
                                    "Another file stands where a document should go.");
        }
        if (read != CURLE_REMOTE_FILE_NOT_FOUND) {
            return failed(read);
        }
        const auto slash = file.rfind('/');
        const std::string part = file.substr(0, slash + 1) + "." + file.substr(slash + 1) + ".part";
        const auto sent = store(part, file, bytes);
        return sent == CURLE_OK ? base::Result<std::string>(std::string("written")) : failed(sent);
    }

  private:
    /// Anew for each call; the connection stays.
    CURL* begin(const std::string& name) {
        CURL* curl = handle_.get();
        curl_easy_reset(curl);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "sftp");
        curl_easy_setopt(curl, CURLOPT_URL, (to_.where + "/" + name).c_str());
        curl_easy_setopt(curl, CURLOPT_SSH_AUTH_TYPES, CURLSSH_AUTH_PUBLICKEY);
        curl_easy_setopt(curl, CURLOPT_SSH_PRIVATE_KEYFILE, key_.path());
        curl_easy_setopt(curl, CURLOPT_SSH_PUBLIC_KEYFILE, "");  // it follows from the private one
        curl_easy_setopt(curl, CURLOPT_SSH_HOST_PUBLIC_KEY_SHA256, to_.host_key.c_str());
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_s);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, call_s);
        return curl;
    }

    CURLcode fetch(const std::string& name, Download& to) {
        CURL* curl = begin(name);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, &to);
        return curl_easy_perform(curl);
    }

    CURLcode store(const std::string& part, const std::string& name, std::string_view bytes) {
        CURL* curl = begin(part);
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_FTP_CREATE_MISSING_DIRS, 1L);
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
        curl_easy_setopt(curl, CURLOPT_READDATA, &bytes);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(bytes.size()));
        // OpenSSH's rename fails if the name is taken.
        const std::string renamed = "rename \"" + path_ + "/" + part + "\" \"" + path_ + "/" + name + "\"";
        const List after(curl_slist_append(nullptr, renamed.c_str()));
        curl_easy_setopt(curl, CURLOPT_POSTQUOTE, after.get());
        const auto done = curl_easy_perform(curl);
        curl_easy_setopt(curl, CURLOPT_POSTQUOTE, nullptr);
        return done;
    }

    static std::unexpected<base::Error> failed(CURLcode code) {
        return base::fail(code == CURLE_OPERATION_TIMEDOUT ? Code::node_timeout : Code::node_unavailable,
                          code == CURLE_PEER_FAILED_VERIFICATION
                              ? "An institution's SFTP server has another key than it should."
                          : code == CURLE_LOGIN_DENIED
                              ? "An institution's SFTP server does not take the key it should know."
                              : "A document cannot be put to an institution's SFTP server.",
                          code == CURLE_PEER_FAILED_VERIFICATION
                              ? "Compare `host_key` with what the institution says of its server."
                              : "",
                          curl_easy_strerror(code));
    }

    std::mutex mutex_;
    Destination to_;
    KeyFile key_;
    std::string path_;
    std::unique_ptr<CURL, Cleanup> handle_;
};

}  // namespace

std::unique_ptr<Delivery> sftp_delivery(Destination destination) {
    return std::make_unique<Sftp>(std::move(destination));
}

}  // namespace domicile::documents

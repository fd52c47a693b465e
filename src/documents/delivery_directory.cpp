#include "documents/delivery.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace domicile::documents {
namespace {

namespace fs = std::filesystem;
using base::Code;

/// Files appear whole, under their name, and outlive a crash.
class Directory final : public Delivery {
  public:
    explicit Directory(fs::path root) : root_(std::move(root)) {}

    base::Result<std::string> put(std::string_view name, std::string_view bytes) override {
        const fs::path file = root_ / name;
        std::error_code error;
        fs::create_directories(file.parent_path(), error);
        if (error) {
            return failed(error.message());
        }
        if (fs::exists(file, error)) {
            std::ifstream in(file, std::ios::binary);
            const std::string there(std::istreambuf_iterator<char>(in), {});
            return there == bytes ? base::Result<std::string>(std::string("there"))
                                  : base::fail(Code::precondition_failed,
                                               "Another file stands where a document should go.");
        }
        const fs::path beside = file.parent_path() / ("." + file.filename().string() + ".part");
        const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
        bool good = fd >= 0;
        for (std::size_t done = 0; good && done < bytes.size();) {
            const auto count = ::write(fd, bytes.data() + done, bytes.size() - done);
            good = count > 0;
            done += count > 0 ? static_cast<std::size_t>(count) : 0;
        }
        good = good && ::fsync(fd) == 0;
        if (fd >= 0) {
            ::close(fd);
        }
        good = good && ::rename(beside.c_str(), file.c_str()) == 0;
        const int folder = good ? ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        good = folder >= 0 && ::fsync(folder) == 0;
        if (folder >= 0) {
            ::close(folder);
        }
        return good ? base::Result<std::string>(std::string("written")) : failed(std::strerror(errno));
    }

  private:
    static std::unexpected<base::Error> failed(std::string detail) {
        return base::fail(Code::node_unavailable,
                          "A document cannot be put into the institution's directory.", {},
                          std::move(detail));
    }
    fs::path root_;
};

}  // namespace

std::unique_ptr<Delivery> directory_delivery(fs::path root) {
    return std::make_unique<Directory>(std::move(root));
}

}  // namespace domicile::documents

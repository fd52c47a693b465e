#include "ops/series.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace domicile::ops {
namespace {

using base::Code;

constexpr std::uint64_t magic = 0x31'73'65'69'72'65'73'64ULL;  // "dseries1"

struct Header {
    std::uint64_t magic;
    std::uint32_t series_max;
    std::uint32_t used;
};

/// `step` is the number of the step since 1970 plus one; 0: never written. A place of the ring whose step is
/// not the expected one is of an earlier round.
struct Cell {
    std::uint32_t step;
    std::uint32_t count;
    float sum;
    float most;
};

constexpr std::size_t cells = [] {
    std::size_t all = 0;
    for (const auto& level : Series::levels) {
        all += level.points;
    }
    return all;
}();

struct Slot {
    char name[Series::name_bytes_max + 1];
    Cell cells[cells];
};

std::unexpected<base::Error> failed(const char* what) {
    return base::fail(Code::internal, "The history cannot be kept.", {},
                      std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

struct Series::File {
    ~File() {
        if (memory != nullptr) {
            ::munmap(memory, bytes);
        }
    }
    [[nodiscard]] Header& header() const { return *static_cast<Header*>(memory); }
    [[nodiscard]] Slot& slot(std::uint32_t index) const {
        return reinterpret_cast<Slot*>(static_cast<char*>(memory) + sizeof(Slot))[index];
    }
    void* memory = nullptr;
    std::size_t bytes = 0;
};

Series::Series(std::unique_ptr<File> file) : file_(std::move(file)) {}
Series::Series(Series&&) noexcept = default;
Series& Series::operator=(Series&&) noexcept = default;
Series::~Series() = default;

base::Result<Series> Series::open(const std::filesystem::path& file, std::uint32_t series_max, bool writes) {
    const int fd = ::open(file.c_str(), (writes ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failed("open");
    }
    const std::size_t bytes = sizeof(Slot) * (std::size_t{series_max} + 1);
    struct stat now{};
    ::fstat(fd, &now);
    const bool fits = static_cast<std::size_t>(now.st_size) == bytes;
    if (!fits && (!writes || ::ftruncate(fd, 0) != 0 || ::ftruncate(fd, static_cast<off_t>(bytes)) != 0)) {
        ::close(fd);
        return writes ? failed("ftruncate") : base::fail(Code::internal, "There is no history yet.");
    }
    auto opened = std::make_unique<File>();
    void* memory = ::mmap(nullptr, bytes, writes ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
    ::close(fd);
    if (memory == MAP_FAILED) {
        return failed("mmap");
    }
    opened->memory = memory;
    opened->bytes = bytes;
    const Header& header = opened->header();
    if (header.magic != magic || header.series_max != series_max || header.used > series_max) {
        if (!writes) {
            return base::fail(Code::internal, "There is no history yet.");
        }
        std::memset(memory, 0, sizeof(Header));
        opened->header() = {magic, series_max, 0};
    }
    return Series(std::move(opened));
}

std::optional<std::uint32_t> Series::find(std::string_view name) {
    const std::uint32_t used = std::min(file_->header().used, file_->header().series_max);
    for (auto next = static_cast<std::uint32_t>(known_.size()); next < used; ++next) {
        const char* text = file_->slot(next).name;
        known_.try_emplace(std::string(text, ::strnlen(text, name_bytes_max)), next);
    }
    const auto found = known_.find(std::string(name));
    return found == known_.end() ? std::nullopt : std::optional(found->second);
}

bool Series::add(std::string_view name, std::int64_t at_ms, double value) {
    auto index = find(name);
    if (!index) {
        Header& header = file_->header();
        if (header.used >= header.series_max || name.empty() || name.size() > name_bytes_max) {
            return false;
        }
        index = header.used;
        Slot& fresh = file_->slot(*index);
        std::memset(&fresh, 0, sizeof fresh);
        name.copy(fresh.name, name_bytes_max);
        ++header.used;
        known_.emplace(name, *index);
    }
    Cell* ring = file_->slot(*index).cells;
    for (const Level& level : levels) {
        const auto step = static_cast<std::uint32_t>(at_ms / 1'000 / level.step_s) + 1;
        Cell& cell = ring[step % level.points];
        const auto number = static_cast<float>(value);
        if (cell.step != step) {
            cell = {step, 0, 0, number};
        }
        ++cell.count;
        cell.sum += number;
        cell.most = std::max(cell.most, number);
        ring += level.points;
    }
    return true;
}

std::vector<Point> Series::read(std::string_view name, std::size_t level, std::int64_t now_ms) {
    std::vector<Point> points;
    const auto index = find(name);
    if (!index || level >= levels.size()) {
        return points;
    }
    const Cell* ring = file_->slot(*index).cells;
    for (std::size_t i = 0; i < level; ++i) {
        ring += levels[i].points;
    }
    const auto [step_s, size] = levels[level];
    const auto last = static_cast<std::uint32_t>(now_ms / 1'000 / step_s) + 1;
    for (std::uint32_t step = last > size ? last - size + 1 : 1; step <= last; ++step) {
        const Cell cell = ring[step % size];
        if (cell.step == step && cell.count != 0) {
            points.push_back({std::int64_t{step - 1} * step_s * 1'000,
                              cell.sum / static_cast<float>(cell.count), cell.most});
        }
    }
    return points;
}

std::vector<std::string> Series::names() const {
    std::vector<std::string> all;
    for (std::uint32_t i = 0; i < file_->header().used; ++i) {
        const char* text = file_->slot(i).name;
        all.emplace_back(text, ::strnlen(text, name_bytes_max));
    }
    return all;
}

}  // namespace domicile::ops

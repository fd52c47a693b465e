#pragma once
// A small time series in one file of fixed size: the last hour in steps of 10 s, the last day in steps of
// 5 minutes, the last four weeks in steps of an hour, of each series average and largest value. The file is
// mapped, so that what was written survives the process, kill -9 included; the kernel writes it back. One
// writer, any number of readers in other processes: a reader that meets a write sees one point too few.

#include "base/error.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace domicile::ops {

struct Point {
    std::int64_t at_ms = 0;  ///< begin of its step
    float average = 0;
    float most = 0;
};

class Series {
  public:
    struct Level {
        std::uint32_t step_s;
        std::uint32_t points;
    };
    static constexpr std::array<Level, 3> levels = {{{10, 360}, {300, 288}, {3'600, 672}}};
    static constexpr std::size_t name_bytes_max = 159;

    /// Opens or makes the file; one of another shape, or a damaged one, is made anew. `series_max`: how many
    /// different names it can hold; further ones are not kept. internal if the file cannot be made.
    static base::Result<Series> open(const std::filesystem::path& file, std::uint32_t series_max,
                                     bool writes);
    Series(Series&&) noexcept;
    Series& operator=(Series&&) noexcept;
    ~Series();

    /// False if there is no place left for another name, or the name is too long.
    bool add(std::string_view name, std::int64_t at_ms, double value);
    /// Points of a level, oldest first; steps without a value are left out.
    [[nodiscard]] std::vector<Point> read(std::string_view name, std::size_t level, std::int64_t now_ms);
    [[nodiscard]] std::vector<std::string> names() const;

  private:
    struct File;
    explicit Series(std::unique_ptr<File> file);
    std::optional<std::uint32_t> find(std::string_view name);
    std::unique_ptr<File> file_;
    std::unordered_map<std::string, std::uint32_t> known_;
};

}  // namespace domicile::ops

#pragma once
// CSV by RFC 4180, fed in pieces of any size. Pure. Bounded: a quote that never closes cannot eat the
// machine.

#include "base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::load {

/// One record; `line` is the line it begins on, counted from 1.
struct Record {
    std::uint64_t line = 0;
    std::vector<std::string> fields;
};

class CsvReader {
  public:
    static constexpr std::size_t record_bytes_max = 1U << 20U;
    static constexpr std::size_t fields_max = 1'024;

    /// Gives more bytes; `last` marks the end of the file.
    void feed(std::string_view bytes, bool last);
    /// True if `record` was filled. False: feed more, or at the end. An error (invalid_value) is final: after
    /// a broken quote nobody knows where the next record begins.
    [[nodiscard]] base::Result<bool> next(Record& record);

  private:
    std::string pending_;
    std::size_t at_ = 0;
    std::uint64_t line_ = 1;
    bool last_ = false;
};

/// Appends one record with a line feed, quoting where needed.
void append_csv(std::string& out, const std::vector<std::string>& fields);

}  // namespace domicile::load

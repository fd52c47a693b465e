#pragma once
// A Range header of one range of bytes (RFC 9110 section 14). Pure.

#include <cstdint>
#include <string_view>

namespace domicile::http {

enum class Ranged : std::uint8_t { whole, part, unsatisfiable };
struct ByteRange {
    std::uint64_t from = 0;
    std::uint64_t to = 0;  ///< behind the last
    Ranged ranged = Ranged::whole;
};

/// Of a body of so many bytes. A header that is none, is malformed, or names several ranges is ignored, as it
/// may be (section 14.2): the whole.
[[nodiscard]] ByteRange parse_range(std::string_view header, std::uint64_t bytes);

}  // namespace domicile::http

#include "http/range.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace domicile::http {
namespace {

/// Nothing unless it is digits and nothing else; too many digits are the largest number.
std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (text.empty() || read.ptr != end) {
        return std::nullopt;
    }
    return read.ec == std::errc{} ? value : ~std::uint64_t{0};
}

}  // namespace

ByteRange parse_range(std::string_view header, std::uint64_t bytes) {
    const ByteRange whole{0, bytes, Ranged::whole};
    constexpr std::string_view unit = "bytes=";
    if (!header.starts_with(unit)) {
        return whole;
    }
    header.remove_prefix(unit.size());
    const auto dash = header.find('-');
    if (dash == std::string_view::npos || header.find(',') != std::string_view::npos) {
        return whole;
    }
    const auto first = header.substr(0, dash);
    const auto last = header.substr(dash + 1);
    const auto from = number(first);
    const auto to = number(last);
    if (first.empty()) {  // the last so many
        if (!to) {
            return whole;
        }
        return *to == 0 || bytes == 0 ? ByteRange{0, 0, Ranged::unsatisfiable}
                                      : ByteRange{bytes - std::min(*to, bytes), bytes, Ranged::part};
    }
    if (!from || (!last.empty() && (!to || *to < *from))) {
        return whole;
    }
    if (*from >= bytes) {
        return {0, 0, Ranged::unsatisfiable};
    }
    return {*from, last.empty() ? bytes : std::min(*to, bytes - 1) + 1, Ranged::part};
}

}  // namespace domicile::http

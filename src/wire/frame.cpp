#include "wire/frame.hpp"

namespace domicile::wire {
namespace {

std::uint32_t big_endian_u32(const char* at) noexcept {
    const auto* b = reinterpret_cast<const unsigned char*>(at);
    return static_cast<std::uint32_t>(b[0]) << 24U | static_cast<std::uint32_t>(b[1]) << 16U |
           static_cast<std::uint32_t>(b[2]) << 8U | static_cast<std::uint32_t>(b[3]);
}

}  // namespace

Scan scan(std::string_view bytes, Frame& frame, std::size_t length_max) noexcept {
    if (bytes.size() < 5) {
        return Scan::more;
    }
    const std::uint32_t length = big_endian_u32(bytes.data() + 1);
    // The length counts itself. Checked before anything is reserved for the message.
    if (length < 4 || length > length_max) {
        return Scan::broken;
    }
    if (bytes.size() - 1 < length) {
        return Scan::more;
    }
    frame.type = bytes[0];
    frame.body = bytes.substr(5, length - 4);
    return Scan::frame;
}

std::string_view Reader::bytes(std::size_t count) noexcept {
    if (!ok_ || count > rest_.size()) {
        ok_ = false;
        return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
}

std::uint8_t Reader::u8() noexcept {
    const std::string_view taken = bytes(1);
    return ok_ ? static_cast<std::uint8_t>(taken[0]) : std::uint8_t{0};
}

std::uint16_t Reader::u16() noexcept {
    const std::string_view taken = bytes(2);
    return ok_ ? static_cast<std::uint16_t>(static_cast<unsigned char>(taken[0]) << 8U |
                                            static_cast<unsigned char>(taken[1]))
               : std::uint16_t{0};
}

std::uint32_t Reader::u32() noexcept {
    const std::string_view taken = bytes(4);
    return ok_ ? big_endian_u32(taken.data()) : 0U;
}

std::string_view Reader::cstring() noexcept {
    const auto end = rest_.find('\0');
    if (!ok_ || end == std::string_view::npos) {
        ok_ = false;
        return {};
    }
    const std::string_view taken = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return taken;
}

std::string_view Reader::rest() noexcept {
    const std::string_view taken = ok_ ? rest_ : std::string_view{};
    rest_ = {};
    return taken;
}

}  // namespace domicile::wire

#pragma once
// Framing and reading of PostgreSQL protocol 3.0 messages (PostgreSQL docs, chapter "Frontend/Backend
// Protocol", section "Message Formats"). No I/O. Everything here takes bytes from outside: it never reads
// past the end, never trusts a length, never allocates.

#include "base/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace domicile::wire {

/// One message: type byte and body without the length. The body is a view into the caller's bytes.
struct Frame {
    char type = 0;
    std::string_view body;
    [[nodiscard]] std::size_t bytes() const noexcept { return body.size() + 5; }
};

enum class Scan : std::uint8_t {
    frame,   ///< `frame` is set
    more,    ///< the bytes end inside the message
    broken,  ///< the length cannot be: below 4, or above the limit
};

/// Looks for one whole message at the front of `bytes`. `length_max` bounds the length as the message tells
/// it, which counts itself and not the type.
[[nodiscard]] Scan scan(std::string_view bytes, Frame& frame,
                        std::size_t length_max = base::limits::wire_message_bytes_max) noexcept;

/// A cursor over one message body. After the first read past the end every read gives zero or empty and ok()
/// is false, so a decoder checks once, at its end.
class Reader {
  public:
    explicit Reader(std::string_view body) noexcept : rest_(body) {}

    [[nodiscard]] std::uint8_t u8() noexcept;
    [[nodiscard]] std::uint16_t u16() noexcept;
    [[nodiscard]] std::uint32_t u32() noexcept;
    [[nodiscard]] std::int16_t i16() noexcept { return static_cast<std::int16_t>(u16()); }
    [[nodiscard]] std::int32_t i32() noexcept { return static_cast<std::int32_t>(u32()); }
    /// Up to the next zero byte, which is consumed and not returned.
    [[nodiscard]] std::string_view cstring() noexcept;
    [[nodiscard]] std::string_view bytes(std::size_t count) noexcept;
    [[nodiscard]] std::string_view rest() noexcept;

    [[nodiscard]] bool ok() const noexcept { return ok_; }
    /// Everything was read and nothing is left.
    [[nodiscard]] bool done() const noexcept { return ok_ && rest_.empty(); }

  private:
    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace domicile::wire

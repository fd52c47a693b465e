#pragma once
// The frame around one message that is being written. No I/O.

#include "base/assert.hpp"
#include "base/buffer.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>

namespace domicile::wire {

/// Writes the type and a length that the destructor fills in. REQUIRES: the buffer is only appended to while
/// this lives, and the message stays below 2 GiB, since the length is a signed 32-bit number.
class MessageWriter {
  public:
    MessageWriter(base::Buffer& out, char type) : out_(out) {
        out_.append_u8(static_cast<std::uint8_t>(type));
        start_ = out_.size();
        out_.append_u32(0);
    }
    MessageWriter(const MessageWriter&) = delete;
    MessageWriter& operator=(const MessageWriter&) = delete;
    ~MessageWriter() {
        const std::size_t length = out_.size() - start_;
        // Cut to 32 bits, the end of the message would be read as messages of its own.
        DOMICILE_ASSERT(length <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
        out_.patch_u32(start_, static_cast<std::uint32_t>(length));
    }

  private:
    base::Buffer& out_;
    std::size_t start_ = 0;
};

}  // namespace domicile::wire

#pragma once
// What the fuzz targets share. A target is one LLVMFuzzerTestOneInput in one file; built with libFuzzer it is
// a fuzzer, built without it replays the kept inputs and a seeded slice of mutations (replay.cpp).

#include "base/assert.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace domicile::fuzz {

/// Takes choices off the front of the input; what is left is the text under test.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size)
        : rest_(size == 0 ? std::string_view{}
                          : std::string_view(reinterpret_cast<const char*>(data), size)) {}

    /// The next byte, or 0 when there is none.
    std::uint8_t choice() {
        if (rest_.empty()) {
            return 0;
        }
        const auto byte = static_cast<std::uint8_t>(rest_[0]);
        rest_.remove_prefix(1);
        return byte;
    }
    [[nodiscard]] std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
};

/// Sizes of pieces, from one seed byte: 0 is one piece, others are a fixed irregular series of 1 to 16 bytes
/// and now and then 256.
class Pieces {
  public:
    explicit Pieces(std::uint8_t seed) : state_(seed), whole_(seed == 0) {}
    std::string_view next(std::string_view& text) {
        state_ = state_ * 1'103'515'245U + 12'345U;
        const std::uint32_t drawn = state_ >> 16U;
        const std::size_t size = whole_ ? text.size() : drawn % 8 == 0 ? 256 : 1 + drawn % 16;
        const std::string_view piece = text.substr(0, size);
        text.remove_prefix(piece.size());
        return piece;
    }

  private:
    std::uint32_t state_;
    bool whole_;
};

/// Whether `part` lies within `whole`.
inline bool within(std::string_view part, std::string_view whole) {
    return part.empty() ||
           (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

/// What the HTTP parser may hand on as a request target: no blanks, no control characters (RFC 9112
/// section 3.2).
inline bool target_bytes(std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte == 0x7F) {
            return false;
        }
    }
    return true;
}

}  // namespace domicile::fuzz

#pragma once
// A growing byte buffer that is filled at the end and consumed at the front, reused for the life of a
// connection. Not thread-safe.

#include "base/assert.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace domicile::base {

class Buffer {
  public:
    /// The bytes not yet consumed. Valid until the next call of a non-const member.
    [[nodiscard]] std::string_view view() const noexcept { return {data_.get() + begin_, end_ - begin_}; }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }

    void clear() noexcept { begin_ = end_ = 0; }

    /// REQUIRES: count <= size().
    void consume(std::size_t count) noexcept {
        DOMICILE_ASSERT(count <= size());
        begin_ += count;
        if (begin_ == end_) {
            clear();
        }
    }

    /// At least `count` writable bytes after the end; commit() makes written ones part of the buffer.
    [[nodiscard]] std::span<char> prepare(std::size_t count) {
        reserve(count);
        return {data_.get() + end_, capacity_ - end_};
    }
    void commit(std::size_t count) noexcept {
        DOMICILE_ASSERT(count <= capacity_ - end_);
        end_ += count;
    }

    void append(std::string_view bytes) {
        reserve(bytes.size());
        if (!bytes.empty()) {
            std::memcpy(data_.get() + end_, bytes.data(), bytes.size());
        }
        end_ += bytes.size();
    }
    void append_u8(std::uint8_t value) {
        reserve(1);
        data_[end_++] = static_cast<char>(value);
    }
    /// Big-endian, as all integers of the PostgreSQL protocol.
    void append_u16(std::uint16_t value) {
        reserve(2);
        data_[end_++] = static_cast<char>(value >> 8U);
        data_[end_++] = static_cast<char>(value & 0xFFU);
    }
    void append_u32(std::uint32_t value) {
        reserve(4);
        end_ += 4;
        patch_u32(size() - 4, value);
    }
    /// Bytes and a closing zero. REQUIRES: no zero inside (checked by callers that take foreign text).
    void append_cstring(std::string_view text) {
        append(text);
        append_u8(0);
    }
    /// Overwrites four bytes at `offset` from the front. REQUIRES: offset + 4 <= size().
    void patch_u32(std::size_t offset, std::uint32_t value) noexcept {
        DOMICILE_ASSERT(offset + 4 <= size());
        char* at = data_.get() + begin_ + offset;
        at[0] = static_cast<char>(value >> 24U);
        at[1] = static_cast<char>(value >> 16U);
        at[2] = static_cast<char>(value >> 8U);
        at[3] = static_cast<char>(value);
    }

    /// Gives memory back after an unusually large message.
    void shrink(std::size_t keep_bytes) {
        if (empty() && capacity_ > keep_bytes) {
            data_.reset();
            capacity_ = 0;
            clear();
        }
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  private:
    void reserve(std::size_t count) {
        if (capacity_ - end_ < count) [[unlikely]] {
            grow(count);
        }
    }
    void grow(std::size_t count);

    std::unique_ptr<char[]> data_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace domicile::base

#pragma once
// Builders of PostgreSQL messages as a node sends them, well-formed or bent. For tests and fuzzers only.

#include "wire/backend.hpp"
#include "wire/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::wire::testing {

/// A literal with its inner zero bytes: bytes("a\0b").
template <std::size_t Size>
std::string bytes(const char (&literal)[Size]) {
    return std::string(literal, Size - 1);
}

/// A message body, field by field.
class Body {
  public:
    Body& u8(std::uint8_t value) { return raw(std::string(1, static_cast<char>(value))); }
    Body& u16(std::uint16_t value) {
        return u8(static_cast<std::uint8_t>(value >> 8U)).u8(static_cast<std::uint8_t>(value & 0xFFU));
    }
    Body& u32(std::uint32_t value) {
        return u16(static_cast<std::uint16_t>(value >> 16U)).u16(static_cast<std::uint16_t>(value & 0xFFFFU));
    }
    Body& cstring(std::string_view text) { return raw(text).u8(0); }
    Body& raw(std::string_view text) {
        bytes_ += text;
        return *this;
    }
    [[nodiscard]] const std::string& str() const { return bytes_; }

  private:
    std::string bytes_;
};

/// Type, length, body. `length` replaces the true one.
inline std::string message(char type, std::string_view body, std::optional<std::uint32_t> length = {}) {
    const auto true_length = static_cast<std::uint32_t>(body.size() + 4);
    return Body().u8(static_cast<std::uint8_t>(type)).u32(length.value_or(true_length)).raw(body).str();
}

inline std::string error_body(std::initializer_list<std::pair<char, std::string_view>> fields) {
    Body body;
    for (const auto& [code, text] : fields) {
        body.u8(static_cast<std::uint8_t>(code)).cstring(text);
    }
    return body.u8(0).str();
}
inline std::string error_body(std::string_view sqlstate) {
    return error_body({{'S', "ERROR"}, {'V', "ERROR"}, {'C', sqlstate}, {'M', "no"}});
}

inline std::string row_body(const std::vector<std::optional<std::string>>& fields) {
    Body body;
    body.u16(static_cast<std::uint16_t>(fields.size()));
    for (const auto& field : fields) {
        if (field) {
            body.u32(static_cast<std::uint32_t>(field->size())).raw(*field);
        } else {
            body.u32(0xFFFF'FFFFU);
        }
    }
    return body.str();
}

inline std::string row_description_body(const std::vector<ColumnDescription>& columns) {
    Body body;
    body.u16(static_cast<std::uint16_t>(columns.size()));
    for (const ColumnDescription& column : columns) {
        body.cstring(column.name)
            .u32(column.table_oid)
            .u16(static_cast<std::uint16_t>(column.attribute))
            .u32(column.type_oid)
            .u16(static_cast<std::uint16_t>(column.type_size))
            .u32(static_cast<std::uint32_t>(column.type_modifier))
            .u16(static_cast<std::uint16_t>(column.format));
    }
    return body.str();
}

inline std::string authentication_body(std::uint32_t kind, std::string_view rest = {}) {
    return Body().u32(kind).raw(rest).str();
}

inline std::string ready(char status = 'I') {
    return message(backend::ready_for_query, std::string(1, status));
}
inline std::string complete(std::string_view tag) {
    return message(backend::command_complete, Body().cstring(tag).str());
}

/// A copy in a heap block of exactly its size, so that AddressSanitizer sees any read past the end.
class Exact {
  public:
    explicit Exact(std::string_view bytes) : size_(bytes.size()), data_(new char[bytes.size()]) {
        if (!bytes.empty()) {
            std::memcpy(data_.get(), bytes.data(), bytes.size());
        }
    }
    [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }

  private:
    std::size_t size_;
    std::unique_ptr<char[]> data_;
};

/// The one frame that `bytes` holds; type 0 if it is not exactly one. Its body points into `bytes`.
inline Frame frame_of(std::string_view bytes) {
    Frame frame;
    return scan(bytes, frame) == Scan::frame && frame.bytes() == bytes.size() ? frame : Frame{};
}

}  // namespace domicile::wire::testing

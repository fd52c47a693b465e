#pragma once
// JSON bodies: one flat object in, rows out. Numbers keep their text: no value ever passes through a double.

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "http/shape.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::http {

struct Field {
    enum class Kind : std::uint8_t { null, boolean, number, string, nested };
    std::string name;
    Kind kind = Kind::null;
    std::string text;  ///< the string's value, the number as written, "true"/"false", or nested JSON
};

/// One object of scalar fields; arrays and objects inside come as JSON text. malformed_request with the byte
/// offset for anything else: duplicates, trailing bytes, invalid UTF-8, too deep.
[[nodiscard]] base::Result<std::vector<Field>> parse_object(std::string_view json);

/// Makes the field's text what PostgreSQL takes for `column`, or gives invalid_value naming the column and
/// not the value: a number that does not fit is refused, never rounded.
[[nodiscard]] base::Status fit(Field& field, const Column& column);

/// What a fitted field sends: nothing is SQL NULL. The view lives as long as the field.
[[nodiscard]] inline std::optional<std::string_view> parameter(const Field& field) {
    return field.kind == Field::Kind::null ? std::nullopt : std::optional<std::string_view>(field.text);
}

/// Appends a quoted JSON string.
void append_json_string(base::Buffer& out, std::string_view text);
/// Appends a column's value from PostgreSQL's text format (DateStyle ISO, TimeZone UTC).
void append_json_value(base::Buffer& out, const Column& column, std::optional<std::string_view> value);

}  // namespace domicile::http

#include "wire/backend.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <charconv>

namespace domicile::wire {

bool is_sqlstate(std::string_view text) noexcept {
    return text.size() == 5 &&
           std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

bool decode(std::string_view body, ServerError& error) {
    Reader reader(body);
    error = {};
    for (;;) {
        const auto field = static_cast<char>(reader.u8());
        if (!reader.ok()) {
            return false;
        }
        if (field == '\0') {
            return reader.done();
        }
        const std::string_view value = reader.cstring();
        switch (field) {
            case 'V': error.severity = value; break;
            case 'C': error.sqlstate = is_sqlstate(value) ? value : std::string_view{}; break;
            case 'M': error.message = value; break;
            case 'D': error.detail = value; break;
            case 'H': error.hint = value; break;
            case 'W': error.context = value; break;
            case 't': error.table = value; break;
            case 'c': error.column = value; break;
            case 'n': error.constraint = value; break;
            default: break;  // the docs ask clients to ignore fields they do not know
        }
    }
}

bool decode_row_description(std::string_view body, std::vector<ColumnDescription>& columns) {
    Reader reader(body);
    const std::uint16_t count = reader.u16();
    if (count > base::limits::wire_columns_max) {
        return false;
    }
    columns.clear();
    columns.reserve(count);
    for (std::uint16_t i = 0; i < count && reader.ok(); ++i) {
        ColumnDescription column;
        column.name = reader.cstring();
        column.table_oid = reader.u32();
        column.attribute = reader.i16();
        column.type_oid = reader.u32();
        column.type_size = reader.i16();
        column.type_modifier = reader.i32();
        column.format = reader.i16();
        columns.push_back(column);
    }
    return reader.done();
}

RowReader::RowReader(std::string_view body) noexcept : reader_(body), columns_(reader_.u16()) {}

std::optional<std::string_view> RowReader::next() noexcept {
    if (read_ >= columns_) {
        overrun_ = true;
        return std::nullopt;
    }
    ++read_;
    const std::int32_t length = reader_.i32();
    if (length == -1 || !reader_.ok()) {
        return std::nullopt;
    }
    // A negative length other than -1 becomes a huge size and fails the bounds check.
    const std::string_view value =
        reader_.bytes(static_cast<std::size_t>(static_cast<std::uint32_t>(length)));
    if (!reader_.ok()) {
        return std::nullopt;
    }
    return value;
}

bool well_formed_row(std::string_view body) noexcept {
    RowReader reader(body);
    for (std::uint16_t i = 0; i < reader.columns() && reader.ok(); ++i) {
        static_cast<void>(reader.next());
    }
    return reader.ok();
}

bool decode_command_complete(std::string_view body, std::string_view& tag) noexcept {
    Reader reader(body);
    tag = reader.cstring();
    return reader.done();
}

std::uint64_t affected_rows(std::string_view tag) noexcept {
    const auto space = tag.rfind(' ');
    if (space == std::string_view::npos) {
        return 0;
    }
    std::uint64_t rows = 0;
    const char* first = tag.data() + space + 1;
    const char* last = tag.data() + tag.size();
    const auto parsed = std::from_chars(first, last, rows);
    return parsed.ec == std::errc{} && parsed.ptr == last ? rows : 0;
}

bool decode_ready(std::string_view body, char& status) noexcept {
    if (body.size() != 1 || (body[0] != 'I' && body[0] != 'T' && body[0] != 'E')) {
        return false;
    }
    status = body[0];
    return true;
}

}  // namespace domicile::wire

#pragma once
// Rows in PostgreSQL's COPY text format (docs, COPY, "Text Format").

#include <optional>
#include <string>
#include <string_view>

namespace domicile::load {

/// Appends one value, escaped; nothing is SQL NULL.
inline void append_copy_value(std::string& out, std::optional<std::string_view> value) {
    if (!value) {
        out += "\\N";
        return;
    }
    for (const char c : *value) {
        switch (c) {
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default: out += c;
        }
    }
}

}  // namespace domicile::load

#include "session/copy_rows.hpp"

#include "session/node_call.hpp"

#include <algorithm>

namespace domicile::session {

using Kind = CopyFormat::Kind;

base::Result<CopyRows> CopyRows::of(CopyFormat format, std::vector<std::string> columns) {
    CopyRows rows;
    rows.force_.assign(columns.size(), format.force_quote_all);
    for (const auto& name : format.force_quote) {
        const auto found = std::ranges::find(columns, name);
        if (found == columns.end()) {
            return base::fail(base::Code::invalid_value, "FORCE_QUOTE names no column of the result.");
        }
        rows.force_[static_cast<std::size_t>(found - columns.begin())] = true;
    }
    rows.null_ = format.null.value_or(format.kind == Kind::text ? "\\N" : "");
    rows.format_ = std::move(format);
    rows.columns_ = std::move(columns);
    return rows;
}

std::string CopyRows::head() const {
    if (format_.kind == Kind::binary) {
        // Signature, flags, length of the header's extension.
        return std::string("PGCOPY\n\377\r\n\0", 11) + std::string(8, '\0');
    }
    std::string line;
    if (format_.header) {
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (i > 0) {
                line += format_.delimiter;
            }
            format_.kind == Kind::csv ? append_csv(line, columns_[i], false) : append_text(line, columns_[i]);
        }
        line += '\n';
    }
    return line;
}

std::string_view CopyRows::tail() const {
    return format_.kind == Kind::binary ? std::string_view("\377\377", 2) : std::string_view();
}

void CopyRows::append(std::string& out, std::span<const std::optional<std::string_view>> fields) const {
    if (format_.kind == Kind::binary) {
        out += u16(fields.size());
        for (const auto& field : fields) {
            out += u32(field ? field->size() : 0xFFFFFFFFU);
            out += field.value_or(std::string_view());
        }
        return;
    }
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (i > 0) {
            out += format_.delimiter;
        }
        if (!fields[i]) {
            out += null_;
        } else if (format_.kind == Kind::csv) {
            append_csv(out, *fields[i], force_[i]);
        } else {
            append_text(out, *fields[i]);
        }
    }
    out += '\n';
}

void CopyRows::append_text(std::string& out, std::string_view field) const {
    for (const char c : field) {
        switch (c) {
            case '\b': out += "\\b"; continue;
            case '\f': out += "\\f"; continue;
            case '\n': out += "\\n"; continue;
            case '\r': out += "\\r"; continue;
            case '\t': out += "\\t"; continue;
            case '\v': out += "\\v"; continue;
            case '\\': out += "\\\\"; continue;
            default: break;
        }
        if (c == format_.delimiter) {
            out += '\\';
        }
        out += c;
    }
}

void CopyRows::append_csv(std::string& out, std::string_view field, bool force) const {
    const auto special = [&](char c) {
        return c == format_.delimiter || c == format_.quote || c == '\n' || c == '\r';
    };
    // A lone "\." would be read as the end of the data; and what looks like NULL must not be it.
    const bool quote = force || field == null_ || (columns_.size() == 1 && field == "\\.") ||
                       std::ranges::any_of(field, special);
    if (!quote) {
        out += field;
        return;
    }
    out += format_.quote;
    for (const char c : field) {
        if (c == format_.quote || c == format_.escape) {
            out += format_.escape;
        }
        out += c;
    }
    out += format_.quote;
}

}  // namespace domicile::session

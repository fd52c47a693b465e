#include "load/csv.hpp"

namespace domicile::load {

void CsvReader::feed(std::string_view bytes, bool last) {
    pending_.erase(0, at_);
    at_ = 0;
    pending_ += bytes;
    last_ = last;
}

base::Result<bool> CsvReader::next(Record& record) {
    record.fields.clear();
    std::size_t at = at_;
    if (at == pending_.size()) {
        return false;
    }
    std::uint64_t lines = 0;
    std::string field;
    const auto broken = [&](std::string what) {
        return base::fail(base::Code::invalid_value,
                          "Line " + std::to_string(line_) + ": " + std::move(what) + ".",
                          "CSV follows RFC 4180: a quote inside a quoted field is doubled.");
    };
    for (;;) {
        // One field.
        field.clear();
        bool quoted = false;
        bool closed = false;
        for (; at < pending_.size(); ++at) {
            const char c = pending_[at];
            if (at - at_ > record_bytes_max) {
                return broken("the record is longer than " + std::to_string(record_bytes_max) + " bytes");
            }
            if (quoted && !closed) {
                if (c != '"') {
                    lines += c == '\n' ? 1 : 0;
                    field += c;
                } else if (at + 1 < pending_.size() && pending_[at + 1] == '"') {
                    field += '"';
                    ++at;
                } else if (at + 1 < pending_.size() || last_) {
                    closed = true;
                } else {
                    return false;  // the next byte decides whether this quote closes
                }
                continue;
            }
            if (c == ',' || c == '\n') {
                break;
            }
            if (c == '\r' && (at + 1 == pending_.size() || pending_[at + 1] == '\n')) {
                continue;
            }
            if (closed) {
                return broken("text after a closing quote");
            }
            if (c == '"' && field.empty()) {
                quoted = true;
                continue;
            }
            field += c;
        }
        if (at == pending_.size()) {
            if (!last_) {
                return false;
            }
            if (quoted && !closed) {
                return broken("a quoted field does not end");
            }
        }
        if (record.fields.size() == fields_max) {
            return broken("more than " + std::to_string(fields_max) + " fields");
        }
        record.fields.push_back(field);
        const bool end = at == pending_.size() || pending_[at] == '\n';
        if (at < pending_.size()) {
            ++at;
        }
        if (end) {
            break;
        }
    }
    record.line = line_;
    line_ += lines + 1;
    at_ = at;
    return true;
}

void append_csv(std::string& out, const std::vector<std::string>& fields) {
    bool first = true;
    for (const std::string& field : fields) {
        if (!first) {
            out += ',';
        }
        first = false;
        if (field.find_first_of(",\"\r\n") == std::string::npos) {
            out += field;
            continue;
        }
        out += '"';
        for (const char c : field) {
            out += c;
            if (c == '"') {
                out += c;
            }
        }
        out += '"';
    }
    out += '\n';
}

}  // namespace domicile::load

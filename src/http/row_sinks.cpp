#include "http/row_sinks.hpp"

#include "base/limits.hpp"
#include "http/json.hpp"
#include "http/problem.hpp"
#include "routing/node_choice.hpp"

#include <algorithm>

namespace domicile::http {
namespace {

/// Appends {"column":value,…} from one DataRow, whose first fields are `columns`.
void append_row(base::Buffer& out, std::span<const Column* const> columns, wire::RowReader& reader) {
    out.append_u8('{');
    bool first = true;
    for (const Column* column : columns) {
        if (!first) {
            out.append_u8(',');
        }
        first = false;
        out.append(column->json_name);
        append_json_value(out, *column, reader.next());
    }
    out.append_u8('}');
}

}  // namespace

void DoorSink::row(std::uint32_t index, std::string_view data_row) {
    wire::RowReader reader(data_row);
    if (index == 0) {
        ++rows;
        take(reader);
    } else if (const auto text = reader.next()) {
        lsn = routing::parse_lsn(*text);
    }
}

void DoorSink::complete(std::uint32_t index, std::uint64_t count) {
    if (index == 0) {
        affected = count;
    }
}

void DoorSink::error(std::uint32_t index, const wire::ServerError& server_error) {
    if (index != 0) {
        return;
    }
    failed = from_server(server_error, shape_, parameters_);
    stale_schema = schema_changed(server_error.sqlstate);
    constraint = server_error.constraint;
}

void RowSink::take(wire::RowReader& reader) {
    if (!wanted.empty()) {
        wire::RowReader copy = reader;
        texts.resize(wanted.size());
        for (const Column* column : columns_) {
            const auto value = copy.next();
            const auto place = std::ranges::find(wanted, column->name);
            if (place != wanted.end()) {
                texts[static_cast<std::size_t>(place - wanted.begin())] = value.value_or(std::string_view{});
            }
        }
    }
    append_row(body_, columns_, reader);
    body_.append_u8('\n');
    version = reader.next().value_or(std::string_view{});
    if (const auto more = reader.next()) {
        fingerprint = *more;
    }
}

void PageSink::take(wire::RowReader& reader) {
    if (full_) {
        more_ = true;
        return;  // the rows beyond only say that there is a next page
    }
    if (rows > 1) {
        body_.append_u8(',');
    }
    append_row(body_, page_.select, reader);
    full_ = rows == page_.limit || body_.size() > base::limits::http_page_bytes_max;
    if (full_) {
        for (std::size_t i = 0; i < page_.order.size(); ++i) {
            const auto value = reader.next();
            last.push_back(value ? std::optional<std::string>(*value) : std::nullopt);
        }
    }
}

}  // namespace domicile::http

#include "documents/record.hpp"

#include "crypto/hash.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace domicile::documents {
namespace {

namespace json = boost::json;

std::string shown(const json::value& value) {
    return value.is_string() ? std::string(value.get_string()) : "—";  // all values come as texts
}

/// "invoice_no" as "invoice no".
std::string label(std::string_view column) {
    std::string text(column);
    std::ranges::replace(text, '_', ' ');
    return text;
}

std::string filled(std::string title, const json::object& row) {
    for (const auto& [name, value] : row) {
        const std::string mark = "{" + std::string(name) + "}";
        const std::string text = shown(value);
        for (auto at = title.find(mark); at != std::string::npos; at = title.find(mark, at + text.size())) {
            title.replace(at, mark.size(), text);
        }
    }
    return title;
}

/// Whether all values of a column are numbers: such columns are set to the right.
bool numeric(const std::vector<std::vector<std::string>>& rows, std::size_t column) {
    return !rows.empty() && std::ranges::all_of(rows, [&](const auto& row) {
        return column < row.size() && !row[column].empty() &&
               row[column].find_first_not_of("0123456789.-") == std::string::npos;
    });
}

}  // namespace

base::Result<Record> record_of(const topology::Topology& topology, const AuditedEvent& event) {
    boost::system::error_code malformed;
    json::parse_options bounds;
    bounds.max_depth = 8;
    const auto body = json::parse(event.body, malformed, {}, bounds);
    const auto* whole = malformed ? nullptr : body.if_object();
    const auto* row = whole != nullptr ? whole->if_contains("row") : nullptr;
    if (row == nullptr || !row->is_object()) {
        return base::fail(base::Code::invalid_value, "An audited event says nothing.");
    }
    const auto layout = std::ranges::find(topology.documents, event.table, &topology::DocumentLayout::table);
    const bool laid_out = layout != topology.documents.end();
    Record record;
    record.id = event.id();
    record.recorded_at = event.at;
    const std::string verb = event.op == "I" ? "added" : event.op == "U" ? "changed" : "removed";
    record.title = laid_out && !layout->title.empty() ? filled(layout->title, row->get_object())
                                                      : event.table + " " + verb;
    record.hash =
        crypto::hex(crypto::view(crypto::sha256(event.id() + "\n" + event.at + "\n" + event.table + "\n" +
                                                event.op + "\n" + event.user + "\n" + event.body)));
    for (const auto& institution : topology.institutions) {
        if (std::ranges::count(institution.documents, event.table) != 0) {
            record.institution = institution.name;
        }
    }
    const auto* person = whole->if_contains("person");
    if (laid_out && person != nullptr && person->is_object()) {
        for (const auto& column : layout->person) {
            const auto* value = person->get_object().if_contains(column);
            record.fields.emplace_back(label(column), value != nullptr ? shown(*value) : "—");
        }
    }
    if (laid_out && !layout->fields.empty()) {
        for (const auto& column : layout->fields) {
            const auto* value = row->get_object().if_contains(column);
            record.fields.emplace_back(label(column), value != nullptr ? shown(*value) : "—");
        }
    } else {
        for (const auto& [column, value] : row->get_object()) {
            record.fields.emplace_back(label(column), shown(value));
        }
    }
    record.fields.emplace_back("event", verb);
    const auto* lines = whole->if_contains("lines");
    if (laid_out && lines != nullptr && lines->is_array()) {
        for (const auto& column : layout->columns) {
            record.columns.push_back(label(column));
        }
        for (const auto& line : lines->get_array()) {
            auto& cells = record.rows.emplace_back();
            if (line.is_array()) {
                for (const auto& cell : line.get_array()) {
                    cells.push_back(cell.is_null() ? "" : shown(cell));
                }
            }
        }
        for (std::size_t i = 0; i < record.columns.size(); ++i) {
            record.numeric.push_back(numeric(record.rows, i));
        }
    }
    return record;
}

}  // namespace domicile::documents

#pragma once
// From an audited event to what stands on its document. Pure.

#include "base/error.hpp"
#include "documents/pdf.hpp"
#include "topology/topology.hpp"

#include <string>
#include <string_view>

namespace domicile::documents {

/// A row of domicile.documents.
struct AuditedEvent {
    std::string shard;
    std::string number;
    std::string at;  ///< RFC 3339, UTC
    std::string table;
    std::string op;    ///< I, U, D
    std::string user;  ///< id
    std::string body;  ///< JSON: {"row": {…}, "person": {…}, "lines": [[…], …]}, all values as texts
    [[nodiscard]] std::string id() const { return shard + "." + number; }
};

/// By the table's layout, or all columns of its row. invalid_value if the body is not an event's.
[[nodiscard]] base::Result<Record> record_of(const topology::Topology& topology, const AuditedEvent& event);

}  // namespace domicile::documents

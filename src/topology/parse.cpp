#include "topology/parse.hpp"

#include "topology/builder.hpp"
#include "topology/document.hpp"
#include "topology/report.hpp"

#include <exception>
#include <utility>

namespace domicile::topology {

Parsed parse(std::string_view toml) {
    Parsed parsed;
    try {
        auto document = read_document(toml);
        if (!document) {
            parsed.findings.push_back(std::move(document.error()));
            return parsed;
        }
        Report report;
        parsed.topology = Builder(*document, report).build();
        parsed.findings = report.take();
    } catch (const std::exception&) {
        // Memory is the only thing that can run out here: the input is bounded, not the machine.
        parsed.findings.assign(1, {0, 0, "not enough memory to read the file", "shorten the file"});
    }
    return parsed;
}

}  // namespace domicile::topology

#include "topology/parse.hpp"

namespace domicile::topology {

std::string render(const Finding& finding, std::string_view file) {
    std::string text(file);
    if (finding.line != 0) {
        text += ":" + std::to_string(finding.line) + ":" + std::to_string(finding.column);
    }
    text += ": " + finding.what;
    if (!finding.mend.empty()) {
        text += "\n    mend: " + finding.mend;
    }
    return text;
}

}  // namespace domicile::topology

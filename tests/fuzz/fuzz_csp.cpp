// Policies and pages of strange servers: reading them and grading them must be bounded and clean, and a
// policy that was read and written down again must say the same.

#include "edge/grade.hpp"
#include "edge/headers.hpp"

#include <cstddef>
#include <cstdint>
#include <tuple>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace domicile::edge;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto policies = parse_policies(text);
    if (policies) {
        for (const Policy& policy : *policies) {
            std::string again;
            for (const Directive& directive : policy.directives) {
                again += directive.name;
                for (const std::string& value : directive.values) {
                    again += " " + value;
                }
                again += ";";
            }
            const Policy second = parse_policy(again);
            bool same = second.directives.size() == policy.directives.size();
            for (std::size_t i = 0; same && i < second.directives.size(); ++i) {
                same = second.directives[i].name == policy.directives[i].name &&
                       second.directives[i].values == policy.directives[i].values;
            }
            if (!same) {
                __builtin_trap();
            }
        }
        for (const Finding& finding : grade(*policies)) {
            if (finding.what.empty() || finding.mend.empty()) {
                __builtin_trap();
            }
        }
    }
    std::ignore = without_nonce(text);
    const Response page{"GET /",
                        200,
                        true,
                        {{"content-type", "text/html"}, {"content-security-policy", std::string(text)}},
                        std::string(text)};
    const Response responses[] = {page, page};
    std::ignore = grade_responses(responses);
    return 0;
}

#pragma once
// What is weak in a policy, and in the responses that carry it. Pure: no socket, no clock.

#include "edge/policy.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::edge {

enum class Severity : std::uint8_t {
    high,    ///< the policy does not do what a policy is for
    syntax,  ///< a browser reads something else than what was meant
    medium,
    low,   ///< depends on what stands behind it
    info,  ///< nothing to mend
};
[[nodiscard]] std::string_view name(Severity severity);

struct Finding {
    std::string_view check;  ///< a literal: "script-unsafe-inline"
    Severity severity = Severity::info;
    std::string directive;  ///< or the header's name
    std::string value;      ///< what in it; may be empty
    std::string what;
    std::string mend;
};

/// In place, the order among equals kept.
void worst_first(std::vector<Finding>& findings);
/// Findings of one policy, worst first, each once.
[[nodiscard]] std::vector<Finding> grade(const Policy& policy);
/// Of policies that apply together, the CSP3 way: a resource must pass all of them, so what one leaves open
/// another may close. Findings that hold for the whole are those every policy has; syntax is each one's own.
[[nodiscard]] std::vector<Finding> grade(std::span<const Policy> policies);

/// One response, as it was fetched.
struct Response {
    std::string what;  ///< "GET /", for findings
    int status = 200;
    bool secure = false;  ///< came over TLS
    std::vector<std::pair<std::string, std::string>>
        headers;  ///< names in lower case, repeated ones as they came
    std::string body;
};

/// The policies of <meta http-equiv> elements, as they stand; at most 16, entities of quotes decoded.
[[nodiscard]] std::vector<std::string> meta_policies(std::string_view html);

/// What one policy alone cannot show: headers that are missing on some responses, nonces that come twice,
/// what a cache keeps, what is only reported, what stands twice. Includes grade() of what the first page (or
/// response) says. `responses` are of one origin; the same page fetched twice shows nonces that stand still.
[[nodiscard]] std::vector<Finding> grade_responses(std::span<const Response> responses);

}  // namespace domicile::edge

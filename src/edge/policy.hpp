#pragma once
// Content Security Policy Level 3 (w3c/webappsec-csp, April 2026): text to directives, as a browser reads
// them, and what a browser silently passes over. Pure; takes bytes from anywhere.

#include "base/error.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::edge {

/// What we read of a header or an argument: servers and proxies take no more for all headers together.
inline constexpr std::size_t policy_bytes_max = 16U << 10U;

struct Directive {
    std::string name;                 ///< lower case
    std::vector<std::string> values;  ///< each once; keywords and bare schemes in lower case
};

struct Policy {
    std::vector<Directive> directives;  ///< of one name the first: browsers pass over the others
    std::vector<std::string> repeated;  ///< names of those that were passed over
    std::size_t unreadable = 0;         ///< directives with bytes beyond ASCII: passed over, too

    /// Null if the policy has no such directive.
    [[nodiscard]] const Directive* find(std::string_view name) const;
    /// The directive that governs `name`: itself, or what the fetch directives fall back to (CSP3 section
    /// 6.8.3). Null if nothing does.
    [[nodiscard]] const Directive* governing(std::string_view name) const;
};

/// CSP3 section 2.2.1, one policy. Commas are bytes like others here. REQUIRES: at most policy_bytes_max.
[[nodiscard]] Policy parse_policy(std::string_view text);
/// CSP3 section 2.2.2, a header's value: policies between commas; all of them apply. Those without a
/// directive are left out. payload_too_large beyond policy_bytes_max.
[[nodiscard]] base::Result<std::vector<Policy>> parse_policies(std::string_view text);

[[nodiscard]] std::string lower(std::string_view text);

/// 'self', 'unsafe-inline' and the other keyword sources of CSP3 section 2.3.1; lower case, with the quotes.
[[nodiscard]] bool is_keyword(std::string_view value);
[[nodiscard]] std::span<const std::string_view> keywords();
/// Of CSP3 section 6, or of a specification that adds to it; obsolete ones included.
[[nodiscard]] bool is_directive(std::string_view name);
/// "https:", "data:": scheme-source.
[[nodiscard]] bool is_scheme(std::string_view value);
/// The value between 'nonce- and the last quote; empty if this is no nonce source. Not yet its grammar.
[[nodiscard]] std::string_view nonce_of(std::string_view value);
/// nonce-source with base64-value as CSP3 section 2.3.1 writes it.
[[nodiscard]] bool is_nonce(std::string_view value);
/// hash-source, likewise.
[[nodiscard]] bool is_hash(std::string_view value);

}  // namespace domicile::edge

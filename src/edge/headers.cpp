#include "edge/headers.hpp"

#include <algorithm>

namespace domicile::edge {

std::string without_nonce(std::string_view policy) {
    if (policy.find(nonce_mark) == std::string_view::npos) {
        return std::string(policy);
    }
    // Word by word, not as parsed: what stands in the file is what is sent.
    const auto next = [](std::string_view& text, std::string_view ends) {
        const auto from = std::min(text.find_first_not_of(ends), text.size());
        const auto to = std::min(text.find_first_of(ends, from), text.size());
        const auto part = text.substr(from, to - from);
        text.remove_prefix(to);
        return part;
    };
    std::string result;
    for (std::string_view directive = next(policy, ";"); !directive.empty(); directive = next(policy, ";")) {
        std::string kept(next(directive, " "));
        if (kept.empty()) {
            continue;
        }
        bool cut = false;
        bool any = false;
        for (std::string_view word = next(directive, " "); !word.empty(); word = next(directive, " ")) {
            const bool marked = word.find(nonce_mark) != std::string_view::npos;
            cut = cut || marked;
            any = any || !marked;
            kept.append(marked ? "" : " ").append(marked ? std::string_view() : word);
        }
        result += (result.empty() ? "" : "; ") + kept + (cut && !any ? " 'none'" : "");
    }
    return result;
}

std::vector<Header> headers(const topology::Edge& edge, bool secure, bool page) {
    std::vector<Header> all;
    const auto policy = [&](std::string_view name, const std::string& text) {
        if (!text.empty()) {
            all.push_back({std::string(name), page ? text : without_nonce(text)});
        }
    };
    policy("Content-Security-Policy", edge.content_security_policy);
    policy("Content-Security-Policy-Report-Only", edge.report_only);
    if (secure) {
        all.push_back({"Strict-Transport-Security", edge.strict_transport_security});
    }
    all.push_back({"X-Content-Type-Options", "nosniff"});
    all.push_back({"Referrer-Policy", edge.referrer_policy});
    all.push_back({"Permissions-Policy", edge.permissions_policy});
    all.push_back({"Cross-Origin-Opener-Policy", edge.opener_policy});
    all.push_back({"Cross-Origin-Resource-Policy", edge.resource_policy});
    std::string endpoints;
    for (const auto& [name, url] : edge.reporting) {
        endpoints += (endpoints.empty() ? "" : ", ") + name + "=\"" + url + "\"";
    }
    if (!endpoints.empty()) {
        all.push_back({"Reporting-Endpoints", endpoints});
    }
    return all;
}

}  // namespace domicile::edge

#pragma once
// Questions to policies that stand alone: what a role may do, and who may do something. For the command and
// the page.

#include "iam/policy_set.hpp"
#include "topology/topology.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::app {

/// "key=value" or "key=a,b": into a context whose views stand on `storage`.
struct ContextKeys {
    bool add(const std::string& text) {
        const auto equals = text.find('=');
        if (equals == std::string::npos || equals == 0) {
            return false;
        }
        auto& entry = storage.emplace_back();
        entry.first = text.substr(0, equals);
        std::string_view rest = std::string_view(entry.second = text.substr(equals + 1));
        auto& values = lists.emplace_back();
        for (;;) {
            const auto comma = rest.find(',');
            values.push_back(rest.substr(0, comma));
            if (comma == std::string_view::npos) {
                break;
            }
            rest.remove_prefix(comma + 1);
        }
        context.set(entry.first, std::span<const std::string_view>(values));
        return true;
    }
    void otherwise(const std::string& key, const std::string& value) {
        if (std::ranges::none_of(storage,
                                 [&](const auto& one) { return iam::lower(one.first) == iam::lower(key); })) {
            add(key + "=" + value);
        }
    }
    std::deque<std::pair<std::string, std::string>> storage;
    std::deque<std::vector<std::string_view>> lists;
    iam::Context context;
};

/// The jurisdiction in arn:domicile:SERVICE::JURISDICTION:…
[[nodiscard]] std::string account_of(std::string_view arn);

/// For the page (docs/operations.md), as JSON. `body`: {principal: "role" or "role@jurisdiction", action,
/// resource, context}. malformed_request, invalid_value.
[[nodiscard]] base::Result<std::string> simulate(const iam::PolicySet& set,
                                                 const topology::Topology& topology, std::string_view body);
[[nodiscard]] base::Result<std::string> who_can(const iam::PolicySet& set, const topology::Topology& topology,
                                                std::string_view action, std::string_view resource);

}  // namespace domicile::app

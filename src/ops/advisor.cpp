#include "ops/advisor.hpp"

#include "crypto/hash.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include <boost/json.hpp>

namespace domicile::ops {

std::string_view name(Pillar pillar) noexcept {
    static constexpr std::array<std::string_view, 7> names = {
        "cost", "performance", "security", "resilience", "limits", "operations", "residency"};
    return names[static_cast<std::size_t>(pillar)];
}

std::string Finding::id() const {
    return check + "-" +
           crypto::hex(crypto::view(crypto::sha256(check + "\n" + region + "\n" + resource))).substr(0, 12);
}

std::vector<Finding> advise(const Evidence& evidence) {
    std::vector<Finding> findings;
    const auto& region = evidence.topology.at(evidence.region);
    const auto all = topology::RegionIndex(static_cast<std::uint16_t>(evidence.topology.regions.size()));
    const bool judges_all = watcher_of(evidence.topology, all) == evidence.region;
    for (const auto& checks : {declared_checks(), measured_checks()}) {
        for (const Check& check : checks) {
            if (check.deployment && !judges_all) {
                continue;
            }
            std::vector<std::pair<std::string, std::string>> found;
            check.look(evidence, found);
            for (auto& [resource, what] : found) {
                std::string command(check.command);
                for (auto at = command.find("{resource}"); at != std::string::npos;
                     at = command.find("{resource}")) {
                    command.replace(at, 10, resource);
                }
                findings.push_back({std::string(check.id), check.pillar, check.severity, std::move(resource),
                                    region.name, evidence.topology.at(region.jurisdiction).name,
                                    std::string(check.title), std::move(what), std::string(check.why),
                                    std::move(command)});
            }
        }
    }
    std::ranges::sort(findings, [](const Finding& one, const Finding& other) {
        return std::tie(other.severity, one.check, one.resource) <
               std::tie(one.severity, other.check, other.resource);
    });
    return findings;
}

/// "node n1" of a resource becomes "node/n1", by which the page finds it; other words stay.
static std::string reference(const std::string& resource) {
    const auto space = resource.find(' ');
    const bool known = std::ranges::any_of(topology::known_facts(), [&](const auto& one) {
        return one.kind == std::string_view(resource).substr(0, space);
    });
    std::string text = resource;
    if (known && space != std::string::npos && resource.find(' ', space + 1) == std::string::npos) {
        text[space] = '/';
    }
    return text;
}

boost::json::object to_value(const Finding& finding, const boost::json::object* acknowledged) {
    boost::json::value known;
    if (acknowledged != nullptr) {
        known = boost::json::object{{"by", acknowledged->at("by")},
                                    {"reason", acknowledged->at("reason")},
                                    {"until", acknowledged->at("until_day")}};
    }
    return {{"id", finding.id()},
            {"check", finding.check},
            {"pillar", name(finding.pillar)},
            {"severity", topology::name(finding.severity)},
            {"resource", reference(finding.resource)},
            {"region", finding.region},
            {"jurisdiction", finding.jurisdiction},
            {"title", finding.title},
            {"evidence", finding.evidence},
            {"why", finding.why},
            {"command", finding.command},
            {"acknowledged", std::move(known)}};
}

}  // namespace domicile::ops

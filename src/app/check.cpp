// `domicile check`: reads a topology and prints every finding, or a summary.

#include "access/policies.hpp"
#include "app/common.hpp"
#include "topology/parse.hpp"

#include <iostream>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

std::string count(std::size_t number, std::string_view one, std::string_view many) {
    return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

}  // namespace

int check(const Common& common) {
    const auto text = read_file(common.topology, topology::topology_bytes_max);
    if (!text) {
        return failed(text.error());
    }
    const topology::Parsed parsed = topology::parse(*text);
    access::LoadedPolicies policies;
    if (parsed.ok()) {
        policies = access::policies_of(parsed.topology, [&](const std::string& file) {
            auto policy = read_file(common.topology.parent_path() / file, iam::policy_bytes_max + 1);
            if (!policy) {
                policy.error().hint = "the topology names it: write it, or name another";
            }
            return policy;
        });
    }
    const bool good = parsed.ok() && policies.set != nullptr;
    if (common.json) {
        boost::json::array findings;
        for (const auto& [file, finding] : policies.findings) {
            findings.push_back({{"file", file},
                                {"pointer", finding.pointer},
                                {"severity", finding.error ? "error" : "warning"},
                                {"what", finding.text},
                                {"mend", finding.hint}});
        }
        for (const topology::Finding& finding : parsed.findings) {
            boost::json::object one;
            one["line"] = finding.line;
            one["column"] = finding.column;
            one["what"] = finding.what;
            one["mend"] = finding.mend;
            findings.push_back(std::move(one));
        }
        boost::json::object document;
        document["ok"] = good;
        document["findings"] = std::move(findings);
        std::cout << boost::json::serialize(document) << '\n';
        return good ? 0 : 1;
    }
    for (const topology::Finding& finding : parsed.findings) {
        std::cout << topology::render(finding, common.topology.string()) << '\n';
    }
    for (const auto& [file, finding] : policies.findings) {
        std::cout << file << (finding.pointer.empty() ? "" : "#" + finding.pointer) << ": "
                  << (finding.error ? "" : "warning: ") << finding.text << "\n    mend: " << finding.hint
                  << '\n';
    }
    if (!good) {
        std::cout << count(parsed.findings.size() + policies.findings.size(), "finding", "findings") << '\n';
        return 1;
    }
    const topology::Topology& topology = parsed.topology;
    std::cout << common.topology.string() << ": good. "
              << count(topology.jurisdictions.size(), "jurisdiction", "jurisdictions") << ", "
              << count(topology.regions.size(), "region", "regions") << ", "
              << count(topology.shards.size(), "shard", "shards") << " on "
              << count(topology.nodes.size() - (topology.central ? 1 : 0), "node", "nodes") << ", "
              << count(topology.tables.size(), "table", "tables") << '\n';
    return 0;
}

}  // namespace domicile::app

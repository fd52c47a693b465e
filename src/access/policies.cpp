#include "access/policies.hpp"

#include "base/assert.hpp"
#include "iam/defaults.hpp"
#include "routing/residency.hpp"

#include <algorithm>
#include <set>

namespace domicile::access {
namespace {

iam::Policy parsed(std::string_view name, std::string_view json, iam::PolicyKind kind, iam::Keys& keys) {
    auto result = iam::parse_policy(name, json, kind, keys);
    DOMICILE_ASSERT(result.policy.has_value());  // these are ours
    return std::move(*result.policy);
}

/// The resource's side of a transfer: both jurisdictions must allow what crosses.
std::string transfer_policy(const topology::Topology& topology, const topology::Transfer& transfer) {
    std::string actions;
    for (const auto& action : transfer.actions) {
        actions += (actions.empty() ? "\"" : ",\"") + action + "\"";
    }
    const std::string from = topology.at(transfer.from).name;
    return R"({"Version":"2012-10-17","Statement":{"Sid":")" + std::string(routing::name(transfer.basis)) +
           R"(","Effect":"Allow","Principal":{"AWS":")" + topology.at(transfer.to).name + R"("},"Action":[)" +
           actions + R"(],"Resource":"arn:domicile:data::)" + from +
           R"(:table/*","Condition":{"StringEquals":{"domicile:TransferBasis":")" +
           std::string(routing::name(transfer.basis)) + R"("}}}})";
}

/// Reads files into policies, and keeps every finding.
class Files {
  public:
    Files(const ReadPolicy& read, iam::Keys& keys, std::vector<FileFinding>& findings)
        : read_(read), keys_(keys), findings_(findings) {}

    void add(const std::vector<std::string>& files, iam::PolicyKind kind, std::vector<iam::Policy>& to) {
        for (const auto& file : files) {
            const auto text = read_(file);
            if (!text) {
                findings_.push_back({file, {true, "", text.error().text, text.error().hint}});
                continue;
            }
            auto result = iam::parse_policy(file, *text, kind, keys_);
            for (auto& finding : result.findings) {
                findings_.push_back({file, std::move(finding)});
            }
            if (result.policy) {
                to.push_back(std::move(*result.policy));
            }
        }
    }

  private:
    const ReadPolicy& read_;
    iam::Keys& keys_;
    std::vector<FileFinding>& findings_;
};

}  // namespace

LoadedPolicies policies_of(const topology::Topology& topology, const ReadPolicy& read) {
    LoadedPolicies loaded;
    iam::Policies policies;
    Files files(read, policies.keys, loaded.findings);
    for (const auto& role : topology.roles) {
        auto& own = policies.roles[role.name];
        files.add(role.policies, iam::PolicyKind::identity, own.identity);
        files.add(role.boundary, iam::PolicyKind::boundary, own.boundary);
    }
    for (const auto& role : iam::default_roles()) {
        const auto give = [&](std::string_view name) {
            if (std::ranges::count(topology.roles, name, &topology::Role::name) == 0) {
                policies.roles[std::string(name)].identity.push_back(
                    parsed(name, role.policy, iam::PolicyKind::identity, policies.keys));
            }
        };
        give(role.role);
        if (role.role == "operator" && topology.database.superuser_login) {
            give("postgres");
        }
    }
    for (const auto& jurisdiction : topology.jurisdictions) {
        auto& rails = policies.guard_rails[jurisdiction.name];
        files.add(jurisdiction.guard_rails, iam::PolicyKind::guard_rail, rails);
        if (jurisdiction.guard_rails.empty()) {
            rails.push_back(
                parsed("guard-rail", iam::default_guard_rail(), iam::PolicyKind::guard_rail, policies.keys));
        }
    }
    for (const auto& table : topology.tables) {
        if (!table.policies.empty()) {
            files.add(table.policies, iam::PolicyKind::resource, policies.resources["table/" + table.name]);
        }
    }
    for (const auto& transfer : topology.transfers) {
        for (const auto& table : transfer.tables) {
            policies.resources["table/" + table].push_back(parsed(
                "transfer", transfer_policy(topology, transfer), iam::PolicyKind::resource, policies.keys));
        }
    }
    if (std::ranges::none_of(loaded.findings, [](const FileFinding& one) { return one.finding.error; })) {
        loaded.set = std::make_shared<const iam::PolicySet>(std::move(policies));
    }
    return loaded;
}

base::Error first_error(const LoadedPolicies& policies) {
    for (const auto& [file, finding] : policies.findings) {
        if (finding.error) {
            return {base::Code::configuration,
                    file + (finding.pointer.empty() ? "" : "#" + finding.pointer) + ": " + finding.text,
                    finding.hint,
                    {},
                    {}};
        }
    }
    return {};
}

std::vector<std::string> policy_files(const topology::Topology& topology) {
    std::set<std::string> files;
    for (const auto& role : topology.roles) {
        files.insert(role.policies.begin(), role.policies.end());
        files.insert(role.boundary.begin(), role.boundary.end());
    }
    for (const auto& jurisdiction : topology.jurisdictions) {
        files.insert(jurisdiction.guard_rails.begin(), jurisdiction.guard_rails.end());
    }
    for (const auto& table : topology.tables) {
        files.insert(table.policies.begin(), table.policies.end());
    }
    return {files.begin(), files.end()};
}

}  // namespace domicile::access

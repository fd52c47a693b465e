#include "access/policies.hpp"

#include "base/assert.hpp"
#include "iam/defaults.hpp"
#include "routing/residency.hpp"

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

}  // namespace

std::shared_ptr<const iam::PolicySet> policies_of(const topology::Topology& topology) {
    iam::Policies policies;
    for (const auto& role : iam::default_roles()) {
        policies.roles[std::string(role.role)].identity.push_back(
            parsed(role.role, role.policy, iam::PolicyKind::identity, policies.keys));
        if (role.role == "operator" && topology.database.superuser_login) {
            policies.roles["postgres"].identity.push_back(
                parsed("postgres", role.policy, iam::PolicyKind::identity, policies.keys));
        }
    }
    for (const auto& jurisdiction : topology.jurisdictions) {
        policies.guard_rails[jurisdiction.name].push_back(
            parsed("guard-rail", iam::default_guard_rail(), iam::PolicyKind::guard_rail, policies.keys));
    }
    for (const auto& transfer : topology.transfers) {
        for (const auto& table : transfer.tables) {
            policies.resources["table/" + table].push_back(parsed(
                "transfer", transfer_policy(topology, transfer), iam::PolicyKind::resource, policies.keys));
        }
    }
    return std::make_shared<const iam::PolicySet>(std::move(policies));
}

}  // namespace domicile::access

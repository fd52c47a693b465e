#include "app/policy_question.hpp"

#include "iam/vocabulary.hpp"

#include <boost/json.hpp>

namespace domicile::app {
namespace {

namespace json = boost::json;

std::unexpected<base::Error> invalid(std::string text, std::string hint) {
    return base::fail(base::Code::invalid_value, std::move(text), std::move(hint));
}

base::Status check(std::string_view action, std::string_view resource) {
    if (std::ranges::count(resource, ':') < 5) {
        return invalid("That is no resource.", "arn:domicile:data::eu:table/users");
    }
    if (auto hint = iam::unknown_action(action); !hint.empty()) {
        return invalid("There is no such action.", std::move(hint));
    }
    return {};
}

/// Where nothing else is said, rows are asked for at home and over TLS.
void complete(ContextKeys& keys, const std::string& account) {
    keys.otherwise("domicile:HomeJurisdiction", account);
    keys.otherwise("domicile:GatewayJurisdiction", account);
    keys.otherwise("aws:SecureTransport", "true");
}

}  // namespace

std::string account_of(std::string_view arn) {
    for (int i = 0; i < 4; ++i) {
        arn.remove_prefix(std::min(arn.find(':'), arn.size() - 1) + 1);
    }
    return std::string(arn.substr(0, arn.find(':')));
}

base::Result<std::string> simulate(const iam::PolicySet& set, const topology::Topology& topology,
                                   std::string_view body) {
    boost::system::error_code failed;
    json::parse_options bounds;
    bounds.max_depth = 4;
    const auto value = json::parse(body, failed, {}, bounds);
    const auto* asked = failed ? nullptr : value.if_object();
    if (asked == nullptr) {
        return base::fail(base::Code::malformed_request, "The body is no JSON object.");
    }
    const auto text = [&](std::string_view key) {
        const auto* found = asked->if_contains(key);
        return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
    };
    const std::string principal = text("principal");
    const std::string action = text("action");
    const std::string resource = text("resource");
    if (auto good = check(action, resource); !good) {
        return std::unexpected(std::move(good.error()));
    }
    const std::string role = principal.substr(0, principal.find('@'));
    const std::string home = principal.find('@') == std::string::npos
                                 ? account_of(resource)
                                 : principal.substr(principal.find('@') + 1);
    if (!set.has_role(role)) {
        return invalid("There is no such role.", "Roles are " + set.role_names() + ".");
    }
    if (!topology.jurisdiction(home)) {
        return invalid("There is no such jurisdiction.", "operator@eu");
    }
    ContextKeys keys;
    if (const auto* context = asked->if_contains("context"); context != nullptr && context->is_object()) {
        for (const auto& [key, one] : context->as_object()) {
            if (!one.is_string() || !keys.add(std::string(key) + "=" + std::string(one.as_string()))) {
                return invalid("The context holds a key without a text.",
                               "{\"domicile:SubjectMatch\":\"true\"}");
            }
        }
    }
    complete(keys, account_of(resource));
    const std::vector<std::string> roles = {role};
    const std::vector<std::string> arns = {iam::role_arn(home, role)};
    const std::string user = iam::user_arn(home, role);
    iam::Request request;
    request.roles = roles;
    request.arns = arns;
    request.user = user;
    request.account = home;
    request.action = action;
    request.resource = resource;
    const std::string account = account_of(resource);
    request.resource_account = account;
    request.context = &keys.context;
    const auto decision = set.decide(request);
    json::array reasons;
    for (const auto& one : set.explain(request)) {
        reasons.push_back({{"policy", one.policy},
                           {"statement", one.statement},
                           {"effect", one.allow ? "Allow" : "Deny"},
                           {"matched", one.match == "yes"},
                           {"text", std::string(iam::name(one.kind)) + ": " + one.match}});
    }
    return json::serialize(json::object{{"verdict", decision.allowed() ? "allow" : "deny"},
                                        {"rule", decision.rule},
                                        {"reasons", std::move(reasons)}});
}

base::Result<std::string> who_can(const iam::PolicySet& set, const topology::Topology& topology,
                                  std::string_view action, std::string_view resource) {
    if (auto good = check(action, resource); !good) {
        return std::unexpected(std::move(good.error()));
    }
    const std::string account = account_of(resource);
    ContextKeys keys;
    complete(keys, account);
    json::array principals;
    for (const auto& jurisdiction : topology.jurisdictions) {
        for (const auto& holder : set.who_can(jurisdiction.name, action, resource, account, keys.context)) {
            json::array conditions;
            for (const auto& one : holder.conditions) {
                conditions.push_back(json::value(one));
            }
            principals.push_back({{"principal", holder.role + "@" + jurisdiction.name},
                                  {"verdict", holder.conditions.empty() ? "allow" : "undecided"},
                                  {"conditions", std::move(conditions)}});
        }
    }
    return json::serialize(json::object{{"principals", std::move(principals)}});
}

}  // namespace domicile::app

// `domicile policy check|simulate|explain|who-can`: what policies say, without asking a gateway.

#include "access/access_log.hpp"
#include "app/commands.hpp"
#include "app/common.hpp"
#include "app/policy_question.hpp"
#include "iam/vocabulary.hpp"

#include <algorithm>
#include <deque>
#include <iostream>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

namespace json = boost::json;

}  // namespace

int policy_check(const PolicyOptions& options) {
    bool good = true;
    json::array all;
    const auto kind = options.kind == "resource"     ? iam::PolicyKind::resource
                      : options.kind == "boundary"   ? iam::PolicyKind::boundary
                      : options.kind == "session"    ? iam::PolicyKind::session
                      : options.kind == "guard-rail" ? iam::PolicyKind::guard_rail
                                                     : iam::PolicyKind::identity;
    for (const auto& file : options.files) {
        auto text = read_file(file, iam::policy_bytes_max + 1);
        if (!text) {
            text.error().hint = "Name files with policies in JSON.";
            return failed(text.error());
        }
        iam::Keys keys;
        const auto parsed = iam::parse_policy(file.filename().string(), *text, kind, keys);
        good = good && parsed.policy.has_value();
        for (const auto& finding : parsed.findings) {
            all.push_back({{"file", file.string()},
                           {"severity", finding.error ? "error" : "warning"},
                           {"pointer", finding.pointer},
                           {"text", finding.text},
                           {"mend", finding.hint}});
            if (!options.json) {
                std::cout << file.string() << "#" << finding.pointer << ": "
                          << (finding.error ? "" : "warning: ") << finding.text
                          << "\n    mend: " << finding.hint << '\n';
            }
        }
        if (parsed.policy && !options.json) {
            std::cout << file.string() << ": " << parsed.policy->statements.size() << " statements, good\n";
        }
    }
    if (options.json) {
        std::cout << json::serialize(all) << '\n';
    }
    return good ? 0 : 1;
}

int policy(const Common& common, const PolicyOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const auto loaded = read_policies(*topology, common.topology.parent_path());
    if (!loaded) {
        return failed(loaded.error());
    }
    const auto& set = *loaded;
    const std::string jurisdiction =
        options.jurisdiction.empty() ? topology->jurisdictions.front().name : options.jurisdiction;
    if (!topology->jurisdiction(jurisdiction)) {
        return failed({base::Code::configuration,
                       "There is no jurisdiction " + jurisdiction + ".",
                       "Name one with --jurisdiction.",
                       {},
                       {}});
    }
    ContextKeys keys;
    for (const auto& one : options.context) {
        if (!keys.add(one)) {
            return failed({base::Code::configuration,
                           "\"" + one + "\" is no condition key with a value.",
                           "Write --context domicile:SubjectMatch=true",
                           {},
                           {}});
        }
    }
    if (std::ranges::count(options.resource, ':') < 5) {
        return failed({base::Code::configuration,
                       "\"" + options.resource + "\" is no resource.",
                       "Write arn:domicile:data::" + jurisdiction + ":table/users",
                       {},
                       {}});
    }
    if (const auto hint = iam::unknown_action(options.action); !hint.empty()) {
        return failed(
            {base::Code::configuration, "There is no action " + options.action + ".", hint, {}, {}});
    }
    if (options.what != "who-can" && !set->has_role(options.role)) {
        return failed({base::Code::configuration,
                       "There is no role " + options.role + ".",
                       "Roles are " + set->role_names() + ".",
                       {},
                       {}});
    }
    const std::string account = account_of(options.resource);
    // Where nothing else is said, rows are asked for at home and over TLS: what is left is what the role may
    // do.
    keys.otherwise("domicile:HomeJurisdiction", account);
    keys.otherwise("domicile:GatewayJurisdiction", account);
    keys.otherwise("aws:SecureTransport", "true");
    if (options.what == "who-can") {
        json::array holders;
        const auto found =
            set->who_can(jurisdiction, options.action, options.resource, account, keys.context);
        for (const auto& holder : found) {
            json::array statements(holder.statements.begin(), holder.statements.end());
            json::array conditions(holder.conditions.begin(), holder.conditions.end());
            if (!common.json) {
                std::cout << holder.role << "  by";
                for (const auto& one : holder.statements) {
                    std::cout << ' ' << one;
                }
                std::cout << '\n';
                for (const auto& one : holder.conditions) {
                    std::cout << "    " << one << '\n';
                }
            }
            holders.push_back(
                {{"role", holder.role}, {"statements", statements}, {"conditions", conditions}});
        }
        if (common.json) {
            std::cout << json::serialize(holders) << '\n';
        } else if (found.empty()) {
            std::cout << "nobody\n";
        }
        return 0;
    }
    const std::vector<std::string> roles = {options.role};
    const std::vector<std::string> arns = {iam::role_arn(jurisdiction, options.role)};
    const std::string user = iam::user_arn(jurisdiction, options.role);
    iam::Request request;
    request.roles = roles;
    request.arns = arns;
    request.user = user;
    request.account = jurisdiction;
    request.action = options.action;
    request.resource = options.resource;
    request.resource_account = account;
    request.context = &keys.context;
    const auto decision = set->decide(request);
    const auto explained = options.what == "explain" ? set->explain(request) : std::vector<iam::Explained>();
    if (common.json) {
        json::array statements;
        for (const auto& one : explained) {
            statements.push_back({{"policy", one.policy},
                                  {"statement", one.statement},
                                  {"kind", iam::name(one.kind)},
                                  {"effect", one.allow ? "Allow" : "Deny"},
                                  {"match", one.match}});
        }
        std::cout << json::serialize(json::object{{"allowed", decision.allowed()},
                                                  {"rule", decision.rule},
                                                  {"by", decision.reasons},
                                                  {"statements", statements}})
                  << '\n';
    } else {
        std::cout << (decision.allowed() ? "allowed" : "refused") << (decision.rule.empty() ? "" : " by ")
                  << decision.rule << (decision.reasons.empty() ? "" : ": ") << decision.reasons << '\n';
        for (const auto& one : explained) {
            std::cout << "  " << iam::name(one.kind) << "  " << one.policy << '/' << one.statement << "  "
                      << (one.allow ? "Allow" : "Deny") << "  " << one.match << '\n';
        }
    }
    return decision.allowed() ? 0 : 1;
}

int access_log(const Common& common, const std::filesystem::path& folder) {
    const auto check = access::check_log(folder);
    if (!check) {
        return failed(check.error());
    }
    if (common.json) {
        std::cout << json::serialize(json::object{
                         {"lines", check->lines}, {"head", check->head}, {"broken", check->broken}})
                  << '\n';
    } else if (check->broken.empty()) {
        std::cout << check->lines << " lines, the chain holds, head " << check->head << '\n';
    } else {
        std::cout << "broken at " << check->broken << '\n';
    }
    return check->broken.empty() ? 0 : 1;
}

}  // namespace domicile::app

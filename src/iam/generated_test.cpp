// The fast evaluator against a slow, obvious one written from the documentation's text, on generated policies
// and requests. DOMICILE_POLICY_CASES sets how many (`make policy`: a million); DOMICILE_SEED the first.

#include "iam/policy_set.hpp"
#include "iam/vocabulary.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace domicile::iam {
namespace {

// ---- What is generated: plain values, as small as the language allows ----

struct SpecCondition {
    std::string set, op, suffix, key;
    std::vector<std::string> values;
};
struct SpecStatement {
    bool allow = true;
    bool not_action = false;
    std::vector<std::string> actions;
    bool not_resource = false;
    std::vector<std::string> resources;
    bool not_principal = false;
    std::vector<std::string> principals;
    std::vector<SpecCondition> conditions;
};
struct SpecPolicy {
    bool old_version = false;
    std::vector<SpecStatement> statements;
};
struct Spec {
    std::map<std::string, std::vector<SpecPolicy>> identity, boundary, guard_rails;
    std::vector<SpecPolicy> resource, session;
};
using SpecContext = std::map<std::string, std::vector<std::string>>;
struct SpecRequest {
    std::vector<std::string> roles;
    std::string account, user, action, table, resource_account;
    SpecContext context;
};

class Generator {
  public:
    explicit Generator(std::uint64_t seed) : random_(seed) {}
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
    bool one_in(std::size_t n) { return below(n) == 0; }
    template <class List>
    const auto& pick(const List& list) {
        return list[below(std::size(list))];
    }

    Spec spec() {
        Spec made;
        for (const char* role : {"a", "b"}) {
            for (std::size_t i = below(3); i > 0; --i) {
                made.identity[role].push_back(policy(false));
            }
            if (one_in(4)) {
                made.boundary[role].push_back(policy(false));
            }
        }
        for (const char* jurisdiction : {"eu", "us"}) {
            if (one_in(4)) {
                made.guard_rails[jurisdiction].push_back(policy(false));
            }
        }
        if (one_in(2)) {
            made.resource.push_back(policy(true));
        }
        if (one_in(6)) {
            made.session.push_back(policy(false));
        }
        return made;
    }
    SpecRequest request() {
        SpecRequest made;
        for (const char* role : {"a", "b"}) {
            if (one_in(2)) {
                made.roles.emplace_back(role);
            }
        }
        made.account = one_in(4) ? "us" : "eu";
        made.resource_account = one_in(6) ? "us" : "eu";
        made.user = "u";
        made.action =
            pick(std::array<std::string, 4>{"data:Select", "data:Insert", "DATA:select", "ops:Read"});
        made.table = one_in(3) ? "orders" : "users";
        for (const auto& key : keys) {
            if (!one_in(3)) {
                made.context[std::string(key)] = {value_of(key)};
                while (key == "domicile:Columns" && one_in(2)) {
                    made.context[std::string(key)].push_back(value_of(key));
                }
            }
        }
        return made;
    }
    static constexpr std::array<std::string_view, 7> keys{
        "domicile:Purpose", "aws:username",        "aws:SourceIp",    "domicile:Columns",
        "aws:EpochTime",    "aws:SecureTransport", "aws:PrincipalArn"};

  private:
    SpecPolicy policy(bool resource) {
        SpecPolicy made;
        made.old_version = one_in(8);
        for (std::size_t i = 1 + below(3); i > 0; --i) {
            made.statements.push_back(statement(resource));
        }
        return made;
    }
    SpecStatement statement(bool resource) {
        static const std::array<std::string, 7> some_actions{
            "data:Select", "data:*", "*", "data:?elect", "data:Sel*", "ops:Read", "data:insert"};
        static const std::array<std::string, 8> some_resources{
            "*",
            "arn:domicile:data::eu:table/users",
            "arn:domicile:data::*:table/*",
            "arn:domicile:data::eu:table/u*s",
            "arn:domicile:data::us:table/users",
            "arn:domicile:data::*:table/${domicile:Purpose}",
            "arn:domicile:data::*:table/${aws:username, 'users'}",
            "arn:domicile:data::*:*"};
        static const std::array<std::string, 7> some_principals{"*",
                                                                "eu",
                                                                "us",
                                                                "arn:domicile:iam::eu:role/a",
                                                                "arn:domicile:iam::eu:user/u",
                                                                "arn:domicile:iam::us:role/b",
                                                                "arn:domicile:iam::eu:root"};
        SpecStatement made;
        made.allow = !one_in(4);
        made.not_action = one_in(8);
        for (std::size_t i = 1 + below(2); i > 0; --i) {
            made.actions.push_back(pick(some_actions));
        }
        made.not_resource = one_in(8);
        for (std::size_t i = 1 + below(2); i > 0; --i) {
            made.resources.push_back(one_in(3) ? "*" : pick(some_resources));
        }
        if (resource) {
            made.not_principal = !made.allow && one_in(4);
            for (std::size_t i = 1 + below(2); i > 0; --i) {
                made.principals.push_back(pick(some_principals));
            }
        }
        for (std::size_t i = one_in(2) ? 0 : 1 + below(2); i > 0; --i) {
            const auto one = condition();
            // A JSON object holds each operator and key once.
            if (std::ranges::none_of(made.conditions, [&](const auto& other) {
                    return other.set + other.op + other.suffix == one.set + one.op + one.suffix;
                })) {
                made.conditions.push_back(one);
            }
        }
        return made;
    }
    SpecCondition condition() {
        static const std::array<std::string, 12> strings{"StringEquals",
                                                         "StringNotEquals",
                                                         "StringEqualsIgnoreCase",
                                                         "StringNotEqualsIgnoreCase",
                                                         "StringLike",
                                                         "StringNotLike",
                                                         "StringLike",
                                                         "StringEquals",
                                                         "StringNotLike",
                                                         "StringEquals",
                                                         "StringNotEquals",
                                                         "StringLike"};
        static const std::array<std::string, 6> numbers{"NumericEquals",      "NumericNotEquals",
                                                        "NumericLessThan",    "NumericLessThanEquals",
                                                        "NumericGreaterThan", "NumericGreaterThanEquals"};
        static const std::array<std::string, 6> dates{"DateEquals",      "DateNotEquals",
                                                      "DateLessThan",    "DateLessThanEquals",
                                                      "DateGreaterThan", "DateGreaterThanEquals"};
        static const std::array<std::string, 4> arns{"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"};
        SpecCondition made;
        made.key = pick(keys);
        if (one_in(8)) {
            made.op = "Null";
            made.values = {one_in(2) ? "true" : "false"};
            return made;
        }
        if (made.key == "aws:SourceIp" && !one_in(4)) {
            made.op = one_in(2) ? "IpAddress" : "NotIpAddress";
            made.values = {
                pick(std::array<std::string, 4>{"10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "2001:db8::/32"})};
        } else if (made.key == "aws:EpochTime" && !one_in(4)) {
            made.op = one_in(2) ? pick(numbers) : pick(dates);
            made.values = {pick(std::array<std::string, 3>{"5", "6", "7"})};
        } else if (made.key == "aws:SecureTransport" && !one_in(4)) {
            made.op = "Bool";
            made.values = {one_in(2) ? "true" : "false"};
        } else if (made.key == "aws:PrincipalArn" && !one_in(4)) {
            made.op = pick(arns);
            made.values = {
                pick(std::array<std::string, 3>{"arn:domicile:iam::*:user/*", "arn:domicile:iam::eu:user/u",
                                                "arn:domicile:iam::us:user/${aws:username}"})};
        } else {
            made.op = pick(strings);
            for (std::size_t i = 1 + below(2); i > 0; --i) {
                made.values.push_back(pick(std::array<std::string, 11>{
                    "a", "b", "users", "A", "a*", "?", "*", "${*}", "${aws:username}",
                    "${domicile:Purpose, 'a'}", "${domicile:Columns}b"}));
            }
        }
        made.set = one_in(4) ? one_in(2) ? "ForAllValues:" : "ForAnyValue:" : "";
        made.suffix = one_in(4) ? "IfExists" : "";
        return made;
    }
    std::string value_of(std::string_view key) {
        if (key == "aws:SourceIp") {
            return pick(std::array<std::string, 3>{"10.1.2.3", "192.168.0.1", "2001:db8::5"});
        }
        if (key == "aws:EpochTime") {
            return pick(std::array<std::string, 3>{"5", "6", "7"});
        }
        if (key == "aws:SecureTransport") {
            return one_in(2) ? "true" : "false";
        }
        if (key == "aws:PrincipalArn") {
            return pick(
                std::array<std::string, 2>{"arn:domicile:iam::eu:user/u", "arn:domicile:iam::us:user/a"});
        }
        return pick(std::array<std::string, 6>{"a", "b", "users", "*", "ab", "A"});
    }
    std::mt19937_64 random_;
};

// ---- The reference: slow and obvious ----

class Reference {
  public:
    Reference(const SpecRequest& request, bool fail_closed) : request_(request), fail_closed_(fail_closed) {}

    /// "allowed", or the rule.
    std::string decide(const Spec& spec) {
        // 1. An explicit Deny anywhere wins; one that cannot be decided refuses.
        std::vector<const SpecPolicy*> everywhere;
        const auto collect = [&](const std::vector<SpecPolicy>& list) {
            for (const auto& policy : list) {
                everywhere.push_back(&policy);
            }
        };
        for (const auto& role : request_.roles) {
            collect(of(spec.identity, role));
            collect(of(spec.boundary, role));
        }
        collect(of(spec.guard_rails, request_.account));
        if (request_.account != request_.resource_account) {
            collect(of(spec.guard_rails, request_.resource_account));
        }
        collect(spec.session);
        bool denied = false;
        bool undecided = false;
        for (const auto* policy : everywhere) {
            for (const auto& statement : policy->statements) {
                if (!statement.allow) {
                    const auto found = matches(*policy, statement);
                    denied = denied || found == 'y';
                    undecided = undecided || found == 'u';
                }
            }
        }
        if (request_.table == "users") {
            for (const auto& policy : spec.resource) {
                for (const auto& statement : policy.statements) {
                    if (!statement.allow && principal(statement)) {
                        const auto found = matches(policy, statement);
                        denied = denied || found == 'y';
                        undecided = undecided || found == 'u';
                    }
                }
            }
        }
        if (denied) {
            return "policy/explicit-deny";
        }
        if (undecided) {
            return "policy/unresolved-deny";
        }
        // 2. Guard rails of both jurisdictions must allow, where there are any.
        for (const auto& jurisdiction : {request_.account, request_.resource_account}) {
            if (!of(spec.guard_rails, jurisdiction).empty() && !allows(of(spec.guard_rails, jurisdiction))) {
                return "policy/guard-rail";
            }
        }
        // 3. The resource's policy: to whom does it give?
        bool to_itself = false;
        bool to_account = false;
        bool to_all = false;
        std::set<std::string> to_roles;
        if (request_.table == "users") {
            for (const auto& policy : spec.resource) {
                for (const auto& statement : policy.statements) {
                    if (!statement.allow || !principal(statement) || matches(policy, statement) != 'y') {
                        continue;
                    }
                    for (const auto& who : statement.principals) {
                        to_itself = to_itself || who == user_arn(request_.account, request_.user);
                        to_account = to_account || who == request_.account ||
                                     who == "arn:domicile:iam::" + request_.account + ":root";
                        to_all = to_all || who == "*";
                        for (const auto& role : request_.roles) {
                            if (who == role_arn(request_.account, role)) {
                                to_roles.insert(role);
                            }
                        }
                    }
                }
            }
        }
        const bool crosses = request_.account != request_.resource_account;
        if (!crosses && to_itself) {
            return "allowed";
        }
        // 4. Identity, boundary, session.
        bool granted = false;
        bool within = false;
        for (const auto& role : request_.roles) {
            if (allows(of(spec.identity, role)) || (!crosses && (to_all || to_roles.contains(role)))) {
                granted = true;
                within = within || of(spec.boundary, role).empty() || allows(of(spec.boundary, role));
            }
        }
        if (request_.roles.empty() && !crosses && to_all) {
            granted = within = true;
        }
        if (!granted) {
            return "policy/implicit-deny";
        }
        if (!within) {
            return "policy/boundary";
        }
        if (!spec.session.empty() && !allows(spec.session)) {
            return "policy/session";
        }
        if (crosses && !to_itself && !to_account && !to_all && to_roles.empty()) {
            return "policy/cross-jurisdiction";
        }
        return "allowed";
    }

  private:
    static const std::vector<SpecPolicy>& of(const std::map<std::string, std::vector<SpecPolicy>>& map,
                                             const std::string& name) {
        static const std::vector<SpecPolicy> none;
        const auto found = map.find(name);
        return found == map.end() ? none : found->second;
    }
    bool allows(const std::vector<SpecPolicy>& list) {
        for (const auto& policy : list) {
            for (const auto& statement : policy.statements) {
                if (statement.allow && matches(policy, statement) == 'y') {
                    return true;
                }
            }
        }
        return false;
    }
    bool principal(const SpecStatement& statement) const {
        bool found = false;
        for (const auto& who : statement.principals) {
            found = found || who == "*" || who == request_.account ||
                    who == "arn:domicile:iam::" + request_.account + ":root" ||
                    who == user_arn(request_.account, request_.user);
            for (const auto& role : request_.roles) {
                found = found || who == role_arn(request_.account, role);
            }
        }
        return found != statement.not_principal;
    }
    /// 'y', 'n', or 'u': a Deny that cannot be decided.
    char matches(const SpecPolicy& policy, const SpecStatement& statement) {
        bool action = false;
        for (const auto& pattern : statement.actions) {
            action = action || wild(lower(pattern), lower(request_.action), true, 0, 0);
        }
        if (action == statement.not_action) {
            return 'n';
        }
        const std::string arn = table_arn(request_.resource_account, request_.table);
        bool resource = false;
        bool unresolved_resource = false;
        for (const auto& pattern : statement.resources) {
            if (pattern == "*") {
                resource = true;
                continue;
            }
            const auto tokens = expand(parts(pattern)[5], true, !policy.old_version);
            bool others = true;
            for (std::size_t i = 0; i < 5; ++i) {
                others = others && wild(parts(pattern)[i], parts(arn)[i], true, 0, 0);
            }
            unresolved_resource = unresolved_resource || (others && !tokens);
            resource = resource || (others && tokens && wild(*tokens, parts(arn)[5], 0, 0));
        }
        const bool star = std::ranges::count(statement.resources, "*") != 0;
        if (!resource && unresolved_resource && !star) {
            // decided below: it may still be that a condition says no
        } else if (resource == statement.not_resource) {
            return 'n';
        }
        const bool unsure_resource = !resource && unresolved_resource && !star;
        bool unsure = false;
        for (const auto& condition : statement.conditions) {
            const char found = holds(policy, condition);
            if (found == 'n') {
                return 'n';
            }
            unsure = unsure || found == 'u';
        }
        if (unsure || unsure_resource) {
            return !statement.allow && fail_closed_ ? 'u' : 'n';
        }
        return 'y';
    }
    /// 'y', 'n', or 'u': a variable that stands for nothing, or a key that is not there.
    char holds(const SpecPolicy& policy, const SpecCondition& condition) {
        const auto found = request_.context.find(condition.key);
        const bool absent = found == request_.context.end();
        if (condition.op == "Null") {
            return (condition.values[0] == "true") == absent ? 'y' : 'n';
        }
        const bool negated = condition.op.find("Not") != std::string::npos;
        if (absent) {
            if (condition.set == "ForAllValues:") {
                return 'y';
            }
            if (condition.set == "ForAnyValue:") {
                return condition.suffix.empty() ? 'u' : 'y';
            }
            return negated || !condition.suffix.empty() ? 'y' : 'u';
        }
        std::vector<char> each;
        for (const auto& value : found->second) {
            bool any = false;
            bool unresolved = false;
            for (const auto& expected : condition.values) {
                const char one = compare(policy, condition.op, expected, value);
                any = any || one == 'y';
                unresolved = unresolved || one == 'u';
            }
            each.push_back(any ? (negated ? 'n' : 'y') : unresolved ? 'u' : (negated ? 'y' : 'n'));
        }
        if (std::ranges::count(each, 'u') != 0) {
            return 'u';
        }
        const bool need_all = condition.set == "ForAllValues:" || (condition.set.empty() && negated);
        const bool yes = need_all ? std::ranges::count(each, 'n') == 0 : std::ranges::count(each, 'y') != 0;
        return yes ? 'y' : 'n';
    }
    char compare(const SpecPolicy& policy, std::string op, const std::string& expected,
                 const std::string& value) {
        if (const auto at = op.find("Not"); at != std::string::npos) {
            op.erase(at, 3);
        }
        const auto yes = [](bool is) { return is ? 'y' : 'n'; };
        if (op.starts_with("String")) {
            const auto tokens = expand(expected, op == "StringLike", !policy.old_version);
            if (!tokens) {
                return 'u';
            }
            if (op != "StringEqualsIgnoreCase") {
                return yes(wild(*tokens, value, 0, 0));
            }
            auto folded = *tokens;
            for (auto& token : folded) {
                token.first = lower(token.first);
            }
            return yes(wild(folded, lower(value), 0, 0));
        }
        if (op.starts_with("Numeric") || op.starts_with("Date")) {
            char* end = nullptr;
            const double a = std::strtod(value.c_str(), &end);
            if (value.empty() || *end != '\0') {
                return 'n';
            }
            const double b = std::strtod(expected.c_str(), nullptr);
            const bool less = op.find("Less") != std::string::npos;
            const bool greater = op.find("Greater") != std::string::npos;
            const bool equal = op.ends_with("Equals");
            return yes((less && a < b) || (greater && a > b) || (equal && a == b));
        }
        if (op == "Bool") {
            return yes(lower(value) == expected);
        }
        if (op.starts_with("Arn")) {
            if (std::ranges::count(value, ':') < 5) {
                return 'n';
            }
            bool unresolved = false;
            for (std::size_t i = 0; i < 6; ++i) {
                const auto tokens = expand(parts(expected)[i], true, !policy.old_version);
                unresolved = unresolved || !tokens;
                if (tokens && !wild(*tokens, parts(value)[i], 0, 0)) {
                    return 'n';
                }
            }
            return unresolved ? 'u' : 'y';
        }
        // The few networks of the generator, by hand.
        const bool v4 = value.find(':') == std::string::npos && value.find('.') != std::string::npos;
        if (!v4 && !value.starts_with("2001:")) {
            return 'n';
        }
        return yes(expected == "10.0.0.0/8"      ? v4 && value.starts_with("10.")
                   : expected == "10.1.2.3"      ? value == "10.1.2.3"
                   : expected == "0.0.0.0/0"     ? v4
                   : expected == "2001:db8::/32" ? value.starts_with("2001:db8:")
                                                 : false);
    }

    static std::array<std::string, 6> parts(std::string text) {
        std::array<std::string, 6> list;
        for (std::size_t i = 0; i < 5; ++i) {
            list[i] = text.substr(0, text.find(':'));
            text.erase(0, text.find(':') + 1);
        }
        list[5] = text;
        return list;
    }
    /// Each token is one character to be met, or a wildcard (second is true).
    using Tokens = std::vector<std::pair<std::string, bool>>;
    std::optional<Tokens> expand(std::string text, bool wildcards, bool variables) {
        Tokens tokens;
        while (!text.empty()) {
            if (variables && text.starts_with("${")) {
                const std::string inside = text.substr(2, text.find('}') - 2);
                text.erase(0, text.find('}') + 1);
                std::string stands_for;
                if (inside == "*" || inside == "?" || inside == "$") {
                    stands_for = inside;
                } else {
                    const std::string key = inside.substr(0, inside.find(','));
                    const auto found = request_.context.find(key);
                    if (found != request_.context.end() && found->second.size() == 1) {
                        stands_for = found->second[0];
                    } else if (inside.find(',') != std::string::npos) {
                        const auto quote = inside.find('\'');
                        stands_for = inside.substr(quote + 1, inside.rfind('\'') - quote - 1);
                    } else {
                        return std::nullopt;
                    }
                }
                for (const char c : stands_for) {
                    tokens.emplace_back(std::string(1, c), false);
                }
                continue;
            }
            tokens.emplace_back(text.substr(0, 1), wildcards && (text[0] == '*' || text[0] == '?'));
            text.erase(0, 1);
        }
        return tokens;
    }
    static bool wild(const Tokens& tokens, const std::string& value, std::size_t t, std::size_t v) {
        if (t == tokens.size()) {
            return v == value.size();
        }
        if (tokens[t].second && tokens[t].first == "*") {
            return wild(tokens, value, t + 1, v) || (v < value.size() && wild(tokens, value, t, v + 1));
        }
        return v < value.size() && (tokens[t].second || tokens[t].first[0] == value[v]) &&
               wild(tokens, value, t + 1, v + 1);
    }
    bool wild(const std::string& pattern, const std::string& value, bool wildcards, std::size_t t,
              std::size_t v) {
        return wild(*expand(pattern, wildcards, false), value, t, v);
    }

    const SpecRequest& request_;
    bool fail_closed_;
};

// ---- Both on the same ----

std::string quoted(const std::string& text) {
    return "\"" + text + "\"";
}
std::string list_of(const std::vector<std::string>& items) {
    std::string text = "[";
    for (const auto& item : items) {
        text += (text.size() > 1 ? "," : "") + quoted(item);
    }
    return text + "]";
}
std::string render(const SpecPolicy& policy) {
    std::string text = std::string(R"({"Version":")") + (policy.old_version ? "2008-10-17" : "2012-10-17") +
                       R"(","Statement":[)";
    for (std::size_t i = 0; i < policy.statements.size(); ++i) {
        const auto& one = policy.statements[i];
        text += std::string(i > 0 ? "," : "") + R"({"Effect":")" + (one.allow ? "Allow" : "Deny") + "\",\"" +
                (one.not_action ? "NotAction" : "Action") + "\":" + list_of(one.actions) + ",\"" +
                (one.not_resource ? "NotResource" : "Resource") + "\":" + list_of(one.resources);
        if (!one.principals.empty()) {
            text += std::string(",\"") + (one.not_principal ? "NotPrincipal" : "Principal") +
                    "\":{\"AWS\":" + list_of(one.principals) + "}";
        }
        if (!one.conditions.empty()) {
            text += ",\"Condition\":{";
            for (std::size_t c = 0; c < one.conditions.size(); ++c) {
                const auto& condition = one.conditions[c];
                text += std::string(c > 0 ? "," : "") +
                        quoted(condition.set + condition.op + condition.suffix) + ":{" +
                        quoted(condition.key) + ":" + list_of(condition.values) + "}";
            }
            text += "}";
        }
        text += "}";
    }
    return text + "]}";
}

std::vector<Policy> compile(const std::vector<SpecPolicy>& list, PolicyKind kind, Keys& keys) {
    std::vector<Policy> policies;
    for (const auto& spec : list) {
        auto parsed = parse_policy("p" + std::to_string(policies.size()), render(spec), kind, keys);
        EXPECT_TRUE(parsed.policy) << render(spec) << parsed.findings.front().text;
        if (parsed.policy) {
            policies.push_back(std::move(*parsed.policy));
        }
    }
    return policies;
}

std::string list_of(const std::vector<SpecPolicy>& policies) {
    std::string text = "[";
    for (const auto& policy : policies) {
        text += (text.size() > 1 ? "," : "") + render(policy);
    }
    return text + "]";
}

/// One case in a line of JSON, for an evaluator that somebody else has written (tests/policy): one role, all
/// in one account, no resource policies, where AWS and we mean the same things by other names.
std::string exported(const Spec& spec, const SpecRequest& asked, std::string_view verdict) {
    const auto of = [](const std::map<std::string, std::vector<SpecPolicy>>& all, const std::string& name) {
        const auto found = all.find(name);
        return list_of(found == all.end() ? std::vector<SpecPolicy>() : found->second);
    };
    std::string text = "{\"account\":" + quoted(asked.account) + ",\"role\":" + quoted(asked.roles.front()) +
                       ",\"action\":" + quoted(asked.action) +
                       ",\"resource\":" + quoted(table_arn(asked.resource_account, asked.table)) +
                       ",\"verdict\":" + quoted(std::string(verdict)) +
                       ",\"identity\":" + of(spec.identity, asked.roles.front()) +
                       ",\"boundary\":" + of(spec.boundary, asked.roles.front()) +
                       ",\"guard_rails\":" + of(spec.guard_rails, asked.account) +
                       ",\"session\":" + list_of(spec.session) + ",\"context\":{";
    bool more = false;
    for (const auto& [key, values] : asked.context) {
        text += (more ? "," : "") + quoted(key) + ":" + list_of(values);
        more = true;
    }
    return text + "}}\n";
}

TEST(Generated, the_fast_evaluator_agrees_with_the_obvious_one) {
    const char* wanted = std::getenv("DOMICILE_POLICY_CASES");
    const char* first = std::getenv("DOMICILE_SEED");
    const long cases = wanted == nullptr ? 40'000 : std::atol(wanted);
    const auto seed = static_cast<std::uint64_t>(first == nullptr ? 20'261'126 : std::atol(first));
    constexpr long requests_each = 20;
    const char* file = std::getenv("DOMICILE_POLICY_EXPORT");
    std::ofstream out(file == nullptr ? "" : file);
    std::map<std::string, long> seen;
    for (long i = 0; i < cases; i += requests_each) {
        Generator generator(seed + static_cast<std::uint64_t>(i));
        const Spec spec = generator.spec();
        const bool fail_closed = !generator.one_in(3);
        Policies policies;
        for (const auto& [role, list] : spec.identity) {
            policies.roles[role].identity = compile(list, PolicyKind::identity, policies.keys);
        }
        for (const auto& [role, list] : spec.boundary) {
            policies.roles[role].boundary = compile(list, PolicyKind::boundary, policies.keys);
        }
        for (const auto& [jurisdiction, list] : spec.guard_rails) {
            policies.guard_rails[jurisdiction] = compile(list, PolicyKind::guard_rail, policies.keys);
        }
        if (!spec.resource.empty()) {
            policies.resources["table/users"] = compile(spec.resource, PolicyKind::resource, policies.keys);
        }
        policies.session = compile(spec.session, PolicyKind::session, policies.keys);
        const PolicySet set(std::move(policies), {fail_closed});
        for (long r = 0; r < requests_each; ++r) {
            const SpecRequest asked = generator.request();
            const std::string expected = Reference(asked, fail_closed).decide(spec);
            std::vector<std::vector<std::string_view>> storage;
            storage.reserve(asked.context.size());
            Context context;
            Context part;  // some keys are known later
            std::vector<std::string_view> unknown;
            for (const auto& [key, values] : asked.context) {
                storage.emplace_back(values.begin(), values.end());
                context.set(key, std::span<const std::string_view>(storage.back()));
                if (generator.one_in(3)) {
                    unknown.push_back(key);
                } else {
                    part.set(key, std::span<const std::string_view>(storage.back()));
                }
            }
            for (const std::string_view key : Generator::keys) {
                if (!asked.context.contains(std::string(key)) && generator.one_in(3)) {
                    unknown.push_back(key);
                }
            }
            std::vector<std::string> arns;
            for (const auto& role : asked.roles) {
                arns.push_back(role_arn(asked.account, role));
            }
            const std::string user = user_arn(asked.account, asked.user);
            const std::string resource = table_arn(asked.resource_account, asked.table);
            Request request;
            request.roles = asked.roles;
            request.account = asked.account;
            request.user = user;
            request.arns = arns;
            request.action = asked.action;
            request.resource = resource;
            request.resource_account = asked.resource_account;
            request.context = &context;
            const Decision decision = set.decide(request);
            const std::string found = decision.allowed() ? "allowed" : std::string(decision.rule);
            request.context = &part;
            const Residual residual = set.specialise(request, unknown);
            request.context = &context;
            const Decision later = residual.decide(request);
            const std::string then = later.allowed() ? "allowed" : std::string(later.rule);
            // A residual may say so earlier, and then with the explicit Deny it is sure of.
            const bool same =
                found == then || (residual.always() != nullptr && !later.allowed() && !decision.allowed());
            ASSERT_TRUE(found == expected && same)
                << "seed " << seed + static_cast<std::uint64_t>(i) << " request " << r << ": fast " << found
                << ", obvious " << expected << ", specialised " << then << "\nreasons " << decision.reasons
                << "\naction " << asked.action << " " << resource << " account " << asked.account << " roles "
                << list_of(asked.roles);
            ++seen[found];
            if (file != nullptr && !fail_closed && asked.roles.size() == 1 && spec.resource.empty() &&
                asked.account == asked.resource_account) {
                out << exported(spec, asked, found);
            }
        }
    }
    std::string told;
    for (const auto& [what, count] : seen) {
        told += " " + what + " " + std::to_string(count);
    }
    std::cout << "seed " << seed << ":" << told << "\n";
    EXPECT_EQ(seen.size(), 8U) << told;  // every rule was met
}

}  // namespace
}  // namespace domicile::iam

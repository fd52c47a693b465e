// Tables of documents, operators and verdicts.

#include "iam/defaults.hpp"
#include "iam/policy_set.hpp"
#include "iam/vocabulary.hpp"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>

namespace domicile::iam {
namespace {

std::string all_findings(std::string_view json, PolicyKind kind = PolicyKind::identity) {
    Keys keys;
    std::string text;
    for (const auto& one : parse_policy("p", json, kind, keys).findings) {
        text += std::string(one.error ? "E" : "W") + one.pointer + ": " + one.text + "\n";
    }
    return text;
}

TEST(Policy, finds_what_is_wrong_at_its_place) {
    struct Case {
        const char* json;
        const char* finding;
        PolicyKind kind = PolicyKind::identity;
    };
    constexpr const char* good =
        R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"data:Select","Resource":"*"}})";
    EXPECT_EQ(all_findings(good), "");
    const Case cases[] = {
        {"", "E: not JSON"},
        {"[]", "E: must be an object"},
        {"{\"Statement\":[]} x", "E: not JSON"},
        {R"({"Statement":[]})", "E/Statement: must be a statement"},
        {R"({"Version":"2012-10-18","Statement":[]})", "E/Version: unknown version"},
        {R"({"Version":"2012-10-17","Statement":[],"Statements":1})", "E/Statements: unknown element"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"data:Select","Resource":"*","Effect":"Deny"}]})",
         "E/Statement/0/Effect: the name stands twice"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"allow","Action":"data:Select","Resource":"*"}]})",
         "E/Statement/0/Effect: Effect must be"},
        {R"({"Version":"2012-10-17","Statement":[{"Action":"data:Select","Resource":"*"}]})",
         "E/Statement/0: Effect must be"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*"}]})",
         "E/Statement/0: neither Action and NotAction"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"data:Select","NotAction":"x:Y","Resource":"*"}]})",
         "E/Statement/0: both Action and NotAction"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"Select","Resource":"*"}]})",
         "E/Statement/0/Action: \"Select\" is no action"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["d*:Select"],"Resource":"*"}]})",
         "E/Statement/0/Action/0: a wildcard stands in the service"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"data:Selct","Resource":"*"}]})",
         "W/Statement/0/Action: no action is called"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"data:Select"}]})",
         "E/Statement/0: neither Resource and NotResource"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"data:Select","Resource":"table/users"}]})",
         "E/Statement/0/Resource: \"table/users\" is no ARN"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"data:Select","Resource":"arn:domicile:data::${aws:PrincipalAccount}:table/x"}]})",
         "E/Statement/0/Resource: a variable stands before the fifth colon"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"data:Select","Resource":"arn:domicile:data::eu:table/${x"}]})",
         "E/Statement/0/Resource: a policy variable is malformed"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"data:Select","Resource":"*","Principal":"*"}]})",
         "E/Statement/0/Principal: a policy of this kind names no principal"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"data:Select"}]})",
         "E/Statement/0: neither Principal and NotPrincipal", PolicyKind::resource},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"data:Select","Principal":{"AWS":"arn:domicile:iam::eu:role/*"}}]})",
         "E/Statement/0/Principal/AWS: a wildcard stands in a principal", PolicyKind::resource},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"data:Select","NotPrincipal":{"AWS":"eu"}}]})",
         "E/Statement/0/NotPrincipal: Allow with NotPrincipal", PolicyKind::resource},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"data:Select","Resource":"*","Condition":{"StringEqual":{"a":"b"}}}]})",
         "E/Statement/0/Condition/StringEqual: no such condition operator"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"data:Select","Resource":"*","Condition":{"NullIfExists":{"a":"true"}}}]})",
         "E/Statement/0/Condition/NullIfExists: no such condition operator"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"data:Select","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}}]})",
         "E/Statement/0/Condition/IpAddress/aws:SourceIp: \"10.0.0.0/33\" is no address"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"data:Select","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":["2026-02-30"]}}}]})",
         "E/Statement/0/Condition/DateLessThan/aws:CurrentTime/0: \"2026-02-30\" is no time"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"data:Select","Resource":"*","Condition":{"StringEquals":{"domicile:Colums":"b"}}}]})",
         "W/Statement/0/Condition/StringEquals/domicile:Colums: no request has the key"},
        {R"({"Statement":[{"Effect":"Allow","Action":"data:Select","Resource":"*"}]})", "W: no Version"},
        {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"data:Select","Resource":"*"}]})",
         "W/Statement/0/NotAction: Allow with NotAction"},
        {R"({"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":"data:Select","Resource":"*"},{"Sid":"a","Effect":"Deny","Action":"data:Select","Resource":"*"}]})",
         "E/Statement/1/Sid: the Sid stands twice"},
    };
    for (const auto& one : cases) {
        EXPECT_NE(all_findings(one.json, one.kind).find(one.finding), std::string::npos)
            << one.json << "\n"
            << all_findings(one.json, one.kind);
    }
    std::string deep = R"({"Version":)";
    deep.append(100'000, '[');
    EXPECT_NE(all_findings(deep), "");
    EXPECT_NE(all_findings(std::string(policy_bytes_max + 1, ' ')), "");
}

/// One identity policy with one statement that has this condition.
bool holds(std::string_view condition, const std::map<std::string, std::vector<std::string_view>>& context,
           bool allow = true, bool fail_closed = true, const char* version = "2012-10-17") {
    Policies policies;
    const std::string json = std::string(R"({"Version":")") + version +
                             R"(","Statement":[{"Sid":"s","Effect":")" + (allow ? "Allow" : "Deny") +
                             R"(","Action":"data:Select","Resource":"*","Condition":)" +
                             std::string(condition) + "}" +
                             (allow ? "" : R"(,{"Effect":"Allow","Action":"*","Resource":"*"})") + "]}";
    auto parsed = parse_policy("p", json, PolicyKind::identity, policies.keys);
    EXPECT_TRUE(parsed.policy) << json << all_findings(json);
    if (!parsed.policy) {
        return false;
    }
    policies.roles["r"].identity.push_back(std::move(*parsed.policy));
    const PolicySet set(std::move(policies), {fail_closed});
    Context keys;
    for (const auto& [key, values] : context) {
        keys.set(key, std::span(values));
    }
    const std::vector<std::string> roles = {"r"};
    Request request;
    request.roles = roles;
    request.account = request.resource_account = "eu";
    request.action = "data:select";
    request.resource = "arn:domicile:data::eu:table/users";
    request.context = &keys;
    return set.decide(request).allowed();
}

TEST(Condition, operators_follow_the_documented_rules) {
    using Map = std::map<std::string, std::vector<std::string_view>>;
    struct Case {
        const char* condition;
        Map context;
        bool holds;
    };
    const Case cases[] = {
        {R"({"StringEquals":{"K":"a"}})", {{"k", {"a"}}}, true},
        {R"({"StringEquals":{"k":"a"}})", {{"k", {"A"}}}, false},
        {R"({"StringEquals":{"k":["b","a"]}})", {{"k", {"a"}}}, true},
        {R"({"StringEquals":{"k":"a*"}})", {{"k", {"ab"}}}, false},
        {R"({"StringEquals":{"k":"a"}})", {}, false},
        {R"({"StringEqualsIfExists":{"k":"a"}})", {}, true},
        {R"({"StringNotEquals":{"k":"a"}})", {}, true},
        {R"({"StringNotEquals":{"k":["a","b"]}})", {{"k", {"b"}}}, false},
        {R"({"StringEqualsIgnoreCase":{"k":"aB"}})", {{"k", {"Ab"}}}, true},
        {R"({"StringLike":{"k":"a*c?"}})", {{"k", {"abbcd"}}}, true},
        {R"({"StringLike":{"k":"a*c?"}})", {{"k", {"abbc"}}}, false},
        {R"({"StringNotLike":{"k":"a*"}})", {{"k", {"b"}}}, true},
        {R"({"StringLike":{"k":"${*}x"}})", {{"k", {"yx"}}}, false},
        {R"({"StringLike":{"k":"${*}x"}})", {{"k", {"*x"}}}, true},
        {R"({"StringLike":{"k":"${v}"}})",
         {{"k", {"abc"}}, {"v", {"*"}}},
         false},  // a value is never a wildcard
        {R"({"StringEquals":{"k":"${v}"}})", {{"k", {"b"}}, {"v", {"b"}}}, true},
        {R"({"StringEquals":{"k":"${v}"}})", {{"k", {"b"}}}, false},
        {R"({"StringEquals":{"k":"${v, 'b'}"}})", {{"k", {"b"}}}, true},
        {R"({"StringEquals":{"k":"${v}"}})", {{"k", {"b"}}, {"v", {"b", "c"}}}, false},  // several values
        {R"({"NumericLessThan":{"k":"10"}})", {{"k", {"9.5"}}}, true},
        {R"({"NumericLessThan":{"k":10}})", {{"k", {"10"}}}, false},
        {R"({"NumericLessThanEquals":{"k":10}})", {{"k", {"10"}}}, true},
        {R"({"NumericEquals":{"k":"10"}})", {{"k", {"10.0"}}}, true},
        {R"({"NumericNotEquals":{"k":"10"}})", {{"k", {"11"}}}, true},
        {R"({"NumericGreaterThan":{"k":"10"}})", {{"k", {"nan"}}}, false},
        {R"({"DateGreaterThan":{"k":"2026-01-01T00:00:00Z"}})",
         {{"k", {"2026-01-01T01:00:00+01:00"}}},
         false},
        {R"({"DateGreaterThan":{"k":"2026-01-01"}})", {{"k", {"2026-01-01T00:00:00.001Z"}}}, true},
        {R"({"DateEquals":{"k":"1970-01-02"}})", {{"k", {"86400"}}}, true},
        {R"({"Bool":{"k":"true"}})", {{"k", {"True"}}}, true},
        {R"({"Bool":{"k":true}})", {{"k", {"false"}}}, false},
        {R"({"BinaryEquals":{"k":"YWI="}})", {{"k", {"ab"}}}, true},
        {R"({"IpAddress":{"k":"10.0.0.0/8"}})", {{"k", {"10.255.0.1"}}}, true},
        {R"({"IpAddress":{"k":"10.0.0.0/8"}})", {{"k", {"11.0.0.1"}}}, false},
        {R"({"IpAddress":{"k":"10.0.0.0/8"}})", {{"k", {"::ffff:10.0.0.1"}}}, true},
        {R"({"IpAddress":{"k":"2001:db8::/33"}})", {{"k", {"2001:db8:8000::1"}}}, false},
        {R"({"NotIpAddress":{"k":"10.0.0.0/8"}})", {{"k", {"11.0.0.1"}}}, true},
        {R"({"IpAddress":{"k":"0.0.0.0/0"}})", {{"k", {"2001:db8::1"}}}, false},
        {R"({"ArnLike":{"k":"arn:domicile:iam::*:role/*"}})",
         {{"k", {"arn:domicile:iam::eu:role/a/b"}}},
         true},
        {R"({"ArnEquals":{"k":"arn:domicile:*::eu:role/*"}})",
         {{"k", {"arn:domicile:iam::eu:role/a"}}},
         true},
        {R"({"ArnNotLike":{"k":"arn:domicile:iam::eu:*"}})", {{"k", {"arn:domicile:iam::us:role/a"}}}, true},
        {R"({"Null":{"k":"true"}})", {}, true},
        {R"({"Null":{"k":"false"}})", {}, false},
        {R"({"Null":{"k":"false"}})", {{"k", {"x"}}}, true},
        {R"({"ForAllValues:StringEquals":{"k":["a","b"]}})", {{"k", {"a", "b", "a"}}}, true},
        {R"({"ForAllValues:StringEquals":{"k":["a","b"]}})", {{"k", {"a", "c"}}}, false},
        {R"({"ForAllValues:StringEquals":{"k":"a"}})", {}, true},
        {R"({"ForAnyValue:StringEquals":{"k":"a"}})", {{"k", {"c", "a"}}}, true},
        {R"({"ForAnyValue:StringEquals":{"k":"a"}})", {}, false},
        {R"({"ForAnyValue:StringNotEquals":{"k":"a"}})", {{"k", {"a", "b"}}}, true},
        {R"({"ForAllValues:StringNotEquals":{"k":"a"}})", {{"k", {"b", "a"}}}, false},
        {R"({"StringEquals":{"k":"a","l":"b"}})", {{"k", {"a"}}, {"l", {"c"}}}, false},
        {R"({"StringEquals":{"k":"a"},"Bool":{"l":"true"}})", {{"k", {"a"}}, {"l", {"true"}}}, true},
    };
    for (const auto& one : cases) {
        EXPECT_EQ(holds(one.condition, one.context), one.holds) << one.condition;
    }
    // Before 2012 a variable is text.
    EXPECT_TRUE(holds(R"({"StringEquals":{"k":"${v}"}})", {{"k", {"${v}"}}}, true, true, "2008-10-17"));
}

TEST(Policy, a_deny_that_cannot_be_decided_refuses) {
    const char* on_key = R"({"StringEquals":{"k":"a"}})";
    EXPECT_FALSE(holds(on_key, {}, false));
    EXPECT_TRUE(holds(on_key, {}, false, false));  // as AWS has it
    EXPECT_TRUE(holds(on_key, {{"k", {"b"}}}, false));
    EXPECT_FALSE(holds(on_key, {{"k", {"a"}}}, false));
    const char* variable = R"({"StringEquals":{"k":"${v}"}})";
    EXPECT_FALSE(holds(variable, {{"k", {"a"}}}, false));
    EXPECT_TRUE(holds(variable, {{"k", {"a"}}}, false, false));
    // Another condition that is certainly not met decides.
    EXPECT_TRUE(holds(R"({"StringEquals":{"k":"a","l":"x"}})", {{"l", {"y"}}}, false));
    EXPECT_TRUE(holds(R"({"StringEqualsIfExists":{"k":"a"}})", {{"k", {"b"}}}, false));
    EXPECT_FALSE(
        holds(R"({"StringEqualsIfExists":{"k":"a"}})", {}, false));  // true without the key: Deny applies
}

/// The default policies, as a deployment of two jurisdictions has them.
Policies defaults() {
    Policies policies;
    for (const auto& role : default_roles()) {
        auto parsed = parse_policy(role.role, role.policy, PolicyKind::identity, policies.keys);
        EXPECT_TRUE(parsed.policy && parsed.findings.empty()) << role.role << all_findings(role.policy);
        policies.roles[std::string(role.role)].identity.push_back(std::move(*parsed.policy));
    }
    for (const char* jurisdiction : {"eu", "us"}) {
        auto parsed = parse_policy("guard-rail", default_guard_rail(), PolicyKind::guard_rail, policies.keys);
        EXPECT_TRUE(parsed.policy && parsed.findings.empty())
            << all_findings(default_guard_rail(), PolicyKind::guard_rail);
        policies.guard_rails[jurisdiction].push_back(std::move(*parsed.policy));
    }
    return policies;
}

struct Ask {
    std::string role = "app";
    std::string action = "data:Select";
    std::string home = "eu";
    std::string gateway = "eu";
    std::string source = "127.0.0.1";
    std::string secure = "false";
    std::string match = "false";
    std::string account = "eu";
};
Decision decide(const PolicySet& set, const Ask& ask) {
    Context context;
    context.set("domicile:HomeJurisdiction", ask.home);
    context.set("domicile:GatewayJurisdiction", ask.gateway);
    context.set("aws:SourceIp", ask.source);
    context.set("aws:SecureTransport", ask.secure);
    context.set("domicile:SubjectMatch", ask.match);
    const std::vector<std::string> roles = {ask.role};
    const std::vector<std::string> arns = {role_arn(ask.account, ask.role)};
    const std::string resource = table_arn(ask.gateway, "users");
    Request request;
    request.roles = roles;
    request.arns = arns;
    request.account = ask.account;
    request.resource_account = ask.gateway;
    request.action = ask.action;
    request.resource = resource;
    request.context = &context;
    return set.decide(request);
}

TEST(Defaults, say_what_the_documentation_says) {
    const PolicySet set(defaults());
    EXPECT_TRUE(decide(set, {}).allowed());
    EXPECT_EQ(decide(set, {}).reasons, "app/rows guard-rail/otherwise");
    EXPECT_EQ(decide(set, {.action = "data:Define"}).rule, rules::implicit_deny);
    EXPECT_TRUE(decide(set, {.role = "operator", .action = "data:Define"}).allowed());
    EXPECT_TRUE(decide(set, {.role = "analyst"}).allowed());
    EXPECT_EQ(decide(set, {.role = "analyst", .action = "data:ReadPersonal"}).rule, rules::implicit_deny);
    EXPECT_EQ(decide(set, {.role = "nobody"}).rule, rules::implicit_deny);
    EXPECT_EQ(decide(set, {.home = "us"}).rule, rules::explicit_deny);
    EXPECT_EQ(decide(set, {.home = "us"}).reasons, "guard-rail/home");
    EXPECT_EQ(decide(set, {.source = "10.0.0.9"}).reasons, "guard-rail/in-clear");
    EXPECT_TRUE(decide(set, {.source = "10.0.0.9", .secure = "true"}).allowed());
    EXPECT_EQ(decide(set, {.role = "subject"}).rule, rules::implicit_deny);
    EXPECT_TRUE(decide(set, {.role = "subject", .match = "true"}).allowed());
    EXPECT_EQ(decide(set, {.role = "subject", .action = "data:Delete", .match = "true"}).rule,
              rules::implicit_deny);
    EXPECT_EQ(decide(set, {.account = "us"}).rule, rules::cross_jurisdiction);
}

TEST(Defaults, specialise_to_what_is_left) {
    const PolicySet set(defaults());
    Context context;
    context.set("domicile:HomeJurisdiction", "eu");
    context.set("domicile:GatewayJurisdiction", "eu");
    context.set("aws:SourceIp", "127.0.0.1");
    context.set("aws:SecureTransport", "false");
    const std::string resource = table_arn("eu", "users");
    const auto left = [&](const char* role) {
        const std::vector<std::string> roles = {role};
        Request request;
        request.roles = roles;
        request.account = request.resource_account = "eu";
        request.action = "data:Select";
        request.resource = resource;
        request.context = &context;
        const std::vector<std::string_view> unknown = {"domicile:SubjectMatch", "aws:CurrentTime"};
        return set.specialise(request, unknown);
    };
    ASSERT_NE(left("app").always(), nullptr);
    EXPECT_TRUE(left("app").always()->allowed());
    ASSERT_NE(left("auditor").always(), nullptr);
    EXPECT_FALSE(left("auditor").always()->allowed());
    const Residual subject = left("subject");
    EXPECT_EQ(subject.always(), nullptr);
    EXPECT_TRUE([&] {
        Context full = {};
        full.set("domicile:SubjectMatch", "true");
        full.set("domicile:HomeJurisdiction", "eu");
        full.set("domicile:GatewayJurisdiction", "eu");
        full.set("aws:SourceIp", "127.0.0.1");
        full.set("aws:SecureTransport", "false");
        const std::vector<std::string> roles = {"subject"};
        Request request;
        request.roles = roles;
        request.account = request.resource_account = "eu";
        request.action = "data:Select";
        request.resource = resource;
        request.context = &full;
        return subject.decide(request).allowed();
    }());
}

TEST(Vocabulary, is_what_the_documentation_lists) {
    std::ifstream file(DOMICILE_SOURCE_DIR "/docs/policy.md");
    const std::string page((std::istreambuf_iterator<char>(file)), {});
    for (const auto& word : actions()) {
        const std::string row = "| `" + std::string(word.name) + "` | `" + std::string(word.resource) +
                                "` | " + std::string(word.meaning) + " |";
        EXPECT_NE(page.find(row), std::string::npos) << row;
    }
    for (const auto& word : condition_keys()) {
        const std::string row = "| `" + std::string(word.name) + "` | " + std::string(word.type) + " | " +
                                std::string(word.meaning) + " |";
        EXPECT_NE(page.find(row), std::string::npos) << row;
    }
    std::size_t rows = 0;
    for (std::size_t at = page.find("## Actions and resources");
         (at = page.find("\n| `", at)) != std::string::npos; ++at) {
        ++rows;
    }
    EXPECT_EQ(rows, actions().size() + condition_keys().size());
}

TEST(PolicySet, names_who_can) {
    const PolicySet set(defaults());
    Context context;
    context.set("domicile:HomeJurisdiction", "eu");
    context.set("domicile:GatewayJurisdiction", "eu");
    std::string text;
    for (const auto& holder : set.who_can("eu", "data:Select", table_arn("eu", "users"), "eu", context)) {
        text += holder.role + " by";
        for (const auto& one : holder.statements) {
            text += " " + one;
        }
        for (const auto& one : holder.conditions) {
            text += "; " + one;
        }
        text += "\n";
    }
    const std::string clear =
        "; unless Bool aws:SecureTransport, NotIpAddress aws:SourceIp (guard-rail/in-clear)";
    EXPECT_EQ(text, "analyst by analyst/impersonal" + clear + "\napp by app/rows" + clear +
                        "\noperator by operator/data" + clear +
                        "\nsubject by subject/own; if Bool domicile:SubjectMatch (subject/own)" + clear +
                        "\n");
    EXPECT_TRUE(set.who_can("us", "data:Select", table_arn("eu", "users"), "eu", context).empty());
}

}  // namespace
}  // namespace domicile::iam

// Tables: how policies are read, what is found in them, and in responses.

#include "edge/grade.hpp"
#include "edge/headers.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace domicile::edge {
namespace {

/// "severity check directive value", sorted.
std::vector<std::string> told(const std::vector<Finding>& findings) {
    std::vector<std::string> lines;
    for (const Finding& one : findings) {
        lines.push_back(std::string(name(one.severity)) + " " + std::string(one.check) +
                        (one.directive.empty() ? "" : " " + one.directive) +
                        (one.value.empty() ? "" : " " + one.value));
        EXPECT_FALSE(one.what.empty()) << lines.back();
        EXPECT_FALSE(one.mend.empty()) << lines.back();
    }
    return lines;
}
std::string all(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        text += line + "\n";
    }
    return text;
}
bool holds(const std::vector<std::string>& lines, std::string_view line) {
    return std::ranges::find(lines, line) != lines.end();
}

constexpr std::string_view strict_policy =
    "default-src 'none'; script-src 'nonce-AAAAAAAAAAAAAAAAAAAAAA' 'strict-dynamic'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; report-uri https://r.example/";

TEST(Policy, IsReadAsBrowsersReadIt) {
    const Policy policy = parse_policy(
        " Script-Src  'SELF' HTTPS: https://A.example/Path 'self'\t'nonce-aB' ;; IMG-SRC;"
        "script-src 'none'; caf\xC3\xA9-src x; style-src\n'none'");
    ASSERT_EQ(policy.directives.size(), 3U);
    EXPECT_EQ(policy.directives[0].name, "script-src");
    EXPECT_EQ(policy.directives[0].values,
              (std::vector<std::string>{"'self'", "https:", "https://A.example/Path", "'nonce-aB'"}));
    EXPECT_EQ(policy.directives[1].name, "img-src");
    EXPECT_TRUE(policy.directives[1].values.empty());
    EXPECT_EQ(policy.repeated, std::vector<std::string>{"script-src"});
    EXPECT_EQ(policy.unreadable, 1U);
}

TEST(Policy, OfAHeaderAreSeveralBetweenCommas) {
    const auto policies = parse_policies("script-src 'self', ,default-src 'none';,");
    ASSERT_TRUE(policies);
    ASSERT_EQ(policies->size(), 2U);
    EXPECT_EQ((*policies)[1].directives[0].name, "default-src");
    EXPECT_FALSE(parse_policies(std::string(policy_bytes_max + 1, 'a')));
}

TEST(Policy, FallsBackAsTheSpecificationSays) {
    const Policy policy = parse_policy("default-src a; script-src b; child-src c");
    EXPECT_EQ(policy.governing("script-src-elem")->name, "script-src");
    EXPECT_EQ(policy.governing("worker-src")->name, "child-src");
    EXPECT_EQ(policy.governing("frame-src")->name, "child-src");
    EXPECT_EQ(policy.governing("style-src-attr")->name, "default-src");
    for (const char* none : {"base-uri", "frame-ancestors", "form-action", "report-uri"}) {
        EXPECT_EQ(policy.governing(none), nullptr) << none;
    }
}

TEST(Policy, NoncesAndHashesHaveTheGrammarOfTheSpecification) {
    for (const char* good : {"'nonce-a'", "'nonce-aB0+/-_=='", "'NONCE-a'"}) {
        EXPECT_TRUE(is_nonce(good)) << good;
    }
    for (const char* bad :
         {"'nonce-'", "'nonce-a b'", "'nonce-a==='", "nonce-a", "'nonce-=a'", "'nonce-ä'", "'"}) {
        EXPECT_FALSE(is_nonce(bad)) << bad;
    }
    EXPECT_TRUE(is_hash("'sha256-abc='"));
    EXPECT_FALSE(is_hash("'sha1-abc'"));
}

TEST(Grade, FindsNothingHighInAStrictPolicy) {
    const auto lines = told(grade(parse_policy(strict_policy)));
    EXPECT_EQ(all(lines), "low unsafe-inline-fallback script-src\nlow allowlist-fallback script-src\n");
}

struct Case {
    std::string_view policy;
    std::string_view line;
    bool found = true;
};
constexpr Case cases[] = {
    {"script-src 'unsafe-inline'", "high script-unsafe-inline script-src 'unsafe-inline'"},
    {"default-src 'unsafe-inline'", "high script-unsafe-inline default-src 'unsafe-inline'"},
    {"script-src 'unsafe-inline' 'nonce-AAAAAAAAAAAAAAAAAAAAAA'",
     "high script-unsafe-inline script-src 'unsafe-inline'", false},
    {"script-src 'unsafe-inline' 'nonce-AAAAAAAAAAAAAAAAAAAAAA'", "info ignored script-src 'unsafe-inline'"},
    {"script-src 'unsafe-inline' 'strict-dynamic'", "info ignored script-src 'unsafe-inline'"},
    {"script-src 'unsafe-eval'", "low script-unsafe-eval script-src 'unsafe-eval'"},
    {"script-src 'unsafe-hashes'", "low script-unsafe-hashes script-src 'unsafe-hashes'"},
    {"script-src data:", "high plain-url-schemes script-src data:"},
    {"script-src HTTPS:", "high plain-url-schemes script-src https:"},
    {"base-uri https:", "high plain-url-schemes base-uri https:"},
    {"script-src *", "high plain-wildcard script-src *"},
    {"script-src http://*", "high plain-wildcard script-src http://*"},
    {"script-src https: 'strict-dynamic'", "high plain-url-schemes script-src https:", false},
    // What 'strict-dynamic' says of scripts says nothing of plugins.
    {"default-src https: 'strict-dynamic'", "high plain-url-schemes default-src https:"},
    {"script-src 'self'", "high missing-directive object-src"},
    {"default-src 'none'", "high missing-directive object-src", false},
    {"object-src", "high missing-directive object-src", false},
    {"object-src 'none'", "high missing-directive script-src"},
    {"script-src 'nonce-AAAAAAAAAAAAAAAAAAAAAA'", "high missing-directive base-uri"},
    {"script-src 'sha256-a'", "high missing-directive base-uri", false},
    {"script-src 'sha256-a' 'strict-dynamic'", "high missing-directive base-uri"},
    {"default-src 'none'", "medium missing-directive frame-ancestors"},
    {"script-src https://www.google.com", "high script-allowlist-bypass script-src https://www.google.com"},
    {"script-src https://ajax.googleapis.com/ajax/libs/angularjs/",
     "high script-allowlist-bypass script-src https://ajax.googleapis.com/ajax/libs/angularjs/"},
    {"script-src https://www.google.com/other",
     "low script-allowlist-bypass script-src https://www.google.com/other"},
    {"script-src *.googleapis.com:443", "high script-allowlist-bypass script-src *.googleapis.com:443"},
    {"script-src googletagmanager.com", "low script-allowlist-bypass script-src googletagmanager.com"},
    {"script-src googletagmanager.com 'unsafe-eval'",
     "high script-allowlist-bypass script-src googletagmanager.com"},
    {"script-src 'self'", "low script-allowlist-bypass script-src 'self'"},
    {"object-src https://*.googleapis.com",
     "high object-allowlist-bypass object-src https://*.googleapis.com"},
    {"object-src https://a.example", "low object-allowlist-bypass object-src https://a.example"},
    {"font-src //127.0.0.1", "info ip-source font-src //127.0.0.1"},
    {"font-src https://[::1]:80/x", "info ip-source font-src https://[::1]:80/x"},
    {"font-src 1.2.3", "info ip-source font-src 1.2.3", false},
    {"img-src http://a.example", "medium src-http img-src http://a.example"},
    // 128 bits are 22 characters of base64.
    {"script-src 'nonce-AAAAAAAAAAAAAAAAAAAAA'",
     "medium nonce-length script-src 'nonce-AAAAAAAAAAAAAAAAAAAAA'"},
    {"script-src 'nonce-AAAAAAAAAAAAAAAAAAAAAA'",
     "medium nonce-length script-src 'nonce-AAAAAAAAAAAAAAAAAAAAAA'", false},
    {"script-src 'nonce-AAAAAAAAAAAAAAAAAAAAA!'",
     "info nonce-charset script-src 'nonce-AAAAAAAAAAAAAAAAAAAAA!'"},
    {"referrer no-referrer", "info deprecated-directive referrer"},
    {"prefetch-src x", "info deprecated-directive prefetch-src"},
    {"scripts-src x", "syntax unknown-directive scripts-src"},
    {"script-src: x", "syntax unknown-directive script-src:"},
    {"script-src 'self' object-src 'none'", "syntax missing-semicolon script-src object-src"},
    {"script-src self", "syntax invalid-keyword script-src self"},
    {"script-src nonce-abc", "syntax invalid-keyword script-src nonce-abc"},
    {"script-src 'slef'", "syntax invalid-keyword script-src 'slef'"},
    {"script-src 'trusted-types-eval' 'report-sha256'", "syntax invalid-keyword script-src 'report-sha256'",
     false},
    {"script-src 'none' a.example", "syntax none-not-alone script-src 'none'"},
    {"script-src a; SCRIPT-SRC b", "syntax repeated-directive script-src"},
    {"script-src a.example", "low strict-dynamic script-src"},
    {"script-src 'strict-dynamic'", "info strict-dynamic-not-standalone script-src"},
    {"style-src 'unsafe-inline'", "low style-unsafe-inline style-src 'unsafe-inline'"},
    {"report-to csp", "info report-to-only report-to"},
    {"script-src 'none'", "info reporting-destination-missing report-uri"},
    {"script-src 'none'", "info require-trusted-types-for-scripts require-trusted-types-for"},
};

TEST(Grade, FindsEachWeakness) {
    for (const Case& one : cases) {
        const auto lines = told(grade(parse_policy(one.policy)));
        EXPECT_EQ(holds(lines, one.line), one.found) << one.policy << "\n" << one.line << "\n" << all(lines);
    }
}

TEST(Grade, OfPoliciesTogetherOneClosesWhatAnotherLeavesOpen) {
    const auto lines =
        told(grade(*parse_policies("script-src *; slef x, script-src 'none'; object-src 'none'")));
    EXPECT_FALSE(holds(lines, "high plain-wildcard script-src *")) << all(lines);
    EXPECT_TRUE(holds(lines, "syntax unknown-directive slef")) << all(lines);
}

TEST(Headers, AreTheDeclarationsAndKnowWhatTravelsInClear) {
    topology::Edge edge;
    edge.reporting = {{"csp", "https://r.example/csp"}, {"b", "https://r.example/b"}};
    const auto names = [](const std::vector<Header>& headers) {
        std::string text;
        for (const Header& one : headers) {
            text += one.name + "\n";
        }
        return text;
    };
    EXPECT_EQ(names(headers(edge, false, true)),
              "Content-Security-Policy\nX-Content-Type-Options\nReferrer-Policy\nPermissions-Policy\n"
              "Cross-Origin-Opener-Policy\nCross-Origin-Resource-Policy\nReporting-Endpoints\n");
    EXPECT_EQ(headers(edge, true, true)[1].name, "Strict-Transport-Security");
    EXPECT_EQ(headers(edge, true, true).back().value,
              "csp=\"https://r.example/csp\", b=\"https://r.example/b\"");
}

TEST(Headers, LoseNoncesWhereNoPageIs) {
    EXPECT_EQ(without_nonce("a 'self';; script-src 'nonce-{nonce}' ;style-src x  'nonce-{nonce}'; sandbox"),
              "a 'self'; script-src 'none'; style-src x; sandbox");
    EXPECT_EQ(without_nonce("a  b ;"), "a  b ;");
}

Response good_page(std::string nonce) {
    Response page{"GET /", 200, true, {}, {}};
    page.headers = {
        {"content-type", "text/html; charset=utf-8"},
        {"content-security-policy", "default-src 'none'; script-src 'nonce-" + nonce +
                                        "' 'strict-dynamic'; base-uri 'none'; frame-ancestors 'none'"},
        {"cache-control", "no-store"},
        {"strict-transport-security", "max-age=1"},
        {"x-content-type-options", "nosniff"},
        {"referrer-policy", "no-referrer"},
        {"permissions-policy", "camera=()"},
        {"cross-origin-opener-policy", "same-origin"},
        {"cross-origin-resource-policy", "same-origin"}};
    return page;
}
const std::string nonce_a = "AAAAAAAAAAAAAAAAAAAAAA";
const std::string nonce_b = "BBBBBBBBBBBBBBBBBBBBBB";

TEST(Responses, ThatAreGoodHaveNoFindingOfTheirOwn) {
    const std::vector<Response> responses = {good_page(nonce_a), good_page(nonce_b)};
    for (const std::string& line : told(grade_responses(responses))) {
        EXPECT_TRUE(line.starts_with("low ") || line.starts_with("info ")) << line;
    }
}

TEST(Responses, ShowWhatNoPolicyShowsAlone) {
    const auto change = [](const std::function<void(std::vector<Response>&)>& what) {
        std::vector<Response> responses = {good_page(nonce_a), good_page(nonce_b)};
        what(responses);
        return told(grade_responses(responses));
    };
    const auto drop = [](Response& response, std::string_view name) {
        std::erase_if(response.headers, [&](const auto& one) { return one.first == name; });
    };
    const auto set = [&](Response& response, std::string_view name, std::string value) {
        drop(response, name);
        response.headers.emplace_back(name, std::move(value));
    };
    const auto expect = [](const std::vector<std::string>& lines, std::string_view line) {
        EXPECT_TRUE(holds(lines, line)) << line << "\n" << all(lines);
    };
    expect(change([&](auto& all) { drop(all[0], "content-security-policy"); }),
           "high csp-missing content-security-policy");
    expect(change([&](auto& all) {
               all[1].status = 404;
               drop(all[1], "content-security-policy");
           }),
           "high csp-missing-on-errors content-security-policy");
    expect(change([&](auto& all) { all[1] = all[0]; }), "high nonce-reuse content-security-policy");
    expect(change([&](auto& all) { set(all[0], "cache-control", "max-age=60"); }),
           "high nonce-cached cache-control");
    expect(change([&](auto& all) { all[0].headers[1].first = "content-security-policy-report-only"; }),
           "high report-only content-security-policy-report-only");
    expect(change([&](auto& all) {
               all[0].headers.emplace_back("content-security-policy-report-only", "script-src 'none'");
           }),
           "info report-only-left content-security-policy-report-only");
    expect(change([&](auto& all) { all[0].headers.emplace_back("content-security-policy", "sandbox"); }),
           "medium duplicate-header content-security-policy");
    expect(change([&](auto& all) { all[0].headers.emplace_back("referrer-policy", "origin"); }),
           "medium duplicate-header referrer-policy");
    expect(change([&](auto& all) { set(all[0], "x-content-type-options", "sniff"); }),
           "medium companion-wrong x-content-type-options");
    for (const auto& [name, severity] : std::initializer_list<std::pair<std::string, std::string>>{
             {"strict-transport-security", "medium"},
             {"x-content-type-options", "medium"},
             {"referrer-policy", "low"},
             {"permissions-policy", "low"},
             {"cross-origin-opener-policy", "low"},
             {"cross-origin-resource-policy", "low"}}) {
        expect(change([&](auto& all) { drop(all[1], name); }), severity + " companion-missing " + name);
    }
    expect(change([&](auto& all) { all[0].secure = false; }), "low hsts-in-clear strict-transport-security");
    expect(change([&](auto& all) {
               set(all[0], "content-security-policy", "img-src " + std::string(5'000, 'x'));
           }),
           "low header-size content-security-policy");
    expect(change([&](auto& all) {
               all[0].body =
                   "<!-- <meta> --><META content=\"sandbox; frame-ancestors 'none'\" "
                   "http-equiv='Content-Security-Policy'>";
           }),
           "medium meta-ignored frame-ancestors");
    expect(change([&](auto& all) {
               drop(all[0], "content-security-policy");
               all[0].body =
                   "<meta http-equiv=content-security-policy content=\"script-src &#39;self&#39;\">";
           }),
           "medium meta-only content-security-policy");
    expect(change([&](auto& all) { set(all[0], "content-security-policy", "report-to csp"); }),
           "medium report-to-unknown report-to");
}

TEST(Responses, MetaPoliciesAreReadFromElementsOnly) {
    EXPECT_EQ(meta_policies("<meta http-equiv=\"Content-Security-Policy\" content=\"a > b; 'self'\"/>"),
              std::vector<std::string>{"a > b; 'self'"});
    EXPECT_TRUE(meta_policies("<!--<meta http-equiv=content-security-policy content=a>-->").empty());
    EXPECT_TRUE(meta_policies("<meta http-equiv=refresh content=a><metal http-equiv=content-security-policy")
                    .empty());
    for (const char* broken :
         {"<", "<meta", "<meta ", "<meta http-equiv", "<meta http-equiv=", "<meta content='"}) {
        EXPECT_TRUE(meta_policies(broken).empty()) << broken;
    }
}

}  // namespace
}  // namespace domicile::edge

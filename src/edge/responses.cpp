// What a policy alone cannot show: how responses of one origin carry it.

#include "edge/grade.hpp"
#include "edge/headers.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace domicile::edge {
namespace {

constexpr std::size_t metas_max = 16;
constexpr std::size_t listed_max = 4;
// Beyond that proxies and servers begin to refuse all headers together (8 KiB is a common limit).
constexpr std::size_t header_bytes = 4'096;

constexpr std::string_view enforced = "content-security-policy";
constexpr std::string_view reported = "content-security-policy-report-only";

struct Companion {
    std::string_view name;
    Severity severity;
    bool tls_only;
    std::string_view what;
    std::string_view mend;
};
constexpr std::array<Companion, 6> companions = {{
    {"strict-transport-security", Severity::medium, true, "the first visit can be led to clear HTTP",
     "send Strict-Transport-Security: max-age=63072000; includeSubDomains"},
    {"x-content-type-options", Severity::medium, false, "browsers may take data for script",
     "send X-Content-Type-Options: nosniff"},
    {"referrer-policy", Severity::low, false, "other hosts learn paths of this one",
     "send Referrer-Policy: no-referrer, or strict-origin"},
    {"permissions-policy", Severity::low, false, "an injected frame may ask for camera and place",
     "send Permissions-Policy: camera=(), geolocation=(), microphone=()"},
    {"cross-origin-opener-policy", Severity::low, false,
     "a page that opened this one keeps a hand on its window",
     "send Cross-Origin-Opener-Policy: same-origin"},
    {"cross-origin-resource-policy", Severity::low, false, "other sites may embed what this one serves",
     "send Cross-Origin-Resource-Policy: same-origin"},
}};

std::vector<std::string_view> values(const Response& response, std::string_view name) {
    std::vector<std::string_view> found;
    for (const auto& [key, value] : response.headers) {
        if (key == name) {
            found.emplace_back(value);
        }
    }
    return found;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

bool is_page(const Response& response) {
    const auto types = values(response, "content-type");
    return !types.empty() && lower(types.front()).starts_with("text/html");
}

std::vector<std::string> nonces(const Response& response) {
    std::vector<std::string> found;
    for (const std::string_view name : {enforced, reported}) {
        for (const std::string_view header : values(response, name)) {
            const auto policies = parse_policies(header);
            for (const Policy& policy : policies ? *policies : std::vector<Policy>()) {
                for (const Directive& directive : policy.directives) {
                    for (const std::string& value : directive.values) {
                        if (const auto nonce = nonce_of(value); !nonce.empty()) {
                            found.emplace_back(nonce);
                        }
                    }
                }
            }
        }
    }
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

class ResponseGrader {
  public:
    explicit ResponseGrader(std::span<const Response> responses) : responses_(responses) {}

    std::vector<Finding> run() {
        missing();
        companion_headers();
        report_only();
        repeated();
        fresh();
        pages();
        endpoints();
        own_policies();
        worst_first(findings_);
        return std::move(findings_);
    }

  private:
    void add(std::string_view check, Severity severity, std::string_view directive, std::string what,
             std::string_view mend) {
        findings_.push_back(
            {check, severity, std::string(directive), {}, std::move(what), std::string(mend)});
    }

    /// "GET /, GET /x (404) and 2 more" of those that `test` holds for; empty if for none.
    template <class Test>
    [[nodiscard]] std::string those(Test test) const {
        std::string text;
        std::size_t count = 0;
        for (const Response& one : responses_) {
            if (test(one) && ++count <= listed_max) {
                text += (text.empty() ? "" : ", ") + one.what + " (" + std::to_string(one.status) + ")";
            }
        }
        return count > listed_max ? text + " and " + std::to_string(count - listed_max) + " more" : text;
    }

    void missing() {
        const auto without = [](const Response& one) { return values(one, enforced).empty(); };
        const std::string pages =
            those([&](const Response& one) { return without(one) && one.status < 400; });
        const std::string errors =
            those([&](const Response& one) { return without(one) && one.status >= 400; });
        if (!pages.empty()) {
            add("csp-missing", Severity::high, enforced, "no policy on " + pages,
                "send Content-Security-Policy with every response");
        }
        if (!errors.empty()) {
            add("csp-missing-on-errors", Severity::high, enforced, "no policy on errors: " + errors,
                "set it where errors are made, too: what an error echoes runs as well");
        }
    }

    void companion_headers() {
        for (const Companion& one : companions) {
            const std::string where = those([&](const Response& response) {
                return (response.secure || !one.tls_only) && values(response, one.name).empty();
            });
            if (!where.empty()) {
                add("companion-missing", one.severity, one.name, std::string(one.what) + ": not on " + where,
                    one.mend);
            }
        }
        const std::string clear = those([](const Response& response) {
            return !response.secure && !values(response, "strict-transport-security").empty();
        });
        if (!clear.empty()) {
            add("hsts-in-clear", Severity::low, "strict-transport-security",
                "sent without TLS, where it must not be (RFC 6797 section 7.2): " + clear,
                "send it over TLS only");
        }
        const std::string sniffed = those([](const Response& response) {
            const auto found = values(response, "x-content-type-options");
            return !found.empty() && lower(found.front()) != "nosniff";
        });
        if (!sniffed.empty()) {
            add("companion-wrong", Severity::medium, "x-content-type-options", "is not nosniff: " + sniffed,
                "send X-Content-Type-Options: nosniff");
        }
    }

    void report_only() {
        const std::string alone = those([](const Response& one) {
            return !values(one, reported).empty() && values(one, enforced).empty();
        });
        if (!alone.empty()) {
            add("report-only", Severity::high, reported, "nothing is enforced, only reported: " + alone,
                "send it as Content-Security-Policy once no more reports come");
        }
        const std::string beside = those([](const Response& one) {
            return !values(one, reported).empty() && !values(one, enforced).empty();
        });
        if (!beside.empty()) {
            add("report-only-left", Severity::info, reported, "a second policy is only tried: " + beside,
                "remove it when the trial is over");
        }
    }

    void repeated() {
        std::vector<std::string_view> names = {enforced, reported};
        for (const Companion& one : companions) {
            names.push_back(one.name);
        }
        for (const std::string_view name : names) {
            const std::string twice =
                those([&](const Response& one) { return values(one, name).size() > 1; });
            if (!twice.empty()) {
                add("duplicate-header", Severity::medium, name,
                    "stands more than once, so that two hands set it: " + twice,
                    name == enforced ? "set it in one place: browsers enforce all of them together"
                                     : "set it in one place: which one counts depends on the browser");
            }
            const std::string large = those([&](const Response& one) {
                return std::ranges::any_of(
                    values(one, name), [](std::string_view value) { return value.size() > header_bytes; });
            });
            if (!large.empty()) {
                add("header-size", Severity::low, name, "is larger than 4 KiB: " + large,
                    "shorten it: some proxies refuse 8 KiB of headers");
            }
        }
    }

    void fresh() {
        std::map<std::string, std::size_t> uses;
        for (const Response& one : responses_) {
            for (const std::string& nonce : nonces(one)) {
                ++uses[nonce];
            }
        }
        if (std::ranges::any_of(uses, [](const auto& use) { return use.second > 1; })) {
            add("nonce-reuse", Severity::high, enforced,
                "a nonce comes twice: " + those([&](const Response& one) {
                    return std::ranges::any_of(nonces(one),
                                               [&](const auto& nonce) { return uses[nonce] > 1; });
                }),
                "make a new one for each response (CSP3 section 2.3.1 MUST)");
        }
        const std::string kept = those([](const Response& one) {
            const auto control = values(one, "cache-control");
            const bool stored = std::ranges::none_of(
                control, [](std::string_view value) { return contains(lower(value), "no-store"); });
            return stored && !nonces(one).empty();
        });
        if (!kept.empty()) {
            add("nonce-cached", Severity::high, "cache-control",
                "a cache may give a nonce out again: " + kept, "send Cache-Control: no-store with nonces");
        }
    }

    /// CSP3 section 3.3: in a <meta> three directives do nothing, and neither does a policy that only
    /// reports.
    void pages() {
        for (const Response& one : responses_) {
            if (!is_page(one)) {
                continue;
            }
            for (const std::string& text : meta_policies(one.body)) {
                const Policy policy = parse_policy(std::string_view(text).substr(0, policy_bytes_max));
                for (const std::string_view name : {"frame-ancestors", "sandbox", "report-uri"}) {
                    if (policy.find(name) != nullptr) {
                        add("meta-ignored", Severity::medium, name,
                            "does nothing in a <meta> element (CSP3 section 3.3): " + one.what,
                            "send it in the header");
                    }
                }
                if (values(one, enforced).empty()) {
                    add("meta-only", Severity::medium, enforced,
                        "stands in a <meta> element only: what comes before it in the page is not "
                        "governed: " +
                            one.what,
                        "send the header");
                }
            }
        }
    }

    /// report-to names an endpoint of Reporting-Endpoints (Reporting API, section 3.2).
    void endpoints() {
        std::set<std::string> told;
        for (const Response& one : responses_) {
            std::string declared;
            for (const std::string_view value : values(one, "reporting-endpoints")) {
                declared += ", " + std::string(value);
            }
            for (const std::string_view name : {enforced, reported}) {
                for (const std::string_view header : values(one, name)) {
                    const auto policies = parse_policies(header);
                    for (const Policy& policy : policies ? *policies : std::vector<Policy>()) {
                        const Directive* to = policy.find("report-to");
                        if (to != nullptr && !to->values.empty() &&
                            !contains(declared, " " + to->values.front() + "=") &&
                            told.insert(to->values.front()).second) {
                            add("report-to-unknown", Severity::medium, "report-to",
                                "names " + to->values.front() +
                                    ", which Reporting-Endpoints does not: " + one.what,
                                "declare it: Reporting-Endpoints: NAME=\"https://…\"");
                        }
                    }
                }
            }
        }
    }

    /// What the policy of each kind of response says, told once.
    void own_policies() {
        std::set<std::string> seen;
        for (const Response& one : responses_) {
            std::string text;
            for (const std::string_view value : values(one, enforced)) {
                text += (text.empty() ? "" : ", ") + std::string(value);
            }
            // A page's own policy is the one that protects somebody; that of data comes after it.
            std::string key = text;
            for (const std::string& nonce : nonces(one)) {
                for (std::size_t at = 0; (at = key.find(nonce, at)) != std::string::npos;) {
                    key.erase(at, nonce.size());
                }
            }
            if (text.empty() || seen.size() >= listed_max || !seen.insert(key).second) {
                continue;
            }
            const auto policies = parse_policies(text);
            if (!policies) {
                add("policy-size", Severity::medium, enforced, "is larger than 16 KiB: " + one.what,
                    "shorten it");
                continue;
            }
            for (Finding& finding : grade(*policies)) {
                const bool told = std::ranges::any_of(findings_, [&](const Finding& other) {
                    return other.check == finding.check && other.directive == finding.directive &&
                           other.value == finding.value;
                });
                if (!told) {
                    findings_.push_back(std::move(finding));
                }
            }
        }
    }

    std::span<const Response> responses_;
    std::vector<Finding> findings_;
};

/// The value of an attribute of a start tag's inside, quotes off; empty if it is not there.
std::string attribute(std::string_view tag, std::string_view wanted) {
    constexpr std::string_view blanks = " \t\r\n\f/";
    std::size_t at = 0;
    while (true) {
        at = tag.find_first_not_of(blanks, at);
        if (at == std::string_view::npos) {
            return {};
        }
        const auto name_end = std::min(tag.find_first_of(" \t\r\n\f/=", at + 1), tag.size());
        const std::string name = lower(tag.substr(at, name_end - at));
        at = std::min(tag.find_first_not_of(" \t\r\n\f", name_end), tag.size());
        std::string_view value;
        if (at < tag.size() && tag[at] == '=') {
            at = std::min(tag.find_first_not_of(" \t\r\n\f", at + 1), tag.size());
            const bool quoted = at < tag.size() && (tag[at] == '"' || tag[at] == '\'');
            const auto from = at + (quoted ? 1 : 0);
            const auto to =
                std::min(quoted ? tag.find(tag[at], from) : tag.find_first_of(" \t\r\n\f", from), tag.size());
            value = tag.substr(std::min(from, to), to - std::min(from, to));
            at = std::min(to + (quoted ? 1 : 0), tag.size());
        }
        if (name == wanted) {
            return std::string(value);
        }
    }
}

std::string decoded(std::string text) {
    for (const auto& [entity, plain] :
         {std::pair<std::string_view, std::string_view>{"&#39;", "'"}, {"&apos;", "'"}, {"&quot;", "\""}}) {
        for (std::size_t at = 0; (at = text.find(entity, at)) != std::string::npos; at += plain.size()) {
            text.replace(at, entity.size(), plain);
        }
    }
    return text;
}

}  // namespace

std::vector<std::string> meta_policies(std::string_view html) {
    std::vector<std::string> policies;
    for (std::size_t at = 0;
         policies.size() < metas_max && (at = html.find('<', at)) != std::string_view::npos;) {
        if (html.substr(at).starts_with("<!--")) {
            at = std::min(html.find("-->", at), html.size());
            continue;
        }
        ++at;
        constexpr std::string_view after = " \t\r\n\f/>";
        if (lower(html.substr(at, 4)) != "meta" || at + 4 >= html.size() ||
            after.find(html[at + 4]) == std::string_view::npos) {
            continue;
        }
        // The end of the tag is the first > outside quotes.
        std::size_t end = at + 4;
        for (char quote = 0; end < html.size() && (quote != 0 || html[end] != '>'); ++end) {
            if (quote != 0 ? html[end] == quote : html[end] == '"' || html[end] == '\'') {
                quote = quote != 0 ? '\0' : html[end];
            }
        }
        const std::string_view tag = html.substr(std::min(at + 4, html.size()), end - std::min(at + 4, end));
        if (lower(attribute(tag, "http-equiv")) == enforced) {
            policies.push_back(decoded(attribute(tag, "content")));
        }
        at = end;
    }
    return policies;
}

std::vector<Finding> grade_responses(std::span<const Response> responses) {
    return ResponseGrader(responses).run();
}

}  // namespace domicile::edge

#include "edge/grade.hpp"

#include "edge/bypasses.hpp"
#include "edge/headers.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

namespace domicile::edge {
namespace {

using Values = std::vector<std::string>;

constexpr std::size_t findings_max = 256;
constexpr std::array<std::string_view, 3> script_names = {"script-src", "script-src-attr", "script-src-elem"};
// From here a whole line of defence falls with one entry.
constexpr std::array<std::string_view, 3> unsafe_schemes = {"data:", "http:", "https:"};

bool has(const Values& values, std::string_view value) {
    return std::ranges::find(values, value) != values.end();
}

std::string_view scheme_free(std::string_view value) {
    const auto colon = value.find("://");
    if (colon != std::string_view::npos && is_scheme(value.substr(0, colon + 1))) {
        return value.substr(colon + 3);
    }
    return value.starts_with("//") ? value.substr(2) : value;
}

/// Host and path of a host-source (CSP3 section 2.3.1), without the port.
struct HostSource {
    std::string host;  ///< lower case; "*.example.com", "[::1]"
    std::string_view path;
};
HostSource host_source(std::string_view value) {
    std::string_view rest = scheme_free(value);
    const auto end = std::min(rest.find_first_of("/?#"), rest.size());
    std::string_view host = rest.substr(0, end);
    rest.remove_prefix(end);
    if (const auto port = host.rfind(':');
        port != std::string_view::npos && host.find(']', port) == std::string_view::npos) {
        host = host.substr(0, port);
    }
    return {lower(host), rest.substr(0, rest.find_first_of("?#"))};
}

bool is_ip(std::string_view host) {
    if (host.starts_with('[') && host.ends_with(']')) {
        return true;
    }
    int dots = 0;
    std::size_t digits = 0;
    for (const char c : host) {
        if (c == '.' && digits != 0) {
            ++dots;
            digits = 0;
        } else if (c >= '0' && c <= '9' && digits < 3) {
            ++digits;
        } else {
            return false;
        }
    }
    return dots == 3 && digits != 0;
}

/// A bypass that the source lets in and that works: one of `kinds`.
const Bypass* bypass_of(std::string_view value, std::initializer_list<Bypass::Kind> kinds) {
    const HostSource source = host_source(value);
    const bool wildcard = source.host.starts_with("*.");
    const std::string_view host = wildcard ? std::string_view(source.host).substr(1) : source.host;
    if (host.empty()) {
        return nullptr;
    }
    for (const Bypass& one : bypasses()) {
        const bool hosts = wildcard ? one.host.ends_with(host) : one.host == host;
        // CSP3 section 6.7.2.12: a path that ends in / lets in what begins with it.
        const bool paths =
            source.path.size() <= 1 ||
            (source.path.ends_with('/') ? one.path.starts_with(source.path) : one.path == source.path);
        if (hosts && paths && std::ranges::find(kinds, one.kind) != kinds.end()) {
            return &one;
        }
    }
    return nullptr;
}

class Grader {
  public:
    explicit Grader(const Policy& policy) : policy_(policy) {
        for (const std::string_view name : script_names) {
            const std::string governing = governing_name(name);
            if (std::ranges::find(scripts_, governing) == scripts_.end()) {
                scripts_.push_back(governing);
            }
        }
        for (const Directive& directive : policy.directives) {
            effective_.push_back(directive);
            if (std::ranges::find(scripts_, directive.name) != scripts_.end()) {
                weigh(effective_.back());
            }
        }
    }

    std::vector<Finding> run() {
        syntax();
        missing();
        scripts();
        sources();
        objects();
        every_value();
        strict();
        reporting();
        return sorted();
    }

    std::vector<Finding> sorted() {
        worst_first(findings_);
        return std::move(findings_);
    }

  private:
    void add(std::string_view check, Severity severity, std::string_view directive, std::string_view value,
             std::string what, std::string mend) {
        const auto same = [&](const Finding& one) {
            return one.check == check && one.directive == directive && one.value == value;
        };
        if (findings_.size() < findings_max && std::ranges::none_of(findings_, same)) {
            findings_.push_back({check, severity, std::string(directive), std::string(value), std::move(what),
                                 std::move(mend)});
        }
    }

    [[nodiscard]] std::string governing_name(std::string_view name) const {
        const Directive* found = policy_.governing(name);
        return found != nullptr ? found->name : name == "base-uri" ? "base-uri" : "default-src";
    }
    [[nodiscard]] const Values& parsed(std::string_view name) const {
        return values_of(policy_.directives, name);
    }
    [[nodiscard]] const Values& effective(std::string_view name) const { return values_of(effective_, name); }
    static const Values& values_of(const std::vector<Directive>& directives, std::string_view name) {
        static const Values none;
        const auto found = std::ranges::find(directives, name, &Directive::name);
        return found == directives.end() ? none : found->values;
    }

    /// Takes out what a browser of CSP3 passes over: 'unsafe-inline' beside a nonce or hash
    /// (section 6.7.3.2), allow-lists beside 'strict-dynamic' (section 8.2).
    void weigh(Directive& directive) {
        const bool keyed = std::ranges::any_of(
            directive.values, [](const std::string& value) { return is_nonce(value) || is_hash(value); });
        const bool strict = has(directive.values, "'strict-dynamic'");
        std::erase_if(directive.values, [&](const std::string& value) {
            const bool by_strict =
                strict && (!value.starts_with('\'') || value == "'self'" || value == "'unsafe-inline'");
            const bool by_key = keyed && value == "'unsafe-inline'";
            if (by_strict || by_key) {
                add("ignored", Severity::info, directive.name, value,
                    by_key ? "passed over, because a nonce or a hash stands beside it"
                           : "passed over, because 'strict-dynamic' stands beside it",
                    "nothing: it serves browsers that do not know CSP Level 3");
            }
            return by_strict || by_key;
        });
    }

    void syntax() {
        for (const std::string& name : policy_.repeated) {
            add("repeated-directive", Severity::syntax, name, {}, "stands twice: only the first one counts",
                "make one list of both");
        }
        if (policy_.unreadable != 0) {
            add("not-ascii", Severity::syntax, {}, {},
                "a directive holds bytes beyond ASCII, so browsers pass over all of it",
                "write host names in Punycode, and paths in percent-encoding");
        }
        for (const Directive& directive : policy_.directives) {
            if (!is_directive(directive.name)) {
                add("unknown-directive", Severity::syntax, directive.name, {},
                    directive.name.ends_with(':') ? "ends with a colon, which no directive does"
                                                  : "is no directive that browsers know",
                    "correct the name, or remove it");
            }
            if (has(directive.values, "'none'") && directive.values.size() > 1) {
                add("none-not-alone", Severity::syntax, directive.name, "'none'",
                    "means something only if nothing stands beside it", "remove it, or everything else");
            }
            for (const std::string& value : directive.values) {
                word(directive.name, value);
            }
        }
    }

    void word(const std::string& directive, const std::string& value) {
        if (is_directive(value)) {
            add("missing-semicolon", Severity::syntax, directive, value,
                "is a directive's name, but stands as a value", "put a semicolon before it");
        }
        if (is_keyword("'" + value + "'") || value.starts_with("nonce-") || value.starts_with("sha256-") ||
            value.starts_with("sha384-") || value.starts_with("sha512-")) {
            add("invalid-keyword", Severity::syntax, directive, value,
                "is read as a host, because it has no quotes", "write '" + value + "'");
            return;
        }
        if (!value.starts_with('\'')) {
            return;
        }
        const bool known = directive == "require-trusted-types-for" ? value == "'script'"
                           : directive == "trusted-types"
                               ? value == "'allow-duplicates'" || value == "'none'"
                               : is_keyword(value) || is_hash(value) || is_nonce(value);
        // webrtc has two words of its own (WebRTC, in CSP3 section 6.5.1).
        if (!known && !(directive == "webrtc" && (value == "'allow'" || value == "'block'"))) {
            add("invalid-keyword", Severity::syntax, directive, value, "is no keyword, nonce or hash",
                "correct it: browsers pass over it");
        }
    }

    void missing() {
        if (policy_.governing("object-src") == nullptr) {
            add("missing-directive", Severity::high, "object-src", {},
                "is missing, and so is default-src: plugins can be embedded and run script",
                "add object-src 'none'");
        }
        if (policy_.find("script-src") == nullptr && policy_.find("default-src") == nullptr) {
            add("missing-directive", Severity::high, "script-src", {},
                "is missing, and so is default-src: any script runs", "add script-src");
        }
        const Values& script = effective(governing_name("script-src"));
        const bool nonces = std::ranges::any_of(script, [](const auto& value) { return is_nonce(value); });
        const bool hashes = std::ranges::any_of(script, [](const auto& value) { return is_hash(value); });
        if ((nonces || (hashes && has(script, "'strict-dynamic'"))) && policy_.find("base-uri") == nullptr) {
            add("missing-directive", Severity::high, "base-uri", {},
                "is missing: an injected <base> sends the page's own scripts elsewhere, nonce and all",
                "add base-uri 'none' or 'self'");
        }
        if (policy_.find("frame-ancestors") == nullptr) {
            add("missing-directive", Severity::medium, "frame-ancestors", {},
                "is missing, and falls back to nothing: anybody may frame the page",
                "add frame-ancestors 'none' or 'self'");
        }
    }

    void scripts() {
        for (const std::string& name : scripts_) {
            const Values& values = effective(name);
            if (has(values, "'unsafe-inline'")) {
                add("script-unsafe-inline", Severity::high, name, "'unsafe-inline'",
                    "runs every script and handler that somebody gets into the page",
                    "give own scripts a nonce or a hash");
            }
            if (has(values, "'unsafe-hashes'")) {
                add("script-unsafe-hashes", Severity::low, name, "'unsafe-hashes'",
                    "lets an attacker use the handlers whose hashes stand here",
                    "attach handlers from script instead");
            }
            if (has(values, "'unsafe-eval'")) {
                add("script-unsafe-eval", Severity::low, name, "'unsafe-eval'",
                    "turns text into code wherever the page calls eval() or its like", "do without eval()");
            }
        }
        for (const std::string_view wanted : {"script-src", "script-src-elem"}) {
            const std::string name = governing_name(wanted);
            for (const std::string& value : effective(name)) {
                allowed(name, value);
            }
        }
    }

    void allowed(const std::string& name, const std::string& value) {
        constexpr std::string_view check = "script-allowlist-bypass";
        if (value == "'self'") {
            add(check, Severity::low, name, value,
                "is safe only if the host serves no JSONP, no AngularJS and no files of users",
                "serve those from another host");
            return;
        }
        if (value.starts_with('\'') || is_scheme(value) || value.find('.') == std::string::npos) {
            return;
        }
        using enum Bypass::Kind;
        const bool eval = has(effective(name), "'unsafe-eval'");
        const Bypass* found = bypass_of(value, {jsonp, angular});
        if (found == nullptr && eval) {
            found = bypass_of(value, {jsonp_with_eval});
        }
        if (found != nullptr) {
            add(check, Severity::high, name, value,
                std::string(found->host) + " is known to serve " +
                    (found->kind == angular ? "AngularJS" : "JSONP") + ", by which any script runs",
                "use nonces with 'strict-dynamic' in place of hosts");
        } else {
            add(check, Severity::low, name, value,
                "is safe only if that host serves no JSONP and no AngularJS",
                "use nonces with 'strict-dynamic' in place of hosts");
        }
    }

    /// Schemes and wildcards, where one is enough to run script.
    void sources() {
        const auto look = [&](const std::string& name, const Values& values) {
            for (const std::string& value : values) {
                if (std::ranges::find(unsafe_schemes, value) != unsafe_schemes.end()) {
                    add("plain-url-schemes", Severity::high, name, value, "lets in script from anybody",
                        "name hosts, or use nonces");
                }
                if (scheme_free(value) == "*") {
                    add("plain-wildcard", Severity::high, name, value, "lets in everybody", "name hosts");
                }
            }
        };
        for (const std::string& name : scripts_) {
            look(name, effective(name));
        }
        // 'strict-dynamic' is about scripts only: what falls back to default-src for plugins keeps its hosts.
        for (const std::string_view wanted : {"object-src", "base-uri"}) {
            const std::string name = governing_name(wanted);
            look(name, parsed(name));
        }
    }

    void objects() {
        const Directive* types = policy_.find("plugin-types");
        if (types != nullptr && !has(types->values, "application/x-shockwave-flash")) {
            return;
        }
        const std::string name = governing_name("object-src");
        const Values& values = parsed(name);
        if (values.size() == 1 && values.front() == "'none'") {
            return;
        }
        for (const std::string& value : values) {
            if (value == "'none'") {
                continue;
            }
            if (const Bypass* found = bypass_of(value, {Bypass::Kind::flash})) {
                add("object-allowlist-bypass", Severity::high, name, value,
                    std::string(found->host) + " is known to serve Flash files that run any script",
                    "set object-src 'none'");
            } else if (name == "object-src") {
                add("object-allowlist-bypass", Severity::low, name, value,
                    "lets plugins in, which no browser of today needs", "set object-src 'none'");
            }
        }
    }

    void every_value() {
        static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> obsolete = {{
            {"reflected-xss", "remove it; nothing reads it"},
            {"referrer", "send the header Referrer-Policy"},
            {"disown-opener", "send the header Cross-Origin-Opener-Policy"},
            {"prefetch-src", "remove it; default-src governs prefetches"},
            {"plugin-types", "set object-src 'none'"},
            {"navigate-to", "remove it; nothing reads it"},
            {"require-sri-for", "remove it; nothing reads it"},
            {"block-all-mixed-content", "remove it; browsers do so by themselves"},
            {"webrtc", "remove it, unless you know that your browsers read it"},
        }};
        for (const Directive& directive : effective_) {
            const auto old = std::ranges::find(obsolete, directive.name,
                                               &std::pair<std::string_view, std::string_view>::first);
            if (old != obsolete.end() && directive.name != "webrtc") {
                add("deprecated-directive", Severity::info, directive.name, {}, "is obsolete",
                    std::string(old->second));
            }
            for (const std::string& value : directive.values) {
                value_of(directive.name, value);
            }
        }
        for (const std::string_view name : {"style-src", "style-src-elem", "style-src-attr"}) {
            const Directive* own = policy_.find(name);
            if (own != nullptr && has(own->values, "'unsafe-inline'") &&
                std::ranges::none_of(own->values, [](const auto& v) { return is_nonce(v) || is_hash(v); })) {
                add("style-unsafe-inline", Severity::low, name, "'unsafe-inline'",
                    "lets injected styles read out values of the page", "give own styles a nonce or a hash");
            }
        }
    }

    void value_of(const std::string& directive, const std::string& value) {
        if (const std::string host = host_source(value).host; is_ip(host)) {
            add("ip-source", Severity::info, directive, value,
                host == "127.0.0.1" ? "is the reader's own machine"
                                    : "is an address, which browsers pass over as a source",
                host == "127.0.0.1" ? "remove it in production" : "name a host");
        }
        if (value.starts_with("http://")) {
            add("src-http", Severity::medium, directive, value, "travels in clear", "write https://");
        }
        const std::string_view nonce = nonce_of(value);
        if (nonce.empty()) {
            return;
        }
        if (nonce.size() < nonce_chars) {
            add("nonce-length", Severity::medium, directive, value,
                "has " + std::to_string(nonce.size()) + " characters; 128 random bits have 22 in base64",
                "make 16 random bytes for each response");
        }
        if (!is_nonce(value)) {
            add("nonce-charset", Severity::info, directive, value, "is no base64, so no browser takes it",
                "encode it in base64");
        }
    }

    /// How far the policy is from nonces with 'strict-dynamic', which hosts cannot get around.
    void strict() {
        const std::string name = governing_name("script-src");
        const Values& values = parsed(name);
        const bool dynamic = has(values, "'strict-dynamic'");
        const bool keyed =
            std::ranges::any_of(values, [](const auto& value) { return is_nonce(value) || is_hash(value); });
        const bool hosts =
            std::ranges::any_of(values, [](const std::string& value) { return !value.starts_with('\''); });
        if (hosts && !dynamic) {
            add("strict-dynamic", Severity::low, name, {},
                "trusts hosts, and most lists of hosts have a way around",
                "use nonces or hashes with 'strict-dynamic'");
        }
        if (dynamic && !keyed) {
            add("strict-dynamic-not-standalone", Severity::info, name, {},
                "has 'strict-dynamic' without a nonce or hash, so no script runs at all", "add a nonce");
        }
        if (keyed && !has(values, "'unsafe-inline'")) {
            add("unsafe-inline-fallback", Severity::low, name, {},
                "leaves browsers of CSP Level 1 without the page's own scripts",
                "add 'unsafe-inline' if they matter: others pass over it");
        }
        const bool open = std::ranges::any_of(values, [](const std::string& value) {
            return value == "http:" || value == "https:" || value == "*" ||
                   value.find('.') != std::string::npos;
        });
        if (dynamic && !open) {
            add("allowlist-fallback", Severity::low, name, {},
                "leaves browsers without 'strict-dynamic' without the scripts that scripts load",
                "add https: if they matter: others pass over it");
        }
        if (!has(parsed("require-trusted-types-for"), "'script'")) {
            add("require-trusted-types-for-scripts", Severity::info, "require-trusted-types-for", {},
                "is missing: text can still reach innerHTML and its like",
                "add require-trusted-types-for 'script' once the page works with it");
        }
    }

    void reporting() {
        if (!parsed("report-uri").empty()) {
            return;
        }
        if (!parsed("report-to").empty()) {
            add("report-to-only", Severity::info, "report-to", {}, "is read by some browsers only",
                "add report-uri: browsers that know report-to pass over it");
        } else {
            add("reporting-destination-missing", Severity::info, "report-uri", {},
                "is missing: nobody is told of violations", "add report-uri and report-to");
        }
    }

    const Policy& policy_;
    std::vector<Directive> effective_;
    std::vector<std::string> scripts_;  ///< the directives that govern scripts
    std::vector<Finding> findings_;
};

}  // namespace

std::string_view name(Severity severity) {
    static constexpr std::array<std::string_view, 5> names = {"high", "syntax", "medium", "low", "info"};
    return names[static_cast<std::size_t>(severity)];
}

void worst_first(std::vector<Finding>& findings) {
    std::vector<Finding> sorted;
    sorted.reserve(findings.size());
    // std::stable_sort of this library uses what it has deprecated itself.
    for (std::uint8_t severity = 0; severity <= static_cast<std::uint8_t>(Severity::info); ++severity) {
        for (Finding& finding : findings) {
            if (finding.severity == static_cast<Severity>(severity)) {
                sorted.push_back(std::move(finding));
            }
        }
    }
    findings = std::move(sorted);
}

std::vector<Finding> grade(const Policy& policy) {
    return Grader(policy).run();
}

std::vector<Finding> grade(std::span<const Policy> policies) {
    std::vector<std::vector<Finding>> each;
    for (const Policy& policy : policies) {
        each.push_back(grade(policy));
    }
    std::vector<Finding> all;
    for (const auto& own : each) {
        for (const Finding& finding : own) {
            const bool same = std::ranges::any_of(all, [&](const Finding& one) {
                return std::tie(one.check, one.directive, one.value) ==
                       std::tie(finding.check, finding.directive, finding.value);
            });
            // A nonce that is too short is too short, whatever stands beside.
            const bool own_only = finding.severity == Severity::syntax || finding.check.starts_with("nonce-");
            const bool in_all = std::ranges::all_of(each, [&](const auto& other) {
                return std::ranges::find(other, finding.check, &Finding::check) != other.end();
            });
            if (!same && (own_only || in_all)) {
                all.push_back(finding);
            }
        }
    }
    worst_first(all);
    return all;
}

}  // namespace domicile::edge

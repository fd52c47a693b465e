#include "edge/policy.hpp"

#include <algorithm>
#include <array>

namespace domicile::edge {
namespace {

// ASCII whitespace (Infra, section 4.7).
constexpr std::string_view blanks = " \t\n\f\r";

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool alpha(char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z');
}
bool digit(char c) {
    return c >= '0' && c <= '9';
}

std::string_view next_word(std::string_view& text) {
    const auto from = std::min(text.find_first_not_of(blanks), text.size());
    const auto to = std::min(text.find_first_of(blanks, from), text.size());
    const auto word = text.substr(from, to - from);
    text.remove_prefix(to);
    return word;
}

constexpr std::array<std::string_view, 15> keyword_words = {"'none'",
                                                            "'self'",
                                                            "'unsafe-inline'",
                                                            "'unsafe-eval'",
                                                            "'unsafe-hashes'",
                                                            "'strict-dynamic'",
                                                            "'report-sample'",
                                                            "'wasm-unsafe-eval'",
                                                            "'report-sha256'",
                                                            "'report-sha384'",
                                                            "'report-sha512'",
                                                            "'trusted-types-eval'",
                                                            "'unsafe-allow-redirects'",
                                                            "'unsafe-webtransport-hashes'",
                                                            "'inline-speculation-rules'"};

// CSP3 sections 6.1 to 6.5; then Trusted Types, Upgrade Insecure Requests, Mixed Content, Fenced Frame,
// WebRTC; then obsolete ones that stand in policies still.
constexpr std::array<std::string_view, 35> directive_words = {"child-src",
                                                              "connect-src",
                                                              "default-src",
                                                              "font-src",
                                                              "frame-src",
                                                              "img-src",
                                                              "manifest-src",
                                                              "media-src",
                                                              "object-src",
                                                              "script-src",
                                                              "script-src-attr",
                                                              "script-src-elem",
                                                              "style-src",
                                                              "style-src-attr",
                                                              "style-src-elem",
                                                              "worker-src",
                                                              "base-uri",
                                                              "sandbox",
                                                              "form-action",
                                                              "frame-ancestors",
                                                              "report-to",
                                                              "report-uri",
                                                              "webrtc",
                                                              "trusted-types",
                                                              "require-trusted-types-for",
                                                              "upgrade-insecure-requests",
                                                              "block-all-mixed-content",
                                                              "fenced-frame-src",
                                                              "prefetch-src",
                                                              "plugin-types",
                                                              "navigate-to",
                                                              "disown-opener",
                                                              "reflected-xss",
                                                              "referrer",
                                                              "require-sri-for"};

// 1*( ALPHA / DIGIT / "+" / "/" / "-" / "_" ) *2( "=" )
bool is_base64_value(std::string_view text) {
    for (int i = 0; i < 2 && text.ends_with('='); ++i) {
        text.remove_suffix(1);
    }
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return alpha(c) || digit(c) || c == '+' || c == '/' || c == '-' || c == '_';
    });
}

/// What stands between "'PREFIX-" and the closing quote, the prefix in any case (RFC 5234: strings are).
std::string_view quoted_after(std::string_view value, std::string_view prefix) {
    if (value.size() < prefix.size() + 2 || value.front() != '\'' || value.back() != '\'' ||
        edge::lower(value.substr(1, prefix.size())) != prefix) {
        return {};
    }
    return value.substr(1 + prefix.size(), value.size() - prefix.size() - 2);
}

/// What a fetch directive falls back to before default-src (CSP3 section 6.8.3).
std::span<const std::string_view> fallbacks(std::string_view name) {
    static constexpr std::array<std::string_view, 1> script = {"script-src"};
    static constexpr std::array<std::string_view, 1> style = {"style-src"};
    static constexpr std::array<std::string_view, 2> worker = {"child-src", "script-src"};
    static constexpr std::array<std::string_view, 1> frame = {"child-src"};
    if (name == "script-src-elem" || name == "script-src-attr") {
        return script;
    }
    if (name == "style-src-elem" || name == "style-src-attr") {
        return style;
    }
    if (name == "worker-src") {
        return worker;
    }
    return name == "frame-src" ? std::span<const std::string_view>(frame)
                               : std::span<const std::string_view>();
}

}  // namespace

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](char c) { return lower(c); });
    return result;
}

const Directive* Policy::find(std::string_view name) const {
    const auto found = std::ranges::find(directives, name, &Directive::name);
    return found == directives.end() ? nullptr : &*found;
}

const Directive* Policy::governing(std::string_view name) const {
    if (const Directive* own = find(name)) {
        return own;
    }
    for (const std::string_view other : fallbacks(name)) {
        if (const Directive* found = find(other)) {
            return found;
        }
    }
    return name.ends_with("-src") || name.starts_with("script-src") || name.starts_with("style-src")
               ? find("default-src")
               : nullptr;
}

Policy parse_policy(std::string_view text) {
    Policy policy;
    for (bool more = true; more;) {
        const auto end = text.find(';');
        more = end != std::string_view::npos;
        std::string_view token = text.substr(0, end);
        text.remove_prefix(more ? end + 1 : text.size());
        if (std::ranges::any_of(token, [](char c) { return static_cast<unsigned char>(c) > 0x7F; })) {
            ++policy.unreadable;
            continue;
        }
        Directive directive;
        directive.name = lower(next_word(token));
        if (directive.name.empty()) {
            continue;
        }
        if (policy.find(directive.name) != nullptr) {
            policy.repeated.push_back(std::move(directive.name));
            continue;
        }
        while (true) {
            const std::string_view word = next_word(token);
            if (word.empty()) {
                break;
            }
            std::string folded = lower(word);
            std::string value =
                is_keyword(folded) || is_scheme(folded) ? std::move(folded) : std::string(word);
            directive.values.push_back(std::move(value));
        }
        // In the order of the text, each once; sorted by place so that a list of many stays cheap.
        std::vector<std::string_view> seen(directive.values.begin(), directive.values.end());
        std::ranges::sort(seen);
        if (std::ranges::adjacent_find(seen) != seen.end()) {
            std::vector<std::string> once;
            std::vector<bool> taken(directive.values.size());
            seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
            for (const std::string& value : directive.values) {
                const auto at =
                    static_cast<std::size_t>(std::ranges::lower_bound(seen, value) - seen.begin());
                if (!taken[at]) {
                    taken[at] = true;
                    once.push_back(value);
                }
            }
            directive.values = std::move(once);
        }
        policy.directives.push_back(std::move(directive));
    }
    return policy;
}

base::Result<std::vector<Policy>> parse_policies(std::string_view text) {
    if (text.size() > policy_bytes_max) {
        return base::fail(base::Code::payload_too_large, "The policy is larger than 16 KiB.");
    }
    std::vector<Policy> policies;
    for (bool more = true; more;) {
        const auto end = text.find(',');
        more = end != std::string_view::npos;
        Policy policy = parse_policy(text.substr(0, end));
        text.remove_prefix(more ? end + 1 : text.size());
        if (!policy.directives.empty() || policy.unreadable != 0) {
            policies.push_back(std::move(policy));
        }
    }
    return policies;
}

std::span<const std::string_view> keywords() {
    return keyword_words;
}

bool is_keyword(std::string_view value) {
    return std::ranges::find(keyword_words, value) != keyword_words.end();
}

bool is_directive(std::string_view name) {
    return std::ranges::find(directive_words, name) != directive_words.end();
}

bool is_scheme(std::string_view value) {
    return value.size() >= 2 && value.back() == ':' && alpha(value.front()) &&
           std::ranges::all_of(value.substr(0, value.size() - 1), [](char c) {
               return alpha(c) || digit(c) || c == '+' || c == '-' || c == '.';
           });
}

std::string_view nonce_of(std::string_view value) {
    return quoted_after(value, "nonce-");
}

bool is_nonce(std::string_view value) {
    return is_base64_value(nonce_of(value));
}

bool is_hash(std::string_view value) {
    return is_base64_value(quoted_after(value, "sha256-")) ||
           is_base64_value(quoted_after(value, "sha384-")) || is_base64_value(quoted_after(value, "sha512-"));
}

}  // namespace domicile::edge

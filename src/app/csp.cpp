// `domicile csp`: what is weak in a policy, in the one that a topology declares, or in what a server sends.

#include "app/common.hpp"
#include "cloud/http_call.hpp"
#include "crypto/random.hpp"
#include "edge/grade.hpp"
#include "edge/headers.hpp"

#include <algorithm>
#include <array>
#include <iostream>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

namespace json = boost::json;

constexpr std::size_t page_bytes_max = 4U << 20U;

json::object as_json(const edge::Finding& finding) {
    json::object one;
    one["check"] = finding.check;
    one["severity"] = edge::name(finding.severity);
    one["directive"] = finding.directive;
    one["value"] = finding.value;
    one["what"] = finding.what;
    one["mend"] = finding.mend;
    return one;
}

/// Without control characters: a policy from elsewhere goes to a terminal.
std::string shown(std::string text) {
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
    return text;
}

int print(const std::vector<edge::Finding>& findings, std::size_t responses, bool as_document) {
    std::array<std::size_t, 5> counts{};
    for (const edge::Finding& finding : findings) {
        ++counts[static_cast<std::size_t>(finding.severity)];
    }
    const bool good = counts[0] == 0;
    if (as_document) {
        json::array list;
        for (const edge::Finding& finding : findings) {
            list.push_back(as_json(finding));
        }
        json::object document;
        document["ok"] = good;
        if (responses != 0) {
            document["responses"] = responses;
        }
        document["findings"] = std::move(list);
        std::cout << json::serialize(document) << '\n';
        return good ? 0 : 1;
    }
    for (const edge::Finding& finding : findings) {
        std::string severity(edge::name(finding.severity));
        severity.resize(8, ' ');
        std::string subject = finding.directive + (finding.value.empty() ? "" : " " + finding.value);
        subject += subject.empty() ? "" : ": ";
        std::cout << severity << shown(subject + finding.what) << "\n        mend: " << shown(finding.mend)
                  << '\n';
    }
    std::cout << findings.size() << (findings.size() == 1 ? " finding" : " findings");
    for (std::size_t i = 0, told = 0; i < counts.size(); ++i) {
        if (counts[i] != 0) {
            std::cout << (told++ == 0 ? ": " : ", ") << counts[i] << ' '
                      << edge::name(static_cast<edge::Severity>(i));
        }
    }
    std::cout << '\n';
    return good ? 0 : 1;
}

/// What a door with this declaration would send: a page twice, and data.
std::vector<edge::Response> declared(const topology::Edge& edge) {
    std::vector<edge::Response> responses;
    for (const bool page : {true, true, false}) {
        edge::Response response;
        response.what = page ? "a page" : "data";
        response.secure = true;
        const std::string nonce = crypto::random_token(16);
        for (auto& [name, value] : edge::headers(edge, true, page)) {
            for (std::size_t at = 0; (at = value.find(edge::nonce_mark, at)) != std::string::npos;) {
                value.replace(at, edge::nonce_mark.size(), nonce);
            }
            response.headers.emplace_back(edge::lower(name), value);
        }
        response.headers.emplace_back("cache-control", "no-store");
        responses.push_back(std::move(response));
    }
    return responses;
}

/// The page twice, and what errors are made of by different hands: a path that is not there, a method nobody
/// knows, a broken escape, headers that are too large.
base::Result<std::vector<edge::Response>> fetched(const std::string& url, const std::string& authority) {
    struct Ask {
        std::string what;
        std::string method = "GET";
        std::string target;
        std::size_t filler = 0;
    };
    const auto host = url.find("://");
    const auto slash = host == std::string::npos ? host : url.find('/', host + 3);
    const std::string origin = url.substr(0, slash);
    const std::string path = slash == std::string::npos ? "/" : url.substr(slash);
    const std::vector<Ask> asks = {{"GET " + path, "GET", path},
                                   {"GET " + path + " again", "GET", path},
                                   {"a path that is not there", "GET", "/domicile-csp-check/not-there"},
                                   {"an unknown method", "DOMICILECHECK", path},
                                   {"a broken escape", "GET", "/%zz"},
                                   {"headers of 40 KiB", "GET", path, 40U << 10U}};
    std::vector<edge::Response> responses;
    for (const Ask& ask : asks) {
        cloud::HttpCall call;
        call.url = origin + ask.target;
        call.method = ask.method;
        call.authority = authority;
        call.bytes_max = page_bytes_max;
        if (ask.filler != 0) {
            call.headers.emplace_back("X-Filler", std::string(ask.filler, 'x'));
        }
        auto answer = cloud::call(call);
        if (!answer) {
            if (responses.empty()) {
                return std::unexpected(answer.error());
            }
            continue;  // some servers close on what they do not like: then nothing was shown to anybody
        }
        responses.push_back({ask.what, answer->status, url.starts_with("https://"),
                             std::move(answer->headers), std::move(answer->body)});
    }
    return responses;
}

}  // namespace

int csp_check(const Common& common, const CspOptions& options) {
    if (int(!options.policy.empty()) + int(!options.url.empty()) + int(options.declared) != 1) {
        return failed({base::Code::configuration,
                       "Nothing to check, or more than one thing.",
                       "Name a policy, --topology FILE or --url URL.",
                       {},
                       {}});
    }
    if (!options.policy.empty()) {
        const auto policies = edge::parse_policies(options.policy);
        if (!policies) {
            return failed(policies.error());
        }
        if (policies->empty()) {
            return failed({base::Code::configuration, "The policy has no directive.", {}, {}, {}});
        }
        return print(edge::grade(*policies), 0, common.json);
    }
    if (options.declared) {
        const auto topology = read_topology(common.topology);
        return topology ? print(edge::grade_responses(declared(topology->edge)), 0, common.json) : 1;
    }
    if (!options.url.starts_with("http://") && !options.url.starts_with("https://")) {
        return failed({base::Code::configuration, "The URL is neither http nor https.", {}, {}, {}});
    }
    const auto responses = fetched(options.url, options.authority);
    if (!responses) {
        return failed(responses.error());
    }
    return print(edge::grade_responses(*responses), responses->size(), common.json);
}

int csp_headers(const Common& common, const CspOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const auto headers = edge::headers(topology->edge, true, options.page);
    if (common.json) {
        json::object document;
        for (const auto& [name, value] : headers) {
            document[name] = value;
        }
        std::cout << json::serialize(document) << '\n';
        return 0;
    }
    for (const auto& [name, value] : headers) {
        std::cout << name << ": " << value << '\n';
    }
    return 0;
}

}  // namespace domicile::app

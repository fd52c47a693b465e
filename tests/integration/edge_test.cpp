// [edge] at a real HTTP door: every response it can be made to give carries every declared header, once.

#include "support/http_client.hpp"
#include "support/temp_fleet.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace domicile {
namespace {

using test_support::HttpClient;
using test_support::HttpResponse;
using test_support::TempFleet;

constexpr std::string_view section = R"toml(
[edge]
content_security_policy = "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'nonce-{nonce}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; report-to csp"
report_only = "script-src 'nonce-{nonce}'; require-trusted-types-for 'script'"
referrer_policy = "same-origin"
permissions_policy = "usb=()"
cross_origin_resource_policy = "same-site"
reporting.csp = "https://reports.example/csp"
[limits]
gateway_threads = 2
body_bytes_max = 2_048
)toml";

/// What no page is told: without nonces.
const std::vector<std::pair<std::string, std::string>> declared = {
    {"content-security-policy",
     "default-src 'none'; script-src 'strict-dynamic'; style-src 'none'; connect-src 'self'; base-uri "
     "'none'; "
     "form-action 'none'; frame-ancestors 'none'; report-to csp"},
    {"content-security-policy-report-only", "script-src 'none'; require-trusted-types-for 'script'"},
    {"x-content-type-options", "nosniff"},
    {"referrer-policy", "same-origin"},
    {"permissions-policy", "usb=()"},
    {"cross-origin-opener-policy", "same-origin"},
    {"cross-origin-resource-policy", "same-site"},
    {"reporting-endpoints", "csp=\"https://reports.example/csp\""},
    {"cache-control", "no-store"}};

std::vector<std::string> values(const HttpResponse& response, std::string_view name) {
    std::vector<std::string> found;
    for (const auto& [key, value] : response.headers) {
        const auto same = [](char a, char b) { return std::tolower(a) == std::tolower(b); };
        if (std::ranges::equal(key, name, same)) {
            found.push_back(value);
        }
    }
    return found;
}

class Edge : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        fleet = new TempFleet(DOMICILE_BINARY, test_support::small_topology() + std::string(section));
        const auto started = fleet->start();
        ASSERT_TRUE(started) << base::describe(started.error());
    }
    static void TearDownTestSuite() {
        delete fleet;
        fleet = nullptr;
    }
    static topology::Address address() { return fleet->topology().at(base::RegionIndex{0}).http; }
    static std::string url() { return "http://127.0.0.1:" + std::to_string(address().port) + "/"; }

    /// Standard output and exit status of `domicile`.
    static std::pair<std::string, int> domicile(const std::string& arguments) {
        FILE* pipe = ::popen((std::string(DOMICILE_BINARY) + " " + arguments).c_str(), "r");
        std::string text;
        std::array<char, 4'096> piece{};
        for (std::size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;) {
            text.append(piece.data(), got);
        }
        const int status = ::pclose(pipe);
        return {text, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
    }

    static TempFleet* fleet;
};
TempFleet* Edge::fleet = nullptr;

TEST_F(Edge, EveryResponseCarriesEveryHeaderOnce) {
    const std::string large(40'000, 'x');
    const std::pair<std::string, int> asked[] = {
        {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"GET /v1/users/5/home HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"OPTIONS /v1/users HTTP/1.1\r\nHost: x\r\n\r\n", 204},
        {"GET /v1/users/5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404},
        {"GET /no-such HTTP/1.1\r\nHost: x\r\n\r\n", 404},
        {"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 404},
        {"GET /v1/users/x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"DELETE /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 405},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405},
        {"GET /v1/users/1500 HTTP/1.1\r\nHost: x\r\n\r\n", 451},
        {"GET /v1/users/5 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n", 401},
        {"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
         "9000\r\n\r\n",
         413},
        {"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
         415},
        {"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: " + large + "\r\n\r\n", 431},
        {"BREW / HTTP/9.9\r\n\r\n", 400},
        {"\x16\x03\x01 no TLS here\r\n\r\n", 400},
        {"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
    };
    for (const auto& [bytes, status] : asked) {
        HttpClient client(address());
        // The answer may come before all of it has been sent.
        std::ignore = client.send(bytes);
        const HttpResponse response = client.receive(bytes.starts_with("HEAD"));
        const std::string first = bytes.substr(0, bytes.find('\r'));
        EXPECT_EQ(response.status, status) << first;
        for (const auto& [name, value] : declared) {
            EXPECT_EQ(values(response, name), std::vector<std::string>{value}) << first << ": " << name;
        }
        // RFC 6797 section 7.2: not in clear.
        EXPECT_TRUE(values(response, "strict-transport-security").empty()) << first;
    }
}

TEST_F(Edge, EachPageHasANonceOfItsOwn) {
    std::set<std::string> nonces;
    constexpr int pages = 200;
    for (int i = 0; i < pages; ++i) {
        // New connections now and then, so that both threads of the gateway are asked.
        HttpClient client(address());
        for (int k = 0; k < 2; ++k) {
            const HttpResponse page = client.get("/");
            ASSERT_EQ(page.status, 200);
            EXPECT_EQ(page.header("content-type"), "text/html; charset=utf-8");
            EXPECT_EQ(page.header("cache-control"), "no-store");
            const std::string policy = page.header("content-security-policy");
            const auto at = policy.find("'nonce-") + 7;
            const std::string nonce = policy.substr(at, policy.find('\'', at) - at);
            EXPECT_EQ(nonce.size(), 22U) << policy;
            EXPECT_TRUE(nonces.insert(nonce).second) << "came twice";
            EXPECT_EQ(policy.find("{nonce}"), std::string::npos);
            EXPECT_NE(policy.find("style-src 'nonce-" + nonce + "'"), std::string::npos) << policy;
            EXPECT_NE(page.header("content-security-policy-report-only").find(nonce), std::string::npos);
            EXPECT_NE(page.body.find("<script nonce=\"" + nonce + "\">"), std::string::npos);
        }
    }
    EXPECT_EQ(nonces.size(), std::size_t{2 * pages});
    EXPECT_EQ(HttpClient(address()).request("HEAD", "/").header("content-type"), "text/html; charset=utf-8");
}

TEST_F(Edge, CheckFindsNothingHighAtTheDoor) {
    const auto [text, status] = domicile("csp check --json --url " + url());
    EXPECT_EQ(status, 0) << text;
    const auto document = boost::json::parse(text).as_object();
    EXPECT_TRUE(document.at("ok").as_bool());
    EXPECT_EQ(document.at("responses").as_int64(), 6);
    for (const auto& finding : document.at("findings").as_array()) {
        const std::string_view severity = finding.at("severity").as_string();
        EXPECT_TRUE(severity == "low" || severity == "info") << finding;
    }
}

TEST_F(Edge, CheckSaysWhatItCouldNotAsk) {
    EXPECT_EQ(domicile("csp check --url http://127.0.0.1:1/ 2>/dev/null").second, 1);
    EXPECT_EQ(domicile("csp check --url ftp://127.0.0.1/ 2>/dev/null").second, 1);
    EXPECT_EQ(domicile("csp check 2>/dev/null").second, 1);
    EXPECT_EQ(domicile("csp check \"script-src 'unsafe-inline'\"").second, 1);
    EXPECT_EQ(domicile("csp check \"default-src 'none'\"").second, 0);
    EXPECT_EQ(domicile("csp check \"default-src 'none'\" --url " + url() + " 2>/dev/null").second, 2);
}

TEST(WithoutEdge, TheDoorIsAsItWas) {
    TempFleet fleet(DOMICILE_BINARY);
    const auto started = fleet.start();
    ASSERT_TRUE(started) << base::describe(started.error());
    HttpClient client(fleet.topology().at(base::RegionIndex{0}).http);
    EXPECT_EQ(client.get("/").status, 404);
    const HttpResponse health = client.get("/healthz");
    EXPECT_EQ(health.header("x-content-type-options"), "nosniff");
    EXPECT_EQ(health.header("content-security-policy"), "");
    const std::string url =
        "http://127.0.0.1:" + std::to_string(fleet.topology().at(base::RegionIndex{0}).http.port) + "/";
    const std::string command = std::string(DOMICILE_BINARY) + " csp check --url " + url + " >/dev/null";
    EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 1);
}

}  // namespace
}  // namespace domicile

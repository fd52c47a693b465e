// What a decision costs: p50 and p99 with 10, 100 and 1 000 statements, through the index and, for comparison
// in the same run, for an action outside the vocabulary, which looks at every statement.

#include "iam/policy_set.hpp"
#include "iam/vocabulary.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace domicile::iam;

std::string policy_of(std::size_t statements) {
    std::string text = R"({"Version":"2012-10-17","Statement":[)";
    const auto words = actions();
    for (std::size_t i = 0; i < statements; ++i) {
        text +=
            std::string(i > 0 ? "," : "") + R"({"Sid":"s)" + std::to_string(i) + R"(","Effect":")" +
            (i % 5 == 4 ? "Deny" : "Allow") + R"(","Action":")" + std::string(words[i % words.size()].name) +
            R"(","Resource":"arn:domicile:data::eu:table/t)" + std::to_string(i % 50) +
            R"(*","Condition":{"StringEquals":{"domicile:Purpose":["a","b"]},"IpAddress":{"aws:SourceIp":"10.)" +
            std::to_string(i % 200) + R"(.0.0/16"}}})";
    }
    return text + "]}";
}

struct Times {
    double p50 = 0;
    double p99 = 0;
};

Times measure(const PolicySet& set, std::string_view action) {
    const std::vector<std::string> roles = {"r"};
    std::vector<double> microseconds;
    for (int i = 0; i < 50'000; ++i) {
        const std::string resource = table_arn("eu", "t" + std::to_string(i % 50));
        const std::string address = "10." + std::to_string(i % 200) + ".0.1";
        const auto began = std::chrono::steady_clock::now();
        Context context;
        context.set("domicile:Purpose", "a");
        context.set("aws:SourceIp", address);
        context.set("aws:SecureTransport", "true");
        context.set("domicile:GatewayJurisdiction", "eu");
        Request request;
        request.roles = roles;
        request.account = request.resource_account = "eu";
        request.action = action;
        request.resource = resource;
        request.context = &context;
        const auto decision = set.decide(request);
        microseconds.push_back(
            std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count());
        if (decision.reasons.size() == 1) {
            std::puts("");  // the decision is not optimised away
        }
    }
    std::ranges::sort(microseconds);
    return {microseconds[microseconds.size() / 2], microseconds[microseconds.size() * 99 / 100]};
}

}  // namespace

int main() {
    std::puts(
        "| statements | p50 us | p99 us | every statement, p99 us | ratio |\n| ---: | ---: | ---: | ---: | "
        "---: |");
    for (const std::size_t statements : {10U, 100U, 1'000U}) {
        Policies policies;
        for (std::size_t done = 0; done < statements; done += 100) {
            auto parsed = parse_policy("p" + std::to_string(done),
                                       policy_of(std::min<std::size_t>(statements - done, 100)),
                                       PolicyKind::identity, policies.keys);
            if (!parsed.policy) {
                std::puts(parsed.findings.front().text.c_str());
                return 1;
            }
            policies.roles["r"].identity.push_back(std::move(*parsed.policy));
        }
        const PolicySet set(std::move(policies));
        const Times indexed = measure(set, "data:Select");
        const Times all = measure(set, "data:Unknown");
        std::printf("| %zu | %.2f | %.2f | %.2f | %.1f |\n", statements, indexed.p50, indexed.p99, all.p99,
                    all.p99 / indexed.p99);
    }
    return 0;
}

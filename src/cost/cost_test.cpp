// The worked figures of the research, and what must hold for every load.

#include "cost/picture.hpp"
#include "cost/plan.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace domicile::cost {
namespace {

Prices prices() {
    auto read = read_prices(built_in_prices());
    EXPECT_TRUE(read) << (read ? "" : base::describe(read.error()));
    return read ? *read : Prices();
}

/// A load that any two machines could serve, whose duration is known.
Load known(double memory_mb, double duration_ms) {
    Load load;
    load.mean = load.peak = load.burst = 1;
    load.memory_mb = memory_mb;
    load.duration_ms = duration_ms;
    return load;
}

Choice choice(std::string door, bool free_tier = false) {
    Choice one;
    one.architecture = "x86_64";
    one.front_door = std::move(door);
    one.free_tier = free_tier;
    return one;
}

TEST(Worked, TwoSmallMachinesBehindABalancer) {
    const InstanceCost cost = instance_cost(prices(), choice("none"), known(512, 100));
    EXPECT_EQ(cost.count, 2);
    EXPECT_NEAR(cost.machines, 60.74, 0.005);
    EXPECT_NEAR(cost.balancer, 16.43, 0.006);
    EXPECT_NEAR(cost.disks, 3.20, 0.005);
    EXPECT_NEAR(cost.addresses, 14.60, 0.005);
    EXPECT_NEAR(cost.total, 94.96, 0.005);
}

struct WorkedRow {
    double memory_mb, duration_ms;
    const char* door;
    bool free_tier;
    double per_million;  // 0: not told
    double break_even_m;
    double mean;  // 0: not told
};
constexpr WorkedRow worked[] = {
    {512, 100, "none", false, 1.0333, 91.9, 35.0},     {512, 100, "none", true, 0, 98.5, 0},
    {512, 100, "http-api", false, 2.0333, 46.7, 17.8}, {512, 100, "rest-api", false, 4.5333, 20.9, 8.0},
    {1'024, 200, "http-api", false, 0, 20.9, 8.0},     {128, 20, "http-api", false, 0, 76.5, 29.1},
};

TEST(Worked, BreakEvens) {
    for (const WorkedRow& row : worked) {
        const Plan one =
            plan(prices(), choice(row.door, row.free_tier), known(row.memory_mb, row.duration_ms));
        const std::string what = std::to_string(row.memory_mb) + " " + row.door;
        EXPECT_NEAR(one.smallest.requests / 1e6, row.break_even_m, 0.051) << what;
        if (row.mean > 0) {
            EXPECT_NEAR(one.smallest.mean, row.mean, 0.051) << what;
        }
        if (row.per_million > 0) {
            EXPECT_NEAR(one.lambda.total / known(1, 1).requests_a_month(prices()) * 1e6, row.per_million,
                        0.0001)
                << what;
        }
        // Without CPU two machines serve anything.
        EXPECT_TRUE(one.smallest_serves);
        ASSERT_TRUE(one.break_even);
        EXPECT_NEAR(one.break_even->requests / one.smallest.requests, 1, 1e-6);
    }
}

TEST(Worked, ThirtyFiveBusyRequestsAreTooManyForTwo) {
    Load load = known(512, 100);
    load.cpu_us = 100'000;
    const Plan one = plan(prices(), choice("none"), load.scaled(35));
    EXPECT_FALSE(one.smallest_serves);
    EXPECT_GT(one.instances.count, 2);
    EXPECT_LT(one.lambda.total, one.instances.total);
    // 0.0166667 a vCPU-second of Lambda at 512 MB is dearer than a machine's once there are enough of them,
    // or never.
    if (one.break_even) {
        EXPECT_GT(one.break_even->requests, one.smallest.requests);
    }
}

TEST(Worked, TwoProcessorsAlwaysBusy) {
    // 3538 MB are two processors; 730 hours of them.
    const double gigabyte_seconds = 3'538.0 / 1'024 * 730 * 3'600;
    const Prices all = prices();
    EXPECT_NEAR(tiered(all.lambda.architectures.at("x86_64"), gigabyte_seconds), 151.33, 0.02);
    EXPECT_NEAR(tiered(all.lambda.architectures.at("arm64"), gigabyte_seconds), 121.07, 0.02);
    EXPECT_NEAR(0.073 * 730, 53.29, 0.001);
    EXPECT_NEAR(121.07 / 53.29, 2.3, 0.05);
}

TEST(Tiers, AreMarginal) {
    const std::vector<Tier> tiers = {{10, 3}, {20, 2}, {std::nullopt, 1}};
    for (const auto& [amount, sum] : std::initializer_list<std::pair<double, double>>{
             {0, 0}, {5, 15}, {10, 30}, {15, 40}, {20, 50}, {25, 55}}) {
        EXPECT_DOUBLE_EQ(tiered(tiers, amount), sum) << amount;
    }
}

TEST(Lambda, BillsWholeMillisecondsOfCpuAndWaiting) {
    Load load = known(1'769, 0);
    load.duration_ms.reset();
    load.cpu_us = 500;
    load.wait_us = 1'500;
    EXPECT_EQ(lambda_cost(prices(), choice("none"), load).duration_ms, 2);
    load.memory_mb = 884.5;  // half a processor
    EXPECT_EQ(lambda_cost(prices(), choice("none"), load).duration_ms, 3);
    load.memory_mb = 3'538;  // a second processor does not help one request
    EXPECT_EQ(lambda_cost(prices(), choice("none"), load).duration_ms, 2);
    load.cpu_us = load.wait_us = 0;
    EXPECT_EQ(lambda_cost(prices(), choice("none"), load).duration_ms, 1);
}

TEST(Feasibility, IsSaidWithItsReason) {
    Load load = known(512, 900'000);
    EXPECT_TRUE(lambda_cost(prices(), choice("none"), load).impossible.empty());
    load.duration_ms = 900'001;
    EXPECT_EQ(lambda_cost(prices(), choice("none"), load).impossible.size(), 1U);
    EXPECT_EQ(plan(prices(), choice("none"), load).cheaper(), "instances");
    load = known(10'241, 1);
    const Plan neither = plan(prices(), choice("none"), load);
    EXPECT_EQ(neither.lambda.impossible.size(), 1U);
    EXPECT_EQ(neither.instances.impossible.size(), 1U);
    EXPECT_EQ(neither.cheaper(), "neither");
    load = known(512, 1'000);
    load.burst = load.peak = 2'000;
    EXPECT_EQ(lambda_cost(prices(), choice("none"), load).notes.size(), 2U);
}

TEST(Burstable, PaysAboveItsBaseline) {
    Load load = known(512, 10);
    load.cpu_us = 10'000;
    // Two t3.medium have 0.8 processors of baseline.
    EXPECT_EQ(instance_cost(prices(), choice("none"), load.scaled(79), 2).surplus, 0);
    EXPECT_NEAR(instance_cost(prices(), choice("none"), load.scaled(180), 2).surplus, 730 * 0.05, 1e-6);
}

TEST(Plan, LambdaPaysTheMeanAndInstancesTheBurst) {
    Load load = known(512, 10);
    load.cpu_us = 10'000;
    load = load.scaled(20);
    const Plan calm = plan(prices(), choice("http-api"), load);
    load.burst = load.peak = 2'000;
    const Plan wild = plan(prices(), choice("http-api"), load);
    EXPECT_DOUBLE_EQ(calm.lambda.total, wild.lambda.total);
    EXPECT_GT(wild.instances.total, 5 * calm.instances.total);
    EXPECT_EQ(calm.sensitivity.size(), 12U);
}

TEST(Plan, HoldsForEveryLoad) {
    const std::uint32_t seed = 20261127;
    std::mt19937 random(seed);
    const auto between = [&](double from, double to) {
        return from * std::pow(to / from, std::uniform_real_distribution<double>(0, 1)(random));
    };
    const Prices all = prices();
    for (int i = 0; i < 200; ++i) {
        Load load;
        load.mean = between(0.01, 5'000);
        load.peak = load.mean * between(1, 20);
        load.burst = load.peak * between(1, 20);
        load.hours_a_day = between(1, 24);
        load.cpu_us = between(1, 1e6);
        load.wait_us = between(1, 1e6);
        load.memory_mb = between(128, 4'096);
        Choice one = choice(i % 2 == 0 ? "none" : "rest-api", i % 3 == 0);
        const Plan made = plan(all, one, load);
        SCOPED_TRACE("seed " + std::to_string(seed) + ", load " + std::to_string(i));
        // More load never costs less.
        for (std::size_t p = 1; p < made.curve.size(); ++p) {
            EXPECT_GE(made.curve[p].lambda, made.curve[p - 1].lambda * (1 - 1e-9));
            EXPECT_GE(made.curve[p].instances, made.curve[p - 1].instances * (1 - 1e-9));
        }
        // Below the break-even Lambda costs less, at it as much.
        if (made.break_even) {
            const double own = load.requests_a_month(all);
            const Load at = load.scaled(made.break_even->requests / own);
            const double lambda = lambda_cost(all, one, at).total;
            const double instances = instance_cost(all, one, at, made.break_even->instances).total;
            EXPECT_GE(lambda, instances * (1 - 1e-6));
            const Load before = load.scaled(made.break_even->requests / own * 0.98);
            EXPECT_LT(lambda_cost(all, one, before).total,
                      instance_cost(all, one, before).total * (1 + 1e-6));
        }
        // Machines are never busier at the worst moment than they may be.
        const double worst = load.burst * load.cpu_us / 1e6;
        EXPECT_TRUE(!made.instances.impossible.empty() ||
                    worst <=
                        made.instances.count * all.instances.at(one.instance).vcpus * one.utilisation + 1e-6);
    }
}

TEST(Prices, SayWhatIsWrong) {
    EXPECT_FALSE(read_prices("{"));
    EXPECT_FALSE(read_prices("[]"));
    const std::string good(built_in_prices());
    for (const auto& [cut, paste, told] : std::initializer_list<std::array<const char*, 3>>{
             {"\"hours\": 730", "\"hours\": 0", "/compute/hours"},
             {"\"balancerHour\": 0.0225", "\"balancerHour\": \"x\"", "/compute/balancerHour"},
             {"{ \"price\": 0.0000133334 }", "{ \"upTo\": 1, \"price\": 1 }", "must grow"},
             {"\"asOf\"", "\"of\"", "/asOf"}}) {
        std::string text = good;
        text.replace(text.find(cut), std::string_view(cut).size(), paste);
        const auto read = read_prices(text);
        ASSERT_FALSE(read) << cut;
        EXPECT_NE(read.error().text.find(told), std::string::npos) << read.error().text;
    }
}

TEST(Prices, DifferByRegion) {
    const Prices all = prices();
    EXPECT_EQ(all.factor_of("us-east-1"), 1);
    EXPECT_GT(all.factor_of("eu-west-1"), 1);
    EXPECT_GT(all.factor_of("mars-north-1"), all.factor_of("eu-west-1"));
}

TEST(Picture, HoldsBothCurvesAndEscapesWords) {
    const Plan one = plan(prices(), choice("http-api"), known(512, 100));
    const std::string svg = picture(one, 2e6, "a <b> & \"c\"", "USD");
    EXPECT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    EXPECT_NE(svg.find("a &lt;b&gt; &amp; &quot;c&quot;"), std::string::npos);
    EXPECT_NE(svg.find("break-even: 47 M"), std::string::npos) << svg;
    EXPECT_EQ(svg.find("nan"), std::string::npos);
    EXPECT_EQ(svg.find("inf"), std::string::npos);
}

}  // namespace
}  // namespace domicile::cost

#pragma once
// Lambda or instances: what a load costs a month either way, whether it can be done at all, and where the one
// overtakes the other. Pure sums; docs/cost.md has the formulas with their sources.

#include "cost/prices.hpp"

#include <optional>
#include <string>
#include <vector>

namespace domicile::cost {

/// Requests a second while the day's load lasts, and what one request needs.
struct Load {
    double mean = 0;
    double peak = 0;   ///< of minutes: instances must be there for it
    double burst = 0;  ///< of seconds: nothing can be started in time for it
    double hours_a_day = 24;
    double cpu_us = 0;
    double wait_us = 0;
    std::optional<double> duration_ms = {};  ///< billed, if it is known; else from CPU, waiting and memory
    double memory_mb = 512;

    [[nodiscard]] double requests_a_month(const Prices& prices) const;
    [[nodiscard]] Load scaled(double by) const;
};

struct Choice {
    std::string architecture = "arm64";
    std::string front_door = "http-api";
    std::string instance = "t3.medium";
    double utilisation = 0.6;  ///< of a processor at the worst moment
    int instances_min = 2;     ///< one may fail
    double disk_gigabytes = 20;
    bool free_tier = false;
    double factor = 1;  ///< of the region's prices
};

struct LambdaCost {
    double duration_ms = 0;
    double gigabyte_seconds = 0;
    double concurrency = 0;  ///< at the worst moment
    double requests = 0, compute = 0, front_door = 0;
    double total = 0;
    std::vector<std::string> impossible = {};  ///< why it cannot be done
    std::vector<std::string> notes = {};       ///< what must be seen to
};

struct InstanceCost {
    int count = 0;
    double utilisation = 0;  ///< of all their processors, over the month
    double machines = 0, balancer = 0, disks = 0, addresses = 0, surplus = 0;
    double total = 0;
    std::vector<std::string> impossible = {};
    std::vector<std::string> notes = {};
};

struct BreakEven {
    double requests = 0;  ///< a month, from which instances cost less
    double mean = 0;      ///< the same, a second
    int instances = 0;
};

struct Point {
    double requests = 0;
    double lambda = 0;
    double instances = 0;
};

struct Variation {
    std::string what;
    double by = 0;  ///< -0.2 or 0.2
    double lambda = 0;
    double instances = 0;
    std::optional<BreakEven> break_even;
};

struct Plan {
    LambdaCost lambda;
    InstanceCost instances;
    /// With as many instances as each volume of the same shape needs; empty if Lambda stays cheaper.
    std::optional<BreakEven> break_even;
    /// Against the smallest fleet, whether or not it could serve so much.
    BreakEven smallest;
    bool smallest_serves = false;
    std::vector<Point> curve;  ///< the same shape of load from almost none to far beyond the break-even
    std::vector<Variation> sensitivity;
    /// "lambda", "instances" or "neither".
    [[nodiscard]] std::string_view cheaper() const;
};

/// REQUIRES: the names of `choice` stand in `prices`; mean <= peak <= burst, hours in (0, 24].
[[nodiscard]] Plan plan(const Prices& prices, const Choice& choice, const Load& load);
[[nodiscard]] LambdaCost lambda_cost(const Prices& prices, const Choice& choice, const Load& load);
[[nodiscard]] InstanceCost instance_cost(const Prices& prices, const Choice& choice, const Load& load);
/// Of `count` instances, whatever they can serve.
[[nodiscard]] InstanceCost instance_cost(const Prices& prices, const Choice& choice, const Load& load,
                                         int count);
/// GB-seconds through the tiers.
[[nodiscard]] double tiered(const std::vector<Tier>& tiers, double amount);

}  // namespace domicile::cost

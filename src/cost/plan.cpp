#include "cost/plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace domicile::cost {
namespace {

constexpr int instances_most = 10'000;
// A fleet beyond that is planned by people.
constexpr int break_even_instances_most = 1'000;
constexpr int halvings = 100;
constexpr double million = 1e6;

std::string number(double value, int digits = 0) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return text.data();
}

double worst(const Load& load) {
    return std::max({load.mean, load.peak, load.burst});
}

double capacity(const Instance& instance, const Choice& choice, const Load& load, int count) {
    return load.cpu_us <= 0 ? HUGE_VAL : count * instance.vcpus * choice.utilisation * 1e6 / load.cpu_us;
}

/// The volume between `low` and `high`, as a factor of `load`, where Lambda begins to cost more than `count`
/// instances.
double crossing(const Prices& prices, const Choice& choice, const Load& load, int count, double low,
                double high) {
    for (int i = 0; i < halvings; ++i) {
        const double middle = (low + high) / 2;
        const Load one = load.scaled(middle);
        const bool dearer =
            lambda_cost(prices, choice, one).total >= instance_cost(prices, choice, one, count).total;
        (dearer ? high : low) = middle;
    }
    return high;
}

BreakEven at(const Prices& prices, const Load& load, double scale, int count) {
    const Load one = load.scaled(scale);
    return {one.requests_a_month(prices), one.mean, count};
}

/// As a factor of `load` that lies beyond every break-even worth looking at.
double far(const Prices& prices, const Choice& choice, const Load& load, int count) {
    double scale = 1;
    for (int i = 0; i < 60; ++i, scale *= 2) {
        const Load one = load.scaled(scale);
        if (lambda_cost(prices, choice, one).total > instance_cost(prices, choice, one, count).total) {
            break;
        }
    }
    return scale;
}

std::optional<BreakEven> break_even(const Prices& prices, const Choice& choice, const Load& load) {
    const Instance& instance = prices.instances.at(choice.instance);
    double low = 0;
    for (int count = choice.instances_min; count <= break_even_instances_most; ++count) {
        const double served = capacity(instance, choice, load, count) / worst(load);
        const double high = std::isinf(served) ? far(prices, choice, load, count) : served;
        const Load most = load.scaled(high);
        if (lambda_cost(prices, choice, most).total >= instance_cost(prices, choice, most, count).total) {
            return at(prices, load, crossing(prices, choice, load, count, low, high), count);
        }
        low = high;
    }
    return std::nullopt;
}

std::vector<Point> curve(const Prices& prices, const Choice& choice, const Load& load, double centre) {
    // Two decades to each side, eight points a decade.
    std::vector<Point> points;
    const double own = load.requests_a_month(prices);
    for (int i = -16; i <= 16; ++i) {
        const double volume = centre * std::pow(10.0, i / 8.0);
        const Load one = load.scaled(volume / own);
        points.push_back(
            {volume, lambda_cost(prices, choice, one).total, instance_cost(prices, choice, one).total});
    }
    return points;
}

std::vector<Variation> sensitivity(const Prices& prices, const Choice& choice, const Load& load) {
    std::vector<Variation> all;
    const auto vary = [&](std::string_view what, auto change) {
        for (const double by : {-0.2, 0.2}) {
            Prices other = prices;
            Load moved = load;
            change(other, moved, 1 + by);
            all.push_back({std::string(what), by, lambda_cost(other, choice, moved).total,
                           instance_cost(other, choice, moved).total, break_even(other, choice, moved)});
        }
    };
    vary("requests", [](Prices&, Load& one, double by) { one = one.scaled(by); });
    vary("peak and burst", [](Prices&, Load& one, double by) {
        one.peak = std::max(one.mean, one.peak * by);
        one.burst = std::max(one.peak, one.burst * by);
    });
    vary("CPU a request", [](Prices&, Load& one, double by) { one.cpu_us *= by; });
    vary("duration", [](Prices&, Load& one, double by) {
        one.wait_us *= by;
        if (one.duration_ms) {
            one.duration_ms = *one.duration_ms * by;
        }
    });
    vary("Lambda's prices", [&](Prices& other, Load&, double by) {
        other.lambda.request_million *= by;
        for (Tier& tier : other.lambda.architectures.at(choice.architecture)) {
            tier.price *= by;
        }
    });
    vary("instances' prices",
         [&](Prices& other, Load&, double by) { other.instances.at(choice.instance).hour *= by; });
    return all;
}

}  // namespace

double Load::requests_a_month(const Prices& prices) const {
    return mean * 3'600 * prices.hours * hours_a_day / 24;
}

Load Load::scaled(double by) const {
    Load other = *this;
    other.mean *= by;
    other.peak *= by;
    other.burst *= by;
    return other;
}

double tiered(const std::vector<Tier>& tiers, double amount) {
    double sum = 0;
    double below = 0;
    for (const Tier& tier : tiers) {
        const double to = tier.up_to ? std::min(amount, *tier.up_to) : amount;
        sum += std::max(0.0, to - below) * tier.price;
        below = std::max(below, to);
    }
    return sum;
}

LambdaCost lambda_cost(const Prices& prices, const Choice& choice, const Load& load) {
    const Lambda& lambda = prices.lambda;
    LambdaCost cost;
    const double share = std::min(1.0, load.memory_mb / lambda.mb_per_vcpu);
    // Billed by whole milliseconds (AWS, December 2020). The sum is rounded to nanoseconds first: 0.1 + 0.2
    // is not 0.3.
    const double ms = load.duration_ms.value_or((load.cpu_us / share + load.wait_us) / 1'000);
    cost.duration_ms = std::max(1.0, std::ceil(std::round(ms * 1e6) / 1e6));
    const double requests = load.requests_a_month(prices);
    cost.gigabyte_seconds = requests * load.memory_mb / 1'024 * cost.duration_ms / 1'000;
    cost.concurrency = worst(load) * cost.duration_ms / 1'000;
    const double paid = std::max(0.0, requests - (choice.free_tier ? lambda.free_requests : 0));
    const double paid_seconds =
        std::max(0.0, cost.gigabyte_seconds - (choice.free_tier ? lambda.free_gigabyte_seconds : 0));
    cost.requests = paid / million * lambda.request_million * choice.factor;
    cost.compute = tiered(lambda.architectures.at(choice.architecture), paid_seconds) * choice.factor;
    cost.front_door = requests / million * prices.front_doors.at(choice.front_door) * choice.factor;
    cost.total = cost.requests + cost.compute + cost.front_door;
    if (cost.duration_ms > lambda.seconds_max * 1'000) {
        cost.impossible.push_back("a request takes " + number(cost.duration_ms / 1'000) +
                                  " s; Lambda ends it after " + number(lambda.seconds_max) + " s");
    }
    if (load.memory_mb < lambda.memory_mb_min || load.memory_mb > lambda.memory_mb_max) {
        cost.impossible.push_back("Lambda has " + std::to_string(lambda.memory_mb_min) + " to " +
                                  std::to_string(lambda.memory_mb_max) + " MB");
    }
    if (cost.concurrency > lambda.concurrency) {
        cost.notes.push_back(number(cost.concurrency) + " at once are more than the default quota of " +
                             number(lambda.concurrency) + ": have it raised");
    }
    if ((load.burst - load.mean) * cost.duration_ms / 1'000 > lambda.ramp_per_10_s) {
        cost.notes.push_back("a burst grows faster than " + number(lambda.ramp_per_10_s) +
                             " in ten seconds: some requests are refused at first");
    }
    return cost;
}

InstanceCost instance_cost(const Prices& prices, const Choice& choice, const Load& load, int count) {
    const Instance& instance = prices.instances.at(choice.instance);
    InstanceCost cost;
    cost.count = count;
    const double vcpu_hours = count * instance.vcpus * prices.hours;
    const double busy_hours = load.requests_a_month(prices) * load.cpu_us / 1e6 / 3'600;
    cost.utilisation = busy_hours / vcpu_hours;
    cost.machines = count * instance.hour * prices.hours * choice.factor;
    cost.balancer = prices.balancer_hour * prices.hours * choice.factor;
    cost.disks = count * choice.disk_gigabytes * prices.disk_gigabyte_month * choice.factor;
    // One for each machine, and one for each of the balancer's two zones.
    cost.addresses = (count + 2) * prices.ipv4_hour * prices.hours * choice.factor;
    cost.surplus = std::max(0.0, busy_hours - vcpu_hours * instance.baseline) * instance.surplus_vcpu_hour *
                   choice.factor;
    cost.total = cost.machines + cost.balancer + cost.disks + cost.addresses + cost.surplus;
    if (load.memory_mb > instance.memory_mb) {
        cost.impossible.push_back("a machine has " + number(instance.memory_mb) + " MB");
    }
    if (count > instances_most) {
        cost.impossible.push_back("more than " + std::to_string(instances_most) + " machines");
    }
    if (cost.surplus > 0) {
        cost.notes.push_back(
            "above the baseline of its processors all month: a machine that is not burstable may "
            "cost less");
    }
    return cost;
}

InstanceCost instance_cost(const Prices& prices, const Choice& choice, const Load& load) {
    const double one = capacity(prices.instances.at(choice.instance), choice, load, 1);
    // Just under a whole number counts as that number: sums of doubles.
    const double needed = std::ceil(worst(load) / one - 1e-9);
    const double count = std::max<double>(choice.instances_min, needed);
    return instance_cost(prices, choice, load, static_cast<int>(std::min<double>(count, instances_most + 1)));
}

std::string_view Plan::cheaper() const {
    if (lambda.impossible.empty() && (!instances.impossible.empty() || lambda.total <= instances.total)) {
        return "lambda";
    }
    return instances.impossible.empty() ? "instances" : "neither";
}

Plan plan(const Prices& prices, const Choice& choice, const Load& load) {
    Plan result;
    result.lambda = lambda_cost(prices, choice, load);
    result.instances = instance_cost(prices, choice, load);
    result.break_even = break_even(prices, choice, load);
    const int least = choice.instances_min;
    result.smallest =
        at(prices, load, crossing(prices, choice, load, least, 0, far(prices, choice, load, least)), least);
    const double scale = result.smallest.mean / load.mean;
    result.smallest_serves = worst(load) * scale <=
                             capacity(prices.instances.at(choice.instance), choice, load, least) * (1 + 1e-9);
    result.curve = curve(prices, choice, load,
                         result.break_even ? result.break_even->requests : load.requests_a_month(prices));
    result.sensitivity = sensitivity(prices, choice, load);
    return result;
}

}  // namespace domicile::cost

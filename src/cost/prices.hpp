#pragma once
// The price file (infra/prices.json): dated list prices that people edit. One file for this planner and for
// `infra plan`. Pure.

#include "base/error.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::cost {

inline constexpr std::size_t prices_bytes_max = 1U << 20U;

/// A price up to so much; the last tier has no end.
struct Tier {
    std::optional<double> up_to;  ///< GB-seconds a month
    double price = 0;             ///< of one
};

struct Lambda {
    double request_million = 0;
    double free_requests = 0;
    double free_gigabyte_seconds = 0;
    double seconds_max = 900;
    std::uint32_t memory_mb_min = 128;
    std::uint32_t memory_mb_max = 10'240;
    double mb_per_vcpu = 1'769;    ///< memory that comes with one virtual processor
    double concurrency = 1'000;    ///< default quota of an account and region
    double ramp_per_10_s = 1'000;  ///< how fast one function may grow
    std::map<std::string, std::vector<Tier>> architectures;
};

struct Instance {
    double hour = 0;
    double vcpus = 0;
    double memory_mb = 0;
    /// Burstable: this much of each processor is paid, more costs by the hour. 1: all of it.
    double baseline = 1;
    double surplus_vcpu_hour = 0;
};

struct Measured {
    double cpu_us = 0;   ///< of one request
    double wait_us = 0;  ///< for the database meanwhile
    std::string what;    ///< when and how
};

struct Prices {
    std::string as_of;
    std::string currency;
    double hours = 730;  ///< a month has
    Lambda lambda;
    std::map<std::string, double> front_doors;  ///< per million requests
    std::map<std::string, Instance> instances;
    double balancer_hour = 0;
    double ipv4_hour = 0;
    double disk_gigabyte_month = 0;
    Measured measured;
    std::map<std::string, std::string> region_class;
    std::string other_region_class;
    std::map<std::string, double> factor;

    /// How much dearer a region is than where the prices are from.
    [[nodiscard]] double factor_of(std::string_view region) const;
};

/// configuration, naming what is missing or no number.
[[nodiscard]] base::Result<Prices> read_prices(std::string_view json);
/// infra/prices.json as it was when this was built.
[[nodiscard]] std::string_view built_in_prices();

}  // namespace domicile::cost

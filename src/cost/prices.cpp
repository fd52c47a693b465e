#include "cost/prices.hpp"

#include <boost/json.hpp>

namespace domicile::cost {
namespace {

namespace json = boost::json;

/// Reads numbers and names; remembers the first thing that is wrong.
class Fields {
  public:
    explicit Fields(const json::value& root) : root_(root) {}

    double number(const std::string& pointer, double least = 0) {
        const json::value* value = at(pointer);
        if (value == nullptr || !value->is_number() || !(value->to_number<double>() >= least)) {
            wrong(pointer + " is no number of at least " + std::to_string(static_cast<long>(least)));
            return least;
        }
        return value->to_number<double>();
    }
    std::string text(const std::string& pointer) {
        const json::value* value = at(pointer);
        if (value == nullptr || !value->is_string()) {
            wrong(pointer + " is no text");
            return {};
        }
        return std::string(value->as_string());
    }
    std::vector<std::string> names(const std::string& pointer) {
        const json::value* value = at(pointer);
        std::vector<std::string> keys;
        if (value == nullptr || !value->is_object() || value->as_object().empty()) {
            wrong(pointer + " is no table with entries");
            return keys;
        }
        for (const auto& [key, entry] : value->as_object()) {
            // A key with these would need escapes in a pointer; no name of AWS has them.
            if (key.find_first_of("/~") != std::string_view::npos) {
                wrong(pointer + " has a key that is no name");
                continue;
            }
            keys.emplace_back(key);
        }
        return keys;
    }
    [[nodiscard]] const json::value* at(const std::string& pointer) const {
        boost::system::error_code ec;
        return root_.find_pointer(pointer, ec);
    }
    void wrong(std::string what) {
        if (wrong_.empty()) {
            wrong_ = std::move(what);
        }
    }
    [[nodiscard]] const std::string& what_is_wrong() const { return wrong_; }

  private:
    const json::value& root_;
    std::string wrong_;
};

std::vector<Tier> tiers(Fields& fields, const std::string& pointer) {
    std::vector<Tier> all;
    const json::value* list = fields.at(pointer);
    const std::size_t count = list != nullptr && list->is_array() ? list->as_array().size() : 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string one = pointer + "/" + std::to_string(i);
        Tier tier;
        if (fields.at(one + "/upTo") != nullptr) {
            tier.up_to = fields.number(one + "/upTo");
        }
        tier.price = fields.number(one + "/price");
        const bool last = i + 1 == count;
        if (tier.up_to.has_value() == last ||
            (i > 0 && tier.up_to && all.back().up_to && *tier.up_to <= *all.back().up_to)) {
            fields.wrong(pointer + " must grow, and its last tier has no upTo");
        }
        all.push_back(tier);
    }
    if (all.empty()) {
        fields.wrong(pointer + " has no tier");
    }
    return all;
}

}  // namespace

double Prices::factor_of(std::string_view region) const {
    const auto known = region_class.find(std::string(region));
    const auto found = factor.find(known == region_class.end() ? other_region_class : known->second);
    return found == factor.end() ? 1 : found->second;
}

base::Result<Prices> read_prices(std::string_view text) {
    boost::system::error_code ec;
    const json::value root = text.size() > prices_bytes_max ? json::value() : json::parse(text, ec);
    if (ec || !root.is_object()) {
        return base::fail(base::Code::configuration, "The price file is not JSON.");
    }
    Fields fields(root);
    Prices prices;
    prices.as_of = fields.text("/asOf");
    prices.currency = fields.text("/currency");
    const std::string at = "/compute";
    prices.hours = fields.number(at + "/hours", 1);
    Lambda& lambda = prices.lambda;
    lambda.request_million = fields.number(at + "/lambda/requestMillion");
    lambda.free_requests = fields.number(at + "/lambda/freeRequests");
    lambda.free_gigabyte_seconds = fields.number(at + "/lambda/freeGigabyteSeconds");
    lambda.seconds_max = fields.number(at + "/lambda/secondsMax", 1);
    lambda.memory_mb_min = static_cast<std::uint32_t>(fields.number(at + "/lambda/memoryMbMin", 1));
    lambda.memory_mb_max = static_cast<std::uint32_t>(fields.number(at + "/lambda/memoryMbMax", 1));
    lambda.mb_per_vcpu = fields.number(at + "/lambda/mbPerVcpu", 1);
    lambda.concurrency = fields.number(at + "/lambda/concurrency", 1);
    lambda.ramp_per_10_s = fields.number(at + "/lambda/rampPer10s", 1);
    for (const std::string& name : fields.names(at + "/lambda/architectures")) {
        lambda.architectures[name] = tiers(fields, at + "/lambda/architectures/" + name);
    }
    for (const std::string& name : fields.names(at + "/frontDoors")) {
        prices.front_doors[name] = fields.number(at + "/frontDoors/" + name);
    }
    for (const std::string& name : fields.names(at + "/instances")) {
        const std::string one = at + "/instances/" + name;
        Instance& instance = prices.instances[name];
        instance.hour = fields.number(one + "/hour");
        instance.vcpus = fields.number(one + "/vcpus", 1);
        instance.memory_mb = fields.number(one + "/memoryMb", 1);
        if (fields.at(one + "/baseline") != nullptr) {
            instance.baseline = fields.number(one + "/baseline");
            instance.surplus_vcpu_hour = fields.number(one + "/surplusVcpuHour");
        }
    }
    prices.balancer_hour = fields.number(at + "/balancerHour");
    prices.ipv4_hour = fields.number(at + "/ipv4Hour");
    prices.disk_gigabyte_month = fields.number(at + "/diskGigabyteMonth");
    prices.measured.cpu_us = fields.number(at + "/measured/cpuUs");
    prices.measured.wait_us = fields.number(at + "/measured/waitUs");
    prices.measured.what = fields.text(at + "/measured/what");
    for (const std::string& region : fields.names("/regionClass")) {
        prices.region_class[region] = fields.text("/regionClass/" + region);
    }
    prices.other_region_class = fields.text("/otherRegionClass");
    for (const std::string& name : fields.names("/factor")) {
        prices.factor[name] = fields.number("/factor/" + name);
    }
    if (!fields.what_is_wrong().empty()) {
        return base::fail(base::Code::configuration,
                          "The price file does not fit: " + fields.what_is_wrong() + ".",
                          "docs/cost.md has its keys.");
    }
    return prices;
}

}  // namespace domicile::cost

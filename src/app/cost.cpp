// `domicile cost`: what a load costs on Lambda and on instances, by jurisdiction.

#include "app/common.hpp"
#include "cost/picture.hpp"
#include "cost/plan.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iostream>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

namespace json = boost::json;

struct Row {
    std::string jurisdiction;
    std::string region;
    cost::Load load;
    cost::Choice choice;
    cost::Plan plan;
};

std::string fixed(double value, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return text.data();
}
std::string padded(std::string text, std::size_t width, bool to_the_right) {
    const std::string gap(text.size() < width ? width - text.size() : 0, ' ');
    return to_the_right ? gap + text : text + gap;
}
std::string volume(double requests) {
    return fixed(requests / 1e6, 1) + " M";
}
double cents(double value) {
    return std::round(value * 100) / 100;
}

std::unexpected<base::Error> wrong(std::string text, std::string hint = {}) {
    return base::fail(base::Code::configuration, std::move(text), std::move(hint));
}

std::string names_of(const auto& map) {
    std::string names;
    for (const auto& [name, value] : map) {
        names += (names.empty() ? "" : ", ") + name;
    }
    return names;
}

base::Result<cost::Choice> choice_of(const CostOptions& options, const cost::Prices& prices) {
    if (!prices.lambda.architectures.contains(options.architecture)) {
        return wrong("The price file has no architecture " + options.architecture + ".",
                     "It has " + names_of(prices.lambda.architectures) + ".");
    }
    if (!prices.front_doors.contains(options.front_door)) {
        return wrong("The price file has no front door " + options.front_door + ".",
                     "It has " + names_of(prices.front_doors) + ".");
    }
    if (!prices.instances.contains(options.instance)) {
        return wrong("The price file has no instance " + options.instance + ".",
                     "It has " + names_of(prices.instances) + ".");
    }
    if (!(options.utilisation > 0 && options.utilisation <= 1)) {
        return wrong("--utilisation is a part of a processor.", "Choose from 0.05 to 1.");
    }
    if (options.instances_min < 1 || options.instances_min > 1'000 || !(options.disk_gigabytes >= 0)) {
        return wrong("There are 1 to 1000 instances at least, with disks of no negative size.");
    }
    cost::Choice choice;
    choice.architecture = options.architecture;
    choice.front_door = options.front_door;
    choice.instance = options.instance;
    choice.utilisation = options.utilisation;
    choice.instances_min = options.instances_min;
    choice.disk_gigabytes = options.disk_gigabytes;
    choice.free_tier = options.free_tier;
    return choice;
}

base::Result<cost::Load> load_of(const CostOptions& options, const cost::Prices& prices) {
    cost::Load load;
    load.mean = options.mean;
    load.peak = options.peak > 0 ? options.peak : options.mean;
    load.burst = options.burst > 0 ? options.burst : load.peak;
    load.hours_a_day = options.hours;
    load.cpu_us = options.cpu_us > 0 ? options.cpu_us : prices.measured.cpu_us;
    load.wait_us = options.wait_us >= 0 ? options.wait_us : prices.measured.wait_us;
    load.memory_mb = options.memory_mb;
    if (options.duration_ms > 0) {
        load.duration_ms = options.duration_ms;
    }
    constexpr double most = 1e9;
    if (!(load.mean > 0 && load.mean <= load.peak && load.peak <= load.burst && load.burst <= most)) {
        return wrong("Requests a second are above 0, and no less at the peak and in bursts than on average.");
    }
    if (!(load.hours_a_day > 0 && load.hours_a_day <= 24)) {
        return wrong("A day has 24 hours.", "Choose --hours from 1 to 24.");
    }
    if (!(load.cpu_us <= 1e12 && load.wait_us <= 1e12 && load.memory_mb > 0 && load.memory_mb <= 1e9 &&
          options.duration_ms >= 0 && options.duration_ms <= 1e9)) {
        return wrong("CPU, waiting, duration and memory of one request are out of range.");
    }
    return load;
}

/// The load, in parts, of each jurisdiction; or the whole in one region.
base::Result<std::vector<Row>> rows_of(const CostOptions& options, const cost::Load& load,
                                       const topology::Topology* topology) {
    std::vector<Row> rows;
    if (topology == nullptr) {
        rows.push_back({{}, options.region, load, {}, {}});
        return rows;
    }
    for (std::size_t i = 0; i < topology->jurisdictions.size(); ++i) {
        const base::JurisdictionIndex index(static_cast<std::uint16_t>(i));
        rows.push_back(
            {topology->at(index).name, topology->at(topology->writer_region(index)).name, load, {}, {}});
    }
    std::vector<std::string> told;
    double sum = 0;
    for (const std::string& share : options.shares) {
        const auto equals = share.find('=');
        const std::string name = share.substr(0, equals);
        const auto row = std::ranges::find(rows, name, &Row::jurisdiction);
        const std::string text = equals == std::string::npos ? "" : share.substr(equals + 1);
        double percent = 0;
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), percent);
        if (row == rows.end() || failed != std::errc() || end != text.data() + text.size() ||
            !(percent > 0 && percent <= 100) || std::ranges::find(told, name) != told.end()) {
            return wrong("\"" + share + "\" is no share.", "Write JURISDICTION=PERCENT, each once: --share " +
                                                               rows.front().jurisdiction + "=60.");
        }
        told.push_back(name);
        sum += percent;
        row->load = load.scaled(percent / 100);
    }
    if (sum > 100 + 1e-6) {
        return wrong("The shares are more than all of the load.");
    }
    if (!told.empty()) {
        std::erase_if(
            rows, [&](const Row& row) { return std::ranges::find(told, row.jurisdiction) == told.end(); });
    }
    return rows;
}

json::value as_json(const std::optional<cost::BreakEven>& one) {
    if (!one) {
        return nullptr;
    }
    json::object object;
    object["requests"] = std::round(one->requests);
    object["mean"] = one->mean;
    object["instances"] = one->instances;
    return object;
}

json::array as_json(const std::vector<std::string>& texts) {
    json::array list;
    for (const std::string& text : texts) {
        list.emplace_back(text);
    }
    return list;
}

json::object as_json(const Row& row, const cost::Prices& prices) {
    const cost::Plan& plan = row.plan;
    json::object one;
    if (!row.jurisdiction.empty()) {
        one["jurisdiction"] = row.jurisdiction;
    }
    one["region"] = row.region;
    one["factor"] = row.choice.factor;
    one["requests"] = std::round(row.load.requests_a_month(prices));
    json::object lambda;
    lambda["total"] = cents(plan.lambda.total);
    lambda["requests"] = cents(plan.lambda.requests);
    lambda["compute"] = cents(plan.lambda.compute);
    lambda["front_door"] = cents(plan.lambda.front_door);
    lambda["duration_ms"] = plan.lambda.duration_ms;
    lambda["gigabyte_seconds"] = std::round(plan.lambda.gigabyte_seconds);
    lambda["concurrency"] = plan.lambda.concurrency;
    lambda["impossible"] = as_json(plan.lambda.impossible);
    lambda["notes"] = as_json(plan.lambda.notes);
    one["lambda"] = std::move(lambda);
    json::object instances;
    instances["total"] = cents(plan.instances.total);
    instances["count"] = plan.instances.count;
    instances["utilisation"] = plan.instances.utilisation;
    instances["machines"] = cents(plan.instances.machines);
    instances["balancer"] = cents(plan.instances.balancer);
    instances["disks"] = cents(plan.instances.disks);
    instances["addresses"] = cents(plan.instances.addresses);
    instances["surplus"] = cents(plan.instances.surplus);
    instances["impossible"] = as_json(plan.instances.impossible);
    instances["notes"] = as_json(plan.instances.notes);
    one["instances"] = std::move(instances);
    one["cheaper"] = plan.cheaper();
    one["break_even"] = as_json(plan.break_even);
    one["break_even_of_smallest"] = as_json(std::optional(plan.smallest));
    one["smallest_serves"] = plan.smallest_serves;
    json::array curve;
    for (const cost::Point& point : plan.curve) {
        json::object object;
        object["requests"] = std::round(point.requests);
        object["lambda"] = cents(point.lambda);
        object["instances"] = cents(point.instances);
        curve.push_back(std::move(object));
    }
    one["curve"] = std::move(curve);
    json::array variations;
    for (const cost::Variation& variation : plan.sensitivity) {
        json::object object;
        object["what"] = variation.what;
        object["by"] = variation.by;
        object["lambda"] = cents(variation.lambda);
        object["instances"] = cents(variation.instances);
        object["break_even"] = as_json(variation.break_even);
        variations.push_back(std::move(object));
    }
    one["sensitivity"] = std::move(variations);
    return one;
}

std::string told(const std::optional<cost::BreakEven>& one) {
    return one ? volume(one->requests) : "never";
}

void print(const std::vector<Row>& rows, const CostOptions& options, const cost::Prices& prices) {
    const Row& first = rows.front();
    std::cout << "request    " << fixed(first.load.cpu_us, 1) << " µs of CPU, "
              << fixed(first.load.wait_us, 0) << " µs of waiting; Lambda bills "
              << fixed(first.plan.lambda.duration_ms, 0) << " ms of " << fixed(options.memory_mb, 0)
              << " MB, " << options.architecture << ", front door " << options.front_door << "\n"
              << "prices     " << prices.currency << ", lists of " << prices.as_of
              << ", times the region's factor\n\n"
              << padded("", 22, false) << padded("requests", 11, true) << padded("Lambda", 12, true)
              << padded("instances", 18, true) << "  " << padded("cheaper", 10, false)
              << padded("break-even", 12, true) << '\n';
    for (const Row& row : rows) {
        std::cout << padded((row.jurisdiction.empty() ? "" : row.jurisdiction + " ") + row.region, 22, false)
                  << padded(volume(row.load.requests_a_month(prices)), 11, true)
                  << padded(fixed(row.plan.lambda.total, 2), 12, true)
                  << padded(std::to_string(row.plan.instances.count) + " × " + options.instance + " ", 0,
                            false)
                         .insert(0, 1, ' ')
                  << padded(fixed(row.plan.instances.total, 2), 8, true) << "  "
                  << padded(std::string(row.plan.cheaper()), 10, false)
                  << padded(told(row.plan.break_even), 12, true) << '\n';
    }
    for (const Row& row : rows) {
        for (const auto& [who, list] : {std::pair{"Lambda cannot: ", &row.plan.lambda.impossible},
                                        std::pair{"instances cannot: ", &row.plan.instances.impossible},
                                        std::pair{"Lambda: ", &row.plan.lambda.notes},
                                        std::pair{"instances: ", &row.plan.instances.notes}}) {
            for (const std::string& text : *list) {
                std::cout << row.region << ": " << who << text << '\n';
            }
        }
    }
    std::cout << "\nif, in " << first.region
              << padded("", first.region.size() < 14 ? 14 - first.region.size() : 0, false)
              << padded("Lambda", 12, true) << padded("instances", 12, true) << padded("break-even", 14, true)
              << '\n';
    for (const cost::Variation& one : first.plan.sensitivity) {
        std::cout << padded(one.what, 18, false) << (one.by < 0 ? "-20 %" : "+20 %")
                  << padded(fixed(one.lambda, 2), 11, true).substr(1)
                  << padded(fixed(one.instances, 2), 12, true) << padded(told(one.break_even), 14, true)
                  << '\n';
    }
}

}  // namespace

int cost(const Common& common, const CostOptions& options) {
    std::string text(cost::built_in_prices());
    if (!options.prices.empty()) {
        auto read = read_file(options.prices, cost::prices_bytes_max);
        if (!read) {
            read.error().hint = "Name it with --prices FILE.";
            return failed(read.error());
        }
        text = std::move(*read);
    }
    const auto prices = cost::read_prices(text);
    if (!prices) {
        return failed(prices.error());
    }
    const auto choice = choice_of(options, *prices);
    if (!choice) {
        return failed(choice.error());
    }
    const auto load = load_of(options, *prices);
    if (!load) {
        return failed(load.error());
    }
    std::optional<topology::Topology> topology;
    if (options.by_jurisdiction) {
        topology = read_topology(common.topology);
        if (!topology) {
            return 1;
        }
    }
    auto rows = rows_of(options, *load, topology ? &*topology : nullptr);
    if (!rows) {
        return failed(rows.error());
    }
    for (Row& row : *rows) {
        row.choice = *choice;
        row.choice.factor = prices->factor_of(row.region);
        row.plan = cost::plan(*prices, row.choice, row.load);
    }
    if (!options.picture.empty()) {
        const Row& row = rows->front();
        std::ofstream file(options.picture, std::ios::binary);
        file << cost::picture(row.plan, row.load.requests_a_month(*prices),
                              "Lambda or " + options.instance + ": " +
                                  (row.jurisdiction.empty() ? "" : row.jurisdiction + ", ") + row.region,
                              prices->currency);
        file.close();
        if (!file) {
            return failed({base::Code::configuration,
                           "The picture cannot be written to " + options.picture.string() + ".",
                           {},
                           {},
                           {}});
        }
    }
    if (!common.json) {
        print(*rows, options, *prices);
        return 0;
    }
    json::object document;
    document["prices"] = {{"as_of", prices->as_of}, {"currency", prices->currency}};
    document["measured"] = prices->measured.what;
    json::array list;
    for (const Row& row : *rows) {
        list.push_back(as_json(row, *prices));
    }
    document["places"] = std::move(list);
    std::cout << json::serialize(document) << '\n';
    return 0;
}

}  // namespace domicile::app

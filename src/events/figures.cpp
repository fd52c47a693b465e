#include "events/figures.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace domicile::events {
namespace {

namespace json = boost::json;

constexpr std::size_t dimension_bytes_max = 256;  // 64 characters
constexpr std::size_t number_bytes_max = 64;

std::unexpected<base::Error> wrong(std::string_view what) {
    return base::fail(base::Code::invalid_value, "A batch of figures is not what it should be.", {},
                      std::string(what));
}

/// An optional sign, digits, at most one point.
bool is_number(std::string_view text) {
    if (text.starts_with('-')) {
        text.remove_prefix(1);
    }
    const auto digits = [](std::string_view part) {
        return !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
    };
    const auto point = text.find('.');
    return text.size() <= number_bytes_max && digits(text.substr(0, point)) &&
           (point == std::string_view::npos || digits(text.substr(point + 1)));
}

bool is_measure(const topology::Statistic& statistic, std::string_view name) {
    return name == "count" || (name.starts_with("sum.") &&
                               std::ranges::find(statistic.sums, name.substr(4)) != statistic.sums.end());
}

bool is_change(const topology::Topology& topology, const json::value& value) {
    const auto* change = value.if_array();
    if (change == nullptr || change->size() != 3 || !(*change)[0].is_string() || !(*change)[1].is_array() ||
        !(*change)[2].is_object()) {
        return false;
    }
    const std::string_view metric = (*change)[0].get_string();
    const auto statistic = std::ranges::find(topology.statistics, metric, &topology::Statistic::name);
    if (statistic == topology.statistics.end() ||
        (*change)[1].get_array().size() != statistic->dimensions().size()) {
        return false;
    }
    const auto short_text = [](const json::value& one) {
        return one.is_null() || (one.is_string() && one.get_string().size() <= dimension_bytes_max);
    };
    const auto& measures = (*change)[2].get_object();
    return std::ranges::all_of((*change)[1].get_array(), short_text) && !measures.empty() &&
           std::ranges::all_of(measures, [&](const auto& one) {
               return is_measure(*statistic, one.key()) && one.value().is_string() &&
                      is_number(one.value().get_string());
           });
}

}  // namespace

base::Result<FigureBatch> parse_batch(const topology::Topology& topology, std::string_view body) {
    json::parse_options bounds;
    bounds.max_depth = 6;
    boost::system::error_code malformed;
    const auto value = json::parse(body, malformed, {}, bounds);
    const auto* batch = malformed ? nullptr : value.if_object();
    if (batch == nullptr || batch->size() != 3) {
        return wrong("not an object of three");
    }
    const auto* shard = batch->if_contains("shard");
    const auto* number = batch->if_contains("batch");
    const auto* figures = batch->if_contains("figures");
    if (shard == nullptr || !shard->is_string() || number == nullptr || !number->is_int64() ||
        number->get_int64() < 1 || figures == nullptr || !figures->is_array() ||
        figures->get_array().empty()) {
        return wrong("shard, batch, figures");
    }
    const std::string_view name = shard->get_string();
    if (std::ranges::find(topology.shards, name, &topology::Shard::name) == topology.shards.end()) {
        return wrong("an unknown shard");
    }
    if (!std::ranges::all_of(figures->get_array(),
                             [&](const auto& one) { return is_change(topology, one); })) {
        return wrong("a figure that is not declared");
    }
    return FigureBatch{std::string(name), static_cast<std::uint64_t>(number->get_int64()),
                       json::serialize(*figures)};
}

}  // namespace domicile::events

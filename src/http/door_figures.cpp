// /v1/stats: central's figures, from the copy this region keeps.

#include "http/call.hpp"
#include "http/door.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace domicile::http {

using base::Code;

base::Status Door::figures(Call& call) {
    const auto& statistics = shared_.topology.statistics;
    const auto statistic = std::ranges::find(statistics, call.target.table, &topology::Statistic::name);
    // As for /metrics: on loopback whoever can connect may look.
    if (!shared_.anonymous || !call.request.authorization.empty()) {
        if (auto known = identify(call); !known) {
            return known;
        }
        const std::string name = call.target.endpoint == Endpoint::figures ? call.target.table : "*";
        if (auto may =
                shared_.judge.permits(call.caller, "stats:Read", "arn:domicile:stats:::metric/" + name);
            !may) {
            return may;
        }
    }
    base::Buffer& body = call.response.body();
    if (call.target.endpoint == Endpoint::metrics_list) {
        boost::json::array all;
        for (const auto& one : statistics) {
            all.push_back({{"metric", one.name},
                           {"dimensions", boost::json::value_from(one.dimensions())},
                           {"sums", boost::json::value_from(one.sums)},
                           {"persons_min", one.persons_min}});
        }
        body.append(boost::json::serialize(all) + "\n");
        return {};
    }
    if (statistic == statistics.end()) {
        return base::fail(Code::unknown_resource, "There is no statistic of that name.",
                          "GET /v1/stats lists them.");
    }
    const auto query = events::parse_query(*statistic, call.target.query);
    if (!query) {
        return std::unexpected(query.error());
    }
    std::string format = "json";
    for (const auto& [name, value] : call.target.query) {
        format = name == "format" ? value : format;
    }
    if (format != "json" && format != "csv") {
        return base::fail(Code::invalid_value, "`format` is json or csv.");
    }
    const auto known = shared_.figures ? shared_.figures() : nullptr;
    if (known == nullptr) {
        return base::fail(Code::node_unavailable, "The figures are not known here yet.", "Try again soon.");
    }
    const auto rows =
        events::ask(*query, known->metrics[static_cast<std::size_t>(statistic - statistics.begin())]);
    if (format == "csv") {
        call.response.content_type("text/csv; charset=utf-8");
        body.append(events::to_csv(*query, rows));
    } else {
        body.append(events::to_json(*query, rows, *known));
    }
    return {};
}

}  // namespace domicile::http

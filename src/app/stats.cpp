// `domicile stats`: central's figures for people; whether the books agree; what was set aside.

#include "app/commands.hpp"
#include "app/common.hpp"
#include "app/worker.hpp"
#include "events/read_figures.hpp"

#include <algorithm>
#include <iostream>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

namespace json = boost::json;

int refuse(std::string text, std::string hint) {
    return failed({base::Code::configuration, std::move(text), std::move(hint), {}, {}});
}

int show(const Common& common, const topology::Topology& topology, const fleet::Secrets& secrets,
         const StatsOptions& options) {
    const auto statistic = options.metric.empty() ? topology.statistics.begin()
                                                  : std::ranges::find(topology.statistics, options.metric,
                                                                      &topology::Statistic::name);
    if (statistic == topology.statistics.end()) {
        return refuse("There is no statistic " + options.metric + ".",
                      "[statistics.NAME] in the topology declares them.");
    }
    std::vector<std::pair<std::string, std::string>> parameters;
    for (const auto& [name, value] :
         {std::pair("by", &options.by), {"from", &options.from}, {"to", &options.to}}) {
        if (!value->empty()) {
            parameters.emplace_back(name, *value);
        }
    }
    for (const auto& filter : options.where) {
        const auto equals = std::min(filter.find('='), filter.size());
        parameters.emplace_back(filter.substr(0, equals), filter.substr(std::min(equals + 1, filter.size())));
    }
    const auto query = events::parse_query(*statistic, parameters);
    if (!query) {
        return failed(query.error());
    }
    auto client = central_figures(secrets, topology.jurisdictions.front().name)();
    const auto figures = client ? events::read_figures(topology, *client)
                                : base::Result<events::Figures>(std::unexpected(client.error()));
    if (!figures) {
        return failed(figures.error());
    }
    const auto rows = events::ask(
        *query, figures->metrics[static_cast<std::size_t>(statistic - topology.statistics.begin())]);
    if (common.json) {
        std::cout << events::to_json(*query, rows, *figures);
    } else {
        std::cout << events::to_bars(*query, rows);
        std::cout << rows.size() << " figures, each of at least " << statistic->persons_min
                  << " people and as of " << (figures->as_of.empty() ? "never" : figures->as_of) << "\n";
    }
    return 0;
}

int verify(const Common& common, const topology::Topology& topology, const fleet::Secrets& secrets) {
    std::vector<std::pair<std::string, events::Connect>> shards;
    for (std::uint16_t i = 0; i < topology.shards.size(); ++i) {
        shards.emplace_back(topology.shards[i].name, writer_of(secrets, topology::ShardIndex(i)));
    }
    auto client = central_worker(secrets)();
    const auto compared = client ? events::compare(topology, *client, shards)
                                 : base::Result<events::Comparison>(std::unexpected(client.error()));
    if (!compared) {
        return failed(compared.error());
    }
    const bool equal = compared->differences.empty();
    if (common.json) {
        json::array differences;
        for (const auto& one : compared->differences) {
            differences.push_back({{"metric", one.metric},
                                   {"cell", one.cell},
                                   {"measure", one.measure},
                                   {"central", one.central},
                                   {"shards", one.shards}});
        }
        json::object marks;
        for (const auto& [shard, batch] : compared->marks) {
            marks[shard] = batch;
        }
        std::cout << json::serialize(json::object{{"equal", equal},
                                                  {"figures", compared->figures},
                                                  {"batches", std::move(marks)},
                                                  {"differences", std::move(differences)}})
                  << "\n";
        return equal ? 0 : 1;
    }
    for (const auto& one : compared->differences) {
        std::cout << one.metric << ' ' << one.cell << ' ' << one.measure << ": central " << one.central
                  << ", shards " << one.shards << "\n";
    }
    std::cout << compared->figures << " figures compared at";
    for (const auto& [shard, batch] : compared->marks) {
        std::cout << ' ' << shard << ":" << batch;
    }
    std::cout << (equal ? ": central is the sum of the shards\n" : ": they differ\n");
    return equal ? 0 : 1;
}

}  // namespace

int stats(const Common& common, const StatsOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    if (!topology->central || topology->statistics.empty()) {
        return refuse("The topology declares no statistics.", "It needs [central], and [statistics.NAME].");
    }
    const fleet::Secrets secrets(*topology, fleet::StateDir(fleet_options(common, *topology).state));
    if (options.what == "verify") {
        return verify(common, *topology, secrets);
    }
    if (options.what == "show") {
        return show(common, *topology, secrets, options);
    }
    const auto queue = figures_queue(*topology, central_worker(secrets));
    if (options.what == "redrive") {
        const auto driven = queue->redrive();
        if (!driven) {
            return failed(driven.error());
        }
        std::cout << *driven << " messages are back in the queue\n";
        return 0;
    }
    const auto depth = queue->depth();
    if (!depth) {
        return failed(depth.error());
    }
    if (common.json) {
        std::cout << json::serialize(json::object{
                         {"waiting", depth->waiting}, {"in_flight", depth->in_flight}, {"dead", depth->dead}})
                  << "\n";
    } else {
        std::cout << depth->waiting << " waiting, " << depth->in_flight << " in flight, " << depth->dead
                  << " set aside\n";
    }
    return 0;
}

}  // namespace domicile::app

#include "ops/gather.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/json.hpp>

namespace domicile::ops {
namespace {

namespace json = boost::json;
using base::MetricValue;

const json::object* object_of(json::value& storage, std::string_view text) {
    boost::system::error_code failed;
    json::parse_options bounds;
    bounds.max_depth = 12;
    storage = json::parse(text, failed, {}, bounds);
    return failed ? nullptr : storage.if_object();
}

double number_of(const json::object& from, std::string_view key, double otherwise = 0) {
    const auto* found = from.if_contains(key);
    boost::system::error_code failed;
    const double value =
        found == nullptr || !found->is_number() ? otherwise : found->to_number<double>(failed);
    return failed ? otherwise : value;
}

std::string text_of(const json::object& from, std::string_view key) {
    const auto* found = from.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

/// [["name","labels",value], …], as the gateway writes them.
std::vector<MetricValue> values_of(const json::object& view) {
    std::vector<MetricValue> values;
    const auto* list = view.if_contains("metrics");
    if (list == nullptr || !list->is_array()) {
        return values;
    }
    for (const auto& item : list->as_array()) {
        const auto* one = item.if_array();
        if (one == nullptr || one->size() != 3 || !(*one)[0].is_string() || !(*one)[1].is_string() ||
            !(*one)[2].is_number()) {
            continue;
        }
        boost::system::error_code failed;
        values.push_back({std::string((*one)[0].as_string()), std::string((*one)[1].as_string()),
                          (*one)[2].to_number<double>(failed)});
    }
    return values;
}

double sum_of(std::span<const MetricValue> values, std::string_view name, std::string_view within = {}) {
    double sum = 0;
    for (const auto& one : values) {
        sum += one.name == name && (within.empty() || one.labels.find(within) != std::string::npos)
                   ? one.value
                   : 0;
    }
    return sum;
}

}  // namespace

std::string_view label(std::string_view labels, std::string_view name) noexcept {
    for (std::size_t at = 0; at < labels.size();) {
        const auto equals = labels.find("=\"", at);
        if (equals == std::string_view::npos) {
            return {};
        }
        auto end = equals + 2;
        while (end < labels.size() && labels[end] != '"') {
            end += labels[end] == '\\' ? 2 : 1;
        }
        if (labels.substr(at, equals - at) == name) {
            return labels.substr(equals + 2, end - equals - 2);
        }
        at = end + 2;
    }
    return {};
}

std::optional<double> quantile_ms(std::span<const std::pair<double, double>> buckets, double share) {
    const double all = buckets.empty() ? 0 : buckets.back().second;
    if (all <= 0) {
        return std::nullopt;
    }
    double below = 0;
    double bound = 0;
    for (const auto& [upper, count] : buckets) {
        if (count >= all * share) {
            // Within the bucket observations are taken as evenly spread; the last one has no upper bound.
            const double inside = count > below ? (all * share - below) / (count - below) : 1;
            return (std::isinf(upper) ? bound : bound + (upper - bound) * inside) * 1'000;
        }
        below = count;
        bound = upper;
    }
    return bound * 1'000;
}

std::optional<double> Gatherer::rate(const std::string& counter, double value, std::int64_t now_ms) {
    const auto [known, fresh] = counters_.try_emplace(counter, value, now_ms);
    const auto before = std::exchange(known->second, {value, now_ms});
    if (fresh || value < before.first || now_ms <= before.second) {
        return std::nullopt;
    }
    return (value - before.first) * 1'000 / static_cast<double>(now_ms - before.second);
}

Resource& Gatherer::resource(RegionFacts& facts, std::string_view kind, std::string_view name) {
    const auto found = std::ranges::find_if(
        facts.resources, [&](const Resource& one) { return one.kind == kind && one.name == name; });
    if (found != facts.resources.end()) {
        return *found;
    }
    const auto& region = topology_.at(region_);
    return facts.resources.emplace_back(
        Resource{std::string(kind), std::string(name), region.name, topology_.at(region.jurisdiction).name});
}

void Gatherer::gateway(RegionFacts& facts, const Sources& sources) {
    const std::string name = "gateway." + facts.region;
    json::value storage;
    const auto* view = object_of(storage, sources.gateway_view);
    {
        Resource& gateway = resource(facts, "gateway", name);
        gateway.set("up", view != nullptr ? 1 : 0);
        if (view == nullptr) {
            gateway.summary = "does not answer";
            return;
        }
        const auto values = values_of(*view);
        const auto now = sources.now_ms;
        const auto put_rate = [&](std::string_view fact, double total) {
            const auto grown = rate(name + "/" + std::string(fact), total, now);
            if (grown) {
                gateway.set(fact, *grown);
            }
            return grown;
        };
        const auto put_figure = [&](std::string_view fact, std::optional<double> value) {
            if (value) {
                facts.figures.push_back({std::string(fact), *value});
            }
        };
        gateway.set("ready", number_of(*view, "ready", 1));
        gateway.set("connections", sum_of(values, "domicile_http_connections"));
        gateway.set("sessions", sum_of(values, "domicile_sql_clients"));
        put_figure("sessions",
                   sum_of(values, "domicile_sql_clients") + sum_of(values, "domicile_http_connections"));
        put_figure("requests_per_s",
                   put_rate("requests_per_s", sum_of(values, "domicile_http_requests_total")));
        put_rate("errors_per_s", sum_of(values, "domicile_http_requests_total", "status=\"5xx\""));
        put_figure("refusals_per_s",
                   put_rate("refusals_per_s", sum_of(values, "domicile_refusals_total") +
                                                  sum_of(values, "domicile_sql_refused_total")));
        put_figure("statements_per_s",
                   put_rate("statements_per_s", sum_of(values, "domicile_sql_statements_total")));
        put_rate("login_failures_per_s", sum_of(values, "domicile_sql_login_failures_total"));
        put_rate("pool_waits_per_s", sum_of(values, "domicile_pool_waits_total"));
        put_rate("pool_rejected_per_s", sum_of(values, "domicile_pool_rejected_total"));
        gateway.set("pool_open", sum_of(values, "domicile_pool_open_connections"));
        gateway.set("pool_busy", sum_of(values, "domicile_pool_busy_connections"));
        if (const auto cpu =
                rate(name + "/cpu", sum_of(values, "domicile_gateway_cpu_milliseconds_total"), now)) {
            gateway.set("cpu_percent", *cpu / 10);
        }
        gateway.set("memory_bytes", sum_of(values, "domicile_gateway_resident_bytes"));
        facts.map_epoch = static_cast<std::uint64_t>(number_of(*view, "map_epoch"));
        gateway.set("map_epoch", static_cast<double>(facts.map_epoch));
        std::vector<std::pair<double, double>> buckets;
        for (const auto& one : values) {
            if (one.name == "domicile_http_request_seconds_bucket") {
                const auto bound = label(one.labels, "le");
                const double upper = bound == "+Inf" ? std::numeric_limits<double>::infinity()
                                                     : std::strtod(std::string(bound).c_str(), nullptr);
                const std::string key = name + "/bucket" + std::string(bound);
                const auto [known, fresh] = counters_.try_emplace(key, one.value, now);
                const auto before = std::exchange(known->second, {one.value, now});
                buckets.emplace_back(upper, fresh || one.value < before.first ? 0 : one.value - before.first);
            }
        }
        if (const auto p99 = quantile_ms(buckets, 0.99)) {
            gateway.set("p99_ms", *p99);
            put_figure("p99_ms", p99);
        }
        const auto text = [](double value) { return std::to_string(std::llround(value)); };
        gateway.summary = text(gateway.fact("requests_per_s").value_or(0)) + " requests/s, " +
                          text(gateway.fact("sessions").value_or(0)) + " SQL sessions";
    }
    // The gateway's prober sees the nodes of its whole jurisdiction; each region speaks for its own.
    std::map<std::string, bool> written;
    const auto* nodes = view->if_contains("nodes");
    for (const auto& item : nodes != nullptr && nodes->is_array() ? nodes->as_array() : json::array()) {
        const auto* one = item.if_object();
        const auto node_name = one == nullptr ? std::string() : text_of(*one, "node");
        const auto node = std::ranges::find(topology_.nodes, node_name, &topology::Node::name);
        if (node == topology_.nodes.end() || node->shard.value >= topology_.shards.size()) {
            continue;
        }
        const bool up = one->contains("up") && one->at("up") == json::value(true);
        const bool writes = up && text_of(*one, "role") == "writer";
        const auto& shard = topology_.at(node->shard);
        written[shard.name] = written[shard.name] || writes;
        if (node->region != region_) {
            continue;
        }
        Resource& known = resource(facts, "node", node_name);
        known.role = writes ? "writer" : "reader";
        known.set("up", up ? 1 : 0);
        known.set("writer", writes ? 1 : 0);
        if (up && !writes) {
            known.set("lag_ms", number_of(*one, "lag_ms"));
        }
        known.summary = !up ? "does not answer" : writes ? "writes" : "replays";
    }
    for (const auto& shard : topology_.shards) {
        if (shard.writer == region_) {
            resource(facts, "shard", shard.name).set("has_writer", written[shard.name] ? 1 : 0);
        }
    }
}

void Gatherer::worker(RegionFacts& facts, const Sources& sources) {
    const std::string name = "worker." + facts.region;
    const auto& values = sources.worker;
    double failures = 0;
    for (const auto& one : values) {
        failures += one.name.ends_with("_failures_total") ? one.value : 0;
    }
    {
        Resource& worker = resource(facts, "worker", name);
        worker.set("up", 1);
        for (const auto& [fact, total] :
             {std::pair{"failures_per_s", failures},
              {"poison_per_s", sum_of(values, "domicile_figures_poison_total")}}) {
            if (const auto grown = rate(name + "/" + fact, total, sources.now_ms)) {
                worker.set(fact, *grown);
            }
        }
        if (const auto cpu = rate(name + "/cpu", sum_of(values, "domicile_worker_cpu_milliseconds_total"),
                                  sources.now_ms)) {
            worker.set("cpu_percent", *cpu / 10);
        }
        worker.set("memory_bytes", sum_of(values, "domicile_worker_resident_bytes"));
        worker.summary = "relays, counts, documents";
    }
    static constexpr std::pair<std::string_view, std::string_view> of_shards[] = {
        {"domicile_outbox_events", "outbox_events"},
        {"domicile_outbox_lag_milliseconds", "outbox_lag_ms"},
        {"domicile_relay_unconfirmed", "unconfirmed"},
        {"domicile_documents_waiting", "documents_waiting"},
        {"domicile_documents_lag_milliseconds", "documents_lag_ms"},
        {"domicile_rights_rewrites", "rewrites"}};
    for (const auto& one : values) {
        const auto shard = label(one.labels, "shard");
        for (const auto& [metric, fact] : of_shards) {
            if (one.name != metric) {
                continue;
            }
            const auto found = std::ranges::find(topology_.shards, shard, &topology::Shard::name);
            if (found != topology_.shards.end() && found->writer == region_) {
                resource(facts, "shard", shard).set(fact, one.value);
            }
        }
        if (one.name == "domicile_queue_waiting" || one.name == "domicile_queue_dead") {
            if (topology_.central && topology_.central->region == region_) {
                resource(facts, "queue", "figures")
                    .set(one.name == "domicile_queue_dead" ? "dead" : "waiting", one.value);
            }
        }
    }
    // Institutions belong to a jurisdiction: its writer region speaks for them.
    if (!topology_.at(region_).writer) {
        return;
    }
    for (const auto& institution : topology_.institutions) {
        if (institution.jurisdiction != topology_.at(region_).jurisdiction) {
            continue;
        }
        const std::string within = "institution=\"" + institution.name + "\"";
        const double late = sum_of(values, "domicile_dispatch_unacknowledged_seconds", within);
        const double documents = sum_of(values, "domicile_dispatch_documents_total", within);
        const double batches = sum_of(values, "domicile_dispatch_batches_total", within);
        Resource& known = resource(facts, "institution", institution.name);
        known.set("unacknowledged_s", late);
        if (const auto grown =
                rate(institution.name + "/failures",
                     sum_of(values, "domicile_dispatch_failures_total", within), sources.now_ms)) {
            known.set("failures_per_s", *grown);
        }
        known.summary = late > 0 ? "waits for an acknowledgement" : "complete";
        double waiting = 0;
        for (const auto& shard : topology_.shards) {
            const auto* of =
                shard.jurisdiction == institution.jurisdiction ? facts.find("shard", shard.name) : nullptr;
            waiting += of == nullptr ? 0 : of->fact("documents_waiting").value_or(0);
        }
        facts.institutions.push_back(
            json::object{{"name", institution.name},
                         {"jurisdiction", known.jurisdiction},
                         {"shard", nullptr},
                         {"waiting", static_cast<std::int64_t>(waiting)},
                         {"documents", static_cast<std::int64_t>(documents)},
                         {"batches", static_cast<std::int64_t>(batches)},
                         {"unacknowledged_s", late > 0 ? json::value(late) : json::value()},
                         {"complete", late <= 0 && waiting <= 0}});
    }
}

void Gatherer::relay(RegionFacts& facts, const Sources& sources) {
    if (topology_.at(region_).mesh.port == 0) {
        return;
    }
    Resource& relay = resource(facts, "relay", "relay." + facts.region);
    boost::system::error_code failed;
    const auto seen = json::parse(sources.relay_seen, failed);
    const auto* peers = failed ? nullptr : seen.if_array();
    relay.set("up", peers != nullptr ? 1 : 0);
    if (peers == nullptr) {
        relay.summary = "does not answer";
        return;
    }
    double reachable = 0;
    double other = 0;
    double slowest = 0;
    for (const auto& item : *peers) {
        const auto* one = item.if_object();
        if (one == nullptr || !one->contains("reachable") || one->at("reachable") != json::value(true)) {
            continue;
        }
        ++reachable;
        other += one->contains("same_map") && one->at("same_map") == json::value(false) ? 1 : 0;
        slowest = std::max(slowest, number_of(*one, "round_trip_us") / 1'000);
    }
    relay.set("peers", static_cast<double>(peers->size()));
    relay.set("peers_reachable", reachable);
    relay.set("peers_other_map", other);
    relay.set("round_trip_ms", slowest);
    relay.summary = std::to_string(std::llround(reachable)) + " of " + std::to_string(peers->size()) +
                    " regions reachable";
    if (const auto* gateway = facts.find("gateway", "gateway." + facts.region);
        gateway != nullptr && gateway->fact("up") == 1) {
        resource(facts, "gateway", gateway->name).set("map_behind", other > 0 ? 1 : 0);
    }
}

RegionFacts Gatherer::gather(const Sources& sources) {
    RegionFacts facts;
    const auto& region = topology_.at(region_);
    facts.region = region.name;
    facts.at_ms = sources.now_ms;
    resource(facts, "gateway", "gateway." + region.name);
    resource(facts, "worker", "worker." + region.name);
    for (const auto& node : topology_.nodes) {
        if (node.region == region_) {
            Resource& one = resource(facts, "node", node.name);
            one.shard =
                node.shard.value < topology_.shards.size() ? topology_.at(node.shard).name : "central";
            one.role = node.writer ? "writer" : "reader";
        }
    }
    for (const auto& shard : topology_.shards) {
        if (shard.writer == region_) {
            resource(facts, "shard", shard.name).shard = shard.name;
        }
    }
    for (const Resource& slow : sources.slow.resources) {
        Resource& one = resource(facts, slow.kind, slow.name);
        for (const Fact& fact : slow.facts) {
            one.set(fact.name, fact.value);
        }
        one.summary = slow.summary.empty() ? one.summary : slow.summary;
    }
    gateway(facts, sources);
    worker(facts, sources);
    relay(facts, sources);
    for (Resource& one : facts.resources) {
        if (one.kind == "node" && one.fact("connections") && one.fact("connections_max").value_or(0) > 0) {
            one.set("connections_percent",
                    std::round(*one.fact("connections") * 100 / *one.fact("connections_max")));
        }
        if (one.kind == "shard") {
            one.summary = one.fact("has_writer") == 0 ? "nobody writes" : "writes";
        }
    }
    facts.ranges = sources.slow.ranges;
    facts.requests = sources.slow.requests;
    return facts;
}

}  // namespace domicile::ops

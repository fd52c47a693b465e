#include "ops/overview.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <boost/json.hpp>

namespace domicile::ops {
namespace {

namespace json = boost::json;

/// Where the clouds' regions are, for the map; by the name's usual meaning. Others are placed by their
/// number.
struct Place {
    std::string_view name;
    double latitude;
    double longitude;
};
constexpr std::array places = {Place{"us-east-1", 38.9, -77.4},       Place{"us-east-2", 40.0, -83.0},
                               Place{"us-west-1", 37.4, -122.0},      Place{"us-west-2", 45.8, -119.7},
                               Place{"ca-central-1", 45.5, -73.6},    Place{"sa-east-1", -23.5, -46.6},
                               Place{"eu-west-1", 53.3, -6.3},        Place{"eu-west-2", 51.5, -0.1},
                               Place{"eu-west-3", 48.9, 2.3},         Place{"eu-central-1", 50.1, 8.7},
                               Place{"eu-central-2", 47.4, 8.5},      Place{"eu-north-1", 59.3, 18.1},
                               Place{"eu-south-1", 45.5, 9.2},        Place{"eu-south-2", 41.6, -0.9},
                               Place{"me-south-1", 26.1, 50.6},       Place{"me-central-1", 24.5, 54.4},
                               Place{"af-south-1", -33.9, 18.4},      Place{"ap-south-1", 19.1, 72.9},
                               Place{"ap-south-2", 17.4, 78.5},       Place{"ap-east-1", 22.3, 114.2},
                               Place{"ap-northeast-1", 35.7, 139.7},  Place{"ap-northeast-2", 37.6, 127.0},
                               Place{"ap-northeast-3", 34.7, 135.5},  Place{"ap-southeast-1", 1.3, 103.8},
                               Place{"ap-southeast-2", -33.9, 151.2}, Place{"il-central-1", 32.1, 34.8}};

std::pair<double, double> place_of(std::string_view region, std::size_t number) {
    const auto found = std::ranges::find(places, region, &Place::name);
    if (found != places.end()) {
        return {found->latitude, found->longitude};
    }
    return {10.0 - static_cast<double>(number % 5) * 12, -150.0 + static_cast<double>(number * 47 % 300)};
}

State worst_of(const RegionFacts& facts) {
    State worst = State::ok;
    for (const Resource& one : facts.resources) {
        worst = std::max(worst, one.state);
    }
    return worst;
}

json::object figures_of(const RegionFacts* facts) {
    json::object all;
    for (const char* name : {"requests_per_s", "refusals_per_s", "statements_per_s", "sessions", "p99_ms"}) {
        const auto found = facts == nullptr ? std::vector<Fact>::const_iterator()
                                            : std::ranges::find(facts->figures, name, &Fact::name);
        all[name] = facts == nullptr || found == facts->figures.end()
                        ? json::value()
                        : json::value(std::round(found->value * 10) / 10);
    }
    return all;
}

json::object region_of(const topology::Topology& topology, std::size_t index, const RegionFacts* facts,
                       std::int64_t now_ms) {
    const auto& region = topology.regions[index];
    const auto [latitude, longitude] = place_of(region.name, index);
    const bool known = facts != nullptr && now_ms - facts->at_ms <= silent_ms;
    return {{"name", region.name},
            {"jurisdiction", topology.at(region.jurisdiction).name},
            {"latitude", latitude},
            {"longitude", longitude},
            {"state", known ? name(worst_of(*facts)) : name(State::unknown)},
            {"seen_s", facts == nullptr
                           ? json::value()
                           : json::value(std::max(0.0, static_cast<double>(now_ms - facts->at_ms) / 1'000))},
            {"round_trip_us", nullptr},
            {"same_map", nullptr},
            {"figures", figures_of(known ? facts : nullptr)}};
}

void append(json::array& into, const json::array& from) {
    into.insert(into.end(), from.begin(), from.end());
}

/// What the topology says is there, when nobody speaks for it.
void add_unknown(json::array& resources, const topology::Topology& topology, topology::RegionIndex index) {
    const auto& region = topology.at(index);
    const std::string& home = topology.at(region.jurisdiction).name;
    const auto add = [&](const char* kind, const std::string& name, const std::string& shard) {
        resources.push_back(to_value(Resource{
            kind, name, region.name, home, shard, {}, State::unknown, "nothing is heard of the region"}));
    };
    add("gateway", "gateway." + region.name, {});
    for (const auto& node : topology.nodes) {
        if (node.region == index) {
            add("node", node.name,
                node.shard.value < topology.shards.size() ? topology.at(node.shard).name : "central");
        }
    }
    for (const auto& shard : topology.shards) {
        if (shard.writer == index) {
            add("shard", shard.name, shard.name);
        }
    }
}

json::object flow(const std::string& from, const std::string& to, const char* kind, State state,
                  std::string summary) {
    return {
        {"from", from}, {"to", to}, {"kind", kind}, {"state", name(state)}, {"summary", std::move(summary)}};
}

/// Replication from each shard's writer region to its readers' regions, as good as the worst reader there.
void add_replication(json::array& flows, const topology::Topology& topology,
                     const std::vector<const RegionFacts*>& all) {
    std::map<std::pair<std::string, std::string>, std::pair<State, double>> streams;
    for (const auto& shard : topology.shards) {
        for (const auto index : shard.nodes) {
            const auto& node = topology.at(index);
            if (node.region == shard.writer) {
                continue;
            }
            const auto* facts = all[node.region.value];
            const auto* known = facts == nullptr ? nullptr : facts->find("node", node.name);
            const double lag = known == nullptr ? 0 : known->fact("lag_ms").value_or(0);
            auto& stream = streams[{topology.at(shard.writer).name, topology.at(node.region).name}];
            stream.first = std::max(stream.first, known == nullptr ? State::unknown : known->state);
            stream.second = std::max(stream.second, lag);
        }
    }
    for (const auto& [ends, stream] : streams) {
        flows.push_back(flow(ends.first, ends.second, "replication", stream.first,
                             stream.first == State::unknown
                                 ? std::string("nothing is known")
                                 : std::to_string(std::llround(stream.second)) + " ms behind"));
    }
}

}  // namespace

std::vector<PeerFacts> read_peers(const topology::Topology& topology, topology::RegionIndex own,
                                  std::string_view seen) {
    std::vector<PeerFacts> peers;
    for (std::uint16_t i = 0; i < topology.regions.size(); ++i) {
        if (i != own.value) {
            peers.push_back({topology::RegionIndex(i)});
        }
    }
    boost::system::error_code failed;
    json::parse_options bounds;
    bounds.max_depth = 20;
    const auto parsed = json::parse(seen, failed, {}, bounds);
    const auto* list = failed ? nullptr : parsed.if_array();
    for (const auto& item : list != nullptr ? *list : json::array()) {
        const auto* one = item.if_object();
        const auto* region_name = one == nullptr ? nullptr : one->if_contains("region");
        if (region_name == nullptr || !region_name->is_string()) {
            continue;
        }
        const auto index = topology.region(std::string_view(region_name->as_string()));
        const auto peer =
            std::ranges::find_if(peers, [&](const PeerFacts& known) { return index == known.region; });
        const auto* reachable = one->if_contains("reachable");
        if (peer == peers.end() || reachable == nullptr || *reachable != json::value(true)) {
            continue;
        }
        peer->reachable = true;
        const auto* same = one->if_contains("same_map");
        peer->same_map = same != nullptr && *same == json::value(true);
        const auto* round_trip = one->if_contains("round_trip_us");
        peer->round_trip_us = round_trip != nullptr && round_trip->is_int64() ? round_trip->as_int64() : 0;
        const auto* view = one->if_contains("view");
        const auto* object = view == nullptr ? nullptr : view->if_object();
        if (const auto* facts = object == nullptr ? nullptr : object->if_contains("facts")) {
            if (auto read = parse_facts(topology, peer->region, json::serialize(*facts))) {
                peer->facts = std::move(*read);
            }
        }
    }
    return peers;
}

topology::RegionIndex watcher_of(const topology::Topology& topology, topology::RegionIndex region) {
    const auto first = topology.central ? topology.central->region : topology::RegionIndex(0);
    if (region != first || topology.regions.size() < 2) {
        return first;
    }
    return topology::RegionIndex(first.value == 0 ? std::uint16_t{1} : std::uint16_t{0});
}

std::vector<Resource> regions_as_resources(const topology::Topology& topology, topology::RegionIndex own,
                                           std::span<const PeerFacts> peers, std::int64_t since_ms,
                                           std::int64_t now_ms) {
    std::vector<Resource> all;
    for (const PeerFacts& peer : peers) {
        const auto& region = topology.at(peer.region);
        if (region.mesh.port == 0) {
            continue;  // nothing is ever heard of a region outside the mesh
        }
        Resource& one = all.emplace_back(
            Resource{"region", region.name, region.name, topology.at(topology.at(own).jurisdiction).name});
        const auto heard = peer.facts ? peer.facts->at_ms : since_ms;
        one.set("silent_s", static_cast<double>(std::max<std::int64_t>(0, now_ms - heard)) / 1'000);
        one.set("reachable", peer.reachable ? 1 : 0);
    }
    return all;
}

std::vector<AlarmView> known_alarms(const RegionFacts& own, std::span<const PeerFacts> peers) {
    std::vector<AlarmView> all;
    const auto add = [&](const RegionFacts& facts) {
        for (const auto& item : facts.alarms) {
            const auto* one = item.if_object();
            const auto text = [&](std::string_view key) {
                const auto* found = one == nullptr ? nullptr : one->if_contains(key);
                return found != nullptr && found->is_string() ? std::string(found->as_string())
                                                              : std::string();
            };
            const std::string state = text("state");
            all.push_back({text("name"), text("region"), text("jurisdiction"), text("resource"),
                           state == "alarm" ? AlarmState::alarm
                           : state == "ok"  ? AlarmState::ok
                                            : AlarmState::insufficient});
        }
    };
    add(own);
    for (const PeerFacts& peer : peers) {
        if (peer.facts) {
            add(*peer.facts);
        }
    }
    return all;
}

std::string overview(const topology::Topology& topology, topology::RegionIndex region, const RegionFacts& own,
                     std::span<const PeerFacts> peers) {
    const std::int64_t now_ms = own.at_ms;
    std::vector<const RegionFacts*> all(topology.regions.size());
    std::vector<const PeerFacts*> seen(topology.regions.size());
    all[region.value] = &own;
    for (const PeerFacts& peer : peers) {
        seen[peer.region.value] = &peer;
        all[peer.region.value] = peer.facts ? &*peer.facts : nullptr;
    }
    json::array jurisdictions, regions, resources, flows, ranges, institutions, requests, alarms, transitions,
        advice;
    for (std::uint16_t i = 0; i < topology.jurisdictions.size(); ++i) {
        json::array names;
        for (const auto& one : topology.regions) {
            if (one.jurisdiction.value == i) {
                names.push_back(json::value(one.name));
            }
        }
        jurisdictions.push_back(
            json::object{{"name", topology.jurisdictions[i].name}, {"regions", std::move(names)}});
    }
    std::uint64_t epoch = topology.map_epoch;
    for (std::uint16_t i = 0; i < topology.regions.size(); ++i) {
        auto one = region_of(topology, i, all[i], now_ms);
        if (seen[i] != nullptr && seen[i]->reachable) {
            one["round_trip_us"] = seen[i]->round_trip_us;
            one["same_map"] = seen[i]->same_map;
        }
        regions.push_back(std::move(one));
        const auto* facts = all[i];
        const bool known = facts != nullptr && now_ms - facts->at_ms <= silent_ms;
        if (i != region.value && topology.regions[i].mesh.port != 0 && topology.at(region).mesh.port != 0) {
            const bool reachable = seen[i] != nullptr && seen[i]->reachable;
            flows.push_back(flow(topology.at(region).name, topology.regions[i].name, "mesh",
                                 reachable ? State::ok : State::unknown,
                                 reachable ? std::to_string(seen[i]->round_trip_us / 1'000) + " ms round trip"
                                           : std::string("out of reach")));
        }
        if (!known) {
            add_unknown(resources, topology, topology::RegionIndex(i));
        }
        if (facts == nullptr) {
            continue;
        }
        epoch = std::max(epoch, facts->map_epoch);
        for (const Resource& resource : known ? facts->resources : std::vector<Resource>()) {
            resources.push_back(to_value(resource));
        }
        append(ranges, facts->ranges);
        append(institutions, facts->institutions);
        append(requests, facts->requests);
        append(alarms, facts->alarms);
        append(transitions, facts->transitions);
        append(advice, facts->advice);
    }
    add_replication(flows, topology, all);
    if (topology.central) {
        for (const auto& one : topology.regions) {
            if (one.writer && one.name != topology.at(topology.central->region).name) {
                flows.push_back(flow(one.name, topology.at(topology.central->region).name, "figures",
                                     State::ok, "anonymous figures only"));
            }
        }
    }
    return json::serialize(json::object{{"at", now_ms},
                                        {"deployment", topology.name},
                                        {"seen_from", topology.at(region).name},
                                        {"map_epoch", epoch},
                                        {"jurisdictions", std::move(jurisdictions)},
                                        {"regions", std::move(regions)},
                                        {"resources", std::move(resources)},
                                        {"flows", std::move(flows)},
                                        {"ranges", std::move(ranges)},
                                        {"institutions", std::move(institutions)},
                                        {"requests", std::move(requests)},
                                        {"alarms", std::move(alarms)},
                                        {"transitions", std::move(transitions)},
                                        {"advice", std::move(advice)}});
}

json::object permitted(std::string_view text, const std::function<bool(std::string_view jurisdiction)>& may) {
    boost::system::error_code failed;
    json::parse_options bounds;
    bounds.max_depth = 20;
    auto value = json::parse(text, failed, {}, bounds);
    if (failed || !value.is_object()) {
        return {};
    }
    auto& all = value.as_object();
    std::map<std::string, bool, std::less<>> known;
    const auto admits = [&](const json::object& one) {
        const auto* home = one.if_contains("jurisdiction");
        if (home == nullptr || !home->is_string()) {
            return true;
        }
        const std::string_view name = home->as_string();
        const auto found = known.find(name);
        return found != known.end() ? found->second : known.emplace(name, may(name)).first->second;
    };
    for (auto& [key, list] : all) {
        auto* items = list.if_array();
        if (items == nullptr) {
            continue;
        }
        json::array kept;
        for (auto& item : *items) {
            auto* one = item.if_object();
            if (one == nullptr) {
                continue;
            }
            if (key == "jurisdictions") {
                const auto* name = one->if_contains("name");
                if (name != nullptr && name->is_string() && !admits({{"jurisdiction", *name}})) {
                    (*one)["hidden"] = true;
                }
            } else if (!admits(*one)) {
                if (key != "regions") {
                    continue;
                }
                (*one)["figures"] = figures_of(nullptr);
                (*one)["state"] = name(State::unknown);
            }
            kept.push_back(std::move(item));
        }
        list = std::move(kept);
    }
    return all;
}

}  // namespace domicile::ops

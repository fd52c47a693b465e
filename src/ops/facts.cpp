#include "ops/facts.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <boost/json.hpp>

namespace domicile::ops {
namespace {

namespace json = boost::json;
using base::Code;

constexpr std::size_t facts_max = 64;
constexpr std::size_t list_max = 4'096;
constexpr std::size_t text_max = 2'048;

constexpr std::array<std::string_view, 4> states = {"ok", "unknown", "warning", "alarm"};

std::unexpected<base::Error> malformed(std::string_view what) {
    return base::fail(Code::protocol_violation, "A region's facts are not what they should be.", {},
                      std::string(what));
}

json::object to_value(const std::vector<Fact>& facts) {
    json::object all;
    for (const Fact& fact : facts) {
        all[fact.name] = std::nearbyint(fact.value) == fact.value && std::abs(fact.value) < 1e15
                             ? json::value(static_cast<std::int64_t>(fact.value))
                             : json::value(fact.value);
    }
    return all;
}

std::string text_of(const json::object& from, std::string_view key) {
    const auto* found = from.if_contains(key);
    const auto* text = found == nullptr ? nullptr : found->if_string();
    return text == nullptr || text->size() > text_max ? std::string() : std::string(*text);
}

bool read_facts(const json::value* from, std::vector<Fact>& facts) {
    const auto* all = from == nullptr ? nullptr : from->if_object();
    if (all == nullptr || all->size() > facts_max) {
        return false;
    }
    for (const auto& [key, value] : *all) {
        boost::system::error_code none;
        if (!value.is_number()) {
            return false;
        }
        facts.push_back({std::string(key), value.to_number<double>(none)});
    }
    return true;
}

/// Lists are shown as they come; what belongs to another jurisdiction is not for this region to say.
bool read_list(const json::object& from, std::string_view key, std::string_view jurisdiction,
               json::array& list) {
    const auto* found = from.if_contains(key);
    if (found == nullptr) {
        return true;
    }
    const auto* all = found->if_array();
    if (all == nullptr || all->size() > list_max) {
        return false;
    }
    return std::ranges::all_of(*all, [&](const json::value& one) {
        const auto* object = one.if_object();
        const auto* home = object == nullptr ? nullptr : object->if_contains("jurisdiction");
        if (object == nullptr ||
            (home != nullptr && !home->is_null() && *home != json::value(jurisdiction))) {
            return false;
        }
        list.push_back(one);
        return true;
    });
}

}  // namespace

std::string_view name(State state) noexcept {
    return states[static_cast<std::size_t>(state)];
}

std::optional<double> Resource::fact(std::string_view wanted) const noexcept {
    const auto found = std::ranges::find(facts, wanted, &Fact::name);
    return found == facts.end() ? std::nullopt : std::optional(found->value);
}

void Resource::set(std::string_view key, double value) {
    const auto found = std::ranges::find(facts, key, &Fact::name);
    if (found != facts.end()) {
        found->value = value;
    } else {
        facts.push_back({std::string(key), value});
    }
}

const Resource* RegionFacts::find(std::string_view kind, std::string_view wanted) const noexcept {
    const auto found = std::ranges::find_if(
        resources, [&](const Resource& one) { return one.kind == kind && one.name == wanted; });
    return found == resources.end() ? nullptr : &*found;
}

json::object to_value(const Resource& resource) {
    const auto or_null = [](const std::string& text) {
        return text.empty() ? json::value() : json::value(text);
    };
    json::array series;
    for (const Fact& fact : resource.facts) {
        series.push_back(json::value(fact.name));
    }
    return {{"kind", resource.kind},
            {"name", resource.name},
            {"region", or_null(resource.region)},
            {"jurisdiction", resource.jurisdiction},
            {"shard", or_null(resource.shard)},
            {"role", or_null(resource.role)},
            {"state", name(resource.state)},
            {"summary", resource.summary},
            {"facts", to_value(resource.facts)},
            {"series", std::move(series)}};
}

std::string to_json(const RegionFacts& facts) {
    json::array resources;
    for (const Resource& resource : facts.resources) {
        auto one = to_value(resource);
        one.erase("series");  // follows from the facts
        resources.push_back(std::move(one));
    }
    return json::serialize(json::object{{"region", facts.region},
                                        {"at", facts.at_ms},
                                        {"map_epoch", facts.map_epoch},
                                        {"figures", to_value(facts.figures)},
                                        {"resources", std::move(resources)},
                                        {"ranges", facts.ranges},
                                        {"institutions", facts.institutions},
                                        {"requests", facts.requests},
                                        {"alarms", facts.alarms},
                                        {"transitions", facts.transitions},
                                        {"advice", facts.advice},
                                        {"silences", facts.silences},
                                        {"acknowledgements", facts.acknowledgements}});
}

base::Result<RegionFacts> parse_facts(const topology::Topology& topology, topology::RegionIndex region,
                                      std::string_view text) {
    if (text.size() > facts_bytes_max) {
        return malformed("too large");
    }
    boost::system::error_code failed;
    json::parse_options bounds;
    bounds.max_depth = 12;
    const auto value = json::parse(text, failed, {}, bounds);
    const auto* root = failed ? nullptr : value.if_object();
    if (root == nullptr) {
        return malformed("not an object");
    }
    const std::string& home = topology.at(topology.at(region).jurisdiction).name;
    RegionFacts facts;
    facts.region = text_of(*root, "region");
    const auto* at = root->if_contains("at");
    const auto* epoch = root->if_contains("map_epoch");
    if (facts.region != topology.at(region).name || at == nullptr || !at->is_int64()) {
        return malformed("another region's");
    }
    facts.at_ms = at->as_int64();
    facts.map_epoch = epoch != nullptr && epoch->is_int64() && epoch->as_int64() > 0
                          ? static_cast<std::uint64_t>(epoch->as_int64())
                          : 0;
    if (const auto* figures = root->if_contains("figures");
        figures != nullptr && !read_facts(figures, facts.figures)) {
        return malformed("figures");
    }
    const auto* resources = root->if_contains("resources");
    const auto* list = resources == nullptr ? nullptr : resources->if_array();
    if (list == nullptr || list->size() > resources_max) {
        return malformed("resources");
    }
    for (const auto& item : *list) {
        const auto* one = item.if_object();
        if (one == nullptr) {
            return malformed("a resource");
        }
        Resource resource{text_of(*one, "kind"),         text_of(*one, "name"),  text_of(*one, "region"),
                          text_of(*one, "jurisdiction"), text_of(*one, "shard"), text_of(*one, "role")};
        const auto state = std::ranges::find(states, text_of(*one, "state"));
        resource.state = state == states.end() ? State::unknown : static_cast<State>(state - states.begin());
        resource.summary = text_of(*one, "summary");
        if (resource.kind.empty() || resource.name.empty() || resource.jurisdiction != home ||
            (!resource.region.empty() && resource.region != facts.region) ||
            !read_facts(one->if_contains("facts"), resource.facts)) {
            return malformed("a resource");
        }
        facts.resources.push_back(std::move(resource));
    }
    for (const auto& [key, into] : {std::pair{"ranges", &facts.ranges},
                                    {"institutions", &facts.institutions},
                                    {"requests", &facts.requests},
                                    {"alarms", &facts.alarms},
                                    {"transitions", &facts.transitions},
                                    {"advice", &facts.advice},
                                    {"silences", &facts.silences},
                                    {"acknowledgements", &facts.acknowledgements}}) {
        if (!read_list(*root, key, home, *into)) {
            return malformed(key);
        }
    }
    return facts;
}

}  // namespace domicile::ops

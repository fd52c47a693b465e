#include "topology/topology.hpp"

#include "base/assert.hpp"
#include "topology/words.hpp"

#include <algorithm>

namespace domicile::topology {
namespace {

template <class Index, class Thing>
std::optional<Index> index_of(const std::vector<Thing>& things, std::string_view name) {
    const auto found = std::ranges::find(things, name, &Thing::name);
    if (found == things.end()) {
        return std::nullopt;
    }
    return Index(static_cast<decltype(Index::value)>(found - things.begin()));
}

char upper(char letter) {
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
}

}  // namespace

bool Region::http_tls() const {
    return !is_loopback(http.host);
}

std::optional<RegionIndex> Topology::region(std::string_view region_name) const {
    return index_of<RegionIndex>(regions, region_name);
}

std::optional<JurisdictionIndex> Topology::jurisdiction(std::string_view jurisdiction_name) const {
    return index_of<JurisdictionIndex>(jurisdictions, jurisdiction_name);
}

std::optional<ShardIndex> Topology::shard(std::string_view shard_name) const {
    return index_of<ShardIndex>(shards, shard_name);
}

const Table* Topology::table(std::string_view table_name) const {
    const auto found = std::ranges::find(tables, table_name, &Table::name);
    return found == tables.end() ? nullptr : &*found;
}

const Table& Topology::person_table() const {
    const auto found = std::ranges::find(tables, true, &Table::person);
    DOMICILE_ASSERT(found != tables.end());
    return *found;
}

RegionIndex Topology::writer_region(JurisdictionIndex index) const {
    const auto found = std::ranges::find_if(
        regions, [&](const Region& region) { return region.jurisdiction == index && region.writer; });
    DOMICILE_ASSERT(found != regions.end());
    return RegionIndex(static_cast<std::uint16_t>(found - regions.begin()));
}

std::optional<JurisdictionIndex> Topology::home_of_country(std::string_view country) const {
    if (country.size() != 2) {
        return std::nullopt;
    }
    const std::string code{upper(country[0]), upper(country[1])};
    // Only a code can be somewhere in the rest of the world; "??" is nowhere.
    if (std::ranges::any_of(code, [](char letter) { return letter < 'A' || letter > 'Z'; })) {
        return std::nullopt;
    }
    std::optional<JurisdictionIndex> rest;
    for (std::size_t i = 0; i < jurisdictions.size(); ++i) {
        const JurisdictionIndex index(static_cast<std::uint16_t>(i));
        if (std::ranges::find(jurisdictions[i].countries, code) != jurisdictions[i].countries.end()) {
            return index;
        }
        if (jurisdictions[i].rest_of_world) {
            rest = index;
        }
    }
    return rest;
}

JurisdictionIndex Topology::jurisdiction_of(NodeIndex index) const {
    return at(at(index).region).jurisdiction;
}

Address Topology::reach(RegionIndex from, NodeIndex node) const {
    const Region& there = at(at(node).region);
    const bool anonymous = central && central->node == node;  // open to every jurisdiction
    if (at(node).region == from || at(from).mesh.port == 0 || there.mesh.port == 0 ||
        (there.jurisdiction != at(from).jurisdiction && !anonymous)) {
        return at(node).address;
    }
    const auto port = mesh.first_port + from.value * nodes.size() + node.value;
    return {"127.0.0.1", static_cast<std::uint16_t>(port)};
}

std::string_view name(Origin origin) noexcept {
    switch (origin) {
        case Origin::provided: return "provided";
        case Origin::observed: return "observed";
        case Origin::inferred: return "inferred";
    }
    return "";
}

std::string_view name(Bucket bucket) noexcept {
    switch (bucket) {
        case Bucket::day: return "day";
        case Bucket::month: return "month";
        case Bucket::year: return "year";
    }
    return "";
}

std::vector<std::string> Statistic::dimensions() const {
    auto all = by;
    if (!time.empty()) {
        all.emplace_back(topology::name(bucket));
    }
    if (!histogram.empty()) {
        all.push_back(histogram + "_range");
    }
    return all;
}

std::string ranges_text(std::span<const KeyRange> ranges) {
    std::string text;
    for (const KeyRange& range : ranges) {
        text += (text.empty() ? "" : ",") + std::to_string(range.from) + "-" + std::to_string(range.to);
    }
    return text;
}

}  // namespace domicile::topology

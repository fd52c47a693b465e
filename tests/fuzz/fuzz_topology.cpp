// Topology files: either findings, each with words and a place in the file, or a topology that keeps its
// promises.

#include "fuzz.hpp"
#include "topology/parse.hpp"

#include <algorithm>

namespace {

using namespace domicile;
using namespace domicile::topology;

void check_shards(const Topology& topology) {
    std::vector<KeyRange> ranges;
    for (const Shard& shard : topology.shards) {
        DOMICILE_ASSERT(shard.jurisdiction.value < topology.jurisdictions.size());
        DOMICILE_ASSERT(shard.writer.value < topology.regions.size());
        DOMICILE_ASSERT(topology.at(shard.writer).jurisdiction.value == shard.jurisdiction.value);
        for (const RegionIndex reader : shard.readers) {
            DOMICILE_ASSERT(reader.value < topology.regions.size());
            DOMICILE_ASSERT(topology.at(reader).jurisdiction.value == shard.jurisdiction.value);
        }
        for (const NodeIndex node : shard.nodes) {
            DOMICILE_ASSERT(node.value < topology.nodes.size());
            DOMICILE_ASSERT(topology.jurisdiction_of(node).value == shard.jurisdiction.value);
        }
        ranges.insert(ranges.end(), shard.ranges.begin(), shard.ranges.end());
    }
    std::ranges::sort(ranges, {}, &KeyRange::from);
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        DOMICILE_ASSERT(ranges[i].from < ranges[i].to);
        DOMICILE_ASSERT(i == 0 || ranges[i - 1].to <= ranges[i].from);
    }
}

void check(const Topology& topology) {
    for (const Region& region : topology.regions) {
        DOMICILE_ASSERT(region.jurisdiction.value < topology.jurisdictions.size());
    }
    for (std::uint32_t i = 0; i < topology.jurisdictions.size(); ++i) {
        const auto index = JurisdictionIndex{static_cast<decltype(JurisdictionIndex::value)>(i)};
        DOMICILE_ASSERT(topology.at(topology.writer_region(index)).jurisdiction.value == i);
    }
    DOMICILE_ASSERT(std::ranges::count_if(topology.jurisdictions, &Jurisdiction::rest_of_world) <= 1);
    check_shards(topology);
    for (const Node& node : topology.nodes) {
        DOMICILE_ASSERT(node.region.value < topology.regions.size());
        DOMICILE_ASSERT(node.shard.value <= topology.shards.size());
    }
    if (topology.central) {
        DOMICILE_ASSERT(topology.central->region.value < topology.regions.size());
    }
    DOMICILE_ASSERT(std::ranges::count_if(topology.tables, &Table::person) == 1);
    for (const Table& table : topology.tables) {
        DOMICILE_ASSERT((table.kind == TableKind::sharded) == !table.key.empty());
        DOMICILE_ASSERT((table.kind == TableKind::single) == table.shard.has_value());
        DOMICILE_ASSERT(!table.shard || table.shard->value < topology.shards.size());
        DOMICILE_ASSERT(topology.table(table.name) == &table);
    }
    for (const Statistic& statistic : topology.statistics) {
        DOMICILE_ASSERT(topology.table(statistic.table) != nullptr);
    }
    for (const Transfer& transfer : topology.transfers) {
        DOMICILE_ASSERT(transfer.from.value < topology.jurisdictions.size());
        DOMICILE_ASSERT(transfer.to.value < topology.jurisdictions.size());
    }
    static_cast<void>(topology.home_of_country("DE"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::Input(data, size).rest();
    const Parsed parsed = parse(text);
    DOMICILE_ASSERT(parsed.findings.size() <= findings_max + 1);  // the last one says that there are more
    const auto lines = static_cast<std::uint32_t>(std::ranges::count(text, '\n') + 1);
    for (const Finding& finding : parsed.findings) {
        DOMICILE_ASSERT(!finding.what.empty());
        DOMICILE_ASSERT(finding.line <= lines);
        DOMICILE_ASSERT((finding.line == 0) == (finding.column == 0));
        DOMICILE_ASSERT(!render(finding, "f").empty());
    }
    if (parsed.ok()) {
        check(parsed.topology);
    }
    return 0;
}

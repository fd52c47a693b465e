// What comes out of queues and deliveries: batches of figures, events of SQS, queries for figures, manifests,
// edges of a Merkle log. What is taken must be what would be said.

#include "documents/manifest.hpp"
#include "events/figure_table.hpp"
#include "events/figures.hpp"
#include "events/lambda.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace domicile;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static const topology::Topology shop = [] {
        topology::Topology made;
        topology::Shard shard;
        shard.name = "eu-1";
        made.shards.push_back(shard);
        made.statistics.push_back(
            {.name = "sales", .table = "orders", .by = {"country"}, .sums = {"total"}, .time = "at"});
        return made;
    }();
    if (const auto batch = events::parse_batch(shop, text)) {
        const auto again = events::parse_batch(shop, "{\"shard\":\"" + batch->shard +
                                                         "\",\"batch\":" + std::to_string(batch->number) +
                                                         ",\"figures\":" + batch->changes + "}");
        if (!again || again->changes != batch->changes) {
            __builtin_trap();
        }
    }
    std::ignore = events::answer_event(
        text, [](std::string_view) -> base::Result<events::Applied> { return events::Applied::now; });
    if (const auto manifest = documents::parse_manifest(text);
        manifest && documents::to_json(*manifest) != text) {
        __builtin_trap();
    }
    if (const auto edge = crypto::MerkleEdge::parse(text)) {
        auto grown = *edge;
        grown.append(crypto::merkle_leaf(text));
        std::ignore = grown.root();
    }
    std::vector<std::pair<std::string, std::string>> parameters;
    for (std::size_t at = 0; at < text.size() && parameters.size() < 8;) {
        const auto end = std::min(text.find('&', at), text.size());
        const auto equals = std::min(text.find('=', at), end);
        parameters.emplace_back(text.substr(at, equals - at),
                                text.substr(std::min(equals + 1, end), end - std::min(equals + 1, end)));
        at = end + 1;
    }
    if (const auto query = events::parse_query(shop.statistics[0], parameters)) {
        const std::vector<events::FigureCell> cells = {
            {{"DE", "2011-03"}, std::vector<base::Decimal>(2)},
            {{std::nullopt, "2011-04"}, std::vector<base::Decimal>(2)}};
        const auto rows = events::ask(*query, cells);
        std::ignore =
            events::to_csv(*query, rows) + events::to_bars(*query, rows) + events::to_json(*query, rows, {});
    }
    return 0;
}

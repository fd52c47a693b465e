// What another region says first, the range map it hands over, and the certificate it shows.

#include "crypto/certificate.hpp"
#include "mesh/known_map.hpp"
#include "mesh/routes.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace domicile;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static const topology::Topology shop = [] {
        topology::Topology made;
        made.name = "shop";
        made.jurisdictions.push_back({.name = "eu", .law = {}, .countries = {}});
        topology::Region region;
        region.name = "eu-a";
        region.mesh = {"10.0.0.1", 7901};
        made.regions.push_back(region);
        topology::Node node;
        node.name = "eu-1.eu-a.w";
        made.nodes.push_back(node);
        topology::Shard shard;
        shard.name = "eu-1";
        made.shards.push_back(shard);
        return made;
    }();
    if (const auto ask = mesh::parse_ask(shop, text)) {
        const std::string line = mesh::ask_line(shop, *ask);
        if (line != std::string(text) + "\n") {
            __builtin_trap();  // one way to say one thing
        }
    }
    for (const auto& name : crypto::dns_names(text)) {
        std::ignore = mesh::region_of(shop, name);
    }
    if (const auto map = mesh::parse_map(shop, text)) {
        if (mesh::map_text(shop, *map) != text) {
            __builtin_trap();
        }
        std::ignore = mesh::learn(shop, mesh::declared(shop), *map, std::nullopt);
    }
    std::ignore = crypto::common_name(text);
    return 0;
}

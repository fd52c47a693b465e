#include "topology/builder.hpp"
#include "topology/parse.hpp"
#include "topology/words.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace domicile::topology {
namespace {

std::string shown(const KeyRange& range) {
    return "[" + std::to_string(range.from) + ", " + std::to_string(range.to) + ")";
}

}  // namespace

void Builder::shards() {
    std::size_t ranges_before = 0;
    for (const Entry* entry : named("shards", shards_max, shard_names_)) {
        check_name(entry->key, entry->place, "shard");
        const Reader reader = open(*entry, "shards", keys::shard);
        const ShardIndex index(static_cast<std::uint16_t>(topology_.shards.size()));
        Shard shard;
        shard.name = entry->key;
        shard.open = reader.flag("open", true);
        ranges(reader, index, shard);
        if (ranges_before <= ranges_max && owned_ranges_.size() > ranges_max) {
            report_.add(reader.place("ranges"), "more than " + std::to_string(ranges_max) + " ranges",
                        "join neighbouring ranges of one shard");
        }
        ranges_before = owned_ranges_.size();

        const auto region = writer(reader);
        if (region) {
            shard.writer = *region;
            shard.jurisdiction = topology_.at(*region).jurisdiction;
        }
        if (reader.given("nodes")) {
            listed_nodes(reader, region, index, shard);
        } else {
            Node node;
            node.shard = index;
            node.writer = true;
            if (region) {
                node.name = shard.name + "." + topology_.at(*region).name + ".w";
                node.region = *region;
            }
            shard.nodes.push_back(add_node(std::move(node)));
            readers(reader, region, index, shard);
        }
        topology_.shards.push_back(std::move(shard));
    }
}

void Builder::ranges(const Reader& reader, ShardIndex index, Shard& shard) {
    const Entry* list = reader.get("ranges");
    if (list == nullptr) {
        return;
    }
    if (list->value.items.empty()) {
        report_.add(list->value.place, "`ranges` in " + reader.label() + " is empty",
                    "give the shard at least one range of user ids: ranges = [[0, 30_000]]");
    }
    for (const Value& item : list->value.items) {
        const bool pair = item.kind == Value::Kind::list && item.items.size() == 2;
        if (!pair || std::ranges::any_of(
                         item.items, [](const Value& bound) { return bound.kind != Value::Kind::integer; })) {
            const auto wrong = std::ranges::find_if(
                item.items, [](const Value& bound) { return bound.kind != Value::Kind::integer; });
            report_.add(pair ? wrong->place : item.place,
                        pair ? "a bound in " + reader.label() + " must be an integer, not " +
                                   std::string(describe(wrong->kind))
                             : "a range in " + reader.label() + " must be a list of two integers",
                        "write [from, to], where `to` is the first id that is not inside: [0, 30_000]");
            continue;
        }
        const KeyRange range{item.items[0].integer, item.items[1].integer};
        if (range.from < 0 || range.to < 0) {
            report_.add(item.items[range.from < 0 ? 0 : 1].place,
                        "negative bound in range " + shown(range) + " of " + reader.label(),
                        "user ids start at 0");
        } else if (range.from >= range.to) {
            report_.add(item.place,
                        (range.from == range.to ? "empty range " : "reversed range ") + shown(range) +
                            " in " + reader.label(),
                        range.from == range.to ? "make `to` larger than `from`, or remove the range"
                                               : "write the smaller bound first");
        } else {
            shard.ranges.push_back(range);
            owned_ranges_.push_back({range, item.place, index});
        }
    }
    std::ranges::sort(shard.ranges, {}, &KeyRange::from);
}

void Builder::check_overlaps() {
    std::ranges::sort(owned_ranges_, [](const OwnedRange& a, const OwnedRange& b) {
        return a.range.from != b.range.from ? a.range.from < b.range.from : a.place < b.place;
    });
    const OwnedRange* widest = nullptr;
    for (const OwnedRange& owned : owned_ranges_) {
        if (widest != nullptr && owned.range.from < widest->range.to) {
            const OwnedRange& first =
                std::min(*widest, owned, [](auto& a, auto& b) { return a.place < b.place; });
            const OwnedRange& second = &first == widest ? owned : *widest;
            report_.add(second.place,
                        "ranges overlap: " + shown(second.range) + " of " +
                            quoted(topology_.at(second.shard).name) + " and " + shown(first.range) + " of " +
                            quoted(topology_.at(first.shard).name) + " (line " +
                            std::to_string(first.place.line) + ")",
                        "every id belongs to one shard: let one range end where the other begins");
        }
        if (widest == nullptr || owned.range.to > widest->range.to) {
            widest = &owned;
        }
    }
}

std::optional<RegionIndex> Builder::writer(const Reader& reader) {
    const Value* name = reader.text("writer");
    if (name == nullptr) {
        return std::nullopt;
    }
    const auto index = resolve({name->text, name->place}, "region", region_names_, reader.label());
    if (!index) {
        return std::nullopt;
    }
    const RegionIndex region(*index);
    const RegionFacts& facts = region_facts_[*index];
    if (!topology_.at(region).writer && facts.writer_known && facts.jurisdiction &&
        has_writer_region(*facts.jurisdiction)) {
        const RegionIndex right = topology_.writer_region(*facts.jurisdiction);
        report_.add(name->place,
                    reader.label() + " writes in " + quoted(name->text) + ", but the writer region of " +
                        quoted(topology_.at(*facts.jurisdiction).name) + " is " +
                        quoted(topology_.at(right).name),
                    "set `writer = \"" + printable(topology_.at(right).name) +
                        "\"`, or move `writer = true` to the other region");
    }
    return region;
}

void Builder::check_abroad(const Word& word, RegionIndex region, std::optional<RegionIndex> writer_region,
                           std::string_view what) {
    if (!writer_region) {
        return;
    }
    const auto home = region_facts_[writer_region->value].jurisdiction;
    const auto place = region_facts_[region.value].jurisdiction;
    if (home && place && home != place) {
        report_.add(
            word.place,
            std::string(what) + " would stand abroad: " + quoted(word.text) + " is in " +
                quoted(topology_.at(*place).name) + ", the shard's home is " +
                quoted(topology_.at(*home).name),
            "choose a region of " + quoted(topology_.at(*home).name) + ": no row leaves its jurisdiction");
    }
}

void Builder::readers(const Reader& reader, std::optional<RegionIndex> writer_region, ShardIndex index,
                      Shard& shard) {
    std::size_t number = 0;
    for (const Word& word : reader.texts("readers")) {
        const auto found = resolve(word, "region", region_names_, reader.label());
        const RegionIndex region(found.value_or(0));
        if (found) {
            check_abroad(word, region, writer_region, "a reader of " + reader.label());
        }
        Node node;
        node.name = shard.name + "." + std::string(word.text) + ".r" + std::to_string(++number);
        node.shard = index;
        node.region = region;
        shard.readers.push_back(region);
        shard.nodes.push_back(add_node(std::move(node)));
    }
}

void Builder::listed_nodes(const Reader& reader, std::optional<RegionIndex> writer_region, ShardIndex index,
                           Shard& shard) {
    if (reader.given("readers")) {
        report_.add(reader.place("readers"), reader.label() + " has both `nodes` and `readers`",
                    "remove `readers`: which of the listed servers reads is found out by asking them");
    }
    const Entry* list = reader.get("nodes");
    if (list == nullptr) {
        return;
    }
    if (list->value.items.empty()) {
        report_.add(list->value.place, "`nodes` in " + reader.label() + " is empty",
                    "list the shard's servers as \"host:port\", or remove `nodes` for embedded ones");
    }
    for (const Value& item : list->value.items) {
        const Value* address = item.kind == Value::Kind::text ? &item : nullptr;
        Node node;
        node.shard = index;
        node.region = writer_region.value_or(RegionIndex(0));
        node.embedded = false;
        if (item.kind != Value::Kind::text && item.kind != Value::Kind::table) {
            report_.add(item.place,
                        "a node of " + reader.label() + " must be text or a table, not " +
                            std::string(describe(item.kind)),
                        "write \"host:port\", or { address = \"host:port\", region = \"eu-central-1\" }");
            continue;
        }
        if (item.kind == Value::Kind::table) {
            const Reader table(item, item.place, "a node of " + reader.label(), keys::node, report_);
            address = table.text("address");
            const Value* region = table.text("region");
            if (region != nullptr) {
                const Word word{region->text, region->place};
                if (const auto found = resolve(word, "region", region_names_, table.label())) {
                    node.region = RegionIndex(*found);
                    check_abroad(word, node.region, writer_region, table.label());
                }
            }
        }
        if (address == nullptr) {
            continue;
        }
        const auto parsed = read_address(address->text);
        if (!parsed) {
            report_.add(address->place,
                        "a node of " + reader.label() + " is not an address: " + quoted(address->text),
                        "write \"host:port\" or \"[ipv6]:port\", with a port from 1 to 65535");
            continue;
        }
        if (is_wildcard(parsed->host)) {
            report_.add(address->place,
                        "a node of " + reader.label() + " has the wildcard address " + quoted(address->text),
                        "write the one address under which the gateways reach the server");
        }
        node.name = shard.name + "." + address->text;
        node.address = *parsed;
        uses_.push_back({*parsed, address->place, "a node of " + reader.label()});
        shard.nodes.push_back(add_node(std::move(node)));
    }
}

NodeIndex Builder::add_node(Node node) {
    // Beyond the bound the index is wrong, but the finding of embedded_ports() makes the topology void.
    const std::size_t index = std::min(topology_.nodes.size(), nodes_max);
    if (topology_.nodes.size() <= nodes_max) {
        topology_.nodes.push_back(std::move(node));
    }
    return NodeIndex(static_cast<std::uint16_t>(index));
}

void Builder::central() {
    const Entry* entry = root_.get("central");
    if (entry == nullptr) {
        return;
    }
    const Reader reader = open(*entry, "", keys::central);
    const Value* name = reader.text("region");
    Central central;
    if (name != nullptr) {
        if (const auto index = resolve({name->text, name->place}, "region", region_names_, reader.label())) {
            central.region = RegionIndex(*index);
        }
    }
    Node node;
    node.name = "central";
    node.shard = ShardIndex(static_cast<std::uint16_t>(topology_.shards.size()));
    node.region = central.region;
    node.writer = true;
    central.node = add_node(std::move(node));
    topology_.central = central;
}

void Builder::embedded() {
    const Entry* entry = root_.get("embedded");
    if (entry == nullptr) {
        embedded_port_missing_ = !root_.given("embedded");
        return;
    }
    const Reader reader = open(*entry, "", keys::embedded);
    Embedded& embedded = topology_.embedded;
    if (const Value* listen = reader.text("listen")) {
        if (!is_host(listen->text) || is_wildcard(listen->text)) {
            report_.add(listen->place, "`listen` in [embedded] is not a host: " + quoted(listen->text),
                        "write one IP address or host name without a port, such as \"127.0.0.1\"");
        }
        embedded.listen = listen->text;
    }
    embedded.durable = reader.flag("durable", true);
    embedded.tls = reader.flag("tls", false);
    embedded_port_missing_ = !reader.given("first_port");
    if (reader.get("first_port") != nullptr) {
        std::uint32_t port = 0;
        bounded(reader, "first_port", 1, std::numeric_limits<std::uint16_t>::max(), port);
        if (port != 0) {
            embedded.first_port = static_cast<std::uint16_t>(port);
            embedded_place_ = reader.get("first_port")->value.place;
        }
    }
    settings(reader);
}

void Builder::settings(const Reader& reader) {
    const Entry* table = reader.get("settings");
    if (table == nullptr) {
        return;
    }
    // The fleet sets these itself; another value would cut a node off, open it, or take it out of
    // replication.
    static constexpr std::string_view owned[] = {"port",
                                                 "listen_addresses",
                                                 "hba_file",
                                                 "ident_file",
                                                 "config_file",
                                                 "include",
                                                 "include_dir",
                                                 "include_if_exists",
                                                 "data_directory",
                                                 "external_pid_file",
                                                 "wal_level",
                                                 "hot_standby",
                                                 "password_encryption",
                                                 "fsync",
                                                 "full_page_writes",
                                                 "cluster_name",
                                                 "restore_command"};
    static constexpr std::string_view owned_prefixes[] = {"unix_socket_",    "ssl",  "primary_",
                                                          "recovery_target", "krb_", "domicile"};
    std::vector<std::pair<std::string, const Entry*>> found;
    for (const Entry& entry : table->value.entries) {
        // `pg_stat_statements.max = 1` is a table in TOML.
        if (entry.value.kind != Value::Kind::table) {
            found.emplace_back(entry.key, &entry);
            continue;
        }
        for (const Entry& inner : entry.value.entries) {
            found.emplace_back(entry.key + "." + inner.key, &inner);
        }
    }
    std::vector<std::string> seen;
    for (const auto& [name, entry] : found) {
        const Value& value = entry->value;
        std::string text;
        if (value.kind == Value::Kind::text) {
            text = value.text;
        } else if (value.kind == Value::Kind::integer) {
            text = std::to_string(value.integer);
        } else if (value.kind == Value::Kind::flag) {
            text = value.flag ? "on" : "off";
        } else {
            report_.add(value.place,
                        "setting " + quoted(name) + " must be text, an integer, true or false, not " +
                            std::string(describe(value.kind)),
                        "write the value as in postgresql.conf, texts in quotes");
            continue;
        }
        if (!is_setting(name)) {
            report_.add(entry->place, "malformed setting name " + quoted(name),
                        "use the lower-case name from the PostgreSQL manual");
        } else if (std::ranges::count(owned, name) != 0 ||
                   std::ranges::any_of(owned_prefixes,
                                       [&](std::string_view prefix) { return name.starts_with(prefix); })) {
            report_.add(entry->place, "setting " + quoted(name) + " is set by domicile itself", "remove it");
        } else if (printable(text) != text) {
            report_.add(value.place, "the value of setting " + quoted(name) + " holds a control character",
                        "write it on one line");
        } else if (std::ranges::count(seen, name) != 0) {
            report_.add(entry->place, "setting " + quoted(name) + " stands twice", "remove one of them");
        }
        seen.push_back(name);
        topology_.embedded.settings.emplace_back(name, std::move(text));
    }
}

void Builder::embedded_ports() {
    if (topology_.nodes.size() > nodes_max) {
        report_.add(root_.place("shards"), "more than " + std::to_string(nodes_max) + " nodes",
                    "split the system into several files");
        return;
    }
    const auto count = std::ranges::count(topology_.nodes, true, &Node::embedded);
    if (count > 0 && embedded_port_missing_) {
        report_.add(
            root_.place("embedded"),
            "[embedded] lacks `first_port`, which the " + std::to_string(count) + " embedded nodes need",
            "add: first_port = 7500");
    }
    if (!embedded_place_ || count == 0) {
        return;
    }
    const std::int64_t last = topology_.embedded.first_port + count - 1;
    if (last > std::numeric_limits<std::uint16_t>::max()) {
        report_.add(*embedded_place_,
                    "the embedded nodes need ports " + std::to_string(topology_.embedded.first_port) +
                        " to " + std::to_string(last) + ", which is more than 65535",
                    "choose a lower `first_port`");
        return;
    }
    std::uint16_t port = topology_.embedded.first_port;
    for (Node& node : topology_.nodes) {
        if (node.embedded) {
            node.address = {topology_.embedded.listen, port++};
            uses_.push_back({node.address, *embedded_place_, "embedded node " + quoted(node.name)});
        }
    }
}

void Builder::check_addresses() {
    std::ranges::sort(uses_, {}, [](const Use& use) { return std::pair(use.place, use.address.port); });
    std::unordered_map<std::string, const Use*> taken;
    for (const Use& use : uses_) {
        const auto [owner, fresh] = taken.try_emplace(canonical(use.address), &use);
        if (!fresh) {
            const Use& first = *owner->second;
            report_.add(use.place,
                        use.who + " takes " +
                            quoted(use.address.host + ":" + std::to_string(use.address.port)) + ", which " +
                            first.who + " has already (line " + std::to_string(first.place.line) + ")",
                        "give each its own port");
        }
    }
}

}  // namespace domicile::topology

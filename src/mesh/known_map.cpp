#include "mesh/known_map.hpp"

#include <algorithm>
#include <charconv>

namespace domicile::mesh {
namespace {

using Entry = topology::RangeMap::Entry;

std::unexpected<base::Error> malformed(std::string detail) {
    return base::fail(base::Code::protocol_violation, "What another region calls its range map is none.", {},
                      std::move(detail));
}

template <typename Number>
bool take_number(std::string_view& text, Number& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || value < 0) {
        return false;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

bool take(std::string_view& text, std::string_view start) {
    if (!text.starts_with(start)) {
        return false;
    }
    text.remove_prefix(start.size());
    return true;
}

/// "0-30000,60000-90000" up to the end of the line.
bool take_ranges(std::string_view& text, base::ShardIndex shard, std::vector<Entry>& entries) {
    while (!text.starts_with('\n')) {
        Entry entry{0, 0, shard};
        if (!take_number(text, entry.from) || !take(text, "-") || !take_number(text, entry.to) ||
            entry.from >= entry.to) {
            return false;
        }
        entries.push_back(entry);
        if (!text.starts_with('\n') && (!take(text, ",") || text.starts_with('\n'))) {
            return false;
        }
    }
    return take(text, "\n");
}

bool overlap(std::vector<Entry> entries) {
    std::ranges::sort(entries, {}, &Entry::from);
    for (std::size_t i = 1; i < entries.size(); ++i) {
        if (entries[i - 1].to > entries[i].from) {
            return true;
        }
    }
    return false;
}

KnownMap known_of(std::vector<Entry> entries, std::vector<std::uint64_t> epochs) {
    const auto highest = std::ranges::max(epochs);
    return {topology::RangeMap(std::move(entries), highest), std::move(epochs)};
}

}  // namespace

KnownMap declared(const topology::Topology& topology) {
    return {topology::RangeMap::of(topology),
            std::vector<std::uint64_t>(topology.jurisdictions.size(), topology.map_epoch)};
}

std::string map_text(const topology::Topology& topology, const KnownMap& known) {
    std::string text;
    for (std::uint16_t home = 0; home < topology.jurisdictions.size(); ++home) {
        text += "home " + topology.jurisdictions[home].name + " " + std::to_string(known.epochs[home]) + "\n";
        for (std::uint16_t shard = 0; shard < topology.shards.size(); ++shard) {
            if (topology.shards[shard].jurisdiction.value == home) {
                text += topology.shards[shard].name + " " + known.map.text_of(base::ShardIndex(shard)) + "\n";
            }
        }
    }
    return text;
}

base::Result<KnownMap> parse_map(const topology::Topology& topology, std::string_view text) {
    if (text.size() > map_bytes_max) {
        return malformed("too long");
    }
    const std::string_view whole = text;
    std::vector<Entry> entries;
    std::vector<std::uint64_t> epochs;
    for (std::uint16_t home = 0; home < topology.jurisdictions.size(); ++home) {
        std::uint32_t epoch = 0;
        if (!take(text, "home ") || !take(text, topology.jurisdictions[home].name) || !take(text, " ") ||
            !take_number(text, epoch) || epoch == 0 || !take(text, "\n")) {
            return malformed("home " + std::to_string(home));
        }
        epochs.push_back(epoch);
        for (std::uint16_t shard = 0; shard < topology.shards.size(); ++shard) {
            if (topology.shards[shard].jurisdiction.value != home) {
                continue;
            }
            if (!take(text, topology.shards[shard].name) || !take(text, " ") ||
                !take_ranges(text, base::ShardIndex(shard), entries)) {
                return malformed("shard " + std::to_string(shard));
            }
        }
    }
    if (!text.empty() || overlap(entries)) {
        return malformed(text.empty() ? "ranges overlap" : "more than a map");
    }
    auto known = known_of(std::move(entries), std::move(epochs));
    if (map_text(topology, known) != whole) {
        return malformed("one map, said another way");  // zeros in front, another order
    }
    return known;
}

base::Result<std::optional<KnownMap>> learn(const topology::Topology& topology, const KnownMap& own,
                                            const KnownMap& theirs,
                                            std::optional<base::JurisdictionIndex> from) {
    const auto home_of = [&](const Entry& entry) { return topology.at(entry.shard).jurisdiction; };
    std::vector<Entry> entries;
    auto epochs = own.epochs;
    bool changed = false;
    for (std::uint16_t home = 0; home < epochs.size(); ++home) {
        const base::JurisdictionIndex index(home);
        const bool believed = !from || *from == index;
        const bool newer = believed && theirs.epochs[home] > own.epochs[home];
        const auto of_home = [&](const KnownMap& known) {
            std::vector<Entry> some;
            std::ranges::copy_if(known.map.entries(), std::back_inserter(some),
                                 [&](const Entry& entry) { return home_of(entry) == index; });
            return some;
        };
        const auto mine = of_home(own);
        const auto others = of_home(theirs);
        if (believed && theirs.epochs[home] == own.epochs[home] && mine != others) {
            return base::fail(base::Code::configuration,
                              "Two range maps of " + topology.at(index).name + " have the same epoch " +
                                  std::to_string(own.epochs[home]) + ".",
                              "Raise `map_epoch` at each change of ranges.");
        }
        if (newer) {
            epochs[home] = theirs.epochs[home];
            changed = true;
        }
        std::ranges::copy(newer ? others : mine, std::back_inserter(entries));
    }
    if (!changed) {
        return std::nullopt;
    }
    // An id that had a home keeps it: people do not cross a border because a map says so.
    for (const Entry& entry : entries) {
        for (const Entry& before : own.map.overlapping(entry.from, entry.to)) {
            if (home_of(before) != home_of(entry)) {
                return base::fail(base::Code::configuration,
                                  "A range map of " + topology.at(home_of(entry)).name + " takes ids of " +
                                      topology.at(home_of(before)).name + ".",
                                  "Ids keep their home: move people by their own request, not by the map.");
            }
        }
    }
    if (overlap(entries)) {
        return base::fail(base::Code::configuration, "Range maps of two homes overlap.",
                          "Choose ranges that no home has.");
    }
    return known_of(std::move(entries), std::move(epochs));
}

}  // namespace domicile::mesh

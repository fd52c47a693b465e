#include "topology/range_map.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace domicile::topology {

RangeMap::RangeMap(std::vector<Entry> entries, std::uint64_t epoch)
    : entries_(std::move(entries)), epoch_(epoch) {
    std::ranges::sort(entries_, {}, &Entry::from);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        DOMICILE_ASSERT(entries_[i].from < entries_[i].to);
        DOMICILE_ASSERT(i == 0 || entries_[i - 1].to <= entries_[i].from);
    }
}

RangeMap RangeMap::of(const Topology& topology) {
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < topology.shards.size(); ++i) {
        for (const KeyRange& range : topology.shards[i].ranges) {
            entries.push_back({range.from, range.to, ShardIndex(static_cast<std::uint16_t>(i))});
        }
    }
    return {std::move(entries), topology.map_epoch};
}

std::vector<KeyRange> RangeMap::ranges_of(ShardIndex shard) const {
    std::vector<KeyRange> ranges;
    for (const Entry& entry : entries_) {
        if (entry.shard == shard) {
            ranges.push_back({entry.from, entry.to});
        }
    }
    return ranges;
}

std::string RangeMap::text_of(ShardIndex shard) const {
    return ranges_text(ranges_of(shard));
}

MapInForce::MapInForce(RangeMap map) : maps_{std::move(map)}, now_(&maps_.front()) {}

bool MapInForce::adopt(RangeMap map) {
    const std::lock_guard lock(adopting_);
    if (map.epoch() < now().epoch() || map == now()) {
        return false;
    }
    now_.store(&maps_.emplace_back(std::move(map)), std::memory_order_release);
    return true;
}

std::optional<ShardIndex> RangeMap::find(UserId user) const noexcept {
    const auto after = std::ranges::upper_bound(entries_, user.value, {}, &Entry::from);
    if (after == entries_.begin()) {
        return std::nullopt;
    }
    const Entry& entry = *std::prev(after);
    return user.value < entry.to ? std::optional(entry.shard) : std::nullopt;
}

std::span<const RangeMap::Entry> RangeMap::overlapping(std::int64_t from, std::int64_t to) const noexcept {
    if (from >= to) {
        return {};
    }
    const auto first = std::ranges::upper_bound(entries_, from, {}, &Entry::to);
    const auto last = std::ranges::lower_bound(first, entries_.end(), to, {}, &Entry::from);
    return {first, last};
}

}  // namespace domicile::topology

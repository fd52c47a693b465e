#include "routing/key_set.hpp"

#include <algorithm>

namespace domicile::routing {

KeySet KeySet::between(std::int64_t first, std::int64_t last) {
    KeySet made;
    if (first <= last) {
        made.intervals_.push_back({first, last});
    }
    return made;
}

KeySet KeySet::of(std::vector<std::int64_t> ids) {
    std::vector<Interval> intervals;
    intervals.reserve(ids.size());
    for (const std::int64_t id : ids) {
        intervals.push_back({id, id});
    }
    return normalised(std::move(intervals));
}

KeySet KeySet::normalised(std::vector<Interval> intervals) {
    std::ranges::sort(intervals, {}, &Interval::first);
    KeySet made;
    for (const Interval& one : intervals) {
        if (!made.intervals_.empty()) {
            Interval& before = made.intervals_.back();
            // Touching intervals are one. `before.last + 1` cannot overflow where it is reached.
            if (before.last == highest || one.first <= before.last + 1) {
                before.last = std::max(before.last, one.last);
                continue;
            }
        }
        made.intervals_.push_back(one);
    }
    return made;
}

KeySet KeySet::operator|(const KeySet& other) const {
    std::vector<Interval> both = intervals_;
    both.insert(both.end(), other.intervals_.begin(), other.intervals_.end());
    return normalised(std::move(both));
}

KeySet KeySet::operator&(const KeySet& other) const {
    KeySet made;
    auto a = intervals_.begin();
    auto b = other.intervals_.begin();
    while (a != intervals_.end() && b != other.intervals_.end()) {
        const std::int64_t first = std::max(a->first, b->first);
        const std::int64_t last = std::min(a->last, b->last);
        if (first <= last) {
            made.intervals_.push_back({first, last});
        }
        // The interval that ends first can meet nothing more.
        if (a->last < b->last) {
            ++a;
        } else {
            ++b;
        }
    }
    return made;
}

KeySet KeySet::operator~() const {
    KeySet made;
    std::int64_t from = lowest;
    for (const Interval& one : intervals_) {
        if (one.first > from) {
            made.intervals_.push_back({from, one.first - 1});
        }
        if (one.last == highest) {
            return made;
        }
        from = one.last + 1;
    }
    made.intervals_.push_back({from, highest});
    return made;
}

bool KeySet::contains(std::int64_t id) const noexcept {
    const auto after = std::ranges::upper_bound(intervals_, id, {}, &Interval::first);
    return after != intervals_.begin() && std::prev(after)->last >= id;
}

Placement place(const KeySet& keys, const topology::RangeMap& map) {
    Placement placement;
    for (const KeySet::Interval& interval : keys.intervals()) {
        // Follows the map's ranges [from, to) through the interval; a hole leaves `next` behind a range's
        // begin.
        std::int64_t next = interval.first;
        bool done = false;
        const auto entries = map.entries();
        auto entry = std::ranges::upper_bound(entries, interval.first, {}, &topology::RangeMap::Entry::to);
        for (; entry != entries.end() && entry->from <= interval.last; ++entry) {
            placement.complete = placement.complete && entry->from <= next;
            if (std::ranges::find(placement.shards, entry->shard) == placement.shards.end()) {
                placement.shards.push_back(entry->shard);
            }
            next = entry->to;
            done = entry->to > interval.last;
        }
        placement.complete = placement.complete && done;
    }
    return placement;
}

}  // namespace domicile::routing

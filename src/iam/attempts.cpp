#include "iam/attempts.hpp"

#include <algorithm>

namespace domicile::iam {

Attempts::Wait Attempts::wait(std::string_view key, Time now) const {
    const auto found = by_key_.find(key);
    if (found == by_key_.end() || now - found->second->last > forgotten ||
        found->second->failures < free_failures) {
        return Wait::zero();
    }
    const unsigned doublings = std::min(found->second->failures - free_failures, 16U);
    return std::min(first_wait * (1U << doublings), longest_wait);
}

void Attempts::failed(std::string_view key, Time now) {
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
        Entry& entry = *found->second;
        entry.failures = now - entry.last > forgotten ? 1 : entry.failures + 1;
        entry.last = now;
        entries_.splice(entries_.begin(), entries_, found->second);
        return;
    }
    if (entries_.size() >= kept_max) {
        by_key_.erase(entries_.back().key);
        entries_.pop_back();
    }
    entries_.push_front({std::string(key), 1, now});
    by_key_.emplace(entries_.front().key, entries_.begin());
}

void Attempts::succeeded(std::string_view key) {
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
        const auto entry = found->second;
        by_key_.erase(found);
        entries_.erase(entry);
    }
}

}  // namespace domicile::iam

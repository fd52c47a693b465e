#include "sql/plan_cache.hpp"

#define XXH_INLINE_ALL
#include <utility>

#include <xxhash.h>

namespace domicile::sql {
namespace {

std::size_t bytes_of(std::string_view shape, const Facts& facts) {
    std::size_t bytes = sizeof(Facts) + 200 + shape.size() + facts.tables.size() * sizeof(TableUse) +
                        facts.inserted_keys.size() * sizeof(Operand);
    for (const KeyGroup& group : facts.groups) {
        bytes += sizeof(KeyGroup) + group.tables.size() * sizeof(std::uint16_t);
        for (const KeyNode& node : group.predicate) {
            bytes += sizeof(KeyNode) + node.operands.size() * sizeof(Operand) +
                     node.children.size() * sizeof(std::uint16_t);
        }
    }
    return bytes;
}

}  // namespace

const std::shared_ptr<const Facts>* PlanCache::find(std::string_view shape) {
    asked_ = XXH3_64bits(shape.data(), shape.size());
    const auto found = by_hash_.find(asked_);
    if (found == by_hash_.end()) {
        return nullptr;
    }
    Entry& entry = entries_[found->second];
    if (entry.shape != shape) {
        return nullptr;
    }
    entry.used = true;
    return &entry.facts;
}

void PlanCache::evict(std::size_t index) {
    Entry& entry = entries_[index];
    by_hash_.erase(entry.hash);
    bytes_ -= entry.bytes;
    entry = {};
    free_.push_back(index);
}

void PlanCache::insert(std::string_view shape, std::shared_ptr<const Facts> facts) {
    const std::size_t bytes = bytes_of(shape, *facts);
    if (bytes > bytes_max_ || shapes_max_ == 0) {
        return;
    }
    if (const auto found = by_hash_.find(asked_); found != by_hash_.end()) {
        evict(found->second);  // another shape of the same hash
    }
    while (by_hash_.size() >= shapes_max_ || bytes_ + bytes > bytes_max_) {
        hand_ = (hand_ + 1) % entries_.size();
        if (entries_[hand_].facts != nullptr && !std::exchange(entries_[hand_].used, false)) {
            evict(hand_);
        }
    }
    if (free_.empty()) {
        free_.push_back(entries_.size());
        entries_.emplace_back();
    }
    const std::size_t index = free_.back();
    free_.pop_back();
    entries_[index] = {asked_, std::string(shape), std::move(facts), bytes, false};
    by_hash_.emplace(asked_, index);
    bytes_ += bytes;
}

}  // namespace domicile::sql

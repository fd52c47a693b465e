#pragma once
// How many erasures each shard's ledger holds, as the store outside the database says. A node that has fewer
// was restored, or promoted, from before an erasure: it would show people who have been erased, and serves
// nobody until they are erased again. Shared by all threads.

#include "topology/topology.hpp"

#include <atomic>
#include <cstdint>
#include <vector>

namespace domicile::pool {

class LedgerHeads {
  public:
    static constexpr std::uint64_t unknown = ~std::uint64_t{0};  ///< then nothing is served
    /// `first`: what counts until a head is known.
    LedgerHeads(const topology::Topology& topology, std::uint64_t first) : heads_(topology.shards.size()) {
        for (auto& head : heads_) {
            head.store(first, std::memory_order_relaxed);
        }
    }
    [[nodiscard]] std::uint64_t of(topology::ShardIndex shard) const noexcept {
        return heads_[shard.value].load(std::memory_order_relaxed);
    }
    void set(topology::ShardIndex shard, std::uint64_t head) noexcept {
        heads_[shard.value].store(head, std::memory_order_relaxed);
    }

  private:
    std::vector<std::atomic<std::uint64_t>> heads_;
};

}  // namespace domicile::pool

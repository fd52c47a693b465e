#pragma once
// Reads after writes without the application doing anything: for every user, the position of the last write
// this gateway carried, so that a later read of that user, on any connection and thread, finds a reader at
// least as far, or the writer. A fixed table of slots; two users who share one only make a read go to the
// writer more often, never stale. Lock-free, shared by all threads.

#include "base/ids.hpp"
#include "topology/topology.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

namespace domicile::pool {

class WritePositions {
  public:
    explicit WritePositions(const topology::Topology& topology) : shards_(topology.shards.size()) {}

    /// A write of `user` on `shard` is committed at or before `lsn`.
    void note(base::ShardIndex shard, base::UserId user, std::uint64_t lsn) noexcept {
        std::atomic<std::uint64_t>& slot = at(shard, user);
        std::uint64_t known = slot.load(std::memory_order_relaxed);
        while (known < lsn && !slot.compare_exchange_weak(known, lsn, std::memory_order_release)) {
        }
    }
    /// What a reader must have replayed to show this user's writes; 0 if nothing is known.
    [[nodiscard]] std::uint64_t required(base::ShardIndex shard, base::UserId user) noexcept {
        return at(shard, user).load(std::memory_order_acquire);
    }

  private:
    static constexpr std::size_t slots = 1U << 14U;
    using Table = std::array<std::atomic<std::uint64_t>, slots>;

    std::atomic<std::uint64_t>& at(base::ShardIndex shard, base::UserId user) noexcept {
        return shards_[shard.value][static_cast<std::uint64_t>(user.value) * 0x9E3779B97F4A7C15ULL >> 50U];
    }

    std::vector<Table> shards_;
};

}  // namespace domicile::pool

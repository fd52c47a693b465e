#pragma once
// Facts by shape, bounded in number and bytes; the least used go first (clock). Not thread-safe.

#include "sql/facts.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace domicile::sql {

class PlanCache {
  public:
    PlanCache(std::size_t shapes_max, std::size_t bytes_max)
        : shapes_max_(shapes_max), bytes_max_(bytes_max) {}

    /// Null if the shape is not known. Compares the whole shape: the hash has no key, so others can forge it.
    [[nodiscard]] const std::shared_ptr<const Facts>* find(std::string_view shape);
    /// REQUIRES: `shape` is what find() was last asked for, in vain.
    void insert(std::string_view shape, std::shared_ptr<const Facts> facts);

    [[nodiscard]] std::size_t size() const noexcept { return by_hash_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  private:
    struct Entry {
        std::uint64_t hash = 0;
        std::string shape;
        std::shared_ptr<const Facts> facts;
        std::size_t bytes = 0;
        bool used = false;
    };
    struct Identity {
        std::size_t operator()(std::uint64_t hash) const noexcept { return hash; }
    };
    void evict(std::size_t index);

    std::size_t shapes_max_;
    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    std::size_t hand_ = 0;
    std::uint64_t asked_ = 0;
    std::vector<Entry> entries_;
    std::vector<std::size_t> free_;
    std::unordered_map<std::uint64_t, std::size_t, Identity> by_hash_;
};

}  // namespace domicile::sql

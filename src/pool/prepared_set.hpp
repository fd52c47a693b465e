#pragma once
// Which statements a node connection has prepared, the least recently used first to go; and the session
// settings it has. Values only.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace domicile::pool {

/// A session's settings that differ from what the connection was opened with: name to the SQL that sets it.
using Settings = std::map<std::string, std::string, std::less<>>;
using SettingsPtr = std::shared_ptr<const Settings>;

class PreparedSet {
  public:
    explicit PreparedSet(std::size_t most = 256) : most_(most) {}

    /// True if the statement is prepared here; it then counts as used.
    [[nodiscard]] bool use(std::uint64_t id) {
        const auto found = places_.find(id);
        if (found == places_.end()) {
            return false;
        }
        order_.splice(order_.end(), order_, found->second.place);
        return true;
    }
    /// The same for a client that prepares it: then it must have been prepared after the last definition,
    /// since what it returns may have changed. (Who only executes it gets PostgreSQL's own word on that.)
    [[nodiscard]] bool use_fresh(std::uint64_t id) {
        const auto found = places_.find(id);
        if (found != places_.end() && found->second.age != age_) {
            doubt(id);
        }
        return use(id);
    }
    /// Adds a statement; gives the one that must be closed for it, if any.
    [[nodiscard]] std::optional<std::uint64_t> add(std::uint64_t id) {
        std::optional<std::uint64_t> evicted;
        if (places_.size() >= most_) {
            evicted = order_.front();
            places_.erase(order_.front());
            order_.pop_front();
        }
        places_[id] = {order_.insert(order_.end(), id), age_};
        return evicted;
    }
    /// Whether the node has it is not known (its batch failed): close it before it is prepared again.
    void doubt(std::uint64_t id) {
        const auto found = places_.find(id);
        if (found != places_.end()) {
            order_.erase(found->second.place);
            places_.erase(found);
            doubtful_.insert(id);
        }
    }
    /// The same for a client that prepared it, anywhere, when so many definitions had been made.
    [[nodiscard]] bool use_since(std::uint64_t id, std::uint64_t definitions) {
        const auto found = places_.find(id);
        if (found != places_.end() && found->second.age < definitions << local_bits) {
            doubt(id);
        }
        return use(id);
    }
    /// So many definitions have been made so far: see use_fresh().
    void note_definitions(std::uint64_t count) { age_ = std::max(age_, count << local_bits); }
    /// One more, that only this connection has seen.
    void grow_old() { ++age_; }
    /// True once for a statement in doubt.
    [[nodiscard]] bool take_doubt(std::uint64_t id) { return !doubtful_.empty() && doubtful_.erase(id) != 0; }
    void clear() {
        doubtful_.clear();
        places_.clear();
        order_.clear();
    }
    [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }

  private:
    struct Known {
        std::list<std::uint64_t>::iterator place;
        std::uint64_t age = 0;  // how many definitions had been made when it was prepared
    };
    std::size_t most_;
    static constexpr unsigned local_bits = 24;  // below them stand those of this connection alone
    std::uint64_t age_ = 0;
    std::unordered_set<std::uint64_t> doubtful_;
    std::list<std::uint64_t> order_;  // least recently used first
    std::unordered_map<std::uint64_t, Known> places_;
};

}  // namespace domicile::pool

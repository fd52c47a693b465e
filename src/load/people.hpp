#pragma once
// The people of a source: who there is, where each is at home, which id each has.

#include "base/ids.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace domicile::load {

struct Person {
    std::string key;                  ///< what names the person in the source; empty for a counter
    std::string country;              ///< ISO; decides the home
    std::set<std::string> countries;  ///< all that were seen
    base::UserId user;                ///< once known
    base::ShardIndex shard;
    bool known = false;    ///< has an id
    std::string conflict;  ///< why the rows of this person cannot be loaded; empty if they can
};

/// Collects people from records in order of time. Pure.
class People {
  public:
    /// A record says that `key` was in `country`; an empty key is a sale over the counter there.
    void see(std::string_view key, std::string_view country);

    /// Null if nobody was seen under that key (or, for an empty key, no counter in that country).
    [[nodiscard]] Person* find(std::string_view key, std::string_view country);
    [[nodiscard]] std::vector<Person*> all();
    [[nodiscard]] std::size_t count() const noexcept { return by_key_.size(); }

  private:
    std::map<std::string, Person, std::less<>> by_key_;
    std::map<std::string, Person, std::less<>> counters_;  // by country
};

}  // namespace domicile::load

#include "load/people.hpp"

namespace domicile::load {

void People::see(std::string_view key, std::string_view country) {
    auto& group = key.empty() ? counters_ : by_key_;
    const std::string_view name = key.empty() ? country : key;
    auto found = group.find(name);
    if (found == group.end()) {
        found = group.emplace(std::string(name), Person{}).first;
        found->second.key = key;
    }
    // The last place counts: home is where the person lives now.
    found->second.country = country;
    found->second.countries.emplace(country);
}

Person* People::find(std::string_view key, std::string_view country) {
    auto& group = key.empty() ? counters_ : by_key_;
    const auto found = group.find(key.empty() ? country : key);
    return found == group.end() ? nullptr : &found->second;
}

std::vector<Person*> People::all() {
    std::vector<Person*> people;
    for (auto* group : {&by_key_, &counters_}) {
        for (auto& [name, person] : *group) {
            people.push_back(&person);
        }
    }
    return people;
}

}  // namespace domicile::load

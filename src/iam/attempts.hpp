#pragma once
// Slows those who guess: how long the next answer waits, by the failures of an address and of an account
// before. Pure: the caller gives the time. Bounded: it forgets the oldest when it is full.

#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace domicile::iam {

class Attempts {
  public:
    using Time = std::chrono::steady_clock::time_point;
    using Wait = std::chrono::milliseconds;

    static constexpr unsigned free_failures = 5;  ///< people mistype
    static constexpr Wait first_wait{100};        ///< then doubled at each failure
    static constexpr Wait longest_wait{2'000};    ///< a lock-out would be a weapon against the account
    static constexpr std::chrono::minutes forgotten{10};  ///< after a quiet time
    static constexpr std::size_t kept_max = 65'536;

    /// How long to wait before the answer to whoever has this key.
    [[nodiscard]] Wait wait(std::string_view key, Time now) const;
    void failed(std::string_view key, Time now);
    void succeeded(std::string_view key);
    [[nodiscard]] std::size_t size() const noexcept { return by_key_.size(); }

  private:
    struct Entry {
        std::string key;
        unsigned failures = 0;
        Time last{};
    };
    std::list<Entry> entries_;                                                 ///< the latest failure first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;  ///< keys stand in the entries
};

}  // namespace domicile::iam

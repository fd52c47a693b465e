#pragma once
// What the parts of this room share: one request being worked on, and short ways to ask a shard.

#include "base/error.hpp"
#include "pool/maintenance.hpp"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::rights {

using Parameters = std::vector<std::optional<std::string>>;
inline constexpr auto answer_wait = std::chrono::seconds{60};
inline constexpr std::string_view rfc3339 = "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'";

struct Task {
    std::string request, user, kind, asked_at;
    std::string ground;      ///< of a restriction
    std::int64_t entry = 0;  ///< of the ledger; 0: none yet
    std::string salt, begun_at;
};

[[nodiscard]] inline std::int64_t number(const std::optional<std::string>& text) {
    std::int64_t value = 0;
    if (text) {
        std::from_chars(text->data(), text->data() + text->size(), value);
    }
    return value;
}
[[nodiscard]] inline base::Result<pool::ResultSet> ask(pool::MaintenanceClient& client,
                                                       std::string_view statement,
                                                       const Parameters& parameters) {
    return client.run(statement, parameters, answer_wait);
}
[[nodiscard]] std::string random_hex(std::size_t bytes);
/// "2026-11-27", so many days from today (UTC).
[[nodiscard]] std::string day_in(std::uint32_t days);

/// Readers of the shard's writer that have replayed a position, and those that had not within ten seconds. By
/// their replay position: not that they should have it, but that they have.
struct Readers {
    std::vector<std::string> there, not_there;
};
[[nodiscard]] Readers wait_for_readers(base::Result<pool::MaintenanceClient> monitor,
                                       const std::string& position);

}  // namespace domicile::rights

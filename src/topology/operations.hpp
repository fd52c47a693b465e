#pragma once
// What is watched, and who is told: `[alarms.*]`, `[notify.*]`, `[maintenance.*]` as values.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::topology {

enum class Severity : std::uint8_t { low, medium, high, critical };
[[nodiscard]] std::string_view name(Severity severity) noexcept;

/// How a rule counts a period in which there was no value.
enum class Missing : std::uint8_t { missing, ignore, breaching, not_breaching };

/// One alarm: a test of one fact of each resource of a kind, or a composition of other alarms over regions.
struct AlarmRule {
    enum class Test : std::uint8_t {
        above,
        below,
        rate_above,  ///< of a fact that grows, per minute
        absent,      ///< no value for so many seconds
        composite,
    };
    std::string name;
    Test test = Test::above;
    std::string resource = {};  ///< kind of resource: "node"
    std::string fact = {};      ///< "lag_ms"
    std::int64_t threshold = 0;
    std::uint32_t breaching = 1;  ///< of …
    std::uint32_t periods = 1;    ///< … the last so many
    std::uint32_t every_s = 1;    ///< length of a period
    Missing missing = Missing::ignore;
    Severity severity = Severity::medium;
    std::vector<std::string> any_of = {}, all_of = {}, none_of = {};
    std::uint32_t regions = 1;  ///< composite: in so many regions at least
    std::string why = {};
    std::string runbook = {};
    std::vector<std::string> notify = {};
    bool off = false;
};

/// Where an alarm's transitions are told.
struct Channel {
    enum class Kind : std::uint8_t { webhook, mail, command };
    std::string name;
    Kind kind = Kind::webhook;
    std::string target = {};              ///< a URL (https, or http on loopback; smtp:// or smtps://)
    std::vector<std::string> words = {};  ///< command: program and arguments; mail: receivers
    std::string from = {};                ///< mail
};

/// Planned work: alarms of these regions (all, if none is named) tell nobody meanwhile.
struct Maintenance {
    std::string name;
    std::int64_t from_s = 0;  ///< since 1970
    std::int64_t until_s = 0;
    std::vector<std::string> regions = {};
};

/// "2026-12-01T04:00Z" as seconds since 1970.
[[nodiscard]] std::optional<std::int64_t> read_instant(std::string_view text);
/// "3 of 5".
[[nodiscard]] std::optional<std::pair<std::uint32_t, std::uint32_t>> read_share(std::string_view text);

/// A kind of resource, and the facts that each may have: what alarms may be declared on. The name of a fact
/// carries its unit.
struct KnownFacts {
    std::string_view kind;
    std::vector<std::string_view> facts;
};
[[nodiscard]] const std::vector<KnownFacts>& known_facts();

/// The alarms that watch every system, in the order in which they are shown; a rule of the same name in the
/// file takes one's place.
[[nodiscard]] const std::vector<AlarmRule>& default_alarms();

}  // namespace domicile::topology

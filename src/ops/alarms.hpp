#pragma once
// From facts to alarms, and from alarms to what is told. Pure: time and values come in, transitions go out.
// Each region judges its own resources; composite alarms look over all regions.

#include "ops/facts.hpp"
#include "topology/topology.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::ops {

enum class AlarmState : std::uint8_t { ok, alarm, insufficient };
[[nodiscard]] std::string_view name(AlarmState state) noexcept;

/// Breaching, fine, or no value.
enum class Outcome : std::uint8_t { fine, breach, none };

/// What the last periods say, oldest first; nothing: the state stays as it was (`missing = "ignore"`).
/// M of n as CloudWatch counts: what can no longer change decides before all periods are over.
[[nodiscard]] std::optional<AlarmState> decide(const topology::AlarmRule& rule,
                                               std::span<const Outcome> periods);

/// One alarm of one resource.
struct Alarm {
    const topology::AlarmRule* rule = nullptr;
    std::string resource;  ///< its name; empty: composite
    std::string region;
    std::string jurisdiction;
    AlarmState state = AlarmState::insufficient;
    std::int64_t since_ms = 0;
    std::optional<double> value = {};
    std::int64_t silenced_until_ms = 0;
    std::vector<std::string> children = {};  ///< composite: what it counted
};

struct Transition {
    std::int64_t at_ms = 0;
    std::string alarm;
    std::string region;
    std::string resource;
    AlarmState from = AlarmState::insufficient;
    AlarmState to = AlarmState::ok;
};

/// Somebody said that they know.
struct Silence {
    std::string alarm;
    std::string region;    ///< empty: everywhere
    std::string resource;  ///< empty: all
    std::int64_t until_ms = 0;
    std::string by;
    std::string reason;
};
[[nodiscard]] bool covers(const Silence& silence, const Alarm& alarm, std::int64_t now_ms) noexcept;
/// Whether planned work is under way in the region.
[[nodiscard]] bool in_maintenance(const topology::Topology& topology, std::string_view region,
                                  std::int64_t now_ms);

/// An alarm as another region tells it.
struct AlarmView {
    std::string name;
    std::string region;
    std::string jurisdiction;
    std::string resource;
    AlarmState state = AlarmState::insufficient;
};

/// The memory of a region's alarms.
class Alarms {
  public:
    /// The topology outlives it.
    explicit Alarms(const topology::Topology& topology) : topology_(topology) {}

    /// Judges each rule for each resource of its kind. Transitions out of `insufficient` into `ok` are no
    /// news.
    std::vector<Transition> judge(std::int64_t now_ms, std::span<const Resource> resources);
    /// Composite alarms over everything that is known, own alarms included. `composer`: the region that does
    /// it for all.
    std::vector<Transition> compose(std::int64_t now_ms, std::span<const AlarmView> all,
                                    std::string_view composer, std::string_view jurisdiction);
    [[nodiscard]] std::vector<Alarm> all() const;
    [[nodiscard]] std::vector<AlarmView> views() const;

  private:
    struct Memory {
        Alarm alarm;
        std::deque<Outcome> periods;
        std::int64_t period = -1;      ///< number of the last one
        std::int64_t value_ms = 0;     ///< when there was a value
        std::int64_t seen_ms = 0;      ///< when the resource was there
        std::optional<double> before;  ///< for rates
        std::int64_t before_ms = 0;
    };
    void move(Memory& memory, AlarmState to, std::int64_t now_ms, std::vector<Transition>& transitions);
    void judge(Memory& memory, std::optional<double> value, std::int64_t now_ms,
               std::vector<Transition>& transitions);

    const topology::Topology& topology_;
    std::map<std::string, Memory> memories_;  ///< by rule, resource and region
};

/// "node.lag_ms > 10000 in 3 of 5 periods of 2 s".
[[nodiscard]] std::string describe(const topology::AlarmRule& rule);
/// As the page shows it (docs/operations.md).
[[nodiscard]] boost::json::object to_value(const Alarm& alarm);
[[nodiscard]] boost::json::object to_value(const Transition& transition);
/// The worst of the alarms that stand on a resource.
[[nodiscard]] State state_of(std::span<const Alarm> alarms, const Resource& resource) noexcept;
/// Words for a mail or a page.
[[nodiscard]] std::string sentence(const Alarm& alarm);

}  // namespace domicile::ops

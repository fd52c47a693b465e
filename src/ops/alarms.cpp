#include "ops/alarms.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <boost/json.hpp>

namespace domicile::ops {
namespace {

namespace json = boost::json;
using Test = topology::AlarmRule::Test;
using topology::Missing;

constexpr std::array<std::string_view, 3> states = {"ok", "alarm", "insufficient"};
// A resource that nobody speaks of any more was taken out of the system.
constexpr std::int64_t forget_ms = 60'000;

std::string key_of(const topology::AlarmRule& rule, const Resource& resource) {
    return rule.name + '\n' + resource.kind + '\n' + resource.name + '\n' + resource.region;
}

bool breaches(const topology::AlarmRule& rule, double value) {
    const auto bound = static_cast<double>(rule.threshold);
    return rule.test == Test::below ? value < bound : value > bound;
}

std::string_view unit_of(std::string_view fact) {
    for (const auto& [end, unit] :
         std::initializer_list<std::pair<std::string_view, std::string_view>>{{"_ms", "ms"},
                                                                              {"_per_s", "/s"},
                                                                              {"_s", "s"},
                                                                              {"_percent", "%"},
                                                                              {"_bytes", "bytes"},
                                                                              {"bytes", "bytes"},
                                                                              {"days_left", "days"},
                                                                              {"_days", "days"}}) {
        if (fact.ends_with(end)) {
            return unit;
        }
    }
    return "";
}

}  // namespace

std::string_view name(AlarmState state) noexcept {
    return states[static_cast<std::size_t>(state)];
}

std::optional<AlarmState> decide(const topology::AlarmRule& rule, std::span<const Outcome> periods) {
    std::uint32_t bad = 0;
    std::uint32_t none = 0;
    for (const Outcome one : periods) {
        const bool missing = one == Outcome::none;
        bad += one == Outcome::breach || (missing && rule.missing == Missing::breaching);
        none += missing && rule.missing != Missing::breaching && rule.missing != Missing::not_breaching;
    }
    if (bad >= rule.breaching) {
        return AlarmState::alarm;
    }
    const auto seen = static_cast<std::uint32_t>(periods.size());
    const std::uint32_t open = rule.periods - seen + none;  // may still turn out bad
    if (seen != 0 && none == seen) {
        return rule.missing == Missing::missing ? std::optional(AlarmState::insufficient) : std::nullopt;
    }
    if (bad + open < rule.breaching || seen >= rule.periods) {
        return AlarmState::ok;
    }
    return std::nullopt;
}

bool covers(const Silence& silence, const Alarm& alarm, std::int64_t now_ms) noexcept {
    return silence.until_ms > now_ms && alarm.rule != nullptr && silence.alarm == alarm.rule->name &&
           (silence.region.empty() || silence.region == alarm.region) &&
           (silence.resource.empty() || silence.resource == alarm.resource);
}

bool in_maintenance(const topology::Topology& topology, std::string_view region, std::int64_t now_ms) {
    return std::ranges::any_of(topology.maintenance, [&](const topology::Maintenance& work) {
        return work.from_s * 1'000 <= now_ms && now_ms < work.until_s * 1'000 &&
               (work.regions.empty() || std::ranges::count(work.regions, region) != 0);
    });
}

void Alarms::move(Memory& memory, AlarmState to, std::int64_t now_ms, std::vector<Transition>& transitions) {
    Alarm& alarm = memory.alarm;
    if (alarm.state == to) {
        return;
    }
    if (!(alarm.state == AlarmState::insufficient && to == AlarmState::ok)) {
        transitions.push_back({now_ms, alarm.rule->name, alarm.region, alarm.resource, alarm.state, to});
    }
    alarm.state = to;
    alarm.since_ms = now_ms;
}

void Alarms::judge(Memory& memory, std::optional<double> value, std::int64_t now_ms,
                   std::vector<Transition>& transitions) {
    const topology::AlarmRule& rule = *memory.alarm.rule;
    if (value) {
        memory.value_ms = now_ms;
    }
    if (rule.test == Test::absent) {
        const auto silent_ms = now_ms - memory.value_ms;
        memory.alarm.value = static_cast<double>(silent_ms) / 1'000;
        move(memory, silent_ms > rule.threshold * 1'000 ? AlarmState::alarm : AlarmState::ok, now_ms,
             transitions);
        return;
    }
    const std::int64_t period = now_ms / (std::int64_t{rule.every_s} * 1'000);
    if (period == memory.period) {
        return;
    }
    std::optional<double> tested = value;
    if (rule.test == Test::rate_above) {
        // A counter that has become smaller began anew: that period has no value.
        tested.reset();
        if (value && memory.before && *value >= *memory.before && now_ms > memory.before_ms) {
            tested = (*value - *memory.before) * 60'000 / static_cast<double>(now_ms - memory.before_ms);
        }
        memory.before = value;
        memory.before_ms = now_ms;
    }
    // A step that came late leaves periods without a value between.
    const std::int64_t skipped = memory.period < 0 ? 0 : period - memory.period - 1;
    for (std::int64_t i = 0; i < std::min<std::int64_t>(skipped, rule.periods); ++i) {
        memory.periods.push_back(Outcome::none);
    }
    memory.period = period;
    memory.periods.push_back(!tested                   ? Outcome::none
                             : breaches(rule, *tested) ? Outcome::breach
                                                       : Outcome::fine);
    while (memory.periods.size() > rule.periods) {
        memory.periods.pop_front();
    }
    if (tested) {
        memory.alarm.value = tested;
    }
    const std::vector<Outcome> periods(memory.periods.begin(), memory.periods.end());
    if (const auto state = decide(rule, periods)) {
        move(memory, *state, now_ms, transitions);
    }
}

std::vector<Transition> Alarms::judge(std::int64_t now_ms, std::span<const Resource> resources) {
    std::vector<Transition> transitions;
    for (const topology::AlarmRule& rule : topology_.alarms) {
        if (rule.off || rule.test == Test::composite) {
            continue;
        }
        for (const Resource& resource : resources) {
            if (resource.kind != rule.resource) {
                continue;
            }
            const auto value = resource.fact(rule.fact);
            auto known = memories_.find(key_of(rule, resource));
            if (known == memories_.end()) {
                if (!value && rule.missing == Missing::ignore && rule.test != Test::absent) {
                    continue;  // not every resource of a kind has every fact
                }
                known = memories_.emplace(key_of(rule, resource), Memory{}).first;
                known->second.alarm = {&rule, resource.name, resource.region, resource.jurisdiction};
                known->second.alarm.since_ms = known->second.value_ms = now_ms;
            }
            known->second.seen_ms = now_ms;
            judge(known->second, value, now_ms, transitions);
        }
    }
    for (auto at = memories_.begin(); at != memories_.end();) {
        Memory& memory = at->second;
        const bool gone = memory.alarm.rule->test != Test::composite && now_ms - memory.seen_ms > forget_ms;
        if (gone) {
            move(memory, AlarmState::ok, now_ms, transitions);
        }
        at = gone ? memories_.erase(at) : std::next(at);
    }
    return transitions;
}

std::vector<Transition> Alarms::compose(std::int64_t now_ms, std::span<const AlarmView> all,
                                        std::string_view composer, std::string_view jurisdiction) {
    std::vector<Transition> transitions;
    std::map<std::string, std::set<std::string>> active;  // by region
    for (const AlarmView& view : all) {
        if (view.state == AlarmState::alarm) {
            active[view.region].insert(view.name);
        }
    }
    for (const topology::AlarmRule& rule : topology_.alarms) {
        if (rule.off || rule.test != Test::composite) {
            continue;
        }
        std::vector<std::string> children;
        std::uint32_t regions = 0;
        for (const auto& [region, names] : active) {
            const auto stands = [&](const std::string& one) { return names.contains(one); };
            if ((!rule.any_of.empty() && std::ranges::none_of(rule.any_of, stands)) ||
                !std::ranges::all_of(rule.all_of, stands) || std::ranges::any_of(rule.none_of, stands)) {
                continue;
            }
            ++regions;
            for (const auto* list : {&rule.any_of, &rule.all_of}) {
                for (const std::string& one : *list) {
                    if (stands(one)) {
                        children.push_back(one + " in " + region);
                    }
                }
            }
        }
        Memory& memory = memories_[rule.name + "\n"];
        if (memory.alarm.rule == nullptr) {
            memory.alarm = {&rule, {}, std::string(composer), std::string(jurisdiction)};
            memory.alarm.since_ms = now_ms;
        }
        memory.alarm.value = regions;
        memory.alarm.children = std::move(children);
        move(memory, regions >= rule.regions ? AlarmState::alarm : AlarmState::ok, now_ms, transitions);
    }
    return transitions;
}

std::vector<Alarm> Alarms::all() const {
    std::vector<Alarm> alarms;
    for (const auto& [key, memory] : memories_) {
        alarms.push_back(memory.alarm);
    }
    return alarms;
}

std::vector<AlarmView> Alarms::views() const {
    std::vector<AlarmView> views;
    for (const auto& [key, memory] : memories_) {
        const Alarm& alarm = memory.alarm;
        views.push_back({alarm.rule->name, alarm.region, alarm.jurisdiction, alarm.resource, alarm.state});
    }
    return views;
}

std::string describe(const topology::AlarmRule& rule) {
    if (rule.test == Test::composite) {
        const auto joined = [](const std::vector<std::string>& names, std::string_view between) {
            std::string text;
            for (const auto& one : names) {
                text += (text.empty() ? "" : std::string(between)) + one;
            }
            return text;
        };
        std::string text = joined(rule.any_of, " or ");
        if (!rule.all_of.empty()) {
            text += (text.empty() ? "" : ", and ") + joined(rule.all_of, " and ");
        }
        if (!rule.none_of.empty()) {
            text += ", without " + joined(rule.none_of, " or ");
        }
        return text + ", in at least " + std::to_string(rule.regions) +
               (rule.regions == 1 ? " region" : " regions");
    }
    const std::string fact = rule.resource + "." + rule.fact;
    if (rule.test == Test::absent) {
        return fact + " absent for " + std::to_string(rule.threshold) + " s";
    }
    std::string text = fact +
                       (rule.test == Test::below   ? " < "
                        : rule.test == Test::above ? " > "
                                                   : " grows by more than ") +
                       std::to_string(rule.threshold) + (rule.test == Test::rate_above ? " a minute" : "");
    text += " in " + std::to_string(rule.breaching) + " of " + std::to_string(rule.periods) + " periods of " +
            std::to_string(rule.every_s) + " s";
    return text;
}

json::object to_value(const Alarm& alarm) {
    const auto or_null = [](const std::string& text) {
        return text.empty() ? json::value() : json::value(text);
    };
    const topology::AlarmRule& rule = *alarm.rule;
    const bool composite = rule.test == Test::composite;
    json::array children;
    for (const auto& child : alarm.children) {
        children.push_back(json::value(child));
    }
    return {{"name", rule.name},
            {"region", or_null(alarm.region)},
            {"jurisdiction", or_null(alarm.jurisdiction)},
            {"resource", or_null(alarm.resource)},
            {"state", name(alarm.state)},
            {"since", alarm.since_ms},
            {"value", alarm.value ? json::value(*alarm.value) : json::value()},
            {"threshold", composite ? json::value(rule.regions) : json::value(rule.threshold)},
            {"unit", composite ? std::string_view("regions") : unit_of(rule.fact)},
            {"severity", topology::name(rule.severity)},
            {"rule", describe(rule)},
            {"why", rule.why},
            {"runbook", rule.runbook},
            {"silenced_until",
             alarm.silenced_until_ms == 0 ? json::value() : json::value(alarm.silenced_until_ms)},
            {"children", std::move(children)}};
}

json::object to_value(const Transition& transition) {
    return {{"at", transition.at_ms},          {"name", transition.alarm},      {"region", transition.region},
            {"resource", transition.resource}, {"from", name(transition.from)}, {"to", name(transition.to)}};
}

State state_of(std::span<const Alarm> alarms, const Resource& resource) noexcept {
    State worst = State::ok;
    for (const Alarm& alarm : alarms) {
        if (alarm.rule->resource != resource.kind || alarm.resource != resource.name ||
            alarm.region != resource.region || alarm.state != AlarmState::alarm) {
            continue;
        }
        const bool bad = alarm.rule->severity >= topology::Severity::high;
        worst = std::max(worst, bad ? State::alarm : State::warning);
    }
    return worst;
}

std::string sentence(const Alarm& alarm) {
    std::string text = alarm.rule->name + ": " + std::string(name(alarm.state));
    if (!alarm.resource.empty()) {
        text += ", " + alarm.rule->resource + " " + alarm.resource;
    }
    if (!alarm.region.empty() && alarm.region != alarm.resource) {
        text += " in " + alarm.region;
    }
    return text + " (" + describe(*alarm.rule) + ")";
}

}  // namespace domicile::ops

#include "ops/render.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <boost/json.hpp>

namespace domicile::ops {
namespace {

namespace json = boost::json;

const json::array& list(const json::object& from, std::string_view key) {
    static const json::array none;
    const auto* found = from.if_contains(key);
    return found != nullptr && found->is_array() ? found->as_array() : none;
}

std::string text(const json::value& from, std::string_view key) {
    const auto* object = from.if_object();
    const auto* found = object == nullptr ? nullptr : object->if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

std::string number(const json::value* value) {
    if (value == nullptr || !value->is_number()) {
        return "-";
    }
    boost::system::error_code failed;
    const double known = value->to_number<double>(failed);
    if (std::abs(known) >= 100 || known == std::floor(known)) {
        return std::to_string(std::llround(known));
    }
    std::string digits = std::to_string(std::round(known * 10) / 10);
    return digits.substr(0, digits.find('.') + 2);
}

std::string pad(std::string word, std::size_t width, bool right = false) {
    const std::size_t missing = width > word.size() ? width - word.size() : 0;
    return right ? std::string(missing, ' ') + word : word + std::string(missing, ' ');
}

std::string_view shade(std::string_view state) {
    return state == "ok" ? "\x1b[32m" : state == "alarm" ? "\x1b[1;31m" : "\x1b[33m";
}

std::string painted(const std::string& word, std::string_view state, bool colour) {
    return colour ? std::string(shade(state)) + word + "\x1b[0m" : word;
}

/// The largest of a fact over a region's resources of a kind.
std::string worst(const json::object& overview, const std::string& region, std::string_view kind,
                  std::string_view fact) {
    const json::value* most = nullptr;
    boost::system::error_code failed;
    for (const auto& one : list(overview, "resources")) {
        const auto* object = one.if_object();
        const auto* facts = object == nullptr ? nullptr : object->if_contains("facts");
        if (text(one, "region") != region || text(one, "kind") != kind || facts == nullptr ||
            !facts->is_object()) {
            continue;
        }
        const auto* value = facts->as_object().if_contains(fact);
        if (value != nullptr && value->is_number() &&
            (most == nullptr || value->to_number<double>(failed) > most->to_number<double>(failed))) {
            most = value;
        }
    }
    return number(most);
}

std::string alarm_line(const json::value& alarm) {
    const auto* object = alarm.if_object();
    std::string line =
        pad(text(alarm, "state"), 13) + pad(text(alarm, "severity"), 10) + pad(text(alarm, "name"), 22);
    const std::string resource = text(alarm, "resource");
    line += pad(resource.empty() ? text(alarm, "region") : resource, 26);
    if (object != nullptr && object->contains("value") && object->at("value").is_number()) {
        line += number(object->if_contains("value")) + " " + text(alarm, "unit") + "  ";
    }
    line += text(alarm, "rule");
    if (object != nullptr && object->contains("silenced_until") && object->at("silenced_until").is_int64()) {
        line += "  (silenced)";
    }
    return line + "\n";
}

}  // namespace

std::string render_alarms(const json::object& overview, bool all) {
    std::string out;
    for (const auto& alarm : list(overview, "alarms")) {
        if (all || text(alarm, "state") == "alarm") {
            out += alarm_line(alarm);
            const auto* object = alarm.if_object();
            if (text(alarm, "state") == "alarm" && object != nullptr) {
                out += "    " + text(alarm, "why") + " See " + text(alarm, "runbook") + "\n";
                for (const auto& child : list(*object, "children")) {
                    out +=
                        "    " + std::string(child.is_string() ? child.as_string() : json::string()) + "\n";
                }
            }
        }
    }
    return out.empty() ? "no alarm stands\n" : out;
}

std::string render_advice(const json::object& overview, std::string_view pillar, bool acknowledged) {
    std::string out;
    for (const auto& one : list(overview, "advice")) {
        const auto* object = one.if_object();
        const bool known =
            object != nullptr && object->contains("acknowledged") && object->at("acknowledged").is_object();
        if ((!pillar.empty() && text(one, "pillar") != pillar) || (known && !acknowledged)) {
            continue;
        }
        out += pad(text(one, "severity"), 8) + pad(text(one, "pillar"), 13) + text(one, "title") + "\n    " +
               text(one, "resource") + ": " + text(one, "evidence") + "\n    " + text(one, "why") +
               "\n    mend: " + text(one, "command") + "\n    " + text(one, "id") +
               (known ? "  (acknowledged)" : "") + "\n";
    }
    return out.empty() ? "nothing to advise\n" : out;
}

std::string render_top(const json::object& overview, bool colour) {
    std::string out = text(overview, "deployment") + ", seen from " + text(overview, "seen_from") +
                      ", range map " + number(overview.if_contains("map_epoch")) + "\n\n";
    out += pad("REGION", 18) + pad("HOME", 8) + pad("STATE", 9) + pad("SEEN", 7, true) +
           pad("REQ/S", 9, true) + pad("SQL/S", 9, true) + pad("REFUSED/S", 11, true) +
           pad("SESSIONS", 10, true) + pad("P99 ms", 9, true) + pad("LAG ms", 9, true) +
           pad("OUTBOX", 9, true) + "\n";
    for (const auto& region : list(overview, "regions")) {
        const auto* object = region.if_object();
        const auto* figures = object == nullptr ? nullptr : object->if_contains("figures");
        const auto figure = [&](std::string_view key) {
            return number(figures != nullptr && figures->is_object() ? figures->as_object().if_contains(key)
                                                                     : nullptr);
        };
        const std::string name = text(region, "name");
        const std::string state = text(region, "state");
        const std::string seen = number(object == nullptr ? nullptr : object->if_contains("seen_s"));
        out += pad(name, 18) + pad(text(region, "jurisdiction"), 8) + painted(pad(state, 9), state, colour) +
               pad(seen == "-" ? seen : seen + " s", 7, true) + pad(figure("requests_per_s"), 9, true) +
               pad(figure("statements_per_s"), 9, true) + pad(figure("refusals_per_s"), 11, true) +
               pad(figure("sessions"), 10, true) + pad(figure("p99_ms"), 9, true) +
               pad(worst(overview, name, "node", "lag_ms"), 9, true) +
               pad(worst(overview, name, "shard", "outbox_events"), 9, true) + "\n";
    }
    out += "\n" + render_alarms(overview, false);
    std::size_t open = 0;
    for (const auto& one : list(overview, "advice")) {
        const auto* object = one.if_object();
        open += object != nullptr && object->contains("acknowledged") && object->at("acknowledged").is_null();
    }
    return out + std::to_string(open) + " findings of the advisor: domicile advise\n";
}

}  // namespace domicile::ops

#include "app/said.hpp"

#include "app/watch.hpp"
#include "topology/operations.hpp"

#include <chrono>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using base::Code;

constexpr std::size_t said_max = 256;
constexpr std::int64_t silence_minutes_max = 7 * 24 * 60;

std::int64_t now_ms() {
    return std::chrono::system_clock::now().time_since_epoch() / 1ms;
}

std::unexpected<base::Error> invalid(std::string text, std::string hint) {
    return base::fail(Code::invalid_value, std::move(text), std::move(hint));
}

base::Result<json::object> object_of(std::string_view body) {
    boost::system::error_code failed;
    json::parse_options bounds;
    bounds.max_depth = 4;
    auto value = json::parse(body, failed, {}, bounds);
    if (failed || !value.is_object()) {
        return base::fail(Code::malformed_request, "The body is no JSON object.");
    }
    return value.as_object();
}

std::string text_of(const json::object& from, std::string_view key) {
    const auto* found = from.if_contains(key);
    return found != nullptr && found->is_string() && found->as_string().size() <= 1'000
               ? std::string(found->as_string())
               : std::string();
}

/// One statement that somebody has made, with its end; or why it cannot be.
base::Result<json::object> statement_of(std::string_view what, std::string_view body, std::string_view who,
                                        std::string_view jurisdiction) {
    const auto said = object_of(body);
    if (!said) {
        return std::unexpected(said.error());
    }
    const std::string reason = text_of(*said, "reason");
    if (reason.empty()) {
        return invalid("It needs a reason.", "{\"reason\":\"…\"}");
    }
    json::object kept = {{"reason", reason}, {"by", who}, {"jurisdiction", jurisdiction}};
    if (what == "silences") {
        const auto* minutes = said->if_contains("minutes");
        if (text_of(*said, "alarm").empty() || minutes == nullptr || !minutes->is_int64() ||
            minutes->as_int64() < 1 || minutes->as_int64() > silence_minutes_max) {
            return invalid("A silence needs the alarm's name and minutes, a week at most.",
                           "{\"alarm\":\"replica-lag\",\"minutes\":60,\"reason\":\"…\"}");
        }
        kept["alarm"] = text_of(*said, "alarm");
        kept["region"] = text_of(*said, "region");
        kept["resource"] = text_of(*said, "resource");
        kept["until"] = now_ms() + minutes->as_int64() * 60'000;
        return kept;
    }
    const auto until = topology::read_instant(text_of(*said, "until") + "T23:59Z");
    if (text_of(*said, "id").empty() || !until || *until * 1'000 <= now_ms()) {
        return invalid("An acknowledgement needs the finding's id and a day to come.",
                       "{\"id\":\"…\",\"until\":\"2027-01-31\",\"reason\":\"…\"}");
    }
    kept["id"] = text_of(*said, "id");
    kept["until_day"] = text_of(*said, "until");
    kept["until"] = *until * 1'000;
    return kept;
}

}  // namespace

base::Status say(const RegionFiles& files, std::string_view jurisdiction, std::string_view what,
                 std::string_view body, std::string_view who) {
    const auto kept = statement_of(what, body, who, jurisdiction);
    if (!kept) {
        return std::unexpected(kept.error());
    }
    const char* file = what == "silences" ? silences_file : acknowledgements_file;
    boost::system::error_code failed;
    const auto before = json::parse(files.said(file), failed);
    json::array list;
    for (const auto& one : !failed && before.is_array() ? before.as_array() : json::array()) {
        // What is over is forgotten; what is said anew takes the old one's place.
        const auto* object = one.if_object();
        const auto* until = object == nullptr ? nullptr : object->if_contains("until");
        if (until == nullptr || !until->is_int64() || until->as_int64() <= now_ms() ||
            (object->contains("id") && kept->contains("id") && object->at("id") == kept->at("id"))) {
            continue;
        }
        list.push_back(one);
    }
    list.push_back(*kept);
    if (list.size() > said_max) {
        list.erase(list.begin());
    }
    files.keep_said(file, json::serialize(list));
    return {};
}

}  // namespace domicile::app

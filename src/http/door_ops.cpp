// /v1/ops and /console/: what is watched, for whoever may see it. docs/operations.md describes the answers.

#include "http/call.hpp"
#include "http/door.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace domicile::http {
namespace {

using base::Code;
using net::Task;

// No script but our own files, nothing from anywhere else, and nobody may frame it (CSP Level 3).
constexpr std::string_view console_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'";
constexpr std::chrono::milliseconds beat{1'000};
// A proxy between takes silence for death.
constexpr int beats_silent_max = 8;

std::string_view parameter(const Target& target, std::string_view name) {
    for (const auto& [key, value] : target.query) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

std::unexpected<base::Error> nothing_known() {
    return base::fail(Code::node_unavailable, "Nothing is known of the regions: no worker watches here.",
                      "`domicile status` says whether the region's worker runs.");
}

std::string who_asks(const access::Caller& caller, const std::vector<bool>& may,
                     const topology::Topology& topology, const access::Judge& judge,
                     topology::JurisdictionIndex own) {
    boost::json::array actions;
    if (std::ranges::count(may, true) != 0) {
        actions.push_back("ops:Read");
    }
    const std::string fleet = "arn:domicile:ops::" + topology.at(own).name + ":fleet";
    for (const char* action : {"ops:Silence", "ops:Acknowledge", "iam:ReadPolicies"}) {
        if (judge.permits(caller, action, fleet)) {
            actions.push_back(boost::json::value(action));
        }
    }
    return boost::json::serialize(
        boost::json::object{{"principal", caller.principal.name}, {"may", std::move(actions)}});
}

/// `known`: what was sent before, by section; what has not changed is left out.
std::string changed(const Sections& sections, std::vector<std::pair<std::string, std::size_t>>& known) {
    std::string text = "{";
    for (const auto& [name, json] : sections) {
        const auto hash = std::hash<std::string>{}(json);
        const auto found = std::ranges::find(known, name, &std::pair<std::string, std::size_t>::first);
        if (found != known.end() && found->second == hash) {
            continue;
        }
        if (found != known.end()) {
            found->second = hash;
        } else {
            known.emplace_back(name, hash);
        }
        text += (text.size() == 1 ? "\"" : ",\"") + name + "\":" + json;
    }
    return text + "}";
}

}  // namespace

base::Result<std::vector<bool>> Door::readable(Call& call) {
    std::vector<bool> may;
    base::Error last;
    for (const auto& jurisdiction : shared_.topology.jurisdictions) {
        auto permitted = shared_.judge.permits(call.caller, "ops:Read",
                                               "arn:domicile:ops::" + jurisdiction.name + ":fleet");
        may.push_back(permitted.has_value());
        if (!permitted) {
            last = std::move(permitted.error());
        }
    }
    if (std::ranges::count(may, true) == 0) {
        return std::unexpected(std::move(last));
    }
    return may;
}

void Door::stream_overview(Call& call, std::vector<bool> may, std::string you) {
    struct State {
        std::vector<bool> may;
        std::string you;
        std::vector<std::pair<std::string, std::size_t>> known;
        int silent = 0;
    };
    call.response.content_type("text/event-stream");
    auto state = std::make_shared<State>(State{std::move(may), std::move(you), {}, beats_silent_max});
    const auto* operations = &shared_.operations;
    call.response.source(
        {.bytes = BodySource::endless,
         .next = [state, operations](base::Buffer& out) { return next_overview(*state, *operations, out); },
         .pause = beat});
}

template <class State>
Task<base::Status> Door::next_overview(State& state, const Operations& operations, base::Buffer& out) {
    const auto sections = operations.overview(state.may);
    std::string data = sections == nullptr ? std::string("{}") : changed(*sections, state.known);
    // "at" changes always; alone it is worth a word only now and then.
    if (data.size() > 40 || ++state.silent >= beats_silent_max) {
        state.silent = 0;
        if (!state.you.empty() && data.size() > 2) {
            data.insert(1, "\"you\":" + std::exchange(state.you, {}) + ",");
        }
        out.append("event: overview\ndata: ");
        out.append(data);
        out.append("\n\n");
    }
    co_return base::Status{};
}

template <class State>
Task<base::Status> Door::next_refusals(State& state, const Operations& operations, base::Buffer& out) {
    for (const auto& one : operations.refusals(state.seen)) {
        out.append("event: refusal\ndata: ");
        out.append(one);
        out.append("\n\n");
        state.silent = 0;
    }
    if (++state.silent >= beats_silent_max) {
        state.silent = 0;
        out.append(": still here\n\n");
    }
    co_return base::Status{};
}

void Door::stream_refusals(Call& call) {
    struct State {
        std::uint64_t seen = 0;
        int silent = 0;
    };
    call.response.content_type("text/event-stream");
    auto state = std::make_shared<State>();
    const auto* operations = &shared_.operations;
    call.response.source(
        {.bytes = BodySource::endless,
         .next = [state, operations](base::Buffer& out) { return next_refusals(*state, *operations, out); },
         .pause = beat});
}

base::Status Door::console(Call& call) {
    const Asset* asset = shared_.operations.asset ? shared_.operations.asset(call.target.table) : nullptr;
    if (asset == nullptr) {
        return base::fail(Code::unknown_resource, "There is no such page.", "/console/");
    }
    call.response.content_type(asset->type);
    call.response.own_headers();
    call.response.header("Content-Security-Policy", console_policy);
    call.response.header("Referrer-Policy", "no-referrer");
    call.response.header("Cross-Origin-Opener-Policy", "same-origin");
    call.response.header("Cross-Origin-Resource-Policy", "same-origin");
    call.response.body().append(asset->bytes);
    return {};
}

base::Status Door::operations(Call& call, Method method) {
    const Operations& ops = shared_.operations;
    const std::string_view what = call.target.table;
    const std::string own_fleet = "arn:domicile:ops::" + shared_.topology.at(own_).name + ":fleet";
    base::Buffer& body = call.response.body();
    if (what == "silences" || what == "acknowledgements") {
        if (method != Method::post) {
            return base::fail(Code::method_not_allowed, "This resource does not take that method.");
        }
        const std::string_view action = what == "silences" ? "ops:Silence" : "ops:Acknowledge";
        if (auto may = shared_.judge.permits(call.caller, action, own_fleet); !may) {
            return may;
        }
        if (auto said = ops.say(what, call.request.body, call.caller.principal.name); !said) {
            return said;
        }
        call.response.status(204);
        return {};
    }
    if (what == "policies/simulate" || what == "policies/who-can") {
        if (auto may = shared_.judge.permits(call.caller, "iam:ReadPolicies", own_fleet); !may) {
            return may;
        }
        auto answer = what == "policies/simulate"
                          ? ops.simulate(call.request.body)
                          : ops.who_can(parameter(call.target, "action"), parameter(call.target, "resource"));
        if (!answer) {
            return std::unexpected(std::move(answer.error()));
        }
        body.append(*answer);
        return {};
    }
    if (method != Method::get) {
        return base::fail(Code::method_not_allowed, "This resource does not take that method.");
    }
    const auto may = readable(call);
    if (!may) {
        return std::unexpected(may.error());
    }
    if (what == "statistics") {
        boost::json::array metrics;
        for (const auto& one : shared_.topology.statistics) {
            boost::json::array measures = {"rows"};
            for (const auto& sum : one.sums) {
                measures.push_back(boost::json::value(sum));
            }
            metrics.push_back(
                {{"name", one.name},
                 {"dimensions", boost::json::value_from(one.dimensions())},
                 {"measures", std::move(measures)},
                 {"time", one.time.empty() ? boost::json::value() : boost::json::value(one.time)}});
        }
        body.append(boost::json::serialize(boost::json::object{{"metrics", std::move(metrics)}}));
        return {};
    }
    if (what == "refusals") {
        if (!(*may)[own_.value]) {
            return shared_.judge.permits(call.caller, "ops:Read", own_fleet);
        }
        stream_refusals(call);
        return {};
    }
    if (what == "history") {
        const auto region = shared_.topology.region(parameter(call.target, "region"));
        if (!region || !(*may)[shared_.topology.at(*region).jurisdiction.value]) {
            return base::fail(Code::unknown_resource, "There is no such region, or it is not yours to see.");
        }
        auto points = ops.history(parameter(call.target, "region"), parameter(call.target, "resource"),
                                  parameter(call.target, "series"), parameter(call.target, "range"));
        if (!points) {
            return std::unexpected(std::move(points.error()));
        }
        body.append(*points);
        return {};
    }
    if (what != "overview" && what != "stream") {
        return base::fail(Code::unknown_resource, "There is no such resource.",
                          "docs/operations.md lists them all.");
    }
    const auto sections = ops.overview(*may);
    if (sections == nullptr) {
        return nothing_known();
    }
    std::string you = who_asks(call.caller, *may, shared_.topology, shared_.judge, own_);
    if (what == "stream") {
        stream_overview(call, *may, std::move(you));
        return {};
    }
    std::vector<std::pair<std::string, std::size_t>> none;
    std::string text = changed(*sections, none);
    text.insert(1, "\"you\":" + you + (text.size() > 2 ? "," : ""));
    body.append(text);
    return {};
}

}  // namespace domicile::http

#include "app/region_files.hpp"

#include "base/log.hpp"
#include "fleet/state_dir.hpp"

#include <algorithm>
#include <chrono>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::chrono::seconds view_age_max{10};

}  // namespace

void RegionFiles::keep(const char* name, const std::string& text) const {
    if (const auto written = fleet::write_file(folder_ / name, text, 0600, nullptr); !written) {
        base::log::warn("region.file", {{"file", name}, {"error", base::describe(written.error())}});
    }
    // The operator at the machine is root; who reads the file owns its folder.
    struct stat owner{};
    if (::geteuid() == 0 && ::stat(folder_.c_str(), &owner) == 0) {
        std::ignore = ::chown((folder_ / name).c_str(), owner.st_uid, owner.st_gid);
    }
}

mesh::KnownMap RegionFiles::map(const topology::Topology& topology) const {
    auto known = mesh::declared(topology);
    const auto text = fleet::read_file(folder_ / "map");
    if (!text) {
        return known;
    }
    const auto kept = mesh::parse_map(topology, *text);
    auto newer = kept ? mesh::learn(topology, known, *kept, std::nullopt) : std::unexpected(kept.error());
    if (!newer) {
        base::log::warn("region.map", {{"error", base::describe(newer.error())}});
        return known;
    }
    return *newer ? std::move(**newer) : known;
}

fs::file_time_type RegionFiles::map_time() const {
    std::error_code none;
    return fs::last_write_time(folder_ / "map", none);
}

void RegionFiles::keep_map(const topology::Topology& topology, const mesh::KnownMap& known) const {
    keep("map", mesh::map_text(topology, known));
}

void RegionFiles::keep_view(const std::string& view) const {
    keep("view.json", view);
}

std::string RegionFiles::fresh(const char* name) const {
    std::error_code error;
    const auto written = fs::last_write_time(folder_ / name, error);
    if (error || fs::file_time_type::clock::now() - written > view_age_max) {
        return {};
    }
    return fleet::read_file(folder_ / name).value_or(std::string());
}

std::string RegionFiles::view() const {
    std::string view = fresh("view.json");
    const std::string facts = fresh("facts.json");
    if (facts.empty()) {
        return view;
    }
    if (view.size() < 2 || !view.ends_with('}')) {
        return "{\"facts\":" + facts + "}";
    }
    view.pop_back();
    return view + ",\"facts\":" + facts + "}";
}

std::string RegionFiles::said(const char* what) const {
    return fleet::read_file(folder_ / what).value_or(std::string());
}

void RegionFiles::keep_metrics(const std::string& text) const {
    keep("worker.prom", text);
}

std::string RegionFiles::metrics() const {
    return fleet::read_file(folder_ / "worker.prom").value_or(std::string());
}

void RegionFiles::keep_seen(const topology::Topology& topology, const std::vector<mesh::Peer>& peers) const {
    json::array all;
    for (const mesh::Peer& peer : peers) {
        json::object one = {{"region", topology.at(peer.region).name}, {"reachable", peer.reachable}};
        if (peer.reachable) {
            one["same_map"] = peer.same_map;
            one["round_trip_us"] = peer.round_trip_us;
            boost::system::error_code malformed;
            json::parse_options bounds;
            bounds.max_depth = 16;
            auto view = json::parse(peer.view, malformed, {}, bounds);
            one["view"] = malformed ? json::value() : std::move(view);
        }
        all.push_back(std::move(one));
    }
    keep("seen.json", json::serialize(all) + "\n");
}

std::string RegionFiles::seen() const {
    return fleet::read_file(folder_ / "seen.json").value_or(std::string());
}

std::string render_seen(const std::string& seen) {
    boost::system::error_code malformed;
    const auto all = json::parse(seen, malformed);
    std::string text = "REGION          REACHABLE  MAP    ROUND TRIP  NODES\n";
    if (malformed || !all.is_array()) {
        return text;
    }
    const auto pad = [](std::string word, std::size_t width) {
        word.resize(std::max(width, word.size() + 1), ' ');
        return word;
    };
    for (const auto& peer : all.get_array()) {
        const auto& one = peer.as_object();
        const bool reachable = one.at("reachable").as_bool();
        text += pad(std::string(one.at("region").as_string()), 16) + pad(reachable ? "yes" : "no", 11);
        if (reachable) {
            text += pad(one.at("same_map").as_bool() ? "same" : "other", 7) +
                    pad(std::to_string(one.at("round_trip_us").as_int64()) + " us", 12);
            const auto* view = one.at("view").if_object();
            const auto* nodes =
                view != nullptr && view->contains("nodes") ? view->at("nodes").if_array() : nullptr;
            std::size_t up = 0;
            for (const auto& node : nodes != nullptr ? *nodes : json::array()) {
                const auto* known = node.if_object();
                up += known != nullptr && known->contains("up") && known->at("up") == json::value(true);
            }
            text += nodes == nullptr ? "no gateway"
                                     : std::to_string(up) + " of " + std::to_string(nodes->size()) + " up";
        }
        text += "\n";
    }
    return text;
}

std::string render_view(const topology::Topology& topology, topology::RegionIndex region, std::uint64_t epoch,
                        const std::map<std::uint16_t, routing::NodeState>& nodes) {
    json::array all;
    for (const auto& [index, state] : nodes) {
        json::object one = {{"node", topology.at(topology::NodeIndex(index)).name}, {"up", state.up}};
        if (state.up) {
            one["role"] = state.in_recovery ? "reader" : "writer";
            one["lag_ms"] = state.lag_ms;
        }
        all.push_back(std::move(one));
    }
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return json::serialize(json::object{{"region", topology.at(region).name},
                                        {"at", now / std::chrono::seconds{1}},
                                        {"map_epoch", epoch},
                                        {"nodes", std::move(all)}});
}

}  // namespace domicile::app

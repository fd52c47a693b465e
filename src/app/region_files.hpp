#pragma once
// What a region's gateway and relay tell each other and the operator, as small files in
// STATE/regions/<region>:
//   map        the range map, when another region had a newer one than the topology file
//   view.json  how this region's nodes are: written by the gateway, handed to other regions by the relay
//   seen.json  what the relay knows of the other regions
//   worker.prom  the worker's metrics
//   gateway.json what the gateway counts, for the worker, which watches
//   facts.json   what the region says of itself (ops/facts): written by the worker, handed on by the relay
//   overview.json  all regions as this one sees them: written by the worker, shown by the gateway
//   silences.json, acknowledgements.json  what operators have said
//   history      a small time series (ops/series)

#include "base/error.hpp"
#include "mesh/known_map.hpp"
#include "mesh/relay.hpp"
#include "routing/node_choice.hpp"
#include "topology/topology.hpp"

#include <filesystem>
#include <map>
#include <stop_token>
#include <string>

namespace domicile::app {

class RegionFiles {
  public:
    explicit RegionFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// The map in force: the declared one, and what was learned since. A file that cannot be used is logged
    /// and counts as none.
    [[nodiscard]] mesh::KnownMap map(const topology::Topology& topology) const;
    [[nodiscard]] std::filesystem::file_time_type map_time() const;
    void keep_map(const topology::Topology& topology, const mesh::KnownMap& known) const;

    void keep_view(const std::string& view) const;
    /// Empty if there is none, or it is older than a few seconds: then the gateway does not live.
    [[nodiscard]] std::string view() const;

    /// The worker's metrics, for whoever asks the gateway.
    void keep_metrics(const std::string& text) const;
    [[nodiscard]] std::string metrics() const;

    void keep_gateway(const std::string& text) const { keep("gateway.json", text); }
    [[nodiscard]] std::string gateway() const { return fresh("gateway.json"); }
    void keep_facts(const std::string& text) const { keep("facts.json", text); }
    void keep_overview(const std::string& text) const { keep("overview.json", text); }
    /// Empty if no worker has written it for a few seconds.
    [[nodiscard]] std::string overview() const { return fresh("overview.json"); }
    [[nodiscard]] std::filesystem::path history() const { return folder_ / "history"; }
    /// A JSON list.
    [[nodiscard]] std::string said(const char* what) const;
    void keep_said(const char* what, const std::string& list) const { keep(what, list); }

    void keep_seen(const topology::Topology& topology, const std::vector<mesh::Peer>& peers) const;
    /// A JSON list; empty if there is none.
    [[nodiscard]] std::string seen() const;
    /// The same, but empty if the relay has not written it for a few seconds.
    [[nodiscard]] std::string seen_now() const { return fresh("seen.json"); }

  private:
    void keep(const char* name, const std::string& text) const;
    [[nodiscard]] std::string fresh(const char* name) const;
    std::filesystem::path folder_;
};

/// `seen` as columns.
[[nodiscard]] std::string render_seen(const std::string& seen);

/// One JSON object: names of nodes and numbers.
[[nodiscard]] std::string render_view(const topology::Topology& topology, topology::RegionIndex region,
                                      std::uint64_t epoch,
                                      const std::map<std::uint16_t, routing::NodeState>& nodes);

}  // namespace domicile::app

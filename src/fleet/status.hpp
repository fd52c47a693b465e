#pragma once
// What runs, as plain values, and its two renderings. Rendering is pure.

#include "topology/topology.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace domicile::fleet {

struct DoorStatus {
    std::string name;  ///< the region
    std::string jurisdiction;
    bool writer = false;
    std::string http;   ///< URL
    std::string sql;    ///< URL
    std::string state;  ///< "ready", "starting", "down"
    std::optional<int> pid;
    std::string mesh = {};  ///< its relay: "ready", "down"; empty: the region is not in the mesh
    std::optional<int> mesh_pid = {};
    std::string worker = {};  ///< its worker, likewise; empty: nothing happens after a commit
    std::optional<int> worker_pid = {};
};

struct NodeStatus {
    std::string name;
    std::string region;
    std::string address;  ///< host:port
    std::string state;    ///< "ready", "starting", "stopping", "down"; a reader also "streaming", "catchup"
    std::optional<int> pid;
    std::optional<std::int64_t> lag_bytes;  ///< readers only
    std::optional<std::int64_t> lag_ms;
};

struct TableRows {
    std::string name;
    std::int64_t rows = 0;
    bool estimated = false;
};

struct ShardStatus {
    std::string name;
    std::string jurisdiction;
    std::vector<topology::KeyRange> ranges;
    bool open = true;
    bool embedded = true;
    NodeStatus writer;
    std::vector<NodeStatus> readers;
    std::vector<TableRows> tables;  ///< empty if the writer does not answer
};

struct StatusReport {
    std::string name;
    std::string state_directory;
    std::optional<int> supervisor;  ///< its pid
    bool ready = false;
    std::vector<DoorStatus> regions;
    std::vector<ShardStatus> shards;
    std::optional<NodeStatus> central;
};

/// For a terminal: columns, no colour.
[[nodiscard]] std::string render_table(const StatusReport& report);
/// One JSON object, indented by nothing, with a line feed at its end.
[[nodiscard]] std::string render_json(const StatusReport& report);

}  // namespace domicile::fleet

#include "fleet/status.hpp"

#include "fleet/conf.hpp"
#include "fleet/context.hpp"
#include "fleet/fleet.hpp"
#include "fleet/node.hpp"
#include "fleet/ports.hpp"
#include "fleet/secrets.hpp"
#include "fleet/text.hpp"
#include "fleet/unit.hpp"

#include <chrono>

namespace domicile::fleet {
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr auto probe_wait = 1s;
constexpr auto count_wait = 30s;

// A reader that has replayed everything lags by nothing, although replay_lag keeps its last measure for a
// while.
constexpr std::string_view streams_sql = R"sql(
SELECT application_name, state, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint,
       CASE WHEN replay_lsn >= pg_current_wal_lsn() THEN 0
            ELSE coalesce(extract(epoch FROM replay_lag) * 1000, 0)::bigint END
FROM pg_stat_replication
)sql";

NodeStatus look_at(const topology::Topology& topology, const StateDir& state, const topology::Node& node) {
    NodeStatus status;
    status.name = node.name;
    status.region = topology.at(node.region).name;
    status.address = host_port(node.address);
    if (!node.embedded) {
        status.state = answers(node.address, probe_wait) ? "ready" : "down";
        return status;
    }
    const auto live = find_node(state, node);
    status.state = node_state(live);
    if (live) {
        status.pid = live->process.pid;
    }
    return status;
}

void add_streams(ShardStatus& shard, const pool::ResultSet& streams) {
    for (auto& reader : shard.readers) {
        for (const auto& row : streams.rows) {
            if (row.size() < 4 || row[0] != application_name(reader.name) || reader.state != "ready") {
                continue;
            }
            reader.state = row[1].value_or(reader.state);
            reader.lag_bytes = row[2] ? parse_number<std::int64_t>(*row[2]) : std::nullopt;
            reader.lag_ms = row[2] && row[3] ? parse_number<std::int64_t>(*row[3]) : std::nullopt;
        }
    }
}

/// What only the writer knows: how far its readers are, how many rows there are. Left out if it does not say.
void ask_writer(ShardStatus& shard, const topology::Topology& topology, const StateDir& state,
                const topology::Node& writer) {
    auto client = connect(Secrets(topology, state), writer, roles::monitor, topology.database.name);
    if (!client) {
        return;
    }
    if (const auto streams = client->run(streams_sql, probe_wait); streams && !streams->empty()) {
        add_streams(shard, streams->back());
    }
    const auto counts = client->run("SELECT * FROM domicile.row_counts()", count_wait);
    if (!counts || counts->empty()) {
        return;
    }
    for (const auto& row : counts->back().rows) {
        if (row.size() == 3) {
            shard.tables.push_back({.name = row[0].value_or(""),
                                    .rows = parse_number<std::int64_t>(row[1].value_or("")).value_or(0),
                                    .estimated = row[2] == "t"});
        }
    }
}

ShardStatus look_at(const topology::Topology& topology, const StateDir& state, const topology::Shard& shard) {
    ShardStatus status;
    status.name = shard.name;
    status.jurisdiction = topology.at(shard.jurisdiction).name;
    status.ranges = shard.ranges;
    status.open = shard.open;
    const topology::Node* writer = nullptr;
    for (const auto index : shard.nodes) {
        const auto& node = topology.at(index);
        status.embedded = node.embedded;
        if (writer == nullptr && (node.writer || !node.embedded)) {
            writer = &node;
            status.writer = look_at(topology, state, node);
        } else {
            status.readers.push_back(look_at(topology, state, node));
        }
    }
    if (writer != nullptr && writer->embedded && status.writer.state == "ready") {
        ask_writer(status, topology, state, *writer);
    }
    return status;
}

DoorStatus look_at(const topology::Topology& topology, const StateDir& state,
                   const topology::Region& region) {
    DoorStatus status;
    status.name = region.name;
    status.jurisdiction = topology.at(region.jurisdiction).name;
    status.writer = region.writer;
    status.http = (region.http_tls() ? "https://" : "http://") + host_port(region.http);
    status.sql = "postgresql://" + host_port(region.sql) + "/" + topology.database.name;
    const auto process = find_gateway(state, region);
    if (process) {
        status.pid = process->pid;
    }
    const int code = http_status(region.http, "/readyz", probe_wait, region.http_tls());
    status.state = code == 200 ? "ready" : process ? "starting" : "down";
    if (region.mesh.port != 0) {
        const auto relay = find_mesh(state, region);
        status.mesh = relay && answers(region.mesh, probe_wait) ? "ready" : "down";
        if (relay) {
            status.mesh_pid = relay->pid;
        }
    }
    if (needs_workers(topology)) {
        const auto worker = find_worker(state, region);
        status.worker = worker ? "ready" : "down";
        if (worker) {
            status.worker_pid = worker->pid;
        }
    }
    return status;
}

}  // namespace

base::Result<StatusReport> status(const topology::Topology& topology, const Options& options) {
    std::error_code error;
    const auto root = fs::weakly_canonical(options.state, error);
    const StateDir state(error ? options.state : root);
    StatusReport report;
    report.name = topology.name;
    report.state_directory = state.root().string();
    if (const auto holder = SupervisorLock::holder(state)) {
        report.supervisor = *holder;
    }
    report.ready = ready(state.root());
    for (const auto& region : topology.regions) {
        report.regions.push_back(look_at(topology, state, region));
    }
    for (const auto& shard : topology.shards) {
        report.shards.push_back(look_at(topology, state, shard));
    }
    if (topology.central) {
        report.central = look_at(topology, state, topology.at(topology.central->node));
    }
    return report;
}

}  // namespace domicile::fleet

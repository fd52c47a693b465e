#include "fleet/status.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace domicile::fleet {
namespace json = boost::json;

namespace {

using Row = std::vector<std::string>;

/// Rows in columns two spaces apart, each line indented by two.
std::string columns(const std::vector<Row>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    std::string text;
    for (const auto& row : rows) {
        std::string line = "  ";
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) {
                line.append(widths[i] - row[i].size() + 2, ' ');
            }
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

std::string ranges_text(const std::vector<topology::KeyRange>& ranges) {
    std::string text;
    for (const auto& range : ranges) {
        text += (text.empty() ? "" : " ") + std::string("[") + std::to_string(range.from) + ", " +
                std::to_string(range.to) + ")";
    }
    return text;
}

std::string rows_text(const std::vector<TableRows>& tables) {
    std::string text;
    for (const auto& table : tables) {
        text += (text.empty() ? "" : ", ") + table.name + " " + (table.estimated ? "~" : "") +
                std::to_string(table.rows);
    }
    return text;
}

std::string lag_text(const NodeStatus& node) {
    if (!node.lag_bytes) {
        return "";
    }
    return std::to_string(*node.lag_bytes) + " bytes, " + std::to_string(node.lag_ms.value_or(0)) +
           " ms behind";
}

void add_node(json::object& object, const NodeStatus& node) {
    object["name"] = node.name;
    object["region"] = node.region;
    object["address"] = node.address;
    object["state"] = node.state;
    if (node.pid) {
        object["pid"] = *node.pid;
    }
    if (node.lag_bytes) {
        object["lag_bytes"] = *node.lag_bytes;
    }
    if (node.lag_ms) {
        object["lag_ms"] = *node.lag_ms;
    }
}

json::object node_object(const NodeStatus& node) {
    json::object object;
    add_node(object, node);
    return object;
}

json::object region_object(const DoorStatus& region) {
    json::object object;
    object["name"] = region.name;
    object["jurisdiction"] = region.jurisdiction;
    object["writer"] = region.writer;
    object["http"] = region.http;
    object["sql"] = region.sql;
    object["state"] = region.state;
    if (region.pid) {
        object["pid"] = *region.pid;
    }
    if (!region.worker.empty()) {
        object["worker"] = region.worker;
        if (region.worker_pid) {
            object["worker_pid"] = *region.worker_pid;
        }
    }
    if (!region.mesh.empty()) {
        object["mesh"] = region.mesh;
        if (region.mesh_pid) {
            object["mesh_pid"] = *region.mesh_pid;
        }
    }
    return object;
}

json::object shard_object(const ShardStatus& shard) {
    json::object object;
    object["name"] = shard.name;
    object["jurisdiction"] = shard.jurisdiction;
    json::array ranges;
    for (const auto& range : shard.ranges) {
        ranges.push_back(json::array{range.from, range.to});
    }
    object["ranges"] = std::move(ranges);
    object["open"] = shard.open;
    object["embedded"] = shard.embedded;
    object["writer"] = node_object(shard.writer);
    json::array readers;
    for (const auto& reader : shard.readers) {
        readers.push_back(node_object(reader));
    }
    object["readers"] = std::move(readers);
    json::array tables;
    for (const auto& table : shard.tables) {
        json::object rows;
        rows["name"] = table.name;
        rows["rows"] = table.rows;
        rows["estimated"] = table.estimated;
        tables.push_back(std::move(rows));
    }
    object["tables"] = std::move(tables);
    return object;
}

}  // namespace

std::string render_table(const StatusReport& report) {
    std::string text = report.name + ": " +
                       (report.ready        ? "up"
                        : report.supervisor ? "starting or stopping"
                                            : "no supervisor");
    if (report.supervisor) {
        text += ", supervisor pid " + std::to_string(*report.supervisor);
    }
    text += "\nstate in " + report.state_directory + "\n\nregions\n";
    std::vector<Row> rows;
    for (const auto& region : report.regions) {
        rows.push_back({region.name, region.jurisdiction + (region.writer ? " writer" : " reader"),
                        region.state, region.http, region.sql,
                        (region.mesh.empty() ? "" : "mesh " + region.mesh) +
                            (region.worker.empty() || region.mesh.empty() ? "" : ", ") +
                            (region.worker.empty() ? "" : "worker " + region.worker)});
    }
    text += columns(rows) + "\nshards\n";
    rows.clear();
    for (const auto& shard : report.shards) {
        rows.push_back({shard.name, shard.jurisdiction, ranges_text(shard.ranges),
                        shard.open ? "open" : "closed", rows_text(shard.tables)});
    }
    text += columns(rows) + "\nnodes\n";
    rows.clear();
    for (const auto& shard : report.shards) {
        rows.push_back({shard.writer.name, "writer", shard.writer.state, shard.writer.address, ""});
        for (const auto& reader : shard.readers) {
            rows.push_back({reader.name, "reader", reader.state, reader.address, lag_text(reader)});
        }
    }
    if (report.central) {
        rows.push_back({report.central->name, "central", report.central->state, report.central->address, ""});
    }
    return text + columns(rows);
}

std::string render_json(const StatusReport& report) {
    json::object object;
    object["name"] = report.name;
    object["state_directory"] = report.state_directory;
    object["ready"] = report.ready;
    if (report.supervisor) {
        object["supervisor"] = *report.supervisor;
    } else {
        object["supervisor"] = nullptr;
    }
    json::array regions;
    for (const auto& region : report.regions) {
        regions.push_back(region_object(region));
    }
    object["regions"] = std::move(regions);
    json::array shards;
    for (const auto& shard : report.shards) {
        shards.push_back(shard_object(shard));
    }
    object["shards"] = std::move(shards);
    if (report.central) {
        object["central"] = node_object(*report.central);
    }
    return json::serialize(object) + "\n";
}

}  // namespace domicile::fleet

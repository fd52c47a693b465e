#include "events/read_figures.hpp"

#include "events/consumer.hpp"

#include <algorithm>
#include <charconv>

#include <boost/json.hpp>

namespace domicile::events {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr auto answer_wait = 60s;

/// The dimensions of a cell; nothing if it is not as declared.
std::optional<std::vector<Dimension>> dimensions_of(const topology::Statistic& statistic,
                                                    std::string_view cell) {
    boost::system::error_code malformed;
    const auto parsed = json::parse(cell, malformed);
    const auto* values = malformed ? nullptr : parsed.if_array();
    if (values == nullptr || values->size() != statistic.dimensions().size()) {
        return std::nullopt;
    }
    std::vector<Dimension> all;
    for (const auto& value : *values) {
        all.push_back(value.is_string() ? Dimension(std::string(value.get_string())) : std::nullopt);
    }
    return all;
}

using Books = std::map<std::tuple<std::string, std::string, std::string>, base::Decimal>;

base::Status add(Books& books, const pool::ResultSet& set) {
    for (const auto& row : set.rows) {
        const auto value = base::Decimal::parse(row.at(3).value_or(""));
        if (!value) {
            return base::fail(base::Code::internal, "A figure is no number with at most six decimals.");
        }
        books[{row[0].value_or(""), row[1].value_or(""), row[2].value_or("")}] += *value;
    }
    return {};
}

}  // namespace

base::Result<Figures> read_figures(const topology::Topology& topology, pool::MaintenanceClient& central) {
    Figures figures;
    figures.metrics.resize(topology.statistics.size());
    const auto found = central.run(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
        "SELECT metric, cell, measure, value FROM domicile.figures ORDER BY metric, cell, measure;"
        "SELECT shard, n, to_char(max(applied_at) OVER () AT TIME ZONE 'UTC', "
        "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
        "FROM domicile.watermarks WHERE n > 0;"
        "COMMIT",
        answer_wait);
    if (!found) {
        return std::unexpected(found.error());
    }
    std::string last;
    for (const auto& row : found->at(1).rows) {
        const auto statistic =
            std::ranges::find(topology.statistics, row.at(0).value_or(""), &topology::Statistic::name);
        const auto value = base::Decimal::parse(row.at(3).value_or(""));
        if (statistic == topology.statistics.end() || !value) {
            continue;
        }
        auto& cells = figures.metrics[static_cast<std::size_t>(statistic - topology.statistics.begin())];
        if (std::string key = *row[0] + *row[1]; key != last) {
            auto values = dimensions_of(*statistic, *row[1]);
            if (!values) {
                continue;
            }
            cells.push_back({std::move(*values), std::vector<base::Decimal>(statistic->sums.size() + 1)});
            last = std::move(key);
        }
        const std::string_view measure = *row[2];
        const auto sum =
            std::ranges::find(statistic->sums, measure.substr(std::min<std::size_t>(4, measure.size())));
        if (measure == "count") {
            cells.back().sums[0] = *value;
        } else if (measure.starts_with("sum.") && sum != statistic->sums.end()) {
            cells.back().sums[static_cast<std::size_t>(sum - statistic->sums.begin()) + 1] = *value;
        }
    }
    for (const auto& row : found->at(2).rows) {
        const auto& text = row.at(1).value_or("");
        std::from_chars(text.data(), text.data() + text.size(), figures.marks[row.at(0).value_or("")]);
        figures.as_of = row.at(2).value_or("");
    }
    return figures;
}

base::Result<Comparison> compare(const topology::Topology& topology, pool::MaintenanceClient& central,
                                 const std::vector<std::pair<std::string, Connect>>& shards) {
    Comparison result;
    const auto found = central.run(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
        "SELECT metric, cell, measure, value FROM domicile.figures;"
        "SELECT shard, n FROM domicile.watermarks;"
        "COMMIT",
        answer_wait);
    if (!found) {
        return std::unexpected(found.error());
    }
    Books held;
    if (auto added = add(held, found->at(1)); !added) {
        return std::unexpected(added.error());
    }
    for (const auto& row : found->at(2).rows) {
        const auto& text = row.at(1).value_or("");
        std::from_chars(text.data(), text.data() + text.size(), result.marks[row.at(0).value_or("")]);
    }
    Books told;
    for (const auto& [name, connect] : shards) {
        auto client = connect();
        if (!client) {
            return std::unexpected(client.error());
        }
        const auto mark = std::to_string(result.marks[name]);
        // What has been let go up to the watermark: all of it, less the batches beyond.
        const auto books = client->run(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
            "SELECT metric, cell, measure, released FROM domicile.measures WHERE released <> 0;"
            "SELECT change ->> 0, change -> 1, m.key, -(m.value::numeric) FROM domicile.batches, "
            "jsonb_array_elements(figures) "
            "AS change, jsonb_each_text(change -> 2) AS m WHERE n > " +
                mark +
                ";"
                "SELECT made, (SELECT count(*) FROM domicile.batches WHERE n > " +
                mark +
                ") FROM domicile.batch_state;"
                "COMMIT",
            answer_wait);
        if (!books) {
            return std::unexpected(books.error());
        }
        const auto& state = books->at(3).rows.at(0);
        const std::uint64_t made = std::strtoull(state.at(0).value_or("0").c_str(), nullptr, 10);
        const std::uint64_t beyond = std::strtoull(state.at(1).value_or("0").c_str(), nullptr, 10);
        if (made != result.marks[name] + beyond) {
            return base::fail(base::Code::internal,
                              "Shard " + name + " has made " + std::to_string(made) +
                                  " batches, central has applied " + mark + ", and not all between are kept.",
                              "Compare again: the relay may have gone on meanwhile.");
        }
        for (const std::size_t i : {1U, 2U}) {
            if (auto added = add(told, books->at(i)); !added) {
                return std::unexpected(added.error());
            }
        }
    }
    std::ignore = topology;
    for (const auto& [key, value] : told) {
        held.try_emplace(key);
    }
    for (const auto& [key, value] : held) {
        const auto other = told.find(key);
        const base::Decimal shard_sum = other == told.end() ? base::Decimal() : other->second;
        ++result.figures;
        if (!(value == shard_sum)) {
            const auto& [metric, cell, measure] = key;
            result.differences.push_back({metric, cell, measure, value.text(), shard_sum.text()});
        }
    }
    return result;
}

}  // namespace domicile::events

// `domicile load`: bulk load with a progress bar, then what it did.

#include "app/common.hpp"
#include "load/loader.hpp"

#include <algorithm>
#include <cstdio>
#include <iomanip>
#include <iostream>
#include <signal.h>
#include <sstream>
#include <unistd.h>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

std::atomic<bool> stop_requested{false};

std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) {
        text.insert(static_cast<std::size_t>(at), " ");
    }
    return text;
}

void draw_bar(const load::Progress& progress) {
    constexpr std::size_t width = 30;
    const std::size_t filled = progress.bytes_total == 0
                                   ? width
                                   : static_cast<std::size_t>(progress.bytes * width / progress.bytes_total);
    std::string bar(filled, '#');
    bar.resize(width, '.');
    std::cerr << "\r  " << std::left << std::setw(24) << progress.file << " [" << bar << "] "
              << grouped(progress.rows) << " rows   " << std::flush;
    if (progress.bytes == progress.bytes_total) {
        std::cerr << '\r' << std::string(78, ' ') << '\r' << std::flush;
    }
}

/// More rows than the file gave: others have written to the table, which proves nothing for or against this
/// load.
bool holds_more(const load::TableResult& table) {
    return table.shard_rows > table.source_rows - table.refused;
}

void print(const load::LoadResult& result, const topology::Topology& topology,
           const std::filesystem::path& refused) {
    std::cout << "people at home\n";
    for (const topology::Jurisdiction& jurisdiction : topology.jurisdictions) {
        std::uint64_t people = 0;
        std::uint64_t counters = 0;
        std::string shards;
        for (const load::ShardResult& shard : result.shards) {
            if (shard.jurisdiction == jurisdiction.name) {
                people += shard.people;
                counters += shard.counters;
                shards += (shards.empty() ? "" : ", ") + shard.shard + " " + grouped(shard.people);
            }
        }
        std::cout << "  " << std::left << std::setw(4) << jurisdiction.name << std::right << std::setw(7)
                  << grouped(people) << " people  (" << shards << ")";
        if (counters != 0) {
            std::cout << ", " << counters << (counters == 1 ? " counter" : " counters")
                      << " for sales to nobody";
        }
        std::cout << '\n';
    }
    if (!result.moved.empty()) {
        std::cout << "  " << result.moved.size()
                  << " people were seen in two countries; the last one is home:\n";
        for (const std::string& one : result.moved) {
            std::cout << "    " << one << '\n';
        }
    }
    std::cout << "rows\n";
    for (const load::TableResult& table : result.tables) {
        std::cout << "  " << std::left << std::setw(10) << table.table << std::right << std::setw(8)
                  << grouped(table.source_rows) << " in the file, " << grouped(table.loaded)
                  << " loaded now, " << grouped(table.skipped) << " before, " << grouped(table.refused)
                  << " refused; " << grouped(table.counter_rows) << " without a person\n";
        std::cout << "             sum " << table.source_sum.text() << " in the file, " << table.shard_sum
                  << " in the shards: " << (table.proven ? "equal" : "NOT EQUAL");
        if (!table.proven && holds_more(table)) {
            std::cout << " (the shards hold "
                      << grouped(table.shard_rows - (table.source_rows - table.refused))
                      << " rows from elsewhere)";
        }
        std::cout << '\n';
    }
    if (result.refused != 0) {
        std::cout << grouped(result.refused) << " rows refused, with reasons, in " << refused.string()
                  << '\n';
    }
}

boost::json::object to_json(const load::LoadResult& result) {
    namespace json = boost::json;
    json::array shards;
    for (const load::ShardResult& shard : result.shards) {
        json::object one;
        one["shard"] = shard.shard;
        one["jurisdiction"] = shard.jurisdiction;
        one["people"] = shard.people;
        one["counters"] = shard.counters;
        shards.push_back(std::move(one));
    }
    json::array tables;
    for (const load::TableResult& table : result.tables) {
        json::object one;
        one["table"] = table.table;
        one["source_rows"] = table.source_rows;
        one["loaded"] = table.loaded;
        one["skipped"] = table.skipped;
        one["refused"] = table.refused;
        one["without_person"] = table.counter_rows;
        one["shard_rows"] = table.shard_rows;
        one["source_sum"] = table.source_sum.text();
        one["shard_sum"] = table.shard_sum;
        one["proven"] = table.proven;
        tables.push_back(std::move(one));
    }
    json::object document;
    document["people"] = result.people;
    document["people_created"] = result.people_created;
    document["people_in_two_countries"] = result.moved.size();
    document["shards"] = std::move(shards);
    document["tables"] = std::move(tables);
    document["refused"] = result.refused;
    return document;
}

}  // namespace

int load(const Common& common, const LoadOptions& command) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const auto text = read_file(command.spec, 1U << 20U);
    if (!text) {
        return failed(text.error());
    }
    const auto spec = load::parse_spec(*text, std::filesystem::absolute(command.spec).parent_path());
    if (!spec) {
        return failed(spec.error());
    }
    signal(SIGINT, [](int) { stop_requested = true; });
    signal(SIGTERM, [](int) { stop_requested = true; });
    signal(SIGPIPE, SIG_IGN);
    const auto fleet = fleet_options(common, *topology);
    load::Options options;
    options.refused = command.refused.empty() ? fleet.state / (spec->name + ".refused.csv") : command.refused;
    options.stop = &stop_requested;
    options.login = [&](topology::JurisdictionIndex jurisdiction) -> base::Result<pool::Login> {
        auto login = fleet::Secrets(*topology, fleet::StateDir(fleet.state))
                         .login(topology->at(jurisdiction).name, fleet::roles::owner);
        if (!login) {
            return std::unexpected(login.error());
        }
        return pool::Login{std::move(login->user), std::move(login->password), topology->database.name};
    };
    if (!command.quiet && !common.json && ::isatty(STDERR_FILENO) != 0) {
        options.progress = draw_bar;
    }
    const auto result = load::run(*topology, *spec, options);
    if (!result) {
        return failed(result.error());
    }
    if (common.json) {
        std::cout << boost::json::serialize(to_json(*result)) << '\n';
    } else {
        print(*result, *topology, options.refused);
    }
    const bool lost = std::ranges::any_of(
        result->tables, [](const load::TableResult& table) { return !table.proven && !holds_more(table); });
    return lost ? failed({base::Code::internal,
                          "The shards do not hold what the file gave.",
                          "Do not trust this load: look into the table named NOT EQUAL.",
                          {},
                          {}})
                : 0;
}

}  // namespace domicile::app

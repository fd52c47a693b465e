#pragma once
// Bulk load: CSV through routing into all shards by COPY. Rows go in batches, each in one transaction with
// the record of how far its shard has come, so that a load killed anywhere goes on where it stopped and loads
// nothing twice. A row the database refuses goes into a file with the reason; the rest of its batch is
// loaded.

#include "base/decimal.hpp"
#include "base/error.hpp"
#include "load/spec.hpp"
#include "pool/maintenance.hpp"
#include "topology/topology.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace domicile::load {

using base::Decimal;

struct Progress {
    std::string file;
    std::uint64_t bytes = 0;
    std::uint64_t bytes_total = 0;
    std::uint64_t rows = 0;
};

struct Options {
    std::filesystem::path refused;  ///< CSV of refused rows; made when needed
    std::function<base::Result<pool::Login>(topology::JurisdictionIndex)> login;
    std::function<void(const Progress&)> progress;  ///< may be empty
    const std::atomic<bool>* stop = nullptr;
};

struct TableResult {
    std::string table;
    std::uint64_t source_rows = 0;  ///< records of the file
    std::uint64_t loaded = 0;       ///< in this run
    std::uint64_t skipped = 0;      ///< loaded by an earlier run
    std::uint64_t refused = 0;
    std::uint64_t counter_rows = 0;  ///< without a person: given to the country's counter
    std::uint64_t shard_rows = 0;    ///< in all shards afterwards
    Decimal source_sum;              ///< of the proof columns, over the file's rows that were not refused
    std::string shard_sum;           ///< the same by SQL over all shards, added exactly
    bool proven = false;             ///< rows and sums agree
};

struct ShardResult {
    std::string shard;
    std::string jurisdiction;
    std::uint64_t people = 0;
    std::uint64_t counters = 0;
};

struct LoadResult {
    std::uint64_t people = 0;          ///< distinct people of the source
    std::uint64_t people_created = 0;  ///< in this run
    std::vector<std::string> moved;    ///< people seen in several countries: "12370: AT, CY → CY (eu)"
    std::vector<ShardResult> shards;
    std::vector<TableResult> tables;
    std::uint64_t refused = 0;
};

/// Errors: configuration, node errors, not_permitted; "stopped" as configuration when `stop` was set.
[[nodiscard]] base::Result<LoadResult> run(const topology::Topology& topology, const Spec& spec,
                                           const Options& options);

}  // namespace domicile::load

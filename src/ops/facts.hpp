#pragma once
// What a region says of itself: its resources, each with a few numbers, and the lists that a person on call
// reads. Names and numbers of machines, never of people. Made by the region's worker once a second, handed
// to other regions by the relay, so all of it is bounded and checked when it comes in.

#include "base/error.hpp"
#include "topology/topology.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace domicile::ops {

/// Worst last, except that what is not known is no better than a warning.
enum class State : std::uint8_t { ok, unknown, warning, alarm };
[[nodiscard]] std::string_view name(State state) noexcept;

/// The name carries the unit: "lag_ms", "age_s", "bytes". Something that holds or not is 1 or 0.
struct Fact {
    std::string name;
    double value = 0;
};

struct Resource {
    std::string
        kind;  ///< gateway, worker, relay, node, shard, queue, secret, certificate, institution, store
    std::string name;
    std::string region;
    std::string jurisdiction;
    std::string shard = {};
    std::string role = {};  ///< of a node: writer or reader
    State state = State::ok;
    std::string summary = {};
    std::vector<Fact> facts = {};

    [[nodiscard]] std::optional<double> fact(std::string_view name) const noexcept;
    void set(std::string_view name, double value);
};

struct RegionFacts {
    std::string region;
    std::int64_t at_ms = 0;  ///< since 1970
    std::uint64_t map_epoch = 0;
    std::vector<Fact> figures;  ///< requests_per_s, refusals_per_s, statements_per_s, sessions, p99_ms
    std::vector<Resource> resources;
    /// Lists for the page, as they are shown there (docs/operations.md): objects of names and numbers.
    boost::json::array ranges, institutions, requests, alarms, transitions, advice;
    /// What operators of this region have said: silences of alarms, acknowledgements of advice.
    boost::json::array silences, acknowledgements;

    [[nodiscard]] const Resource* find(std::string_view kind, std::string_view name) const noexcept;
};

inline constexpr std::size_t facts_bytes_max = 1U << 20U;
inline constexpr std::size_t resources_max = 4'096;
[[nodiscard]] std::string to_json(const RegionFacts& facts);
/// What another region says of itself. protocol_violation if it is malformed, too large, not of `region`, or
/// speaks of a jurisdiction that is not `region`'s.
[[nodiscard]] base::Result<RegionFacts> parse_facts(const topology::Topology& topology,
                                                    topology::RegionIndex region, std::string_view text);

[[nodiscard]] boost::json::object to_value(const Resource& resource);

}  // namespace domicile::ops

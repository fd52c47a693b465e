#pragma once
// TOML text to a valid Topology, or every finding at once.

#include "topology/topology.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::topology {

/// One thing wrong with the file. Lines and columns count from 1; 0 if the finding has no place.
struct Finding {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::string what;  ///< what is wrong, naming the key
    std::string mend;  ///< how to mend it
};

struct Parsed {
    Topology topology;              ///< valid only if `findings` is empty
    std::vector<Finding> findings;  ///< in the order of the file
    [[nodiscard]] bool ok() const { return findings.empty(); }
};

/// Reads and validates. Never throws; input is bounded by `topology_bytes_max`.
[[nodiscard]] Parsed parse(std::string_view toml);

/// "FILE:41:10: what\n    mend: how", without a newline at the end; without the numbers if the finding has no
/// place.
[[nodiscard]] std::string render(const Finding& finding, std::string_view file);

inline constexpr std::size_t topology_bytes_max = 4U << 20U;
inline constexpr std::size_t findings_max = 200;
inline constexpr std::size_t jurisdictions_max = 256;
inline constexpr std::size_t regions_max = 1'024;
inline constexpr std::size_t shards_max = 4'096;
inline constexpr std::size_t ranges_max = 65'536;
inline constexpr std::size_t nodes_max = 16'384;
inline constexpr std::size_t tables_max = 4'096;

}  // namespace domicile::topology

#pragma once
// Central's figures as a table that people ask for: grouped by some of a statistic's dimensions, within a
// span of time. A roll-up is the sum of what has left the shards; what was withheld is in no cell and in no
// total, so no difference tells of it. Pure.

#include "base/decimal.hpp"
#include "base/error.hpp"
#include "topology/topology.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::events {

/// A value of a dimension; nothing: the column is null.
using Dimension = std::optional<std::string>;

struct FigureCell {
    std::vector<Dimension> values;    ///< in the order of Statistic::dimensions()
    std::vector<base::Decimal> sums;  ///< the count, then each of Statistic::sums
};

/// All of central at one moment.
struct Figures {
    std::vector<std::vector<FigureCell>> metrics;  ///< by the statistic's place in the topology
    std::map<std::string, std::uint64_t, std::less<>>
        marks;          ///< the last batch of each shard that is in them
    std::string as_of;  ///< when the last one was applied (RFC 3339); empty: none
};

struct FigureQuery {
    const topology::Statistic* statistic = nullptr;
    std::vector<std::size_t> by;  ///< places in dimensions(), in the order asked for
    std::vector<std::pair<std::size_t, std::string>> filters;  ///< that dimension has that value
    std::string from, to;  ///< of the time bucket, inclusive: "2011", "2011-03", "2011-03-01"; empty: open
};

/// From "by=country,month", "from=…", "to=…" and "DIMENSION=VALUE" (format= is left to the caller). Without
/// `by`: all dimensions. invalid_value for an unknown name or a malformed time.
[[nodiscard]] base::Result<FigureQuery> parse_query(
    const topology::Statistic& statistic, std::span<const std::pair<std::string, std::string>> parameters);

/// Sorted by the dimensions asked for.
[[nodiscard]] std::vector<FigureCell> ask(const FigureQuery& query, const std::vector<FigureCell>& cells);

/// {"metric": …, "by": […], "persons_min": 5, "as_of": …, "rows": [{"country": "DE", "count": 7, "total":
/// "12.50"}]}
[[nodiscard]] std::string to_json(const FigureQuery& query, std::span<const FigureCell> rows,
                                  const Figures& figures);
/// RFC 4180, with a header.
[[nodiscard]] std::string to_csv(const FigureQuery& query, std::span<const FigureCell> rows);
/// For a terminal: columns, and a bar for the first sum, or the count.
[[nodiscard]] std::string to_bars(const FigureQuery& query, std::span<const FigureCell> rows);

}  // namespace domicile::events

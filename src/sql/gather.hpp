#pragma once
// How one SELECT over several shards becomes one result: what each shard is asked, and how the answers are
// merged. Two ways, both with PostgreSQL's own semantics:
//
// - streamed: each shard sorts and limits, the gateway merges the sorted streams. For plain rows.
// - finished: each shard reduces its rows (partial counts, sums, distinct rows), and one shard's PostgreSQL
//   finishes over the collected partial rows: GROUP BY, HAVING, ORDER BY and collations are PostgreSQL's.
//
// Pure text surgery on the statement's own clauses, guided by its parse tree; what it cannot do exactly it
// refuses by name.

#include "base/error.hpp"
#include "topology/topology.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::sql {

/// LIMIT or OFFSET: a number or a parameter.
struct RowCount {
    std::int64_t number = 0;
    std::uint16_t parameter = 0;  ///< $n; 0: `number`
};

struct SortKey {
    bool descending = false;
    bool nulls_first = false;
    std::string collation;  ///< as written after COLLATE; empty: the column's own
};

struct Gather {
    bool finished = false;
    /// $n mean what they mean in the original; the shard's LIMIT stands in it as a number or as `limit_text`.
    std::string shard_sql;

    // Streamed.
    std::vector<SortKey> sort;
    std::uint16_t hidden = 0;  ///< trailing columns of the shard's result that only serve the sort

    // Finished: final_head, then rows with the columns _domicile_p1, _domicile_p2, …, then final_tail. Marks
    // in it are filled by who knows the types of the shard's columns: "\1n\1" is the name of the type of
    // column n, "\1avg n m\1" the average of sums n and counts m.
    static constexpr char mark = '\1';
    std::string final_head;
    std::string final_tail;

    std::optional<RowCount> limit;
    std::optional<RowCount> offset;

    std::uint16_t columns = 0;  ///< of the original's result; 0: not known from the text (a star)
    /// A parameter of the original may stand nowhere in `shard_sql`: its type must be asked for first.
    bool loses_parameters = false;
};

/// Errors: cannot_route, naming what cannot be merged, with a hint. REQUIRES: `text` is one SELECT that
/// analyse() has accepted.
[[nodiscard]] base::Result<Gather> gather(std::string_view text, const topology::Topology& topology,
                                          bool standard_strings = true);

/// The rows of INSERT … VALUES as places in the text, for splitting it by shard.
struct InsertRows {
    struct Span {
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
    };
    std::vector<Span>
        rows;  ///< "(…)" each; what stands before the first and behind the last is common to all
};
[[nodiscard]] base::Result<InsertRows> insert_rows(std::string_view text, bool standard_strings = true);

}  // namespace domicile::sql

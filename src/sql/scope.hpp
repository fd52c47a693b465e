#pragma once
// What names mean at one level of a statement, and which user keys are proven equal. Private to this room.
//
// A "use" is one mention of a table, by its index in Facts::tables; a use of a sharded table stands for its
// key. Uses are numbered in the order of the walk, so every subtree of the statement is an interval of uses.

#include "sql/facts.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

namespace domicile::sql {

inline constexpr std::uint32_t no_use = std::numeric_limits<std::uint32_t>::max();

/// Uses first <= use < last.
struct Span {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    [[nodiscard]] bool holds(std::uint32_t use) const noexcept { return use >= first && use < last; }
};

/// The classes of equal keys (union-find).
class KeyClasses {
  public:
    /// A new use, mentioned at nesting `depth` (0 is the outermost level).
    void add(std::uint32_t depth);
    [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(nodes_.size()); }
    [[nodiscard]] std::uint32_t root(std::uint32_t use) const;
    [[nodiscard]] bool same(std::uint32_t a, std::uint32_t b) const { return root(a) == root(b); }
    /// The outermost level any member is mentioned or visible at.
    [[nodiscard]] std::uint32_t depth(std::uint32_t use) const { return nodes_[root(use)].depth; }
    /// The smallest interval with all members.
    [[nodiscard]] Span extent(std::uint32_t use) const { return nodes_[root(use)].extent; }
    void unite(std::uint32_t a, std::uint32_t b);
    /// Members of a derived table have become visible at `depth`.
    void raise(Span uses, std::uint32_t depth);

  private:
    struct Entry {
        mutable std::uint32_t parent;
        std::uint32_t depth;
        Span extent;
    };
    std::vector<Entry> nodes_;
};

/// A column that is known by name. `use` if it is that table's key, else no_use.
struct Column {
    std::string_view name;
    std::uint32_t use = no_use;
};

/// One entry of FROM.
struct Item {
    std::string_view name;
    std::vector<Column> columns;
    bool open = true;         ///< has other columns, whose names we do not know
    bool positional = false;  ///< `columns` are its first ones, in order
    bool only_qualified =
        false;  ///< JOIN … USING … AS name: its columns are those of the joined tables again
};

struct CteFrame;

struct Scope {
    const Scope* parent = nullptr;
    const CteFrame* ctes = nullptr;
    std::uint32_t depth = 0;
    std::vector<Item> items = {};
    std::size_t first = 0;  ///< the items that can be seen: inside ON, those of the two arms
    std::size_t last = std::numeric_limits<std::size_t>::max();
    std::vector<std::string_view> merged = {};  ///< columns that USING or NATURAL made one
    /// Columns that an outer join with USING or NATURAL took from a side where we do not know them.
    std::vector<std::string_view> blurred = {};

    // What keeps the rows of this level from being those of its users taken one by one.
    std::vector<std::uint32_t> drivers = {};  ///< sharded uses in FROM
    mutable bool nonlocal = false;            ///< LIMIT, set operations, outer joins not by key …
    bool aggregated = false;
    bool grouped = false;
    std::vector<std::uint32_t> group_keys = {};
    std::vector<std::vector<std::uint32_t>> partitions = {};  ///< of each window, its keys
    const void* window_clause = nullptr;                      ///< a List, for OVER name
};

/// Finds which key a column reference means, if it surely means one. Counts its steps down from `work`.
[[nodiscard]] std::uint32_t find_column(const Scope& scope, const KeyClasses& classes, std::string_view name,
                                        std::size_t& work);
[[nodiscard]] std::uint32_t find_column(const Scope& scope, std::string_view item, std::string_view name,
                                        std::size_t& work);
/// The column `name` among items first <= i < last, if exactly one item is known to have it.
[[nodiscard]] std::uint32_t find_in_items(const Scope& scope, const KeyClasses& classes, std::size_t first,
                                          std::size_t last, std::string_view name, std::size_t& work);

}  // namespace domicile::sql

#pragma once
// What a shard's database looks like, as far as an erasure must know.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::privacy {

struct LiveColumn {
    std::string name;
    std::string type;  ///< format_type without its modifier: "character varying"
    bool nullable = true;
    std::int32_t characters_max = 0;  ///< of varchar(n) and char(n); 0: no limit
    bool generated = false;
};

struct LiveTable {
    std::string name;  ///< in schema public
    std::vector<LiveColumn> columns;
    std::vector<std::string> primary_key = {};
    [[nodiscard]] const LiveColumn* column(std::string_view wanted) const {
        for (const auto& one : columns) {
            if (one.name == wanted) {
                return &one;
            }
        }
        return nullptr;
    }
};

/// pg_constraint, contype f. Actions as PostgreSQL codes them: a no action, r restrict, c cascade, n null, d
/// default.
struct ForeignKey {
    std::string name;
    std::string child;
    std::vector<std::string> child_columns;
    std::string parent;
    std::vector<std::string> parent_columns;
    char on_delete = 'a';
    char on_update = 'a';
    std::vector<std::string> set_columns = {};  ///< of SET NULL (columns); empty: all of them
};

struct LiveSchema {
    std::vector<LiveTable> tables;
    std::vector<ForeignKey> foreign_keys;
    std::vector<std::string> copies;  ///< materialized views: they keep values that nobody erases
    [[nodiscard]] const LiveTable* table(std::string_view wanted) const {
        for (const auto& one : tables) {
            if (one.name == wanted) {
                return &one;
            }
        }
        return nullptr;
    }
};

}  // namespace domicile::privacy

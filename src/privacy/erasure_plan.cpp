#include "privacy/erasure_plan.hpp"

#include "sql/quote.hpp"

#include <algorithm>
#include <optional>
#include <ranges>
#include <set>

namespace domicile::privacy {
namespace {

using sql::sql_identifier;
using topology::Erasure;
using topology::PersonalColumn;
using topology::Table;

constexpr std::int32_t token_characters = 24;  // "erased-" and 16 of random, and one to spare
constexpr std::int32_t hash_characters = 64;

bool is_text(std::string_view type) {
    return type == "text" || type == "character varying" || type == "character" || type == "citext";
}
bool is_time(std::string_view type) {
    return type == "date" || type.starts_with("timestamp");
}
bool is_number(std::string_view type) {
    return type == "integer" || type == "bigint" || type == "smallint" || type == "numeric" ||
           type == "real" || type == "double precision";
}

bool contains(const std::vector<std::string>& all, std::string_view one) {
    return std::ranges::find(all, one) != all.end();
}

bool rows_go(const Table& table) {
    return std::ranges::any_of(
        table.personal, [](const PersonalColumn& column) { return column.erasure == Erasure::delete_row; });
}

struct Rewritten {
    std::string expression;
    std::string how;
};

/// The value that stands there afterwards; nothing if the rule does not fit the column.
std::optional<Rewritten> rewritten(const PersonalColumn& rule, const LiveColumn& column) {
    const std::string name = sql_identifier(rule.name);
    switch (rule.erasure) {
        case Erasure::set_null:
            return column.nullable ? std::optional(Rewritten{"NULL", "set to null"}) : std::nullopt;
        case Erasure::tokenise:
            if (!is_text(column.type) ||
                (column.characters_max != 0 && column.characters_max < token_characters)) {
                return std::nullopt;
            }
            return Rewritten{
                "CASE WHEN " + name +
                    " IS NOT NULL THEN 'erased-' || left(replace(gen_random_uuid()::text, '-', ''), 16) END",
                "replaced by a random token"};
        case Erasure::keyed_hash:
            if (!is_text(column.type) ||
                (column.characters_max != 0 && column.characters_max < hash_characters)) {
                return std::nullopt;
            }
            return Rewritten{"encode(sha256(decode($2, 'hex') || sha256(decode($2, 'hex') || convert_to(" +
                                 name + "::text, 'UTF8'))), 'hex')",
                             "replaced by a hash whose key is destroyed"};
        case Erasure::shred:
            if (column.type == "bytea") {
                return Rewritten{
                    "CASE WHEN " + name +
                        " IS NOT NULL THEN substr(sha256(uuid_send(gen_random_uuid())), 1, least(length(" +
                        name + "), 32)) END",
                    "overwritten with random bytes"};
            }
            if (is_text(column.type)) {
                return Rewritten{"CASE WHEN " + name +
                                     " IS NOT NULL THEN left(encode(sha256(uuid_send(gen_random_uuid())), "
                                     "'hex'), length(" +
                                     name + ")) END",
                                 "overwritten with random letters"};
            }
            return std::nullopt;
        case Erasure::generalise: {
            const auto counted = rule.to.find(':');
            const std::string number = counted == std::string::npos ? "" : rule.to.substr(counted + 1);
            if (rule.to.starts_with("prefix:") && is_text(column.type)) {
                return Rewritten{"left(" + name + ", " + number + ")",
                                 "cut to its first " + number + " letters"};
            }
            if (rule.to.starts_with("step:") && is_number(column.type)) {
                return Rewritten{
                    "(floor(" + name + "::numeric / " + number + ") * " + number + ")::" + column.type,
                    "rounded down to a multiple of " + number};
            }
            if (counted == std::string::npos && is_time(column.type)) {
                return Rewritten{"date_trunc('" + rule.to + "', " + name + ")::" + column.type,
                                 "cut to its " + rule.to};
            }
            return std::nullopt;
        }
        case Erasure::delete_row: break;
    }
    return std::nullopt;
}

class Planner {
  public:
    Planner(const topology::Topology& topology, const LiveSchema& live) : topology_(topology), live_(live) {}

    ErasureDecision run() {
        for (const Table& table : topology_.tables) {
            if (table.kind == topology::TableKind::sharded) {
                step(table);
            }
        }
        for (const ForeignKey& key : live_.foreign_keys) {
            gone_parent(key);
            changed_columns(key);
            undeclared(key);
        }
        for (const std::string& copy : live_.copies) {
            find("the materialized view " + copy + " keeps values that no erasure reaches",
                 "drop it, or make it a view");
        }
        statements();
        return std::move(decision_);
    }

  private:
    void find(std::string what, std::string hint) {
        decision_.findings.push_back({std::move(what), std::move(hint)});
    }

    const Table* declared(std::string_view name) const {
        const auto found = std::ranges::find(topology_.tables, name, &Table::name);
        return found == topology_.tables.end() || found->kind != topology::TableKind::sharded ? nullptr
                                                                                              : &*found;
    }
    bool goes(std::string_view name) const {
        const Table* table = declared(name);
        return table != nullptr && rows_go(*table);
    }

    void step(const Table& table) {
        const LiveTable* live = live_.table(table.name);
        if (live == nullptr) {
            find("the table " + table.name + " is not there",
                 "make it by a migration, or take it out of the topology");
            return;
        }
        if (table.personal.empty()) {
            decision_.plan.stays.push_back(table.name);
            return;
        }
        ErasureStep step{table.name, rows_go(table), {}, {}};
        for (const PersonalColumn& rule : table.personal) {
            const LiveColumn* column = live->column(rule.name);
            if (column == nullptr) {
                find("the column " + table.name + "." + rule.name + " is not there",
                     "take its rule out of the topology");
                continue;
            }
            if (step.rows_go) {
                continue;
            }
            const auto value = column->generated ? std::nullopt : rewritten(rule, *column);
            if (!value) {
                find("the rule of " + table.name + "." + rule.name +
                         " cannot be carried out on a column of type " + column->type +
                         (column->characters_max != 0 ? "(" + std::to_string(column->characters_max) + ")"
                                                      : "") +
                         (column->nullable ? "" : " that is never null") +
                         (column->generated ? ", which is generated" : ""),
                     "choose a rule that fits, or change the column");
                continue;
            }
            step.columns.push_back(rule.name);
            step.how.push_back(value->how);
            expressions_.push_back(sql_identifier(rule.name) + " = " + value->expression);
        }
        decision_.plan.steps.push_back(std::move(step));
    }

    /// Rows that go must leave none behind that points at them, and take none along that must stay.
    void gone_parent(const ForeignKey& key) {
        if (!goes(key.parent)) {
            return;
        }
        const Table* child = declared(key.child);
        const bool same_person = child != nullptr && pairs(key, child->key, declared(key.parent)->key);
        if (same_person && goes(key.child)) {
            return;  // both go in one statement
        }
        const std::string rows =
            "rows of " + key.child + " that point at erased rows of " + key.parent + " (" + key.name + ")";
        if (key.on_delete == 'n' || key.on_delete == 'd') {
            const LiveTable* table = live_.table(key.child);
            for (const auto& name : key.set_columns.empty() ? key.child_columns : key.set_columns) {
                const LiveColumn* column = table == nullptr ? nullptr : table->column(name);
                if (column == nullptr || !column->nullable || (child != nullptr && name == child->key)) {
                    find(rows + " would lose " + name + ", which they need",
                         "write ON DELETE SET NULL (columns) without it");
                    return;
                }
            }
        } else if (key.on_delete == 'c') {
            find(rows + " would go with them" +
                     (child == nullptr ? ", and nobody says whose they are" : ", and are to stay"),
                 "give " + key.child + " a column with erase = \"delete_row\", or write ON DELETE SET NULL");
        } else {
            find(rows + " forbid it",
                 same_person ? "give " + key.child +
                                   " a column with erase = \"delete_row\", or write ON DELETE SET NULL"
                             : "they may be other people's: write ON DELETE SET NULL");
        }
    }

    static bool pairs(const ForeignKey& key, std::string_view child, std::string_view parent) {
        for (std::size_t i = 0; i < key.child_columns.size(); ++i) {
            if (key.child_columns[i] == child && key.parent_columns[i] == parent) {
                return true;
            }
        }
        return false;
    }

    /// A value that is overwritten must not be one that a foreign key compares.
    void changed_columns(const ForeignKey& key) {
        for (const auto& [table, columns, points] :
             {std::tuple{&key.child, &key.child_columns, true}, {&key.parent, &key.parent_columns, false}}) {
            const Table* declared_table = declared(*table);
            if (declared_table == nullptr || rows_go(*declared_table)) {
                continue;
            }
            for (const PersonalColumn& rule : declared_table->personal) {
                if (contains(*columns, rule.name) && !(points && rule.erasure == Erasure::set_null)) {
                    find(*table + "." + rule.name + " is part of the foreign key " + key.name +
                             ", and cannot be overwritten",
                         points ? "let its rule be null" : "let the foreign key compare another column");
                }
            }
        }
    }

    /// Whatever points at people is a person's, and must be declared.
    void undeclared(const ForeignKey& key) {
        const Table* parent = declared(key.parent);
        if (parent == nullptr || !contains(key.parent_columns, parent->key)) {
            return;
        }
        const Table* child = declared(key.child);
        if (child == nullptr) {
            find("the table " + key.child + " points at people of " + key.parent + " (" + key.name +
                     ") and is declared nowhere",
                 "declare it with `key` in the topology");
            return;
        }
        for (std::size_t i = 0; i < key.child_columns.size(); ++i) {
            const auto& column = key.child_columns[i];
            if (key.parent_columns[i] == parent->key && column != child->key &&
                std::ranges::find(child->personal, column, &PersonalColumn::name) == child->personal.end()) {
                find(
                    key.child + "." + column + " holds the id of a person (" + key.name + ") and has no rule",
                    "add personal." + column + " = { erase = … } to [tables." + key.child + "]");
            }
        }
    }

    void statements() {
        ErasurePlan& plan = decision_.plan;
        std::string overwrite;
        std::string remove;
        std::string counts;
        std::string overwritten;
        std::string removed;
        std::size_t next = 0;
        for (std::size_t i = 0; i < plan.steps.size(); ++i) {
            const ErasureStep& step = plan.steps[i];
            const Table* table = declared(step.table);
            const std::string where = " WHERE " + sql_identifier(table->key) + " = $1::bigint";
            const std::string place = std::to_string(i);
            counts += (counts.empty() ? "SELECT " : ", ") +
                      ("(SELECT count(*) FROM public." + sql_identifier(step.table) + where + ")");
            if (step.rows_go) {
                remove += (remove.empty() ? "WITH s" : ", s") + place + " AS (DELETE FROM public." +
                          sql_identifier(step.table) + where + " RETURNING 1)";
                removed += (removed.empty() ? " SELECT " : " UNION ALL SELECT ") + place +
                           ", count(*) FROM s" + place;
                continue;
            }
            if (step.columns.empty()) {
                continue;
            }
            std::string sets;
            for (std::size_t k = 0; k < step.columns.size(); ++k) {
                sets += (sets.empty() ? "" : ", ") + expressions_[next++];
            }
            overwrite += (overwrite.empty() ? "WITH s" : ", s") + place + " AS (UPDATE public." +
                         sql_identifier(step.table) + " SET " + sets + where + " RETURNING 1)";
            overwritten += (overwritten.empty() ? " SELECT " : " UNION ALL SELECT ") + place +
                           ", count(*) FROM s" + place;
        }
        plan.count_sql = counts;
        plan.overwrite_sql = overwrite.empty() ? "" : overwrite + overwritten + " WHERE $2::text IS NOT NULL";
        plan.remove_sql = remove.empty() ? "" : remove + removed;
    }

    const topology::Topology& topology_;
    const LiveSchema& live_;
    ErasureDecision decision_;
    std::vector<std::string> expressions_;
};

}  // namespace

ErasureDecision plan_erasure(const topology::Topology& topology, const LiveSchema& live) {
    return Planner(topology, live).run();
}

}  // namespace domicile::privacy

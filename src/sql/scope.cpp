#include "sql/scope.hpp"

#include <algorithm>

namespace domicile::sql {

void KeyClasses::add(std::uint32_t depth) {
    const std::uint32_t use = size();
    nodes_.push_back({use, depth, {use, use + 1}});
}

std::uint32_t KeyClasses::root(std::uint32_t use) const {
    while (nodes_[use].parent != use) {
        nodes_[use].parent = nodes_[nodes_[use].parent].parent;
        use = nodes_[use].parent;
    }
    return use;
}

void KeyClasses::unite(std::uint32_t a, std::uint32_t b) {
    a = root(a);
    b = root(b);
    if (a == b) {
        return;
    }
    Entry& kept = nodes_[std::min(a, b)];
    const Entry& gone = nodes_[std::max(a, b)];
    kept.depth = std::min(kept.depth, gone.depth);
    kept.extent = {std::min(kept.extent.first, gone.extent.first),
                   std::max(kept.extent.last, gone.extent.last)};
    gone.parent = std::min(a, b);
}

void KeyClasses::raise(Span uses, std::uint32_t depth) {
    for (std::uint32_t use = uses.first; use < uses.last; ++use) {
        Entry& entry = nodes_[root(use)];
        entry.depth = std::min(entry.depth, depth);
    }
}

namespace {

/// What one item says of a column name.
struct Answer {
    enum class Kind : std::uint8_t { no, maybe, yes, twice };
    Kind kind = Kind::no;
    std::uint32_t use = no_use;
};

Answer ask(const Item& item, std::string_view name, std::size_t& work) {
    Answer answer{item.open ? Answer::Kind::maybe : Answer::Kind::no, no_use};
    work -= std::min(work, item.columns.size() + 1);
    for (const Column& column : item.columns) {
        if (column.name == name) {
            if (answer.kind == Answer::Kind::yes) {
                return {Answer::Kind::twice, no_use};
            }
            answer = {Answer::Kind::yes, column.use};
        }
    }
    return answer;
}

/// What the items say together of a column name.
Answer ask_items(const Scope& scope, const KeyClasses& classes, std::size_t first, std::size_t last,
                 std::string_view name, std::size_t& work) {
    Answer together;
    for (std::size_t i = first; i < last; ++i) {
        if (scope.items[i].only_qualified) {
            continue;
        }
        const Answer answer = ask(scope.items[i], name, work);
        if (answer.kind == Answer::Kind::twice) {
            return answer;
        }
        if (answer.kind == Answer::Kind::maybe && together.kind == Answer::Kind::no) {
            together = answer;
        }
        if (answer.kind != Answer::Kind::yes) {
            continue;
        }
        if (together.kind != Answer::Kind::yes) {
            together = answer;
            continue;
        }
        // Two columns of one name: an error of PostgreSQL's, or one column made by USING.
        const bool merged = std::ranges::find(scope.merged, name) != scope.merged.end();
        if (!merged || together.use == no_use || answer.use == no_use ||
            !classes.same(together.use, answer.use)) {
            return {Answer::Kind::twice, no_use};
        }
    }
    const bool blurred = std::ranges::find(scope.blurred, name) != scope.blurred.end();
    if (together.kind == Answer::Kind::yes && blurred) {
        together.use = no_use;
    }
    return together;
}

}  // namespace

std::uint32_t find_in_items(const Scope& scope, const KeyClasses& classes, std::size_t first,
                            std::size_t last, std::string_view name, std::size_t& work) {
    return ask_items(scope, classes, first, last, name, work).use;
}

// An item that may have the column, too, does not matter beside one that surely has it: if it had, PostgreSQL
// would refuse the name as ambiguous. Where none surely has it, an outer level may be meant or not.
std::uint32_t find_column(const Scope& scope, const KeyClasses& classes, std::string_view name,
                          std::size_t& work) {
    for (const Scope* level = &scope; level != nullptr; level = level->parent) {
        const std::size_t last = std::min(level->last, level->items.size());
        const Answer answer = ask_items(*level, classes, level->first, last, name, work);
        if (answer.kind != Answer::Kind::no) {
            return answer.use;
        }
        work -= std::min<std::size_t>(work, 1);
    }
    return no_use;
}

std::uint32_t find_column(const Scope& scope, std::string_view item, std::string_view name,
                          std::size_t& work) {
    for (const Scope* level = &scope; level != nullptr; level = level->parent) {
        const Item* found = nullptr;
        const std::size_t last = std::min(level->last, level->items.size());
        work -= std::min(work, last + 1);
        for (std::size_t i = level->first; i < last; ++i) {
            if (level->items[i].name == item) {
                if (found != nullptr) {
                    return no_use;
                }
                found = &level->items[i];
            }
        }
        if (found != nullptr) {
            const Answer answer = ask(*found, name, work);
            return answer.kind == Answer::Kind::yes ? answer.use : no_use;
        }
    }
    return no_use;
}

}  // namespace domicile::sql

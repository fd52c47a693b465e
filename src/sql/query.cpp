// SELECT, and what a query gives to the level around it.

#include "sql/pg_nodes.hpp"
#include "sql/walker.hpp"

#include <algorithm>

namespace domicile::sql {
namespace {

constexpr std::size_t columns_max = 1'664;  // PostgreSQL: MaxTupleAttributeNumber

}  // namespace

const CteFrame* Walker::with(const WithClause* with, const Around& around) {
    const CteFrame* seen = around.ctes;
    if (with == nullptr) {
        return seen;
    }
    std::vector<CteFrame*> own;
    for (const ListCell& cell : pg::cells(with->ctes)) {
        const auto* node = pg::as<CommonTableExpr>(pg::node(cell));
        CteFrame& frame = frames_.emplace_back();
        frame.node = node;
        frame.parent = seen;
        frame.inside = seen;
        frame.scope_parent = around.parent;
        frame.depth = around.depth;
        frame.alone = !pg::is(node->ctequery, T_SelectStmt) ||
                      std::ranges::find(shared_, static_cast<const void*>(node)) != shared_.end();
        seen = &frame;
        own.push_back(&frame);
    }
    spend(own.size() * (1 + shared_.size()));
    for (CteFrame* frame : own) {
        if (with->recursive) {
            frame->inside = seen;
        }
    }
    for (const CteFrame* frame : own) {
        if (frame->alone) {
            cte_alone(*frame);
        }
    }
    return seen;
}

void Walker::cte_alone(const CteFrame& frame) {
    frame.state = CteFrame::State::entered;
    const Around around{frame.scope_parent, frame.inside, frame.depth + 1};
    query_of(frame.node->ctequery, around, new_region());
    frame.state = CteFrame::State::done;
}

/// A query of WITH that nothing uses is still read.
void Walker::finish_with(const CteFrame* last, const CteFrame* outside) {
    for (const CteFrame* frame = last; frame != outside; frame = frame->parent) {
        if (frame->state == CteFrame::State::unused) {
            cte_alone(*frame);
        }
    }
}

Walker::Query Walker::query_of(const Node* stmt, const Around& around, std::uint32_t region) {
    const Deeper deeper(*this);
    if (const auto* query = pg::as_if<SelectStmt>(stmt, T_SelectStmt); query != nullptr && deeper) {
        return select(query, around, region);
    }
    Query query;
    query.uses.first = classes_.size();
    if (deeper) {
        modify(stmt, around);
    }
    query.uses.last = classes_.size();
    query.nonlocal = true;
    query.region = end_region(region);
    return query;
}

Walker::Query Walker::set_operation(const SelectStmt* stmt, const Around& around, std::uint32_t region) {
    Query query;
    query.uses.first = classes_.size();
    for (const SelectStmt* arm : {stmt->larg, stmt->rarg}) {
        select(arm, around, new_region());
    }
    Scope none{.parent = around.parent, .ctes = around.ctes, .depth = around.depth};
    walk(stmt->sortClause, none);
    walk(stmt->limitOffset, none);
    walk(stmt->limitCount, none);
    query.uses.last = classes_.size();
    for (std::uint32_t use = query.uses.first; use < query.uses.last; ++use) {
        query.nonlocal = query.nonlocal || (sharded(use) && classes_.depth(use) >= around.depth);
    }
    spend(query.uses.last - query.uses.first);
    query.region = end_region(region);
    return query;
}

Walker::Query Walker::select(const SelectStmt* stmt, const Around& around, std::uint32_t region) {
    const Deeper deeper(*this);
    if (!deeper) {
        return {};
    }
    Around inner = around;
    inner.ctes = with(stmt->withClause, around);
    facts_.writes = facts_.writes || stmt->lockingClause != nullptr;
    if (stmt->intoClause != nullptr) {
        into(stmt->intoClause, around.depth);
    }
    if (stmt->op != SETOP_NONE) {
        Query query = set_operation(stmt, inner, region);
        finish_with(inner.ctes, around.ctes);
        return query;
    }
    Query query;
    query.region = region;
    query.uses.first = classes_.size();
    Scope scope{.parent = inner.parent, .ctes = inner.ctes, .depth = inner.depth};
    select_body(stmt, scope, region);
    finish_with(inner.ctes, around.ctes);
    query.uses.last = classes_.size();
    end_region(region);
    query.sorted = stmt->sortClause != nullptr;
    query.drivers = scope.drivers;
    // Each row of the answer comes from a row that WHERE let through.
    query.liftable = scope.grouped || !scope.aggregated;
    columns(stmt, scope, query.item);
    for (std::uint32_t use = query.uses.first; use < query.uses.last && !query.nonlocal; ++use) {
        const bool tied = classes_.depth(use) < scope.depth;
        query.nonlocal = sharded(use) && !tied && !local_for(scope, use);
    }
    return query;
}

void Walker::select_body(const SelectStmt* stmt, Scope& scope, std::uint32_t region) {
    for (const ListCell& cell : pg::cells(stmt->valuesLists)) {
        walk(pg::node(cell), scope);
    }
    for (const ListCell& cell : pg::cells(stmt->fromClause)) {
        from_item(pg::node(cell), scope, region);
    }
    scope.window_clause = stmt->windowClause;
    conditions(stmt->whereClause, scope, {}, region);
    group_by(stmt, scope);
    walk(stmt->havingClause, scope);
    scope.aggregated = scope.aggregated || stmt->havingClause != nullptr;
    walk(stmt->windowClause, scope);
    walk(stmt->targetList, scope);
    walk(stmt->sortClause, scope);
    walk(stmt->limitOffset, scope);
    walk(stmt->limitCount, scope);
    scope.nonlocal = scope.nonlocal || stmt->limitOffset != nullptr || stmt->limitCount != nullptr;
    distinct(stmt, scope);
}

void Walker::group_by(const SelectStmt* stmt, Scope& scope) {
    scope.grouped = stmt->groupClause != nullptr;
    for (const ListCell& cell : pg::cells(stmt->groupClause)) {
        const Node* node = pg::node(cell);
        if (pg::is(node, T_GroupingSet)) {
            scope.nonlocal = true;  // ROLLUP and its kin make totals
            scope.grouped = false;
            scope.aggregated = true;
        }
        const auto* position = pg::as_if<A_Const>(node, T_A_Const);
        if (position != nullptr && !position->isnull && position->val.node.type == T_Integer) {
            // GROUP BY 2: the constant decides, so another one must not meet the same facts.
            cacheable_ = false;
            const int number = position->val.ival.ival;
            const auto* target =
                number < 1
                    ? nullptr
                    : pg::as_if<ResTarget>(pg::nth(stmt->targetList, static_cast<std::size_t>(number - 1)),
                                           T_ResTarget);
            bool star = false;
            for (const ListCell& one : pg::cells(stmt->targetList)) {
                const auto* ref = pg::as_if<ColumnRef>(pg::as<ResTarget>(pg::node(one))->val, T_ColumnRef);
                star = star || (ref != nullptr && pg::is(pg::last(ref->fields), T_A_Star));
                spend(1);
            }
            node = target == nullptr || star ? nullptr : target->val;
        }
        if (const auto key = key_of(node, scope); key != no_use) {
            scope.group_keys.push_back(key);
        }
    }
    walk(stmt->groupClause, scope);
}

void Walker::distinct(const SelectStmt* stmt, Scope& scope) {
    if (stmt->distinctClause == nullptr) {
        return;
    }
    // DISTINCT keeps one row of several; if the key is among its columns they are of one user.
    std::vector<std::uint32_t> keys;
    const bool on = pg::nth(stmt->distinctClause, 0) != nullptr;
    if (on) {
        walk(stmt->distinctClause, scope);
    }
    for (const ListCell& cell : pg::cells(on ? stmt->distinctClause : stmt->targetList)) {
        const Node* node = pg::node(cell);
        const auto* target = pg::as_if<ResTarget>(node, T_ResTarget);
        if (const auto key = key_of(target == nullptr ? node : target->val, scope); key != no_use) {
            keys.push_back(key);
        }
    }
    scope.partitions.push_back(std::move(keys));
}

/// Whether rows of this level that hold the key of `use` come from that user's rows alone.
bool Walker::local_for(const Scope& scope, std::uint32_t use) {
    spend(scope.drivers.size() + scope.group_keys.size() + scope.partitions.size());
    const auto has = [&](const std::vector<std::uint32_t>& keys) {
        return std::ranges::any_of(keys, [&](std::uint32_t key) { return classes_.same(key, use); });
    };
    const bool one_by_one = !scope.aggregated && !scope.grouped;
    return !scope.nonlocal && has(scope.drivers) && (one_by_one || has(scope.group_keys)) &&
           std::ranges::all_of(scope.partitions, has);
}

void Walker::star(const ColumnRef* ref, const Scope& scope, Item& item) {
    note_column(ref, scope);
    item.positional = false;
    const std::string_view name = pg::size(ref->fields) > 1
                                      ? pg::text(pg::nth(ref->fields, pg::size(ref->fields) - 2))
                                      : std::string_view();
    bool found = false;
    for (const Item& one : scope.items) {
        if (name.empty() ? one.only_qualified : one.name != name) {
            continue;
        }
        found = true;
        item.open = item.open || one.open;
        spend(one.columns.size());
        for (const Column& column : one.columns) {
            const bool merged =
                name.empty() && std::ranges::find(scope.merged, column.name) != scope.merged.end();
            const bool blurred =
                name.empty() && std::ranges::find(scope.blurred, column.name) != scope.blurred.end();
            const auto same = [&](const Column& other) { return other.name == column.name; };
            if (merged && std::ranges::any_of(item.columns, same)) {
                continue;
            }
            item.columns.push_back({column.name, blurred ? no_use : column.use});
        }
    }
    item.open = item.open || !found;
}

void Walker::columns(const SelectStmt* stmt, const Scope& scope, Item& item) {
    item.open = stmt->valuesLists != nullptr;
    item.positional = stmt->valuesLists == nullptr;
    for (const ListCell& cell : pg::cells(stmt->targetList)) {
        const auto* target = pg::as<ResTarget>(pg::node(cell));
        const auto* ref = pg::as_if<ColumnRef>(target->val, T_ColumnRef);
        spend(1 + scope.items.size());
        if (item.columns.size() >= columns_max || failed()) {
            item.open = true;
            return;
        }
        if (ref != nullptr && pg::is(pg::last(ref->fields), T_A_Star)) {
            star(ref, scope, item);
            continue;
        }
        Column column{pg::text(target->name), key_of(target->val, scope)};
        if (column.name.empty() && ref != nullptr) {
            column.name = pg::text(pg::last(ref->fields));
        }
        item.open = item.open || column.name.empty();  // an expression's name is PostgreSQL's choice
        item.columns.push_back(column);
    }
    for (Column& column : item.columns) {
        const bool kept = column.use != no_use &&
                          (local_for(scope, column.use) || classes_.depth(column.use) < scope.depth);
        column.use = kept ? column.use : no_use;
    }
}

void Walker::into(const IntoClause* into, std::uint32_t depth) {
    const bool temporary = into->rel->relpersistence == pg::temporary;
    if (temporary) {
        pin(Pin::temp_table);
        add_use("pg_temp", pg::text(into->rel->relname), Verb::define, depth);
    } else {
        add_use(into->rel, Verb::define, depth);
    }
    facts_.writes = true;
    defines_ = true;
}

}  // namespace domicile::sql

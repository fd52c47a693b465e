// INSERT, UPDATE, DELETE, MERGE.

#include "sql/pg_nodes.hpp"
#include "sql/walker.hpp"

#include <algorithm>

namespace domicile::sql {

std::string_view Walker::key_name(std::uint32_t use) const {
    return sharded(use) ? std::string_view(facts_.tables[use].table->key) : std::string_view();
}

void Walker::modify(const Node* stmt, const Around& around) {
    modifies_ = true;
    facts_.writes = true;
    switch (nodeTag(stmt)) {
        case T_InsertStmt: insert(pg::as<InsertStmt>(stmt), around); return;
        case T_UpdateStmt: update(pg::as<UpdateStmt>(stmt), around); return;
        case T_DeleteStmt: remove(pg::as<DeleteStmt>(stmt), around); return;
        case T_MergeStmt: merge(pg::as<MergeStmt>(stmt), around); return;
        default: set_opaque("a statement that Domicile does not know");
    }
}

void Walker::insert(const InsertStmt* stmt, const Around& around) {
    Around inner = around;
    inner.ctes = with(stmt->withClause, around);
    const std::uint32_t region = new_region();
    const std::uint32_t target = add_use(stmt->relation, Verb::insert, around.depth);
    std::optional<std::size_t> key;
    const auto names = pg::cells(stmt->cols);
    note_written(stmt->cols);
    for (std::size_t i = 0; i < names.size() && sharded(target); ++i) {
        if (pg::text(pg::as<ResTarget>(pg::node(names[i]))->name) == key_name(target)) {
            key = i;
        }
    }
    if (names.empty() && sharded(target)) {
        // Without a list the values go to the columns in their order.
        const auto known = source_.places.find(facts_.tables[target].name);
        key = known == source_.places.end() ? std::nullopt : std::optional(known->second);
    }
    // VALUES and queries do not see the target.
    Scope outside{.parent = inner.parent, .ctes = inner.ctes, .depth = inner.depth};
    const auto* source = pg::as_if<SelectStmt>(stmt->selectStmt, T_SelectStmt);
    const bool rows = source != nullptr && source->valuesLists != nullptr && source->withClause == nullptr;
    if (sharded(target)) {
        ++inserts_;
        inserts_of_rows_ += rows ? 1 : 0;
        facts_.key_missing = facts_.key_missing || !key;
        facts_.insert_values = facts_.insert_values || rows;
    }
    if (rows) {
        insert_rows(source->valuesLists, key, outside);
        walk(source->sortClause, outside);
        walk(source->limitOffset, outside);
        walk(source->limitCount, outside);
    } else if (source != nullptr) {
        insert_query(stmt, target, key, outside, region);
    }
    Item item = target_item(stmt->relation, target);
    Scope scope = std::move(outside);
    scope.items.push_back(item);
    if (stmt->onConflictClause != nullptr) {
        on_conflict(stmt->onConflictClause, target, item, scope);
    }
    facts_.tables[target].returns = pg::size(stmt->returningList) > 0;
    walk(stmt->returningList, scope);
    finish_with(inner.ctes, around.ctes);
    end_region(region);
}

void Walker::insert_rows(const List* rows, std::optional<std::size_t> key, Scope& scope) {
    for (const ListCell& cell : pg::cells(rows)) {
        const auto* row = pg::as_if<List>(pg::node(cell), T_List);
        if (failed()) {
            return;
        }
        if (key) {
            if (const auto constant = *key < pg::size(row) ? operand(pg::nth(row, *key)) : std::nullopt) {
                facts_.inserted_keys.push_back(*constant);
            } else {
                facts_.key_missing = true;
            }
        }
        walk(row, scope);
    }
}

void Walker::insert_query(const InsertStmt* stmt, std::uint32_t target, std::optional<std::size_t> key,
                          Scope& scope, std::uint32_t region) {
    const auto* source = pg::as<SelectStmt>(stmt->selectStmt);
    const Query query = select(source, {scope.parent, scope.ctes, scope.depth + 1}, new_region());
    classes_.raise(query.uses, scope.depth);
    if (query.liftable) {
        regions_[query.region].lifts_to = region;
    }
    if (!key) {
        return;
    }
    const bool placed = query.item.positional && *key < query.item.columns.size();
    const std::uint32_t use = placed ? query.item.columns[*key].use : no_use;
    const auto* column =
        placed ? pg::as_if<ResTarget>(pg::nth(source->targetList, *key), T_ResTarget) : nullptr;
    const auto constant = column == nullptr ? std::nullopt : operand(column->val);
    if (use != no_use && !nullable_[use]) {
        equate(target, use, {}, scope.depth);
    } else if (constant && constant->source != Operand::Source::null) {
        predicates_.push_back({leaf(KeyNode::Op::equal, target, *constant), region});
    } else {
        facts_.key_missing = true;
    }
}

void Walker::on_conflict(const OnConflictClause* clause, std::uint32_t target, const Item& item,
                         Scope& scope) {
    if (clause->infer != nullptr) {
        walk(clause->infer->indexElems, scope);
        walk(clause->infer->whereClause, scope);
    }
    facts_.tables[target].also_updates = clause->action == ONCONFLICT_UPDATE;
    // "excluded" has the columns of the target, and is a row on its way in.
    Item excluded;
    excluded.name = "excluded";
    for (const Column& column : item.columns) {
        excluded.columns.push_back({column.name, no_use});
    }
    excluded.only_qualified = true;
    scope.items.push_back(std::move(excluded));
    assignments(clause->targetList, target, scope);
    walk(clause->whereClause, scope);
    scope.items.pop_back();
}

void Walker::assignments(const List* targets, std::uint32_t target, Scope& scope) {
    for (const ListCell& cell : pg::cells(targets)) {
        const auto* column = pg::as_if<ResTarget>(pg::node(cell), T_ResTarget);
        if (column != nullptr && sharded(target) && pg::text(column->name) == key_name(target)) {
            facts_.updates_key = true;
        }
    }
    note_written(targets);
    walk(targets, scope);
}

void Walker::update(const UpdateStmt* stmt, const Around& around) {
    Scope scope{.parent = around.parent, .ctes = with(stmt->withClause, around), .depth = around.depth};
    const std::uint32_t region = new_region();
    const std::uint32_t target = add_use(stmt->relation, Verb::update, around.depth);
    scope.items.push_back(target_item(stmt->relation, target));
    for (const ListCell& cell : pg::cells(stmt->fromClause)) {
        from_item(pg::node(cell), scope, region);
    }
    conditions(stmt->whereClause, scope, {}, region);
    assignments(stmt->targetList, target, scope);
    walk(stmt->returningList, scope);
    finish_with(scope.ctes, around.ctes);
    end_region(region);
}

void Walker::remove(const DeleteStmt* stmt, const Around& around) {
    Scope scope{.parent = around.parent, .ctes = with(stmt->withClause, around), .depth = around.depth};
    const std::uint32_t region = new_region();
    const std::uint32_t target = add_use(stmt->relation, Verb::remove, around.depth);
    scope.items.push_back(target_item(stmt->relation, target));
    for (const ListCell& cell : pg::cells(stmt->usingClause)) {
        from_item(pg::node(cell), scope, region);
    }
    conditions(stmt->whereClause, scope, {}, region);
    walk(stmt->returningList, scope);
    finish_with(scope.ctes, around.ctes);
    end_region(region);
}

/// Rows of the source stay whether they match or not, so ON restricts the target only.
void Walker::merge(const MergeStmt* stmt, const Around& around) {
    Scope scope{.parent = around.parent, .ctes = with(stmt->withClause, around), .depth = around.depth};
    const std::uint32_t region = new_region();
    const std::uint32_t target_region = new_region();
    const std::uint32_t target = add_use(stmt->relation, Verb::update, around.depth);
    facts_.tables[target].merges = true;
    end_region(target_region);
    scope.items.push_back(target_item(stmt->relation, target));
    from_item(stmt->sourceRelation, scope, region);
    const std::size_t first = predicates_.size();
    conditions(stmt->joinCondition, scope, {Equates::Join::outer, {target, target + 1}, {}}, target_region);
    const std::size_t last = predicates_.size();
    std::vector<Operand> constants;
    for (const ListCell& cell : pg::cells(stmt->mergeWhenClauses)) {
        const auto* when = pg::as<MergeWhenClause>(pg::node(cell));
        walk(when->condition, scope);
        if (when->commandType == CMD_INSERT && sharded(target)) {
            scope.first = 1;  // only the source's columns can be meant
            merge_insert(when->targetList, when->values, target, scope, constants);
            scope.first = 0;
            walk(when->targetList, scope);
        } else {
            assignments(when->targetList, target, scope);
        }
        walk(when->values, scope);
    }
    if (!constants.empty()) {
        const Span extent = classes_.extent(target);
        if (extent.last - extent.first > 1 || first == last) {
            facts_.key_missing = true;
        }
        // ON alone, or the new row: the target's ids are in one of the two.
        std::vector<std::uint32_t> on;
        for (std::size_t i = first; i < last; ++i) {
            if (predicates_[i].region == target_region) {
                on.push_back(std::exchange(predicates_[i].root, anything));
            }
        }
        std::vector<std::uint32_t> either{join_terms(KeyNode::Op::both, std::move(on))};
        for (const Operand& constant : constants) {
            either.push_back(leaf(KeyNode::Op::equal, target, constant));
        }
        predicates_.push_back({join_terms(KeyNode::Op::either, std::move(either)), target_region});
    }
    finish_with(scope.ctes, around.ctes);
    end_region(region);
}

void Walker::merge_insert(const List* names, const List* values, std::uint32_t target, const Scope& scope,
                          std::vector<Operand>& constants) {
    const auto columns = pg::cells(names);
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (pg::text(pg::as<ResTarget>(pg::node(columns[i]))->name) != key_name(target)) {
            continue;
        }
        const Node* value = pg::nth(values, i);
        const std::uint32_t use = key_of(value, scope);
        const auto constant = operand(value);
        if (use != no_use && classes_.same(use, target) && !nullable_[use]) {
            return;
        }
        if (constant && constant->source != Operand::Source::null) {
            constants.push_back(*constant);
            return;
        }
    }
    facts_.key_missing = true;
}

}  // namespace domicile::sql

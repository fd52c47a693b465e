// FROM: which names a level has, and what its joins prove.

#include "sql/pg_nodes.hpp"
#include "sql/walker.hpp"

#include <algorithm>
#include <set>

namespace domicile::sql {

/// With a list of names for columns we know neither which was which nor whether the key kept its name.
void Walker::apply_alias(const Alias* alias, Item& item) {
    if (alias == nullptr) {
        return;
    }
    item.name = pg::text(alias->aliasname);
    const auto names = pg::cells(alias->colnames);
    if (names.empty()) {
        return;
    }
    if (!item.positional) {
        item.columns.clear();
        item.open = true;
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string_view name = pg::text(pg::node(names[i]));
        if (i < item.columns.size()) {
            item.columns[i].name = name;
        } else {
            item.columns.push_back({name, no_use});
        }
    }
}

void Walker::unknown_item(const Alias* alias, std::string_view name, Scope& scope) {
    Item item;
    item.name = name;
    apply_alias(alias, item);
    scope.items.push_back(std::move(item));
}

Walker::Arm Walker::from_item(const Node* node, Scope& scope, std::uint32_t region) {
    Arm arm{scope.items.size(), 0, {classes_.size(), 0}, scope.drivers.size(), 0};
    const Deeper deeper(*this);
    if (node != nullptr && deeper) {
        switch (nodeTag(node)) {
            case T_RangeVar: table(pg::as<RangeVar>(node), scope, region); break;
            case T_JoinExpr: arm = join(pg::as<JoinExpr>(node), scope, region); break;
            case T_RangeSubselect: {
                const auto* derived = pg::as<RangeSubselect>(node);
                // Without LATERAL it does not see its neighbours.
                const Around around{derived->lateral ? &scope : scope.parent, scope.ctes, scope.depth + 1};
                Query query = select(pg::as<SelectStmt>(derived->subquery), around, new_region());
                import(query, derived->alias, {}, scope, region);
                break;
            }
            case T_RangeFunction: {
                const auto* function = pg::as<RangeFunction>(node);
                walk(function->functions, scope);
                const auto* first = pg::as_if<List>(pg::nth(function->functions, 0), T_List);
                const auto* named = pg::as_if<FuncCall>(pg::nth(first, 0), T_FuncCall);
                unknown_item(function->alias, named == nullptr ? "" : pg::text(pg::last(named->funcname)),
                             scope);
                break;
            }
            case T_RangeTableFunc: {
                const auto* function = pg::as<RangeTableFunc>(node);
                walk(function->docexpr, scope);
                walk(function->rowexpr, scope);
                walk(function->namespaces, scope);
                walk(function->columns, scope);
                unknown_item(function->alias, {}, scope);
                break;
            }
            case T_RangeTableSample: {
                const auto* sample = pg::as<RangeTableSample>(node);
                from_item(sample->relation, scope, region);
                walk(sample->args, scope);
                walk(sample->repeatable, scope);
                break;
            }
            default:
                set_opaque("a FROM item that Domicile does not know");
                cacheable_ = false;
                unknown_item(nullptr, {}, scope);
        }
    }
    arm.last_item = scope.items.size();
    arm.uses.last = classes_.size();
    arm.last_driver = scope.drivers.size();
    return arm;
}

Item Walker::target_item(const RangeVar* range, std::uint32_t use) const {
    Item item;
    item.name = pg::text(range->relname);
    if (sharded(use)) {
        item.columns.push_back({facts_.tables[use].table->key, use});
    }
    apply_alias(range->alias, item);
    return item;
}

void Walker::table(const RangeVar* range, Scope& scope, std::uint32_t region) {
    if (range->alias != nullptr && pg::size(range->alias->colnames) > 0) {
        // Its columns go by other names from here on, by their order alone: any may be read.
        reads_all_of_.push_back(pg::text(range->alias->aliasname));
    }
    if (range->schemaname == nullptr && cte(range, scope, region)) {
        return;
    }
    const std::uint32_t use = add_use(range, Verb::select, scope.depth);
    if (sharded(use)) {
        scope.drivers.push_back(use);
    }
    scope.items.push_back(target_item(range, use));
}

/// Whether the name is that of a query of WITH. The first use takes the query's place; a second one makes the
/// walk begin again, with that query standing alone.
bool Walker::cte(const RangeVar* range, Scope& scope, std::uint32_t region) {
    const std::string_view name = pg::text(range->relname);
    const CteFrame* frame = scope.ctes;
    while (frame != nullptr && pg::text(frame->node->ctename) != name) {
        spend(1);
        frame = frame->parent;
    }
    if (frame == nullptr) {
        return false;
    }
    if (frame->alone || frame->state != CteFrame::State::unused) {
        scope.nonlocal = true;
        if (!frame->alone && frame->state == CteFrame::State::done) {
            shared_.push_back(frame->node);
            rerun_ = true;
        }
        unknown_item(range->alias, name, scope);
        return true;
    }
    frame->state = CteFrame::State::entered;
    Query query =
        query_of(frame->node->ctequery, {frame->scope_parent, frame->inside, scope.depth + 1}, new_region());
    frame->state = CteFrame::State::done;
    const Alias names{T_Alias, frame->node->ctename, frame->node->aliascolnames};
    if (pg::size(frame->node->aliascolnames) > 0) {
        apply_alias(&names, query.item);
    }
    import(query, range->alias, name, scope, region);
    return true;
}

void Walker::import(Query& query, const Alias* alias, std::string_view name, Scope& scope,
                    std::uint32_t region) {
    scope.nonlocal = scope.nonlocal || query.nonlocal;
    scope.drivers.insert(scope.drivers.end(), query.drivers.begin(), query.drivers.end());
    classes_.raise(query.uses, scope.depth);
    spend(query.uses.last - query.uses.first);
    if (query.liftable) {
        regions_[query.region].lifts_to = region;
    }
    query.item.name = name;
    apply_alias(alias, query.item);
    scope.items.push_back(std::move(query.item));
}

Walker::Arm Walker::join(const JoinExpr* join, Scope& scope, std::uint32_t region) {
    const bool left_nullable = join->jointype == JOIN_RIGHT || join->jointype == JOIN_FULL;
    const bool right_nullable = join->jointype == JOIN_LEFT || join->jointype == JOIN_FULL;
    const std::uint32_t left_region = left_nullable ? new_region() : region;
    const Arm left = from_item(join->larg, scope, left_region);
    if (left_nullable) {
        end_region(left_region);
    }
    const std::uint32_t right_region = right_nullable ? new_region() : region;
    const Arm right = from_item(join->rarg, scope, right_region);
    Equates rule;
    std::optional<std::uint32_t> restricted = region;
    if (left_nullable && right_nullable) {
        rule = {Equates::Join::full, left.uses, right.uses};
        restricted.reset();
    } else if (left_nullable || right_nullable) {
        rule = {Equates::Join::outer, left_nullable ? left.uses : right.uses, {}};
        restricted = left_nullable ? left_region : right_region;
    }
    using_columns(join, scope, left, right, rule);
    // ON sees the two arms, and the levels around.
    const std::size_t first = std::exchange(scope.first, left.first_item);
    const std::size_t last = std::exchange(scope.last, right.last_item);
    conditions(join->quals, scope, rule, restricted);
    scope.first = first;
    scope.last = last;
    if (right_nullable) {
        end_region(right_region);
    }
    for (std::uint32_t use = left.uses.first; use < left.uses.last && left_nullable; ++use) {
        nullable_[use] = true;
    }
    for (std::uint32_t use = right.uses.first; use < right.uses.last && right_nullable; ++use) {
        nullable_[use] = true;
    }
    spend(right.uses.last - left.uses.first);
    check_outer_join(join, scope, left, right);
    if (join->alias != nullptr) {
        reads_all_ = reads_all_ || pg::size(join->alias->colnames) > 0;  // the same, of several tables
        Item item = joined_item(join, scope, left, right);
        scope.items.resize(left.first_item);
        scope.items.push_back(std::move(item));
    } else if (join->join_using_alias != nullptr) {
        Item item;
        item.name = pg::text(join->join_using_alias->aliasname);
        item.only_qualified = true;
        scope.items.push_back(std::move(item));
    }
    Arm arm = left;
    arm.last_item = scope.items.size();
    return arm;
}

void Walker::using_columns(const JoinExpr* join, Scope& scope, const Arm& left, const Arm& right,
                           const Equates& rule) {
    const auto one = [&](std::string_view name) {
        const auto find = [&](const Arm& arm) {
            return find_in_items(scope, classes_, arm.first_item, arm.last_item, name, work_);
        };
        const auto a = find(left);
        const auto b = find(right);
        equate(a, b, rule, scope.depth);
        if (a != no_use && b != no_use && classes_.same(a, b)) {
            scope.merged.push_back(name);
            return;
        }
        // The one column is that of the preserved side, and may be of a table we know nothing of.
        const bool blurred = join->jointype == JOIN_FULL || (join->jointype == JOIN_LEFT && a == no_use) ||
                             (join->jointype == JOIN_RIGHT && b == no_use);
        if (blurred) {
            scope.blurred.push_back(name);
        }
    };
    for (const ListCell& cell : pg::cells(join->usingClause)) {
        one(pg::text(pg::node(cell)));
    }
    reads_all_ = reads_all_ || join->isNatural;  // it compares columns that it does not name
    if (!join->isNatural) {
        return;
    }
    std::set<std::string_view> names;
    for (std::size_t i = left.first_item; i < right.last_item; ++i) {
        for (const Column& column : scope.items[i].columns) {
            if (column.use != no_use) {
                names.insert(column.name);
            }
        }
        spend(scope.items[i].columns.size());
    }
    for (const std::string_view name : names) {
        one(name);
    }
}

/// An outer join is of one user's rows only if it joins by the key: otherwise whether a row finds a partner
/// depends on other shards.
void Walker::check_outer_join(const JoinExpr* join, Scope& scope, const Arm& left, const Arm& right) {
    if (join->jointype == JOIN_INNER) {
        return;
    }
    std::set<std::uint32_t> left_roots;
    std::set<std::uint32_t> right_roots;
    for (std::size_t i = left.first_driver; i < left.last_driver; ++i) {
        left_roots.insert(classes_.root(scope.drivers[i]));
    }
    for (std::size_t i = right.first_driver; i < right.last_driver; ++i) {
        right_roots.insert(classes_.root(scope.drivers[i]));
    }
    spend(left_roots.size() + right_roots.size());
    const bool right_tied = std::ranges::includes(left_roots, right_roots);
    const bool left_tied = std::ranges::includes(right_roots, left_roots);
    const bool tied =
        (join->jointype == JOIN_RIGHT || right_tied) && (join->jointype == JOIN_LEFT || left_tied);
    scope.nonlocal = scope.nonlocal || !tied;
}

/// (a JOIN b) AS name hides the names of its arms.
Item Walker::joined_item(const JoinExpr* join, const Scope& scope, const Arm& left, const Arm& right) const {
    Item item;
    for (std::size_t i = left.first_item; i < right.last_item; ++i) {
        for (const Column& column : scope.items[i].columns) {
            const auto same = [&](const Column& other) {
                return other.name == column.name && other.use != no_use && column.use != no_use &&
                       classes_.same(other.use, column.use);
            };
            if (std::ranges::none_of(item.columns, same)) {
                item.columns.push_back(column);
            }
        }
    }
    const bool blurred = !scope.blurred.empty();
    for (Column& column : item.columns) {
        column.use = blurred ? no_use : column.use;
    }
    apply_alias(join->alias, item);
    return item;
}

}  // namespace domicile::sql

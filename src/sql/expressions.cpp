// Expressions: what they call, which sub-selects they hold, and where their constants stand.

#include "sql/functions.hpp"
#include "sql/pg_nodes.hpp"
#include "sql/walker.hpp"

#include <algorithm>

namespace domicile::sql {

void Walker::walk(const List* list, Scope& scope) {
    for (const ListCell& cell : pg::cells(list)) {
        if (failed()) {
            return;
        }
        walk(pg::node(cell), scope);
    }
}

void Walker::walk(const Node* node, Scope& scope) {
    if (node == nullptr) {
        return;
    }
    const Deeper deeper(*this);
    if (!deeper) {
        return;
    }
    switch (nodeTag(node)) {
        case T_List: walk(pg::as<List>(node), scope); return;
        case T_A_Const: note_constant(pg::as<A_Const>(node)); return;
        case T_ColumnRef:
            if (references_ != nullptr) {
                references_->push_back(pg::as<ColumnRef>(node));
            }
            note_column(pg::as<ColumnRef>(node), scope);
            return;
        case T_A_Expr: {
            const auto* expr = pg::as<A_Expr>(node);
            if (pg::size(expr->name) > 1 && pg::text(pg::nth(expr->name, 0)) != "pg_catalog") {
                set_opaque("OPERATOR(" + std::string(pg::text(pg::nth(expr->name, 0))) + "." +
                           std::string(pg::text(pg::last(expr->name))) + ")");
                volatile_ = true;
            }
            walk(expr->lexpr, scope);
            walk(expr->rexpr, scope);
            return;
        }
        case T_BoolExpr: walk(pg::as<BoolExpr>(node)->args, scope); return;
        case T_FuncCall: call(pg::as<FuncCall>(node), scope); return;
        case T_SubLink: sublink(pg::as<SubLink>(node), scope); return;
        case T_TypeCast:
            walk(pg::as<TypeCast>(node)->arg, scope);
            walk(reinterpret_cast<const Node*>(pg::as<TypeCast>(node)->typeName), scope);
            return;
        case T_TypeName: walk(pg::as<TypeName>(node)->typmods, scope); return;
        case T_CaseExpr:
            walk(reinterpret_cast<const Node*>(pg::as<CaseExpr>(node)->arg), scope);
            walk(pg::as<CaseExpr>(node)->args, scope);
            walk(reinterpret_cast<const Node*>(pg::as<CaseExpr>(node)->defresult), scope);
            return;
        case T_CaseWhen:
            walk(reinterpret_cast<const Node*>(pg::as<CaseWhen>(node)->expr), scope);
            walk(reinterpret_cast<const Node*>(pg::as<CaseWhen>(node)->result), scope);
            return;
        case T_RowExpr: walk(pg::as<RowExpr>(node)->args, scope); return;
        case T_CoalesceExpr: walk(pg::as<CoalesceExpr>(node)->args, scope); return;
        case T_MinMaxExpr: walk(pg::as<MinMaxExpr>(node)->args, scope); return;
        case T_NullTest: walk(reinterpret_cast<const Node*>(pg::as<NullTest>(node)->arg), scope); return;
        case T_BooleanTest:
            walk(reinterpret_cast<const Node*>(pg::as<BooleanTest>(node)->arg), scope);
            return;
        case T_NamedArgExpr:
            walk(reinterpret_cast<const Node*>(pg::as<NamedArgExpr>(node)->arg), scope);
            return;
        case T_A_ArrayExpr: walk(pg::as<A_ArrayExpr>(node)->elements, scope); return;
        case T_A_Indirection:
            walk(pg::as<A_Indirection>(node)->arg, scope);
            walk(pg::as<A_Indirection>(node)->indirection, scope);
            return;
        case T_A_Indices:
            walk(pg::as<A_Indices>(node)->lidx, scope);
            walk(pg::as<A_Indices>(node)->uidx, scope);
            return;
        case T_ResTarget:
            walk(pg::as<ResTarget>(node)->indirection, scope);
            walk(pg::as<ResTarget>(node)->val, scope);
            return;
        case T_MultiAssignRef:
            // Every column of (a, b) = (…) holds the same source.
            if (pg::as<MultiAssignRef>(node)->colno == 1) {
                walk(pg::as<MultiAssignRef>(node)->source, scope);
            }
            return;
        case T_CollateClause: walk(pg::as<CollateClause>(node)->arg, scope); return;
        case T_SortBy:
            if (pg::size(pg::as<SortBy>(node)->useOp) > 1) {
                set_opaque("ORDER BY USING");
            }
            walk(pg::as<SortBy>(node)->node, scope);
            return;
        case T_WindowDef:
            walk(pg::as<WindowDef>(node)->partitionClause, scope);
            walk(pg::as<WindowDef>(node)->orderClause, scope);
            walk(pg::as<WindowDef>(node)->startOffset, scope);
            walk(pg::as<WindowDef>(node)->endOffset, scope);
            return;
        case T_GroupingSet: walk(pg::as<GroupingSet>(node)->content, scope); return;
        case T_GroupingFunc:
            scope.aggregated = true;
            walk(pg::as<GroupingFunc>(node)->args, scope);
            return;
        case T_XmlExpr:
            walk(pg::as<XmlExpr>(node)->named_args, scope);
            walk(pg::as<XmlExpr>(node)->args, scope);
            return;
        case T_XmlSerialize:
            walk(pg::as<XmlSerialize>(node)->expr, scope);
            walk(reinterpret_cast<const Node*>(pg::as<XmlSerialize>(node)->typeName), scope);
            return;
        case T_IndexElem: walk(pg::as<IndexElem>(node)->expr, scope); return;
        case T_RangeTableFuncCol:
            walk(pg::as<RangeTableFuncCol>(node)->colexpr, scope);
            walk(pg::as<RangeTableFuncCol>(node)->coldefexpr, scope);
            return;
        case T_ColumnDef: return;
        case T_ParamRef:
        case T_SetToDefault:
        case T_A_Star:
        case T_CurrentOfExpr:
        case T_SQLValueFunction:
        case T_String: return;
        default:
            // A kind of node that the grammar of a later version brings: it may hold anything.
            set_opaque("an expression that Domicile does not know");
            volatile_ = true;
            cacheable_ = false;
    }
}

/// What set_config() sets, where name and value are constants.
std::optional<Setting> Walker::config_of(const FuncCall* call) const {
    const auto text = [&](std::size_t index) {
        const auto* constant = pg::as_if<A_Const>(pg::nth(call->args, index), T_A_Const);
        return constant != nullptr && !constant->isnull && constant->val.node.type == T_String
                   ? std::optional(std::string(pg::text(constant->val.sval.sval)))
                   : std::nullopt;
    };
    const auto name = text(0);
    auto value = text(1);
    if (!name || !value) {
        return std::nullopt;
    }
    Setting setting;
    for (const char c : *name) {
        setting.name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    setting.value = std::move(*value);
    setting.literal = true;
    return setting;
}

void Walker::call(const FuncCall* call, Scope& scope) {
    const std::size_t parts = pg::size(call->funcname);
    const std::string_view name = pg::text(pg::last(call->funcname));
    const bool own = parts == 1 || (parts == 2 && pg::text(pg::nth(call->funcname, 0)) == "pg_catalog");
    // The helpers of the standard's own views (JDBC's getPrimaryKeys calls one): immutable, and read nothing.
    const bool standard = parts == 2 && pg::text(pg::nth(call->funcname, 0)) == "information_schema" &&
                          name.starts_with("_pg_");
    const FunctionClass which = own        ? function_class(name)
                                : standard ? FunctionClass::plain
                                           : FunctionClass::opaque;
    const bool unknown = which == FunctionClass::opaque;
    volatile_ = volatile_ || (which != FunctionClass::plain && which != FunctionClass::aggregates);
    if (unknown) {
        set_opaque(parts > 1
                       ? std::string(pg::text(pg::nth(call->funcname, parts - 2))) + "." + std::string(name)
                       : std::string(name));
    } else if (name == "pg_advisory_unlock_all") {
        facts_.unlocks_all = true;
    } else if (which == FunctionClass::session_locks) {
        if (!name.starts_with("pg_advisory_unlock")) {
            pin(Pin::advisory_lock);
        }
    } else if (which == FunctionClass::sequences) {
        pin(Pin::sequence);
    } else if (name == "set_config") {
        const auto* word = pg::as_if<A_Const>(pg::nth(call->args, 2), T_A_Const);
        const bool known = word != nullptr && !word->isnull && word->val.node.type == T_Boolean;
        if (auto setting = known && !word->val.boolval.boolval ? config_of(call) : std::nullopt) {
            cacheable_ = false;  // its constants are not the key's
            if (setting->name.starts_with("domicile.")) {
                refuse("set_config() does not reach the gateway's own settings.",
                       "Use SET " + setting->name + ".");
            }
            facts_.sets.push_back(std::move(*setting));
        } else if (!known || !word->val.boolval.boolval) {
            pin(Pin::set_config);
        }
    }
    const bool counts = call->agg_star || call->agg_distinct || call->agg_within_group ||
                        call->agg_filter != nullptr || call->agg_order != nullptr;
    if (call->over != nullptr) {
        window(call->over, scope);
        walk(call->args, scope);
    } else if (which == FunctionClass::aggregates || unknown || counts) {
        aggregate(call, scope);
    } else {
        walk(call->args, scope);
    }
    walk(call->agg_order, scope);
    walk(call->agg_filter, scope);
}

/// An aggregate belongs to the innermost level whose columns it takes; without any, to its own.
void Walker::aggregate(const FuncCall* call, Scope& scope) {
    std::vector<const ColumnRef*> references;
    auto* const outer = std::exchange(references_, &references);
    walk(call->args, scope);
    references_ = outer;
    bool own = references.empty();
    for (const ColumnRef* ref : references) {
        if (outer != nullptr) {
            outer->push_back(ref);
        }
        const std::string_view item = pg::size(ref->fields) > 1 ? pg::text(pg::nth(ref->fields, 0)) : "";
        for (const Item& one : scope.items) {
            own = own || item.empty() || one.name == item || pg::size(ref->fields) > 2;
        }
    }
    scope.aggregated = true;
    if (!own) {
        for (const Scope* level = scope.parent; level != nullptr; level = level->parent) {
            level->nonlocal = true;
        }
    }
}

void Walker::window(const WindowDef* window, Scope& scope) {
    std::vector<std::uint32_t> keys;
    const auto* const clause = static_cast<const List*>(scope.window_clause);
    const WindowDef* at = window;
    for (std::size_t step = 0; at != nullptr && step <= pg::size(clause); ++step) {
        for (const ListCell& cell : pg::cells(at->partitionClause)) {
            if (const auto key = key_of(pg::node(cell), scope); key != no_use) {
                keys.push_back(key);
            }
        }
        // OVER name means a window of the WINDOW clause, and a window may build upon another.
        const std::string_view base = pg::text(at->refname != nullptr ? at->refname
                                               : at == window         ? at->name
                                                                      : nullptr);
        const WindowDef* next = nullptr;
        for (const ListCell& cell : pg::cells(clause)) {
            spend(1);
            if (!base.empty() && pg::text(pg::as<WindowDef>(pg::node(cell))->name) == base) {
                next = pg::as<WindowDef>(pg::node(cell));
            }
        }
        at = next;
    }
    scope.partitions.push_back(std::move(keys));
    walk(reinterpret_cast<const Node*>(window), scope);
}

void Walker::sublink(const SubLink* link, Scope& scope) {
    walk(link->testexpr, scope);
    const auto* stmt = pg::as_if<SelectStmt>(link->subselect, T_SelectStmt);
    if (stmt == nullptr) {
        return;
    }
    const Query query = select(stmt, {&scope, scope.ctes, scope.depth + 1}, new_region());
    // key IN (SELECT key …), also negated: only rows of the same user decide. A NULL among them would decide
    // for others, too.
    const bool in = link->subLinkType == ANY_SUBLINK &&
                    (link->operName == nullptr ||
                     (pg::size(link->operName) == 1 && pg::text(pg::last(link->operName)) == "="));
    if (in && link->testexpr != nullptr && query.item.positional && query.item.columns.size() == 1) {
        const std::uint32_t outer = key_of(link->testexpr, scope);
        const std::uint32_t inner = query.item.columns.front().use;
        if (outer != no_use && inner != no_use && !nullable_[inner] && !nullable_[outer]) {
            equate(outer, inner, {}, scope.depth + 1);
        }
    }
}

}  // namespace domicile::sql

// What conditions say about keys. Everything not understood is `anything`.

#include "base/limits.hpp"
#include "sql/pg_nodes.hpp"
#include "sql/walker.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace domicile::sql {
namespace {

using Op = KeyNode::Op;

/// The operator's name if it is PostgreSQL's own.
std::string_view operator_of(const A_Expr* expr) {
    const std::size_t parts = pg::size(expr->name);
    const bool own = parts == 1 || (parts == 2 && pg::text(pg::nth(expr->name, 0)) == "pg_catalog");
    return own ? pg::text(pg::last(expr->name)) : std::string_view();
}

bool is_integer(const TypeName* type) {
    if (type->setof || type->pct_type || pg::size(type->typmods) != 0) {
        return false;
    }
    const std::size_t parts = pg::size(type->names);
    if (parts == 0 || parts > 2 || (parts == 2 && pg::text(pg::nth(type->names, 0)) != "pg_catalog")) {
        return false;
    }
    constexpr std::array<std::string_view, 6> names = {"int8",   "int4",    "int2",
                                                       "bigint", "integer", "smallint"};
    return std::ranges::find(names, pg::text(pg::last(type->names))) != names.end();
}

const ColumnRef* column(const Node* node) {
    return pg::as_if<ColumnRef>(node, T_ColumnRef);
}

/// TRUE, FALSE and NULL as words.
const A_Const* word_of(const Node* node) {
    const auto* constant = pg::as_if<A_Const>(node, T_A_Const);
    return constant != nullptr && (constant->isnull || constant->val.node.type == T_Boolean) ? constant
                                                                                             : nullptr;
}

struct Comparison {
    std::string_view name;
    Op op;
    Op flipped;  ///< constant on the left
    Op opposite;
    bool negated = false;  ///< <>
};
constexpr std::array<Comparison, 6> comparisons = {{
    {"=", Op::equal, Op::equal, Op::equal},
    {"<>", Op::equal, Op::equal, Op::equal, true},
    {"<", Op::less, Op::greater, Op::greater_equal},
    {"<=", Op::less_equal, Op::greater_equal, Op::greater},
    {">", Op::greater, Op::less, Op::less_equal},
    {">=", Op::greater_equal, Op::less_equal, Op::less},
}};

const Comparison* comparison_of(std::string_view name) {
    const auto* found = std::ranges::find(comparisons, name, &Comparison::name);
    return found == comparisons.end() ? nullptr : found;
}

const Comparison& comparison_of(Op op) {
    return *std::ranges::find(comparisons, op, &Comparison::op);
}

}  // namespace

std::uint32_t Walker::key_of(const Node* node, const Scope& scope) {
    const ColumnRef* ref = column(node);
    const std::size_t parts = ref == nullptr ? 0 : pg::size(ref->fields);
    const std::string_view name = parts == 0 ? std::string_view() : pg::text(pg::last(ref->fields));
    std::uint32_t use = no_use;
    if (ref != nullptr) {
        note_column(ref, scope);
    }
    if (name.empty()) {
        return no_use;
    }
    if (parts == 1) {
        use = find_column(scope, classes_, name, work_);
    } else if (parts == 2 || (parts == 3 && pg::text(pg::nth(ref->fields, 0)) == "public")) {
        use = find_column(scope, pg::text(pg::nth(ref->fields, parts - 2)), name, work_);
    }
    return use;
}

std::optional<Operand> Walker::operand(const Node* node) {
    const Deeper deeper(*this);
    if (node == nullptr || !deeper) {
        return std::nullopt;
    }
    if (const auto* constant = pg::as_if<A_Const>(node, T_A_Const)) {
        if (constant->isnull) {
            return Operand{};
        }
        const auto place = literal_of(constant);
        if (!place) {
            return std::nullopt;
        }
        const Literal::Form form = source_.tokens.literals[place->index].form;
        if (form != Literal::Form::integer && form != Literal::Form::string) {
            return std::nullopt;
        }
        return Operand{Operand::Source::literal, place->negative, place->index};
    }
    if (const auto* parameter = pg::as_if<ParamRef>(node, T_ParamRef)) {
        if (parameter->number < 1) {
            return std::nullopt;
        }
        return Operand{Operand::Source::parameter, false, static_cast<std::uint32_t>(parameter->number)};
    }
    if (const auto* cast = pg::as_if<TypeCast>(node, T_TypeCast)) {
        return cast_operand(cast);
    }
    const auto* expr = pg::as_if<A_Expr>(node, T_A_Expr);
    if (expr == nullptr || expr->kind != AEXPR_OP || expr->lexpr != nullptr) {
        return std::nullopt;
    }
    auto inner = operand(expr->rexpr);
    if (!inner || inner->source != Operand::Source::literal ||
        source_.tokens.literals[inner->index].form != Literal::Form::integer) {
        return std::nullopt;
    }
    const std::string_view sign = operator_of(expr);
    if (sign == "-" && !inner->negative) {
        inner->negative = true;
        return inner;
    }
    return sign == "+" ? inner : std::nullopt;
}

/// A constant cast to an integer type is the same number, or an error of PostgreSQL's.
std::optional<Operand> Walker::cast_operand(const TypeCast* cast) {
    if (!is_integer(cast->typeName) || pg::size(cast->typeName->arrayBounds) != 0) {
        return std::nullopt;
    }
    return operand(cast->arg);
}

std::uint32_t Walker::add_term(Term term) {
    terms_.push_back(std::move(term));
    return static_cast<std::uint32_t>(terms_.size() - 1);
}

/// AND or OR, as flat as can be.
std::uint32_t Walker::join_terms(Op op, std::vector<std::uint32_t> children) {
    const std::uint32_t neutral = op == Op::both ? everything : nothing;
    const std::uint32_t ruling = op == Op::both ? nothing : everything;
    std::vector<std::uint32_t> kept;
    std::uint32_t list = no_use;  // where equalities of one use gather
    for (const std::uint32_t child : children) {
        if (child == ruling) {
            return ruling;
        }
        if (child == neutral || (op == Op::both && child == anything)) {
            continue;
        }
        if (op == Op::either && child == anything) {
            return anything;
        }
        const Term& term = terms_[child];
        const bool equalities = term.op == Op::equal || term.op == Op::in;
        if (op == Op::either && equalities && list != no_use && terms_[list].use == term.use) {
            const std::vector<Operand> more = term.operands;
            terms_[list].operands.insert(terms_[list].operands.end(), more.begin(), more.end());
            continue;
        }
        if (op == Op::either && equalities && list == no_use) {
            list = add_term({Op::in, term.use, term.operands, {}});
            kept.push_back(list);
            continue;
        }
        if (term.op == op) {
            kept.insert(kept.end(), term.children.begin(), term.children.end());
        } else {
            kept.push_back(child);
        }
    }
    if (list != no_use && terms_[list].operands.size() == 1) {
        terms_[list].op = Op::equal;
    }
    if (kept.empty()) {
        const bool unknown = op == Op::both && std::ranges::find(children, anything) != children.end();
        return unknown ? anything : neutral;
    }
    spend(kept.size());
    return kept.size() == 1 ? kept.front() : add_term({op, no_use, {}, std::move(kept)});
}

std::uint32_t Walker::negate(std::uint32_t term) {
    return add_term({Op::negated, terms_[term].use, {}, {term}});
}

std::uint32_t Walker::leaf(Op op, std::uint32_t use, const Operand& operand) {
    // A comparison with NULL is true for no row, and neither is its negation.
    return operand.source == Operand::Source::null ? nothing : add_term({op, use, {operand}, {}});
}

std::uint32_t Walker::comparison(const A_Expr* expr, const Scope& scope, bool negated) {
    const Comparison* found = comparison_of(operator_of(expr));
    if (found == nullptr) {
        return anything;
    }
    std::uint32_t key = key_of(expr->lexpr, scope);
    const bool flipped = key == no_use;
    if (flipped) {
        key = key_of(expr->rexpr, scope);
    }
    if (key == no_use) {
        return anything;
    }
    const auto constant = operand(flipped ? expr->lexpr : expr->rexpr);
    if (!constant) {
        return anything;
    }
    const Op op = flipped ? found->flipped : found->op;
    if (op == Op::equal) {
        const std::uint32_t equal = leaf(op, key, *constant);
        return equal != nothing && found->negated != negated ? negate(equal) : equal;
    }
    return leaf(negated ? comparison_of(op).opposite : op, key, *constant);
}

std::uint32_t Walker::membership(std::uint32_t key, const List* values, bool negated) {
    Term term{Op::in, key, {}, {}};
    bool null = false;
    for (const ListCell& cell : pg::cells(values)) {
        const auto constant = operand(pg::node(cell));
        if (!constant) {
            return anything;
        }
        if (constant->source == Operand::Source::null) {
            null = true;
        } else {
            term.operands.push_back(*constant);
        }
    }
    if (negated && null) {
        return nothing;  // NOT IN (…, NULL) is never true
    }
    if (term.operands.empty()) {
        return negated ? everything : nothing;
    }
    if (term.operands.size() == 1) {
        term.op = Op::equal;
    }
    const std::uint32_t in = add_term(std::move(term));
    return negated ? negate(in) : in;
}

std::uint32_t Walker::any_of(std::uint32_t key, const Node* array, bool negated) {
    const auto* cast = pg::as_if<TypeCast>(array, T_TypeCast);
    if (cast != nullptr) {
        if (!is_integer(cast->typeName) || pg::size(cast->typeName->arrayBounds) != 1) {
            return anything;
        }
        array = cast->arg;
    }
    if (const auto* list = pg::as_if<A_ArrayExpr>(array, T_A_ArrayExpr)) {
        return membership(key, list->elements, negated);
    }
    const auto constant = operand(array);
    const bool whole = constant && constant->source != Operand::Source::null && !pg::is(array, T_TypeCast) &&
                       !pg::is(array, T_A_Expr);
    if (!whole) {
        return constant && constant->source == Operand::Source::null ? nothing : anything;
    }
    const std::uint32_t term = add_term({Op::any_of_array, key, {*constant}, {}});
    return negated ? negate(term) : term;
}

std::uint32_t Walker::between(const A_Expr* expr, const Scope& scope, bool negated) {
    const std::uint32_t key = key_of(expr->lexpr, scope);
    const auto* ends = pg::as_if<List>(expr->rexpr, T_List);
    const auto low = key == no_use ? std::nullopt : operand(pg::nth(ends, 0));
    const auto high = key == no_use ? std::nullopt : operand(pg::nth(ends, 1));
    if (key == no_use) {
        return anything;
    }
    const bool symmetric = expr->kind == AEXPR_BETWEEN_SYM || expr->kind == AEXPR_NOT_BETWEEN_SYM;
    // key >= from AND key <= to, or when negated key < from OR key > to. An end that is no constant says
    // nothing.
    const auto range = [&](const std::optional<Operand>& from, const std::optional<Operand>& to) {
        const auto above = from ? leaf(negated ? Op::less : Op::greater_equal, key, *from) : anything;
        const auto below = to ? leaf(negated ? Op::greater : Op::less_equal, key, *to) : anything;
        return join_terms(negated ? Op::either : Op::both, {above, below});
    };
    if (!symmetric) {
        return range(low, high);
    }
    return join_terms(negated ? Op::both : Op::either, {range(low, high), range(high, low)});
}

std::uint32_t Walker::condition(const Node* node, const Scope& scope, bool negated) {
    const Deeper deeper(*this);
    if (node == nullptr || !deeper) {
        return anything;
    }
    if (const A_Const* word = word_of(node)) {
        if (word->isnull) {
            return nothing;
        }
        return word->val.boolval.boolval != negated ? everything : nothing;
    }
    if (const auto* expr = pg::as_if<BoolExpr>(node, T_BoolExpr)) {
        if (expr->boolop == NOT_EXPR) {
            return condition(pg::nth(expr->args, 0), scope, !negated);
        }
        std::vector<std::uint32_t> children;
        for (const ListCell& cell : pg::cells(expr->args)) {
            children.push_back(condition(pg::node(cell), scope, negated));
        }
        // NOT (a AND b) is NOT a OR NOT b, in SQL's three values, too.
        return join_terms((expr->boolop == AND_EXPR) != negated ? Op::both : Op::either, std::move(children));
    }
    if (const auto* test = pg::as_if<NullTest>(node, T_NullTest)) {
        const std::uint32_t key = key_of(reinterpret_cast<const Node*>(test->arg), scope);
        if (key == no_use || nullable_[key]) {
            return anything;
        }
        return (test->nulltesttype == IS_NOT_NULL) != negated ? everything : nothing;
    }
    const auto* expr = pg::as_if<A_Expr>(node, T_A_Expr);
    if (expr == nullptr) {
        return anything;
    }
    const std::string_view name = operator_of(expr);
    switch (expr->kind) {
        case AEXPR_OP: return comparison(expr, scope, negated);
        case AEXPR_IN:
        case AEXPR_OP_ANY:
        case AEXPR_OP_ALL: {
            const std::uint32_t key = key_of(expr->lexpr, scope);
            const bool one_of = name == "=" && expr->kind != AEXPR_OP_ALL;
            const bool none_of = name == "<>" && expr->kind != AEXPR_OP_ANY;
            if (key == no_use || (!one_of && !none_of)) {
                return anything;
            }
            return expr->kind == AEXPR_IN
                       ? membership(key, pg::as_if<List>(expr->rexpr, T_List), none_of != negated)
                       : any_of(key, expr->rexpr, none_of != negated);
        }
        case AEXPR_NOT_DISTINCT: {
            const std::uint32_t key = key_of(expr->lexpr, scope);
            const auto constant = key == no_use ? std::nullopt : operand(expr->rexpr);
            if (!constant || nullable_[key] || negated) {
                return anything;
            }
            return leaf(Op::equal, key, *constant);
        }
        case AEXPR_BETWEEN:
        case AEXPR_BETWEEN_SYM: return between(expr, scope, negated);
        case AEXPR_NOT_BETWEEN:
        case AEXPR_NOT_BETWEEN_SYM: return between(expr, scope, !negated);
        default: return anything;
    }
}

void Walker::equate(std::uint32_t a, std::uint32_t b, const Equates& rule, std::uint32_t depth) {
    if (a == no_use || b == no_use) {
        return;
    }
    const auto inside = [&](std::uint32_t use, const Span& span) {
        const Span extent = classes_.extent(use);
        return extent.first >= span.first && extent.last <= span.last;
    };
    bool allowed = false;
    switch (rule.join) {
        case Equates::Join::inner:
            // Two keys of outer levels are not equal there because an inner level compares them.
            allowed = std::max(classes_.depth(a), classes_.depth(b)) >= depth;
            break;
        case Equates::Join::outer:
            // Rows of the preserved side stay, whatever ON says about them.
            allowed = inside(a, rule.nullable) || inside(b, rule.nullable);
            break;
        case Equates::Join::full:
            allowed = (inside(a, rule.nullable) && inside(b, rule.other)) ||
                      (inside(b, rule.nullable) && inside(a, rule.other));
            break;
    }
    if (allowed) {
        classes_.unite(a, b);
    }
}

void Walker::conjuncts(const Node* node, std::vector<const Node*>& out) {
    const Deeper deeper(*this);
    const auto* expr = pg::as_if<BoolExpr>(node, T_BoolExpr);
    if (expr == nullptr || expr->boolop != AND_EXPR || !deeper) {
        out.push_back(node);
        return;
    }
    for (const ListCell& cell : pg::cells(expr->args)) {
        conjuncts(pg::node(cell), out);
    }
}

void Walker::conditions(const Node* node, Scope& scope, const Equates& rule,
                        std::optional<std::uint32_t> region) {
    if (node == nullptr) {
        return;
    }
    std::vector<const Node*> parts;
    conjuncts(node, parts);
    for (const Node* part : parts) {
        const auto* expr = pg::as_if<A_Expr>(part, T_A_Expr);
        if (expr != nullptr && expr->kind == AEXPR_OP && operator_of(expr) == "=" &&
            column(expr->lexpr) != nullptr && column(expr->rexpr) != nullptr) {
            equate(key_of(expr->lexpr, scope), key_of(expr->rexpr, scope), rule, scope.depth);
        }
    }
    for (const Node* part : parts) {
        const std::uint32_t term = condition(part, scope, false);
        if (region && term != anything) {
            predicates_.push_back({term, *region});
        }
    }
    walk(node, scope);
}

}  // namespace domicile::sql

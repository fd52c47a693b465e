#include "sql/gather.hpp"

#include "sql/lexer.hpp"
#include "sql/parse.hpp"
#include "sql/pg_nodes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <span>

namespace domicile::sql {
namespace {

using base::Code;
using Kind = Token::Kind;
using Tokens = std::span<const Token>;

std::unexpected<base::Error> refuse(std::string what, std::string hint) {
    return std::unexpected(base::Error{Code::cannot_route,
                                       std::move(what) + " over several shards is not merged.",
                                       std::move(hint),
                                       "routing/several-shards",
                                       {}});
}

// ---- Which FROM gives each row on exactly one shard ----

/// A row of a reference table stands on every shard: it may only come to a result beside a row of a sharded
/// one, or it would come once for each shard.
class Driven {
  public:
    explicit Driven(const topology::Topology& topology) : topology_(topology) {}

    bool select(const SelectStmt* select) {  // NOLINT(misc-no-recursion): the parser bounds the depth
        if (++depth_ > 200 || select->op != SETOP_NONE) {
            return false;
        }
        if (select->withClause != nullptr) {
            for (const auto& cell : pg::cells(select->withClause->ctes)) {
                const auto* cte = pg::as<CommonTableExpr>(pg::node(cell));
                const auto* query = pg::as_if<SelectStmt>(cte->ctequery, T_SelectStmt);
                ctes_[std::string(pg::text(cte->ctename))] = query != nullptr && this->select(query);
            }
        }
        bool any = false;
        for (const auto& cell : pg::cells(select->fromClause)) {
            any = item(pg::node(cell)) || any;
        }
        return any;
    }

  private:
    bool item(const Node* from) {  // NOLINT(misc-no-recursion)
        if (const auto* range = pg::as_if<RangeVar>(from, T_RangeVar)) {
            const std::string name(pg::text(range->relname));
            if (range->schemaname == nullptr) {
                if (const auto cte = ctes_.find(name); cte != ctes_.end()) {
                    return cte->second;
                }
            }
            const topology::Table* table = topology_.table(name);
            return table != nullptr && table->kind == topology::TableKind::sharded;
        }
        if (const auto* join = pg::as_if<JoinExpr>(from, T_JoinExpr)) {
            if (++depth_ > 200) {
                return false;
            }
            const bool left = item(join->larg);
            const bool right = item(join->rarg);
            switch (join->jointype) {
                case JOIN_INNER: return left || right;
                case JOIN_LEFT: return left;
                case JOIN_RIGHT: return right;
                default: return left && right;
            }
        }
        if (const auto* sub = pg::as_if<RangeSubselect>(from, T_RangeSubselect)) {
            const auto* query = pg::as_if<SelectStmt>(sub->subquery, T_SelectStmt);
            return query != nullptr && select(query);
        }
        return false;
    }

    const topology::Topology& topology_;
    std::map<std::string, bool, std::less<>> ctes_;
    int depth_ = 0;
};

// ---- Clauses ----

constexpr std::array<std::string_view, 7> merged_aggregates = {"count", "sum",      "avg",    "min",
                                                               "max",   "bool_and", "bool_or"};
constexpr std::array<std::string_view, 34> other_aggregates = {"array_agg",
                                                               "bit_and",
                                                               "bit_or",
                                                               "bit_xor",
                                                               "corr",
                                                               "covar_pop",
                                                               "covar_samp",
                                                               "cume_dist",
                                                               "dense_rank",
                                                               "json_agg",
                                                               "jsonb_agg",
                                                               "json_object_agg",
                                                               "jsonb_object_agg",
                                                               "mode",
                                                               "percent_rank",
                                                               "percentile_cont",
                                                               "percentile_disc",
                                                               "range_agg",
                                                               "range_intersect_agg",
                                                               "rank",
                                                               "regr_avgx",
                                                               "regr_avgy",
                                                               "regr_count",
                                                               "regr_intercept",
                                                               "regr_r2",
                                                               "regr_slope",
                                                               "regr_sxx",
                                                               "regr_sxy",
                                                               "regr_syy",
                                                               "stddev",
                                                               "stddev_pop",
                                                               "stddev_samp",
                                                               "string_agg",
                                                               "xmlagg"};
constexpr std::array<std::string_view, 3> variances = {"var_pop", "var_samp", "variance"};

bool is_symbol(const Token& token, std::string_view text, char symbol) {
    return token.kind == Kind::symbol && text[token.begin] == symbol;
}

/// Everything of one statement by clause, as ranges of tokens.
struct Clauses {
    Tokens prefix;  ///< WITH …
    bool distinct = false;
    Tokens targets, from_where, group, having, order, limit, offset;
};

class Gatherer {
  public:
    Gatherer(std::string_view text, const topology::Topology& topology, bool standard_strings)
        : text_(text),
          topology_(topology),
          standard_(standard_strings),
          tokens_(lex(text, standard_strings)) {}

    base::Result<Gather> run();

  private:
    struct Target {
        Tokens expression;
        std::string alias;  // folded; empty if none
        bool star = false;
    };
    struct Sort {
        Tokens expression;
        std::string text;
        bool descending = false;
        bool nulls_first = false;
        std::string collation;
        std::size_t target = 0;  // from 1; 0: an expression of its own
    };

    base::Status split();
    base::Status read_targets();
    base::Status read_group();
    base::Status read_order();
    base::Result<std::optional<RowCount>> count(Tokens tokens, std::string_view clause) const;
    base::Status check_subselects() const;
    [[nodiscard]] bool has_aggregate(Tokens tokens) const;
    [[nodiscard]] bool names_key(Tokens tokens) const;
    base::Result<Gather> streamed();
    base::Result<Gather> finished();
    base::Result<std::string> rewrite(Tokens expression);
    std::string partial(std::string expression);

    [[nodiscard]] std::string text(Tokens tokens) const {
        return tokens.empty() ? std::string()
                              : std::string(text_.substr(tokens.front().begin,
                                                         tokens.back().end - tokens.front().begin));
    }
    [[nodiscard]] bool word(const Token& token, std::string_view expected) const {
        return token.kind == Kind::word && token.word == expected;
    }
    [[nodiscard]] std::vector<Tokens> split_at_commas(Tokens tokens) const;
    [[nodiscard]] bool same(Tokens one, Tokens other) const;
    [[nodiscard]] std::size_t closing(Tokens tokens, std::size_t open) const;
    /// A token of FROM, before WHERE.
    [[nodiscard]] bool in_from(const Token& token) const {
        for (const Token& one : clauses_.from_where) {
            if (one.depth == 0 && word(one, "where")) {
                return false;
            }
            if (&one == &token) {
                return true;
            }
        }
        return false;
    }
    [[nodiscard]] bool mentions(std::string_view name) const {
        return std::ranges::any_of(tokens_, [&](const Token& token) { return word(token, name); });
    }

    std::string_view text_;
    const topology::Topology& topology_;
    bool standard_;
    std::vector<Token> tokens_;
    Clauses clauses_;
    std::vector<Target> targets_;
    std::vector<Tokens> groups_;
    std::vector<Sort> sorts_;
    std::vector<std::string> partials_;
    std::string leader_;  // what the first table of FROM is called
    Gather gather_;
};

std::vector<Tokens> Gatherer::split_at_commas(Tokens tokens) const {
    std::vector<Tokens> parts;
    std::size_t start = 0;
    for (std::size_t i = 0; i <= tokens.size(); ++i) {
        if (i == tokens.size() ||
            (tokens[i].depth == tokens.front().depth && is_symbol(tokens[i], text_, ','))) {
            parts.push_back(tokens.subspan(start, i - start));
            start = i + 1;
        }
    }
    return parts;
}

bool Gatherer::same(Tokens one, Tokens other) const {
    return std::ranges::equal(one, other, [&](const Token& a, const Token& b) {
        return a.kind == b.kind && (a.kind == Kind::word ? a.word == b.word
                                                         : text_.substr(a.begin, a.end - a.begin) ==
                                                               text_.substr(b.begin, b.end - b.begin));
    });
}

std::size_t Gatherer::closing(Tokens tokens, std::size_t open) const {
    for (std::size_t i = open + 1; i < tokens.size(); ++i) {
        if (tokens[i].depth == tokens[open].depth && is_symbol(tokens[i], text_, ')')) {
            return i;
        }
    }
    return tokens.size();
}

base::Status Gatherer::split() {
    Tokens all(tokens_);
    while (!all.empty() && is_symbol(all.back(), text_, ';')) {
        all = all.first(all.size() - 1);
    }
    std::size_t start = 0;
    while (start < all.size() && !(all[start].depth == 0 && word(all[start], "select"))) {
        ++start;
    }
    if (start == all.size()) {
        return refuse("A statement of this form", "Write a plain SELECT.");
    }
    clauses_.prefix = all.first(start);
    struct Part {
        Tokens Clauses::* where;
        std::size_t begin;
    };
    static const std::map<std::string_view, Tokens Clauses::*> starts = {
        {"from", &Clauses::from_where}, {"group", &Clauses::group}, {"having", &Clauses::having},
        {"order", &Clauses::order},     {"limit", &Clauses::limit}, {"offset", &Clauses::offset},
    };
    Part current{&Clauses::targets, start + 1};
    if (current.begin < all.size() && word(all[current.begin], "all")) {
        ++current.begin;
    } else if (current.begin < all.size() && word(all[current.begin], "distinct")) {
        clauses_.distinct = true;
        ++current.begin;
        if (current.begin < all.size() && word(all[current.begin], "on")) {
            return refuse("DISTINCT ON", "Name one user, or take the first rows in the application.");
        }
    }
    const auto close = [&](std::size_t end) {
        clauses_.*(current.where) = all.subspan(current.begin, end - current.begin);
    };
    for (std::size_t i = current.begin; i < all.size(); ++i) {
        const Token& token = all[i];
        if (token.depth != 0 || token.kind != Kind::word || (i > 0 && word(all[i - 1], "as")) ||
            (i > 0 && is_symbol(all[i - 1], text_, '.'))) {
            continue;
        }
        if (token.word == "from" && word(all[i - 1], "distinct") && i > start + 2) {
            continue;  // IS DISTINCT FROM
        }
        for (const auto refused : {"window", "fetch", "union", "intersect", "except"}) {
            if (token.word == refused) {
                return refuse(
                    token.word == "fetch" ? "FETCH FIRST" : "This clause (" + token.word + ")",
                    token.word == "fetch" ? "Write LIMIT." : "Ask for one shard's users, or in parts.");
            }
        }
        if (token.word == "for" && i + 1 < all.size() &&
            (word(all[i + 1], "update") || word(all[i + 1], "share") || word(all[i + 1], "no") ||
             word(all[i + 1], "key"))) {
            return refuse("Row locking", "Name one user, so that one shard locks.");
        }
        const auto found = starts.find(token.word);
        if (found == starts.end() || (token.word == "from" && current.where != &Clauses::targets) ||
            (token.word != "from" && current.where == &Clauses::targets && token.word != "order" &&
             token.word != "limit")) {
            continue;
        }
        if ((token.word == "group" || token.word == "order") &&
            !(i + 1 < all.size() && word(all[i + 1], "by"))) {
            continue;
        }
        close(i);
        current = {found->second, i + (token.word == "group" || token.word == "order" ? 2U : 1U)};
        if (token.word == "from") {
            current.begin = i;  // kept with its keyword
        }
    }
    close(all.size());
    return {};
}

base::Status Gatherer::read_targets() {
    if (clauses_.targets.empty()) {
        return refuse("An empty list of columns", "Name a column.");
    }
    for (const Tokens part : split_at_commas(clauses_.targets)) {
        if (part.empty()) {
            return refuse("This list of columns", "Write it plainly.");
        }
        Target target{part, {}, false};
        target.star = is_symbol(part.back(), text_, '*') &&
                      (part.size() == 1 || is_symbol(part[part.size() - 2], text_, '.'));
        const Token& last = part.back();
        if (!target.star && part.size() >= 2 && (last.kind == Kind::word || last.kind == Kind::quoted)) {
            const Token& before = part[part.size() - 2];
            const bool with_as = word(before, "as") && before.depth == part.front().depth;
            // "expr name": a name may follow what ends an expression, never an operator or a point.
            const bool bare = !with_as && before.depth == part.front().depth &&
                              (before.kind != Kind::symbol || is_symbol(before, text_, ')') ||
                               is_symbol(before, text_, ']')) &&
                              !word(before, "distinct") && !word(before, "not") && !word(before, "and") &&
                              !word(before, "or") && !word(before, "is") && !word(last, "end") &&
                              !word(last, "null") && !word(last, "true") && !word(last, "false") &&
                              !word(before, "collate") && !word(before, "like") && !word(before, "ilike");
            if (with_as || bare) {
                target.alias = last.kind == Kind::word
                                   ? last.word
                                   : std::string(text_.substr(last.begin + 1, last.end - last.begin - 2));
                target.expression = part.first(part.size() - (with_as ? 2 : 1));
            }
        }
        if (target.alias.empty() && !target.star && last.kind == Kind::word &&
            (part.size() == 1 || is_symbol(part[part.size() - 2], text_, '.'))) {
            target.alias = last.word;  // a column gives its own name
        }
        targets_.push_back(std::move(target));
    }
    return {};
}

base::Status Gatherer::read_group() {
    if (clauses_.group.empty()) {
        return {};
    }
    for (Tokens part : split_at_commas(clauses_.group)) {
        if (part.empty() || word(part.front(), "rollup") || word(part.front(), "cube") ||
            word(part.front(), "grouping") || word(part.front(), "all") || word(part.front(), "distinct")) {
            return refuse("This GROUP BY", "Group by plain expressions.");
        }
        if (part.size() == 1 && part.front().kind == Kind::number) {
            const std::size_t position = static_cast<std::size_t>(std::atoi(text(part).c_str()));
            if (position == 0 || position > targets_.size() ||
                std::ranges::any_of(targets_, [](const Target& target) { return target.star; })) {
                return refuse("GROUP BY with this position", "Name the column.");
            }
            part = targets_[position - 1].expression;
        } else if (part.size() == 1 && part.front().kind == Kind::word) {
            // An input column comes first (PostgreSQL docs, "GROUP BY Clause"); only a name that is no column
            // of a table is an alias. What cannot be told apart here is refused.
            for (const Target& target : targets_) {
                if (target.alias == part.front().word && !same(target.expression, part) &&
                    !(target.expression.size() == 3 && target.expression.back().word == part.front().word)) {
                    return refuse("GROUP BY with an alias", "Repeat the expression in GROUP BY.");
                }
            }
        }
        groups_.push_back(part);
    }
    return {};
}

base::Status Gatherer::read_order() {
    if (clauses_.order.empty()) {
        return {};
    }
    for (Tokens part : split_at_commas(clauses_.order)) {
        Sort sort;
        std::optional<bool> nulls_first;
        if (part.size() >= 3 && word(part[part.size() - 2], "nulls")) {
            nulls_first = word(part.back(), "first");
            part = part.first(part.size() - 2);
        }
        if (part.size() >= 2 && (word(part.back(), "asc") || word(part.back(), "desc"))) {
            sort.descending = word(part.back(), "desc");
            part = part.first(part.size() - 1);
        }
        if (part.empty() ||
            std::ranges::any_of(part, [&](const Token& token) { return word(token, "using"); })) {
            return refuse("This ORDER BY", "Sort by plain expressions.");
        }
        sort.nulls_first = nulls_first.value_or(sort.descending);
        sort.expression = part;
        if (part.size() == 1 && part.front().kind == Kind::number) {
            sort.target = static_cast<std::size_t>(std::atoi(text(part).c_str()));
            const bool star = std::ranges::any_of(targets_, [](const Target& target) { return target.star; });
            if (sort.target == 0 || sort.target > targets_.size() || star) {
                return refuse("ORDER BY with this position", "Name the column.");
            }
        } else if (part.size() == 1 &&
                   (part.front().kind == Kind::word || part.front().kind == Kind::quoted)) {
            const std::string name =
                part.front().kind == Kind::word
                    ? part.front().word
                    : std::string(
                          text_.substr(part.front().begin + 1, part.front().end - part.front().begin - 2));
            for (std::size_t i = 0; i < targets_.size() && sort.target == 0; ++i) {
                if (targets_[i].alias == name) {
                    sort.target = i + 1;
                }
            }
        } else {
            for (std::size_t i = 0; i < targets_.size() && sort.target == 0; ++i) {
                if (!targets_[i].star && same(targets_[i].expression, part)) {
                    sort.target = i + 1;
                }
            }
        }
        if (sort.target != 0) {
            sort.expression = targets_[sort.target - 1].expression;
        }
        for (std::size_t i = 0; i + 1 < part.size(); ++i) {
            if (word(part[i], "collate") && part[i].depth == part.front().depth) {
                sort.collation = text(part.subspan(i + 1));
            }
        }
        sort.text = text(sort.expression);
        sorts_.push_back(std::move(sort));
    }
    return {};
}

base::Result<std::optional<RowCount>> Gatherer::count(Tokens tokens, std::string_view clause) const {
    if (tokens.empty() || (tokens.size() == 1 && (word(tokens[0], "all") || word(tokens[0], "null")))) {
        return std::nullopt;
    }
    if (tokens.size() == 2 && (word(tokens[1], "rows") || word(tokens[1], "row"))) {
        tokens = tokens.first(1);
    }
    RowCount result;
    const std::string digits = text(tokens);
    if (tokens.size() == 1 && tokens[0].kind == Kind::number) {
        const auto [end, failed] =
            std::from_chars(digits.data(), digits.data() + digits.size(), result.number);
        if (failed == std::errc{} && end == digits.data() + digits.size()) {
            return result;
        }
    } else if (tokens.size() == 1 && tokens[0].kind == Kind::parameter) {
        result.parameter = static_cast<std::uint16_t>(std::atoi(digits.c_str() + 1));
        return result;
    }
    return refuse(std::string(clause) + " with an expression", "Give it as a number or a parameter.");
}

bool Gatherer::has_aggregate(Tokens tokens) const {
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
        if (tokens[i].kind == Kind::word && is_symbol(tokens[i + 1], text_, '(') &&
            (std::ranges::count(merged_aggregates, tokens[i].word) != 0 || tokens[i].word == "every" ||
             std::ranges::count(other_aggregates, tokens[i].word) != 0 ||
             std::ranges::count(variances, tokens[i].word) != 0)) {
            return true;
        }
    }
    return false;
}

/// A sub-select of FROM or WITH reduces rows before the gateway sees them: only plain ones are the same on
/// each shard as on all together.
base::Status Gatherer::check_subselects() const {
    const Tokens all(tokens_);
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!word(all[i], "select") || all[i].depth == 0) {
            continue;
        }
        const std::uint16_t depth = all[i].depth;
        std::size_t end = i;
        while (end < all.size() && all[end].depth >= depth) {
            ++end;
        }
        const Tokens inner = all.subspan(i, end - i);
        const bool in_list = i >= 2 && word(all[i - 2], "in");
        const bool from_or_with = &all[i] < clauses_.targets.data() || in_from(all[i]);
        bool limits = false;
        bool reduces = inner.size() > 1 && word(inner[1], "distinct");
        for (std::size_t j = 0; j < inner.size(); ++j) {
            const Token& token = inner[j];
            if (token.depth != depth || token.kind != Kind::word) {
                continue;
            }
            limits = limits || token.word == "limit" || token.word == "offset" || token.word == "fetch";
            reduces = reduces || token.word == "group" || token.word == "having" || token.word == "over" ||
                      token.word == "union" || token.word == "intersect" || token.word == "except" ||
                      token.word == "window";
        }
        reduces = reduces || has_aggregate(inner);
        if ((from_or_with && (limits || reduces)) || (in_list && limits)) {
            return refuse("A sub-select that groups, limits or reduces rows",
                          "Name one user, or reduce in the outer statement.");
        }
    }
    return {};
}

/// One of its columns is the user id of a sharded table, so that no row of one shard equals one of another.
bool Gatherer::names_key(Tokens tokens) const {
    if (tokens.size() != 1 && !(tokens.size() == 3 && is_symbol(tokens[1], text_, '.'))) {
        return false;
    }
    // An outer join fills in NULLs on each shard: only the side that is kept whole has its own ids.
    const auto joined_by = [&](std::string_view how) {
        return std::ranges::any_of(clauses_.from_where, [&](const Token& token) {
            return word(token, how) &&
                   !(&token + 1 < tokens_.data() + tokens_.size() &&
                     is_symbol(*(&token + 1), text_, '('));  // left(text, 3) is a function
        });
    };
    if (joined_by("right") || joined_by("full") ||
        (joined_by("left") && !(tokens.size() == 3 && tokens[0].word == leader_))) {
        return false;
    }
    const bool all_sharded = std::ranges::all_of(topology_.tables, [&](const topology::Table& table) {
        return table.kind == topology::TableKind::sharded || !mentions(table.name);
    });
    return all_sharded && std::ranges::any_of(topology_.tables, [&](const topology::Table& table) {
               return table.kind == topology::TableKind::sharded && table.key == tokens.back().word &&
                      mentions(table.name);
           });
}

base::Result<Gather> Gatherer::run() {
    const std::string owned(text_);
    const auto tree = ParseTree::of(owned, standard_);
    if (!tree) {
        return std::unexpected(tree.error());
    }
    const auto* raw = pg::as<RawStmt>(pg::nth(pg::as<List>(tree->statements()), 0));
    const auto* select = pg::as_if<SelectStmt>(raw->stmt, T_SelectStmt);
    if (select == nullptr || select->op != SETOP_NONE || select->valuesLists != nullptr) {
        return refuse("A statement of this form", "Write a plain SELECT.");
    }
    if (!Driven(topology_).select(select)) {
        return refuse("A reference table that leads the statement",
                      "Put the sharded table first: rows of reference tables stand on every shard.");
    }
    const Node* leader = pg::nth(select->fromClause, 0);
    while (const auto* join = pg::as_if<JoinExpr>(leader, T_JoinExpr)) {
        leader = join->larg;
    }
    if (const auto* range = pg::as_if<RangeVar>(leader, T_RangeVar)) {
        leader_ = pg::text(range->alias != nullptr ? range->alias->aliasname : range->relname);
    }
    if (auto done = split(); !done) {
        return std::unexpected(done.error());
    }
    for (const auto step : {&Gatherer::read_targets, &Gatherer::read_group, &Gatherer::read_order}) {
        if (auto done = (this->*step)(); !done) {
            return std::unexpected(done.error());
        }
    }
    if (auto done = check_subselects(); !done) {
        return std::unexpected(done.error());
    }
    if (targets_.size() != pg::size(select->targetList) || groups_.size() != pg::size(select->groupClause) ||
        sorts_.size() != pg::size(select->sortClause)) {
        return refuse("A statement of this form", "Write it plainly.");
    }
    auto limit = count(clauses_.limit, "LIMIT");
    auto offset = count(clauses_.offset, "OFFSET");
    if (!limit || !offset) {
        return std::unexpected(!limit ? limit.error() : offset.error());
    }
    gather_.limit = *limit;
    gather_.offset = *offset;
    if (std::ranges::none_of(targets_, &Target::star)) {
        gather_.columns = static_cast<std::uint16_t>(targets_.size());
    }
    for (const Token& token : clauses_.targets) {
        if (word(token, "over") && token.depth == clauses_.targets.front().depth) {
            return refuse("A window function", "Name one user.");
        }
    }
    const bool aggregates =
        has_aggregate(clauses_.targets) || has_aggregate(clauses_.having) || has_aggregate(clauses_.order);
    const bool apart = std::ranges::any_of(groups_, [&](Tokens group) { return names_key(group); });
    const bool distinct_apart = clauses_.distinct && std::ranges::any_of(targets_, [&](const Target& target) {
                                    return names_key(target.expression);
                                });
    if (apart || (groups_.empty() && clauses_.having.empty() && !aggregates &&
                  (!clauses_.distinct || distinct_apart))) {
        if (apart && clauses_.distinct && !distinct_apart) {
            return refuse("DISTINCT with GROUP BY", "Leave one of them out.");
        }
        return streamed();
    }
    if (clauses_.distinct && (aggregates || !groups_.empty())) {
        return refuse("DISTINCT with GROUP BY", "Leave one of them out.");
    }
    return finished();
}

base::Result<Gather> Gatherer::streamed() {
    gather_.loses_parameters = gather_.offset && gather_.offset->parameter != 0 && !gather_.limit;
    std::string& sql = gather_.shard_sql;
    const auto between = [&](Tokens tokens) { return text(tokens); };
    if (!clauses_.prefix.empty()) {
        sql += between(clauses_.prefix) + " ";
    }
    sql += clauses_.distinct ? "SELECT DISTINCT " : "SELECT ";
    sql += between(clauses_.targets);
    for (const Sort& sort : sorts_) {
        sql += ", " + sort.text;
        gather_.sort.push_back({sort.descending, sort.nulls_first, sort.collation});
    }
    gather_.hidden = static_cast<std::uint16_t>(sorts_.size());
    sql += " " + between(clauses_.from_where);
    if (!clauses_.group.empty()) {
        std::string groups;
        for (const Tokens group : groups_) {
            groups += (groups.empty() ? "" : ", ") + text(group);
        }
        sql += " GROUP BY " + groups;
    }
    if (!clauses_.having.empty()) {
        sql += " HAVING " + between(clauses_.having);
    }
    if (!sorts_.empty()) {
        std::string order;
        for (const Sort& sort : sorts_) {
            order += (order.empty() ? "" : ", ") + sort.text + (sort.descending ? " DESC" : " ASC") +
                     (sort.nulls_first ? " NULLS FIRST" : " NULLS LAST");
        }
        sql += " ORDER BY " + order;
    }
    if (gather_.limit) {
        // Each shard may have all of them: what the offset skips is known only after merging.
        const auto count = [](const std::optional<RowCount>& one) {
            return !one                  ? std::string("0")
                   : one->parameter != 0 ? "coalesce($" + std::to_string(one->parameter) + "::bigint, 0)"
                                         : std::to_string(one->number);
        };
        if (gather_.limit->parameter != 0) {
            // LIMIT NULL means no limit, and so does a sum with it.
            sql +=
                " LIMIT $" + std::to_string(gather_.limit->parameter) + "::bigint + " + count(gather_.offset);
        } else {
            sql += " LIMIT " + count(gather_.limit) + " + " + count(gather_.offset);
        }
    }
    return std::move(gather_);
}

std::string Gatherer::partial(std::string expression) {
    partials_.push_back(std::move(expression));
    return "_domicile_p" + std::to_string(partials_.size());
}

/// The expression over the partial columns: aggregates finished, grouped expressions taken.
base::Result<std::string> Gatherer::rewrite(Tokens expression) {
    std::string result;
    std::size_t copied = expression.empty() ? 0 : expression.front().begin;
    const auto replace = [&](std::size_t begin, std::size_t end, std::string_view with) {
        result += text_.substr(copied, begin - copied);
        result += with;
        copied = end;
    };
    for (std::size_t i = 0; i < expression.size(); ++i) {
        const Token& token = expression[i];
        if (word(token, "select")) {
            return refuse("A sub-select beside aggregates", "Name one user.");
        }
        bool replaced = false;
        for (std::size_t g = 0; g < groups_.size() && !replaced; ++g) {
            const Tokens group = groups_[g];
            const bool whole = i == 0 || !is_symbol(expression[i - 1], text_, '.');
            const bool ends = i + group.size() >= expression.size() ||
                              (!is_symbol(expression[i + group.size()], text_, '.') &&
                               !is_symbol(expression[i + group.size()], text_, '('));
            if (whole && ends && i + group.size() <= expression.size() &&
                same(expression.subspan(i, group.size()), group)) {
                replace(token.begin, expression[i + group.size() - 1].end,
                        "_domicile_p" + std::to_string(g + 1));
                i += group.size() - 1;
                replaced = true;
            }
        }
        if (replaced || token.kind != Kind::word || i + 1 >= expression.size() ||
            !is_symbol(expression[i + 1], text_, '(')) {
            continue;
        }
        const bool other = std::ranges::count(other_aggregates, token.word) != 0 ||
                           std::ranges::count(variances, token.word) != 0;
        if (other) {
            return refuse("The aggregate " + token.word, "count, sum, avg, min, max, bool_and, bool_or are.");
        }
        const bool merged = std::ranges::count(merged_aggregates, token.word) != 0 || token.word == "every";
        if (!merged) {
            continue;
        }
        std::size_t end = closing(expression, i + 1);
        if (end == expression.size() || (i > 0 && is_symbol(expression[i - 1], text_, '.'))) {
            return refuse("This aggregate", "Write it plainly.");
        }
        const Tokens arguments = expression.subspan(i + 2, end - i - 2);
        const bool distinct = !arguments.empty() && word(arguments.front(), "distinct");
        if (distinct && !(token.word == "count" && names_key(arguments.subspan(1)))) {
            return refuse("DISTINCT in an aggregate", "count(DISTINCT user id) is.");
        }
        for (const Token& argument : arguments) {
            if (argument.depth == arguments.front().depth && word(argument, "order")) {
                return refuse("ORDER BY in an aggregate", "Leave it out.");
            }
        }
        std::string filter;
        if (end + 2 < expression.size() && word(expression[end + 1], "filter")) {
            const std::size_t filter_end = closing(expression, end + 2);
            filter = " " + text(expression.subspan(end + 1, filter_end - end));
            end = filter_end;
        }
        if (end + 1 < expression.size() &&
            (word(expression[end + 1], "over") || word(expression[end + 1], "within"))) {
            return refuse("A window function", "Name one user.");
        }
        const std::string inner = text(arguments);
        std::string finish;
        if (token.word == "count") {
            finish = "coalesce(pg_catalog.sum(" + partial("count(" + inner + ")" + filter) + "), 0)::bigint";
        } else if (token.word == "avg") {
            partial("sum(" + inner + ")" + filter);
            const auto sum = std::to_string(partials_.size());
            partial("count(" + inner + ")" + filter);
            finish = std::string(1, Gather::mark) + "avg " + sum + " " + std::to_string(partials_.size()) +
                     Gather::mark;
        } else {
            const std::string column = partial(token.word + "(" + inner + ")" + filter);
            finish = "pg_catalog." + token.word + "(" + column + ")::" + Gather::mark +
                     std::to_string(partials_.size()) + Gather::mark;
        }
        replace(token.begin, expression[end].end, finish);
        i = end;
    }
    if (!expression.empty()) {
        result += text_.substr(copied, expression.back().end - copied);
    }
    return result;
}

base::Result<Gather> Gatherer::finished() {
    gather_.finished = true;
    gather_.loses_parameters = true;
    if (std::ranges::any_of(targets_, [](const Target& target) { return target.star; })) {
        return refuse("SELECT * with DISTINCT", "Name the columns.");
    }
    if (clauses_.distinct) {
        for (const Target& target : targets_) {
            groups_.push_back(target.expression);
        }
    }
    for (const Tokens group : groups_) {
        partials_.push_back(text(group));
    }
    std::string& head = gather_.final_head;
    std::string& tail = gather_.final_tail;
    head = clauses_.distinct ? "SELECT DISTINCT " : "SELECT ";
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        auto target = rewrite(targets_[i].expression);
        if (!target) {
            return std::unexpected(target.error());
        }
        head += (i == 0 ? "" : ", ") + *target;
    }
    head += " FROM ";
    const std::size_t group_count = groups_.size();
    if (group_count > 0 && !clauses_.distinct) {
        tail += " GROUP BY ";
        for (std::size_t i = 1; i <= group_count; ++i) {
            tail += (i == 1 ? "_domicile_p" : ", _domicile_p") + std::to_string(i);
        }
    }
    if (!clauses_.having.empty()) {
        auto having = rewrite(clauses_.having);
        if (!having) {
            return std::unexpected(having.error());
        }
        tail += " HAVING " + *having;
    }
    for (std::size_t i = 0; i < sorts_.size(); ++i) {
        // By position where it is a result column: DISTINCT asks for that.
        std::string key = std::to_string(sorts_[i].target);
        if (sorts_[i].target == 0) {
            auto rewritten = rewrite(sorts_[i].expression);
            if (!rewritten) {
                return std::unexpected(rewritten.error());
            }
            key = *rewritten;
        }
        tail += (i == 0 ? " ORDER BY " : ", ") + key + (sorts_[i].descending ? " DESC" : " ASC") +
                (sorts_[i].nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
    if (!clauses_.limit.empty()) {
        tail += " LIMIT " + text(clauses_.limit);
    }
    if (!clauses_.offset.empty()) {
        tail += " OFFSET " + text(clauses_.offset);
    }
    std::string& sql = gather_.shard_sql;
    if (!clauses_.prefix.empty()) {
        sql += text(clauses_.prefix) + " ";
    }
    sql += clauses_.distinct ? "SELECT DISTINCT " : "SELECT ";
    for (std::size_t i = 0; i < partials_.size(); ++i) {
        sql += (i == 0 ? "" : ", ") + partials_[i];
    }
    sql += " " + text(clauses_.from_where);
    if (group_count > 0 && !clauses_.distinct) {
        sql += " GROUP BY ";
        for (std::size_t i = 1; i <= group_count; ++i) {
            sql += (i == 1 ? "" : ", ") + std::to_string(i);
        }
    }
    return std::move(gather_);
}

}  // namespace

base::Result<Gather> gather(std::string_view text, const topology::Topology& topology,
                            bool standard_strings) {
    return Gatherer(text, topology, standard_strings).run();
}

base::Result<InsertRows> insert_rows(std::string_view text, bool standard_strings) {
    const auto tokens = lex(text, standard_strings);
    InsertRows rows;
    std::size_t i = 0;
    while (i < tokens.size() &&
           !(tokens[i].depth == 0 && tokens[i].kind == Kind::word && tokens[i].word == "values")) {
        ++i;
    }
    for (++i; i < tokens.size() && is_symbol(tokens[i], text, '('); ++i) {
        std::size_t end = i + 1;
        while (end < tokens.size() && !(tokens[end].depth == 0 && is_symbol(tokens[end], text, ')'))) {
            ++end;
        }
        if (end == tokens.size()) {
            break;
        }
        rows.rows.push_back({tokens[i].begin, tokens[end].end});
        i = end + 1;
        if (i >= tokens.size() || !is_symbol(tokens[i], text, ',')) {
            break;
        }
    }
    if (rows.rows.empty()) {
        return refuse("An INSERT of this form", "Write INSERT … VALUES (…), (…).");
    }
    return rows;
}

}  // namespace domicile::sql

#include "sql/walker.hpp"

#include "base/limits.hpp"
#include "sql/pg_nodes.hpp"

#include <algorithm>
#include <atomic>

namespace domicile::sql {

namespace limits = base::limits;

Walker::Deeper::Deeper(Walker& walker) : walker_(walker) {
    if (++walker_.depth_ > limits::sql_depth_max) {
        walker_.too_deep_ = true;
    }
    walker_.spend(1);
}

base::Result<Walker::Result> Walker::run(const Source& source, const Node* statement) {
    std::vector<const void*> shared;
    for (int round = 0;; ++round) {
        Walker walker(source);
        walker.work_ = limits::sql_work_max;
        walker.shared_ = shared;
        walker.terms_ = {{KeyNode::Op::anything, no_use, {}, {}},
                         {KeyNode::Op::nothing, no_use, {}, {}},
                         {KeyNode::Op::everything, no_use, {}, {}}};
        walker.statement(statement);
        // The second round knows every WITH query that is used twice.
        if (walker.rerun_ && round == 0 && !walker.failed()) {
            shared = std::move(walker.shared_);
            continue;
        }
        walker.make_groups();
        walker.personal_columns();
        static std::atomic<std::uint64_t> last_id{0};
        walker.facts_.id = ++last_id;
        if (walker.failed()) {
            return base::fail(base::Code::statement_too_complex,
                              walker.too_deep_ ? "The statement is nested too deeply."
                                               : "The statement is too large to be judged.",
                              "Split it into smaller statements.");
        }
        auto& matched = walker.matched_;
        std::ranges::sort(matched);
        const auto again = std::ranges::unique(matched);
        matched.erase(again.begin(), again.end());
        walker.facts_.parameters = source.tokens.parameters;
        return Result{std::move(walker.facts_),
                      walker.cacheable_ && matched.size() == source.tokens.literals.size()};
    }
}

std::uint32_t Walker::new_region() {
    regions_.push_back({{classes_.size(), classes_.size()}, std::nullopt});
    return static_cast<std::uint32_t>(regions_.size() - 1);
}

std::uint32_t Walker::end_region(std::uint32_t region) {
    regions_[region].uses.last = classes_.size();
    return region;
}

/// The literal of the text that became this constant. The grammar folds a minus sign into a number, which
/// then stands at the sign.
std::optional<Walker::LiteralPlace> Walker::literal_of(const A_Const* constant) const {
    const auto& literals = source_.tokens.literals;
    const std::size_t begin = source_.begin;
    if (constant->location < 0 || static_cast<std::size_t>(constant->location) < begin) {
        return std::nullopt;
    }
    const std::size_t at = static_cast<std::size_t>(constant->location) - begin;
    const auto found = std::ranges::lower_bound(literals, at, {}, &Literal::offset);
    if (found == literals.end()) {
        return std::nullopt;
    }
    const auto index = static_cast<std::uint32_t>(found - literals.begin());
    if (found->offset == at) {
        return LiteralPlace{index, false};
    }
    const bool number = found->form == Literal::Form::integer || found->form == Literal::Form::number;
    if (source_.text[at] != '-' || !number) {
        return std::nullopt;
    }
    const std::string_view between = source_.text.substr(at + 1, found->offset - at - 1);
    if (between.find_first_not_of(" \t\n\r\f") != std::string_view::npos) {
        return std::nullopt;
    }
    return LiteralPlace{index, true};
}

void Walker::note_constant(const A_Const* constant) {
    if (constant->isnull || constant->val.node.type == T_Boolean || constant->location < 0) {
        return;  // a word, or of the grammar's own making: part of the shape
    }
    if (const auto place = literal_of(constant)) {
        matched_.push_back(place->index);
        return;
    }
    const std::size_t at = static_cast<std::size_t>(constant->location) - source_.begin;
    const char first = at < source_.text.size() ? source_.text[at] : '\0';
    const bool word = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
    cacheable_ = cacheable_ && word;  // EXTRACT (year …) makes a constant of a word
}

std::uint32_t Walker::add_use(std::string_view schema, std::string_view name, Verb verb,
                              std::uint32_t depth) {
    TableUse use;
    use.schema = schema;
    use.name = name;
    use.verb = verb;
    use.catalog = schema == "pg_catalog" || schema == "information_schema" || schema == "pg_toast" ||
                  (schema.empty() && name.starts_with("pg_"));
    const bool temporary = schema.starts_with("pg_");
    if (!use.catalog && !temporary) {
        if (schema.empty() || schema == "public") {
            use.table = source_.topology.table(name);
        }
        if (use.table == nullptr && source_.topology.other_tables) {
            use.table = &*source_.topology.other_tables;
        }
    }
    facts_.tables.push_back(std::move(use));
    classes_.add(depth);
    nullable_.push_back(false);
    if (facts_.tables.size() > limits::sql_tables_max) {
        work_ = 0;
    }
    return classes_.size() - 1;
}

std::uint32_t Walker::add_use(const RangeVar* range, Verb verb, std::uint32_t depth) {
    const std::uint32_t use = add_use(pg::text(range->schemaname), pg::text(range->relname), verb, depth);
    if (range->alias != nullptr) {
        facts_.tables[use].alias = pg::text(range->alias->aliasname);
    }
    return use;
}

/// A name as a list of its parts.
void Walker::add_names(const List* parts, Verb verb) {
    const std::size_t count = pg::size(parts);
    if (count > 0) {
        add_use(count > 1 ? pg::text(pg::nth(parts, count - 2)) : std::string_view(),
                pg::text(pg::last(parts)), verb, 0);
    }
}

void Walker::set_opaque(std::string name) {
    if (!facts_.opaque) {
        facts_.opaque = true;
        facts_.opaque_name = std::move(name);
    }
}

bool Walker::sharded(std::uint32_t use) const {
    const topology::Table* table = facts_.tables[use].table;
    return table != nullptr && table->kind == topology::TableKind::sharded;
}

}  // namespace domicile::sql

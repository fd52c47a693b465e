// Which personal columns a statement may read. A column is read if its name stands anywhere but as the target
// of a write, or if a whole row is. Where the text leaves a doubt, the column counts.

#include "sql/pg_nodes.hpp"
#include "sql/walker.hpp"

#include <algorithm>

namespace domicile::sql {
namespace {

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

char fold(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same(std::string_view word, std::string_view name) {
    return word.size() == name.size() &&
           std::ranges::equal(word, name, [](char a, char b) { return fold(a) == b; });
}

}  // namespace

void Walker::note_column(const ColumnRef* ref, const Scope& scope) {
    const std::size_t parts = pg::size(ref->fields);
    if (pg::is(pg::last(ref->fields), T_A_Star)) {
        if (parts == 1) {
            reads_all_ = true;
        } else {
            reads_all_of_.push_back(pg::text(pg::nth(ref->fields, parts - 2)));
        }
        return;
    }
    // A name that is an item of FROM means the whole row, if it means no column.
    const std::string_view name = pg::text(pg::last(ref->fields));
    for (const Scope* at = &scope; at != nullptr; at = at->parent) {
        spend(at->items.size());
        if (std::ranges::any_of(at->items, [&](const Item& item) { return item.name == name; })) {
            reads_all_of_.push_back(name);
            return;
        }
    }
}

void Walker::note_written(const List* targets) {
    for (const ListCell& cell : pg::cells(targets)) {
        if (const auto* column = pg::as_if<ResTarget>(pg::node(cell), T_ResTarget)) {
            written_.push_back(pg::text(column->name));
        } else {
            written_.push_back(pg::text(pg::node(cell)));
        }
    }
}

void Walker::personal_columns() {
    if (std::ranges::all_of(facts_.tables, [](const TableUse& use) {
            return use.table == nullptr || use.table->personal.empty();
        })) {
        return;
    }
    // Names written with escapes (U&"\0065mail") are not looked into.
    bool all = reads_all_ || source_.text.find("U&\"") != std::string_view::npos ||
               source_.text.find("u&\"") != std::string_view::npos;
    const auto is_named = [](const TableUse& use, std::string_view name) {
        return use.alias.empty() ? use.name == name : use.alias == name;
    };
    for (const auto name : reads_all_of_) {
        // The alias of a sub-select or a join may stand for any table.
        all = all ||
              std::ranges::none_of(facts_.tables, [&](const TableUse& use) { return is_named(use, name); });
    }
    // Every word of the text outside of constants and comments: its qualifier and itself.
    std::vector<std::pair<std::string_view, std::string_view>> words;
    const std::string_view text = source_.text;
    std::size_t literal = 0;
    std::size_t comment = 0;
    std::string_view qualifier;
    bool dotted = false;
    for (std::size_t i = 0; i < text.size();) {
        const auto& literals = source_.tokens.literals;
        while (literal < literals.size() && literals[literal].offset + literals[literal].length <= i) {
            ++literal;
        }
        if (literal < literals.size() && literals[literal].offset <= i) {
            i = literals[literal].offset + std::max<std::size_t>(literals[literal].length, 1);
            dotted = false;
            continue;
        }
        const auto& comments = source_.tokens.comments;
        while (comment < comments.size() && comments[comment].second <= i) {
            ++comment;
        }
        if (comment < comments.size() && comments[comment].first <= i) {
            i = comments[comment].second;
            continue;
        }
        if (!is_word(text[i])) {
            dotted = text[i] == '.' ||
                     (dotted && (text[i] == ' ' || text[i] == '"' || text[i] == '\n' || text[i] == '\t'));
            ++i;
            continue;
        }
        std::size_t end = i;
        while (end < text.size() && is_word(text[end])) {
            ++end;
        }
        const auto word = text.substr(i, end - i);
        words.emplace_back(dotted ? qualifier : std::string_view(), word);
        spend(1);
        qualifier = word;
        dotted = false;
        i = end;
    }
    for (TableUse& use : facts_.tables) {
        if (use.table == nullptr || use.table->personal.empty()) {
            continue;
        }
        const std::string_view own = use.alias.empty() ? std::string_view(use.name) : use.alias;
        const bool whole = all || std::ranges::find(reads_all_of_, own) != reads_all_of_.end();
        for (const auto& column : use.table->personal) {
            const auto mentions = std::ranges::count_if(words, [&](const auto& word) {
                if (!same(word.second, column.name)) {
                    return false;
                }
                // u.email is another table's if u surely names one.
                return word.first.empty() || same(word.first, own) ||
                       std::ranges::none_of(facts_.tables, [&](const TableUse& other) {
                           return same(word.first, other.alias.empty() ? other.name : other.alias);
                       });
            });
            const auto targets = std::ranges::count(written_, column.name);
            if (whole || mentions > targets) {
                use.personal.push_back(column.name);
            }
        }
    }
}

}  // namespace domicile::sql

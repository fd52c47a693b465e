#pragma once
// A short text of facts, so that tests are tables. For the tests of this room only.

#include "sql/analyser.hpp"
#include "topology/parse.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace domicile::sql::testing {

inline const topology::Topology& shop() {
    static const topology::Topology made = [] {
        topology::Parsed parsed = topology::parse(R"(name = "shop"
[database]
name = "shop"
migrations = "schema"
[jurisdictions.eu]
countries = ["DE"]
rest_of_world = true
[regions.eu-a]
jurisdiction = "eu"
writer = true
http = "127.0.0.1:8101"
sql = "127.0.0.1:7101"
[shards.eu-1]
ranges = [[0, 100]]
writer = "eu-a"
[shards.eu-2]
ranges = [[100, 200]]
writer = "eu-a"
[embedded]
first_port = 7500
[tables.users]
key = "user_id"
person = true
personal.email = { erase = "null" }
personal.name = { erase = "null" }
[tables.invoices]
key = "user_id"
personal.address = { erase = "null" }
[tables.lines]
key = "user_id"
[tables.visits]
key = "visitor"
[tables.countries]
reference = true
[tables.settings]
shard = "eu-1"
)");
        EXPECT_TRUE(parsed.findings.empty());
        return std::move(parsed.topology);
    }();
    return made;
}

/// The value behind an operand as it stands in the text: 42, -5, 'x' without quotes, $1, null.
inline std::string text_of(const Operand& operand, const Statement& statement) {
    switch (operand.source) {
        case Operand::Source::null: return "null";
        case Operand::Source::parameter: return "$" + std::to_string(operand.index);
        case Operand::Source::literal: break;
    }
    EXPECT_LT(operand.index, statement.literals.size());
    return (operand.negative ? "-" : "") +
           std::string(plain_value(statement.text, statement.literals[operand.index]));
}

inline std::string text_of(const KeyTree& tree, std::size_t index, const Statement& statement) {
    constexpr std::array<std::string_view, 13> names = {"?",  "none", "all", "=",   "<",  "<=", ">",
                                                        ">=", "in",   "any", "and", "or", "not"};
    const KeyNode& node = tree[index];
    std::string text(names[static_cast<std::size_t>(node.op)]);
    if (!node.children.empty() || node.op == KeyNode::Op::in) {
        text += "(";
    }
    for (std::size_t i = 0; i < node.children.size(); ++i) {
        EXPECT_LT(node.children[i], index);
        text += (i == 0 ? "" : " ") + text_of(tree, node.children[i], statement);
    }
    for (std::size_t i = 0; i < node.operands.size(); ++i) {
        text += (i == 0 ? "" : " ") + text_of(node.operands[i], statement);
    }
    return text + (text.find('(') != std::string::npos ? ")" : "");
}

inline std::string text_of(const KeyTree& tree, const Statement& statement) {
    return tree.empty() ? "?" : text_of(tree, tree.size() - 1, statement);
}

/// "users invoices: =42 | lines: ?"
inline std::string groups_of(const Statement& statement) {
    const Facts& facts = *statement.facts;
    std::string text;
    for (const KeyGroup& group : facts.groups) {
        text += text.empty() ? "" : " | ";
        for (const auto use : group.tables) {
            text += facts.tables[use].name + " ";
        }
        text.back() = ':';
        text += " " + text_of(group.predicate, statement);
    }
    return text;
}

inline std::string_view name_of(Kind kind) {
    constexpr std::array<std::string_view, 38> names = {
        "empty",    "read",       "write",       "explain",     "route",     "begin",    "commit",
        "rollback", "savepoint",  "release",     "rollback_to", "set",       "reset",    "show",
        "discard",  "copy_in",    "copy_out",    "copy_file",   "ddl",       "truncate", "prepare",
        "execute",  "deallocate", "declare",     "fetch",       "close",     "listen",   "unlisten",
        "notify",   "lock",       "maintenance", "procedure",   "two_phase", "refused"};
    return names[static_cast<std::size_t>(kind)];
}

/// One statement, analysed; its parts live until the next call of `analyser`.
inline Statement one(Analyser& analyser, std::string_view text, bool standard_strings = true) {
    const auto result = analyser.analyse(text, standard_strings);
    if (!result) {
        ADD_FAILURE() << text << ": " << result.error().text;
        return {std::make_shared<const Facts>(), text, {}};
    }
    EXPECT_EQ(result->size(), 1U) << text;
    return result->front();
}

}  // namespace domicile::sql::testing

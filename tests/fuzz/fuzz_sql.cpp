// Statements of any bytes: analysed, gathered, split by rows. Facts point into the statement and keep their
// limits; a cache that has seen another statement of the same shape says what a new one says. The first byte
// chooses standard_conforming_strings.

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "fuzz.hpp"
#include "sql/analyser.hpp"
#include "sql/gather.hpp"
#include "topology/parse.hpp"

#include <algorithm>
#include <string>

namespace {

using namespace domicile;
using sql::Facts;
using sql::KeyNode;
using sql::Literal;
using sql::Operand;
namespace limits = base::limits;

const topology::Topology& shop() {
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
[tables.lines]
key = "user_id"
[tables.countries]
reference = true
[tables.settings]
shard = "eu-1"
)");
        DOMICILE_ASSERT(parsed.ok());
        return std::move(parsed.topology);
    }();
    return made;
}

void check_operand(const Operand& operand, const Facts& facts, std::size_t literals) {
    switch (operand.source) {
        case Operand::Source::literal: DOMICILE_ASSERT(operand.index < literals); break;
        case Operand::Source::parameter:
            DOMICILE_ASSERT(operand.index >= 1 && operand.index <= facts.parameters);
            break;
        case Operand::Source::null: break;
    }
}

void check(const sql::Statement& statement, std::string_view text) {
    DOMICILE_ASSERT(statement.facts != nullptr);
    DOMICILE_ASSERT(fuzz::within(statement.text, text));
    const Facts& facts = *statement.facts;
    std::size_t at = 0;
    for (const Literal& literal : statement.literals) {
        DOMICILE_ASSERT(literal.length > 0 && literal.offset >= at);
        at = std::size_t{literal.offset} + literal.length;
        DOMICILE_ASSERT(at <= statement.text.size());
    }
    DOMICILE_ASSERT(facts.tables.size() <= limits::sql_tables_max);
    std::vector<int> groups_of(facts.tables.size());
    for (const sql::KeyGroup& group : facts.groups) {
        DOMICILE_ASSERT(!group.tables.empty() && group.predicate.size() <= limits::sql_key_nodes_max);
        for (const auto use : group.tables) {
            ++groups_of.at(use);
        }
        for (std::size_t i = 0; i < group.predicate.size(); ++i) {
            const KeyNode& node = group.predicate[i];
            for (const Operand& operand : node.operands) {
                check_operand(operand, facts, statement.literals.size());
            }
            for (const auto child : node.children) {
                DOMICILE_ASSERT(child < i);
            }
        }
    }
    for (std::size_t i = 0; i < facts.tables.size(); ++i) {
        const auto* table = facts.tables[i].table;
        const bool sharded = table != nullptr && table->kind == topology::TableKind::sharded;
        DOMICILE_ASSERT(groups_of[i] == (sharded ? 1 : 0));
    }
    for (const Operand& operand : facts.inserted_keys) {
        check_operand(operand, facts, statement.literals.size());
    }
}

void put(std::string& text, const Operand& operand) {
    text += std::to_string(static_cast<int>(operand.source)) + (operand.negative ? "-" : "") +
            std::to_string(operand.index) + ",";
}

/// All that facts say.
std::string text_of(const Facts& facts) {
    std::string text = std::to_string(static_cast<int>(facts.kind)) + ":";
    for (const auto& use : facts.tables) {
        text += use.schema + "." + use.name + "/" + std::to_string(static_cast<int>(use.verb)) +
                (use.table == nullptr ? "" : "=" + use.table->name) + (use.catalog ? "c " : " ");
    }
    for (const auto& group : facts.groups) {
        text += "|";
        for (const auto use : group.tables) {
            text += std::to_string(use) + " ";
        }
        for (const KeyNode& node : group.predicate) {
            text += "(" + std::to_string(static_cast<int>(node.op)) + ":";
            for (const auto child : node.children) {
                text += std::to_string(child) + " ";
            }
            for (const Operand& operand : node.operands) {
                put(text, operand);
            }
            text += ")";
        }
    }
    text += "+";
    for (const Operand& operand : facts.inserted_keys) {
        put(text, operand);
    }
    for (const bool flag :
         {facts.insert_values, facts.key_missing, facts.updates_key, facts.writes, facts.reader_may_serve,
          facts.opaque, facts.concatenates, facts.holds, facts.read_only, facts.and_chain, facts.copy_binary,
          facts.setting.local, facts.setting.transaction}) {
        text += flag ? '1' : '0';
    }
    return text + std::to_string(facts.pins) + "$" + std::to_string(facts.parameters) + "\n" +
           facts.opaque_name + "\n" + facts.setting.name + "\n" + facts.setting.value + "\n" + facts.object +
           "\n" + facts.refusal + "\n" + facts.refusal_hint;
}

/// Other plain constants in the same places: the same shape.
std::string other_constants(std::string_view text, bool standard_strings) {
    sql::Tokens tokens;
    sql::tokenize(text, standard_strings, tokens);
    std::string other(text);
    for (const Literal& literal : tokens.literals) {
        char* const first = other.data() + literal.offset;
        if (literal.form == Literal::Form::integer) {
            std::fill(first, first + literal.length, '7');
        } else if (literal.form == Literal::Form::string) {
            std::fill(first + 1, first + literal.length - 1, '4');
        }
    }
    return other;
}

void check_insert(const sql::Statement& statement, bool standard_strings) {
    const Facts& facts = *statement.facts;
    const auto rows = sql::insert_rows(statement.text, standard_strings);
    if (!rows) {
        DOMICILE_ASSERT(rows.error().code == base::Code::cannot_route);
        return;
    }
    std::size_t at = 0;
    for (const auto& row : rows->rows) {
        DOMICILE_ASSERT(row.begin >= at && row.begin < row.end && row.end <= statement.text.size());
        DOMICILE_ASSERT(statement.text[row.begin] == '(' && statement.text[row.end - 1] == ')');
        at = row.end;
    }
    if (!facts.insert_values || facts.inserted_keys.size() < 2 ||
        facts.inserted_keys.size() != rows->rows.size()) {
        return;  // the session asks for as many
    }
    for (std::size_t i = 0; i < rows->rows.size(); ++i) {
        const Operand& key = facts.inserted_keys[i];
        if (key.source == Operand::Source::literal) {
            const Literal& literal = statement.literals[key.index];
            DOMICILE_ASSERT(literal.offset > rows->rows[i].begin &&
                            literal.offset + literal.length < rows->rows[i].end);
        }
    }
}

/// What a shard is asked is one statement that reads, of tables the original names.
void check_gather(const sql::Statement& statement, bool standard_strings) {
    const auto gathered = sql::gather(statement.text, shop(), standard_strings);
    if (!gathered) {
        DOMICILE_ASSERT(!gathered.error().text.empty());
        return;
    }
    sql::Analyser analyser(shop(), 0);
    const auto again = analyser.analyse(gathered->shard_sql, standard_strings);
    if (!again) {
        return;  // PostgreSQL will say so, too: an expression that does not stand where it was moved
    }
    DOMICILE_ASSERT(again->size() == 1);
    const Facts& facts = *again->front().facts;
    DOMICILE_ASSERT(facts.kind == sql::Kind::read && !facts.writes);
    for (const auto& use : facts.tables) {
        DOMICILE_ASSERT(std::ranges::any_of(statement.facts->tables, [&](const sql::TableUse& original) {
            return original.schema == use.schema && original.name == use.name;
        }));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const bool standard_strings = input.choice() % 2 == 0;
    const std::string_view text = input.rest();
    sql::Analyser fresh(shop(), 16);
    const auto analysed = fresh.analyse(text, standard_strings);
    // A small cache that stays, and one that has just seen the same shape.
    static sql::Analyser old(shop(), 64);
    sql::Analyser warm(shop(), 16);
    static_cast<void>(warm.analyse(other_constants(text, standard_strings), standard_strings));
    for (sql::Analyser* other : {&old, &warm}) {
        const auto again = other->analyse(text, standard_strings);
        DOMICILE_ASSERT(again.has_value() == analysed.has_value());
        if (!analysed) {
            DOMICILE_ASSERT(again.error().code == analysed.error().code);
            DOMICILE_ASSERT(again.error().text == analysed.error().text);
            continue;
        }
        DOMICILE_ASSERT(again->size() == analysed->size());
        for (std::size_t i = 0; i < again->size(); ++i) {
            DOMICILE_ASSERT(text_of(*(*again)[i].facts) == text_of(*(*analysed)[i].facts));
            DOMICILE_ASSERT((*again)[i].text.data() == (*analysed)[i].text.data() &&
                            (*again)[i].text.size() == (*analysed)[i].text.size());
        }
    }
    if (!analysed) {
        DOMICILE_ASSERT(analysed.error().code == base::Code::syntax_error ||
                        analysed.error().code == base::Code::statement_too_complex);
        return 0;
    }
    DOMICILE_ASSERT(!analysed->empty() && analysed->size() <= limits::sql_statements_max);
    for (const sql::Statement& statement : *analysed) {
        check(statement, text);
        if (statement.facts->kind == sql::Kind::read) {
            check_gather(statement, standard_strings);
        } else if (statement.facts->kind == sql::Kind::write) {
            check_insert(statement, standard_strings);
        }
    }
    return 0;
}

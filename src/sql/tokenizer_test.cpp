#include "sql/tokenizer.hpp"

#include "sql/scan_oracle.hpp"

#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace domicile::sql {
namespace {

using testing::difference_from_postgres;

std::string shown(std::string_view text, bool standard_strings = true) {
    Tokens tokens;
    tokenize(text, standard_strings, tokens);
    std::string shape = tokens.shape;
    for (char& c : shape) {
        c = c >= 1 && c <= 4 ? "inso"[c - 1] : c;
    }
    for (const Literal& literal : tokens.literals) {
        shape += " [" + std::string(text.substr(literal.offset, literal.length)) + "]";
    }
    return shape + (tokens.cacheable ? "" : " !");
}

struct Case {
    std::string_view text;
    std::string_view expected;
};

TEST(Tokenizer, CutsConstantsOut) {
    constexpr Case cases[] = {
        {"SELECT Name FROM t WHERE id = 42", "select name from t where id = i [42]"},
        {"  SELECT\t1\n", "select i [1]"},
        {"SELECT 'a'", "select s [a]"},
        {"SELECT 'a''b'", "select o ['a''b']"},
        {"SELECT ''", "select s ['']"},
        {"SELECT E'a\\'b'", "select o [E'a\\'b']"},
        {"SELECT e'\\\\'", "select o [e'\\\\']"},
        {"SELECT B'1', x'F'", "select o, o [B'1'] [x'F']"},
        {"SELECT X'F''0'", "select os [X'F'] ['0'] !"},
        {"SELECT 'a\\'", "select s ['a\\']"},
        {"SELECT 1.5, .5, 5., 1e9, 1.5E-3", "select n, n, n, n, n [1.5] [.5] [5.] [1e9] [1.5E-3]"},
        {"SELECT $1, $22", "select $1, $22"},
        {"SELECT $$a'b$$, $q$ $$ $q$", "select o, o [$$a'b$$] [$q$ $$ $q$]"},
        {"SELECT a$1, _a$b$", "select a$1, _a$b$"},
        {"SELECT \"A b\"\"c\", \"x\"", "select \"A b\"\"c\", \"x\""},
        {"SELECT 1 -- 'x'\n, 2 /* 3 /* 4 */ 5 */ , 6", "select i , i , i [1] [2] [6]"},
        {"SELECT a--b\n", "select a"},
        {"SELECT date'2020-01-01'", "select dates [2020-01-01]"},
        {"SELECT 1;", "select i [1]"},
        {"SELECT 'é'", "select s ['é']"},
        {"SELECT É", "select \xC3\x89"},
        {"SELECT 1 +-2", "select i +-i [1] [2]"},
        {"SELECT a.b.c, a [1]", "select a.b.c, a [i] [1]"},
        {"SELECT 'a' 'b'", "select s s ['a'] ['b'] !"},
        {"SELECT 'a'\n'b'", "select s s ['a'] ['b'] !"},
        {"SELECT $$a$$ 'b'", "select o s [$$a$$] ['b'] !"},
        {"SELECT N'a'", "select o [N'a'] !"},
        {"SELECT U&'a'", "select o [U&'a'] !"},
        {"SELECT U&\"a\"", "select \"a\" !"},
        {"SELECT 1..2", "select i.n [1] [.2] !"},
        {"SELECT a..1.5", "select a.nn [.1] [.5] !"},
        {"SELECT 1a", "select ia [1] !"},
        {"SELECT 0x2A", "select ix2a [0] !"},
        {"SELECT 1e", "select ie [1] !"},
        {"SELECT 'a", "select o ['a] !"},
        {"SELECT $q$a", "select o [$q$a] !"},
        {"SELECT \"a", "select \"a !"},
        {"SELECT 1 /* a", "select i [1] !"},
        {"SELECT $", "select $ !"},
        {"SELECT \x01", "select i !"},
        {"", ""},
    };
    for (const Case& each : cases) {
        std::string expected(each.expected);
        for (const std::string_view plain : {"a", "2020-01-01"}) {
            const auto at = expected.find("s [" + std::string(plain) + "]");
            if (at != std::string::npos) {
                expected.replace(at, plain.size() + 4, "s ['" + std::string(plain) + "']");
            }
        }
        EXPECT_EQ(shown(each.text), expected) << each.text;
        EXPECT_EQ(difference_from_postgres(each.text), "") << each.text;
    }
}

TEST(Tokenizer, ReadsEscapesWhereStringsAreNotStandard) {
    EXPECT_EQ(shown("SELECT 'a\\'b', 1", false), "select o, i ['a\\'b'] [1] !");
    EXPECT_EQ(shown("SELECT 'a\\'b', 1", true), "select so ['a\\'] [b', 1] !");
}

TEST(Tokenizer, CountsStatementsAndParameters) {
    Tokens tokens;
    const auto counted = [&](std::string_view text) {
        tokenize(text, true, tokens);
        return tokens.statements;
    };
    EXPECT_EQ(counted(""), 0U);
    EXPECT_EQ(counted(" ;; -- x\n ; /* y */"), 0U);
    EXPECT_EQ(counted("SELECT 1"), 1U);
    EXPECT_EQ(counted(";SELECT 1;;SELECT ';';"), 2U);
    constexpr std::string_view text = " ; SELECT $2 , $10 ; ";
    EXPECT_EQ(counted(text), 1U);
    EXPECT_EQ(text.substr(tokens.begin, tokens.end - tokens.begin), "SELECT $2 , $10");
    EXPECT_EQ(tokens.parameters, 10);
}

TEST(Tokenizer, ReusesItsMemory) {
    Tokens tokens;
    const std::string text = "SELECT * FROM users WHERE user_id IN (1, 2, 3, 'x') -- end";
    tokenize(text, true, tokens);
    const auto* shape = tokens.shape.data();
    const auto* literals = tokens.literals.data();
    for (int i = 0; i < 10; ++i) {
        tokenize(text, true, tokens);
        EXPECT_EQ(tokens.shape.data(), shape);
        EXPECT_EQ(tokens.literals.data(), literals);
    }
}

TEST(Tokenizer, AgreesWithPostgresOnWhateverPiecesMakeUp) {
    constexpr std::string_view pieces[] = {
        "SELECT", "from", "a",    "E",   "e'",  "U&",   "u&'",     "N",  "x'",  "b'1'", "'",   "''",  "\"",
        "\"\"",   "$",    "$$",   "$a$", "$1",  "$12",  "1",       "23", ".",   "..",   "1.5", "1e5", "e",
        "E5",     "-",    "--",   "+",   "/*",  "*/",   "/",       "*",  "\n",  " ",    "\t",  "\r",  "\f",
        "\v",     ";",    ",",    "(",   ")",   "\\",   "\\'",     "é",  "_",   "@",    "::",  ":",   ":=",
        "=>",     "<>",   "!=",   "&",   "|",   "#",    "%",       "[",  "]",   "{",    "}",   "?",   "`",
        "~",      "^",    "\x7F", "'a'", "'b'", "date", "UESCAPE", "-5", "1_0", "0x1"};
    constexpr std::uint64_t seed = 20'261'124;
    std::mt19937_64 random(seed);
    for (int round = 0; round < 200'000; ++round) {
        std::string text;
        for (auto count = random() % 14; count > 0; --count) {
            text += pieces[random() % std::size(pieces)];
        }
        for (const bool standard_strings : {true, false}) {
            ASSERT_EQ(difference_from_postgres(text, standard_strings), "")
                << "seed " << seed << ", round " << round << ": " << text;
        }
    }
}

}  // namespace
}  // namespace domicile::sql

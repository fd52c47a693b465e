// The tokenizer on any bytes, beside PostgreSQL's own scanner: what it calls cacheable has the tokens that
// PostgreSQL sees, for a shape that hides one would give a statement the facts of another. The first byte
// chooses standard_conforming_strings.

#include "base/assert.hpp"
#include "fuzz.hpp"
#include "sql/scan_oracle.hpp"
#include "sql/tokenizer.hpp"

#include <cstdio>
#include <string>

namespace {

using namespace domicile;
using sql::Literal;

void check_places(std::string_view text, const sql::Tokens& tokens) {
    DOMICILE_ASSERT(tokens.shape.size() <= text.size());
    DOMICILE_ASSERT(tokens.begin <= tokens.end && tokens.end <= text.size());
    std::size_t at = 0;
    for (const Literal& literal : tokens.literals) {
        DOMICILE_ASSERT(literal.length > 0 && literal.offset >= at);
        at = std::size_t{literal.offset} + literal.length;
        DOMICILE_ASSERT(at <= text.size());
        DOMICILE_ASSERT(fuzz::within(sql::plain_value(text, literal), text));
    }
    at = 0;
    for (const auto& [first, last] : tokens.comments) {
        DOMICILE_ASSERT(first >= at && first < last && last <= text.size());
        at = last;
    }
    DOMICILE_ASSERT(tokens.literals.size() <= tokens.count);
    DOMICILE_ASSERT(tokens.fault.empty() || !tokens.cacheable);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const bool standard_strings = input.choice() % 2 == 0;
    const std::string_view text = input.rest();
    static sql::Tokens tokens;  // its memory is reused, as the analyser does
    sql::tokenize(text, standard_strings, tokens);
    check_places(text, tokens);
    const std::string found = sql::testing::difference_from_postgres(text, standard_strings);
    if (!found.empty()) {
        std::fprintf(stderr, "PostgreSQL reads it otherwise: %s\n", found.c_str());
    }
    DOMICILE_ASSERT(found.empty());
    return 0;
}

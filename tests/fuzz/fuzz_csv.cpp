// CSV in pieces: the first byte chooses the pieces. The records, their lines and the error are the same
// however the file is cut, and what we write reads back.

#include "fuzz.hpp"
#include "load/csv.hpp"

#include <string>
#include <vector>

namespace {

using namespace domicile;
using load::Record;

struct Outcome {
    std::vector<Record> records;
    std::string error;
};

/// `late_end`: the end of the file is told with an empty last piece.
Outcome read(std::string_view text, std::uint8_t seed, bool late_end) {
    Outcome outcome;
    load::CsvReader reader;
    fuzz::Pieces pieces(seed);
    bool last = false;
    while (!last) {
        const bool ended = text.empty();
        const std::string_view piece = pieces.next(text);
        last = ended || (text.empty() && !late_end);
        reader.feed(piece, last);
        Record record;
        for (;;) {
            const auto next = reader.next(record);
            if (!next) {
                outcome.error = next.error().text;
                return outcome;
            }
            if (!*next) {
                break;
            }
            DOMICILE_ASSERT(!record.fields.empty() && record.fields.size() <= load::CsvReader::fields_max);
            outcome.records.push_back(record);
        }
    }
    return outcome;
}

bool same(const Outcome& a, const Outcome& b) {
    if (a.error != b.error || a.records.size() != b.records.size()) {
        return false;
    }
    for (std::size_t i = 0; i < a.records.size(); ++i) {
        if (a.records[i].line != b.records[i].line || a.records[i].fields != b.records[i].fields) {
            return false;
        }
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const std::uint8_t seed = input.choice();
    const Outcome whole = read(input.rest(), 0, false);
    DOMICILE_ASSERT(same(whole, read(input.rest(), 0, true)));
    DOMICILE_ASSERT(same(whole, read(input.rest(), seed, false)));
    DOMICILE_ASSERT(same(whole, read(input.rest(), seed, true)));
    std::string written;
    std::uint64_t line = 0;
    for (const Record& record : whole.records) {
        DOMICILE_ASSERT(record.line > line);
        line = record.line;
        load::append_csv(written, record.fields);
    }
    const Outcome again = read(written, 0, false);
    DOMICILE_ASSERT(again.error.empty() && again.records.size() == whole.records.size());
    for (std::size_t i = 0; i < whole.records.size(); ++i) {
        DOMICILE_ASSERT(again.records[i].fields == whole.records[i].fields);
    }
    return 0;
}

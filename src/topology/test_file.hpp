#pragma once
// A small valid file that uses every section, and helpers to break it. For the tests of this room only.

#include "topology/parse.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace domicile::topology::testing {

inline constexpr std::string_view base = R"(name = "shop"
[database]
name = "shop"
migrations = "schema"
[jurisdictions.eu]
law = "GDPR"
countries = ["DE", "FR"]
[jurisdictions.uk]
countries = ["GB"]
rest_of_world = true
[regions.eu-a]
jurisdiction = "eu"
writer = true
http = "127.0.0.1:8101"
sql = "127.0.0.1:7101"
[regions.eu-b]
jurisdiction = "eu"
http = "127.0.0.1:8102"
sql = "127.0.0.1:7102"
[regions.uk-a]
jurisdiction = "uk"
writer = true
http = "127.0.0.1:8103"
sql = "127.0.0.1:7103"
[shards.eu-1]
ranges = [[0, 100], [200, 300]]
writer = "eu-a"
readers = ["eu-b"]
[shards.uk-1]
ranges = [[1_000, 1_100]]
open = false
writer = "uk-a"
nodes = ["10.0.0.1:5432", { address = "10.0.0.2:5432", region = "uk-a" }]
[central]
region = "eu-b"
[embedded]
first_port = 7500
settings = { shared_buffers = "64MB" }
[tables.people]
key = "id"
person = true
country = "country"
personal.email = { erase = "null" }
[tables.orders]
key = "person_id"
personal.note = { erase = "shred" }
audit = ["insert"]
[tables.currencies]
reference = true
[tables.jobs]
shard = "eu-1"
[statistics.sales]
table = "orders"
by = ["country"]
sums = ["total"]
[[transfers]]
from = "eu"
to = "uk"
basis = "adequacy"
actions = ["data:Select"]
tables = ["orders"]
[limits]
body_bytes_max = 2_048
)";

inline std::string replaced(std::string_view text, std::string_view cut, std::string_view paste) {
    std::string result(text);
    const auto at = result.find(cut);
    EXPECT_NE(at, std::string::npos) << cut;
    return at == std::string::npos ? result : result.replace(at, cut.size(), paste);
}

/// The line and column of the '^' in `anchor`, whose other characters stand in `text`.
inline Finding place_of(std::string_view text, std::string_view anchor) {
    const auto caret = anchor.find('^');
    const auto found = text.find(replaced(anchor, "^", ""));
    EXPECT_NE(found, std::string_view::npos) << anchor;
    Finding place{1, 1, {}, {}};
    for (const char c : text.substr(0, found + caret)) {
        place.line += c == '\n' ? 1 : 0;
        place.column = c == '\n' ? 1 : place.column + 1;
    }
    return place;
}

inline std::string all(const Parsed& parsed) {
    std::string text;
    for (const Finding& finding : parsed.findings) {
        text += render(finding, "t.toml") + "\n";
    }
    return text;
}

inline std::string sample() {
    const auto path = std::filesystem::path(DOMICILE_SOURCE_DIR) / "examples/retail/domicile.toml";
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

}  // namespace domicile::topology::testing

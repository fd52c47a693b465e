// Who may ask where: every combination of principal, place and declared transfer.

#include "routing/residency.hpp"

#include "topology/parse.hpp"

#include <gtest/gtest.h>

namespace domicile::routing {
namespace {

topology::Topology world() {
    auto parsed = topology::parse(R"(
name = "t"
[database]
name = "t"
migrations = "m"
[jurisdictions.eu]
countries = ["DE"]
[jurisdictions.uk]
countries = ["GB"]
[jurisdictions.us]
countries = ["US"]
[regions.eu-a]
jurisdiction = "eu"
writer = true
http = "127.0.0.1:1001"
sql = "127.0.0.1:1002"
[regions.uk-a]
jurisdiction = "uk"
writer = true
http = "127.0.0.1:1003"
sql = "127.0.0.1:1004"
[regions.us-a]
jurisdiction = "us"
writer = true
http = "127.0.0.1:1005"
sql = "127.0.0.1:1006"
[shards.eu-1]
ranges = [[0, 10]]
writer = "eu-a"
[shards.uk-1]
ranges = [[10, 20]]
writer = "uk-a"
[shards.us-1]
ranges = [[20, 30]]
writer = "us-a"
[embedded]
first_port = 1100
[tables.users]
key = "id"
person = true
personal.email = { erase = "null" }
personal.name = { erase = "null" }
[tables.orders]
key = "id"
[[transfers]]
from = "eu"
to = "uk"
basis = "adequacy"
actions = ["data:Select", "data:ReadPersonal"]
tables = ["users"]
columns = ["name"]
[[transfers]]
from = "eu"
to = "us"
basis = "contract_clauses"
actions = ["data:Select"]
tables = ["orders"]
[[transfers]]
from = "eu"
to = "us"
basis = "consent"
actions = ["data:Select"]
tables = ["users"]
)");
    EXPECT_TRUE(parsed.findings.empty()) << parsed.findings.size();
    return std::move(parsed.topology);
}

TEST(Residency, who_may_ask_where) {
    const auto topology = world();
    const auto map = topology::RangeMap::of(topology);
    const std::vector<std::string> name_only = {"name"};
    const std::vector<std::string> both = {"email", "name"};
    const Touch users{"data:Select", "users", {}};
    const Touch orders{"data:Select", "orders", {}};
    struct Case {
        std::uint16_t gateway;
        std::uint16_t principal;
        bool subject;
        std::vector<Touch> touches;
        std::string_view result;
    };
    const std::vector<Case> cases = {
        {0, 0, false, {users, orders}, "own"},
        {0, 0, true, {users}, "own"},
        {0, 1, false, {users}, "adequacy"},
        {0, 1, false, {{"data:ReadPersonal", "users", name_only}}, "adequacy"},
        {0, 1, false, {{"data:ReadPersonal", "users", both}}, "residency/principal-abroad"},
        {0, 1, false, {orders}, "residency/principal-abroad"},
        {0, 1, false, {{"data:Update", "users", {}}}, "residency/principal-abroad"},
        {0, 1, false, {}, "residency/principal-abroad"},       // nothing named, nothing covered
        {0, 1, true, {users}, "residency/home-by-id uk"},      // a person abroad is led home
        {1, 0, false, {users}, "residency/principal-abroad"},  // transfers have a direction
        {2, 0, true, {users}, "residency/home-by-id eu"},
        {0, 2, false, {orders}, "contract_clauses"},
        {0, 2, false, {users}, "consent"},
        {0, 2, false, {users, orders}, "residency/principal-abroad"},  // two half bases make no whole one
    };
    for (const auto& one : cases) {
        Principal principal{JurisdictionIndex{one.principal}};
        if (one.subject) {
            principal.subject = UserId{one.principal * 10 + 1};
        }
        const auto found = may_ask(principal, one.touches, {topology, map, JurisdictionIndex{one.gateway}});
        std::string text = found ? *found ? std::string(name(**found)) : "own" : found.error().error.rule;
        if (!found && found.error().home) {
            text += " " + topology.at(*found.error().home).name;
        }
        EXPECT_EQ(text, one.result) << one.gateway << one.principal << one.subject;
    }
}

}  // namespace
}  // namespace domicile::routing

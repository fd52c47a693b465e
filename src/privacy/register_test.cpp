#include "privacy/register.hpp"

#include <gtest/gtest.h>

namespace domicile::privacy {
namespace {

TEST(Register, SaysWhatTheTopologyAndTheSchemaSay) {
    topology::Topology topology;
    topology.name = "shop";
    topology::Jurisdiction eu;
    eu.name = "eu";
    eu.law = "GDPR";
    eu.countries = {"DE", "FR"};
    topology.jurisdictions = {eu};
    topology::Table users;
    users.name = "users";
    users.key = "user_id";
    users.purpose = "contract";
    users.personal = {{"email", topology::Erasure::tokenise, "", "contact", topology::Origin::observed}};
    topology.tables = {users};
    LiveSchema live;
    live.tables = {{"users", {{"user_id", "bigint", false}, {"email", "text"}, {"nick", "text"}}}};
    const std::string text = register_text(topology, live);
    for (const char* part : {"people of DE, FR", "purpose: contract; retention: **not said**",
                             "| email | text | contact | observed | replaced by a random token |",
                             "| nick | text | no | | stays |",
                             "| user_id | bigint | the user's id | | stays |", "backups are not made"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
    }
    EXPECT_EQ(text, register_text(topology, live));
    EXPECT_TRUE(differences(text, text).empty());
    // A column that nobody has declared is a difference.
    live.tables[0].columns.push_back({"passport", "text"});
    EXPECT_EQ(differences(text, register_text(topology, live)),
              std::vector<std::string>{"+ | passport | text | no | | stays |"});
}

TEST(Register, TellsLinesApart) {
    EXPECT_EQ(differences("a\nb\nc\n", "a\nc\nd\n"), (std::vector<std::string>{"- b", "+ d"}));
    EXPECT_EQ(differences("", "a\n"), std::vector<std::string>{"+ a"});
    EXPECT_EQ(differences("a\n", ""), std::vector<std::string>{"- a"});
}

}  // namespace
}  // namespace domicile::privacy

#include "session/settings_tracker.hpp"

#include "session/two_phase.hpp"

#include <gtest/gtest.h>

namespace domicile::session {
namespace {

sql::Setting setting(std::string name, std::string value = {}) {
    sql::Setting made;
    made.name = std::move(name);
    made.value = std::move(value);
    return made;
}

TEST(SettingsTracker, KeepsWhatPostgresqlKeeps) {
    SettingsTracker tracker;
    EXPECT_EQ(tracker.current(), nullptr);
    tracker.set(setting("timezone", "'UTC'"), false);
    tracker.set(setting("search_path", "a, b"), false);
    EXPECT_EQ(difference(nullptr, tracker.current()), "SET search_path TO a, b;SET timezone TO 'UTC';");
    tracker.begin();
    tracker.set(setting("timezone", "'Asia/Tokyo'"), true);
    EXPECT_EQ(difference(tracker.outside(), tracker.current()), "SET timezone TO 'Asia/Tokyo';");
    tracker.rollback();
    EXPECT_EQ(difference(nullptr, tracker.current()), "SET search_path TO a, b;SET timezone TO 'UTC';");
    tracker.begin();
    tracker.savepoint("one");
    tracker.set(setting("timezone", "'Asia/Tokyo'"), true);
    tracker.savepoint("two");
    tracker.reset(setting("timezone"), true);
    tracker.rollback_to("two");
    EXPECT_TRUE(difference(nullptr, tracker.current()).contains("Tokyo"));
    tracker.rollback_to("one");
    EXPECT_FALSE(difference(nullptr, tracker.current()).contains("Tokyo"));
    tracker.commit();
    tracker.reset_all(false);
    EXPECT_EQ(tracker.current(), nullptr);
}

TEST(SettingsTracker, ResetsToWhatTheClientAskedForAtStart) {
    SettingsTracker tracker;
    tracker.start_with("application_name", "it's");
    const auto start = tracker.current();
    tracker.set(setting("application_name", "'b'"), false);
    EXPECT_EQ(difference(tracker.current(), start),
              "SELECT pg_catalog.set_config('application_name', 'it''s', false);");
    tracker.reset(setting("application_name"), false);
    EXPECT_EQ(difference(start, tracker.current()), "");
    EXPECT_EQ(difference(start, nullptr), "RESET application_name;");
}

TEST(SqlLiteral, MeansTheSameWhateverTheSession) {
    EXPECT_EQ(sql_literal("a'b"), "'a''b'");
    EXPECT_EQ(sql_literal("a\\b"), " E'a\\\\b'");
}

TEST(TwoPhase, ReadsItsOwnNamesOnly) {
    const auto gid = parse_gid("domicile/eu-1/7421/aB_-9");
    ASSERT_TRUE(gid);
    EXPECT_EQ(gid->shard, "eu-1");
    EXPECT_EQ(gid->transaction, "7421");
    for (const auto text : {"", "domicile/", "domicile/eu-1", "domicile/eu-1/x/y", "other/eu-1/1/r",
                            "domicile//1/r", "domicile/eu-1//r", "domicile/eu-1/123456789012345678901/r"}) {
        EXPECT_FALSE(parse_gid(text)) << text;
    }
}

TEST(TwoPhase, FollowsTheDecisionAndWaitsForNoneToBeMade) {
    EXPECT_EQ(fate("committed", true), Fate::commit);
    EXPECT_EQ(fate("in progress", true), Fate::commit);
    EXPECT_EQ(fate("", true), Fate::commit);
    EXPECT_EQ(fate("in progress", false), Fate::wait);
    EXPECT_EQ(fate("aborted", false), Fate::rollback);
    EXPECT_EQ(fate("committed", false), Fate::rollback) << "the number was another's: after a promotion";
    EXPECT_EQ(fate("", false), Fate::rollback);
}

}  // namespace
}  // namespace domicile::session

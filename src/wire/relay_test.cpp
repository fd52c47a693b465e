#include "wire/relay.hpp"

#include "wire/test_messages.hpp"

#include <gtest/gtest.h>

namespace domicile::wire {
namespace {

using Event = Relay::Event;
using Sent = Relay::Sent;

/// Feeds replies given as "type body;…": '1', 'Z' with its status and so on.
Event feed(Relay& relay, char type, std::string_view body = {}) {
    return relay.advance(type, body);
}

TEST(Relay, FollowsASimpleQuery) {
    Relay relay;
    EXPECT_TRUE(relay.idle());
    relay.sent(Sent::query);
    EXPECT_EQ(relay.rounds(), 1U);
    for (const char type : {'T', 'D', 'D'}) {
        EXPECT_EQ(feed(relay, type, "x"), Event::pass);
    }
    EXPECT_EQ(feed(relay, 'C', std::string_view("SELECT 2\0", 9)), Event::pass);
    EXPECT_FALSE(relay.idle());
    EXPECT_EQ(feed(relay, 'Z', "I"), Event::pass);
    EXPECT_TRUE(relay.idle());
    EXPECT_EQ(feed(relay, 'Z', "I"), Event::broken) << "nobody asked";
    EXPECT_FALSE(relay.idle()) << "out of step for ever";
}

TEST(Relay, HidesWhatIsOurs) {
    Relay relay;
    relay.sent(Sent::query, true);
    relay.sent(Sent::parse, true);
    relay.sent(Sent::bind);
    relay.sent(Sent::execute);
    relay.sent(Sent::sync);
    EXPECT_EQ(feed(relay, 'C', std::string_view("SET\0", 4)), Event::hide);
    EXPECT_EQ(feed(relay, 'S', "x"), Event::hide);
    EXPECT_EQ(feed(relay, 'Z', "I"), Event::hide);
    EXPECT_EQ(feed(relay, '1'), Event::hide);
    EXPECT_EQ(feed(relay, '2'), Event::pass);
    EXPECT_EQ(feed(relay, 'N', "x"), Event::pass);
    EXPECT_EQ(feed(relay, 'D', "x"), Event::pass);
    EXPECT_EQ(feed(relay, 's'), Event::pass);
    EXPECT_EQ(feed(relay, 'Z', "T"), Event::pass);
    EXPECT_EQ(relay.status(), 'T');
    EXPECT_FALSE(relay.idle());
    EXPECT_TRUE(relay.in_step());
}

TEST(Relay, SkipsToTheNextSyncAfterAnError) {
    Relay relay;
    for (int i = 0; i < 2; ++i) {
        relay.sent(Sent::parse);
        relay.sent(Sent::bind);
        relay.sent(Sent::execute);
        relay.sent(Sent::sync);
    }
    EXPECT_EQ(feed(relay, 'E', "x"), Event::pass);
    EXPECT_EQ(relay.rounds(), 2U);
    EXPECT_EQ(feed(relay, 'Z', "I"), Event::pass);
    EXPECT_EQ(feed(relay, '1'), Event::pass);
    EXPECT_EQ(feed(relay, '2'), Event::pass);
    EXPECT_EQ(feed(relay, '2'), Event::broken);
}

TEST(Relay, GivesOurOwnAnswersTheirTurn) {
    Relay relay;
    relay.sent(Sent::parse);
    relay.sent(Sent::own_parse);
    relay.sent(Sent::bind);
    relay.sent(Sent::sync);
    EXPECT_EQ(relay.synthetic_due(), 0);
    EXPECT_EQ(feed(relay, '1'), Event::pass);
    EXPECT_EQ(relay.synthetic_due(), '1');
    EXPECT_EQ(relay.synthetic_due(), 0);
    EXPECT_EQ(feed(relay, '2'), Event::pass);
}

TEST(Relay, IgnoresASyncSentBehindCopyAsPostgresqlDoes) {
    Relay relay;
    relay.sent(Sent::parse);
    relay.sent(Sent::bind);
    relay.sent(Sent::execute);
    relay.sent(Sent::sync);
    EXPECT_EQ(feed(relay, '1'), Event::pass);
    EXPECT_EQ(feed(relay, '2'), Event::pass);
    EXPECT_EQ(feed(relay, 'G', "x"), Event::copy_in);
    EXPECT_TRUE(relay.copying());
    EXPECT_EQ(relay.rounds(), 0U);
    relay.copy_ended();
    relay.sent(Sent::sync);
    EXPECT_EQ(feed(relay, 'C', std::string_view("COPY 1\0", 7)), Event::pass);
    EXPECT_EQ(feed(relay, 'Z', "I"), Event::pass);
    EXPECT_TRUE(relay.idle());
}

TEST(Relay, RefusesWhatCannotComeNow) {
    struct Case {
        std::vector<Sent> sent;
        std::string replies;
    };
    const std::vector<Case> cases = {
        {{}, "D"},
        {{}, "C"},
        {{Sent::parse}, "2"},
        {{Sent::bind}, "1"},
        {{Sent::query}, "1"},
        {{Sent::query}, "d"},
        {{Sent::query}, "c"},
        {{Sent::describe_statement}, "T"},
        {{Sent::describe_portal}, "t"},
        {{Sent::sync}, "D"},
        {{Sent::query}, "R"},
        {{Sent::query}, "K"},
        {{Sent::execute}, "T"},
        {{Sent::close}, "1"},
    };
    for (const auto& [sent, replies] : cases) {
        Relay relay;
        for (const Sent one : sent) {
            relay.sent(one);
        }
        EXPECT_EQ(feed(relay, replies[0], replies[0] == 'C' || replies[0] == 'D' ? "x" : ""), Event::broken)
            << replies;
        EXPECT_EQ(feed(relay, 'N', "x"), Event::broken) << "broken stays broken";
    }
}

TEST(Relay, KnowsHowAQueryEnds) {
    const auto judged = [](std::string_view replies) {
        Relay relay;
        relay.sent(Sent::query);
        Event event = Event::pass;
        for (const char type : replies) {
            event = feed(relay, type, type == 'Z' ? "I" : type == 'I' ? "" : "x");
        }
        return event;
    };
    for (const auto* good :
         {"CZ", "IZ", "EZ", "TDDCZ", "TCZ", "TDTDCZ", "TDCCTCZ", "TDEZ", "CEZ", "HddcCZ", "TNDSCAZ"}) {
        EXPECT_EQ(judged(good), Event::pass) << good;
    }
    for (const auto* bad : {"Z", "TZ", "TDZ", "D", "CD", "TCD", "TCTZ", "HcZ", "HD", "ED"}) {
        EXPECT_EQ(judged(bad), Event::broken) << bad;
    }
}

TEST(Relay, TellsWhoseRoundsAreOutstanding) {
    Relay relay;
    relay.sent(Sent::query, true, true);
    EXPECT_EQ(relay.rounds_passed(), 0U);
    for (int i = 0; i < 2; ++i) {
        relay.sent(Sent::bind);
        relay.sent(Sent::execute);
        relay.sent(Sent::sync);
    }
    EXPECT_EQ(relay.rounds(), 3U);
    EXPECT_EQ(relay.rounds_passed(), 2U);
    for (const char type : {'C', 'Z', 'E', 'Z'}) {
        feed(relay, type, type == 'Z' ? "I" : "x");
    }
    EXPECT_EQ(relay.rounds(), 1U);
    EXPECT_EQ(relay.rounds_passed(), 1U);
}

}  // namespace
}  // namespace domicile::wire

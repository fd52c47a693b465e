#include "wire/pipeline.hpp"

#include "wire/test_messages.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace domicile::wire {
namespace {

using testing::Body;
using testing::bytes;
using testing::message;

/// Sent steps, one letter each: P parse, B bind, E execute, S sync. A digit before a letter is the tag of
/// what follows.
void send(Pipeline& pipeline, std::string_view steps) {
    std::uint32_t tag = 0;
    for (const char step : steps) {
        switch (step) {
            case 'P': pipeline.sent_parse(tag); break;
            case 'B': pipeline.sent_bind(tag); break;
            case 'E': pipeline.sent_execute(tag); break;
            case 'S': pipeline.sent_sync(); break;
            case ' ': break;
            default: tag = static_cast<std::uint32_t>(step - '0');
        }
    }
}

/// Frames, one letter each, as the protocol names them; 'i', 't', 'e' are ReadyForQuery with that status.
std::string reply(char letter) {
    switch (letter) {
        case 'D': return message('D', testing::row_body({"x", std::nullopt}));
        case 'C': return testing::complete("SELECT 1");
        case 'E': return message('E', testing::error_body("23505"));
        case 'N': return message('N', testing::error_body("00000"));
        case 'i': return testing::ready('I');
        case 't': return testing::ready('T');
        case 'e': return testing::ready('E');
        case 'S': return message('S', Body().cstring("TimeZone").cstring("UTC").str());
        case 'A': return message('A', Body().u32(1).cstring("c").cstring("").str());
        default: return message(letter, "");
    }
}

/// What comes of each frame, one word each: "row1" is a row of tag 1.
std::string events(Pipeline& pipeline, std::string_view replies) {
    std::string text;
    for (const char letter : replies) {
        if (letter == ' ') {
            continue;
        }
        const std::string bytes_of_one = reply(letter);
        const testing::Exact exact(bytes_of_one);
        const auto event = pipeline.advance(testing::frame_of(exact.view()));
        const std::string tag = std::to_string(pipeline.tag());
        switch (event) {
            case Pipeline::Event::none: continue;
            case Pipeline::Event::parsed: text += " parsed" + tag; break;
            case Pipeline::Event::row: text += " row" + tag; break;
            case Pipeline::Event::complete: text += " done" + tag; break;
            case Pipeline::Event::error: text += " error" + tag; break;
            case Pipeline::Event::ready: text += " ready"; break;
            case Pipeline::Event::broken: return text + " broken";
        }
    }
    return text + (pipeline.idle() ? " idle" : pipeline.settled() ? " settled" : " waits");
}

TEST(Pipeline, TellsWhichReplyBelongsToWhichStatement) {
    struct Row {
        std::string_view name;
        std::string_view sent;
        std::string_view replies;
        std::string_view expected;
    };
    const Row rows[] = {
        {"nothing sent", "", "", " idle"},
        {"one statement", "PBES", "12DDCi", " parsed0 row0 row0 done0 ready idle"},
        {"prepared before", "1BES", "2Ci", " done1 ready idle"},
        {"no row", "1PBES", "12Ci", " parsed1 done1 ready idle"},
        {"an empty text", "1PBES", "12Ii", " parsed1 ready idle"},
        {"two in one sync", "1PBE 2BE S", "12DC 2DC i", " parsed1 row1 done1 row2 done2 ready idle"},
        {"two syncs", "1BES 2BES", "2Ci 2DCi", " done1 ready row2 done2 ready idle"},
        {"a sync alone", "S", "i", " ready idle"},
        {"half the replies", "1BES 2BES", "2Ci 2D", " done1 ready row2 waits"},
        {"error at parse", "1PBES", "Ei", " error1 ready idle"},
        {"error at bind", "1PBES", "1Ei", " parsed1 error1 ready idle"},
        {"error at execute", "1PBES", "12Ei", " parsed1 error1 ready idle"},
        {"error after rows", "1BES", "2DDEi", " row1 row1 error1 ready idle"},
        {"error skips to the sync", "1BE 2PBE 3BE S", "2C Ei", " done1 error2 ready idle"},
        {"the next sync begins anew", "1BES 2BES", "2Ei 2Ci", " error1 ready done2 ready idle"},
        {"errors in two syncs", "1BES 2BES", "Ei 2Ei", " error1 ready error2 ready idle"},
        // A deferred constraint fails at the sync, after CommandComplete: it is the error of its own sync's
        // statement.
        {"error at the sync", "1BES 2BES", "2CEi 2CEi", " done1 error1 ready done2 error2 ready idle"},
        {"error at the second sync only", "0BES 1BES", "2Ci 2DCEi",
         " done0 ready row1 done1 error1 ready idle"},
        {"error at the sync of two", "1BE 2BE S", "2C2CEi", " done1 done2 error2 ready idle"},
        {"notices anywhere", "1PBES", "NS1A2NDNCNSiN", " parsed1 row1 done1 ready idle"},
        {"notices after an error", "1BES", "NENSi", " error1 ready idle"},
        {"in a transaction", "1BES", "2Ct", " done1 ready settled"},
        {"in a failed transaction", "1BES", "Ee", " error1 ready settled"},
        {"the last status counts", "1BES 2BES", "2Ct 2Ci", " done1 ready done2 ready idle"},
        {"the last status counts, the other way", "1BES 2BES", "2Ci 2Ct", " done1 ready done2 ready settled"},

        {"a reply too many", "1BES", "2Ci i", " done1 ready broken"},
        {"a row when nothing is owed", "", "D", " broken"},
        {"an error when nothing is owed", "", "E", " broken"},
        {"an error after the last sync", "1BES", "2CiE", " done1 ready broken"},
        {"row after complete", "1BES", "2CD", " done1 broken"},
        {"row after complete, another waits", "1BE 2BE S", "2CD", " done1 broken"},
        {"row before bind complete", "1BES", "D", " broken"},
        {"complete twice", "1BE 2BE S", "2CC", " done1 broken"},
        {"parse complete for a prepared one", "1BES", "1", " broken"},
        {"bind complete before parse complete", "1PBES", "2", " broken"},
        {"ready before complete", "1BES", "2i", " broken"},
        {"two errors before one sync", "1BES", "2EE", " error1 broken"},
        {"complete after an error", "1BE 2BE S", "2E2", " error1 broken"},
        {"row after an error", "1BES", "2ED", " error1 broken"},
        {"an error nobody can end", "1BE", "2E", " broken"},
        {"ready and an error", "1BES 2BES", "2Ci E 2", " done1 ready error2 broken"},
        {"row description, which we never ask for", "1BES", "2T", " broken"},
        {"no data, which we never ask for", "1BES", "2n", " broken"},
        {"portal suspended, though we set no limit", "1BES", "2Ds", " row1 broken"},
        {"copy", "1BES", "2G", " broken"},
        {"authentication in mid-session", "1BES", "R", " broken"},
        {"a type that does not exist", "1BES", "?", " broken"},
    };
    for (const Row& row : rows) {
        Pipeline pipeline;
        send(pipeline, row.sent);
        EXPECT_EQ(events(pipeline, row.replies), row.expected) << row.name;
    }
}

TEST(Pipeline, StaysBrokenUntilReset) {
    Pipeline pipeline;
    send(pipeline, "1BES");
    EXPECT_EQ(events(pipeline, "2DT"), " row1 broken");
    EXPECT_EQ(events(pipeline, "C"), " broken") << "what would have been right without the break";
    EXPECT_EQ(events(pipeline, "i"), " broken");
    EXPECT_FALSE(pipeline.idle());
    pipeline.reset();
    send(pipeline, "1BES");
    EXPECT_EQ(events(pipeline, "2Ci"), " done1 ready idle");
}

TEST(Pipeline, IsNotIdleAfterABreakEvenWhenAllIsAnswered) {
    Pipeline pipeline;
    send(pipeline, "1BES");
    EXPECT_EQ(events(pipeline, "2Ci D"), " done1 ready broken");
    EXPECT_TRUE(pipeline.settled());
    EXPECT_FALSE(pipeline.idle());
}

TEST(Pipeline, HandsOutWellFormedBodiesOnly) {
    struct Row {
        std::string_view name;
        std::string_view before;
        std::string bad;
    };
    const Row rows[] = {
        {"row with a length of -2", "2", message('D', Body().u16(1).u32(0xFFFF'FFFEU).str())},
        {"row cut short", "2", message('D', Body().u16(2).u32(1).raw("x").str())},
        {"row without a count", "2", message('D', "")},
        {"row with bytes behind it", "2", message('D', Body().u16(0).raw("x").str())},
        {"tag without an end", "2", message('C', "UPDATE 1")},
        {"tag with bytes behind it", "2", message('C', bytes("UPDATE 1\0x"))},
        {"no tag", "2", message('C', "")},
        {"error cut short", "2", message('E', bytes("C23505\0Mno"))},
        {"error without an end", "2", message('E', "")},
        {"ready without a status", "2C", message('Z', "")},
        {"ready with an unknown status", "2C", message('Z', "X")},
        {"ready with two", "2C", message('Z', "II")},
    };
    for (const Row& row : rows) {
        Pipeline pipeline;
        send(pipeline, "1BES");
        static_cast<void>(events(pipeline, row.before));
        const testing::Exact exact(row.bad);
        EXPECT_EQ(pipeline.advance(testing::frame_of(exact.view())), Pipeline::Event::broken) << row.name;
        EXPECT_FALSE(pipeline.idle()) << row.name;
    }
}

// ---- Generated scripts
// ----------------------------------------------------------------------------------------------

struct Script {
    std::string sent;      ///< as send() takes it
    std::string replies;   ///< as reply() takes them
    std::string expected;  ///< as events() tells them
};

/// A pipeline of a few syncs and one valid stream of answers to it.
Script generate(std::mt19937_64& random) {
    const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
    Script script;
    char tag = '0';
    char status = 'i';
    const auto syncs = 1 + random() % 3;  // so that a tag stays one digit
    for (std::uint64_t sync = 0; sync < syncs; ++sync) {
        const auto statements = random() % 4;
        bool failed = false;
        for (std::uint64_t i = 0; i < statements; ++i) {
            ++tag;
            script.sent += tag;
            const std::string steps = chance(50) ? "PBE" : "BE";
            script.sent += steps;
            for (const char step : steps) {
                if (!failed && chance(5)) {
                    failed = true;
                    script.replies += 'E';
                    script.expected += std::string(" error") + tag;
                }
                if (failed) {
                    break;
                }
                if (step == 'P') {
                    script.replies += '1';
                    script.expected += std::string(" parsed") + tag;
                } else if (step == 'B') {
                    script.replies += '2';
                } else {
                    while (chance(40)) {
                        script.replies += 'D';
                        script.expected += std::string(" row") + tag;
                    }
                    script.replies += 'C';
                    script.expected += std::string(" done") + tag;
                }
            }
        }
        script.sent += 'S';
        status = "iiite"[random() % 5];
        script.replies += status;
        script.expected += " ready";
    }
    script.expected += status == 'i' ? " idle" : " settled";
    return script;
}

/// What became of each sync: the statements done, or that it failed. Left out is what no protocol can notice:
/// rows that are lost or doubled, and at which statement of a failed sync the error came (all of them are
/// rolled back).
std::string story_of(std::string_view events_text) {
    std::string story;
    std::string open;
    for (std::size_t at = 0; at < events_text.size();) {
        const auto end = std::min(events_text.find(' ', at + 1), events_text.size());
        const std::string_view word = events_text.substr(at, end - at);
        at = end;
        if (word == " ready") {
            story += (open.find("error") == std::string::npos ? open : " failed") + " ready";
            open.clear();
        } else if (!word.starts_with(" row")) {
            open += word;
        }
    }
    return story;  // without idle or settled, which is the node's own word in the last status
}

constexpr std::uint64_t seed = 20'261'122;

TEST(PipelineProperty, EveryValidStreamSettlesWithNoticesAnywhere) {
    std::mt19937_64 random(seed);
    Pipeline pipeline;
    for (int round = 0; round < 3'000; ++round) {
        Script script = generate(random);
        for (int notice = 0; notice < 3; ++notice) {
            script.replies.insert(random() % (script.replies.size() + 1), 1, "NSA"[random() % 3]);
        }
        pipeline.reset();
        send(pipeline, script.sent);
        ASSERT_EQ(events(pipeline, script.replies), script.expected)
            << "seed " << seed << " round " << round << ": " << script.sent << " / " << script.replies;
    }
}

TEST(PipelineProperty, NoLostDoubledOrSwappedFrameIsTakenForAnother) {
    std::mt19937_64 random(seed);
    for (int round = 0; round < 1'000; ++round) {
        const Script script = generate(random);
        std::vector<std::string> bent;
        for (std::size_t i = 0; i < script.replies.size(); ++i) {
            bent.push_back(std::string(script.replies).erase(i, 1));
            bent.push_back(std::string(script.replies).insert(i, 1, script.replies[i]));
            if (i + 1 < script.replies.size()) {
                bent.push_back(script.replies);
                std::swap(bent.back()[i], bent.back()[i + 1]);
            }
        }
        for (const std::string& replies : bent) {
            Pipeline pipeline;
            send(pipeline, script.sent);
            const std::string seen = events(pipeline, replies);
            if (pipeline.idle()) {
                // Taken as whole: then it says of every statement what the true stream said.
                ASSERT_EQ(story_of(seen), story_of(script.expected))
                    << "seed " << seed << " round " << round << ": " << script.sent << " / " << script.replies
                    << " bent to " << replies;
            }
        }
    }
}

TEST(PipelineProperty, AnyFramesAtAllNeverSettleMoreThanWasSent) {
    std::mt19937_64 random(seed);
    for (int round = 0; round < 20'000; ++round) {
        Pipeline pipeline;
        const Script script = generate(random);
        send(pipeline, script.sent);
        std::size_t ready = 0;
        for (int frame = 0; frame < 30; ++frame) {
            const std::string one = reply("12DCEIiteNSAT"[random() % 13]);
            const auto event = pipeline.advance(testing::frame_of(one));
            ready += event == Pipeline::Event::ready ? 1U : 0U;
            if (event == Pipeline::Event::broken) {
                ASSERT_FALSE(pipeline.idle());
                break;
            }
        }
        ASSERT_LE(ready, static_cast<std::size_t>(std::ranges::count(script.sent, 'S')));
        if (pipeline.settled()) {
            ASSERT_EQ(ready, static_cast<std::size_t>(std::ranges::count(script.sent, 'S')));
        }
    }
}

}  // namespace
}  // namespace domicile::wire

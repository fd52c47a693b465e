#include "support/queue_conformance.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace domicile::test_support {
namespace {

using namespace std::chrono_literals;
using cloud::Outgoing;

std::vector<std::string> bodies(const std::vector<cloud::Message>& messages) {
    std::vector<std::string> all;
    for (const auto& message : messages) {
        all.push_back(message.body);
    }
    return all;
}

using Texts = std::vector<std::string>;

}  // namespace

void queue_conformance(const std::function<std::unique_ptr<cloud::Queue>()>& make) {
    {
        SCOPED_TRACE("in order within a group; a group waits for what is being worked on");
        const auto queue = make();
        EXPECT_TRUE(queue->receive(10, 30s, 0s).value().empty());
        ASSERT_TRUE(queue->send(std::vector<Outgoing>{{"a", "a1", "1"}, {"a", "a2", "2"}, {"b", "b1", "3"}}));
        const auto first = queue->receive(1, 30s, 2s).value();
        ASSERT_EQ(bodies(first), Texts{"1"});
        EXPECT_EQ(first[0].group, "a");
        EXPECT_EQ(first[0].received, 1);
        const auto other = queue->receive(10, 30s, 2s).value();
        EXPECT_EQ(bodies(other), Texts{"3"}) << "the second of the group waits for the first";
        ASSERT_TRUE(queue->remove(first));
        EXPECT_EQ(bodies(queue->receive(10, 30s, 2s).value()), Texts{"2"});
        EXPECT_EQ(queue->depth().value().in_flight, 2U);
    }
    {
        SCOPED_TRACE("what is not removed comes again");
        const auto queue = make();
        ASSERT_TRUE(queue->send(std::vector<Outgoing>{{"a", "a1", "1"}}));
        const auto first = queue->receive(1, 1s, 2s).value();
        ASSERT_EQ(first.size(), 1U);
        EXPECT_TRUE(queue->receive(1, 1s, 0s).value().empty()) << "hidden";
        std::this_thread::sleep_for(1200ms);
        const auto again = queue->receive(1, 30s, 2s).value();
        ASSERT_EQ(bodies(again), Texts{"1"});
        EXPECT_EQ(again[0].received, 2);
        ASSERT_TRUE(queue->hide(again[0], 0s));
        EXPECT_EQ(bodies(queue->receive(1, 30s, 2s).value()), Texts{"1"}) << "given back";
    }
    {
        SCOPED_TRACE("the same message twice is one");
        const auto queue = make();
        ASSERT_TRUE(queue->send(std::vector<Outgoing>{{"a", "once", "1"}}));
        ASSERT_TRUE(queue->send(std::vector<Outgoing>{{"a", "once", "1"}, {"a", "more", "2"}}));
        Texts got;
        for (int i = 0; i < 3; ++i) {  // a queue may give fewer than it has
            const auto some = queue->receive(10, 30s, 1s).value();
            std::ranges::copy(bodies(some), std::back_inserter(got));
            ASSERT_TRUE(some.empty() || queue->remove(some));
        }
        EXPECT_EQ(got, (Texts{"1", "2"}));
    }
    {
        SCOPED_TRACE("what comes too often is set aside, can be driven back, and holds up nobody");
        const auto queue = make();
        ASSERT_TRUE(queue->send(std::vector<Outgoing>{{"a", "bad", "poison"}, {"b", "good", "good"}}));
        for (int i = 0; i < cloud::queue_receives_max; ++i) {
            for (const auto& message : queue->receive(10, 30s, 2s).value()) {
                ASSERT_TRUE(message.body == "good" ? queue->remove({&message, 1}) : queue->hide(message, 0s));
            }
        }
        for (int i = 0; i < 20 && queue->depth().value().dead == 0; ++i) {
            EXPECT_TRUE(queue->receive(10, 30s, 0s).value().empty());
            std::this_thread::sleep_for(100ms);
        }
        EXPECT_EQ(queue->depth().value().dead, 1U);
        EXPECT_EQ(queue->redrive().value(), 1U);
        std::vector<cloud::Message> back;
        for (int i = 0; i < 50 && back.empty(); ++i) {
            back = queue->receive(10, 30s, 1s).value();
        }
        EXPECT_EQ(bodies(back), Texts{"poison"});
    }
    {
        SCOPED_TRACE("sizes");
        const auto queue = make();
        EXPECT_FALSE(queue->send(
            std::vector<Outgoing>{{"a", "big", std::string(cloud::queue_body_bytes_max + 1, 'x')}}));
        EXPECT_FALSE(queue->send(std::vector<Outgoing>{{"a", "none", ""}}));
        const std::string largest(cloud::queue_body_bytes_max, 'x');
        std::vector<Outgoing> many = {{"a", "largest", largest}};
        for (int i = 0; i < 12; ++i) {
            many.push_back({"a", "m" + std::to_string(i), std::to_string(i)});
        }
        ASSERT_TRUE(queue->send(many)) << "more than one request holds";
        std::size_t count = 0;
        for (int i = 0; i < 20 && count < many.size(); ++i) {
            const auto some = queue->receive(10, 30s, 1s).value();
            EXPECT_LE(some.size(), 10U);
            for (const auto& message : some) {
                EXPECT_EQ(message.body, many[count++].body);
            }
            ASSERT_TRUE(queue->remove(some));
        }
        EXPECT_EQ(count, many.size());
    }
    {
        SCOPED_TRACE("text of any script");
        const auto queue = make();
        const std::string text = "{\"k\":[\"Ελλάδα\",\"日本\",\"a&b<c>\\\"\"]}";
        ASSERT_TRUE(queue->send(std::vector<Outgoing>{{"a", "text", text}}));
        EXPECT_EQ(bodies(queue->receive(1, 30s, 2s).value()), Texts{text});
    }
}

}  // namespace domicile::test_support

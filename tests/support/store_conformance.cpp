#include "support/store_conformance.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace domicile::test_support {

void store_conformance(cloud::ObjectStore& store) {
    using base::Code;
    EXPECT_EQ(store.get("a/b").error().code, Code::not_found);
    EXPECT_TRUE(store.list("").value().empty());
    ASSERT_TRUE(store.put_if_absent("a/b", "one"));
    EXPECT_EQ(store.put_if_absent("a/b", "two").error().code, Code::precondition_failed);
    EXPECT_EQ(store.put_if_absent("a/b", "one").error().code, Code::precondition_failed)
        << "whatever it holds";
    EXPECT_EQ(store.get("a/b").value(), "one");
    ASSERT_TRUE(store.put("a/b", "three"));
    EXPECT_EQ(store.get("a/b").value(), "three");
    ASSERT_TRUE(store.put_if_absent("a/empty", ""));
    EXPECT_EQ(store.get("a/empty").value(), "");
    std::string binary;
    for (int i = 0; i < 70'000; ++i) {
        binary += static_cast<char>(i * 31 % 256);
    }
    ASSERT_TRUE(store.put_if_absent("b/binary_1.pdf", binary));
    EXPECT_EQ(store.get("b/binary_1.pdf").value(), binary);
    const auto some = store.list("a/").value();
    ASSERT_EQ(some.size(), 2U);
    EXPECT_EQ(some[0].key, "a/b");
    EXPECT_EQ(some[0].bytes, 5U);
    EXPECT_EQ(some[1].key, "a/empty");
    EXPECT_EQ(store.list("").value().size(), 3U);
    EXPECT_TRUE(store.list("c").value().empty());
    for (const char* bad : {"", "/", "a//b", "../x", "a/../b", "a/./b", "a b", "a/", "a\nb", "a=b", "ä"}) {
        EXPECT_EQ(store.put_if_absent(bad, "x").error().code, Code::invalid_value) << bad;
        EXPECT_FALSE(store.get(bad)) << bad;
    }
    // Of many who put at once, one has put.
    std::atomic<int> first{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&, i] { first += store.put_if_absent("race", std::to_string(i)) ? 1 : 0; });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(first, 1);
}

}  // namespace domicile::test_support

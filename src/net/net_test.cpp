#include "net/gate.hpp"
#include "net/stream.hpp"

#include <gtest/gtest.h>

namespace domicile::net {
namespace {

/// Two connected streams on one loop.
struct Pair {
    Loop loop;
    std::unique_ptr<Stream> near;
    std::unique_ptr<Stream> far;

    Pair() {
        Listener listener(loop);
        EXPECT_TRUE(listener.listen("127.0.0.1", 0, false));
        near = std::make_unique<Stream>(loop);
        loop.spawn(connect(*near, listener.port()));
        loop.spawn(accept(*this, listener));
        loop.run(true);
        EXPECT_TRUE(near->open() && far != nullptr);
    }
    static Task<> connect(Stream& stream, std::uint16_t port) {
        const auto failed = co_await stream.connect(numeric_endpoint("127.0.0.1", port));
        EXPECT_FALSE(failed) << failed.message();
    }
    static Task<> accept(Pair& pair, Listener& listener) {
        co_await listener.run([&](int socket) {
            pair.far = std::make_unique<Stream>(pair.loop, socket);
            listener.close();
        });
    }
};

Task<> read_all(Stream& stream, std::string& into, error_code& ended) {
    base::Buffer buffer;
    for (;;) {
        const auto ec = co_await stream.read_some(buffer, 1'000);
        into += buffer.view();
        buffer.clear();
        if (ec) {
            ended = ec;
            co_return;
        }
    }
}

Task<> write_and_close(Stream& stream, const std::string& bytes, error_code& ended) {
    ended = co_await stream.write(bytes);
    stream.close();
}

TEST(Stream, CarriesMoreThanTheSocketHoldsInOrder) {
    Pair pair;
    std::string sent;
    for (int i = 0; i < 1'000'000; ++i) {
        sent += static_cast<char>(i * 7 + i / 251);
    }
    sent += sent + sent + sent + sent;
    std::string received;
    error_code read_end;
    error_code write_end;
    pair.loop.spawn(write_and_close(*pair.near, sent, write_end));
    pair.loop.spawn(read_all(*pair.far, received, read_end));
    pair.loop.run(true);
    EXPECT_FALSE(write_end) << write_end.message();
    EXPECT_EQ(read_end, end_of_stream());
    EXPECT_TRUE(received == sent);
}

TEST(Stream, IsClosedWhenItsDeadlinePasses) {
    Pair pair;
    std::string received;
    error_code ended;
    pair.far->expires_after(std::chrono::milliseconds{1});
    pair.loop.spawn(read_all(*pair.far, received, ended));
    pair.loop.run(true);
    EXPECT_TRUE(ended);
    EXPECT_TRUE(pair.far->expired());
    EXPECT_FALSE(pair.far->open());
    EXPECT_FALSE(pair.near->expired()) << "only the one whose deadline it was";
}

TEST(Loop, ClosesOnlyIdleStreamsAtTheEnd) {
    Pair pair;
    pair.far->idle(true);
    pair.loop.close_idle();
    EXPECT_FALSE(pair.far->open());
    EXPECT_TRUE(pair.near->open());
}

Task<> drain(Gate& gate, bool& drained) {
    drained = co_await gate.drain(std::chrono::seconds{20});
}

TEST(Gate, DrainsWhenTheLastPassIsGone) {
    Loop loop;
    Gate gate(loop);
    bool drained = false;
    auto first = std::make_unique<Gate::Pass>(gate.enter());
    auto second = std::make_unique<Gate::Pass>(gate.enter());
    loop.spawn(drain(gate, drained));
    loop.post([&] {
        first.reset();
        EXPECT_FALSE(drained);
        loop.post([&] { second.reset(); });
    });
    loop.run(true);
    EXPECT_TRUE(drained);
}

Task<> wait(Timer& timer, std::chrono::milliseconds time, bool& came) {
    came = co_await timer.wait(time);
}

TEST(Timer, TellsWhetherTheTimeCameOrSomeoneCancelled) {
    Loop loop;
    Timer early(loop);
    Timer late(loop);
    bool early_came = false;
    bool late_came = true;
    loop.spawn(wait(early, std::chrono::milliseconds{5}, early_came));
    loop.spawn(wait(late, std::chrono::hours{1}, late_came));
    loop.post([&] { late.cancel(); });
    loop.run(true);
    EXPECT_TRUE(early_came);
    EXPECT_FALSE(late_came);
}

Task<> wait_either(Pair& pair, int& woken) {
    co_await pair.near->until_either(*pair.far);
    ++woken;
}

TEST(Stream, WakesOneWaiterOfTwoStreamsOnce) {
    Pair pair;
    int woken = 0;
    pair.loop.spawn(wait_either(pair, woken));
    pair.loop.post([&] {
        std::size_t count = 0;
        EXPECT_FALSE(pair.near->send("a", count));
        EXPECT_FALSE(pair.far->send("b", count));
        pair.near->close();
    });
    pair.loop.run(true);
    EXPECT_EQ(woken, 1);
}

TEST(Loop, DestroysWhatHasNotEnded) {
    auto pair = std::make_unique<Pair>();
    std::string received;
    error_code ended;
    auto held = std::make_shared<int>(1);
    const std::weak_ptr<int> seen = held;
    pair->loop.spawn([](Stream& stream, std::shared_ptr<int>) -> Task<> { co_await stream.until_readable(); }(
                                                                  *pair->far, std::move(held)));
    EXPECT_FALSE(seen.expired());
    pair.reset();
    EXPECT_TRUE(seen.expired());
}

}  // namespace
}  // namespace domicile::net

#include "net/gate.hpp"
#include "net/stream.hpp"

#include <gtest/gtest.h>

namespace domicile::net {
namespace {

/// Two connected streams on one io_context.
struct Pair {
    asio::io_context context;
    Sweeper sweeper{context};
    std::unique_ptr<Stream> near;
    std::unique_ptr<Stream> far;

    Pair() {
        tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        tcp::socket client(context);
        client.connect(acceptor.local_endpoint());
        near = std::make_unique<Stream>(std::move(client), sweeper);
        far = std::make_unique<Stream>(acceptor.accept(), sweeper);
        asio::co_spawn(context, sweeper.run(), asio::detached);
    }
};

awaitable<void> read_all(Stream& stream, std::string& into, error_code& ended) {
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

awaitable<void> write_and_close(Stream& stream, const std::string& bytes, error_code& ended) {
    const auto ec = co_await stream.write(bytes);
    ended = ec;
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
    asio::co_spawn(pair.context, write_and_close(*pair.near, sent, write_end), asio::detached);
    asio::co_spawn(pair.context, read_all(*pair.far, received, read_end),
                   [&](const std::exception_ptr&) { pair.sweeper.stop(); });
    pair.context.run();
    EXPECT_FALSE(write_end) << write_end.message();
    EXPECT_EQ(read_end, asio::error::eof);
    EXPECT_TRUE(received == sent);
}

TEST(Stream, IsClosedWhenItsDeadlinePasses) {
    Pair pair;
    std::string received;
    error_code ended;
    pair.far->expires_after(std::chrono::milliseconds{1});
    asio::co_spawn(pair.context, read_all(*pair.far, received, ended),
                   [&](const std::exception_ptr&) { pair.sweeper.stop(); });
    pair.context.run();
    EXPECT_TRUE(ended);
    EXPECT_TRUE(pair.far->expired());
    EXPECT_FALSE(pair.far->open());
    EXPECT_FALSE(pair.near->expired()) << "only the one whose deadline it was";
}

TEST(Sweeper, ClosesOnlyIdleStreamsAtTheEnd) {
    Pair pair;
    pair.far->idle(true);
    pair.sweeper.close_idle();
    EXPECT_FALSE(pair.far->open());
    EXPECT_TRUE(pair.near->open());
    pair.sweeper.stop();
    pair.context.run();
}

awaitable<void> drain(Gate& gate, bool& drained) {
    drained = co_await gate.drain(std::chrono::seconds{20});
}

TEST(Gate, DrainsWhenTheLastPassIsGone) {
    asio::io_context context;
    Gate gate(context);
    bool drained = false;
    auto first = std::make_unique<Gate::Pass>(gate.enter());
    auto second = std::make_unique<Gate::Pass>(gate.enter());
    asio::co_spawn(context, drain(gate, drained), asio::detached);
    context.poll();
    first.reset();
    context.poll();
    EXPECT_FALSE(drained);
    second.reset();
    context.run();
    EXPECT_TRUE(drained);
}

}  // namespace
}  // namespace domicile::net

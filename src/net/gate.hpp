#pragma once
// Counts work in flight, so that stopping is: close the gate, then wait. One thread.

#include "net/stream.hpp"

#include <cstddef>
#include <tuple>
#include <utility>

#include <boost/asio/steady_timer.hpp>

namespace domicile::net {

class Gate {
  public:
    explicit Gate(asio::io_context& context) : empty_(context) {
        empty_.expires_at(Clock::time_point::max());
    }

    /// Held by each piece of work for its whole life.
    class Pass {
      public:
        explicit Pass(Gate& gate) : gate_(&gate) { ++gate.count_; }
        Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
        Pass(const Pass&) = delete;
        Pass& operator=(const Pass&) = delete;
        Pass& operator=(Pass&&) = delete;
        ~Pass() {
            if (gate_ != nullptr && --gate_->count_ == 0) {
                gate_->empty_.cancel();
            }
        }

      private:
        Gate* gate_;
    };

    [[nodiscard]] Pass enter() { return Pass(*this); }
    void close() noexcept { closed_ = true; }
    [[nodiscard]] bool closed() const noexcept { return closed_; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

    /// Waits until nothing is in flight, or `time` has passed. True if empty.
    awaitable<bool> drain(std::chrono::milliseconds time) {
        const auto deadline = Clock::now() + time;
        while (count_ != 0 && Clock::now() < deadline) {
            empty_.expires_at(deadline);
            std::ignore = co_await empty_.async_wait(as_result);
        }
        co_return count_ == 0;
    }

  private:
    asio::steady_timer empty_;
    std::size_t count_ = 0;
    bool closed_ = false;
};

}  // namespace domicile::net

#pragma once
// Counts work in flight, so that stopping is: close the gate, then wait. One thread.

#include "net/loop.hpp"

#include <cstddef>
#include <utility>

namespace domicile::net {

class Gate {
  public:
    explicit Gate(Loop& loop) : empty_(loop) {}

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
    Task<bool> drain(std::chrono::milliseconds time) {
        const auto deadline = Clock::now() + time;
        while (count_ != 0 && Clock::now() < deadline) {
            co_await empty_.wait(deadline);
        }
        co_return count_ == 0;
    }

  private:
    Timer empty_;
    std::size_t count_ = 0;
    bool closed_ = false;
};

}  // namespace domicile::net

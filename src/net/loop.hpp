#pragma once
// The event loop of one thread: epoll, edge-triggered, each socket registered once for its whole life;
// timers; work posted by other threads. Written by us because each avoidable system call shows in the cost of
// a query (ARCHITECTURE.md, "Why our own event loop").

#include "net/task.hpp"

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

namespace domicile::net {

using Clock = std::chrono::steady_clock;

class Loop;
class Stream;

/// One suspended coroutine that something may wake. Lives in its awaiter; woken at most once, by whoever is
/// first.
class Waiter {
  public:
    Waiter() = default;
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter();

    [[nodiscard]] bool woken() const noexcept { return woken_; }

  private:
    friend class Loop;
    std::coroutine_handle<> handle_;
    Loop* queued_in_ = nullptr;
    bool woken_ = false;
};

/// What epoll tells of one descriptor.
class Watched {
  public:
    virtual void on_events(std::uint32_t events) noexcept = 0;

  protected:
    ~Watched() = default;
};

class Loop {
  public:
    Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    /// Destroys what was spawned and has not ended.
    ~Loop();

    /// Until stop(), or until nothing spawned is left when `until_idle`.
    void run(bool until_idle = false);
    /// From any thread.
    void stop();
    /// Runs `work` on the loop's thread. From any thread.
    void post(std::function<void()> work);
    /// Starts a task that nobody awaits. An exception that leaves it ends the process with a log line.
    void spawn(Task<void> task);

    /// The time when the current batch of events came: exact enough for deadlines, and free.
    [[nodiscard]] Clock::time_point now() const noexcept { return now_; }
    [[nodiscard]] std::size_t spawned() const noexcept { return spawned_; }

    // ---- For what waits (Stream, Timer, …) ----
    /// Parks the coroutine in the waiter. Someone must keep the waiter and wake it.
    void park(Waiter& waiter, std::coroutine_handle<> handle) noexcept;
    /// Resumes the parked coroutine before the loop next sleeps; never inside this call.
    void wake(Waiter& waiter);
    /// Registers for EPOLLIN | EPOLLOUT | EPOLLRDHUP, edge-triggered, or for EPOLLIN level-triggered.
    [[nodiscard]] bool watch(int descriptor, Watched& watched, bool level = false) noexcept;
    /// Events already fetched for it are dropped.
    void forget(Watched& watched) noexcept;

    // ---- Deadlines of streams, swept ten times a second ----
    static constexpr std::chrono::milliseconds sweep_interval{100};
    /// Closes every idle stream, for an orderly end.
    void close_idle() noexcept;
    /// Closes every stream; what waits on them ends with an error.
    void close_all() noexcept;

  private:
    friend class Stream;
    friend class Timer;
    friend class Waiter;
    friend struct Detached;
    struct DetachedPromise;

    void sweep() noexcept;
    void run_ready();
    void run_posted();
    [[nodiscard]] int wait_ms() const noexcept;

    int epoll_ = -1;
    int wakeup_ = -1;
    Clock::time_point now_ = Clock::now();
    Clock::time_point next_sweep_ = now_;
    std::vector<Waiter*> ready_;
    std::vector<Waiter*> running_;
    std::multimap<Clock::time_point, Waiter*> timers_;
    Stream* streams_ = nullptr;  // intrusive list
    DetachedPromise* detached_ = nullptr;
    std::size_t spawned_ = 0;
    void* batch_ = nullptr;  // the events being dispatched
    int batch_size_ = 0;
    bool stopped_ = false;

    std::mutex posted_mutex_;
    std::vector<std::function<void()>> posted_;
    bool stop_posted_ = false;
};

/// A point in time to wait for; one waiter at a time.
class Timer {
  public:
    explicit Timer(Loop& loop) : loop_(loop) {}
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() { detach(); }

    struct [[nodiscard]] Awaiter {
        Timer& timer;
        Clock::time_point at;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle);
        /// True if the time has come, false if cancelled before.
        bool await_resume() noexcept;
        Waiter waiter = {};
    };
    Awaiter wait(Clock::time_point at) { return {*this, at}; }
    Awaiter wait(std::chrono::milliseconds time) { return {*this, Clock::now() + time}; }
    /// Whoever waits goes on at once.
    void cancel();

  private:
    void detach() noexcept;
    Loop& loop_;
    Waiter* waiting_ = nullptr;
    std::multimap<Clock::time_point, Waiter*>::iterator entry_;
};

/// Calls `handler` on the loop's thread for each of these signals. REQUIRES: they are blocked in every
/// thread.
class Signals final : private Watched {
  public:
    Signals(Loop& loop, std::initializer_list<int> signals, std::function<void(int)> handler);
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals();
    /// For this thread and those it starts.
    static void block(std::initializer_list<int> signals);

  private:
    void on_events(std::uint32_t events) noexcept override;
    Loop& loop_;
    std::function<void(int)> handler_;
    int descriptor_ = -1;
};

}  // namespace domicile::net

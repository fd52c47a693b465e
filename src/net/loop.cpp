#include "net/loop.hpp"

#include "base/log.hpp"
#include "net/stream.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <tuple>
#include <unistd.h>

namespace domicile::net {
namespace {
constexpr std::size_t batch_max = 128;
}

// ---- Spawned tasks ----

struct Detached;

struct Loop::DetachedPromise {
    Loop* loop = nullptr;
    DetachedPromise* previous = nullptr;
    DetachedPromise* next = nullptr;

    Detached get_return_object();
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept {
        // A defect, never a state to go on from: what the task held is half done.
        base::log::error("loop.task_threw");
        std::abort();
    }
    ~DetachedPromise() {
        if (loop == nullptr) {
            return;
        }
        --loop->spawned_;
        (previous != nullptr ? previous->next : loop->detached_) = next;
        if (next != nullptr) {
            next->previous = previous;
        }
    }
};

struct Detached {
    using promise_type = Loop::DetachedPromise;
    std::coroutine_handle<promise_type> handle;
};

Detached Loop::DetachedPromise::get_return_object() {
    return {std::coroutine_handle<DetachedPromise>::from_promise(*this)};
}

namespace {
Detached run_detached(Task<void> task) {
    co_await task;
}
}  // namespace

void Loop::spawn(Task<void> task) {
    const Detached detached = run_detached(std::move(task));
    DetachedPromise& promise = detached.handle.promise();
    promise.loop = this;
    promise.next = detached_;
    if (detached_ != nullptr) {
        detached_->previous = &promise;
    }
    detached_ = &promise;
    ++spawned_;
    detached.handle.resume();
}

// ---- Waiters ----

Waiter::~Waiter() {
    if (queued_in_ != nullptr) {
        std::ranges::replace(queued_in_->ready_, this, nullptr);
        std::ranges::replace(queued_in_->running_, this, nullptr);
    }
}

void Loop::park(Waiter& waiter, std::coroutine_handle<> handle) noexcept {
    waiter.handle_ = handle;
    waiter.woken_ = false;
}

void Loop::wake(Waiter& waiter) {
    if (!waiter.woken_) {
        waiter.woken_ = true;
        waiter.queued_in_ = this;
        ready_.push_back(&waiter);
    }
}

void Loop::run_ready() {
    while (!ready_.empty()) {
        running_.swap(ready_);
        for (std::size_t i = 0; i < running_.size(); ++i) {
            if (Waiter* waiter = running_[i]; waiter != nullptr) {
                waiter->queued_in_ = nullptr;
                running_[i] = nullptr;
                waiter->handle_.resume();
            }
        }
        running_.clear();
    }
}

// ---- The loop ----

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    DOMICILE_ASSERT(epoll_ >= 0 && wakeup_ >= 0);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &event);
}

Loop::~Loop() {
    while (detached_ != nullptr) {
        std::coroutine_handle<DetachedPromise>::from_promise(*detached_).destroy();
    }
    ::close(wakeup_);
    ::close(epoll_);
}

bool Loop::watch(int descriptor, Watched& watched, bool level) noexcept {
    epoll_event event{};
    event.events = level ? EPOLLIN : EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &watched;
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void Loop::forget(Watched& watched) noexcept {
    auto* events = static_cast<epoll_event*>(batch_);
    for (int i = 0; i < batch_size_; ++i) {
        if (events[i].data.ptr == &watched) {
            events[i].events = 0;
        }
    }
}

int Loop::wait_ms() const noexcept {
    auto next = next_sweep_;
    if (!timers_.empty()) {
        next = std::min(next, timers_.begin()->first);
    }
    const auto left = next - now_;
    if (left <= Clock::duration::zero()) {
        return 0;
    }
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

void Loop::run(bool until_idle) {
    stopped_ = false;
    std::array<epoll_event, batch_max> events{};
    run_ready();
    while (!stopped_ && !(until_idle && spawned_ == 0)) {
        const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms());
        now_ = Clock::now();
        batch_ = events.data();
        batch_size_ = std::max(count, 0);
        bool posted = false;
        for (int i = 0; i < batch_size_; ++i) {
            epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.ptr == nullptr) {
                posted = true;
            } else if (event.events != 0) {
                static_cast<Watched*>(event.data.ptr)->on_events(event.events);
            }
        }
        batch_size_ = 0;
        while (!timers_.empty() && timers_.begin()->first <= now_) {
            Waiter* waiter = timers_.begin()->second;
            timers_.erase(timers_.begin());
            wake(*waiter);
        }
        if (now_ >= next_sweep_) {
            next_sweep_ = now_ + sweep_interval;
            sweep();
        }
        run_ready();
        if (posted) {
            run_posted();
            run_ready();
        }
    }
}

void Loop::post(std::function<void()> work) {
    {
        const std::scoped_lock lock(posted_mutex_);
        posted_.push_back(std::move(work));
    }
    const std::uint64_t one = 1;
    std::ignore = ::write(wakeup_, &one, sizeof one);
}

void Loop::stop() {
    {
        const std::scoped_lock lock(posted_mutex_);
        stop_posted_ = true;
    }
    const std::uint64_t one = 1;
    std::ignore = ::write(wakeup_, &one, sizeof one);
}

void Loop::run_posted() {
    std::uint64_t count = 0;
    std::ignore = ::read(wakeup_, &count, sizeof count);
    std::vector<std::function<void()>> work;
    {
        const std::scoped_lock lock(posted_mutex_);
        work.swap(posted_);
        stopped_ = stopped_ || stop_posted_;
        stop_posted_ = false;
    }
    for (const auto& item : work) {
        item();
    }
}

void Loop::sweep() noexcept {
    for (Stream* stream = streams_; stream != nullptr; stream = stream->next_) {
        if (stream->deadline_ < now_ && stream->open()) {
            stream->expired_ = true;
            stream->close();
        }
    }
}

void Loop::close_idle() noexcept {
    for (Stream* stream = streams_; stream != nullptr; stream = stream->next_) {
        if (stream->idle_) {
            stream->close();
        }
    }
}

void Loop::close_all() noexcept {
    for (Stream* stream = streams_; stream != nullptr; stream = stream->next_) {
        stream->close();
    }
}

// ---- Timer ----

void Timer::Awaiter::await_suspend(std::coroutine_handle<> handle) {
    DOMICILE_ASSERT(timer.waiting_ == nullptr);
    timer.loop_.park(waiter, handle);
    timer.waiting_ = &waiter;
    timer.entry_ = timer.loop_.timers_.emplace(at, &waiter);
}

bool Timer::Awaiter::await_resume() noexcept {
    const bool came = timer.waiting_ != nullptr;
    timer.waiting_ = nullptr;
    return came;
}

void Timer::cancel() {
    if (waiting_ != nullptr && !waiting_->woken()) {
        loop_.timers_.erase(entry_);
        loop_.wake(*std::exchange(waiting_, nullptr));
    }
}

void Timer::detach() noexcept {
    if (waiting_ != nullptr && !waiting_->woken()) {
        loop_.timers_.erase(entry_);
    }
}

// ---- Signals ----

namespace {
sigset_t set_of(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals) {
        sigaddset(&set, signal);
    }
    return set;
}
}  // namespace

void Signals::block(std::initializer_list<int> signals) {
    const sigset_t set = set_of(signals);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Signals::Signals(Loop& loop, std::initializer_list<int> signals, std::function<void(int)> handler)
    : loop_(loop), handler_(std::move(handler)) {
    const sigset_t set = set_of(signals);
    descriptor_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    DOMICILE_ASSERT(descriptor_ >= 0);
    const bool watched = loop_.watch(descriptor_, *this, true);
    DOMICILE_ASSERT(watched);
}

Signals::~Signals() {
    loop_.forget(*this);
    ::close(descriptor_);
}

void Signals::on_events(std::uint32_t /*events*/) noexcept {
    signalfd_siginfo info{};
    while (::read(descriptor_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        handler_(static_cast<int>(info.ssi_signo));
    }
}

}  // namespace domicile::net

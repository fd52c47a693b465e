#pragma once
// A coroutine that computes one T: started by co_await, resumed on the thread it waits on, resumes whoever
// awaits it. The frame is owned by the Task.

#include "base/assert.hpp"

#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <utility>

namespace domicile::net {

template <class T = void>
class Task;

namespace detail {

struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) const noexcept {
        return done.promise().continuation;
    }
    void await_resume() const noexcept {}
};

/// Frames of one thread by size, kept for the next coroutine: a statement takes about ten, and the general
/// allocator would be a fifth of its instructions. Bounded; a frame freed on another thread goes to that one.
class Frames {
  public:
    Frames() = default;
    Frames(const Frames&) = delete;
    Frames& operator=(const Frames&) = delete;
    ~Frames() {
        for (List& list : lists_) {
            while (list.head != nullptr) {
                Free* next = list.head->next;
                ::operator delete(list.head);
                list.head = next;
            }
            list.count = kept;  // what ends after us is not kept
        }
    }
    void* take(std::size_t bytes) {
        const std::size_t index = (bytes + unit - 1) / unit;
        if (index >= classes) {
            return ::operator new(bytes);
        }
        List& list = lists_[index];
        if (list.head == nullptr) {
            return ::operator new(index * unit);
        }
        Free* frame = list.head;
        list.head = frame->next;
        --list.count;
        return frame;
    }
    void give(void* frame, std::size_t bytes) noexcept {
        const std::size_t index = (bytes + unit - 1) / unit;
        if (index >= classes || lists_[index].count >= kept) {
            ::operator delete(frame);
            return;
        }
        List& list = lists_[index];
        list.head = ::new (frame) Free{list.head};
        ++list.count;
    }

  private:
    static constexpr std::size_t unit = 64;
    static constexpr std::size_t classes = 33;  // up to 2 KiB
    static constexpr std::size_t kept = 64;
    struct Free {
        Free* next;
    };
    struct List {
        Free* head = nullptr;
        std::size_t count = 0;
    };
    std::array<List, classes> lists_{};
};
inline thread_local Frames frames;

struct PromiseBase {
    static void* operator new(std::size_t bytes) { return frames.take(bytes); }
    static void operator delete(void* frame, std::size_t bytes) noexcept { frames.give(frame, bytes); }
    std::coroutine_handle<> continuation = std::noop_coroutine();
    std::exception_ptr failed;
    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { failed = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
    std::optional<T> value;
    Task<T> get_return_object();
    template <class U>
    void return_value(U&& result) {
        value.emplace(std::forward<U>(result));
    }
    T take() {
        if (failed) {
            std::rethrow_exception(failed);
        }
        return std::move(*value);
    }
};

template <>
struct Promise<void> : PromiseBase {
    Task<void> get_return_object();
    void return_void() const noexcept {}
    void take() const {
        if (failed) {
            std::rethrow_exception(failed);
        }
    }
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
  public:
    using promise_type = detail::Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (handle_) {
            handle_.destroy();
        }
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
        handle_.promise().continuation = awaiting;
        return handle_;
    }
    T await_resume() { return handle_.promise().take(); }

  private:
    friend promise_type;
    explicit Task(Handle handle) : handle_(handle) {}
    Handle handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() {
    return Task<T>(Task<T>::Handle::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() {
    return Task<void>(Task<void>::Handle::from_promise(*this));
}

}  // namespace domicile::net

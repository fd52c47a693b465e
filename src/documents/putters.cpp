#include "documents/putters.hpp"

#include <utility>

namespace domicile::documents {

Putters::Putters(std::size_t threads) {
    for (std::size_t i = 0; i < threads; ++i) {
        threads_.emplace_back([this] { work(); });
    }
}

Putters::~Putters() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) {
        thread.join();
    }
}

void Putters::add(std::function<base::Status()> put) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.size() < 2 * threads_.size(); });
    waiting_.push_back(std::move(put));
    changed_.notify_all();
}

base::Status Putters::finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.empty() && running_ == 0; });
    return std::exchange(first_, {});
}

void Putters::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return ends_ || !waiting_.empty(); });
        if (waiting_.empty()) {
            return;
        }
        const auto put = std::move(waiting_.front());
        waiting_.pop_front();
        ++running_;
        lock.unlock();
        auto done = put();
        lock.lock();
        --running_;
        if (!done && first_) {
            first_ = std::move(done);
        }
        changed_.notify_all();
    }
}

}  // namespace domicile::documents

#pragma once
// A few threads that put objects while the next ones are being made: a put waits for a disk or a network, not
// for a processor. They live long, so that their connections do.

#include "base/error.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace domicile::documents {

class Putters {
  public:
    explicit Putters(std::size_t threads);
    Putters(const Putters&) = delete;
    Putters& operator=(const Putters&) = delete;
    ~Putters();

    /// Some thread runs it. Waits while too many wait already.
    void add(std::function<base::Status()> put);
    /// When all have run: the first error of those added since the last call.
    base::Status finish();

  private:
    void work();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<base::Status()>> waiting_;
    std::size_t running_ = 0;
    base::Status first_;
    bool ends_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace domicile::documents

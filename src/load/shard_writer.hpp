#pragma once
// One shard's end of a load: a thread with its own connection that commits batches in order.

#include "base/error.hpp"
#include "pool/maintenance.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace domicile::load {

/// Rows of one shard, in order of their source lines.
struct Batch {
    std::string rows;                  ///< COPY text
    std::vector<std::size_t> ends;     ///< where each row ends in `rows`
    std::vector<std::uint64_t> lines;  ///< the source line of each row
    std::vector<std::string> sources;  ///< the source record of each row, as CSV
    [[nodiscard]] std::size_t size() const { return ends.size(); }
};

/// A row the database did not take.
struct Refused {
    std::uint64_t line = 0;
    std::string reason;
    std::string source;
};

class ShardWriter {
  public:
    /// `copy` is the COPY statement; progress is kept under (load, source). `on_refused` is called from the
    /// thread.
    ShardWriter(pool::MaintenanceClient client, std::string copy, std::string load, std::string source,
                std::function<void(const Refused&)> on_refused);
    ShardWriter(const ShardWriter&) = delete;
    ShardWriter& operator=(const ShardWriter&) = delete;
    ~ShardWriter();

    /// The last source line an earlier run has committed here; 0 if none. Call before the first put().
    [[nodiscard]] base::Result<std::uint64_t> resume_line();
    /// Hands a batch over; waits while the shard is too far behind. False if the thread has failed.
    bool put(Batch batch);
    /// Waits for everything; the rows committed, or the first failure.
    base::Result<std::uint64_t> finish();

  private:
    void work();
    base::Status commit(const Batch& batch, std::size_t first, std::size_t last);

    pool::MaintenanceClient client_;
    std::string copy_;
    std::string load_;
    std::string source_;
    std::function<void(const Refused&)> on_refused_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Batch> queue_;
    bool closing_ = false;
    std::optional<base::Error> failed_;
    std::uint64_t committed_ = 0;
    std::thread thread_;
};

}  // namespace domicile::load

#include "load/shard_writer.hpp"

#include <charconv>

namespace domicile::load {
namespace {

using base::Code;
constexpr std::size_t queue_max = 4;
constexpr std::chrono::seconds patience{60};

/// The row's fault, not the node's: refusing it lets the others pass.
bool is_row_fault(Code code) {
    return code == Code::invalid_value || code == Code::constraint_violation ||
           code == Code::unique_violation;
}

}  // namespace

ShardWriter::ShardWriter(pool::MaintenanceClient client, std::string copy, std::string load,
                         std::string source, std::function<void(const Refused&)> on_refused)
    : client_(std::move(client)),
      copy_(std::move(copy)),
      load_(std::move(load)),
      source_(std::move(source)),
      on_refused_(std::move(on_refused)) {}

ShardWriter::~ShardWriter() {
    if (thread_.joinable()) {
        {
            const std::scoped_lock lock(mutex_);
            queue_.clear();
            closing_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
}

base::Result<std::uint64_t> ShardWriter::resume_line() {
    const std::optional<std::string> names[] = {load_, source_};
    const auto found =
        client_.run("SELECT line FROM domicile.loads WHERE load = $1 AND source = $2", names, patience);
    if (!found) {
        return std::unexpected(found.error());
    }
    std::uint64_t line = 0;
    if (!found->rows.empty() && found->rows[0][0]) {
        const std::string& text = *found->rows[0][0];
        std::from_chars(text.data(), text.data() + text.size(), line);
    }
    return line;
}

bool ShardWriter::put(Batch batch) {
    std::unique_lock lock(mutex_);
    if (!thread_.joinable()) {
        thread_ = std::thread([this] { work(); });
    }
    changed_.wait(lock, [&] { return queue_.size() < queue_max || failed_; });
    if (failed_) {
        return false;
    }
    queue_.push_back(std::move(batch));
    changed_.notify_all();
    return true;
}

base::Result<std::uint64_t> ShardWriter::finish() {
    {
        const std::scoped_lock lock(mutex_);
        closing_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
    if (failed_) {
        return std::unexpected(*failed_);
    }
    return committed_;
}

void ShardWriter::work() {
    for (;;) {
        Batch batch;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [&] { return !queue_.empty() || closing_; });
            if (queue_.empty()) {
                return;
            }
            batch = std::move(queue_.front());
            queue_.pop_front();
        }
        changed_.notify_all();
        if (auto done = commit(batch, 0, batch.size()); !done) {
            const std::scoped_lock lock(mutex_);
            failed_ = done.error();
            queue_.clear();
            changed_.notify_all();
            return;
        }
    }
}

base::Status ShardWriter::commit(const Batch& batch, std::size_t first, std::size_t last) {
    if (first == last) {
        return {};
    }
    const std::size_t begin = first == 0 ? 0 : batch.ends[first - 1];
    const std::string_view rows = std::string_view(batch.rows).substr(begin, batch.ends[last - 1] - begin);
    const auto note = [&]() -> base::Status {
        const std::optional<std::string> values[] = {load_, source_, std::to_string(batch.lines[last - 1])};
        const auto noted = client_.run(
            "INSERT INTO domicile.loads (load, source, line) VALUES ($1, $2, $3)"
            " ON CONFLICT (load, source) DO UPDATE SET line = excluded.line, updated_at = now()",
            values, patience);
        return noted ? base::Status{} : base::Status(std::unexpected(noted.error()));
    };
    const auto plain = [&](std::string_view sql) -> base::Status {
        const auto ran = client_.run(sql, patience);
        return ran ? base::Status{} : base::Status(std::unexpected(ran.error()));
    };
    base::Status step = plain("BEGIN");
    if (step) {
        step = client_.copy_begin(copy_, patience);
    }
    if (step) {
        step = client_.copy_data(rows, patience);
    }
    if (step) {
        const auto copied = client_.copy_end(patience);
        step = copied ? base::Status{} : base::Status(std::unexpected(copied.error()));
    }
    if (step) {
        step = note();
    }
    if (step) {
        step = plain("COMMIT");
    }
    if (step) {
        committed_ += last - first;
        return {};
    }
    if (!is_row_fault(step.error().code)) {
        return step;
    }
    if (auto rolled = plain("ROLLBACK"); !rolled) {
        return rolled;
    }
    if (last - first == 1) {
        on_refused_(Refused{batch.lines[first], step.error().detail, batch.sources[first]});
        return note();
    }
    // Halve until the bad row stands alone: dear only where there is one.
    const std::size_t middle = first + (last - first) / 2;
    if (auto lower = commit(batch, first, middle); !lower) {
        return lower;
    }
    return commit(batch, middle, last);
}

}  // namespace domicile::load

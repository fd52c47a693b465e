#pragma once
// Tracks one pipeline of the extended query protocol (PostgreSQL docs, "Pipelining"): what we sent, in order,
// and which reply belongs to which. Strict: a reply that cannot come now means the stream is out of step, and
// a connection out of step is never used again. What it hands out is well-formed: the body of a row, a
// completion or an error decodes. No I/O. Reused for the life of a connection, so it allocates only while it
// grows.

#include "wire/frame.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace domicile::wire {

class Pipeline {
  public:
    enum class Event : std::uint8_t {
        none,      ///< nothing for the caller
        parsed,    ///< tag() was prepared
        row,       ///< a DataRow of the statement tag()
        complete,  ///< CommandComplete of the statement tag(); the body is its command tag
        error,     ///< ErrorResponse for tag(); replies up to the next sync are skipped
        ready,     ///< one sync is answered
        broken,    ///< out of step or malformed: close the connection. So is every frame after it
    };

    void reset() noexcept {
        steps_.clear();
        next_ = 0;
        status_ = 'I';
        failed_ = false;
        broken_ = false;
    }
    // What was sent, in order. `tag` is any number the caller knows the statement by.
    void sent_parse(std::uint32_t tag) { steps_.push_back({Step::parse, tag}); }
    void sent_bind(std::uint32_t tag) { steps_.push_back({Step::bind, tag}); }
    void sent_execute(std::uint32_t tag) { steps_.push_back({Step::execute, tag}); }
    /// An error at the sync itself (a deferred constraint, a node that goes down) belongs to the last
    /// statement before it: with an earlier one's tag, a statement whose own sync already committed would
    /// look failed.
    void sent_sync() { steps_.push_back({Step::sync, steps_.empty() ? 0 : steps_.back().tag}); }

    [[nodiscard]] Event advance(const Frame& frame);
    [[nodiscard]] std::uint32_t tag() const noexcept { return tag_; }
    /// Everything sent is answered.
    [[nodiscard]] bool settled() const noexcept { return next_ == steps_.size(); }
    /// Settled, and the node stands outside a transaction: another session may use the connection.
    [[nodiscard]] bool idle() const noexcept { return settled() && !broken_ && status_ == 'I'; }

  private:
    enum class Step : std::uint8_t { parse, bind, execute, sync };
    struct Sent {
        Step step;
        std::uint32_t tag;
    };
    Event classify(const Frame& frame);
    bool take(Step step) noexcept;

    std::vector<Sent> steps_;
    std::size_t next_ = 0;
    std::uint32_t tag_ = 0;
    char status_ = 'I';
    bool failed_ = false;  // an error came, its sync is not answered yet
    bool broken_ = false;
};

}  // namespace domicile::wire

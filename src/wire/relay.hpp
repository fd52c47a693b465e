#pragma once
// Follows one node connection that serves a client's own messages (PostgreSQL docs, "Message Flow"): which
// message was sent, which replies it may have, and which of them the client is to see. Strict: a reply that
// cannot come now means the stream is out of step, and a connection out of step is never used again. Bodies
// of rows are passed unread. No I/O; allocates only while it grows.

#include "wire/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace domicile::wire {

class Relay {
  public:
    /// A message that has an answer.
    enum class Sent : std::uint8_t {
        query,
        function_call,
        parse,
        bind,
        describe_statement,
        describe_portal,
        execute,
        close,
        sync,
        // Answered by ourselves when their turn comes (see synthetic_due):
        own_parse,
        own_close,
    };
    enum class Event : std::uint8_t {
        pass,     ///< for the client
        hide,     ///< the answer to a message of ours
        copy_in,  ///< for the client, who now sends CopyData; only after the last message sent, or out of
                  ///< step
        broken,   ///< out of step or malformed: close the connection
    };

    /// `quiet`: a message of ours between the client's; the client does not see its answer. `loud_error`: but
    /// an error it brings is the client's (the answer to what we sent in the client's name).
    void sent(Sent what, bool quiet = false, bool loud_error = false);
    /// The type of the reply of our own that is due now: take it and look again. 0 if none is.
    [[nodiscard]] char synthetic_due() noexcept;
    /// CopyDone or CopyFail was sent. REQUIRES: copying().
    void copy_ended() noexcept { copying_ = false; }

    /// Judges the next reply. `complete_body` is false when only the head of a long row has come.
    [[nodiscard]] Event advance(char type, std::string_view body);

    /// The node takes CopyData now.
    [[nodiscard]] bool copying() const noexcept { return copying_; }
    /// Everything sent is answered (after an error: up to the next sync).
    [[nodiscard]] bool settled() const noexcept { return next_ == steps_.size() && !failed_; }
    /// All that was sent is answered up to an error, and nothing but a sync mends it.
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    /// Nothing sent since the last ReadyForQuery awaits one: the node's transaction state is known.
    [[nodiscard]] bool in_step() const noexcept { return next_ == steps_.size() && !unsynced_; }
    /// Of the last ReadyForQuery: 'I' idle, 'T' in a transaction, 'E' in a failed one.
    [[nodiscard]] char status() const noexcept { return status_; }
    /// In step, not broken, and outside a transaction: another session may use the connection.
    [[nodiscard]] bool idle() const noexcept { return in_step() && !broken_ && status_ == 'I'; }
    /// How many syncs and queries await ReadyForQuery.
    [[nodiscard]] std::size_t rounds() const noexcept { return rounds_; }

    /// Of these, how many the client is to see.
    [[nodiscard]] std::size_t rounds_passed() const noexcept;

    /// The reply that is due belongs to a message of ours.
    [[nodiscard]] bool quiet() const noexcept { return next_ < steps_.size() && steps_[next_].quiet; }

    // What advance() has seen, for whoever wants to know.
    [[nodiscard]] std::uint64_t completions() const noexcept {
        return completions_;
    }  ///< CommandComplete, all
    [[nodiscard]] std::uint64_t errors() const noexcept { return errors_; }
    void reset() noexcept;

  private:
    struct Step {
        Sent what;
        bool quiet;
        bool loud_error;
    };
    Event classify(char type, std::string_view body);
    Event answer(const Step& step) const noexcept { return step.quiet ? Event::hide : Event::pass; }
    void step_done() noexcept;

    std::vector<Step> steps_;
    std::size_t next_ = 0;
    std::size_t rounds_ = 0;
    std::uint64_t completions_ = 0;
    std::uint64_t errors_ = 0;
    char status_ = 'I';
    bool copying_ = false;
    bool copying_out_ = false;
    bool rows_ = false;       // of a query: a RowDescription has come, rows may follow
    bool answered_ = false;   // of a query: its last statement has ended
    bool described_ = false;  // the ParameterDescription of a Describe has come; of a call: its result
    bool failed_ = false;     // an error came, its sync is not answered yet
    bool unsynced_ = false;   // extended messages sent, no sync yet
    bool broken_ = false;
};

}  // namespace domicile::wire

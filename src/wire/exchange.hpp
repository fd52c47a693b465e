#pragma once
// One exchange of the simple query protocol, or of one unnamed extended query, with COPY FROM STDIN in it
// (PostgreSQL docs, "Message Flow", "COPY Operations"). Says what each reply means and whether it can come
// now; a reply that cannot means the stream is out of step. No I/O.

#include "wire/frame.hpp"

#include <cstdint>
#include <string_view>

namespace domicile::wire {

class Exchange {
  public:
    enum class Event : std::uint8_t {
        none,      ///< nothing for the caller
        columns,   ///< RowDescription
        row,       ///< DataRow, well formed
        complete,  ///< CommandComplete: one statement is done
        error,     ///< ErrorResponse: nothing more is done before ready
        copy_in,   ///< the node waits for CopyData, then CopyDone or CopyFail
        ready,     ///< the exchange is over
        broken,    ///< out of step: close the connection
    };

    /// A Query, or Parse/Bind/Describe/Execute/Sync, was sent. REQUIRES: the last exchange is over.
    void sent() noexcept;
    /// CopyDone or CopyFail was sent. REQUIRES: copying().
    void copy_ended() noexcept;
    [[nodiscard]] Event advance(const Frame& frame);
    [[nodiscard]] bool copying() const noexcept { return state_ == State::copying; }
    /// Over, and the node stands outside a failed transaction.
    [[nodiscard]] bool over() const noexcept { return state_ == State::over; }

  private:
    enum class State : std::uint8_t { over, running, copying, failed, broken };
    Event classify(const Frame& frame);
    State state_ = State::over;
};

}  // namespace domicile::wire

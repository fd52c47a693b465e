#pragma once
// A queue with the semantics of SQS FIFO (Amazon SQS Developer Guide, "FIFO queues"): each message comes at
// least once; those of one group in order, and while one is being worked on the ones behind it wait; what is
// not removed in time comes again; what came too often is set aside as dead and can be driven back. Drivers:
// PostgreSQL (events/postgres_queue.hpp) and SQS (cloud/aws_queue.hpp). One thread at a time.

#include "base/error.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace domicile::cloud {

inline constexpr std::size_t queue_body_bytes_max = 1U << 20U;  // SQS: a message, and a batch of them
inline constexpr std::size_t queue_batch_max = 10;
inline constexpr int queue_receives_max = 5;  ///< then a message is dead

struct Outgoing {
    std::string group;
    std::string
        deduplication;  ///< the same again within a while is the same message; 1–128 of SQS's alphabet
    std::string body;   ///< 1 byte to 1 MiB of XML-safe text
};

struct Message {
    std::string id;
    std::string group;
    std::string body;
    std::string receipt;  ///< what remove() and hide() want; of this receipt only
    int received = 1;     ///< how often it has come, this time included
};

struct QueueDepth {
    std::uint64_t waiting = 0;    ///< to be received
    std::uint64_t in_flight = 0;  ///< received, neither removed nor come back
    std::uint64_t dead = 0;
};

class Queue {
  public:
    Queue() = default;
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;
    virtual ~Queue() = default;

    /// In their order. After an error any number of them may be there: send all again. invalid_value if one
    /// is too long; node_unavailable, node_timeout.
    [[nodiscard]] virtual base::Status send(std::span<const Outgoing> messages) = 0;
    /// At most ten. Waits up to `wait` for the first; none is no error. Hidden from others for `visibility`.
    [[nodiscard]] virtual base::Result<std::vector<Message>> receive(std::size_t most,
                                                                     std::chrono::seconds visibility,
                                                                     std::chrono::seconds wait) = 0;
    /// Work is done. A receipt that is out of date removes nothing, and is no error.
    [[nodiscard]] virtual base::Status remove(std::span<const Message> messages) = 0;
    /// Comes again after `time`, which may be zero.
    [[nodiscard]] virtual base::Status hide(const Message& message, std::chrono::seconds time) = 0;
    [[nodiscard]] virtual base::Result<QueueDepth> depth() = 0;
    /// Dead messages back to the queue; how many.
    [[nodiscard]] virtual base::Result<std::uint64_t> redrive() = 0;
};

}  // namespace domicile::cloud

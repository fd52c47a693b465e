#pragma once
// One connection to one PostgreSQL node: pipelines of prepared statements over a stream. One session at a
// time, on the thread of its loop. Made by the pool only.

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "crypto/hash.hpp"
#include "net/stream.hpp"
#include "wire/backend.hpp"
#include "wire/frontend.hpp"
#include "wire/pipeline.hpp"

#include <bitset>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::pool {

using net::Task;

/// A statement known to this thread. `id` > 0: prepared once per connection under a name made of it; 0:
/// parsed each time. A small value that owns its text: it may be kept across an await, whatever is interned
/// meanwhile.
struct Statement {
    std::shared_ptr<const std::string> sql;
    std::uint32_t id = 0;
};

/// Gives each SQL text one Statement. Bounded: when full, further texts go unprepared, so that clients who
/// invent shapes cannot grow a node's memory. One per thread.
class Statements {
  public:
    Statements();
    [[nodiscard]] Statement intern(std::string_view sql);

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

/// Takes the replies of one pipeline. `index` counts the statements from 0 in the order they were added.
/// Views are valid during the call only.
class ReplySink {
  public:
    virtual ~ReplySink() = default;
    virtual void row(std::uint32_t index, std::string_view data_row) = 0;
    virtual void complete(std::uint32_t index, std::uint64_t rows) = 0;
    virtual void error(std::uint32_t index, const wire::ServerError& error) = 0;
};

class Connection {
  public:
    explicit Connection(net::Loop& loop);

    struct Target {
        net::Endpoint endpoint;
        std::string_view user;
        std::string_view database;
        std::string_view application;
        std::string_view options;
        std::function<crypto::Digest(std::string_view salt, int iterations)> salted_password;
    };
    /// Connects and authenticates. node_unavailable, node_timeout, protocol_violation, configuration.
    Task<base::Status> open(Target target, std::chrono::milliseconds timeout);

    /// Starts a new pipeline; the parts are gathered and go out in one write.
    void begin();
    void add(const Statement& statement, std::span<const wire::Parameter> parameters);
    /// Ends a transaction block of the pipeline (implicit COMMIT or ROLLBACK, unless BEGIN was sent).
    void sync();
    /// Sends everything and hands the replies to `sink` until the last sync is answered. Errors that
    /// PostgreSQL reports go to the sink; a Status error means the connection is dead: node_unavailable,
    /// node_timeout, protocol_violation. REQUIRES: the sink outlives the await.
    Task<base::Status> run(ReplySink& sink, std::chrono::milliseconds timeout);

    /// Alive, in step and outside a transaction.
    [[nodiscard]] bool reusable() const noexcept { return alive_ && pipeline_.idle(); }
    /// Called when the connection is taken from the pool: false if the node has closed it meanwhile, or said
    /// something nobody asked for. A write on such a connection would end in doubt without need.
    [[nodiscard]] bool still_alive() noexcept;
    void close() noexcept;

  private:
    base::Error lost(const net::error_code& ec);
    base::Error desynchronised(std::string detail);

    net::Stream stream_;
    base::Buffer in_;
    base::Buffer out_;
    wire::Pipeline pipeline_;
    std::vector<std::uint32_t> statement_ids_;  // of this pipeline, by index
    std::bitset<base::limits::statements_per_connection_max + 1> prepared_;
    std::bitset<base::limits::statements_per_connection_max + 1> in_flight_;
    bool alive_ = false;
};

}  // namespace domicile::pool

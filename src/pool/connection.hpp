#pragma once
// One connection to one PostgreSQL node: pipelines of prepared statements over a stream. One session at a
// time, on the thread of its loop. Made by the pool only.

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "crypto/hash.hpp"
#include "net/stream.hpp"
#include "pool/prepared_set.hpp"
#include "wire/backend.hpp"
#include "wire/frontend.hpp"
#include "wire/pipeline.hpp"
#include "wire/relay.hpp"

#include <bitset>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
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
        std::function<void(std::string_view name, std::string_view value)> on_parameter = {};
        bool must_tls = false;      ///< nothing is said before TLS stands
        ssl_ctx_st* tls = nullptr;  ///< for that; without it the connection fails
        std::string_view tls_host;  ///< the name the node's certificate must bear
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
    [[nodiscard]] bool reusable() const noexcept {
        return alive_ && pipeline_.idle() && relay_.idle() && in_.empty() && out_.empty();
    }
    /// Called when the connection is taken from the pool: false if the node has closed it meanwhile, or said
    /// something nobody asked for. A write on such a connection would end in doubt without need.
    [[nodiscard]] bool still_alive() noexcept;
    void close() noexcept;
    [[nodiscard]] bool alive() const noexcept { return alive_ && stream_.open(); }

    // ---- For the SQL door, which relays a client's own messages ----
    [[nodiscard]] net::Stream& stream() noexcept { return stream_; }
    [[nodiscard]] base::Buffer& in() noexcept { return in_; }
    [[nodiscard]] base::Buffer& out() noexcept { return out_; }
    [[nodiscard]] wire::Relay& relay() noexcept { return relay_; }
    /// Statements prepared on this connection for clients.
    [[nodiscard]] PreparedSet& prepared() noexcept { return client_statements_; }
    /// Statements prepared before definition number `count` are prepared anew for whoever prepares them from
    /// now on.
    void note_definitions(std::uint32_t count) {
        if (count != definitions_) {
            definitions_ = count;
            client_statements_.note_definitions(count);
        }
    }
    /// The session settings it has now; null: those it was opened with.
    [[nodiscard]] const SettingsPtr& settings() const noexcept { return settings_; }
    void note_settings(SettingsPtr settings) noexcept { settings_ = std::move(settings); }
    [[nodiscard]] std::uint32_t process_id() const noexcept { return process_id_; }
    [[nodiscard]] std::uint32_t secret_key() const noexcept { return secret_key_; }
    [[nodiscard]] const net::Endpoint& endpoint() const noexcept { return endpoint_; }

  private:
    Task<base::Status> secure(const Target& target);
    base::Error lost(const net::error_code& ec);
    base::Error desynchronised(std::string detail);

    net::Stream stream_;
    base::Buffer in_;
    base::Buffer out_;
    wire::Pipeline pipeline_;
    std::vector<std::uint32_t> statement_ids_;  // of this pipeline, by index
    std::bitset<base::limits::statements_per_connection_max + 1> prepared_;
    std::bitset<base::limits::statements_per_connection_max + 1> in_flight_;
    wire::Relay relay_;
    PreparedSet client_statements_;
    std::uint32_t definitions_ = 0;
    SettingsPtr settings_;
    net::Endpoint endpoint_;
    std::uint32_t process_id_ = 0;
    std::uint32_t secret_key_ = 0;
    bool alive_ = false;
};

}  // namespace domicile::pool

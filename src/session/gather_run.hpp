#pragma once
// Runs one read on several shards in parallel and merges the answers (sql/gather.hpp says how). Holds one
// connection per shard while it runs; a slow client makes the shards wait, never the gateway's memory grow.

#include "net/stream.hpp"
#include "pool/pool.hpp"
#include "session/settings_tracker.hpp"
#include "sql/gather.hpp"
#include "wire/client.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::session {

/// What the client sent. Views live as long as the run.
struct GatherRequest {
    std::string_view text;
    std::string_view types;                            ///< as in Parse: count and OIDs
    std::string_view formats_and_values;               ///< as in Bind: parameter formats and values
    std::vector<std::optional<std::string>> integers;  ///< parameter n as decimal text, for LIMIT $n
    std::uint16_t parameters = 0;
    wire::Formats result_formats;
    bool describe = true;  ///< send the RowDescription
    bool rows = true;      ///< run it
};

class GatherRun {
  public:
    /// `flush` sends what `out` holds and waits for the client; false when it is gone.
    GatherRun(base::Buffer& out, std::function<net::Task<bool>()> flush)
        : out_(out), flush_(std::move(flush)) {}

    void add(pool::Pool::Lease lease) { legs_.emplace_back(std::move(lease)); }
    [[nodiscard]] std::size_t legs() const noexcept { return legs_.size(); }
    [[nodiscard]] pool::Connection& connection(std::size_t leg) { return *legs_[leg].lease; }
    /// Outcome: rows and CommandComplete were appended to `out`; or an error to be told. An error's text may
    /// be a node's own: then `node_error` holds the body of its ErrorResponse.
    net::Task<base::Status> run(const sql::Gather& plan, const GatherRequest& request);
    [[nodiscard]] const std::string& node_error() const noexcept { return node_error_; }

  private:
    struct Column {
        std::string description;  ///< as in RowDescription, without the format
        std::uint32_t type = 0;
    };
    struct Leg {
        explicit Leg(pool::Pool::Lease held) : lease(std::move(held)) {}
        pool::Pool::Lease lease;
        bool has_row = false;
        bool ended = false;
        std::string_view row;                                 ///< body of the DataRow in hand
        std::vector<std::optional<std::string_view>> fields;  ///< of it
        std::size_t row_bytes = 0;
    };

    net::Task<base::Status> describe(std::string_view text, const GatherRequest& request);
    net::Task<base::Status> start(const sql::Gather& plan, const GatherRequest& request);
    net::Task<base::Status> next(Leg& leg);
    net::Task<base::Status> stream(const sql::Gather& plan, const GatherRequest& request);
    net::Task<base::Status> finish(const sql::Gather& plan, const GatherRequest& request);
    net::Task<base::Status> c_collation();
    void append_description(const wire::Formats& formats);
    bool send(pool::Connection& connection);
    base::Error lost(pool::Connection& connection);

    base::Buffer& out_;
    std::function<net::Task<bool>()> flush_;
    std::vector<Leg> legs_;
    std::vector<Column> columns_;               // of the original statement
    std::vector<std::uint32_t> types_;          // of its parameters
    std::vector<std::uint32_t> partial_types_;  // of the shard's columns
    bool c_collation_ = false;
    std::string node_error_;
};

}  // namespace domicile::session

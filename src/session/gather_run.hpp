#pragma once
// Runs one read on several shards in parallel and merges the answers (sql/gather.hpp says how). Rows are
// taken as the client asks for them: a slow client makes the shards wait, never the gateway's memory grow.

#include "net/stream.hpp"
#include "pool/pool.hpp"
#include "session/settings_tracker.hpp"
#include "sql/gather.hpp"
#include "wire/client.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::session {

/// What the client sent. Views live as long as the run.
struct GatherRequest {
    std::string_view text;
    std::string_view types = std::string_view("\0\0", 2);  ///< as in Parse: count and OIDs
    /// As in Bind: parameter formats and values.
    std::string_view formats_and_values = std::string_view("\0\0\0\0", 4);
    std::vector<std::optional<std::string>> integers;  ///< parameter n as decimal text, for LIMIT $n
    std::uint16_t parameters = 0;
    wire::Formats result_formats;
};

/// Whether text sorts by its bytes: true where the database says so and no column of it says otherwise. Asked
/// again after a few seconds; a stream that comes in another order is refused, whatever this says.
struct ByteOrder {
    bool by_bytes = false;
    net::Clock::time_point asked_at;
    [[nodiscard]] bool fresh() const { return net::Clock::now() - asked_at < std::chrono::seconds{5}; }
};

class GatherRun {
  public:
    using Fields = std::vector<std::optional<std::string_view>>;
    struct Column {
        std::string name;
        std::string rest;  ///< as in RowDescription, between name and format
        std::uint32_t type = 0;
    };

    /// `flush` sends what `out` holds and waits for the client; false when it is gone.
    GatherRun(sql::Gather plan, GatherRequest request, ByteOrder& order, net::Stream& client,
              base::Buffer& out, std::function<net::Task<bool>()> flush)
        : plan_(std::move(plan)),
          request_(std::move(request)),
          order_(order),
          client_(client),
          out_(out),
          flush_(std::move(flush)) {}
    GatherRun(const GatherRun&) = delete;
    GatherRun& operator=(const GatherRun&) = delete;
    /// What is still on its way belongs to nobody: such connections are closed.
    ~GatherRun();

    /// A connection of its own.
    void add(pool::Pool::Lease lease);
    /// One of the open transaction; somebody else owns it.
    void add(pool::Connection& connection) { legs_.emplace_back(connection); }
    [[nodiscard]] std::size_t legs() const noexcept { return legs_.size(); }
    [[nodiscard]] pool::Connection& connection(std::size_t leg) { return *legs_[leg].connection; }

    /// Runs it on every shard until the columns of the result are known. Once; again does nothing. Errors: a
    /// node's own (see node_error()), node_unavailable, cannot_route, invalid_value.
    net::Task<base::Status> start();
    [[nodiscard]] const std::vector<Column>& columns() const noexcept { return columns_; }
    /// RowDescription. REQUIRES: start() succeeded; so for fetch().
    void append_description();
    /// Appends rows as DataRow, or gives them to `sink`; at most `rows_max`, 0: all. True when no more are
    /// to be had.
    net::Task<base::Result<bool>> fetch(std::uint32_t rows_max);
    std::function<void(const Fields& fields, std::size_t columns)> sink;
    /// Rows of the last fetch().
    [[nodiscard]] std::uint64_t fetched() const noexcept { return fetched_; }
    /// Body of the ErrorResponse with which a node refused; empty if none did.
    [[nodiscard]] const std::string& node_error() const noexcept { return node_error_; }

  private:
    enum class Phase : std::uint8_t { order, describe, rows };
    struct Leg {
        explicit Leg(pool::Connection& one) : connection(&one) {}
        pool::Connection* connection;
        std::array<Phase, 3> phases{};  ///< what each ReadyForQuery ends
        std::uint8_t phase_count = 0;
        std::uint8_t phase = 0;
        bool has_row = false;
        bool ended = false;
        std::string_view row;  ///< body of the DataRow in hand
        Fields fields;         ///< of it
        std::size_t row_bytes = 0;
        std::size_t chatter_bytes = 0;  ///< said beside the rows
        Fields last_keys;               ///< text sort keys of the row before, views into `last_bytes`
        std::string last_bytes;

        void expect(Phase next) { phases[phase_count++] = next; }
    };
    enum class Step : std::uint8_t { row, ended, more, failed };

    Step step(Leg& leg);
    net::Task<base::Status> next(Leg& leg);
    void read_description(std::string_view body, Phase phase);
    [[nodiscard]] bool types_known() const;
    void add_describe(Leg& leg);
    void add_order_question(Leg& leg);
    net::Task<base::Status> send(Leg& leg);
    net::Task<base::Status> ask_first(bool order);
    base::Status check_sort();
    base::Status check_order(Leg& leg);
    [[nodiscard]] bool before(const Leg& one, const Leg& other) const;
    Leg* first_leg();
    base::Status read_counts();
    net::Task<base::Status> collect();
    base::Result<std::string> final_sql(std::string& types) const;
    std::string final_values() const;
    void put(const Leg& leg);
    base::Error lost(pool::Connection& connection);

    sql::Gather plan_;
    GatherRequest request_;
    ByteOrder& order_;
    net::Stream& client_;  // only watched: who has gone needs no answer
    base::Buffer& out_;
    std::function<net::Task<bool>()> flush_;
    std::list<pool::Pool::Lease> leases_;
    std::vector<Leg> legs_;
    std::vector<Column> columns_;               // of the result
    std::vector<std::uint32_t> types_;          // of the original's parameters
    std::vector<std::uint32_t> partial_types_;  // of the shard's columns
    std::vector<std::string> arrays_;           // of the shards' partial columns
    bool started_ = false;
    bool described_ = false;
    bool merging_ = false;  // the rows are those of the result now
    bool text_keys_ = false;
    std::int64_t skip_ = 0;
    std::int64_t left_ = -1;
    std::uint64_t fetched_ = 0;
    base::Error error_;
    std::string node_error_;
};

}  // namespace domicile::session

#pragma once
// The HTTP door: one request in, one response out, through the one path principal → facts → plan →
// connection. One Door per thread; everything it refers to outlives it.

#include "access/authenticator.hpp"
#include "access/judge.hpp"
#include "base/metrics.hpp"
#include "events/figure_table.hpp"
#include "http/operations.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "http/shape.hpp"
#include "http/statements.hpp"
#include "http/target.hpp"
#include "pool/pool.hpp"
#include "pool/write_positions.hpp"
#include "routing/admit.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace domicile::http {

using net::Task;

/// Counted by the door. Labels come from fixed lists and the rules' names.
struct DoorMetrics {
    explicit DoorMetrics(base::Metrics& registry);
    base::Metrics& registry;
    base::Counter* by_class[6] = {};  ///< by the first digit of the status
    base::Histogram& seconds;
    base::Gauge& connections;
    base::Gauge& schema_loaded;
    /// Counts a refusal by one of the rules known at start; others are counted together.
    void refused(std::string_view rule) noexcept;
    std::vector<std::pair<std::string_view, base::Counter*>> by_rule;
};

/// What all threads of a gateway share.
struct Shared {
    const topology::Topology& topology;
    const topology::MapInForce& maps;
    topology::RegionIndex region;
    pool::WritePositions& positions;
    const access::Authenticator& authenticator;
    const access::Judge& judge;
    /// Whoever brings no token is the application on this machine: only where the door listens on loopback.
    bool anonymous = true;
    /// Central's figures, as this region last saw them; null: not yet. Any thread.
    std::function<std::shared_ptr<const events::Figures>()> figures = {};
    /// More metrics of this region, in OpenMetrics text. Any thread.
    std::function<std::string()> more_metrics = {};
    Operations operations = {};
    [[nodiscard]] const topology::RangeMap& map() const noexcept { return maps.now(); }
};

/// A table as the door knows it: its live columns and what follows from them.
struct KnownTable {
    const TableShape* shape = nullptr;
    std::vector<const Column*> columns;   ///< all of them
    std::vector<std::string> row_key;     ///< the primary key without the user's
    std::vector<std::string> read_names;  ///< the columns behind the parameters of `read`
    pool::Statement read;                 ///< one whole row by its key
};

/// An INSERT whose text was made for an earlier request with the same fields.
struct KnownInsert {
    pool::Statement statement;
    std::vector<std::string> columns;  ///< behind the parameters
};

struct Known {
    std::shared_ptr<const Schema> schema;
    std::vector<KnownTable> tables;
    [[nodiscard]] const KnownTable* table(std::string_view name) const;
    [[nodiscard]] const KnownTable& person() const;
};

class DoorSink;
class RowSink;

class Door {
  public:
    Door(const Shared& shared, pool::Pool& pool, DoorMetrics& metrics);

    /// Never throws; every failure becomes a problem document. REQUIRES: both outlive the await.
    Task<void> handle(const Request& request, Response& response);
    /// Whom a client's certificate (PEM) shows; null: nobody we know. Once a connection.
    [[nodiscard]] std::shared_ptr<const iam::Principal> service_of(const std::string& certificate) const;
    /// A problem for what could not even be parsed.
    void refuse(const base::Error& error, Response& response);

    /// Keeps the schema: loads it when a writer is known, and again when PostgreSQL says it has changed, or a
    /// minute has passed; forgets old idempotency keys at the same pace. Runs until stop().
    Task<void> keep_schema(net::Loop& loop);
    /// Told of each schema that is loaded.
    std::function<void(const Schema& schema)> on_schema;
    void stop();
    /// While draining, /readyz says no.
    void drain() noexcept { draining_ = true; }

  private:
    struct Call;  // one request being served

    Task<base::Status> dispatch(Call& call);
    /// Who asks: authentication_failed.
    base::Status identify(Call& call);
    /// Whether policies and residency permit it: not_permitted, foreign_home. REQUIRES: identified.
    base::Status authorise(Call& call, Method method);
    void ready(Call& call);
    void person_home(Call& call);
    base::Status figures(Call& call);
    base::Status operations(Call& call, Method method);
    base::Status console(Call& call);
    /// By jurisdiction, whether `ops:Read` is permitted; not_permitted if nowhere.
    base::Result<std::vector<bool>> readable(Call& call);
    void stream_overview(Call& call, std::vector<bool> may, std::string you);
    void stream_refusals(Call& call);
    template <class State>
    static Task<base::Status> next_overview(State& state, const Operations& operations, base::Buffer& out);
    template <class State>
    static Task<base::Status> next_refusals(State& state, const Operations& operations, base::Buffer& out);
    Task<base::Status> rights(Call& call, Method method);
    Task<base::Status> rectify(Call& call, const routing::Plan& plan);
    Task<base::Status> request_right(Call& call, const routing::Plan& plan, std::string kind);
    Task<base::Status> export_package(Call& call, const routing::Plan& plan);
    Task<base::Status> consents(Call& call, const routing::Plan& plan, Method method);
    /// The one text of the one row that the statement gives; nothing for NULL.
    Task<base::Result<std::optional<std::string>>> ask_text(Call& call, const routing::Plan& plan, Sql& sql);
    /// not_permitted for a person whose processing is restricted (GDPR Art. 18).
    Task<base::Status> unless_restricted(Call& call);
    Task<base::Status> create_person(Call& call);
    Task<base::Status> create_row(Call& call);
    Task<base::Status> read_row(Call& call);
    Task<base::Status> read_rows(Call& call);
    Task<base::Status> change_row(Call& call);
    Task<base::Status> remove_row(Call& call);
    Task<base::Status> replay(Call& call, const routing::Plan& plan, std::optional<base::UserId> user,
                              std::string_view fingerprint, std::optional<base::Error> otherwise);

    Task<base::Status> missing_or_changed(Call& call, const routing::Plan& plan, const KnownTable& table,
                                          bool conditional);

    base::Result<const KnownTable*> table_of(const Call& call) const;
    base::Result<routing::Plan> admit(Call& call, routing::Verb verb, const topology::Table& table);
    Task<base::Status> run_read(Call& call, const routing::Plan& plan, const pool::Statement& statement,
                                std::span<const wire::Parameter> parameters, pool::ReplySink& sink);
    Task<base::Status> run_write(const routing::Plan& plan, std::optional<base::UserId> user,
                                 const pool::Statement& statement,
                                 std::span<const wire::Parameter> parameters, pool::ReplySink& sink);
    Task<base::Status> run_write(const routing::Plan& plan, std::optional<base::UserId> user, const Sql& sql,
                                 pool::ReplySink& sink);
    std::shared_ptr<const KnownInsert> insert_of(const std::shared_ptr<const Known>& known,
                                                 const KnownTable& table, std::span<const Field> fields,
                                                 std::optional<std::int64_t> new_person, bool idempotent);
    routing::Position required_position(const Call& call, topology::ShardIndex shard) const;
    /// The sink's failure, if it met one; remembers that the schema may have changed.
    base::Status outcome(DoorSink& sink);
    /// 201 with the row's place and version.
    void created(Call& call, const routing::Plan& plan, base::UserId user, const RowSink& sink,
                 const std::string& location);
    [[nodiscard]] bool has_readers(topology::ShardIndex shard) const;
    void note_position(const DoorSink& sink, const routing::Plan& plan, base::UserId user,
                       Response& response);
    void know(std::shared_ptr<const Schema> schema);
    /// Deletes idempotency records older than a day from the own jurisdiction's shards; the writer region's
    /// work.
    Task<void> forget_old_keys();
    [[nodiscard]] std::string url_of(topology::RegionIndex region) const;

    Shared shared_;
    pool::Pool& pool_;
    DoorMetrics& metrics_;
    topology::JurisdictionIndex own_;
    std::shared_ptr<const Known> known_;
    std::unordered_map<std::string, std::shared_ptr<const KnownInsert>>
        inserts_;  // by table, fields and kind
    net::Timer* schema_timer_ = nullptr;
    access::TokenCache tokens_;
    std::unordered_map<std::string, access::Permit> permits_;  ///< by caller, method, table and columns read
    std::string permit_key_;                                   ///< kept between requests
    bool schema_stale_ = true;
    bool stopped_ = false;
    bool draining_ = false;
    std::uint64_t spread_ = 0;
};

}  // namespace domicile::http

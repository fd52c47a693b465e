#pragma once
// The HTTP door: one request in, one response out, through the one path principal → facts → plan → connection. One Door
// per thread; everything it refers to outlives it.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "http/shape.hpp"
#include "http/statements.hpp"
#include "http/target.hpp"
#include "pool/pool.hpp"
#include "pool/write_positions.hpp"
#include "routing/admit.hpp"

namespace domicile::http {

using net::awaitable;

/// Counted by the door. Labels come from fixed lists and the rules' names.
struct DoorMetrics {
    explicit DoorMetrics(base::Metrics& registry);
    base::Metrics& registry;
    base::Counter* by_class[6] = {};  ///< by the first digit of the status
    base::Histogram& seconds;
    base::Gauge& connections;
    base::Gauge& schema_loaded;
    void refused(std::string_view rule);
};

/// What all threads of a gateway share.
struct Shared {
    const topology::Topology& topology;
    const topology::RangeMap& map;
    topology::RegionIndex region;
    pool::WritePositions& positions;
    base::Metrics& metrics;
};

class Door {
  public:
    Door(const Shared& shared, pool::Pool& pool, DoorMetrics& metrics);

    /// Never throws; every failure becomes a problem document. REQUIRES: both outlive the await.
    awaitable<void> handle(const Request& request, Response& response);
    /// A problem for what could not even be parsed.
    void refuse(const base::Error& error, Response& response);

    /// Keeps the schema: loads it when a writer is known, and again when PostgreSQL says it has changed, or a minute has
    /// passed. Runs until stop().
    awaitable<void> keep_schema(net::asio::io_context& context);
    void stop();
    /// While draining, /readyz says no.
    void drain() noexcept { draining_ = true; }

  private:
    struct Call;  // one request being served

    awaitable<base::Status> dispatch(Call& call);
    void ready(Call& call);
    void person_home(Call& call);
    awaitable<base::Status> create_person(Call& call);
    awaitable<base::Status> create_row(Call& call);
    awaitable<base::Status> read_row(Call& call);
    awaitable<base::Status> read_rows(Call& call);
    awaitable<base::Status> change_row(Call& call);
    awaitable<base::Status> remove_row(Call& call);
    awaitable<base::Status> replay(Call& call, const routing::Plan& plan, std::optional<base::UserId> user,
                                   std::string_view fingerprint);

    awaitable<base::Status> missing_or_changed(Call& call, const routing::Plan& plan, const TableShape& shape,
                                               bool conditional);

    base::Result<const TableShape*> shape_of(const Call& call) const;
    base::Result<routing::Plan> admit(Call& call, routing::Verb verb, const TableShape& shape);
    awaitable<base::Status> run_read(Call& call, const routing::Plan& plan, const Sql& sql, pool::ReplySink& sink);
    awaitable<base::Status> run_write(const routing::Plan& plan, const Sql& sql, pool::ReplySink& sink);
    std::optional<routing::Position> required_position(const Call& call, topology::ShardIndex shard) const;
    [[nodiscard]] std::string url_of(topology::RegionIndex region) const;

    Shared shared_;
    pool::Pool& pool_;
    DoorMetrics& metrics_;
    topology::JurisdictionIndex own_;
    std::shared_ptr<const Schema> schema_;
    net::asio::steady_timer* schema_timer_ = nullptr;
    bool schema_stale_ = true;
    bool stopped_ = false;
    bool draining_ = false;
    std::uint64_t spread_ = 0;
};

}  // namespace domicile::http

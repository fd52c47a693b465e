#pragma once
// A blocking connection to one node, for upkeep: migrations, status, bulk load. Given only against a Plan,
// like every connection. One thread at a time. Errors: node_unavailable, node_timeout, and what PostgreSQL
// reports (the SQLSTATE stands at the front of Error::detail).

#include "base/error.hpp"
#include "base/secret.hpp"
#include "routing/plan.hpp"
#include "topology/topology.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::pool {

struct Login {
    std::string user;
    base::Secret<std::string> password;
    std::string database;
};

/// A null is an empty optional.
using TextRow = std::vector<std::optional<std::string>>;

struct ResultSet {
    std::vector<std::string> columns;
    std::vector<TextRow> rows;
    std::string tag;  ///< PostgreSQL's command tag, such as "INSERT 0 1"
};

class MaintenanceClient {
  public:
    /// Connects and authenticates (SCRAM-SHA-256). Asserts that the node belongs to the plan's shard. `from`:
    /// the region that asks, which may reach the node by the mesh; empty: straight to its address.
    static base::Result<MaintenanceClient> open(const routing::Plan& plan, const topology::Topology& topology,
                                                topology::NodeIndex node, const Login& login,
                                                std::chrono::milliseconds timeout,
                                                std::optional<topology::RegionIndex> from = std::nullopt);
    MaintenanceClient(MaintenanceClient&&) noexcept;
    MaintenanceClient& operator=(MaintenanceClient&&) noexcept;
    ~MaintenanceClient();

    /// Runs a script of one or more statements in PostgreSQL's simple protocol; result sets in order. Stops
    /// at the first error. `timeout` bounds the whole call; after a timeout the connection is dead.
    [[nodiscard]] base::Result<std::vector<ResultSet>> run(std::string_view script,
                                                           std::chrono::milliseconds timeout);
    /// One statement with text parameters $1, $2, … (extended protocol).
    [[nodiscard]] base::Result<ResultSet> run(std::string_view statement,
                                              std::span<const std::optional<std::string>> parameters,
                                              std::chrono::milliseconds timeout);

    /// COPY … FROM STDIN: begin, any number of data calls, then end (rows copied) or abort.
    [[nodiscard]] base::Status copy_begin(std::string_view statement, std::chrono::milliseconds timeout);
    [[nodiscard]] base::Status copy_data(std::string_view bytes, std::chrono::milliseconds timeout);
    [[nodiscard]] base::Result<std::uint64_t> copy_end(std::chrono::milliseconds timeout);
    void copy_abort(std::string_view reason);

  private:
    struct Impl;
    explicit MaintenanceClient(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace domicile::pool

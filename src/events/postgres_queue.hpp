#pragma once
// The queue as a table of central (schema/central/0002_figures.sql).

#include "cloud/queue.hpp"
#include "pool/maintenance.hpp"

#include <functional>
#include <optional>

namespace domicile::events {

/// Opens a connection anew; may take seconds.
using Connect = std::function<base::Result<pool::MaintenanceClient>()>;

class PostgresQueue final : public cloud::Queue {
  public:
    /// Who sends only may log in with a role that can do nothing else.
    PostgresQueue(std::string name, Connect connect) : name_(std::move(name)), connect_(std::move(connect)) {}

    base::Status send(std::span<const cloud::Outgoing> messages) override;
    base::Result<std::vector<cloud::Message>> receive(std::size_t most, std::chrono::seconds visibility,
                                                      std::chrono::seconds wait) override;
    base::Status remove(std::span<const cloud::Message> messages) override;
    base::Status hide(const cloud::Message& message, std::chrono::seconds time) override;
    base::Result<cloud::QueueDepth> depth() override;
    base::Result<std::uint64_t> redrive() override;

  private:
    using Parameters = std::vector<std::optional<std::string>>;
    /// On the connection that is there, or a new one; a broken one is not kept.
    base::Result<pool::ResultSet> run(std::string_view statement, const Parameters& parameters);

    std::string name_;
    Connect connect_;
    std::optional<pool::MaintenanceClient> client_;
};

}  // namespace domicile::events

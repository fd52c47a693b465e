#pragma once
// Makes one person's package (GDPR Art. 15 and 20) at home: all rows of one snapshot, the person's documents,
// a page to read, a signed manifest. It stands in the shard, in pieces, until its time is over.

#include "cloud/key_service.hpp"
#include "cloud/object_store.hpp"
#include "crypto/signature.hpp"
#include "documents/keeper.hpp"
#include "privacy/live_schema.hpp"
#include "rights/package.hpp"
#include "rights/work.hpp"

namespace domicile::rights {

inline constexpr std::size_t package_piece_bytes = 1U << 20U;

class Exporter {
  public:
    /// What it refers to outlives it.
    Exporter(const topology::Topology& topology, std::string shard, cloud::ObjectStore& store,
             cloud::KeyService& service, const crypto::SigningKey& key);
    /// Answers the request, in one transaction. A package that is too large is refused.
    base::Status make(pool::MaintenanceClient& client, const Task& task, const privacy::LiveSchema& live);
    /// Removes packages whose time is over.
    base::Status tidy(pool::MaintenanceClient& client);

  private:
    base::Status write(pool::MaintenanceClient& client, const Task& task, const privacy::LiveSchema& live,
                       Archive& archive, std::string& position);
    base::Status write_table(pool::MaintenanceClient& client, const std::string& user, PackagedTable& table,
                             Archive& archive, PackagePage& page);
    base::Status write_documents(pool::MaintenanceClient& client, const std::string& user, Archive& archive);

    const topology::Topology& topology_;
    std::string shard_, jurisdiction_;
    cloud::ObjectStore& store_;
    documents::PersonKeys keys_;
    const crypto::SigningKey& key_;
    std::chrono::steady_clock::time_point tidied_{};
};

}  // namespace domicile::rights

#pragma once
// Erases one person (GDPR Art. 17): one transaction, and then the certificate. What has been done is found by
// whoever goes on with it.

#include "crypto/signature.hpp"
#include "events/leader.hpp"
#include "privacy/erasure_plan.hpp"
#include "rights/certificate.hpp"
#include "rights/ledger.hpp"

#include <array>

namespace domicile::rights {

/// Our own tables that held what is erased; written like those of the topology.
inline constexpr std::array own_tables = {"domicile.idempotency", "domicile.outbox",   "domicile.documents",
                                          "domicile.person_keys", "domicile.packages", "domicile.notices"};

class Erasure {
  public:
    /// What it refers to outlives it.
    Erasure(const topology::Topology& topology, std::string shard, const events::Connect& monitor,
            Ledger& ledger, const crypto::SigningKey& key);
    /// REQUIRES: the task's entry stands in the ledger.
    base::Status finish(pool::MaintenanceClient& client, const Task& task, const privacy::ErasurePlan& plan);

  private:
    base::Result<std::vector<Done>> erase(pool::MaintenanceClient& client, const Task& task,
                                          const privacy::ErasurePlan& plan);

    const topology::Topology& topology_;
    std::string shard_, jurisdiction_;
    const events::Connect& monitor_;
    Ledger& ledger_;
    const crypto::SigningKey& key_;
};

}  // namespace domicile::rights

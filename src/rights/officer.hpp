#pragma once
// The officer of one shard: carries out what its people have asked for, one request at a time, each so that
// whoever dies in the midst of it is gone on with; and, when nobody waits, what has been promised: pages
// rewritten, retention kept, old packages removed.

#include "base/metrics.hpp"
#include "cloud/key_service.hpp"
#include "cloud/object_store.hpp"
#include "crypto/signature.hpp"
#include "events/leader.hpp"
#include "rights/erasure.hpp"
#include "rights/exporter.hpp"
#include "rights/ledger.hpp"
#include "rights/retention.hpp"
#include "rights/rewriter.hpp"

#include <string>

namespace domicile::rights {

struct OfficerMetrics {
    OfficerMetrics(base::Metrics& metrics, const std::string& shard);
    base::Counter& erasures;
    base::Counter& restrictions;
    base::Counter& exports;
    base::Counter& retained;  ///< rows whose time was over, removed
    base::Counter& refused;
    base::Counter& replayed;
    base::Counter& failures;
    base::Gauge& open;      ///< requests not answered yet
    base::Gauge& oldest_s;  ///< age of the oldest of them
    base::Gauge& rewrites;  ///< tables whose pages wait to be rewritten
};

class Officer {
  public:
    /// `officer` connects to the shard's writer as the role of that name, `monitor` as who may see positions.
    Officer(const topology::Topology& topology, std::string shard, events::Connect officer,
            events::Connect monitor, cloud::ObjectStore& store, cloud::KeyService& service,
            crypto::SigningKey key, OfficerMetrics& metrics);
    /// Until told to stop. A thread of its own.
    void run(const std::stop_token& stop);
    /// The next request, or the next of what has been promised; whether there may be more.
    base::Result<bool> round(pool::MaintenanceClient& client);

  private:
    base::Result<std::optional<Task>> next(pool::MaintenanceClient& client);
    base::Status erase(pool::MaintenanceClient& client, Task& task, const privacy::LiveSchema& live);
    base::Status restrict(pool::MaintenanceClient& client, Task& task);
    base::Status refuse(pool::MaintenanceClient& client, const Task& task,
                        const std::vector<privacy::ErasureFinding>& findings);

    const topology::Topology& topology_;
    std::string shard_;
    events::Connect officer_, monitor_;
    crypto::SigningKey key_;
    OfficerMetrics& metrics_;
    Ledger ledger_;
    Erasure erasure_;
    Exporter exporter_;
    Rewriter rewriter_;
    Retention retention_;
};

}  // namespace domicile::rights

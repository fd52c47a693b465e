#pragma once
// Carries out what people of one shard have asked to be erased. The ledger has it before the first value is
// destroyed, in the shard and in the jurisdiction's store; then one transaction; a round that dies anywhere
// is gone on with.

#include "base/metrics.hpp"
#include "cloud/key_service.hpp"
#include "cloud/object_store.hpp"
#include "crypto/signature.hpp"
#include "documents/log.hpp"
#include "events/leader.hpp"
#include "privacy/erasure_plan.hpp"
#include "rights/certificate.hpp"

#include <string>

namespace domicile::rights {

struct EraserMetrics {
    EraserMetrics(base::Metrics& metrics, const std::string& shard);
    base::Counter& erasures;
    base::Counter& refused;
    base::Counter& replayed;
    base::Counter& failures;
    base::Gauge& open;      ///< requests not answered yet
    base::Gauge& oldest_s;  ///< age of the oldest of them
    base::Gauge& rewrites;  ///< tables whose pages wait to be rewritten
};

class Eraser {
  public:
    /// `owner` connects to the shard's writer as the tables' owner, `monitor` as who may see positions.
    Eraser(const topology::Topology& topology, std::string shard, events::Connect owner,
           events::Connect monitor, cloud::ObjectStore& store, cloud::KeyService& service,
           crypto::SigningKey key, EraserMetrics& metrics);
    /// Until told to stop. A thread of its own.
    void run(const std::stop_token& stop);
    /// The next request, or the next table to rewrite; whether there may be more.
    base::Result<bool> round(pool::MaintenanceClient& client);

  private:
    struct Task;
    struct Entry {
        std::string user, begun_at;
    };
    base::Status replay(pool::MaintenanceClient& client);
    base::Result<Entry> read_entry(std::int64_t n);
    base::Status begin(pool::MaintenanceClient& client, Task& task);
    base::Status note_in_ledger(const Task& task);
    base::Result<std::vector<Done>> erase(pool::MaintenanceClient& client, const Task& task,
                                          const privacy::ErasurePlan& plan);
    base::Status finish(pool::MaintenanceClient& client, const Task& task, const privacy::ErasurePlan& plan);
    base::Status refuse(pool::MaintenanceClient& client, const Task& task,
                        const std::vector<privacy::ErasureFinding>& findings);
    void wait_for_readers(const std::string& position, Certificate& certificate);
    base::Result<bool> rewrite(pool::MaintenanceClient& client);

    const topology::Topology& topology_;
    std::string shard_, jurisdiction_;
    events::Connect owner_, monitor_;
    cloud::ObjectStore& store_;
    cloud::KeyService& service_;
    cloud::EncryptionContext context_;
    documents::Log log_;
    crypto::SigningKey key_;
    EraserMetrics& metrics_;
    std::chrono::steady_clock::time_point rewritten_{};
    std::chrono::steady_clock::time_point compared_{};
};

}  // namespace domicile::rights

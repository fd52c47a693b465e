#pragma once
// Sends one institution its documents, in batches of many people's, each exactly once and in a sequence
// without a gap. The books are rows on the jurisdiction's first shard: a batch is decided there in one
// insert, then handed over until it is acknowledged, always as the same bytes.

#include "crypto/signature.hpp"
#include "documents/delivery.hpp"
#include "documents/keeper.hpp"
#include "documents/log.hpp"
#include "documents/manifest.hpp"

#include <vector>

namespace domicile::documents {

struct DispatchMetrics {
    DispatchMetrics(base::Metrics& metrics, const std::string& institution);
    base::Counter& batches;
    base::Counter& documents;
    base::Counter& failures;
    base::Gauge&
        unacknowledged;  ///< seconds since the oldest batch that is not acknowledged was made; 0: none
};

/// A shard of the jurisdiction.
struct Source {
    std::string name;
    events::Connect writer;
};

class Dispatcher {
  public:
    /// `sources`: all shards of the jurisdiction, in the topology's order; the first keeps the books.
    Dispatcher(const topology::Topology& topology, const topology::Institution& institution,
               std::vector<Source> sources, cloud::ObjectStore& store, cloud::KeyService& service,
               OpenDelivery delivery, crypto::SigningKey key, DispatchMetrics& metrics);
    /// Until told to stop. A thread of its own.
    void run(const std::stop_token& stop);
    /// Hands over what is not acknowledged, else decides the next batch if it is due. Whether there was
    /// anything.
    base::Result<bool> round(pool::MaintenanceClient& books);

  private:
    base::Result<bool> decide(pool::MaintenanceClient& books);
    /// The next recipient's notice (GDPR Art. 19) of any shard; whether there was one.
    base::Result<bool> tell(pool::MaintenanceClient& books);
    base::Result<std::string> notice_text(pool::MaintenanceClient& shard, const std::string& source,
                                          const std::vector<std::optional<std::string>>& request,
                                          std::int64_t through, std::size_t& documents);
    base::Status open_delivery();
    base::Result<std::string> hand_over(const Manifest& manifest, const std::string& text,
                                        const std::string& signature, const std::string& checkpoint);
    /// One document out of the store to the institution.
    base::Status give(const std::string& folder, const ManifestEntry& entry, const std::string& place,
                      const base::Secret<std::string>& key);
    base::Status give_withdrawal(const std::string& folder, const ManifestEntry& entry);
    /// The batch's entries into the log; its signed checkpoint.
    base::Result<std::string> log_of(pool::MaintenanceClient& books, const Manifest& manifest);
    base::Result<pool::MaintenanceClient*> client_of(std::size_t source);

    const topology::Topology& topology_;
    const topology::Institution& institution_;
    std::string origin_;  // of the log
    std::vector<Source> sources_;
    std::vector<std::unique_ptr<pool::MaintenanceClient>> clients_;
    cloud::ObjectStore& store_;
    PersonKeys keys_;
    OpenDelivery open_delivery_;
    std::unique_ptr<Delivery> delivery_;  // when first needed
    crypto::SigningKey key_;
    DispatchMetrics& metrics_;
    Putters putters_;
};

}  // namespace domicile::documents

#pragma once
// The ledger of one shard: erasures, restrictions and their ends, each written down before it is done. It
// stands in the shard and, sealed, in the jurisdiction's store with a commitment in a log anybody may check:
// a database that is restored from before an entry is brought up to it from there.

#include "cloud/key_service.hpp"
#include "cloud/object_store.hpp"
#include "crypto/signature.hpp"
#include "documents/log.hpp"
#include "rights/work.hpp"
#include "topology/topology.hpp"

namespace domicile::rights {

class Ledger {
  public:
    /// What it refers to outlives it.
    Ledger(const topology::Topology& topology, std::string shard, cloud::ObjectStore& store,
           cloud::KeyService& service, const crypto::SigningKey& key);

    /// Entries that the store has and the database has not are written down again, and asked for like any;
    /// how many. At most every few seconds.
    /// The shard's position stays where it is until each is done (reached): only then may the database serve.
    base::Result<int> replay(pool::MaintenanceClient& client);
    /// The task's entry, committed: the shard's own position first, so that whoever sees the entry in the
    /// store finds it here.
    base::Status begin(pool::MaintenanceClient& client, Task& task);
    /// SQL for the transaction that does the task: of an entry that was replayed, the shard's position
    /// follows.
    [[nodiscard]] static std::string reached(const Task& task);
    /// Into the store and the log. Done again it does nothing.
    base::Status note(const Task& task);
    /// C2SP tlog-proof of the last entry.
    base::Result<std::string> proof(const Task& task);

  private:
    struct Entry {
        std::string kind, user, begun_at, ground;
    };
    base::Result<Entry> read(std::int64_t n);

    std::string shard_, origin_;
    cloud::ObjectStore& store_;
    cloud::KeyService& service_;
    cloud::EncryptionContext context_;
    documents::Log log_;
    const crypto::SigningKey& key_;
    std::chrono::steady_clock::time_point compared_{};
};

}  // namespace domicile::rights

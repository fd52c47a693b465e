#pragma once
// Makes the documents of one shard's audited events, seals each under its person's key, and stores it. A
// round may die anywhere and is done again with the same outcome.

#include "base/metrics.hpp"
#include "cloud/key_service.hpp"
#include "cloud/object_store.hpp"
#include "documents/pdf.hpp"
#include "documents/putters.hpp"
#include "events/leader.hpp"

#include <map>
#include <memory>
#include <stop_token>
#include <string>

namespace domicile::documents {

/// "documents/eu-1/000000/000000042": nothing of a person.
[[nodiscard]] std::string object_key(std::string_view shard, std::string_view number);

/// A person's document, unreadable without the person's key.
[[nodiscard]] std::string seal_document(const base::Secret<std::string>& key, std::string_view id,
                                        std::string_view pdf);
[[nodiscard]] base::Result<base::Secret<std::string>> open_document(const base::Secret<std::string>& key,
                                                                    std::string_view id,
                                                                    std::string_view sealed);

/// The keys of people whose documents are handled, by user id. One thread.
class PersonKeys {
  public:
    PersonKeys(cloud::KeyService& service, std::string system, std::string jurisdiction)
        : service_(service),
          context_{{"system", std::move(system)},
                   {"jurisdiction", std::move(jurisdiction)},
                   {"purpose", "documents"}} {}
    /// The keys as they stand in the shard now; with `make` those that are missing are added. not_found if a
    /// person has none (any more).
    [[nodiscard]] base::Status know(pool::MaintenanceClient& shard, const std::vector<std::string>& users,
                                    bool make);
    [[nodiscard]] const base::Secret<std::string>& of(const std::string& user) const {
        return keys_.at(user).plain;
    }
    /// As it stands in the shard, base64.
    [[nodiscard]] const std::string& wrapped(const std::string& user) const { return keys_.at(user).wrapped; }

  private:
    struct Key {
        base::Secret<std::string> plain;
        std::string wrapped;
    };
    /// Those that are there, and who has none.
    base::Result<std::vector<std::string>> read(pool::MaintenanceClient& shard,
                                                const std::vector<std::string>& users);
    cloud::KeyService& service_;
    cloud::EncryptionContext context_;
    std::map<std::string, Key> keys_;
};

struct KeeperMetrics {
    KeeperMetrics(base::Metrics& metrics, const std::string& shard);
    base::Counter& stored;
    base::Counter& failures;
    base::Gauge& waiting;
    base::Gauge& lag_ms;
};

class Keeper {
  public:
    Keeper(const topology::Topology& topology, std::string shard, events::Connect writer,
           cloud::ObjectStore& store, cloud::KeyService& service, KeeperMetrics& metrics);
    /// Until told to stop. A thread of its own.
    void run(const std::stop_token& stop);
    /// Up to a hundred documents; how many.
    base::Result<std::size_t> round(pool::MaintenanceClient& client);

  private:
    base::Status store(const std::string& id, const std::string& place, const base::Secret<std::string>& key,
                       const std::string& pdf);
    const topology::Topology& topology_;
    std::string shard_;
    events::Connect writer_;
    cloud::ObjectStore& store_;
    PersonKeys keys_;
    KeeperMetrics& metrics_;
    std::unique_ptr<PdfMaker> maker_;  // made when first needed
    Putters putters_;
};

}  // namespace domicile::documents

#include "documents/keeper.hpp"

#include "base/control_point.hpp"
#include "crypto/aead.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "documents/record.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace domicile::documents {
namespace {

using base::Code;
using namespace std::chrono_literals;

constexpr std::size_t round_max = 100;
constexpr std::size_t keys_max = 50'000;
constexpr std::size_t puts_at_once = 8;
constexpr auto answer_wait = 30s;
constexpr std::string_view magic = "DOMD1";

/// A PostgreSQL array of numbers or of plain hexadecimal and base64 texts.
std::string array_of(const std::vector<std::string>& values) {
    std::string text = "{";
    for (const auto& value : values) {
        text += (text.size() == 1 ? "" : ",") + value;
    }
    return text + "}";
}

}  // namespace

std::string object_key(std::string_view shard, std::string_view number) {
    std::string padded(number.size() < 9 ? 9 - number.size() : 0, '0');
    padded += number;
    return "documents/" + std::string(shard) + "/" + padded.substr(0, padded.size() - 3) + "/" + padded;
}

std::string seal_document(const base::Secret<std::string>& key, std::string_view id, std::string_view pdf) {
    return std::string(magic) + crypto::aead_seal(key, pdf, "document " + std::string(id));
}

base::Result<base::Secret<std::string>> open_document(const base::Secret<std::string>& key,
                                                      std::string_view id, std::string_view sealed) {
    if (!sealed.starts_with(magic)) {
        return base::fail(Code::invalid_value, "That is no sealed document.");
    }
    return crypto::aead_open(key, sealed.substr(magic.size()), "document " + std::string(id));
}

base::Result<std::vector<std::string>> PersonKeys::read(pool::MaintenanceClient& shard,
                                                        const std::vector<std::string>& users) {
    const std::optional<std::string> parameters[] = {array_of(users)};
    const auto found =
        shard.run("SELECT user_id, wrapped FROM domicile.person_keys WHERE user_id = ANY ($1::bigint[])",
                  parameters, answer_wait);
    if (!found) {
        return std::unexpected(found.error());
    }
    std::set<std::string> missing(users.begin(), users.end());
    for (const auto& row : found->rows) {
        const std::string user = row.at(0).value_or("");
        const std::string text = row.at(1).value_or("");
        missing.erase(user);
        // To unwrap is what costs; that a key is still there is asked each time, since it may have been
        // destroyed.
        if (const auto known = keys_.find(user); known != keys_.end() && known->second.wrapped == text) {
            continue;
        }
        const auto wrapped = crypto::base64_decode(text);
        if (!wrapped) {
            return base::fail(Code::internal, "The key of a person's documents is no key.");
        }
        auto key = service_.unwrap(*wrapped, context_);
        if (!key) {
            return std::unexpected(key.error());
        }
        keys_.insert_or_assign(user, Key{std::move(*key), text});
    }
    for (const auto& user : missing) {
        keys_.erase(user);
    }
    return std::vector<std::string>(missing.begin(), missing.end());
}

base::Status PersonKeys::know(pool::MaintenanceClient& shard, const std::vector<std::string>& users,
                              bool make) {
    if (keys_.size() > keys_max) {
        keys_.clear();
    }
    auto missing = read(shard, users);
    if (!missing || missing->empty()) {
        return missing ? base::Status() : std::unexpected(std::move(missing.error()));
    }
    const auto destroyed = [] {
        return base::fail(Code::not_found, "The key of a person's documents has been destroyed.",
                          "What it sealed cannot be read by anybody.");
    };
    if (!make) {
        return destroyed();
    }
    std::vector<std::string> wrapped;
    for (std::size_t i = 0; i < missing->size(); ++i) {
        auto key = service_.generate(context_);
        if (!key) {
            return std::unexpected(key.error());
        }
        wrapped.push_back(crypto::base64(key->wrapped));
    }
    const std::optional<std::string> parameters[] = {array_of(*missing), array_of(wrapped)};
    const auto added = shard.run(
        "INSERT INTO domicile.person_keys (user_id, wrapped) SELECT * FROM unnest($1::bigint[], "
        "$2::text[]) ON CONFLICT DO NOTHING",
        parameters, answer_wait);
    if (!added) {
        return std::unexpected(added.error());
    }
    // What counts is what stands there now: somebody may have been faster.
    missing = read(shard, *missing);
    if (!missing) {
        return std::unexpected(std::move(missing.error()));
    }
    return missing->empty() ? base::Status() : destroyed();
}

KeeperMetrics::KeeperMetrics(base::Metrics& metrics, const std::string& shard)
    : stored(metrics.counter("domicile_documents_stored", "Audit documents made and stored",
                             {{"shard", shard}})),
      failures(metrics.counter("domicile_documents_failures", "Rounds that failed", {{"shard", shard}})),
      waiting(metrics.gauge("domicile_documents_waiting", "Audited events without a stored document",
                            {{"shard", shard}})),
      lag_ms(metrics.gauge("domicile_documents_lag_milliseconds", "Age of the oldest of them",
                           {{"shard", shard}})) {}

Keeper::Keeper(const topology::Topology& topology, std::string shard, events::Connect writer,
               cloud::ObjectStore& store, cloud::KeyService& service, KeeperMetrics& metrics)
    : topology_(topology),
      shard_(std::move(shard)),
      writer_(std::move(writer)),
      store_(store),
      keys_(
          service, topology.name,
          topology.at(std::ranges::find(topology.shards, shard_, &topology::Shard::name)->jurisdiction).name),
      metrics_(metrics),
      putters_(puts_at_once) {}

void Keeper::run(const std::stop_token& stop) {
    events::lead(stop, {.log_name = "documents",
                        .of = shard_,
                        .lock = std::string(events::keeper_lock),
                        .connect = writer_,
                        .failures = &metrics_.failures,
                        .round = [this](pool::MaintenanceClient& client) -> base::Result<bool> {
                            const auto done = round(client);
                            return done ? base::Result<bool>(*done == round_max)
                                        : std::unexpected(done.error());
                        }});
}

base::Status Keeper::store(const std::string& id, const std::string& place,
                           const base::Secret<std::string>& key, const std::string& pdf) {
    auto put = store_.put_if_absent(place, seal_document(key, id, pdf));
    base::control_point("keeper.put");
    if (put || put.error().code != Code::precondition_failed) {
        return put;
    }
    // A round that died after storing. The same event gives the same document; anything else is not ours.
    const auto sealed = store_.get(place);
    const auto there = sealed ? open_document(key, id, *sealed) : std::unexpected(sealed.error());
    if (!there) {
        return std::unexpected(there.error());
    }
    return there->reveal() == pdf
               ? base::Status()
               : base::fail(Code::internal, "Another document stands in the place of " + id + ".");
}

base::Result<std::size_t> Keeper::round(pool::MaintenanceClient& client) {
    const auto found = client.run(
        "SELECT number, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), table_name, op, "
        "user_id, body "
        "FROM domicile.documents WHERE stored_at IS NULL ORDER BY number LIMIT " +
            std::to_string(round_max) +
            ";"
            "SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(at)) * 1000, 0)::bigint "
            "FROM domicile.documents "
            "WHERE stored_at IS NULL",
        answer_wait);
    if (!found) {
        return std::unexpected(found.error());
    }
    const auto& rows = found->at(0).rows;
    const auto& books = found->at(1).rows.at(0);
    metrics_.waiting.set(std::strtoll(books.at(0).value_or("0").c_str(), nullptr, 10));
    metrics_.lag_ms.set(std::strtoll(books.at(1).value_or("0").c_str(), nullptr, 10));
    if (rows.empty()) {
        return 0;
    }
    std::vector<std::string> users;
    for (const auto& row : rows) {
        users.push_back(row.at(4).value_or(""));
    }
    if (auto known = keys_.know(client, users, true); !known) {
        return std::unexpected(known.error());
    }
    if (maker_ == nullptr) {
        maker_ = std::make_unique<PdfMaker>();
    }
    std::vector<std::string> numbers, hashes, sizes, salts, wrapped;
    for (const auto& row : rows) {
        const AuditedEvent event{shard_,
                                 row[0].value_or(""),
                                 row[1].value_or(""),
                                 row[2].value_or(""),
                                 row[3].value_or(""),
                                 row[4].value_or(""),
                                 row[5].value_or("")};
        const auto record = record_of(topology_, event);
        if (!record) {
            std::ignore = putters_.finish();
            return std::unexpected(record.error());
        }
        const std::string pdf = maker_->make(*record);
        const std::string hash = crypto::hex(crypto::view(crypto::sha256(pdf)));
        const auto& key = keys_.of(event.user);  // stays where it is until the next round
        putters_.add([this, id = event.id(), place = object_key(shard_, event.number), &key, pdf] {
            return store(id, place, key, pdf);
        });
        std::array<unsigned char, 16> salt{};
        crypto::random_bytes(salt);
        wrapped.push_back(keys_.wrapped(event.user));
        numbers.push_back(event.number);
        hashes.push_back(hash);
        sizes.push_back(std::to_string(pdf.size()));
        salts.push_back(crypto::hex({reinterpret_cast<const char*>(salt.data()), salt.size()}));
    }
    if (auto stored = putters_.finish(); !stored) {
        return std::unexpected(std::move(stored.error()));
    }
    base::control_point("keeper.stored");
    const std::optional<std::string> parameters[] = {array_of(numbers), array_of(hashes),  array_of(sizes),
                                                     array_of(salts),   array_of(wrapped), array_of(users)};
    // A key that was destroyed meanwhile takes its document with it. Whoever destroys one waits for this
    // statement.
    const auto noted = client.run(
        "WITH k AS (SELECT user_id, wrapped FROM domicile.person_keys WHERE user_id = ANY ($6::bigint[]) FOR "
        "SHARE) "
        "UPDATE domicile.documents AS d SET stored_at = clock_timestamp(), body = NULL, sha256 = v.sha256, "
        "bytes = "
        "v.bytes, salt = v.salt, erased = NOT EXISTS (SELECT FROM k WHERE k.user_id = d.user_id AND "
        "k.wrapped = "
        "v.wrapped) FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[]) AS v "
        "(number, sha256, "
        "bytes, salt, wrapped) WHERE d.number = v.number AND d.stored_at IS NULL",
        parameters, answer_wait);
    if (!noted) {
        return std::unexpected(noted.error());
    }
    base::control_point("keeper.noted");
    metrics_.stored.add(rows.size());
    return rows.size();
}

}  // namespace domicile::documents

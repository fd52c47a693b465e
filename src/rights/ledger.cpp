#include "rights/ledger.hpp"

#include "base/control_point.hpp"
#include "base/log.hpp"
#include "crypto/aead.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "documents/manifest.hpp"
#include "documents/proof.hpp"
#include "rights/certificate.hpp"

#include <algorithm>
#include <sstream>

namespace domicile::rights {
namespace {

using base::Code;
using namespace std::chrono_literals;

constexpr auto compare_every = 5s;

std::string place_of(const std::string& shard, std::int64_t n) {
    std::string digits = std::to_string(n);
    digits.insert(0, digits.size() < 9 ? 9 - digits.size() : 0, '0');
    return "ledger/" + shard + "/" + digits;
}

/// What an entry is sealed for: another one cannot be put in its place.
std::string bound_to(const std::string& shard, std::int64_t n) {
    return "ledger." + shard + "." + std::to_string(n);
}

const topology::Jurisdiction& home_of(const topology::Topology& topology, const std::string& shard) {
    return topology.at(std::ranges::find(topology.shards, shard, &topology::Shard::name)->jurisdiction);
}

}  // namespace

Ledger::Ledger(const topology::Topology& topology, std::string shard, cloud::ObjectStore& store,
               cloud::KeyService& service, const crypto::SigningKey& key)
    : shard_(std::move(shard)),
      origin_(documents::log_origin(topology.name, "erasures-" + shard_)),
      store_(store),
      service_(service),
      context_{
          {"system", topology.name}, {"jurisdiction", home_of(topology, shard_).name}, {"purpose", "ledger"}},
      log_(store, "erasures-" + shard_),
      key_(key) {}

base::Result<int> Ledger::replay(pool::MaintenanceClient& client) {
    if (std::chrono::steady_clock::now() - compared_ < compare_every) {
        return 0;
    }
    const auto head = log_.size();
    const auto own = client.run(
        "SELECT greatest(ledger, (SELECT max(n) FROM domicile.ledger)) FROM domicile.shard", answer_wait);
    if (!head || !own) {
        return std::unexpected(head ? own.error() : head.error());
    }
    int replayed = 0;
    for (auto n = number(own->at(0).rows.at(0).at(0)) + 1; n <= static_cast<std::int64_t>(*head); ++n) {
        const auto known = read(n);
        if (!known) {
            return std::unexpected(known.error());
        }
        const auto noted = ask(
            client,
            "WITH asked AS (INSERT INTO domicile.requests (user_id, kind, asked_by, state, detail) VALUES "
            "($2::bigint, $4, 'ledger', 'running', CASE WHEN $5 <> '' THEN jsonb_build_object('ground', "
            "$5::text) END) ON CONFLICT (user_id, kind) WHERE state IN ('open', 'running') DO UPDATE SET "
            "state = 'running' RETURNING id) INSERT INTO domicile.ledger (n, request, user_id, salt, "
            "begun_at) SELECT $1::bigint, id, "
            "$2::bigint, '', $3::timestamptz FROM asked",
            {std::to_string(n), known->user, known->begun_at, known->kind, known->ground});
        if (!noted) {
            return std::unexpected(noted.error());
        }
        ++replayed;
        base::log::warn("rights.replayed", {{"shard", shard_}, {"entry", n}});
    }
    compared_ = std::chrono::steady_clock::now();
    return replayed;
}

base::Result<Ledger::Entry> Ledger::read(std::int64_t n) {
    const auto sealed = store_.get(place_of(shard_, n));
    if (!sealed) {
        return std::unexpected(sealed.error());
    }
    const auto line = sealed->find('\n');
    const auto wrapped =
        line == std::string::npos ? std::nullopt : crypto::base64_decode(sealed->substr(0, line));
    const auto key = wrapped ? service_.unwrap(*wrapped, context_)
                             : base::Result<base::Secret<std::string>>(
                                   base::fail(Code::internal, "An entry of the ledger is none."));
    if (!key) {
        return std::unexpected(key.error());
    }
    const auto plain =
        crypto::aead_open(*key, std::string_view(*sealed).substr(line + 1), bound_to(shard_, n));
    if (!plain) {
        return std::unexpected(plain.error());
    }
    // Kind, shard, entry, user, request, time, and the ground of a restriction: a line each.
    std::vector<std::string> lines;
    std::istringstream in(plain->reveal());
    for (std::string one; std::getline(in, one);) {
        lines.push_back(one);
    }
    if (lines.size() != 6 && lines.size() != 7) {
        return base::fail(Code::internal, "An entry of the ledger is none.");
    }
    return Entry{lines[0], lines[3], lines[5], lines.size() == 7 ? lines[6] : ""};
}

base::Status Ledger::begin(pool::MaintenanceClient& client, Task& task) {
    task.salt = random_hex(16);
    const auto begun = ask(client,
                           "WITH taken AS (UPDATE domicile.requests SET state = 'running' WHERE id = "
                           "$1::bigint), counted AS (UPDATE domicile.shard SET "
                           "ledger = ledger + 1 RETURNING ledger) INSERT INTO domicile.ledger (n, request, "
                           "user_id, salt, begun_at) SELECT ledger, "
                           "$1::bigint, $2::bigint, $3, date_trunc('second', clock_timestamp()) FROM counted "
                           "RETURNING n, to_char(begun_at AT TIME ZONE "
                           "'UTC', " +
                               std::string(rfc3339) + ")",
                           {task.request, task.user, task.salt});
    if (!begun) {
        return std::unexpected(begun.error());
    }
    task.entry = number(begun->rows.at(0).at(0));
    task.begun_at = begun->rows.at(0).at(1).value_or("");
    base::control_point("eraser.begun");
    return {};
}

std::string Ledger::reached(const Task& task) {
    return task.salt.empty()
               ? "UPDATE domicile.shard SET ledger = greatest(ledger, " + std::to_string(task.entry) + ")"
               : std::string();
}

base::Status Ledger::note(const Task& task) {
    if (task.salt.empty()) {
        return {};  // it came from there
    }
    const std::string statement = ledger_statement(task.kind, shard_, task.entry, number(task.user),
                                                   number(task.request), task.begun_at) +
                                  (task.ground.empty() ? "" : task.ground + "\n");
    const std::string place = place_of(shard_, task.entry);
    if (const auto there = store_.get(place); !there) {
        if (there.error().code != Code::not_found) {
            return std::unexpected(there.error());
        }
        const auto key = service_.generate(context_);
        if (!key) {
            return std::unexpected(key.error());
        }
        const std::string sealed = crypto::base64(key->wrapped) + "\n" +
                                   crypto::aead_seal(key->plain, statement, bound_to(shard_, task.entry));
        if (auto put = store_.put_if_absent(place, sealed);
            !put && put.error().code != Code::precondition_failed) {
            return put;
        }
    }
    const std::string hash = crypto::hex(crypto::view(crypto::sha256(statement)));
    const auto size = static_cast<std::uint64_t>(task.entry);
    const std::string entry = documents::entry_of(ledger_id(task.kind, shard_, task.entry), hash, task.salt);
    if (auto added = log_.append(size - 1, std::span(&entry, 1)); !added) {
        return added;
    }
    const auto root = crypto::tree_root(size, log_.reader(size));
    if (!root) {
        return std::unexpected(root.error());
    }
    const auto note = crypto::sign_checkpoint({origin_, size, *root}, key_);
    if (!note) {
        return std::unexpected(note.error());
    }
    base::control_point("eraser.noted");
    return log_.publish(*note);
}

base::Result<std::string> Ledger::proof(const Task& task) {
    const auto size = static_cast<std::uint64_t>(task.entry);
    auto hashes = crypto::inclusion_proof(size - 1, size, log_.reader(size));
    const auto note = log_.checkpoint();  // of this entry: the next one has not begun
    if (!hashes || !note) {
        return std::unexpected(hashes ? note.error() : hashes.error());
    }
    return documents::to_text(documents::InclusionProof{ledger_id(task.kind, shard_, task.entry), task.salt,
                                                        size - 1, std::move(*hashes), *note});
}

}  // namespace domicile::rights

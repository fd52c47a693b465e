// `domicile audit prove`: proofs out of an institution's log, which anybody checks from files and a public
// key.

#include "app/audit_prove.hpp"

#include "app/common.hpp"
#include "app/worker.hpp"
#include "crypto/hash.hpp"
#include "documents/log.hpp"
#include "documents/manifest.hpp"
#include "documents/proof.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>

namespace domicile::app {
namespace {

using base::Code;
using base::Result;
using namespace std::chrono_literals;

constexpr auto answer_wait = 60s;

/// The size and the signed text of a log's last checkpoint. They are ours: what is wrong with them is a
/// defect.
struct Head {
    std::string note;
    std::uint64_t size = 0;
};
Result<Head> head_of(documents::Log& log, const topology::Institution& institution) {
    auto note = log.checkpoint();
    if (!note) {
        return note.error().code == Code::not_found
                   ? base::fail(Code::not_found, "The log of " + institution.name + " is empty.",
                                "`domicile audit status` shows what is on its way.")
                   : std::unexpected(std::move(note.error()));
    }
    const auto line = note->find('\n');
    return Head{*note, std::strtoull(note->c_str() + (line == std::string::npos ? note->size() : line + 1),
                                     nullptr, 10)};
}

Result<std::string> consistency(documents::Log& log, const topology::Institution& institution,
                                std::uint64_t since) {
    const auto head = head_of(log, institution);
    if (!head) {
        return std::unexpected(head.error());
    }
    if (since > head->size) {
        return base::fail(Code::invalid_value, "The log of " + institution.name + " has " +
                                                   std::to_string(head->size) + " entries, and never had " +
                                                   std::to_string(since) + ".");
    }
    auto hashes = crypto::consistency_proof(since, head->size, log.reader(head->size));
    return hashes ? Result<std::string>(documents::to_text(
                        documents::ConsistencyProof{since, std::move(*hashes), head->note}))
                  : std::unexpected(std::move(hashes.error()));
}

Result<std::string> inclusion(documents::Log& log, const topology::Institution& institution,
                              pool::MaintenanceClient& books, const std::string& id) {
    const auto head = head_of(log, institution);
    if (!head) {
        return std::unexpected(head.error());
    }
    const std::optional<std::string> wanted[] = {institution.name, id};
    const auto found = books.run(
        "SELECT manifest FROM domicile.dispatches WHERE institution = $1 AND manifest::jsonb -> 'documents' "
        "@> "
        "jsonb_build_array(jsonb_build_object('id', $2::text))",
        wanted, answer_wait);
    if (!found) {
        return std::unexpected(found.error());
    }
    const auto manifest = found->rows.empty()
                              ? Result<documents::Manifest>(base::fail(
                                    Code::not_found, institution.name + " has not been sent " + id + ".",
                                    "`domicile audit status` shows what is on its way."))
                              : documents::parse_manifest(found->rows[0].at(0).value_or(""));
    if (!manifest) {
        return std::unexpected(manifest.error());
    }
    const auto& all = manifest->documents;
    const auto entry = std::ranges::find(all, id, &documents::ManifestEntry::id);
    const auto index = manifest->log_size - all.size() + static_cast<std::size_t>(entry - all.begin());
    if (index >= head->size) {
        return base::fail(Code::not_found, id + " is decided, and not in the log yet.",
                          "Try again in a moment.");
    }
    auto hashes = crypto::inclusion_proof(index, head->size, log.reader(head->size));
    return hashes ? Result<std::string>(documents::to_text(
                        documents::InclusionProof{id, entry->salt, index, std::move(*hashes), head->note}))
                  : std::unexpected(std::move(hashes.error()));
}

}  // namespace

int audit_prove(const topology::Topology& topology, const fleet::Secrets& secrets,
                const AuditOptions& options) {
    const auto wrong = [](std::string text, std::string hint) {
        return failed({Code::configuration, std::move(text), std::move(hint), {}, {}});
    };
    const auto shard = std::ranges::find(topology.shards, options.id.substr(0, options.id.rfind('.')),
                                         &topology::Shard::name);
    const auto institution =
        std::ranges::find_if(topology.institutions, [&](const topology::Institution& one) {
            return options.institution.empty()
                       ? shard != topology.shards.end() && one.jurisdiction == shard->jurisdiction
                       : one.name == options.institution;
        });
    if (institution == topology.institutions.end()) {
        return wrong("There is no such institution.", "Name one of the topology with --institution.");
    }
    if (options.id.empty() == (options.since == 0)) {
        return wrong("Say what is to be proven.",
                     "A document's id (eu-1.42), or --since with the size the log once had.");
    }
    const std::string& home = topology.at(institution->jurisdiction).name;
    const auto store = document_store(secrets, home);
    documents::Log log(*store, institution->name);
    const auto proof = [&]() -> Result<std::string> {
        if (options.since != 0) {
            return consistency(log, *institution, options.since);
        }
        const auto first =
            std::ranges::find(topology.shards, institution->jurisdiction, &topology::Shard::jurisdiction);
        auto books = writer_of(
            secrets, topology::ShardIndex(static_cast<std::uint16_t>(first - topology.shards.begin())))();
        return books ? inclusion(log, *institution, *books, options.id)
                     : Result<std::string>(std::unexpected(std::move(books.error())));
    }();
    if (!proof) {
        return failed(proof.error());
    }
    std::cout << *proof << std::flush;
    return 0;
}

}  // namespace domicile::app

#pragma once
// What goes to an institution with a batch: which documents, in which order, and the root of the log they are
// in. Batches are a chain: each manifest bears the hash of the one before. Pure.

#include "base/error.hpp"
#include "crypto/merkle.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::documents {

struct ManifestEntry {
    std::string id;  ///< "eu-1.42"
    std::string table;
    std::string sha256;  ///< of the document, hex
    std::uint64_t bytes = 0;
    std::string salt;  ///< hex
};

struct Manifest {
    std::string institution;
    std::uint64_t sequence = 1;
    std::string previous;  ///< SHA-256 of the manifest before, hex; of the first: 64 zeros
    std::string made_at;   ///< RFC 3339
    std::vector<ManifestEntry> documents;
    std::uint64_t log_size = 0;  ///< leaves, these documents included
    std::string log_root;        ///< hex
};

/// A log's entry: it commits to the document without telling of it. Without the salt, which is destroyed with
/// the person's key, nobody can tell which document a leaf was. Hashes and salts in hex.
[[nodiscard]] std::string entry_of(std::string_view id, std::string_view sha256, std::string_view salt);
/// Its hash.
[[nodiscard]] crypto::Digest leaf_of(std::string_view id, std::string_view sha256, std::string_view salt);

/// The same manifest gives the same bytes.
[[nodiscard]] std::string to_json(const Manifest& manifest);
/// invalid_value for anything that to_json() does not give.
[[nodiscard]] base::Result<Manifest> parse_manifest(std::string_view text);

/// What stands, with a signature on the next line, in "ID.withdrawn" where a document was erased with its
/// person's key.
[[nodiscard]] std::string withdrawal_text(std::string_view id);
/// Where things stand in what an institution receives: "00000017/".
[[nodiscard]] std::string batch_folder(std::uint64_t sequence);

}  // namespace domicile::documents

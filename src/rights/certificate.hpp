#pragma once
// What a person, or an authority, is given about an erasure: what was done in each store, what remains where
// until when, and the proof that the ledger holds it. Signed, and checked from the file and a public key
// alone. Pure.

#include "crypto/signature.hpp"
#include "documents/pdf.hpp"
#include "documents/proof.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::rights {

struct Done {
    std::string store;  ///< "table users"
    std::string what;   ///< "email: set to null"
    std::int64_t rows = 0;
};
struct Kept {
    std::string store;
    std::string until;  ///< a day, or empty: no date
    std::string why;
};
struct Certificate {
    std::string system, jurisdiction, shard;
    std::int64_t user_id = 0;
    std::int64_t request = 0;
    std::string asked_at, begun_at, done_at;  ///< RFC 3339
    std::int64_t entry = 0;                   ///< number in the shard's ledger
    std::vector<Done> done;
    std::vector<Kept> stays;               ///< by law or by the topology's rules
    std::vector<Kept> remains;             ///< bytes that are not reachable any more, and will be gone
    std::vector<std::string> readers;      ///< that have replayed it
    std::vector<std::string> readers_not;  ///< that had not when it was written
    std::string ledger_proof;              ///< C2SP tlog-proof
};

/// What the ledger's leaf commits to.
[[nodiscard]] std::string ledger_statement(std::string_view kind, std::string_view shard, std::int64_t entry,
                                           std::int64_t user_id, std::int64_t request,
                                           std::string_view begun_at);
/// "erasure eu-1.7".
[[nodiscard]] std::string ledger_id(std::string_view kind, std::string_view shard, std::int64_t entry);

/// One line of JSON, and one of Ed25519 over it in base64.
[[nodiscard]] base::Result<std::string> sign_certificate(const Certificate& certificate,
                                                         const crypto::SigningKey& key);
/// Nothing if it is none, or not signed by that key.
[[nodiscard]] std::optional<Certificate> open_certificate(std::string_view file,
                                                          const crypto::VerifyingKey& key);
/// Whether its ledger proof holds, under that key.
[[nodiscard]] bool stands_in_ledger(const Certificate& certificate, const crypto::VerifyingKey& key);
/// For a person to read.
[[nodiscard]] std::string to_text(const Certificate& certificate);
/// The same as a page; its hash is that of the signed line, which stays what counts.
[[nodiscard]] documents::Record to_record(const Certificate& certificate, std::string_view file);

}  // namespace domicile::rights

#pragma once
// Proofs that a third party checks from two files and a public key: that a document stands in an
// institution's log (C2SP tlog-proof), and that a log has only grown (the body that C2SP tlog-witness asks
// for).

#include "crypto/checkpoint.hpp"
#include "crypto/merkle.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::documents {

struct InclusionProof {
    std::string id;    ///< "eu-1.42"
    std::string salt;  ///< hex
    std::uint64_t index = 0;
    std::vector<crypto::Digest> hashes;
    std::string checkpoint;  ///< signed
};
[[nodiscard]] std::string to_text(const InclusionProof& proof);
/// Nothing for anything that to_text() does not give.
[[nodiscard]] std::optional<InclusionProof> parse_inclusion(std::string_view text);
/// The checkpoint that the document with that SHA-256 (hex) is proven to be under.
[[nodiscard]] std::optional<crypto::Checkpoint> check(const InclusionProof& proof, std::string_view sha256,
                                                      const crypto::VerifyingKey& key);

struct ConsistencyProof {
    std::uint64_t old_size = 0;
    std::vector<crypto::Digest> hashes;
    std::string checkpoint;  ///< the newer one
};
[[nodiscard]] std::string to_text(const ConsistencyProof& proof);
[[nodiscard]] std::optional<ConsistencyProof> parse_consistency(std::string_view text);
/// The newer checkpoint, if it is proven to continue `older`.
[[nodiscard]] std::optional<crypto::Checkpoint> check(const ConsistencyProof& proof,
                                                      const crypto::Checkpoint& older,
                                                      const crypto::VerifyingKey& key);

}  // namespace domicile::documents

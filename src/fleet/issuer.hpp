#pragma once
// The deployment's own token issuers, one for each jurisdiction: a signing key only the runtime user may
// read, and public keys for every gateway. Beside them the key of the jurisdiction's pseudonyms.

#include "crypto/signature.hpp"
#include "fleet/secrets.hpp"
#include "topology/topology.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace domicile::fleet {

/// Makes what is not there yet: keys, and the folders of the access logs.
[[nodiscard]] base::Status make_issuers(const Secrets& secrets, const RunAs& user);
/// A new signing key; tokens under the old one stay good, since its public half is kept. configuration if
/// there is no issuer yet.
[[nodiscard]] base::Status roll_issuer(const Secrets& secrets, std::string_view jurisdiction);

/// A JWK set.
[[nodiscard]] std::filesystem::path issuer_keys(const StateDir& state, std::string_view jurisdiction);
/// configuration if it is missing or may not be read.
[[nodiscard]] base::Result<crypto::SigningKey> read_issuer(const Secrets& secrets,
                                                           std::string_view jurisdiction);
/// What signs the manifests that institutions of a jurisdiction receive.
[[nodiscard]] base::Result<crypto::SigningKey> read_dispatch_key(const Secrets& secrets,
                                                                 std::string_view jurisdiction);
[[nodiscard]] base::Result<base::Secret<std::string>> read_pseudonym_key(const Secrets& secrets,
                                                                         std::string_view jurisdiction);
[[nodiscard]] std::filesystem::path access_folder(const StateDir& state, std::string_view region);

}  // namespace domicile::fleet

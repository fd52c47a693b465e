#pragma once
// Who signs the relays' certificates: one authority for each jurisdiction, whose key lives in that
// jurisdiction's vault and whose certificate everybody may see. None can speak for another's regions.

#include "crypto/certificate.hpp"
#include "fleet/secrets.hpp"

#include <map>
#include <string>
#include <string_view>

namespace domicile::fleet {

/// Makes those that are not there yet, if any region is in the mesh.
[[nodiscard]] base::Status make_mesh_authorities(const Secrets& secrets);
/// With its key: only within reach of the jurisdiction's vault.
[[nodiscard]] base::Result<crypto::Identity> mesh_authority(const Secrets& secrets,
                                                            std::string_view jurisdiction);
/// All certificates, by jurisdiction.
[[nodiscard]] std::map<std::string, std::string> mesh_authorities(const topology::Topology& topology,
                                                                  const StateDir& state);

}  // namespace domicile::fleet

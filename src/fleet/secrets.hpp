#pragma once
// The deployment's own secrets: database logins, the doors' passwords, signing and pseudonym keys. They live
// in the vault and never stand in an argument, an environment, a log or an SQL text (roles get SCRAM
// verifiers). One file is in clear, because libpq reads nothing else: the replication role's passfile.
//   db/<role>, login/<name>, verifier/<name>, central-figures, issuer-key, pseudonym-key, node-ca-key,
//   mesh-ca-key

#include "base/error.hpp"
#include "base/secret.hpp"
#include "fleet/roles.hpp"
#include "fleet/state_dir.hpp"
#include "topology/topology.hpp"
#include "vault/rotation.hpp"
#include "vault/vault.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace domicile::fleet {

class Secrets {
  public:
    /// `near`: read there first, and keep to its jurisdiction; empty: the writer regions, all jurisdictions.
    /// The topology outlives it.
    Secrets(const topology::Topology& topology, StateDir state,
            std::optional<topology::RegionIndex> near = std::nullopt)
        : topology_(topology), state_(std::move(state)), near_(near) {}

    /// The vault of a jurisdiction, or of central. configuration if there is no such scope, or it is not
    /// within reach of `near`.
    [[nodiscard]] base::Result<vault::Vault> vault(std::string_view scope) const;
    /// The vault of a declared secret of the application, in every region it may be in that is within reach.
    [[nodiscard]] base::Result<vault::Vault> vault(const topology::SharedSecret& secret) const;

    /// The login that serves a database role now. configuration if it is missing or may not be read.
    [[nodiscard]] base::Result<vault::DatabaseLogin> login(std::string_view scope,
                                                           std::string_view role) const;
    /// Any other secret's current value. configuration likewise.
    [[nodiscard]] base::Result<base::Secret<std::string>> text(std::string_view scope,
                                                               std::string_view name) const;

    /// Makes every password and key that is not there yet, in the places of the local vault, which `user`
    /// owns; and the passfiles.
    [[nodiscard]] base::Status make(const RunAs& user) const;
    /// Writes what libpq needs to stream: each login of the replication role that may be in use.
    [[nodiscard]] base::Status write_passfile(std::string_view scope, const RunAs& user) const;

    /// Central's login for figures, into every jurisdiction's vault.
    [[nodiscard]] base::Status share_central() const;
    /// A new version of a region's key; what older versions sealed still opens.
    [[nodiscard]] base::Status rotate_key(topology::RegionIndex region) const {
        return place(region).keys->rotate();
    }

    /// The key service that seals what lives in a jurisdiction's shards: its writer region's. configuration
    /// if out of reach.
    [[nodiscard]] base::Result<std::shared_ptr<cloud::KeyService>> keys_of(
        std::string_view jurisdiction) const;

    [[nodiscard]] const topology::Topology& topology() const { return topology_; }
    [[nodiscard]] const StateDir& state() const { return state_; }
    [[nodiscard]] std::optional<topology::RegionIndex> near() const { return near_; }

  private:
    [[nodiscard]] vault::Place place(topology::RegionIndex region) const;
    [[nodiscard]] base::Status make_scope(std::string_view scope) const;
    [[nodiscard]] base::Result<vault::Vault> over(std::string scope,
                                                  std::vector<topology::RegionIndex> regions) const;

    const topology::Topology& topology_;
    StateDir state_;
    std::optional<topology::RegionIndex> near_;
};

/// "db/domicile_gateway".
[[nodiscard]] std::string login_secret(std::string_view role);

/// The scope of a node's secrets: its jurisdiction's name, or "central".
[[nodiscard]] std::string scope_of(const topology::Topology& topology, const topology::Node& node);

/// Where readers of a scope find the replication role's passwords, in libpq's passfile format.
[[nodiscard]] std::filesystem::path passfile(const StateDir& state, std::string_view scope);

/// PostgreSQL's stored form of a password (SCRAM-SHA-256$4096:salt$stored:server, RFC 5803). The salt follows
/// from the password, which is 256 random bits: the same password gives the same text, so setting it again
/// changes nothing.
[[nodiscard]] std::string scram_verifier(const base::Secret<std::string>& password);

}  // namespace domicile::fleet

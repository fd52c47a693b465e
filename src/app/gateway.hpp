#pragma once
// `domicile gateway`: the process that serves one region.

#include "base/error.hpp"
#include "base/secret.hpp"
#include "events/figure_table.hpp"
#include "topology/topology.hpp"
#include "vault/rotation.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace domicile::app {

struct GatewayOptions {
    topology::RegionIndex region;
    /// The login that serves a node role of the own jurisdiction now; asked again and again, since passwords
    /// rotate. May block.
    std::function<base::Result<vault::DatabaseLogin>(const std::string& role)> login_of;
    std::chrono::milliseconds login_age_max{1'000};  ///< how often it is asked
    std::string monitor_role;                        ///< positions of nodes, no rows
    /// Who may log in at the SQL door; empty: the door stays closed.
    struct Login {
        std::string name;
        std::string verifier;  ///< RFC 5803
        std::string role;
        bool superuser = false;  ///< may use files of the server
    };
    std::vector<Login> logins;
    std::string operator_role;  ///< the node role of whoever comes with a token and has the role "operator" …
    std::string rows_role;      ///< … and of all others that come with one
    std::filesystem::path folder;         ///< of the topology file
    std::filesystem::path issuer_keys;    ///< folder with JURISDICTION.jwks
    std::filesystem::path access_folder;  ///< of this region's access log
    std::filesystem::path region_folder;  ///< app/region_files.hpp
    /// Central's figures; empty: none are declared. May block.
    std::function<base::Result<events::Figures>()> read_figures;
    /// How many erasures the ledger of a shard of the own jurisdiction holds; empty: nobody is ever erased.
    /// May block.
    std::function<base::Result<std::uint64_t>(topology::ShardIndex)> ledger_head;
    base::Secret<std::string> pseudonym_key;    ///< of the own jurisdiction
    std::string tls_certificate;                ///< PEM files for the SQL door; empty: no TLS
    std::vector<std::string> node_authorities;  ///< PEM files: who signs the nodes' certificates
    std::string tls_key;
};

/// Serves until SIGTERM or SIGINT, then drains: /readyz says no, open requests end, five seconds at most.
base::Status run_gateway(const topology::Topology& topology, GatewayOptions options);

}  // namespace domicile::app

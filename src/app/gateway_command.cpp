// `domicile gateway`: reads the topology and its own jurisdiction's passwords, then serves one region.

#include "app/common.hpp"
#include "app/gateway.hpp"
#include "app/worker.hpp"
#include "base/log.hpp"
#include "documents/log.hpp"
#include "events/read_figures.hpp"
#include "fleet/issuer.hpp"
#include "fleet/secrets.hpp"

#include <algorithm>
#include <iostream>

namespace domicile::app {

int gateway(const Common& common, const GatewayCommand& command) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const auto region = topology->region(command.region);
    if (!region) {
        return failed({base::Code::configuration,
                       "The topology has no region " + command.region + ".",
                       "Name one with --region.",
                       {},
                       {}});
    }
    using base::log::Level;
    base::log::set_level(command.log_level == "debug"  ? Level::debug
                         : command.log_level == "warn" ? Level::warn
                                                       : Level::info);
    const auto options = fleet_options(common, *topology);
    const std::string& jurisdiction = topology->at(topology->at(*region).jurisdiction).name;
    // Only the own jurisdiction's secrets are within reach: a gateway cannot log in abroad even if it wanted
    // to.
    const fleet::Secrets secrets(*topology, fleet::StateDir(options.state), *region);
    GatewayOptions gateway;
    gateway.region = *region;
    gateway.login_of = [&](const std::string& role) { return secrets.login(jurisdiction, role); };
    if (topology->vault.driver == topology::Vault::Driver::aws) {
        gateway.login_age_max = std::chrono::minutes{1};  // each look is a call that AWS charges for
    }
    gateway.monitor_role = fleet::roles::monitor;
    gateway.operator_role = fleet::roles::owner;
    gateway.rows_role = fleet::roles::gateway;
    const fleet::StateDir state(options.state);
    auto pseudonyms = fleet::read_pseudonym_key(secrets, jurisdiction);
    if (!pseudonyms) {
        return failed(pseudonyms.error());
    }
    gateway.pseudonym_key = std::move(*pseudonyms);
    gateway.region_folder = state.region(command.region);
    gateway.access_folder = fleet::access_folder(state, command.region);
    gateway.issuer_keys = fleet::issuer_keys(state, jurisdiction).parent_path();
    if (topology->central && !topology->statistics.empty()) {
        gateway.read_figures =
            [&, connect = central_figures(secrets, jurisdiction)]() -> base::Result<events::Figures> {
            auto client = connect();
            return client ? events::read_figures(*topology, *client) : std::unexpected(client.error());
        };
    }
    std::unique_ptr<cloud::ObjectStore> store;
    if (std::ranges::any_of(topology->tables, [](const auto& table) { return !table.personal.empty(); })) {
        store = document_store(secrets, jurisdiction);
        gateway.ledger_head = [&](topology::ShardIndex shard) {
            return documents::Log(*store, "erasures-" + topology->at(shard).name).size();
        };
    }
    gateway.folder = command.files.empty() ? common.topology.parent_path() : command.files;
    gateway.tls_certificate = command.tls_certificate;
    gateway.tls_key = command.tls_key;
    gateway.node_authorities = command.node_authorities;
    std::vector<fleet::Login> logins(fleet::logins.begin(), fleet::logins.end());
    if (topology->database.superuser_login) {
        logins.push_back(fleet::superuser_login);
    }
    for (const auto& login : logins) {
        const auto verifier = secrets.text(jurisdiction, "verifier/" + std::string(login.name));
        if (!verifier) {
            return failed(verifier.error());
        }
        gateway.logins.push_back({std::string(login.name), verifier->reveal(), std::string(login.role),
                                  login.role == fleet::roles::superuser});
    }
    const auto served = run_gateway(*topology, std::move(gateway));
    return served ? 0 : failed(served.error());
}

}  // namespace domicile::app

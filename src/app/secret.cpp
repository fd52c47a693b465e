// `domicile secret …`: look at the vault, change it, rotate what the databases know.

#include "app/commands.hpp"
#include "app/common.hpp"
#include "fleet/rotation.hpp"
#include "fleet/secrets.hpp"

#include <algorithm>
#include <iostream>
#include <iterator>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

namespace json = boost::json;
using base::Code;
using Text = base::Secret<std::string>;

int refuse(std::string text, std::string hint) {
    return failed({Code::configuration, std::move(text), std::move(hint), {}, {}});
}

/// What the command speaks of: a scope of the deployment's own secrets, or a declared one of the application.
struct Found {
    std::string scope;
    vault::Vault vault;
    const topology::SharedSecret* shared = nullptr;
};

base::Result<Found> find(const topology::Topology& topology, const fleet::Secrets& secrets,
                         const SecretOptions& options) {
    const auto shared = std::ranges::find(topology.secrets, options.name, &topology::SharedSecret::name);
    if (options.jurisdiction.empty() && shared != topology.secrets.end()) {
        auto vault = secrets.vault(*shared);
        return vault ? base::Result<Found>(Found{"shared", std::move(*vault), &*shared})
                     : std::unexpected(vault.error());
    }
    const std::string scope =
        options.jurisdiction.empty() ? topology.jurisdictions.front().name : options.jurisdiction;
    auto vault = secrets.vault(scope);
    return vault ? base::Result<Found>(Found{scope, std::move(*vault), nullptr})
                 : std::unexpected(vault.error());
}

std::string stages_of(const vault::PlaceView& place) {
    std::string text;
    for (const auto& version : place.versions) {
        for (const auto stage : version.stages) {
            text +=
                (text.empty() ? "" : " ") + std::string(cloud::name(stage)) + "=" + version.id.substr(0, 8);
        }
    }
    return text;
}

/// One secret in every region; false if a region is behind.
bool show(const Found& found, const std::string& name, json::array* all) {
    const auto places = found.vault.describe(name);
    if (!places) {
        failed(places.error());
        return false;
    }
    json::array regions;
    bool good = true;
    for (const auto& place : *places) {
        const std::string state = !place.reachable ? "out of reach" : place.in_step ? "in step" : "behind";
        good = good && place.in_step;
        if (all == nullptr) {
            std::cout << found.scope << "/" << name << "  " << place.region << "  " << state << "  "
                      << stages_of(place) << '\n';
            continue;
        }
        json::array versions;
        for (const auto& version : place.versions) {
            json::array stages;
            for (const auto stage : version.stages) {
                stages.push_back(json::value(cloud::name(stage)));
            }
            versions.push_back({{"id", version.id}, {"stages", stages}});
        }
        regions.push_back({{"region", place.region}, {"state", state}, {"versions", versions}});
    }
    if (all != nullptr) {
        all->push_back({{"scope", found.scope}, {"name", name}, {"regions", regions}});
    }
    return good;
}

int list(const topology::Topology& topology, const fleet::Secrets& secrets, const SecretOptions& options,
         bool as_json) {
    json::array all;
    bool good = true;
    std::vector<std::string> scopes;
    if (!options.jurisdiction.empty()) {
        scopes.push_back(options.jurisdiction);
    } else {
        for (const auto& jurisdiction : topology.jurisdictions) {
            scopes.push_back(jurisdiction.name);
        }
        if (topology.central) {
            scopes.emplace_back(fleet::central_scope);
        }
    }
    for (const auto& scope : scopes) {
        auto vault = secrets.vault(scope);
        const auto names = vault ? vault->list() : std::unexpected(vault.error());
        if (!names) {
            return failed(names.error());
        }
        const Found found{scope, std::move(*vault), nullptr};
        for (const auto& name : *names) {
            good = show(found, name, as_json ? &all : nullptr) && good;
        }
    }
    for (const auto& secret : topology.secrets) {
        auto vault = secrets.vault(secret);
        if (!options.jurisdiction.empty() || !vault) {
            continue;
        }
        const auto places = vault->describe(secret.name);
        if (places || places.error().code != Code::not_found) {  // it is declared, and may have no value yet
            good =
                show({"shared", std::move(*vault), &secret}, secret.name, as_json ? &all : nullptr) && good;
        }
    }
    if (as_json) {
        std::cout << json::serialize(all) << '\n';
    }
    return good ? 0 : 1;
}

int get(const Found& found, const SecretOptions& options) {
    const auto stage = cloud::stage_named(options.stage);
    const auto value = found.vault.get(options.name, stage.value_or(cloud::Stage::current));
    if (!value) {
        auto error = value.error();
        error.hint =
            error.code == Code::not_found
                ? "`domicile secret list` shows what there is; `domicile up` makes the deployment's own."
                : "Only the user who runs the system may read secrets.";
        return failed(error);
    }
    if (options.field.empty()) {
        std::cout << value->value.reveal() << '\n';
        return 0;
    }
    const auto login = vault::parse_login(value->value);
    if (!login) {
        return refuse("Secret " + options.name + " has no fields.", "Ask without --field.");
    }
    std::cout << (options.field == "username" ? login->user : login->password.reveal()) << '\n';
    return 0;
}

int put(const Found& found, const SecretOptions& options) {
    const bool door = options.name.starts_with("login/") && found.shared == nullptr;
    if (found.shared == nullptr && !door) {
        return refuse("Secret " + options.name + " is not the application's.",
                      "Declare it in the topology: [secrets." + options.name +
                          "]; the deployment's own are rotated, not written.");
    }
    // From standard input: arguments are seen by everybody on the machine.
    std::string text(std::istreambuf_iterator<char>(std::cin), {});
    if (text.ends_with('\n')) {
        text.pop_back();
    }
    const Text value(std::move(text));
    if (value.empty() || value.reveal().size() > cloud::secret_bytes_max / 2) {
        return refuse("A secret has 1 to " + std::to_string(cloud::secret_bytes_max / 2) + " bytes.",
                      "Give it on standard input: printf %s \"$value\" | domicile secret put NAME");
    }
    if (door) {
        const std::string verifier = "verifier/" + options.name.substr(options.name.find('/') + 1);
        if (const auto done = found.vault.put(verifier, Text(fleet::scram_verifier(value))); !done) {
            return failed(done.error());
        }
    }
    const auto done = found.vault.put(options.name, value);
    if (!done) {
        return failed(done.error());
    }
    std::cout << "version " << *done << (door ? "; gateways take it at their next start" : "") << '\n';
    return show(found, options.name, nullptr) ? 0 : 1;
}

int rotate(const topology::Topology& topology, const fleet::Secrets& secrets, const SecretOptions& options) {
    std::vector<std::pair<std::string, std::string>> wanted;  // scope and role
    std::vector<std::string> scopes;
    for (const auto& jurisdiction : topology.jurisdictions) {
        scopes.push_back(jurisdiction.name);
    }
    if (topology.central) {
        scopes.emplace_back(fleet::central_scope);
    }
    if (!options.jurisdiction.empty()) {
        scopes = {options.jurisdiction};
    } else if (!options.all) {
        scopes.resize(1);
    }
    if (!options.all && options.name.empty()) {
        return refuse("There is nothing to rotate.",
                      "Name a login, such as db/domicile_gateway, or say --all.");
    }
    const auto rotating = fleet::roles_of(options.jurisdiction);
    const bool known = std::ranges::any_of(
        rotating, [&](std::string_view role) { return fleet::login_secret(role) == options.name; });
    if (!options.all && !known) {
        return refuse("Only database logins rotate: " + options.name + " is none.",
                      "Name one, such as db/domicile_gateway, or say --all.");
    }
    for (const auto& scope : scopes) {
        if (!options.all) {
            wanted.emplace_back(scope, options.name.substr(3));
            continue;
        }
        for (const auto role : fleet::roles_of(scope)) {
            wanted.emplace_back(scope, std::string(role));
        }
    }
    for (const auto& [scope, role] : wanted) {
        vault::RotationOptions how;
        how.settle = std::chrono::seconds(options.settle);
        how.progress = [&](vault::RotationStep step) {
            if (step != vault::RotationStep::done) {
                std::cout << scope << "/db/" << role << "  " << vault::name(step) << std::endl;
            }
        };
        if (const auto done = fleet::rotate_role(secrets, scope, role, how); !done) {
            std::cout << scope << "/db/" << role
                      << "  stopped: the current login works; run this again to go on" << std::endl;
            return failed(done.error());
        }
        const auto login = secrets.login(scope, role);
        std::cout << scope << "/db/" << role << "  done: " << (login ? login->user : "?") << " serves"
                  << std::endl;
    }
    return 0;
}

int replicate(const Found& found, const SecretOptions& options) {
    std::vector<std::string> names = {options.name};
    if (options.name.empty()) {
        const auto all = found.vault.list();
        if (!all) {
            return failed(all.error());
        }
        names = *all;
    }
    int status = 0;
    for (const auto& name : names) {
        if (const auto done = found.vault.replicate(name); !done) {
            status = failed(done.error());
        }
        status = show(found, name, nullptr) ? status : 1;
    }
    return status;
}

}  // namespace

int secret(const Common& common, const SecretOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const fleet::Secrets secrets(*topology, fleet::StateDir(fleet_options(common, *topology).state));
    if (options.what == "list") {
        return list(*topology, secrets, options, common.json);
    }
    if (options.what == "rotate") {
        return rotate(*topology, secrets, options);
    }
    if (options.what == "rotate-keys") {
        if (!options.region.empty() && !topology->region(options.region)) {
            return refuse("There is no region " + options.region + ".",
                          "Name one of the topology, or none for all.");
        }
        for (std::uint16_t i = 0; i < topology->regions.size(); ++i) {
            const topology::RegionIndex region(i);
            if (!options.region.empty() && topology->at(region).name != options.region) {
                continue;
            }
            if (const auto done = secrets.rotate_key(region); !done) {
                return failed(done.error());
            }
            std::cout << topology->at(region).name << "  new values are sealed under a new key version\n";
        }
        return 0;
    }
    const auto found = find(*topology, secrets, options);
    if (!found) {
        return failed(found.error());
    }
    if (options.what == "get") {
        return get(*found, options);
    }
    if (options.what == "put") {
        return put(*found, options);
    }
    if (options.what == "replicate") {
        return replicate(*found, options);
    }
    if (found->shared == nullptr) {
        return refuse("Secret " + options.name + " is not the application's.",
                      "Only those that the topology declares under [secrets] can be deleted.");
    }
    const auto gone = found->vault.remove(options.name);
    return gone ? 0 : failed(gone.error());
}

}  // namespace domicile::app

// `domicile token`: issues a bearer token of the deployment's own issuer.

#include "access/authenticator.hpp"
#include "app/commands.hpp"
#include "app/common.hpp"
#include "fleet/issuer.hpp"

#include <charconv>
#include <ctime>
#include <iostream>

namespace domicile::app {
namespace {

constexpr std::int64_t longest = 30 * 86'400;

/// "90s", "15m", "1h", "2d" in seconds.
std::optional<std::int64_t> duration(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    const std::int64_t factor = unit == "s"   ? 1
                                : unit == "m" ? 60
                                : unit == "h" ? 3'600
                                : unit == "d" ? 86'400
                                              : 0;
    if (failed != std::errc() || factor == 0 || value <= 0 || value > longest / factor) {
        return std::nullopt;
    }
    return value * factor;
}

}  // namespace

int token(const Common& common, const TokenOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const auto refuse = [](std::string text, std::string hint) {
        return failed({base::Code::configuration, std::move(text), std::move(hint), {}, {}});
    };
    const auto jurisdiction = options.jurisdiction.empty() ? std::optional(base::JurisdictionIndex{0})
                                                           : topology->jurisdiction(options.jurisdiction);
    if (!jurisdiction) {
        return refuse("There is no jurisdiction " + options.jurisdiction + ".",
                      "Name one with --jurisdiction.");
    }
    const auto policies = read_policies(*topology, common.topology.parent_path());
    if (!policies) {
        return failed(policies.error());
    }
    if (!(*policies)->has_role(options.role)) {
        return refuse("There is no role " + options.role + ".",
                      "Roles are " + (*policies)->role_names() + ".");
    }
    if (options.role == "subject" && !options.user) {
        return refuse("A subject acts for one person.", "Name it with --user ID.");
    }
    const auto ttl = duration(options.ttl);
    if (!ttl) {
        return refuse("\"" + options.ttl + "\" is no lifetime.", "Write 90s, 15m, 1h or 2d; 30d at most.");
    }
    const fleet::Secrets secrets(*topology, fleet::StateDir(fleet_options(common, *topology).state));
    const auto key = fleet::read_issuer(secrets, topology->at(*jurisdiction).name);
    if (!key) {
        return failed(key.error());
    }
    iam::Claims claims;
    claims.issuer = access::own_issuer(*topology, *jurisdiction);
    claims.audience = topology->identity.audience;
    claims.name = options.name.empty() ? options.role : options.name;
    claims.roles = {options.role};
    claims.jurisdiction = topology->at(*jurisdiction).name;
    if (options.user) {
        claims.user = base::UserId{*options.user};
    }
    claims.purpose = options.purpose;
    claims.issued = std::time(nullptr);
    claims.expires = claims.issued + *ttl;
    const auto made = iam::issue_token(claims, *key, iam::thumbprint(key->verifying()));
    if (!made) {
        return failed(made.error());
    }
    std::cout << *made << '\n';
    return 0;
}

}  // namespace domicile::app

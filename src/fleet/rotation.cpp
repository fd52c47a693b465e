#include "fleet/rotation.hpp"

#include "cloud/files.hpp"
#include "fleet/context.hpp"
#include "fleet/text.hpp"

#include <algorithm>
#include <thread>

namespace domicile::fleet {
namespace {

using base::Code;
using vault::DatabaseLogin;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto answer_wait = 20s;
// A reader that has not replayed the new password by then is down, not late.
constexpr auto replay_wait = 15s;

/// The nodes whose roles a scope's secrets are.
std::vector<const topology::Node*> nodes_of(const topology::Topology& topology, std::string_view scope) {
    std::vector<const topology::Node*> nodes;
    for (const auto& node : topology.nodes) {
        if (node.embedded && scope_of(topology, node) == scope) {
            nodes.push_back(&node);
        }
    }
    return nodes;
}

base::Error about(const topology::Node& node, base::Error error) {
    error.text = "node " + node.name + ": " + error.text;
    return error;
}

/// As a superuser, on every node that is not in recovery: whichever writes since the last failover.
base::Status on_writers(const Secrets& secrets, std::string_view scope, const std::string& script) {
    const auto& topology = secrets.topology();
    std::vector<const topology::Node*> left = nodes_of(topology, scope);
    std::vector<bool> written(topology.shards.size() + 1, false);
    for (const auto* node : left) {
        auto client = connect(secrets, *node, roles::superuser, "postgres");
        if (!client) {
            continue;  // a reader may be down; a shard whose writer is down is told below
        }
        const auto recovering = single_value(*client, "SELECT pg_is_in_recovery()");
        if (!recovering || *recovering != "f") {
            continue;
        }
        if (const auto done = client->run(script, answer_wait); !done) {
            return std::unexpected(about(*node, done.error()));
        }
        written[node->shard.value] = true;
    }
    for (const auto* node : left) {
        if (!written[node->shard.value]) {
            return base::fail(Code::node_unavailable,
                              "node " + node->name + ": no writer of its shard answers",
                              "nothing is lost: rotate again when it is up");
        }
    }
    return {};
}

/// Whether a node holds the login's password; readers replay it after a while. A node that is down is passed
/// over: it cannot serve with the old one either before it has replayed the new.
base::Status holds(const Secrets& secrets, const topology::Node& node, const DatabaseLogin& login) {
    const std::string question = "SELECT 1 FROM pg_authid WHERE rolname = " + sql_literal(login.user) +
                                 " AND rolpassword = " + sql_literal(scram_verifier(login.password));
    const auto deadline = Clock::now() + replay_wait;
    for (;;) {
        auto client = connect(secrets, node, roles::superuser, "postgres");
        if (!client) {
            return node.writer ? base::Status(std::unexpected(about(node, client.error()))) : base::Status();
        }
        const auto held = single_value(*client, question);
        if (held && *held) {
            return {};
        }
        if (Clock::now() > deadline) {
            return base::fail(Code::node_unavailable,
                              "node " + node.name + " does not replay the new password",
                              "mend the reader, then rotate again");
        }
        std::this_thread::sleep_for(100ms);
    }
}

base::Status set(const Secrets& secrets, std::string_view scope, std::string_view role,
                 const DatabaseLogin& login) {
    if (role == roles::replication) {
        // Before the databases ask for it: a reader that is refused tries again five times a second.
        auto user = runtime_user();
        if (!user) {
            return std::unexpected(user.error());
        }
        if (auto written = secrets.write_passfile(scope, *user); !written) {
            return written;
        }
    }
    return on_writers(secrets, scope,
                      "ALTER ROLE " + sql_identifier(login.user) + " PASSWORD " +
                          sql_literal(scram_verifier(login.password)));
}

base::Status test(const Secrets& secrets, std::string_view scope, std::string_view role,
                  const DatabaseLogin& login) {
    const auto& topology = secrets.topology();
    for (const auto* node : nodes_of(topology, scope)) {
        if (auto held = holds(secrets, *node, login); !held) {
            return held;
        }
        if (role == roles::replication) {
            continue;  // it may log in to stream only
        }
        const bool super = role == roles::superuser;
        auto client = connect_as(topology, *node, login, super ? "postgres" : topology.database.name);
        const auto who = client ? single_value(*client, "SELECT current_user")
                                : base::Result<std::optional<std::string>>(std::unexpected(client.error()));
        if (!who && !node->writer && who.error().code == Code::node_unavailable) {
            continue;
        }
        if (!who) {
            return std::unexpected(about(*node, who.error()));
        }
        if (*who != std::string(role)) {
            return base::fail(Code::internal, "node " + node->name + ": " + login.user + " does not act as " +
                                                  std::string(role));
        }
    }
    return {};
}

}  // namespace

base::Status rotate_role(const Secrets& secrets, std::string_view scope, std::string_view role,
                         const vault::RotationOptions& options) {
    const auto known = roles_of(scope);
    if (std::ranges::find(known, role) == known.end()) {
        return base::fail(Code::configuration, "There is no database role " + std::string(role) + ".",
                          "`domicile secret list` shows them under db/.");
    }
    const auto vault = secrets.vault(scope);
    if (!vault) {
        return std::unexpected(vault.error());
    }
    // Two at once would each change the login that the other has just tried.
    const auto alone = cloud::FolderLock::take(secrets.state().secrets() / std::string(scope));
    if (!alone) {
        return std::unexpected(alone.error());
    }
    const vault::RotationTarget target{
        std::string(role),
        [&](const DatabaseLogin& login) { return set(secrets, scope, role, login); },
        [&](const DatabaseLogin& login) { return test(secrets, scope, role, login); },
    };
    if (auto rotated = vault::rotate(*vault, login_secret(role), target, options); !rotated) {
        return rotated;
    }
    // Every jurisdiction keeps a copy; until it is there the login before serves, which the next rotation
    // changes.
    return role == roles::figures ? secrets.share_central() : base::Status();
}

}  // namespace domicile::fleet

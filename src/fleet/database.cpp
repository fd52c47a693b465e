#include "fleet/database.hpp"

#include "fleet/migrate.hpp"
#include "fleet/secrets.hpp"
#include "fleet/shard_sql.hpp"
#include "fleet/text.hpp"

#include <iterator>
#include <vector>

namespace domicile::fleet {
using namespace std::chrono_literals;

namespace {

constexpr auto setup_wait = 60s;
// A changed range is checked against every row of the table.
constexpr auto ranges_wait = 30min;
// Any number that applications are unlikely to lock.
constexpr std::string_view setup_lock = "7237129510021";

base::Status run(pool::MaintenanceClient& client, const std::string& script,
                 std::chrono::milliseconds timeout) {
    if (script.empty()) {
        return {};
    }
    auto done = client.run(script, timeout);
    return done ? base::Status() : std::unexpected(std::move(done.error()));
}

/// A connection that is alone in its database among the fleet's own: the backend of a supervisor that was
/// killed may still be about to commit what we would do again.
base::Result<pool::MaintenanceClient> connect_alone(const Context& context, const topology::Node& writer,
                                                    std::string_view role, std::string_view database) {
    auto client = connect(context.secrets, writer, role, database);
    if (!client) {
        return client;
    }
    if (auto alone =
            run(*client, "SET lock_timeout = '50s'; SELECT pg_advisory_lock(" + std::string(setup_lock) + ")",
                setup_wait);
        !alone) {
        return std::unexpected(std::move(alone.error()));
    }
    return client;
}

base::Status about(const topology::Node& node, std::string_view what, base::Error error) {
    error.text = "node " + node.name + ": " + std::string(what) + ": " + error.text;
    return std::unexpected(std::move(error));
}

/// Both logins of a role, with the passwords that some version of its secret holds.
base::Result<std::vector<RoleVerifier>> verifiers_of(const Secrets& secrets, std::string_view scope,
                                                     std::string_view role) {
    const auto vault = secrets.vault(scope);
    if (!vault) {
        return std::unexpected(vault.error());
    }
    std::vector<RoleVerifier> both = {
        {.role = role, .user = std::string(role), .verifier = {}},
        {.role = role, .user = vault::other_user(role, role), .verifier = {}},
    };
    // A pending password may be set already, or may not: it is the later one.
    for (const auto stage : {vault::Stage::previous, vault::Stage::pending, vault::Stage::current}) {
        const auto value = vault->get(login_secret(role), stage);
        if (!value) {
            if (stage != vault::Stage::current && value.error().code == base::Code::not_found) {
                continue;
            }
            return std::unexpected(value.error());
        }
        const auto login = vault::parse_login(value->value);
        if (!login) {
            return std::unexpected(login.error());
        }
        for (auto& one : both) {
            one.verifier = one.user == login->user ? scram_verifier(login->password) : one.verifier;
        }
    }
    return both;
}

base::Status prepare_roles(const Context& context, const topology::Node& writer) {
    auto client = connect_alone(context, writer, roles::superuser, "postgres");
    if (!client) {
        return std::unexpected(std::move(client.error()));
    }
    std::vector<RoleVerifier> verifiers;
    std::vector<std::string_view> wanted(all_roles.begin(), all_roles.end());
    if (context.is_central(writer)) {
        wanted.insert(wanted.end(), central_roles.begin(), central_roles.end());
    }
    for (const auto role : wanted) {
        auto both = verifiers_of(context.secrets, scope_of(context.topology, writer), role);
        if (!both) {
            return std::unexpected(both.error());
        }
        verifiers.insert(verifiers.end(), both->begin(), both->end());
    }
    if (auto done = run(*client, roles_sql(verifiers), setup_wait); !done) {
        return done;
    }
    const auto& database = context.topology.database.name;
    const auto found =
        single_value(*client, "SELECT 1 FROM pg_database WHERE datname = " + sql_literal(database));
    if (!found) {
        return std::unexpected(found.error());
    }
    if (!*found) {
        return run(*client,
                   "CREATE DATABASE " + sql_identifier(database) + " OWNER " + std::string(roles::owner),
                   setup_wait);
    }
    return {};
}

base::Status run_as_superuser(const Context& context, const topology::Node& writer,
                              const std::string& script) {
    if (script.empty()) {
        return {};
    }
    auto client = connect_alone(context, writer, roles::superuser, context.topology.database.name);
    return client ? run(*client, script, setup_wait) : std::unexpected(std::move(client.error()));
}

base::Result<std::vector<Migration>> migrations_for(const Context& context, const topology::Node& writer) {
    const bool central = context.is_central(writer);
    auto all = ordered("platform", central ? platform_central_files() : platform_shard_files());
    if (!all || central || context.topology.database.migrations.empty()) {
        return all;
    }
    auto files =
        read_migrations(context.options.topology_file.parent_path() / context.topology.database.migrations);
    if (!files) {
        return std::unexpected(std::move(files.error()));
    }
    auto application = ordered("app", std::move(*files));
    if (!application) {
        return application;
    }
    all->insert(all->end(), std::make_move_iterator(application->begin()),
                std::make_move_iterator(application->end()));
    return all;
}

std::string generated_sql(const Context& context, const topology::Node& writer) {
    if (!context.is_central(writer)) {
        return shard_sql(context.topology, writer.shard);
    }
    return central_sql(context.topology);
}

base::Status prepare_schema(const Context& context, const topology::Node& writer) {
    const auto migrations = migrations_for(context, writer);
    if (!migrations) {
        return std::unexpected(migrations.error());
    }
    auto client = connect_alone(context, writer, roles::owner, context.topology.database.name);
    if (!client) {
        return std::unexpected(std::move(client.error()));
    }
    const auto applied = [&](std::string_view name) {
        context.say(Step::migrate, name, std::string(name) + " applied on " + writer.name);
    };
    if (auto done = migrate(*client, *migrations, applied); !done) {
        return about(writer, "migrations", std::move(done.error()));
    }
    if (auto done = run(*client, generated_sql(context, writer), ranges_wait); !done) {
        return about(writer, "topology", std::move(done.error()));
    }
    return {};
}

}  // namespace

base::Status prepare_database(const Context& context, const topology::Node& writer) {
    if (auto done = prepare_roles(context, writer); !done) {
        return about(writer, "roles", std::move(done.error()));
    }
    if (auto done = run_as_superuser(
            context, writer, database_sql(context.topology.database.name, context.is_central(writer)));
        !done) {
        return about(writer, "database", std::move(done.error()));
    }
    if (context.is_central(writer)) {
        return prepare_schema(context, writer);
    }
    if (auto done = run_as_superuser(context, writer, function_owner_sql(roles::owner)); !done) {
        return done;
    }
    if (auto done = prepare_schema(context, writer); !done) {
        return done;
    }
    return run_as_superuser(
        context, writer,
        function_owner_sql(roles::officer) + personal_statistics_sql(context.topology, writer.shard));
}

base::Result<SlotState> slot_state(pool::MaintenanceClient& writer, std::string_view slot) {
    const auto status = single_value(
        writer, "SELECT coalesce(wal_status, 'reserved') FROM pg_replication_slots WHERE slot_name = " +
                    sql_literal(slot));
    if (!status) {
        return std::unexpected(status.error());
    }
    if (!*status) {
        return SlotState::missing;
    }
    return **status == "lost" ? SlotState::lost : SlotState::usable;
}

base::Status make_slot(pool::MaintenanceClient& writer, std::string_view slot) {
    const auto name = sql_literal(slot);
    return run(writer,
               "SELECT pg_create_physical_replication_slot(" + name +
                   ", true) WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = " + name +
                   ")",
               setup_wait);
}

base::Status drop_slot(pool::MaintenanceClient& writer, std::string_view slot) {
    return run(writer,
               "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active AND "
               "slot_name = " +
                   sql_literal(slot),
               setup_wait);
}

base::Result<std::optional<std::string>> stream_state(pool::MaintenanceClient& writer,
                                                      std::string_view application) {
    return single_value(writer, "SELECT state FROM pg_stat_replication WHERE application_name = " +
                                    sql_literal(application) + " ORDER BY backend_start DESC LIMIT 1");
}

}  // namespace domicile::fleet

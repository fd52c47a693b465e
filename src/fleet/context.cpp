#include "fleet/context.hpp"

#include "fleet/secrets.hpp"
#include "fleet/text.hpp"
#include "routing/admit.hpp"

#include <array>
#include <cstdio>
#include <unistd.h>

namespace domicile::fleet {
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr auto connect_wait = 5s;
constexpr auto answer_wait = 10s;

std::optional<Programs> programs_in(const fs::path& folder) {
    Programs programs{.initdb = folder / "initdb",
                      .postgres = folder / "postgres",
                      .pg_basebackup = folder / "pg_basebackup"};
    for (const auto& program : {programs.initdb, programs.postgres, programs.pg_basebackup}) {
        if (::access(program.c_str(), X_OK) != 0) {
            return std::nullopt;
        }
    }
    return programs;
}

std::string first_line_of(const char* command) {
    std::array<char, 4096> line{};
    std::string result;
    if (FILE* pipe = ::popen(command, "re"); pipe != nullptr) {
        if (std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr) {
            result = trim(line.data());
        }
        ::pclose(pipe);
    }
    return result;
}

}  // namespace

base::Result<Programs> find_programs() {
    if (auto programs = programs_in("/usr/lib/postgresql/15/bin")) {
        return *std::move(programs);
    }
    const bool fifteen = first_line_of("pg_config --version 2>/dev/null").starts_with("PostgreSQL 15");
    if (fifteen) {
        if (auto programs = programs_in(first_line_of("pg_config --bindir 2>/dev/null"))) {
            return *std::move(programs);
        }
    }
    return base::fail(base::Code::configuration, "PostgreSQL 15 is not installed on this machine",
                      "install the package postgresql-15");
}

bool Context::stopping() const {
    if (stop_.load(std::memory_order_relaxed)) {
        return true;
    }
    return ::access(state.stop_request().c_str(), F_OK) == 0;
}

void Context::say(Step step, std::string_view name, std::string text, std::size_t done,
                  std::size_t total) const {
    if (options.progress) {
        const std::lock_guard lock(saying_);
        options.progress(
            {.step = step, .name = std::string(name), .done = done, .total = total, .text = std::move(text)});
    }
}

base::Result<pool::MaintenanceClient> connect(const Secrets& secrets, const topology::Node& node,
                                              std::string_view role, std::string_view database) {
    const auto login = secrets.login(scope_of(secrets.topology(), node), role);
    return login ? connect_as(secrets.topology(), node, *login, database, secrets.near())
                 : std::unexpected(login.error());
}

base::Result<pool::MaintenanceClient> connect_as(const topology::Topology& topology,
                                                 const topology::Node& node, const vault::DatabaseLogin& with,
                                                 std::string_view database,
                                                 std::optional<topology::RegionIndex> from) {
    const auto index = static_cast<std::uint16_t>(&node - topology.nodes.data());
    const pool::Login login{.user = with.user, .password = with.password, .database = std::string(database)};
    if (node.shard.value >= topology.shards.size()) {
        return pool::MaintenanceClient::open(routing::admit_central(topology), topology,
                                             topology::NodeIndex(index), login, connect_wait, from);
    }
    const auto plan = routing::admit_upkeep(topology, node.shard, topology.at(node.shard).jurisdiction);
    if (!plan) {
        return std::unexpected(plan.error().error);
    }
    return pool::MaintenanceClient::open(*plan, topology, topology::NodeIndex(index), login, connect_wait,
                                         from);
}

base::Result<std::optional<std::string>> single_value(pool::MaintenanceClient& client,
                                                      std::string_view statement) {
    auto sets = client.run(statement, answer_wait);
    if (!sets) {
        return std::unexpected(std::move(sets.error()));
    }
    if (sets->empty() || sets->back().rows.empty() || sets->back().rows[0].empty()) {
        return std::optional<std::string>();
    }
    return sets->back().rows[0][0];
}

}  // namespace domicile::fleet

#include "fleet/migrate.hpp"

#include "crypto/hash.hpp"
#include "fleet/state_dir.hpp"
#include "fleet/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <system_error>

namespace domicile::fleet {
namespace fs = std::filesystem;
using base::Code;
using namespace std::chrono_literals;

namespace {

constexpr auto short_wait = 10s;
constexpr auto migration_wait = 10min;

// Made outside the numbered files, because the record of the first one needs it.
constexpr std::string_view bootstrap_sql = R"sql(
SET client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS domicile;
CREATE TABLE IF NOT EXISTS domicile.migrations (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
SELECT name, sha256 FROM domicile.migrations ORDER BY name;
)sql";

/// The number at the front of "0001_name.sql"; nothing if the name has another shape.
std::optional<unsigned> number_of(std::string_view name) {
    const bool shaped = name.size() > 9 && name[4] == '_' && name.ends_with(".sql") &&
                        std::ranges::all_of(name, [](char byte) {
                            return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '_' ||
                                   byte == '-' || byte == '.';
                        });
    return shaped ? parse_number<unsigned>(name.substr(0, 4)) : std::nullopt;
}

std::string_view origin_of(std::string_view name) {
    return name.substr(0, name.find('/'));
}

base::Result<std::string> transaction_id(pool::MaintenanceClient& client) {
    auto result = client.run("SELECT pg_current_xact_id()::text", short_wait);
    if (!result) {
        return std::unexpected(std::move(result.error()));
    }
    if (result->empty() || result->back().rows.empty() || result->back().rows[0].empty()) {
        return base::fail(Code::internal, "the node does not tell its transaction");
    }
    return result->back().rows[0][0].value_or("");
}

base::Status apply_within(pool::MaintenanceClient& client, const Migration& migration) {
    const auto before = transaction_id(client);
    if (!before) {
        return std::unexpected(before.error());
    }
    if (auto done = client.run(migration.sql, migration_wait); !done) {
        return std::unexpected(std::move(done.error()));
    }
    const auto after = transaction_id(client);
    if (!after) {
        return std::unexpected(after.error());
    }
    if (*before != *after) {
        return base::fail(Code::configuration, "the file ends the transaction it runs in",
                          "take COMMIT and ROLLBACK out of it: each file is one transaction with its record");
    }
    const std::array<std::optional<std::string>, 2> values = {migration.name, migration.sha256};
    if (auto noted =
            client.run("INSERT INTO domicile.migrations (name, sha256) VALUES ($1, $2)", values, short_wait);
        !noted) {
        return std::unexpected(std::move(noted.error()));
    }
    return {};
}

base::Status apply(pool::MaintenanceClient& client, const Migration& migration) {
    if (auto begun = client.run("BEGIN; SET LOCAL lock_timeout = '10s'", short_wait); !begun) {
        return std::unexpected(std::move(begun.error()));
    }
    auto done = apply_within(client, migration);
    if (done) {
        if (auto committed = client.run("COMMIT; RESET ALL", short_wait); !committed) {
            done = std::unexpected(std::move(committed.error()));
        }
    } else {
        [[maybe_unused]] const auto undone = client.run("ROLLBACK", short_wait);
    }
    if (!done) {
        auto error = std::move(done.error());
        error.text = "migration " + migration.name + ": " + error.text;
        return std::unexpected(std::move(error));
    }
    return {};
}

}  // namespace

base::Result<std::vector<Migration>> ordered(std::string_view origin, std::vector<SourceFile> files) {
    std::ranges::sort(files, {}, &SourceFile::name);
    std::vector<Migration> result;
    unsigned expected = 1;
    for (auto& file : files) {
        const auto full = std::string(origin) + "/" + file.name;
        const auto number = number_of(file.name);
        if (!number) {
            return base::fail(Code::configuration, "migration " + full + " has no number",
                              "name it NNNN_name.sql, such as 0001_users.sql, of letters, digits, _ and -");
        }
        if (*number != expected) {
            const bool twice = *number + 1 == expected;
            return base::fail(
                Code::configuration,
                "migration " + full +
                    (twice ? " has the number of another one"
                           : " leaves a gap: number " + std::to_string(expected) + " is missing"),
                "numbers run 0001, 0002, 0003, …");
        }
        ++expected;
        auto sum = crypto::hex(crypto::view(crypto::sha256(file.sql)));
        result.push_back({.name = full, .sql = std::move(file.sql), .sha256 = std::move(sum)});
    }
    return result;
}

base::Result<std::vector<Migration>> pending(std::span<const Migration> all,
                                             std::span<const AppliedMigration> applied) {
    for (const auto& done : applied) {
        const auto source = std::ranges::find(all, done.name, &Migration::name);
        if (source == all.end()) {
            return base::fail(Code::configuration,
                              "migration " + done.name + " is applied, but its file is gone",
                              "bring the file back; undo its effect with a new migration");
        }
        if (source->sha256 != done.sha256) {
            return base::fail(Code::configuration,
                              "migration " + done.name + " has changed since it was applied",
                              "bring the old text back and put the change into a new migration");
        }
    }
    std::vector<Migration> result;
    for (const auto& migration : all) {
        const bool done =
            std::ranges::find(applied, migration.name, &AppliedMigration::name) != applied.end();
        const bool late = std::ranges::any_of(result, [&](const Migration& earlier) {
            return origin_of(earlier.name) == origin_of(migration.name);
        });
        if (done && late) {
            return base::fail(Code::configuration,
                              "migration " + result.back().name + " comes before " + migration.name +
                                  ", which is applied already",
                              "give it a number after the last applied one");
        }
        if (!done) {
            result.push_back(migration);
        }
    }
    return result;
}

base::Result<std::vector<SourceFile>> read_migrations(const fs::path& folder) {
    std::vector<SourceFile> result;
    std::error_code error;
    for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
        if (entry->path().extension() != ".sql") {
            continue;
        }
        auto text = read_file(entry->path());
        if (!text) {
            return std::unexpected(std::move(text.error()));
        }
        result.push_back({.name = entry->path().filename().string(), .sql = std::move(*text)});
    }
    if (error) {
        return base::fail(Code::configuration, "cannot read the migrations in " + folder.string(),
                          "`database.migrations` names a folder relative to the topology file",
                          error.message());
    }
    return result;
}

base::Status migrate(pool::MaintenanceClient& client, std::span<const Migration> all,
                     const std::function<void(std::string_view name)>& applied) {
    auto records = client.run(bootstrap_sql, short_wait);
    if (!records) {
        return std::unexpected(std::move(records.error()));
    }
    std::vector<AppliedMigration> done;
    for (const auto& row : records->back().rows) {
        if (row.size() == 2) {
            done.push_back({.name = row[0].value_or(""), .sha256 = row[1].value_or("")});
        }
    }
    auto open = pending(all, done);
    if (!open) {
        return std::unexpected(std::move(open.error()));
    }
    for (const auto& migration : *open) {
        if (auto applied_now = apply(client, migration); !applied_now) {
            return applied_now;
        }
        applied(migration.name);
    }
    return {};
}

}  // namespace domicile::fleet

#pragma once
// Numbered SQL files, each applied once, in order, in one transaction with its record. What is applied is
// fixed: a file that changes afterwards is an error, not a surprise on the next shard. Ordering and
// comparison are pure.

#include "base/error.hpp"
#include "pool/maintenance.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::fleet {

struct SourceFile {
    std::string name;  ///< "0001_users.sql"
    std::string sql;
};

struct Migration {
    std::string name;  ///< with its origin: "platform/0001_users.sql"
    std::string sql;
    std::string sha256;  ///< lower-case hexadecimal
};

/// A row of domicile.migrations.
struct AppliedMigration {
    std::string name;
    std::string sha256;
};

/// The files in order, named "<origin>/<file>". configuration if a name is not NNNN_name.sql, or the numbers
/// do not run 0001, 0002, … without gap or duplicate.
[[nodiscard]] base::Result<std::vector<Migration>> ordered(std::string_view origin,
                                                           std::vector<SourceFile> files);

/// Those of `all` that are still to be applied. configuration if an applied one has changed or is gone, or if
/// one before an applied one of the same origin is missing.
[[nodiscard]] base::Result<std::vector<Migration>> pending(std::span<const Migration> all,
                                                           std::span<const AppliedMigration> applied);

/// The .sql files of a folder. configuration if it cannot be read.
[[nodiscard]] base::Result<std::vector<SourceFile>> read_migrations(const std::filesystem::path& folder);

/// Embedded at build time from schema/shard and schema/central.
[[nodiscard]] std::vector<SourceFile> platform_shard_files();
[[nodiscard]] std::vector<SourceFile> platform_central_files();

/// Applies what is pending, as the role of `client`, which must own schema domicile or be able to create it.
/// `applied` is told each name. Resumable: what was applied before an error stays.
[[nodiscard]] base::Status migrate(pool::MaintenanceClient& client, std::span<const Migration> all,
                                   const std::function<void(std::string_view name)>& applied);

}  // namespace domicile::fleet

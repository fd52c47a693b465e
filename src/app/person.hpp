#pragma once
// What commands about one person share: the home's officer, and questions whose answer is JSON.

#include "app/commands.hpp"
#include "base/error.hpp"
#include "fleet/secrets.hpp"
#include "pool/maintenance.hpp"
#include "topology/topology.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

namespace domicile::app {

/// A connection to the shard's writer that sees people whose processing is restricted, too.
[[nodiscard]] base::Result<pool::MaintenanceClient> officer_of(const fleet::Secrets& secrets,
                                                               topology::ShardIndex shard);
/// The first field of the first row; null if there is none.
[[nodiscard]] base::Result<boost::json::value> ask_json(
    pool::MaintenanceClient& client, std::string_view statement,
    const std::vector<std::optional<std::string>>& parameters);

/// `domicile user restrict|lift|export|rectify|consent|object`.
int user_right(const Common& common, const UserOptions& options, const topology::Topology& topology,
               pool::MaintenanceClient& client);

}  // namespace domicile::app

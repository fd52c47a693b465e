#pragma once
// The request target as a route and query parameters. Pure: no schema, no database.

#include "base/error.hpp"
#include "base/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::http {

enum class Endpoint : std::uint8_t {
    health,            ///< /healthz
    ready,             ///< /readyz
    metrics,           ///< /metrics
    openapi,           ///< /openapi.json
    front,             ///< /, where the topology has [edge]
    people,            ///< /v1/users
    person,            ///< /v1/users/{id}
    person_home,       ///< /v1/users/{id}/home
    rows,              ///< /v1/users/{id}/{table}
    row,               ///< /v1/users/{id}/{table}/{key}
    personal_data,     ///< /v1/users/{id}/personal-data
    privacy_requests,  ///< /v1/users/{id}/privacy-requests
    person_export,     ///< /v1/users/{id}/export
    person_consents,   ///< /v1/users/{id}/consents
    metrics_list,      ///< /v1/stats
    figures,           ///< /v1/stats/{metric}
    operations,        ///< /v1/ops/{what}
    console,           ///< /console/{file}
};

struct Target {
    Endpoint endpoint = Endpoint::health;
    base::UserId user;
    std::string table;             ///< or the metric, or what stands behind /v1/ops/ or /console/
    std::vector<std::string> key;  ///< the row's key: one part per primary-key column besides the user's
    std::vector<std::pair<std::string, std::string>> query;  ///< decoded, in order
};

/// Errors: unknown_resource, malformed_request (bad percent-encoding, an id that is no integer).
[[nodiscard]] base::Result<Target> parse_target(std::string_view target);

/// Percent-encodes everything but unreserved characters (RFC 3986 section 2.3).
[[nodiscard]] std::string percent_encode(std::string_view text);
/// Nothing if an escape is malformed or gives a zero byte.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace domicile::http

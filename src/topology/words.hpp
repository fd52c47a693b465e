#pragma once
// The shapes of names and addresses. Pure; private to this room.

#include "topology/topology.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace domicile::topology {

/// ^[a-z][a-z0-9-]{0,62}$: topology, jurisdictions, regions, shards. They become parts of host, file and slot
/// names.
[[nodiscard]] bool is_name(std::string_view text);
/// ^[a-z_][a-z0-9_]{0,62}$: what PostgreSQL takes without quotes (NAMEDATALEN - 1).
[[nodiscard]] bool is_sql_name(std::string_view text);
/// ^[A-Z]{2}$
[[nodiscard]] bool is_country(std::string_view text);
/// "12-25", "2026-05-14", "easter+1".
[[nodiscard]] bool is_holiday(std::string_view text);
/// "year", "month", "decade", "prefix:3", "step:100".
[[nodiscard]] bool is_generalisation(std::string_view text);
/// "30 days", "6 months", "10 years".
[[nodiscard]] bool is_period(std::string_view text);
/// ^[a-z][a-z0-9-]*:[A-Z][A-Za-z]*$: one action, without wildcards.
[[nodiscard]] bool is_action(std::string_view text);
/// ^[a-z_.]+$: a PostgreSQL setting.
[[nodiscard]] bool is_setting(std::string_view text);

/// What may stand in a header as it is: visible ASCII and blanks inside, at most 4096 bytes.
[[nodiscard]] bool is_header_value(std::string_view text);
/// A header value without commas, which would begin another policy; braces only as 'nonce-{nonce}'.
[[nodiscard]] bool is_policy(std::string_view text);
/// "max-age=N", "; includeSubDomains", "; preload" in this order (RFC 6797 section 6.1).
[[nodiscard]] bool is_transport_security(std::string_view text);
/// A host name in lower case, not an address.
[[nodiscard]] bool is_public_host(std::string_view text);

/// An IPv4 or IPv6 address or a host name.
[[nodiscard]] bool is_host(std::string_view text);
/// 0.0.0.0 or ::, which one can listen on but not connect to.
[[nodiscard]] bool is_wildcard(std::string_view host);
/// 127.0.0.0/8, ::1 or localhost.
[[nodiscard]] bool is_loopback(std::string_view host);
/// "host:port" or "[ipv6]:port", port 1 to 65535.
[[nodiscard]] std::optional<Address> read_address(std::string_view text);
/// The same text for every way to write the same host and port.
[[nodiscard]] std::string canonical(const Address& address);

}  // namespace domicile::topology

#pragma once
// The headers that a declaration ([edge] of the topology) puts on every response: the one list that the HTTP
// door sends and that infra/src/edge gives to CloudFront (a test there holds the two together).

#include "topology/topology.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::edge {

/// Stands in a declared policy where each response has a nonce of its own.
inline constexpr std::string_view nonce_mark = "{nonce}";
/// CSP3 section 2.3.1: a nonce SHOULD be 128 bits at least; so long are 128 in base64 without padding.
inline constexpr std::size_t nonce_chars = 22;

struct Header {
    std::string name;
    std::string value;
    friend bool operator==(const Header&, const Header&) = default;
};

/// In the order in which they are sent. `secure`: the response travels over TLS; only then may it carry
/// Strict-Transport-Security (RFC 6797 section 7.2). `page`: it is HTML; else the policies lose their nonce
/// sources, which no script of it could use.
[[nodiscard]] std::vector<Header> headers(const topology::Edge& edge, bool secure, bool page);

/// `policy` without the sources that hold a nonce_mark; a list that would be empty becomes 'none'.
[[nodiscard]] std::string without_nonce(std::string_view policy);

}  // namespace domicile::edge

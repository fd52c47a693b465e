#pragma once
// X.509 certificates for TLS inside one deployment: an authority of its own, and what it signs (RFC 5280).
// ECDSA on P-256.

#include "base/error.hpp"
#include "base/secret.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::crypto {

/// A certificate and its private key, both PEM.
struct Identity {
    std::string certificate;
    base::Secret<std::string> key;
};

/// A self-signed authority. internal if OpenSSL fails.
[[nodiscard]] base::Result<Identity> make_authority(std::string_view name, std::chrono::seconds valid);

/// A certificate for server and client authentication, signed by `authority`. `hosts` are IP addresses or DNS
/// names. invalid_value if the authority cannot be read.
[[nodiscard]] base::Result<Identity> make_certificate(const Identity& authority, std::string_view name,
                                                      std::span<const std::string> hosts,
                                                      std::chrono::seconds valid);

/// Whether the certificate is signed by the authority and stays valid for `least`. False for what is no
/// certificate.
[[nodiscard]] bool is_good(std::string_view certificate, std::string_view authority,
                           std::chrono::seconds least);

/// The subject's common name; empty if it has none, several, or holds anything but printable ASCII.
[[nodiscard]] std::string common_name(std::string_view certificate);
/// Until when it is valid, from now; negative once it has expired. Nothing for what is no certificate.
[[nodiscard]] std::optional<std::int64_t> seconds_left(std::string_view certificate);
/// The DNS names a certificate is for; none for what is no certificate.
[[nodiscard]] std::vector<std::string> dns_names(std::string_view certificate);

}  // namespace domicile::crypto

#pragma once
// How files reach an institution: a directory, HTTPS PUT with an idempotency key, or SFTP. The same file may
// be given again; it is the same bytes.

#include "base/error.hpp"
#include "base/secret.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace domicile::documents {

class Delivery {
  public:
    Delivery() = default;
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;
    virtual ~Delivery() = default;

    /// Threads may call it at once. `name`: "00000017/eu-1.42.pdf". What the other side says of it (its
    /// receipt; may be empty). Errors: node_unavailable, node_timeout (try again), precondition_failed
    /// (another file has the name).
    [[nodiscard]] virtual base::Result<std::string> put(std::string_view name, std::string_view bytes) = 0;
};

struct Destination {
    /// "directory:/srv/tax-office", "directory:name" in `relative_to`, "https://…" (and http:// on loopback),
    /// "sftp://user@host:port/path".
    std::string where;
    std::filesystem::path relative_to;
    /// A bearer token (RFC 6750), or a private key in a form of OpenSSH; empty: none.
    base::Secret<std::string> credential;
    /// SFTP: SHA-256 of the server's public key, base64 without padding.
    std::string host_key;
};

/// configuration for another scheme.
[[nodiscard]] base::Result<std::unique_ptr<Delivery>> delivery_to(Destination destination);
using OpenDelivery = std::function<base::Result<std::unique_ptr<Delivery>>()>;
/// The kinds of it, each in its file.
[[nodiscard]] std::unique_ptr<Delivery> directory_delivery(std::filesystem::path root);
[[nodiscard]] std::unique_ptr<Delivery> sftp_delivery(Destination destination);

}  // namespace domicile::documents

#pragma once
// How files reach an institution: a directory, or HTTPS PUT with an idempotency key. The same file may be
// given again; it is the same bytes.

#include "base/error.hpp"

#include <filesystem>
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

    /// `name`: "00000017/eu-1.42.pdf". What the other side says of it (its receipt; may be empty). Errors:
    /// node_unavailable, node_timeout (try again), precondition_failed (another file has the name).
    [[nodiscard]] virtual base::Result<std::string> put(std::string_view name, std::string_view bytes) = 0;
};

/// By the scheme of `where`: "directory:/srv/tax-office", "directory:name" in `relative_to`, "https://…" (and
/// http:// on loopback). configuration for others.
[[nodiscard]] base::Result<std::unique_ptr<Delivery>> delivery_to(const std::string& where,
                                                                  const std::filesystem::path& relative_to);

}  // namespace domicile::documents

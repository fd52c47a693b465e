#pragma once
// The secret store of one region: versions of opaque bytes under a name, and stages that point at versions
// (AWS Secrets Manager's model). Drivers: local_secrets, aws_secrets. One conformance suite holds both.

#include "base/error.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::cloud {

enum class Stage : std::uint8_t { current, pending, previous };
[[nodiscard]] std::string_view name(Stage stage) noexcept;
[[nodiscard]] std::optional<Stage> stage_named(std::string_view name) noexcept;

struct SecretVersion {
    std::string id;
    std::vector<Stage> stages;  ///< in the order of the enumeration
    [[nodiscard]] bool is(Stage stage) const {
        for (const Stage one : stages) {
            if (one == stage) {
                return true;
            }
        }
        return false;
    }
    std::int64_t changed_s = 0;  ///< when the secret changed last, seconds since 1970; 0: not said
};

struct StoredVersion {
    std::string id;
    std::string bytes;
};

inline constexpr std::size_t secret_bytes_max = 48U << 10U;  // Secrets Manager takes 64 KiB of base64

/// Errors: not_found, node_unavailable (out of reach: another region may serve), precondition_failed,
/// not_permitted, invalid_value. Threads may share one.
class SecretStore {
  public:
    virtual ~SecretStore() = default;
    /// Adds a version and gives it `stage`, which leaves the version that had it; if that stage is current,
    /// the version that was current becomes previous. The first version of a secret must be current. The same
    /// version with the same bytes again changes nothing; with other bytes: precondition_failed.
    [[nodiscard]] virtual base::Status put(std::string_view name, std::string_view version,
                                           std::string_view bytes, Stage stage) = 0;
    [[nodiscard]] virtual base::Result<StoredVersion> get(std::string_view name, Stage stage) = 0;
    /// Takes `stage` from the version `from` and gives it to `to`; either may be empty. precondition_failed
    /// if `from` does not have it. Where current moves, the version it leaves becomes previous.
    [[nodiscard]] virtual base::Status move(std::string_view name, Stage stage, std::string_view to,
                                            std::string_view from) = 0;
    /// The versions that have a stage; others may be forgotten at any time. not_found if there is no secret.
    [[nodiscard]] virtual base::Result<std::vector<SecretVersion>> describe(std::string_view name) = 0;
    /// All names that begin with `prefix`, sorted.
    [[nodiscard]] virtual base::Result<std::vector<std::string>> list(std::string_view prefix) = 0;
    /// At once and for good. Fine if there is none.
    [[nodiscard]] virtual base::Status remove(std::string_view name) = 0;
};

/// Parts of lower-case letters, digits, '_', '.' and '-', joined by '/'; no part is "." or ".." or empty.
[[nodiscard]] bool is_secret_name(std::string_view name) noexcept;
/// 32 to 64 letters, digits and '-'.
[[nodiscard]] bool is_version_id(std::string_view id) noexcept;

}  // namespace domicile::cloud

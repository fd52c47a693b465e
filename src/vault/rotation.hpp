#pragma once
// Rotation of a database login in four steps with alternating users (AWS Secrets Manager User Guide,
// "Rotation strategies"): create, set, test, finish. A role has two logins, its own name and that name with
// "_b"; while one serves, the other gets a new password. At every moment, killed or not, the current version
// works.

#include "base/error.hpp"
#include "base/secret.hpp"
#include "vault/vault.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace domicile::vault {

/// A login of a database role, as a secret holds it: {"username":…,"password":…,"since":…}.
struct DatabaseLogin {
    std::string user;
    base::Secret<std::string> password;
    std::int64_t since = 0;  ///< when it was made, in seconds since 1970
};
[[nodiscard]] base::Secret<std::string> to_text(const DatabaseLogin& login);
/// configuration if it is not what to_text() gives.
[[nodiscard]] base::Result<DatabaseLogin> parse_login(const base::Secret<std::string>& text);
/// The role's other login.
[[nodiscard]] std::string other_user(std::string_view role, std::string_view user);
/// A login with a new password of 256 random bits.
[[nodiscard]] DatabaseLogin make_login(std::string user, std::int64_t now);

enum class RotationStep : std::uint8_t {
    replicate,  ///< bring every region up to the primary: no rotation begins while one is behind
    create,     ///< a pending version: the other login, a new password
    set,        ///< that password, in the databases
    test,       ///< whether every node lets the pending login in
    finish,     ///< pending becomes current
    clear,      ///< current already, but the stage still says pending: it was killed right there
    done,
};
[[nodiscard]] std::string_view name(RotationStep step) noexcept;

/// What is known about a rotation under way.
struct RotationState {
    bool pending = false;              ///< there is a pending version …
    bool pending_is_current = false;   ///< … and it is the current one
    bool in_step = false;              ///< all regions have what the primary has
    bool set = false, tested = false;  ///< in this run: a run that goes on does both again
    bool finished = false;
};
[[nodiscard]] RotationStep next_step(const RotationState& state) noexcept;

/// What a rotation does to the databases. Each may be called again.
struct RotationTarget {
    std::string role;
    std::function<base::Status(const DatabaseLogin& login)> set;
    std::function<base::Status(const DatabaseLogin& login)> test;
};

struct RotationOptions {
    /// The login before last may still be in use until every gateway has seen the last one: its password
    /// changes only when the current version is this old.
    std::chrono::seconds settle{10};
    std::function<void(RotationStep step)> progress;  ///< before each step; may be empty
};

/// Begins a rotation of the secret, or goes on with one that was cut off. Stops at the first error; then, and
/// whenever it is killed, the current version works.
[[nodiscard]] base::Status rotate(const Vault& vault, std::string_view secret, const RotationTarget& target,
                                  const RotationOptions& options);

}  // namespace domicile::vault

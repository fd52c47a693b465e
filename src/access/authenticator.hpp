#pragma once
// From credentials to a principal: whose tokens are believed, and their keys, read again when they change.
// Thread-safe: the sessions of all threads ask the same one.

#include "base/error.hpp"
#include "iam/attempts.hpp"
#include "iam/principal.hpp"
#include "iam/token.hpp"
#include "topology/topology.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace domicile::access {

/// The name of a jurisdiction's own issuer: "domicile:eu".
[[nodiscard]] std::string own_issuer(const topology::Topology& topology,
                                     base::JurisdictionIndex jurisdiction);

class Authenticator {
  public:
    /// Reads a JWK set from a file or an https URL.
    using Fetch = std::function<base::Result<std::string>(const std::string& source)>;

    /// `own_keys` gives the file with the public keys of a jurisdiction's own issuer; `folder` is where files
    /// of the topology are relative to. REQUIRES: the topology outlives it.
    Authenticator(const topology::Topology& topology, const std::filesystem::path& folder,
                  const std::function<std::filesystem::path(std::string_view jurisdiction)>& own_keys,
                  Fetch fetch);

    /// Reads all keys again. A source that cannot be read keeps the keys it had; the error names the first
    /// such.
    base::Status refresh();
    /// The same, when a token named a key that nobody knew and the last time is a while ago: how keys roll
    /// over without a restart. Called by a thread that may wait.
    void refresh_if_asked();

    /// authentication_failed, with the same text for every reason.
    [[nodiscard]] base::Result<iam::Principal> authenticate(std::string_view token, std::int64_t now) const;
    /// Whom a client's certificate (PEM) shows; TLS has verified it against `client_ca`. Nothing for a name
    /// that the topology does not know.
    [[nodiscard]] std::optional<iam::Principal> recognise(const std::string& certificate) const;
    /// Grows whenever keys were read: what was verified before is verified anew.
    [[nodiscard]] std::uint64_t generation() const noexcept {
        return generation_.load(std::memory_order_acquire);
    }

  private:
    struct Source {
        iam::Issuer rules;
        std::string keys;  ///< file or URL
    };
    using Issuers = std::shared_ptr<const std::vector<iam::Issuer>>;
    [[nodiscard]] Issuers issuers() const;

    const topology::Topology& topology_;
    std::vector<Source> sources_;
    Fetch fetch_;
    mutable std::mutex mutex_;
    Issuers issuers_;
    std::atomic<std::uint64_t> generation_{0};
    mutable std::atomic<bool> asked_{false};
};

/// Tokens that were good a moment ago, on one thread: their signature is not checked at each request.
/// Bounded.
class TokenCache {
  public:
    explicit TokenCache(const Authenticator& authenticator) : authenticator_(authenticator) {}
    [[nodiscard]] base::Result<std::shared_ptr<const iam::Principal>> authenticate(std::string_view token,
                                                                                   std::int64_t now);

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };
    const Authenticator& authenticator_;
    std::uint64_t generation_ = 0;
    std::unordered_map<std::string, std::shared_ptr<const iam::Principal>, Hash, std::equal_to<>> known_;
};

/// The failures of all threads' clients, by address and by account.
class Slowdown {
  public:
    using Wait = iam::Attempts::Wait;
    /// How long the answer to this client must wait, right or wrong.
    [[nodiscard]] Wait wait(std::string_view address, std::string_view account) const;
    void failed(std::string_view address, std::string_view account);
    /// Forgives the account, not the address: whoever owns one account must not guess at others the faster.
    void succeeded(std::string_view account);

  private:
    mutable std::mutex mutex_;
    iam::Attempts attempts_;
};

}  // namespace domicile::access

#pragma once
// Who a region is on the wire: a certificate of its jurisdiction's authority that lives for a day, and what
// it trusts. TLS 1.3, both sides show themselves.

#include "base/error.hpp"
#include "crypto/certificate.hpp"
#include "topology/topology.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

struct ssl_ctx_st;

namespace domicile::mesh {

using TlsContext = std::shared_ptr<ssl_ctx_st>;

struct Contexts {
    TlsContext server, client;
};

class Identity {
  public:
    /// The own jurisdiction's authority with its key, from the vault; may block.
    using Authority = std::function<base::Result<crypto::Identity>()>;
    /// The certificates (PEM) of all authorities, by jurisdiction; one that is missing is trusted by nobody.
    using Trusted = std::function<std::map<std::string, std::string>()>;

    Identity(const topology::Topology& topology, topology::RegionIndex region, Authority authority,
             Trusted trusted);

    /// A new certificate and new contexts; connections that stand keep the old ones. What the vault reports.
    base::Status renew();
    /// Of the last renewal.
    [[nodiscard]] Contexts contexts() const;
    /// The region that a peer's certificate (PEM) names, if the authority of its own jurisdiction signed it:
    /// one jurisdiction's authority cannot speak for another's regions.
    [[nodiscard]] std::optional<topology::RegionIndex> recognise(const std::string& certificate) const;

    static constexpr std::chrono::hours valid{24};

  private:
    const topology::Topology& topology_;
    topology::RegionIndex region_;
    Authority authority_;
    Trusted trusted_;
    mutable std::mutex mutex_;
    Contexts contexts_;
    std::map<std::string, std::string> authorities_;
};

}  // namespace domicile::mesh

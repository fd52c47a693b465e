#include "access/authenticator.hpp"

#include "base/log.hpp"
#include "crypto/certificate.hpp"

#include <algorithm>

namespace domicile::access {

namespace {

constexpr std::size_t cached_max = 4'096;

}  // namespace

std::string own_issuer(const topology::Topology& topology, base::JurisdictionIndex jurisdiction) {
    return "domicile:" + topology.at(jurisdiction).name;
}

Authenticator::Authenticator(const topology::Topology& topology, const std::filesystem::path& folder,
                             const std::function<std::filesystem::path(std::string_view)>& own_keys,
                             Fetch fetch)
    : topology_(topology), fetch_(std::move(fetch)), issuers_(std::make_shared<std::vector<iam::Issuer>>()) {
    const std::string& audience = topology.identity.audience;
    for (std::size_t i = 0; i < topology.jurisdictions.size(); ++i) {
        const auto& name = topology.jurisdictions[i].name;
        sources_.push_back({{own_issuer(topology, base::JurisdictionIndex(static_cast<std::uint16_t>(i))),
                             {audience},
                             {name},
                             {},
                             {},
                             {}},
                            own_keys(name).string()});
    }
    for (const auto& issuer : topology.identity.issuers) {
        iam::Issuer rules;
        rules.name = issuer.name;
        rules.audiences = issuer.audiences.empty() ? std::vector{audience} : issuer.audiences;
        rules.roles = issuer.roles;
        for (const auto index : issuer.jurisdictions) {
            rules.jurisdictions.push_back(topology.at(index).name);
        }
        for (const auto& name : issuer.algorithms) {
            if (const auto algorithm = crypto::signature_algorithm(name)) {
                rules.algorithms.push_back(*algorithm);
            }
        }
        const bool url = issuer.jwks.find("://") != std::string::npos;
        sources_.push_back({std::move(rules), url ? issuer.jwks : (folder / issuer.jwks).string()});
    }
}

Authenticator::Issuers Authenticator::issuers() const {
    const std::lock_guard lock(mutex_);
    return issuers_;
}

base::Status Authenticator::refresh() {
    base::Status status;
    const Issuers before = issuers();
    auto now = std::make_shared<std::vector<iam::Issuer>>();
    for (const auto& source : sources_) {
        iam::Issuer issuer = source.rules;
        const auto text = fetch_(source.keys);
        auto keys = text ? iam::parse_jwks(*text)
                         : base::Result<std::vector<iam::IssuerKey>>(std::unexpected(text.error()));
        if (keys) {
            issuer.keys = std::move(*keys);
        } else {
            const auto known = std::ranges::find(*before, issuer.name, &iam::Issuer::name);
            if (known != before->end()) {
                issuer.keys = known->keys;
            }
            base::log::warn("access.keys_unreadable",
                            {{"issuer", issuer.name}, {"why", base::describe(keys.error())}});
            if (status) {
                status = base::fail(base::Code::configuration,
                                    "The keys of issuer " + issuer.name + " cannot be read.",
                                    keys.error().text, keys.error().detail);
            }
        }
        now->push_back(std::move(issuer));
    }
    {
        const std::lock_guard lock(mutex_);
        issuers_ = std::move(now);
    }
    generation_.fetch_add(1, std::memory_order_release);
    return status;
}

void Authenticator::refresh_if_asked() {
    if (asked_.exchange(false)) {
        std::ignore = refresh();
    }
}

base::Result<iam::Principal> Authenticator::authenticate(std::string_view token, std::int64_t now) const {
    bool unknown_key = false;
    auto claims = iam::verify_token(token, *issuers(), now, &unknown_key);
    if (!claims) {
        if (unknown_key) {
            asked_.store(true);
        }
        return std::unexpected(std::move(claims.error()));
    }
    const auto jurisdiction = topology_.jurisdiction(claims->jurisdiction);
    if (!jurisdiction) {
        return std::unexpected(base::Error{base::Code::authentication_failed,
                                           "The credentials are not valid.",
                                           {},
                                           "identity/credentials",
                                           "unknown jurisdiction"});
    }
    iam::Principal principal;
    principal.name = std::move(claims->name);
    principal.kind = claims->user ? iam::PrincipalKind::subject : iam::PrincipalKind::service;
    principal.roles = std::move(claims->roles);
    principal.jurisdiction = *jurisdiction;
    principal.subject = claims->user;
    principal.purpose = std::move(claims->purpose);
    principal.expires = claims->expires + iam::clock_skew_seconds;
    return principal;
}

std::optional<iam::Principal> Authenticator::recognise(const std::string& certificate) const {
    const std::string name = crypto::common_name(certificate);
    const auto known = std::ranges::find(topology_.identity.clients, name, &topology::CertifiedClient::name);
    if (name.empty() || known == topology_.identity.clients.end()) {
        return std::nullopt;
    }
    iam::Principal principal;
    principal.name = name;
    principal.kind = iam::PrincipalKind::service;
    principal.roles = known->roles;
    principal.jurisdiction = known->jurisdiction;
    return principal;
}

base::Result<std::shared_ptr<const iam::Principal>> TokenCache::authenticate(std::string_view token,
                                                                             std::int64_t now) {
    if (generation_ != authenticator_.generation()) {
        generation_ = authenticator_.generation();
        known_.clear();
    }
    if (const auto found = known_.find(token); found != known_.end()) {
        if (now < found->second->expires) {
            return found->second;
        }
        known_.erase(found);
    }
    auto principal = authenticator_.authenticate(token, now);
    if (!principal) {
        return std::unexpected(std::move(principal.error()));
    }
    if (known_.size() >= cached_max) {
        known_.clear();
    }
    auto shared = std::make_shared<const iam::Principal>(std::move(*principal));
    known_.emplace(std::string(token), shared);
    return shared;
}

Slowdown::Wait Slowdown::wait(std::string_view address, std::string_view account) const {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    return std::max(attempts_.wait("a" + std::string(address), now),
                    attempts_.wait("u" + std::string(account), now));
}

void Slowdown::failed(std::string_view address, std::string_view account) {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    attempts_.failed("a" + std::string(address), now);
    if (!account.empty()) {
        attempts_.failed("u" + std::string(account), now);
    }
}

void Slowdown::succeeded(std::string_view account) {
    const std::lock_guard lock(mutex_);
    attempts_.succeeded("u" + std::string(account));
}

}  // namespace domicile::access

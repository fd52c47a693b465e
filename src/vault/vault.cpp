#include "vault/vault.hpp"

#include "base/assert.hpp"
#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "vault/envelope.hpp"

#include <algorithm>
#include <array>

namespace domicile::vault {
namespace {

using base::Code;
using cloud::SecretVersion;

constexpr std::array all_stages{Stage::current, Stage::pending, Stage::previous};

std::string new_version() {
    std::string bytes(16, '\0');
    crypto::random_bytes({reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()});
    return crypto::hex(bytes);
}

/// The version that has a stage; empty if none has.
std::string holder(const std::vector<SecretVersion>& versions, Stage stage) {
    for (const SecretVersion& version : versions) {
        if (version.is(stage)) {
            return version.id;
        }
    }
    return {};
}

}  // namespace

bool same_stages(const std::vector<SecretVersion>& one, const std::vector<SecretVersion>& other) {
    return std::ranges::all_of(all_stages,
                               [&](Stage stage) { return holder(one, stage) == holder(other, stage); });
}

Vault::Vault(std::string deployment, std::string scope, std::vector<Place> places, std::size_t primary)
    : deployment_(std::move(deployment)),
      scope_(std::move(scope)),
      places_(std::move(places)),
      primary_(primary) {
    DOMICILE_ASSERT(primary_ < places_.size());
}

std::string Vault::full(std::string_view name) const {
    return scope_ + "/" + std::string(name);
}

cloud::EncryptionContext Vault::context(const Place& place, std::string_view name,
                                        std::string_view version) const {
    return {{"deployment", deployment_},
            {"region", place.region},
            {"secret", full(name)},
            {"version", std::string(version)}};
}

base::Result<Value> Vault::read(const Place& place, std::string_view name, Stage stage) const {
    auto stored = place.secrets->get(full(name), stage);
    if (!stored) {
        return std::unexpected(std::move(stored.error()));
    }
    auto value = open(*place.keys, stored->bytes, context(place, name, stored->id));
    if (!value) {
        return std::unexpected(std::move(value.error()));
    }
    return Value{std::move(stored->id), std::move(*value)};
}

base::Status Vault::write(const Place& place, std::string_view name, const Value& value, Stage stage) const {
    const auto sealed = seal(*place.keys, value.value, context(place, name, value.version));
    return sealed ? place.secrets->put(full(name), value.version, *sealed, stage)
                  : std::unexpected(sealed.error());
}

base::Result<Value> Vault::get(std::string_view name, Stage stage) const {
    base::Error worst;
    bool failed = false;
    for (const Place& place : places_) {
        auto value = read(place, name, stage);
        if (value) {
            return value;
        }
        // "Not there" is the weakest answer: a place that is out of reach may have it.
        if (!failed || worst.code == Code::not_found) {
            worst = std::move(value.error());
            failed = true;
        }
    }
    return std::unexpected(std::move(worst));
}

base::Result<Value> Vault::get_written(std::string_view name, Stage stage) const {
    return read(places_[primary_], name, stage);
}

base::Result<std::string> Vault::put(std::string_view name, const base::Secret<std::string>& value,
                                     Stage stage) const {
    const Value made{new_version(), value};
    if (auto written = write(places_[primary_], name, made, stage); !written) {
        return std::unexpected(std::move(written.error()));
    }
    std::ignore = replicate(name);
    return made.version;
}

base::Status Vault::move(std::string_view name, Stage stage, std::string_view to,
                         std::string_view from) const {
    auto moved = places_[primary_].secrets->move(full(name), stage, to, from);
    if (moved) {
        std::ignore = replicate(name);
    }
    return moved;
}

base::Status Vault::catch_up(const Place& place, std::string_view name,
                             const std::vector<SecretVersion>& wanted) const {
    auto there = place.secrets->describe(full(name));
    if (!there && there.error().code != Code::not_found) {
        return std::unexpected(std::move(there.error()));
    }
    std::vector<SecretVersion> has = there ? std::move(*there) : std::vector<SecretVersion>();
    // The current version first: a secret begins with one. Then the others; a version may bear two stages.
    for (const Stage stage : all_stages) {
        const std::string version = holder(wanted, stage);
        if (version == holder(has, stage)) {
            continue;
        }
        if (version.empty()) {
            if (auto moved = place.secrets->move(full(name), stage, {}, holder(has, stage)); !moved) {
                return moved;
            }
        } else if (std::ranges::count(has, version, &SecretVersion::id) != 0) {
            if (auto moved = place.secrets->move(full(name), stage, version, holder(has, stage)); !moved) {
                return moved;
            }
        } else {
            const auto value = read(places_[primary_], name, stage);
            if (!value) {
                return std::unexpected(value.error());
            }
            if (value->version != version) {
                return base::fail(Code::precondition_failed, "The secret changes while it is replicated.",
                                  "Replicate it again.");
            }
            if (auto written = write(place, name, *value, stage); !written) {
                return written;
            }
        }
        auto now = place.secrets->describe(full(name));
        if (!now) {
            return std::unexpected(std::move(now.error()));
        }
        has = std::move(*now);
    }
    return {};
}

base::Status Vault::replicate(std::string_view name) const {
    const auto wanted = places_[primary_].secrets->describe(full(name));
    if (!wanted) {
        return std::unexpected(wanted.error());
    }
    base::Status status;
    for (const Place& place : places_) {
        if (&place == &places_[primary_]) {
            continue;
        }
        if (auto done = catch_up(place, name, *wanted); !done && status) {
            status =
                base::fail(Code::node_unavailable,
                           "Region " + place.region + " is behind with secret " + std::string(name) + ".",
                           "Try again when its store answers.", done.error().text);
        }
    }
    return status;
}

base::Result<std::vector<PlaceView>> Vault::describe(std::string_view name) const {
    const auto wanted = places_[primary_].secrets->describe(full(name));
    if (!wanted) {
        return std::unexpected(wanted.error());
    }
    std::vector<PlaceView> views;
    for (const Place& place : places_) {
        PlaceView view;
        view.region = place.region;
        auto versions = place.secrets->describe(full(name));
        view.reachable = versions || versions.error().code == Code::not_found;
        if (versions) {
            view.in_step = same_stages(*versions, *wanted);
            view.versions = std::move(*versions);
        }
        views.push_back(std::move(view));
    }
    return views;
}

base::Result<std::vector<std::string>> Vault::list() const {
    auto names = places_[primary_].secrets->list(scope_ + "/");
    if (names) {
        for (auto& name : *names) {
            name.erase(0, scope_.size() + 1);
        }
    }
    return names;
}

base::Status Vault::remove(std::string_view name) const {
    base::Status status;
    for (const Place& place : places_) {
        if (auto gone = place.secrets->remove(full(name)); !gone && status) {
            status = base::fail(Code::node_unavailable,
                                "Region " + place.region + " still holds secret " + std::string(name) + ".",
                                "Try again when its store answers.", gone.error().text);
        }
    }
    return status;
}

}  // namespace domicile::vault

#pragma once
// Secrets of one scope (a jurisdiction's, or those that several share) in the stores of several regions:
// written in one of them, sealed anew for each other, read from the nearest that answers.

#include "cloud/key_service.hpp"
#include "cloud/secret_store.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::vault {

using cloud::Stage;

/// One region's store and key service.
struct Place {
    std::string region;
    std::shared_ptr<cloud::SecretStore> secrets;
    std::shared_ptr<cloud::KeyService> keys;
};

struct Value {
    std::string version;
    base::Secret<std::string> value;
};

/// A secret as one region holds it.
struct PlaceView {
    std::string region;
    bool reachable = false;
    bool in_step = false;  ///< has what the primary has, stage by stage
    std::vector<cloud::SecretVersion> versions;
};

class Vault {
  public:
    /// `deployment` and `scope` are bound into every sealed value. `places`: nearest first; `primary` is the
    /// index of the one that is written. REQUIRES: at least one place.
    Vault(std::string deployment, std::string scope, std::vector<Place> places, std::size_t primary);

    /// From the nearest place that has it. not_found if no place has; node_unavailable if one that could have
    /// it is out of reach.
    [[nodiscard]] base::Result<Value> get(std::string_view name, Stage stage = Stage::current) const;
    /// From the primary alone: what is about to change must be seen as it is.
    [[nodiscard]] base::Result<Value> get_written(std::string_view name, Stage stage) const;

    /// A new version with this stage, in the primary, then in the others. Its id. A place that is out of
    /// reach stays behind until replicate(); that alone is no error.
    base::Result<std::string> put(std::string_view name, const base::Secret<std::string>& value,
                                  Stage stage = Stage::current) const;
    /// Moves `stage` from one version to another in the primary (cloud::SecretStore::move), then in the
    /// others.
    base::Status move(std::string_view name, Stage stage, std::string_view to, std::string_view from) const;

    /// Brings the other places up to the primary. node_unavailable names the first that stays behind.
    base::Status replicate(std::string_view name) const;
    /// One entry a place, nearest first. not_found if the primary has no such secret.
    [[nodiscard]] base::Result<std::vector<PlaceView>> describe(std::string_view name) const;
    /// Names without the scope, as the primary has them.
    [[nodiscard]] base::Result<std::vector<std::string>> list() const;
    /// Everywhere; fine where there is none. node_unavailable names the first place out of reach.
    base::Status remove(std::string_view name) const;

    [[nodiscard]] const std::string& primary() const { return places_[primary_].region; }

  private:
    [[nodiscard]] std::string full(std::string_view name) const;
    [[nodiscard]] cloud::EncryptionContext context(const Place& place, std::string_view name,
                                                   std::string_view version) const;
    [[nodiscard]] base::Result<Value> read(const Place& place, std::string_view name, Stage stage) const;
    base::Status write(const Place& place, std::string_view name, const Value& value, Stage stage) const;
    base::Status catch_up(const Place& place, std::string_view name,
                          const std::vector<cloud::SecretVersion>& wanted) const;

    std::string deployment_, scope_;
    std::vector<Place> places_;
    std::size_t primary_;
};

/// Whether two places hold the same versions under the same stages. Pure.
[[nodiscard]] bool same_stages(const std::vector<cloud::SecretVersion>& one,
                               const std::vector<cloud::SecretVersion>& other);

}  // namespace domicile::vault

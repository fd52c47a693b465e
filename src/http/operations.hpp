#pragma once
// What the door asks of whoever watches the region: texts that are ready to be sent, and ways to say
// something. The door decides who may; what is shown is made elsewhere. All members may be called on any
// thread, and are quick.

#include "base/error.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::http {

/// Parts of the overview by name, each JSON.
using Sections = std::vector<std::pair<std::string, std::string>>;

/// One file of the page.
struct Asset {
    std::string_view path;  ///< behind /console/
    std::string_view type;
    std::string_view bytes;
};

struct Operations {
    /// What somebody may see who may read these jurisdictions (by index); null: nothing is known.
    std::function<std::shared_ptr<const Sections>(const std::vector<bool>& may)> overview = {};
    /// JSON; `range`: "1h", "1d", "4w". invalid_value.
    std::function<base::Result<std::string>(std::string_view region, std::string_view resource,
                                            std::string_view fact, std::string_view range)>
        history = {};
    /// Refusals after number `seen`, each JSON, oldest first; `seen` moves on.
    std::function<std::vector<std::string>(std::uint64_t& seen)> refusals = {};
    /// Keeps a silence ("silences") or an acknowledgement ("acknowledgements"). invalid_value.
    std::function<base::Status(std::string_view what, std::string_view body, std::string_view who)> say = {};
    /// JSON. invalid_value.
    std::function<base::Result<std::string>(std::string_view action, std::string_view resource)> who_can = {};
    std::function<base::Result<std::string>(std::string_view body)> simulate = {};
    /// Null if there is no such file.
    std::function<const Asset*(std::string_view path)> asset = {};
};

}  // namespace domicile::http

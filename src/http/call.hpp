#pragma once
// One request being served by a door. Private to this room.

#include "http/door.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "http/target.hpp"

#include <memory>
#include <optional>

namespace domicile::http {

struct Door::Call {
    const Request& request;
    Response& response;
    Target target;
    std::shared_ptr<const Known> known;  ///< null until the live columns are
    std::optional<topology::JurisdictionIndex> foreign_home;
    routing::Principal principal;  ///< as far as residency is concerned
    access::Caller caller = {};
};

}  // namespace domicile::http

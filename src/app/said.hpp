#pragma once
// What operators say about alarms and advice, kept in a region's files until it is over.

#include "app/region_files.hpp"

#include <string_view>

namespace domicile::app {

/// `what`: "silences" {alarm, minutes, reason, region, resource} or "acknowledgements" {id, until, reason}.
/// malformed_request, invalid_value.
base::Status say(const RegionFiles& files, std::string_view jurisdiction, std::string_view what,
                 std::string_view body, std::string_view who);

}  // namespace domicile::app

#pragma once
// The overview for a terminal. Pure.

#include <string>

#include <boost/json/object.hpp>

namespace domicile::ops {

/// Regions, what stands, and what to do, as `domicile top` shows them. `colour`: ANSI.
[[nodiscard]] std::string render_top(const boost::json::object& overview, bool colour);
/// Alarms as lines; `all`: those that are well, too.
[[nodiscard]] std::string render_alarms(const boost::json::object& overview, bool all);
/// Findings with evidence and command; `acknowledged`: those that somebody accepted, too.
[[nodiscard]] std::string render_advice(const boost::json::object& overview, std::string_view pillar,
                                        bool acknowledged);

}  // namespace domicile::ops

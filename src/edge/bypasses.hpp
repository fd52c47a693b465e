#pragma once
// Public places that serve, from a host that people put on allow-lists, something that runs an attacker's
// script: a callback of his choice (JSONP), an AngularJS that evaluates templates, a Flash file.

#include <cstdint>
#include <span>
#include <string_view>

namespace domicile::edge {

struct Bypass {
    enum class Kind : std::uint8_t { jsonp, jsonp_with_eval, angular, flash };
    std::string_view host;
    std::string_view path;
    Kind kind;
};

[[nodiscard]] std::span<const Bypass> bypasses();

}  // namespace domicile::edge

#include "cloud/secret_store.hpp"

#include <algorithm>

namespace domicile::cloud {

std::string_view name(Stage stage) noexcept {
    switch (stage) {
        case Stage::current: return "current";
        case Stage::pending: return "pending";
        case Stage::previous: return "previous";
    }
    return "";
}

std::optional<Stage> stage_named(std::string_view text) noexcept {
    for (const Stage stage : {Stage::current, Stage::pending, Stage::previous}) {
        if (name(stage) == text) {
            return stage;
        }
    }
    return std::nullopt;
}

bool is_secret_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > 256) {
        return false;
    }
    while (true) {
        const auto slash = name.find('/');
        const std::string_view part = name.substr(0, slash);
        const bool plain = std::ranges::all_of(part, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
        });
        if (part.empty() || part == "." || part == ".." || !plain) {
            return false;
        }
        if (slash == std::string_view::npos) {
            return true;
        }
        name.remove_prefix(slash + 1);
    }
}

bool is_version_id(std::string_view id) noexcept {
    return id.size() >= 32 && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
           });
}

}  // namespace domicile::cloud

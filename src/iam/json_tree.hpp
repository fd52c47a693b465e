#pragma once
// JSON as a tree that keeps what a policy's reader must see: every member in its order, and whether a name
// stood twice (the last one silently winning is how a Deny gets lost). Bounded. Private to this room.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::iam {

struct Json {
    enum class Kind : std::uint8_t { null, boolean, number, text, list, object };
    Kind kind = Kind::null;
    std::string text;  ///< of a text; a number and a boolean as they were written
    std::vector<Json> items;
    struct Member;
    std::vector<Member> members;

    Json();
    Json(Json&&) noexcept;
    Json& operator=(Json&&) noexcept;
    ~Json();
    [[nodiscard]] const Json* find(std::string_view name) const;
};
struct Json::Member {
    std::string name;
    Json value;
};

struct JsonResult {
    std::optional<Json> root;
    std::string problem;             ///< if there is no root
    std::size_t offset = 0;          ///< where, in bytes
    std::vector<std::string> twice;  ///< JSON pointers (RFC 6901) of names that stand twice
};

/// Depth at most 16.
[[nodiscard]] JsonResult parse_json(std::string_view text);
/// `pointer` and one more step.
[[nodiscard]] std::string step(std::string_view pointer, std::string_view name);

}  // namespace domicile::iam

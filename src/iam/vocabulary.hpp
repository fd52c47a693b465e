#pragma once
// The words of our policies: actions, the resources they are about, and condition keys. docs/policy.md shows
// these tables; a test holds the two together.

#include <span>
#include <string>
#include <string_view>

namespace domicile::iam {

struct ActionWord {
    std::string_view name;
    std::string_view resource;  ///< its ARN, with <jurisdiction> and names in angle brackets
    std::string_view meaning;
};
struct KeyWord {
    std::string_view name;
    std::string_view type;  ///< "text", "texts", "boolean", "address", "time", "number"
    std::string_view meaning;
};

[[nodiscard]] std::span<const ActionWord> actions() noexcept;
[[nodiscard]] std::span<const KeyWord> condition_keys() noexcept;

/// Empty if some action has this name or matches it (wildcards allowed); otherwise what may be meant.
[[nodiscard]] std::string unknown_action(std::string_view name);
/// The same for a condition key.
[[nodiscard]] std::string unknown_key(std::string_view name);

/// "arn:domicile:data::eu:table/users".
[[nodiscard]] std::string table_arn(std::string_view jurisdiction, std::string_view table);
[[nodiscard]] std::string role_arn(std::string_view jurisdiction, std::string_view role);
[[nodiscard]] std::string user_arn(std::string_view jurisdiction, std::string_view name);

}  // namespace domicile::iam

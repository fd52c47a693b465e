#pragma once
// Policy documents in the AWS IAM JSON policy language (AWS IAM User Guide, "Grammar of the IAM JSON policy
// language"), checked and compiled once.

#include "iam/condition.hpp"
#include "iam/pattern.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::iam {

enum class PolicyKind : std::uint8_t {
    identity,    ///< given to a role
    resource,    ///< given to a table or another resource: it names principals
    boundary,    ///< the most a role's other policies can allow
    session,     ///< the most one session can do
    guard_rail,  ///< of a jurisdiction: the most anybody can do there
};
/// "identity", "guard rail", …
[[nodiscard]] std::string_view name(PolicyKind kind) noexcept;

/// Numbers the condition keys of a set of policies; names are compared without case.
class Keys {
  public:
    std::uint16_t intern(std::string_view name);
    [[nodiscard]] std::optional<std::uint16_t> find(std::string_view name) const;
    [[nodiscard]] std::size_t size() const noexcept { return by_name_.size(); }
    [[nodiscard]] const std::map<std::string, std::uint16_t, std::less<>>& all() const noexcept {
        return by_name_;
    }

  private:
    std::map<std::string, std::uint16_t, std::less<>> by_name_;
};

struct Statement {
    /// Who a Principal element means.
    struct Who {
        enum class Kind : std::uint8_t { everybody, account, arn, service };
        Kind kind = Kind::everybody;
        std::string text;
    };
    bool allow = false;
    std::string sid;
    std::size_t index = 0;  ///< from 0
    bool not_action = false;
    std::vector<Pattern> actions;
    bool not_resource = false;
    bool any_resource = false;                    ///< one of them is "*"
    std::vector<std::vector<Pattern>> resources;  ///< six parts each
    bool not_principal = false;
    std::vector<Who> principals;  ///< empty: the document names none
    std::vector<Condition> conditions;

    /// Its Sid, or "statement 2".
    [[nodiscard]] std::string label() const;
};

struct Policy {
    std::string name;
    PolicyKind kind = PolicyKind::identity;
    std::vector<Statement> statements;
};

struct Finding {
    bool error = true;    ///< otherwise a warning
    std::string pointer;  ///< RFC 6901; "" is the document
    std::string text;
    std::string hint;
};

struct ParsedPolicy {
    std::optional<Policy> policy;  ///< if there is no error among the findings
    std::vector<Finding> findings;
};

inline constexpr std::size_t policy_bytes_max = 64U << 10U;
inline constexpr std::size_t statements_max = 1'024;

/// Every finding at once. `name` is what reasons call the policy.
[[nodiscard]] ParsedPolicy parse_policy(std::string_view name, std::string_view json, PolicyKind kind,
                                        Keys& keys);

}  // namespace domicile::iam

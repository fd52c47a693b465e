#pragma once
// All policies of a deployment, compiled once, and their verdict on a request (AWS IAM User Guide, "Policy
// evaluation logic"; account = jurisdiction). Immutable after compile(): threads share one. Pure.

#include "base/error.hpp"
#include "iam/policy.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::iam {

/// Condition keys of one request. Names are compared without case. Views outlive the decision.
class Context {
  public:
    void set(std::string_view key, std::string_view value) { set(key, std::span(&keep(value), 1)); }
    void set(std::string_view key, std::span<const std::string_view> values) {
        entries_.emplace_back(key, values);
    }
    void clear() noexcept {
        entries_.clear();
        singles_.clear();
    }
    using Entry = std::pair<std::string_view, std::span<const std::string_view>>;
    [[nodiscard]] std::span<const Entry> entries() const noexcept { return entries_; }

  private:
    std::string_view& keep(std::string_view value) {
        return *singles_.emplace_back(std::make_unique<std::string_view>(value));
    }
    std::vector<Entry> entries_;
    std::vector<std::unique_ptr<std::string_view>> singles_;
};

/// Who asks for what. Views outlive the decision.
struct Request {
    std::span<const std::string> roles;
    std::string_view account;           ///< the principal's jurisdiction
    std::string_view user;              ///< its own ARN
    std::span<const std::string> arns;  ///< those of its roles
    std::string_view action;
    std::string_view resource;
    std::string_view resource_account;  ///< the resource's jurisdiction; empty: nobody's, as statistics are
    const Context* context = nullptr;
};

enum class Verdict : std::uint8_t { allowed, explicit_deny, unresolved_deny, implicit_deny };

struct Decision {
    Verdict verdict = Verdict::implicit_deny;
    std::string_view rule;  ///< one of `rules`; empty if allowed
    /// "policy/Sid" of the statements that decided, joined by blanks.
    std::string reasons;
    [[nodiscard]] bool allowed() const noexcept { return verdict == Verdict::allowed; }
};

namespace rules {
inline constexpr std::string_view explicit_deny = "policy/explicit-deny";
inline constexpr std::string_view unresolved_deny = "policy/unresolved-deny";
inline constexpr std::string_view guard_rail = "policy/guard-rail";
inline constexpr std::string_view implicit_deny = "policy/implicit-deny";
inline constexpr std::string_view boundary = "policy/boundary";
inline constexpr std::string_view session = "policy/session";
inline constexpr std::string_view cross_jurisdiction = "policy/cross-jurisdiction";
}  // namespace rules

/// The policies and what they are given to.
struct Policies {
    struct Role {
        std::vector<Policy> identity;
        std::vector<Policy> boundary;
    };
    std::map<std::string, Role, std::less<>> roles;
    std::map<std::string, std::vector<Policy>, std::less<>> guard_rails;  ///< by jurisdiction
    /// By the last part of a resource's ARN ("table/users"), in every jurisdiction.
    std::map<std::string, std::vector<Policy>, std::less<>> resources;
    std::vector<Policy> session;
    Keys keys;
};

struct EvaluatorOptions {
    /// A Deny whose condition cannot be decided (a variable that stands for nothing, a key that is absent)
    /// refuses. AWS lets it pass; so does this, if it is false.
    bool fail_closed = true;
};

class PolicySet;

/// What is left of a decision when some keys are not known yet.
class Residual {
  public:
    /// The decision, if no key that is still unknown can change it.
    [[nodiscard]] const Decision* always() const noexcept { return always_ ? &*always_ : nullptr; }
    /// With everything known: only the statements that could matter are looked at. REQUIRES: the same request
    /// but for the unknown keys; the set lives.
    [[nodiscard]] Decision decide(const Request& request) const;

  private:
    friend class PolicySet;
    const PolicySet* set_ = nullptr;
    std::optional<Decision> always_;
    std::vector<std::uint32_t> candidates_;
};

/// How one statement stands to a request, for people.
struct Explained {
    std::string policy;
    std::string statement;
    PolicyKind kind = PolicyKind::identity;
    bool allow = false;
    std::string match;  ///< "yes", "no: …", "unresolved: …"
};

/// A role that may do something, and on which terms.
struct Holder {
    std::string role;
    std::vector<std::string> statements;  ///< "policy/Sid" that allow
    std::vector<std::string> conditions;  ///< what must hold besides, for people; empty: always
};

class PolicySet {
  public:
    explicit PolicySet(Policies policies, EvaluatorOptions options = {});
    PolicySet(const PolicySet&) = delete;  // its parts point at each other
    PolicySet& operator=(const PolicySet&) = delete;

    [[nodiscard]] Decision decide(const Request& request) const;
    [[nodiscard]] Residual specialise(const Request& request,
                                      std::span<const std::string_view> unknown) const;
    [[nodiscard]] std::vector<Explained> explain(const Request& request) const;
    /// Which roles could be allowed, whatever the keys that the context does not hold.
    [[nodiscard]] std::vector<Holder> who_can(std::string_view account, std::string_view action,
                                              std::string_view resource, std::string_view resource_account,
                                              const Context& context) const;
    [[nodiscard]] std::size_t statements() const noexcept { return entries_.size(); }
    [[nodiscard]] bool has_role(std::string_view role) const { return roles_.contains(role); }
    /// "analyst, app, operator": for messages.
    [[nodiscard]] std::string role_names() const;

  private:
    friend class Residual;
    enum class Match : std::uint8_t { no, yes, unresolved, open };
    struct Entry {
        const Statement* statement = nullptr;
        const Policy* policy = nullptr;
        PolicyKind kind = PolicyKind::identity;
        std::uint16_t owner = 0;  ///< role, jurisdiction or resource, numbered
    };
    struct Bound;  // a request with its keys numbered
    struct Tally;  // what the statements looked at so far say
    struct Grant;  // through which of the principal's names a resource policy means it

    void add(std::vector<Policy>& policies, PolicyKind kind, std::uint16_t owner);
    [[nodiscard]] std::span<const std::uint32_t> candidates(std::string_view action) const;
    [[nodiscard]] bool applies(const Entry& entry, const Bound& bound) const;
    [[nodiscard]] Match match(const Entry& entry, const Bound& bound, std::string* why = nullptr) const;
    [[nodiscard]] static Grant match_principal(const Statement& statement, const Bound& bound);
    [[nodiscard]] static bool matches_action(const Statement& statement, std::string_view action);
    [[nodiscard]] Match match_resource(const Statement& statement, const Bound& bound) const;
    [[nodiscard]] Match match_conditions(const Statement& statement, const Bound& bound,
                                         std::string* why) const;
    void count(Tally& tally, std::uint32_t index, const Bound& bound, Match found) const;
    [[nodiscard]] Decision conclude(const Tally& tally, const Bound& bound) const;
    [[nodiscard]] Decision decide(const Bound& bound, std::span<const std::uint32_t> among) const;
    [[nodiscard]] std::string label(const Entry& entry) const;

    Policies policies_;
    EvaluatorOptions options_;
    std::vector<Entry> entries_;
    std::map<std::string, std::uint16_t, std::less<>> roles_;
    std::map<std::string, std::uint16_t, std::less<>> jurisdictions_;  ///< those with guard rails
    std::map<std::string, std::uint16_t, std::less<>> resources_;      ///< those with policies
    std::vector<bool> has_boundary_;                                   ///< by role
    bool has_session_ = false;
    std::map<std::string, std::vector<std::uint32_t>, std::less<>>
        by_action_;  ///< of the vocabulary, lower case
    std::vector<std::uint32_t> all_;
};

}  // namespace domicile::iam

#include "iam/policy_set.hpp"

#include "iam/vocabulary.hpp"

#include <algorithm>
#include <bitset>

namespace domicile::iam {
namespace {

constexpr std::size_t roles_max = 64;
using Roles = std::bitset<roles_max>;  ///< by the place of a role in the request

std::uint16_t number(std::map<std::string, std::uint16_t, std::less<>>& numbers, const std::string& name) {
    return numbers.emplace(name, static_cast<std::uint16_t>(numbers.size())).first->second;
}

std::optional<std::uint16_t> find(const std::map<std::string, std::uint16_t, std::less<>>& numbers,
                                  std::string_view name) {
    const auto found = numbers.find(name);
    return found == numbers.end() ? std::nullopt : std::optional(found->second);
}

std::string_view last_part(std::string_view arn) {
    for (int i = 0; i < 5; ++i) {
        const auto colon = arn.find(':');
        if (colon == std::string_view::npos) {
            return {};
        }
        arn.remove_prefix(colon + 1);
    }
    return arn;
}

}  // namespace

struct PolicySet::Grant {
    bool yes = false;
    bool final = false;    ///< it names the principal itself: no boundary and no session limits it
    bool account = false;  ///< only its jurisdiction is named: its own policies must allow, too
    Roles roles;           ///< it names these roles
    bool everybody = false;
};

struct PolicySet::Bound {
    Bound(const PolicySet& set, const Request& asked, std::span<const std::string_view> unknown = {})
        : request(asked),
          action(lower(asked.action)),
          values(set.policies_.keys.size()),
          open(set.policies_.keys.size(), false) {
        if (asked.context != nullptr) {
            for (const auto& [name, list] : asked.context->entries()) {
                if (const auto key = set.policies_.keys.find(name)) {
                    values[*key] = list;
                }
            }
        }
        for (const auto name : unknown) {
            if (const auto key = set.policies_.keys.find(name)) {
                open[*key] = true;
            }
        }
        for (std::size_t i = 0; i < asked.roles.size() && i < roles_max; ++i) {
            roles.push_back(find(set.roles_, asked.roles[i]));
        }
        account = find(set.jurisdictions_, asked.account);
        resource_account = find(set.jurisdictions_, asked.resource_account);
        resource = find(set.resources_, last_part(asked.resource));
        std::string_view rest = asked.resource;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const auto colon = i == 5 ? std::string_view::npos : rest.find(':');
            parts[i] = rest.substr(0, colon);
            rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
        }
        lookup = [this](std::uint16_t key) -> std::optional<std::string_view> {
            const auto& found = values[key];
            return found && found->size() == 1 ? std::optional(found->front()) : std::nullopt;
        };
    }
    Bound(const Bound&) = delete;
    Bound& operator=(const Bound&) = delete;

    const Request& request;
    std::string action;
    std::vector<Values> values;  // by key
    std::vector<bool> open;      // keys not known yet
    std::vector<std::optional<std::uint16_t>> roles;
    std::optional<std::uint16_t> account;
    std::optional<std::uint16_t> resource_account;
    std::optional<std::uint16_t> resource;
    std::array<std::string_view, 6> parts;
    Lookup lookup;
};

struct PolicySet::Tally {
    std::vector<std::uint32_t> denies;
    std::vector<std::uint32_t> unresolved;
    std::vector<std::uint32_t> allows;
    bool guard_own = false;       // a guard rail of the principal's jurisdiction allows
    bool guard_resource = false;  // one of the resource's
    bool final = false;
    bool by_account = false;
    bool by_everybody = false;
    Roles by_role;
    Roles identity;
    Roles boundary;
    bool session = false;
    bool open = false;
};

PolicySet::PolicySet(Policies policies, EvaluatorOptions options)
    : policies_(std::move(policies)), options_(options) {
    for (auto& [name, role] : policies_.roles) {
        const auto owner = number(roles_, name);
        add(role.identity, PolicyKind::identity, owner);
        add(role.boundary, PolicyKind::boundary, owner);
        has_boundary_.push_back(!role.boundary.empty());
    }
    // Numbers follow the maps' order, and so do has_boundary_'s places.
    for (auto& [name, list] : policies_.guard_rails) {
        if (!list.empty()) {
            add(list, PolicyKind::guard_rail, number(jurisdictions_, name));
        }
    }
    for (auto& [name, list] : policies_.resources) {
        add(list, PolicyKind::resource, number(resources_, name));
    }
    add(policies_.session, PolicyKind::session, 0);
    has_session_ = !policies_.session.empty();
    for (const auto& word : actions()) {
        const std::string action = lower(word.name);
        auto& list = by_action_[action];
        for (std::uint32_t i = 0; i < entries_.size(); ++i) {
            if (matches_action(*entries_[i].statement, action)) {
                list.push_back(i);
            }
        }
    }
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
        all_.push_back(i);
    }
}

void PolicySet::add(std::vector<Policy>& policies, PolicyKind kind, std::uint16_t owner) {
    for (const Policy& policy : policies) {
        for (const Statement& statement : policy.statements) {
            entries_.push_back({&statement, &policy, kind, owner});
        }
    }
}

std::span<const std::uint32_t> PolicySet::candidates(std::string_view action) const {
    const auto found = by_action_.find(action);
    return found == by_action_.end() ? std::span<const std::uint32_t>(all_) : found->second;
}

std::string PolicySet::label(const Entry& entry) const {
    return entry.policy->name + "/" + entry.statement->label();
}

bool PolicySet::applies(const Entry& entry, const Bound& bound) const {
    switch (entry.kind) {
        case PolicyKind::identity:
        case PolicyKind::boundary:
            return std::ranges::any_of(bound.roles, [&](const auto& role) { return role == entry.owner; });
        case PolicyKind::guard_rail:
            return bound.account == entry.owner || bound.resource_account == entry.owner;
        case PolicyKind::resource: return bound.resource == entry.owner;
        case PolicyKind::session: break;
    }
    return true;
}

bool PolicySet::matches_action(const Statement& statement, std::string_view action) {
    return std::ranges::any_of(statement.actions, [&](const Pattern& one) { return one.matches(action); }) !=
           statement.not_action;
}

PolicySet::Grant PolicySet::match_principal(const Statement& statement, const Bound& bound) {
    Grant grant;
    for (const auto& who : statement.principals) {
        using Kind = Statement::Who::Kind;
        switch (who.kind) {
            case Kind::everybody: grant.everybody = true; break;
            case Kind::account: grant.account = grant.account || who.text == bound.request.account; break;
            case Kind::arn:
                grant.final = grant.final || who.text == bound.request.user;
                for (std::size_t i = 0; i < bound.request.arns.size() && i < roles_max; ++i) {
                    if (who.text == bound.request.arns[i]) {
                        grant.roles.set(i);
                    }
                }
                break;
            case Kind::service: break;
        }
    }
    grant.yes =
        (grant.everybody || grant.account || grant.final || grant.roles.any()) != statement.not_principal;
    return grant;
}

PolicySet::Match PolicySet::match_resource(const Statement& statement, const Bound& bound) const {
    if (statement.any_resource) {
        return statement.not_resource ? Match::no : Match::yes;
    }
    bool any = false;
    bool unresolved = false;
    bool open = false;
    for (const auto& pattern : statement.resources) {
        bool all = true;
        bool unsure = false;
        bool later = false;
        for (std::size_t i = 0; i < 6 && all; ++i) {
            if (std::ranges::any_of(pattern[i].keys(), [&](std::uint16_t key) { return bound.open[key]; })) {
                later = true;
                continue;
            }
            switch (pattern[i].match(bound.parts[i], bound.lookup)) {
                case Pattern::Result::no: all = false; break;
                case Pattern::Result::yes: break;
                case Pattern::Result::unresolved: unsure = true; break;
            }
        }
        any = any || (all && !unsure && !later);
        unresolved = unresolved || (all && unsure && !later);
        open = open || (all && later);
    }
    if (!any && open) {
        return Match::open;
    }
    if (!any && unresolved) {
        return Match::unresolved;
    }
    return any != statement.not_resource ? Match::yes : Match::no;
}

PolicySet::Match PolicySet::match_conditions(const Statement& statement, const Bound& bound,
                                             std::string* why) const {
    bool open = false;
    bool unresolved = false;
    bool absent = false;
    for (const Condition& condition : statement.conditions) {
        if (bound.open[condition.key] ||
            std::ranges::any_of(condition.variables, [&](std::uint16_t key) { return bound.open[key]; })) {
            open = true;
            if (why != nullptr) {
                *why += (why->empty() ? "" : ", ") + condition.text();
            }
            continue;
        }
        const Outcome outcome = evaluate(condition, bound.values[condition.key], bound.lookup);
        if (outcome.kind == Outcome::Kind::no && !outcome.on_absence) {
            if (why != nullptr) {
                *why = condition.text() + " is not met";
            }
            return Match::no;
        }
        if (outcome.kind != Outcome::Kind::yes) {
            (outcome.on_absence ? absent : unresolved) = true;
            if (why != nullptr && !open) {
                *why = condition.text() +
                       (outcome.on_absence ? ": the key is absent" : ": a variable stands for nothing");
            }
        }
    }
    if (absent || unresolved) {
        // An Allow that cannot be decided allows nothing. A Deny refuses, if it is to fail closed.
        const bool refuses = !statement.allow && options_.fail_closed;
        return !refuses ? Match::no : open ? Match::open : Match::unresolved;
    }
    return open ? Match::open : Match::yes;
}

PolicySet::Match PolicySet::match(const Entry& entry, const Bound& bound, std::string* why) const {
    const auto said = [&](Match match, std::string_view text) {
        if (why != nullptr) {
            *why = text;
        }
        return match;
    };
    if (!matches_action(*entry.statement, bound.action)) {
        return said(Match::no, "another action");
    }
    if (entry.kind == PolicyKind::resource && !match_principal(*entry.statement, bound).yes) {
        return said(Match::no, "another principal");
    }
    const Match resource = match_resource(*entry.statement, bound);
    if (resource == Match::no) {
        return said(Match::no, "another resource");
    }
    const Match conditions = match_conditions(*entry.statement, bound, why);
    if (conditions == Match::no) {
        return Match::no;
    }
    if (resource == Match::open || conditions == Match::open) {
        return Match::open;
    }
    if (resource == Match::unresolved) {
        const bool refuses = !entry.statement->allow && options_.fail_closed;
        return said(refuses ? Match::unresolved : Match::no, "a variable of the resource stands for nothing");
    }
    return conditions;
}

void PolicySet::count(Tally& tally, std::uint32_t index, const Bound& bound, Match found) const {
    const Entry& entry = entries_[index];
    if (found == Match::open) {
        tally.open = true;
        return;
    }
    if (found == Match::no) {
        return;
    }
    if (!entry.statement->allow) {
        (found == Match::yes ? tally.denies : tally.unresolved).push_back(index);
        return;
    }
    if (found != Match::yes) {
        return;
    }
    tally.allows.push_back(index);
    switch (entry.kind) {
        case PolicyKind::guard_rail:
            tally.guard_own = tally.guard_own || bound.account == entry.owner;
            tally.guard_resource = tally.guard_resource || bound.resource_account == entry.owner;
            break;
        case PolicyKind::session: tally.session = true; break;
        case PolicyKind::identity:
        case PolicyKind::boundary:
            for (std::size_t i = 0; i < bound.roles.size(); ++i) {
                if (bound.roles[i] == entry.owner) {
                    (entry.kind == PolicyKind::identity ? tally.identity : tally.boundary).set(i);
                }
            }
            break;
        case PolicyKind::resource: {
            const Grant grant = match_principal(*entry.statement, bound);
            tally.final = tally.final || grant.final;
            tally.by_account = tally.by_account || grant.account;
            tally.by_everybody = tally.by_everybody || grant.everybody;
            tally.by_role |= grant.roles;
            break;
        }
    }
}

Decision PolicySet::conclude(const Tally& tally, const Bound& bound) const {
    const auto decision = [&](Verdict verdict, std::string_view rule, std::span<const std::uint32_t> by) {
        Decision made{verdict, rule, {}};
        for (const auto index : by) {
            made.reasons += (made.reasons.empty() ? "" : " ") + label(entries_[index]);
        }
        return made;
    };
    if (!tally.denies.empty()) {
        return decision(Verdict::explicit_deny, rules::explicit_deny, tally.denies);
    }
    if (!tally.unresolved.empty()) {
        return decision(Verdict::unresolved_deny, rules::unresolved_deny, tally.unresolved);
    }
    const auto refused = [&](std::string_view rule) { return decision(Verdict::implicit_deny, rule, {}); };
    if ((bound.account && !tally.guard_own) || (bound.resource_account && !tally.guard_resource)) {
        return refused(rules::guard_rail);
    }
    const bool crosses =
        !bound.request.resource_account.empty() && bound.request.resource_account != bound.request.account;
    if (!crosses && tally.final) {
        return decision(Verdict::allowed, {}, tally.allows);
    }
    // Each role stands for itself: what one role's policy allows, that role's boundary must allow.
    bool granted = false;
    bool within = false;
    for (std::size_t i = 0; i < bound.roles.size(); ++i) {
        const bool by_resource = !crosses && (tally.by_everybody || tally.by_role.test(i));
        if (!tally.identity.test(i) && !by_resource) {
            continue;
        }
        granted = true;
        const auto role = bound.roles[i];
        within = within || !role || !has_boundary_[*role] || tally.boundary.test(i);
    }
    if (bound.roles.empty() && !crosses && tally.by_everybody) {
        granted = within = true;
    }
    if (!granted) {
        return refused(rules::implicit_deny);
    }
    if (!within) {
        return refused(rules::boundary);
    }
    if (has_session_ && !tally.session) {
        return refused(rules::session);
    }
    if (crosses && !tally.final && !tally.by_account && !tally.by_everybody && tally.by_role.none()) {
        return refused(rules::cross_jurisdiction);
    }
    return decision(Verdict::allowed, {}, tally.allows);
}

Decision PolicySet::decide(const Bound& bound, std::span<const std::uint32_t> among) const {
    Tally tally;
    for (const auto index : among) {
        if (applies(entries_[index], bound)) {
            count(tally, index, bound, match(entries_[index], bound));
        }
    }
    return conclude(tally, bound);
}

Decision PolicySet::decide(const Request& request) const {
    const Bound bound(*this, request);
    return decide(bound, candidates(bound.action));
}

Decision Residual::decide(const Request& request) const {
    return always_ ? *always_ : set_->decide(PolicySet::Bound(*set_, request), candidates_);
}

Residual PolicySet::specialise(const Request& request, std::span<const std::string_view> unknown) const {
    Residual residual;
    residual.set_ = this;
    const Bound bound(*this, request, unknown);
    Tally tally;
    for (const auto index : candidates(bound.action)) {
        if (!applies(entries_[index], bound)) {
            continue;
        }
        const Match found = match(entries_[index], bound);
        count(tally, index, bound, found);
        if (found != Match::no) {
            residual.candidates_.push_back(index);
        }
    }
    if (!tally.open || !tally.denies.empty()) {
        residual.always_ = conclude(tally, bound);
    }
    return residual;
}

std::vector<Explained> PolicySet::explain(const Request& request) const {
    const Bound bound(*this, request);
    std::vector<Explained> list;
    for (const Entry& entry : entries_) {
        if (!applies(entry, bound)) {
            continue;
        }
        std::string why;
        const Match found = match(entry, bound, &why);
        list.push_back({entry.policy->name, entry.statement->label(), entry.kind, entry.statement->allow,
                        found == Match::yes          ? "yes"
                        : found == Match::unresolved ? "unresolved: " + why
                                                     : "no: " + why});
    }
    return list;
}

std::vector<Holder> PolicySet::who_can(std::string_view account, std::string_view action,
                                       std::string_view resource, std::string_view resource_account,
                                       const Context& context) const {
    std::vector<std::string_view> unknown;
    for (const auto& [name, key] : policies_.keys.all()) {
        if (std::ranges::none_of(context.entries(),
                                 [&](const auto& entry) { return lower(entry.first) == name; })) {
            unknown.push_back(name);
        }
    }
    std::vector<Holder> holders;
    for (const auto& [role, index] : roles_) {
        const std::vector<std::string> roles = {role};
        const std::vector<std::string> arns = {role_arn(account, role)};
        Request request;
        request.roles = roles;
        request.account = account;
        request.arns = arns;
        request.action = action;
        request.resource = resource;
        request.resource_account = resource_account;
        request.context = &context;
        const Bound bound(*this, request, unknown);
        Tally sure;
        Tally hoped;  // every open Allow counts, no open Deny does
        Holder holder{role, {}, {}};
        for (const auto i : candidates(bound.action)) {
            const Entry& entry = entries_[i];
            if (!applies(entry, bound)) {
                continue;
            }
            std::string why;
            const Match found = match(entry, bound, &why);
            count(sure, i, bound, found);
            if (found == Match::open) {
                if (entry.statement->allow) {
                    count(hoped, i, bound, Match::yes);
                }
                holder.conditions.push_back((entry.statement->allow ? "if " : "unless ") + why + " (" +
                                            label(entry) + ")");
            } else {
                count(hoped, i, bound, found);
            }
            if (found != Match::no && entry.statement->allow && entry.kind != PolicyKind::guard_rail) {
                holder.statements.push_back(label(entry));
            }
        }
        if (conclude(hoped, bound).allowed()) {
            holders.push_back(std::move(holder));
        }
    }
    return holders;
}

std::string PolicySet::role_names() const {
    std::string text;
    for (const auto& [role, index] : roles_) {
        text += (text.empty() ? "" : ", ") + role;
    }
    return text;
}

}  // namespace domicile::iam

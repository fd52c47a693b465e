#include "access/judge.hpp"

#include "iam/vocabulary.hpp"

#include <algorithm>
#include <array>

namespace domicile::access {
namespace {

using base::Code;

std::string joined(std::span<const std::string> words, std::string_view between) {
    std::string text;
    for (const auto& word : words) {
        text += (text.empty() ? std::string_view() : between);
        text += word;
    }
    return text;
}

std::vector<std::string> names_of(const topology::Table& table) {
    std::vector<std::string> names;
    for (const auto& column : table.personal) {
        names.push_back(column.name);
    }
    return names;
}

void want(std::vector<Wanted>& list, std::string_view action, std::string_view table,
          std::span<const std::string> personal = {}) {
    const auto found = std::ranges::find_if(
        list, [&](const Wanted& one) { return one.action == action && one.table == table; });
    Wanted& one = found != list.end()
                      ? *found
                      : list.emplace_back(Wanted{std::string(action), std::string(table), {}, {}});
    for (const auto& column : personal) {
        if (std::ranges::find(one.personal, column) == one.personal.end()) {
            one.personal.push_back(column);
            one.columns.push_back(column);
        }
    }
}

std::string_view action_of(sql::Verb verb) {
    switch (verb) {
        case sql::Verb::select: return "data:Select";
        case sql::Verb::insert:
        case sql::Verb::copy_in: return "data:Insert";
        case sql::Verb::update:
        case sql::Verb::lock: return "data:Update";
        case sql::Verb::remove:
        case sql::Verb::truncate: return "data:Delete";
        case sql::Verb::define: break;
    }
    return "data:Define";
}

routing::Refusal refused(const iam::Decision& decision, const Wanted& wanted) {
    base::Error error;
    error.code = Code::not_permitted;
    error.rule = decision.rule;
    if (wanted.action == "data:ReadPersonal") {
        error.text = "Not permitted to read the personal columns " + joined(wanted.personal, ", ") + " of " +
                     wanted.table + ".";
        error.hint = "Leave them out, or ask for data:ReadPersonal.";
    } else {
        error.text = "Not permitted: " + wanted.action + " on " + wanted.table + ".";
        error.hint = "`domicile policy explain` says which policies are in the way.";
    }
    error.detail = decision.reasons;
    return {std::move(error), std::nullopt};
}

}  // namespace

void Caller::append_profile(std::string& text) const {
    // Each part behind its length: names may hold any byte, and two callers must never share a text.
    const auto add = [&](std::string_view part) {
        text.append(std::to_string(part.size())).append(1, ':').append(part);
    };
    add(std::to_string(principal.roles.size()));
    for (const auto& role : principal.roles) {
        add(role);
    }
    add(principal.name);
    add(std::to_string(static_cast<unsigned>(principal.kind)));
    add(std::to_string(principal.jurisdiction.value));
    add(principal.subject ? std::to_string(principal.subject->value) : "");
    add(principal.purpose);
    add(address);
    add(secure ? "t" : "");
    add(door);
}

namespace {

/// What is known only when values are.
constexpr std::array<std::string_view, 3> undecided_keys{"domicile:SubjectMatch", "aws:CurrentTime",
                                                         "aws:EpochTime"};

}  // namespace

std::vector<Wanted> wanted_by(const sql::Facts& facts, const topology::Topology& topology) {
    std::vector<Wanted> list;
    const bool locks = facts.kind == sql::Kind::read && facts.writes;
    for (const auto& use : facts.tables) {
        if (use.schema == "pg_temp") {
            continue;  // the session's own
        }
        const std::string_view table = use.catalog ? "pg_catalog" : std::string_view(use.name);
        want(list, action_of(use.verb), table);
        if (use.also_updates || use.merges || (locks && use.verb == sql::Verb::select && !use.catalog)) {
            want(list, "data:Update", table);
        }
        // Whoever chooses rows to change reads them, as PostgreSQL has it (docs, "Privileges": SELECT).
        const bool chooses = use.verb == sql::Verb::update || use.verb == sql::Verb::remove || use.merges;
        if ((chooses || use.returns) && !use.catalog) {
            want(list, "data:Select", table);
        }
        if (use.merges) {
            want(list, "data:Insert", table);
            want(list, "data:Delete", table);
        }
        if (!use.personal.empty()) {
            want(list, "data:ReadPersonal", table, use.personal);
        }
        // A table that the topology does not name may be a view of anything.
        if (use.table != nullptr && topology.other_tables && use.table == &*topology.other_tables) {
            want(list, "data:ReadPersonal", table, std::vector<std::string>{"*"});
        }
        // Statistics of the planner hold values of columns, and so do other sessions' statements.
        if (use.catalog && (use.name.starts_with("pg_stat") || use.name == "pg_largeobject" ||
                            use.name == "pg_prepared_statements" || use.name == "pg_cursors")) {
            want(list, "data:ReadPersonal", "pg_catalog", std::vector<std::string>{use.name});
        }
    }
    // What names no table may still do anything: procedures, and definitions of functions, roles and schemas.
    const bool defines = facts.kind == sql::Kind::ddl && facts.tables.empty();
    if (facts.kind == sql::Kind::procedure || facts.kind == sql::Kind::maintenance || defines) {
        want(list, "data:Define", list.empty() ? std::string("schema") : std::string(list.front().table));
    }
    if (facts.opaque) {
        for (const auto& table : topology.tables) {
            if (!table.personal.empty()) {
                want(list, "data:Select", table.name);
                want(list, "data:ReadPersonal", table.name, names_of(table));
            }
        }
    }
    return list;
}

/// The context of one wanted thing. Views into itself: not moved.
struct Judge::Keys {
    Keys(const Judge& judge, const Caller& caller, std::string_view basis)
        : arn(iam::user_arn(judge.topology_.at(caller.principal.jurisdiction).name, caller.principal.name)),
          subject(caller.principal.subject ? std::to_string(caller.principal.subject->value) : "") {
        const auto& principal = caller.principal;
        const std::string& account = judge.topology_.at(principal.jurisdiction).name;
        for (const auto& role : principal.roles) {
            arns.push_back(iam::role_arn(account, role));
            roles.push_back(role);
        }
        context.set("aws:PrincipalArn", arn);
        context.set("aws:PrincipalType", iam::name(principal.kind));
        context.set("aws:PrincipalAccount", account);
        context.set("aws:username", principal.name);
        context.set("aws:SourceIp", caller.address);
        context.set("aws:SecureTransport", caller.secure ? "true" : "false");
        context.set("aws:RequestedRegion", judge.region_.name);
        context.set("domicile:GatewayJurisdiction", judge.jurisdiction_);
        context.set("domicile:GatewayRegion", judge.region_.name);
        context.set("domicile:PrincipalRoles", roles);
        context.set("domicile:Door", caller.door);
        if (principal.subject) {
            context.set("domicile:Subject", subject);
        }
        if (!principal.purpose.empty()) {
            context.set("domicile:Purpose", principal.purpose);
        }
        if (!basis.empty()) {
            context.set("domicile:TransferBasis", basis);
        }
        request.roles = principal.roles;
        request.account = account;
        request.user = arn;
        request.arns = arns;
        request.resource_account = judge.jurisdiction_;
        request.context = &context;
    }
    Keys(const Keys&) = delete;
    Keys& operator=(const Keys&) = delete;

    /// Rows have their home here: routing refuses all others, whatever policies say.
    void data(const Judge& judge, const Wanted& wanted) {
        resource = iam::table_arn(judge.jurisdiction_, wanted.table);
        request.action = wanted.action;
        request.resource = resource;
        context.set("domicile:HomeJurisdiction", judge.jurisdiction_);
        columns.assign(wanted.columns.begin(), wanted.columns.end());
        personal.assign(wanted.personal.begin(), wanted.personal.end());
        context.set("domicile:Columns", columns);
        context.set("domicile:PersonalColumns", personal);
    }
    void time() {
        const auto now = std::chrono::duration_cast<std::chrono::seconds>(
            std::chrono::system_clock::now().time_since_epoch());
        epoch = std::to_string(now.count());
        context.set("aws:EpochTime", epoch);
        context.set("aws:CurrentTime", epoch);
    }

    std::string arn;
    std::string subject;
    std::string resource;
    std::string epoch;
    std::vector<std::string> arns;
    std::vector<std::string_view> roles;
    std::vector<std::string_view> columns;
    std::vector<std::string_view> personal;
    iam::Context context;
    iam::Request request;
};

Judge::Judge(const topology::Topology& topology, topology::RegionIndex region,
             std::shared_ptr<const iam::PolicySet> policies, AccessLog* log)
    : topology_(topology),
      region_(topology.at(region)),
      jurisdiction_(topology.at(region_.jurisdiction).name),
      policies_(std::move(policies)),
      log_(log) {}

void Judge::log(const Caller& caller, std::string_view action, std::string_view what, bool allowed,
                std::string_view rule, std::string_view by) const {
    if (log_ == nullptr) {
        return;
    }
    // A login's name is its role; another's name may be a person's.
    const auto& principal = caller.principal;
    const bool is_role = std::ranges::find(principal.roles, principal.name) != principal.roles.end();
    const std::string who =
        is_role || principal.name.empty() ? principal.name : log_->pseudonym_of(principal.name);
    const std::string roles = joined(principal.roles, " ");
    Entry entry;
    entry.door = caller.door;
    entry.who = who;
    entry.role = roles;
    entry.from = topology_.at(principal.jurisdiction).name;
    entry.subject = principal.subject;
    entry.action = action;
    entry.what = what;
    entry.allowed = allowed;
    entry.rule = rule;
    entry.by = by;
    log_->append(entry);
}

namespace {

/// The residency rule on everything that a statement wants.
auto basis_of(const Caller& caller, std::span<const Wanted> wanted, const routing::Place& place) {
    std::vector<routing::Touch> touches;
    for (const auto& one : wanted) {
        touches.push_back({one.action, one.table, one.personal});
    }
    const routing::Principal asks{caller.principal.jurisdiction, caller.principal.subject, false};
    return routing::may_ask(asks, touches, place);
}

}  // namespace

Permit Judge::judge(const Caller& caller, std::span<const Wanted> wanted, const routing::Place& place) const {
    Permit permit;
    const auto basis = basis_of(caller, wanted, place);
    if (!basis) {
        for (const auto& one : wanted) {
            log(caller, one.action, one.table, false, basis.error().error.rule, {});
        }
        permit.refusal_ = basis.error();
        return permit;
    }
    permit.basis_ = *basis ? routing::name(**basis) : std::string_view();
    permit.by_transfer_ = basis->has_value();
    for (const auto& one : wanted) {
        Keys keys(*this, caller, permit.basis_);
        keys.data(*this, one);
        iam::Residual residual = policies_->specialise(keys.request, undecided_keys);
        if (const iam::Decision* decision = residual.always()) {
            log(caller, one.action, one.table, decision->allowed(), decision->rule, decision->reasons);
            if (!decision->allowed()) {
                permit.refusal_ = refused(*decision, one);
                permit.open_.clear();
                return permit;
            }
        } else {
            permit.open_.push_back({one, std::move(residual)});
        }
    }
    return permit;
}

std::optional<routing::Refusal> Judge::decide(const Permit& permit, const Caller& caller,
                                              bool subject_match) const {
    for (const auto& open : permit.open_) {
        Keys keys(*this, caller, permit.basis_);
        keys.data(*this, open.wanted);
        keys.context.set("domicile:SubjectMatch", subject_match ? "true" : "false");
        keys.time();
        const iam::Decision decision = open.residual.decide(keys.request);
        log(caller, open.wanted.action, open.wanted.table, decision.allowed(), decision.rule,
            decision.reasons);
        if (!decision.allowed()) {
            return refused(decision, open.wanted);
        }
    }
    return std::nullopt;
}

std::string Judge::reasons(const Caller& caller, std::span<const Wanted> wanted,
                           const routing::Place& place) const {
    const auto basis = basis_of(caller, wanted, place);
    if (!basis) {
        return basis.error().error.rule;
    }
    const std::string_view name = *basis ? routing::name(**basis) : std::string_view();
    std::string text = name.empty() ? std::string() : "transfer by " + std::string(name);
    for (const auto& one : wanted) {
        Keys keys(*this, caller, name);
        keys.data(*this, one);
        const iam::Residual residual = policies_->specialise(keys.request, undecided_keys);
        const iam::Decision* decision = residual.always();
        text += (text.empty() ? "" : "; ") + one.action + " on " + one.table + ": ";
        text += decision == nullptr   ? "by the value or the time"
                : decision->allowed() ? decision->reasons
                                      : std::string(decision->rule) + " " + decision->reasons;
    }
    return text.empty() ? "nobody's data" : text;
}

base::Status Judge::permits(const Caller& caller, std::string_view action, std::string_view resource,
                            bool subject_match) const {
    Keys keys(*this, caller, {});
    keys.request.action = action;
    keys.request.resource = resource;
    keys.context.set("domicile:SubjectMatch", subject_match ? "true" : "false");
    keys.time();
    const iam::Decision decision = policies_->decide(keys.request);
    log(caller, action, resource, decision.allowed(), decision.rule, decision.reasons);
    if (!decision.allowed()) {
        return std::unexpected(base::Error{Code::not_permitted, "Not permitted: " + std::string(action) + ".",
                                           "`domicile policy explain` says which policies are in the way.",
                                           std::string(decision.rule), decision.reasons});
    }
    return {};
}

void Judge::note_login(const Caller& caller, bool good, std::string_view rule) const {
    log(caller, "login", region_.name, good, rule, {});
}

void Judge::note_refusal(const Caller& caller, std::string_view rule) const {
    if ((rule.starts_with("residency/") && rule != routing::rules::principal_abroad) ||
        rule.starts_with("ranges/")) {
        log(caller, "data:Route", region_.name, false, rule, {});
    }
}

}  // namespace domicile::access

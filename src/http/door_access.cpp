// The HTTP door: who asks, and whether policies and residency permit it.

#include "http/call.hpp"
#include "http/door.hpp"

#include <algorithm>
#include <ctime>

namespace domicile::http {
namespace {

using base::Code;

constexpr std::size_t permits_max = 8'192;

using Query = std::vector<std::pair<std::string, std::string>>;

std::string_view action_of(Method method) {
    return method == Method::get     ? "data:Select"
           : method == Method::post  ? "data:Insert"
           : method == Method::patch ? "data:Update"
                                     : "data:Delete";
}

/// Whether the answer may hold a personal column, or depend on it: it is named anywhere in the query, if only
/// to filter or to sort by, or all columns are meant. PATCH answers with the whole row.
bool reads(const topology::PersonalColumn& column, Method method, const Query& query) {
    if (method != Method::get) {
        return method == Method::patch;
    }
    // The last list counts, and an empty one means all columns.
    bool selects = false;
    bool named = false;
    for (const auto& [name, value] : query) {
        selects = name == "select" ? !value.empty() : selects;
        named = named || name == column.name || value.find(column.name) != std::string::npos;
    }
    return named || !selects;
}

std::vector<access::Wanted> wanted_of(const topology::Table& table, Method method, const Query& query) {
    std::vector<access::Wanted> list;
    list.push_back({std::string(action_of(method)), table.name, {}, {}});
    if (method == Method::patch || method == Method::delete_) {
        list.push_back({"data:Select", table.name, {}, {}});  // choosing a row reads it
    }
    access::Wanted personal{"data:ReadPersonal", table.name, {}, {}};
    for (const auto& column : table.personal) {
        if (reads(column, method, query)) {
            personal.personal.push_back(column.name);
        }
    }
    if (!personal.personal.empty()) {
        personal.columns = personal.personal;
        list.push_back(std::move(personal));
    }
    return list;
}

}  // namespace

std::shared_ptr<const iam::Principal> Door::service_of(const std::string& certificate) const {
    auto principal = shared_.authenticator.recognise(certificate);
    return principal ? std::make_shared<const iam::Principal>(std::move(*principal)) : nullptr;
}

base::Status Door::identify(Call& call) {
    access::Caller& caller = call.caller;
    if (call.request.authorization.empty() && (shared_.anonymous || call.request.service != nullptr)) {
        if (call.request.service != nullptr) {
            caller.principal = *call.request.service;
        } else {
            caller.principal.name = "app";
            caller.principal.roles = {"app"};
        }
        return {};
    }
    constexpr std::string_view scheme = "Bearer ";
    const std::string_view text = call.request.authorization;
    const bool bearer = text.size() > scheme.size() &&
                        std::ranges::equal(text.substr(0, scheme.size()), scheme,
                                           [](char a, char b) { return (a | 0x20) == (b | 0x20); });
    auto principal =
        tokens_.authenticate(bearer ? text.substr(scheme.size()) : std::string_view(), std::time(nullptr));
    if (!principal) {
        shared_.judge.note_login(caller, false, routing::rules::credentials);
        return std::unexpected(std::move(principal.error()));
    }
    caller.principal = **principal;
    return {};
}

base::Status Door::authorise(Call& call, Method method) {
    const access::Caller& caller = call.caller;
    if (!shared_.judge.healthy()) {
        return base::fail(Code::internal, "The access log cannot be written.");
    }
    const topology::Table* table = call.target.table.empty() ? &shared_.topology.person_table()
                                                             : shared_.topology.table(call.target.table);
    call.principal = {caller.principal.jurisdiction, caller.principal.subject, false};
    if (table == nullptr) {
        return {};  // there is nothing to permit: the request ends with unknown_table
    }
    // What the verdict depends on, in a buffer that is kept: a request that was judged before allocates
    // nothing here.
    permit_key_.clear();
    caller.append_profile(permit_key_);
    permit_key_.append(1, static_cast<char>(method)).append(table->name).append(1, '\0');
    for (const auto& column : table->personal) {
        permit_key_.append(1, reads(column, method, call.target.query) ? '1' : '0');
    }
    auto known = permits_.find(permit_key_);
    if (known == permits_.end()) {
        if (permits_.size() >= permits_max) {
            permits_.clear();
        }
        const routing::Place place{shared_.topology, shared_.map(), own_};
        const auto wanted = wanted_of(*table, method, call.target.query);
        known = permits_.emplace(permit_key_, shared_.judge.judge(caller, wanted, place)).first;
    }
    const access::Permit& permit = known->second;
    call.principal.by_transfer = permit.by_transfer();
    const auto& subject = caller.principal.subject;
    const bool own_rows = subject && call.target.endpoint != Endpoint::people && call.target.user == *subject;
    auto refusal = permit.decided() ? permit.refusal() : shared_.judge.decide(permit, caller, own_rows);
    if (refusal) {
        call.foreign_home = refusal->home;
        return std::unexpected(std::move(refusal->error));
    }
    return {};
}

}  // namespace domicile::http

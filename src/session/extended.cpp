// The extended query protocol: Parse, Bind, Describe, Execute, Close, Sync, Flush.

#include "base/assert.hpp"
#include "session/session.hpp"
#include "wire/frontend.hpp"
#include "wire/message.hpp"
#include "wire/server.hpp"

#include <algorithm>

namespace domicile::session {
namespace {

using base::Code;
using wire::Relay;

constexpr std::size_t statements_per_client_max = 10'000;

base::Error malformed() {
    return {Code::malformed_request, "invalid message format", {}, {}, {}};
}

/// What PostgreSQL takes in a failed transaction (IsTransactionExitStmt), and what is no statement.
bool ends_transaction(sql::Kind kind) {
    using Kind = sql::Kind;
    return kind == Kind::empty || kind == Kind::commit || kind == Kind::rollback || kind == Kind::rollback_to;
}

}  // namespace

Task<bool> Session::extended_error(base::Error error) {
    // What was sent before keeps its answers, and in front.
    if (lease_ && !side_) {
        if (batch_bound_ || node().relay().status() != 'I') {
            forward_pending();
        }
        if (!co_await drain_node()) {
            co_return false;
        }
        if (lease_ && !node().relay().failed()) {
            // The node's transaction must fail, too: an Execute of a portal that cannot be (34000).
            wire::append_execute_portal(node().out(), "domicile: refused");
            node().relay().sent(Relay::Sent::execute, true);
        }
    } else {
        if (!pending_.empty() && !co_await answer_pending_locally()) {
            co_return false;
        }
        unbound_ = unbound_ == Unbound::idle ? Unbound::idle : Unbound::failed;
    }
    pending_.clear();
    pending_bytes_.clear();
    if (!skipping_) {
        append_refusal(error);
    }
    skipping_ = true;
    co_return true;
}

Task<bool> Session::on_parse(std::string_view body) {
    wire::Parse parse;
    batch_open_ = true;
    if (!wire::decode(body, parse)) {
        co_return co_await extended_error(malformed());
    }
    // Count and OIDs stand behind the text.
    const std::string_view types = body.substr(body.size() - 2 - 4 * parse.types.size());
    PreparedPtr prepared;
    if (parse.name.empty() && unnamed_ && unnamed_->sql == parse.sql && unnamed_->types == types) {
        prepared = unnamed_;  // the same again: drivers without a cache of statements
    } else if (parse.name.empty()) {
        // Nobody but us may hold it, or a pending message still needs the old one.
        if (!unnamed_ || unnamed_.use_count() > 1) {
            unnamed_ = std::make_shared<Prepared>();
        }
        const auto filled =
            PreparedStore::unnamed(door_.analyser(), parse.sql, types, standard_strings_, *unnamed_);
        if (!filled) {
            unnamed_ = nullptr;
            co_return co_await refuse_parse(parse, body, filled.error());
        }
        prepared = unnamed_;
    } else {
        if (statements_.contains(std::string(parse.name))) {
            co_return co_await extended_error(
                {Code::duplicate_statement,
                 "prepared statement \"" + std::string(parse.name) + "\" already exists",
                 {},
                 {},
                 {}});
        }
        if (statements_.size() >= statements_per_client_max) {
            co_return co_await extended_error({Code::overloaded,
                                               "Too many prepared statements.",
                                               "Close those that are no longer used.",
                                               {},
                                               {}});
        }
        auto named = door_.prepared().named(door_.analyser(), parse.sql, types, standard_strings_);
        if (!named) {
            co_return co_await refuse_parse(parse, body, named.error());
        }
        prepared = *named;
        statements_.emplace(parse.name, prepared);
        if (const auto definitions = door_.shared().definitions.count(); definitions != 0) {
            if (parsed_at_.size() >= statements_per_client_max) {
                parsed_at_.clear();
            }
            parsed_at_[prepared->id] = definitions;
        }
    }
    if (unbound_ == Unbound::failed && !lease_ && !co_await answer_executed_locally()) {
        co_return false;  // a ROLLBACK before it would have made it welcome
    }
    if (unbound_ == Unbound::failed && !lease_ && !ends_transaction(prepared->facts->kind)) {
        parse.name.empty() ? unnamed_.reset() : void(statements_.erase(std::string(parse.name)));
        co_return co_await extended_error(transaction_failed());
    }
    parsing_.parse(parse.name);
    if (forwards() && !is_own(*prepared->facts)) {
        forward_parse(prepared, false);
    } else {
        pend('P', prepared, {}, true);
    }
    co_return true;
}

/// Text that our grammar refuses: PostgreSQL says why in its own words, with the place. Should a newer server
/// take it, the client still has no statement to bind.
Task<bool> Session::refuse_parse(const wire::Parse& parse, std::string_view body, base::Error error) {
    if (error.code != Code::syntax_error) {
        co_return co_await extended_error(std::move(error));
    }
    if (!forwards() && !co_await bind_anywhere()) {
        co_return !client_.hung_up();
    }
    {
        const wire::MessageWriter message(node().out(), 'P');
        node().out().append_cstring("");
        node().out().append(body.substr(parse.name.size() + 1));
    }
    node().relay().sent(Relay::Sent::parse);
    parsing_.parse({});
    node_unnamed_ = nullptr;
    if (!co_await drain_node()) {
        co_return false;
    }
    skipping_ = !lease_ || node().relay().failed();
    co_return true;
}

Task<bool> Session::on_bind(std::string_view body) {
    wire::Bind bind;
    batch_open_ = true;
    if (!wire::decode(body, bind)) {
        co_return co_await extended_error(malformed());
    }
    PreparedPtr prepared = find_prepared(bind.statement);
    if (!prepared) {
        if (lease_ && !side_ && !bind.statement.empty()) {
            // Perhaps one of SQL's PREPARE, on the connection that it pinned.
            {
                const wire::MessageWriter message(node().out(), 'B');
                node().out().append(body);
            }
            node().relay().sent(Relay::Sent::bind);
            co_return true;
        }
        co_return co_await extended_error(
            {Code::unknown_statement,
             bind.statement.empty()
                 ? "unnamed prepared statement does not exist"
                 : "prepared statement \"" + std::string(bind.statement) + "\" does not exist",
             {},
             {},
             {}});
    }
    if (bind.portal.empty()) {
        unnamed_portal_ = prepared;
    } else if (portals_.size() >= 1'000) {
        portals_.clear();
    }
    if (!bind.portal.empty()) {
        portals_[std::string(bind.portal)] = prepared;
    }
    const bool local = can_run_locally(*prepared->facts);
    if (local && (!lease_ || side_) && !batch_bound_) {
        pend('B', std::move(prepared), body, true);
        co_return true;
    }
    if (is_own(*prepared->facts) || controls_joined(*prepared->facts)) {
        // SHOW domicile…, SET domicile… inside a transaction: answered by us when its turn comes.
        if (!co_await drain_node()) {
            co_return false;
        }
        pend('B', std::move(prepared), body, true);
        co_return true;
    }
    // What the batch has said before, BEGIN above all, is so before this is routed.
    if ((!lease_ || side_) && !co_await answer_executed_locally()) {
        co_return false;
    }
    if (skipping_) {
        co_return true;
    }
    const BoundConstants constants(*prepared, bind);
    portal_stays_ = !bind.portal.empty();
    const auto bound = co_await bind_for(*prepared->facts, constants);
    portal_stays_ = false;
    if (skipping_) {
        co_return !client_.hung_up();  // the node was lost or has refused meanwhile, and the client knows
    }
    if (!bound) {
        co_return co_await extended_error(bound.error());
    }
    if (!several_portals_.empty()) {
        several_portals_.erase(std::string(bind.portal));
    }
    if (several_) {
        several_portals_[std::string(bind.portal)] =
            std::make_shared<SeveralPortal>(prepared, std::string(body), std::move(*several_));
        several_.reset();
        pend('B', std::move(prepared), body, true);
        co_return true;
    }
    forward_pending();
    forward_bind(prepared, body);
    co_return true;
}

Task<bool> Session::on_describe_or_close(char type, std::string_view body) {
    wire::Target target;
    batch_open_ = true;
    if (!wire::decode(body, target)) {
        co_return co_await extended_error(malformed());
    }
    const std::string name(target.name);
    PreparedPtr prepared;
    bool local = true;
    if (target.kind == 'S') {
        prepared = find_prepared(name);
        if (type == 'C') {
            name.empty() ? unnamed_.reset() : void(statements_.erase(name));
        } else if (!prepared && !(lease_ && !side_)) {
            co_return co_await extended_error({Code::unknown_statement,
                                               name.empty()
                                                   ? "unnamed prepared statement does not exist"
                                                   : "prepared statement \"" + name + "\" does not exist",
                                               {},
                                               {},
                                               {}});
        } else {
            local = prepared && can_run_locally(*prepared->facts);
        }
    } else if (auto portal = find_portal(name)) {
        prepared = std::move(portal);
        local = can_run_locally(*prepared->facts) || controls_joined(*prepared->facts);
    }
    if (target.kind == 'P' && several_portals_.contains(name)) {
        pend(type, prepared, body, true);
        pending_.back().several = several_portals_[name];
        co_return true;
    }
    // What waits is answered first: a Describe must not overtake the Parse it stands behind.
    if (!lease_ || !pending_.empty() || (prepared && is_own(*prepared->facts)) ||
        (target.kind == 'P' && prepared && controls_joined(*prepared->facts))) {
        pend(type, target.kind == 'S' || local ? prepared : nullptr, body, local);
    } else if (type == 'C' && target.kind == 'S') {
        node().relay().sent(Relay::Sent::own_close);
    } else {
        forward_target(type, target.kind == 'S' ? prepared : nullptr, body);
    }
    co_return true;
}

Task<bool> Session::on_execute(std::string_view body) {
    wire::Execute execute;
    batch_open_ = true;
    if (!wire::decode(body, execute)) {
        co_return co_await extended_error(malformed());
    }
    PreparedPtr prepared = find_portal(execute.portal);
    if (const auto several = several_portals_.find(execute.portal); several != several_portals_.end()) {
        pend('E', prepared, body, true);
        pending_.back().several = several->second;
        co_return co_await answer_pending_locally();
    }
    if (prepared && (is_own(*prepared->facts) || controls_joined(*prepared->facts))) {
        pend('E', prepared, body, true);
        if (lease_ && !side_) {
            co_return co_await answer_pending_locally();
        }
        co_return true;
    }
    if (!forwards()) {
        pend('E', prepared, body, prepared && can_run_locally(*prepared->facts));
    } else {
        forward_execute(prepared, body);
    }
    co_return true;
}

Task<bool> Session::on_flush() {
    if (!pending_.empty()) {
        if ((!lease_ && pending_is_local()) || pending_is_own()) {
            co_return co_await answer_pending_locally() && co_await flush_client();
        }
        if (!co_await bind_anywhere()) {
            co_return true;
        }
    }
    co_return co_await drain_node() && co_await flush_client();
}

Task<bool> Session::on_sync() {
    parsing_.round();
    if (!skipping_ && !pending_.empty()) {
        if (lease_ && !side_ && !batch_bound_ && node().relay().rounds() > 0 && pending_is_local() &&
            !co_await settle()) {
            co_return false;
        }
        if ((!lease_ && pending_is_local()) || pending_is_own()) {
            if (!co_await answer_pending_locally()) {
                co_return false;
            }
        } else if (!co_await bind_anywhere()) {
            if (client_.hung_up()) {
                co_return false;
            }
        }
    }
    if (batch_spans_) {
        if (!co_await end_batch()) {
            co_return false;
        }
    }
    skipping_ = false;
    batch_open_ = false;
    pending_.clear();
    pending_bytes_.clear();
    if (lease_) {
        wire::append_sync(node().out());
        node().relay().sent(Relay::Sent::sync);
    } else {
        append_ready();
    }
    if (status() == 'I' && (!lease_ || node().relay().status() == 'I')) {
        portals_.clear();
        unnamed_portal_.reset();
        several_portals_.clear();
    }
    batch_executed_ = false;
    batch_bound_ = false;
    co_return true;
}

}  // namespace domicile::session

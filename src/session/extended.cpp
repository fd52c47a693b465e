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

}  // namespace

// ---- What waits for a shard ----

void Session::pend(char type, PreparedPtr prepared, std::string_view body, bool local) {
    Pending pending;
    pending.type = type;
    pending.prepared = std::move(prepared);
    pending.offset = static_cast<std::uint32_t>(pending_bytes_.size());
    pending.length = static_cast<std::uint32_t>(body.size());
    pending.local = local;
    pending_bytes_.append(body);
    pending_.push_back(std::move(pending));
}

PreparedPtr Session::find_prepared(std::string_view name) {
    if (name.empty()) {
        return unnamed_;
    }
    const auto found = statements_.find(std::string(name));
    return found == statements_.end() ? nullptr : found->second;
}

/// Parse as the client meant it: its answer is the client's, from the node or, where the node knows the
/// statement, from us.
void Session::forward_parse(const PreparedPtr& prepared, bool quiet) {
    pool::Connection& connection = node();
    Relay& relay = connection.relay();
    std::array<char, 24> storage{};
    std::string_view name;
    if (prepared->id != 0) {
        if (connection.prepared().use(prepared->id)) {
            if (!quiet) {
                relay.sent(Relay::Sent::own_parse);
            }
            return;
        }
        if (connection.prepared().take_doubt(prepared->id)) {
            wire::append_close_statement(connection.out(), node_name(prepared->id, storage));
            relay.sent(Relay::Sent::close, true);
        }
        if (const auto evicted = connection.prepared().add(prepared->id)) {
            wire::append_close_statement(connection.out(), node_name(*evicted, storage));
            relay.sent(Relay::Sent::close, true);
        }
        name = node_name(prepared->id, storage);
        prepared_in_flight_.push_back(prepared->id);
    } else {
        node_unnamed_ = prepared;
    }
    {
        const wire::MessageWriter message(connection.out(), 'P');
        connection.out().append_cstring(name);
        connection.out().append_cstring(prepared->sql);
        connection.out().append(prepared->types);
    }
    relay.sent(Relay::Sent::parse, quiet, quiet);
}

void Session::ensure_prepared(const PreparedPtr& prepared) {
    if (prepared->id != 0 ? !node().prepared().use(prepared->id) : node_unnamed_ != prepared) {
        forward_parse(prepared, true);
    }
}

void Session::forward_bind(const PreparedPtr& prepared, std::string_view body) {
    ensure_prepared(prepared);
    wire::Bind bind;
    const bool decoded = wire::decode(body, bind);
    DOMICILE_ASSERT(decoded);
    base::Buffer& out = node().out();
    std::array<char, 24> storage{};
    {
        const wire::MessageWriter message(out, 'B');
        out.append_cstring(bind.portal);
        out.append_cstring(prepared->id == 0 ? std::string_view() : node_name(prepared->id, storage));
        out.append(body.substr(bind.rest_offset));
    }
    node().relay().sent(Relay::Sent::bind);
}

void Session::forward_target(char type, const PreparedPtr& prepared, std::string_view body) {
    base::Buffer& out = node().out();
    const char kind = body.front();
    if (kind == 'S' && prepared) {
        ensure_prepared(prepared);
        std::array<char, 24> storage{};
        const wire::MessageWriter message(out, type);
        out.append_u8('S');
        out.append_cstring(prepared->id == 0 ? std::string_view() : node_name(prepared->id, storage));
    } else {
        const wire::MessageWriter message(out, type);
        out.append(body);
    }
    node().relay().sent(type == 'C'   ? Relay::Sent::close
                        : kind == 'S' ? Relay::Sent::describe_statement
                                      : Relay::Sent::describe_portal);
}

void Session::forward_execute(const PreparedPtr& prepared, std::string_view body) {
    {
        const wire::MessageWriter message(node().out(), 'E');
        node().out().append(body);
    }
    node().relay().sent(Relay::Sent::execute);
    batch_executed_ = true;
    if (prepared) {
        if (prepared->facts->kind == sql::Kind::prepare) {
            sql_prepared_[prepared->facts->object] = {prepared->facts, std::string(prepared->text()),
                                                      prepared->literals};
        }
        note_sent(prepared->facts);
    }
}

void Session::forward_pending() {
    const std::string_view bytes = pending_bytes_.view();
    for (const Pending& pending : pending_) {
        const std::string_view body = bytes.substr(pending.offset, pending.length);
        switch (pending.type) {
            case 'P': forward_parse(pending.prepared, false); break;
            case 'B': forward_bind(pending.prepared, body); break;
            case 'E': forward_execute(pending.prepared, body); break;
            case 'D': forward_target('D', pending.prepared, body); break;
            case 'C':
                if (body.front() == 'S') {
                    node().relay().sent(Relay::Sent::own_close);
                } else {
                    forward_target('C', nullptr, body);
                }
                break;
            default: break;
        }
    }
    pending_.clear();
    pending_bytes_.clear();
}

// ---- The messages ----

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
    }
    parsing_.parse(parse.name);
    if (forwards()) {
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
    if (portals_.size() >= 1'000) {
        portals_.clear();
    }
    portals_[std::string(bind.portal)] = prepared;
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
    several_portals_.erase(std::string(bind.portal));
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
    } else if (const auto portal = portals_.find(name); portal != portals_.end()) {
        prepared = portal->second;
        local = can_run_locally(*prepared->facts) || controls_joined(*prepared->facts);
    }
    if (target.kind == 'P' && several_portals_.contains(name)) {
        pend(type, prepared, body, true);
        pending_.back().several = several_portals_[name];
        co_return true;
    }
    if (!lease_ ||
        (target.kind == 'P' && prepared && (is_own(*prepared->facts) || controls_joined(*prepared->facts)))) {
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
    const auto portal = portals_.find(execute.portal);
    PreparedPtr prepared = portal == portals_.end() ? nullptr : portal->second;
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
        if (!lease_ && pending_is_local()) {
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
        if (!lease_ && pending_is_local()) {
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
        several_portals_.clear();
    }
    batch_executed_ = false;
    batch_bound_ = false;
    co_return true;
}

// ---- Statements the gateway answers itself ----

bool Session::forwards() const {
    if (!lease_ || !pending_.empty()) {
        return false;
    }
    const wire::Relay& relay = (*lease_)->relay();
    return batch_bound_ || (relay.in_step() && !side_ && (relay.status() != 'I' || pins_ != 0));
}

bool Session::pending_is_local() const {
    bool runs = false;
    for (const Pending& pending : pending_) {
        if (!pending.local) {
            return false;
        }
        runs = runs || pending.type == 'E' || pending.type == 'C' || pending.type == 'B';
    }
    // A Parse alone is for a node to judge, unless it is of a statement that never gets there.
    return runs || std::ranges::all_of(pending_, [this](const Pending& pending) {
               return pending.prepared && can_run_locally(*pending.prepared->facts);
           });
}

Task<bool> Session::bind_anywhere() {
    sql::Facts nothing;
    nothing.kind = sql::Kind::show;  // reads no table: any shard will do
    const LiteralConstants constants({}, {});
    const auto bound = co_await bind_for(nothing, constants);
    if (!bound) {
        pending_.clear();
        pending_bytes_.clear();
        wire::append_error(out_, bound.error());
        skipping_ = true;
        co_return false;
    }
    forward_pending();
    co_return true;
}

Task<bool> Session::answer_executed_locally() {
    std::size_t count = 0;
    for (std::size_t i = 0; i < pending_.size() && pending_[i].local; ++i) {
        count = pending_[i].type == 'E' ? i + 1 : count;
    }
    if (count == 0) {
        co_return true;
    }
    std::vector<Pending> rest(std::make_move_iterator(pending_.begin() + static_cast<std::ptrdiff_t>(count)),
                              std::make_move_iterator(pending_.end()));
    std::vector<std::string> bodies;
    for (const Pending& pending : rest) {
        bodies.emplace_back(pending_bytes_.view().substr(pending.offset, pending.length));
    }
    pending_.resize(count);
    if (!co_await answer_pending_locally()) {
        co_return false;
    }
    for (std::size_t i = 0; i < rest.size() && !skipping_; ++i) {
        pend(rest[i].type, std::move(rest[i].prepared), bodies[i], rest[i].local);
        pending_.back().several = std::move(rest[i].several);
    }
    co_return true;
}

Task<bool> Session::answer_pending_locally() {
    if (lease_ && !side_) {
        // What the node was told before is answered before.
        if (!co_await drain_node()) {
            co_return false;
        }
        if (!lease_ || node().relay().failed()) {
            pending_.clear();
            pending_bytes_.clear();
            skipping_ = true;  // the error is told; everything up to the next Sync is void
            co_return true;
        }
    }
    const auto waiting = std::move(pending_);
    pending_.clear();
    for (const Pending& pending : waiting) {
        const bool rows =
            pending.prepared && is_own(*pending.prepared->facts) && gives_rows(*pending.prepared->facts);
        const std::string_view body = pending_bytes_.view().substr(pending.offset, pending.length);
        switch (pending.type) {
            case 'P':
                wire::append_parse_complete(out_);
                parsing_.completed();
                break;
            case 'B': wire::append_bind_complete(out_); break;
            case 'C':
                if (pending.several) {
                    std::erase_if(several_portals_,
                                  [&](const auto& entry) { return entry.second == pending.several; });
                }
                wire::append_close_complete(out_);
                break;
            case 'D':
                if (pending.several) {
                    if (const auto done = co_await describe_portal(*pending.several); !done) {
                        co_return co_await extended_error(done.error());
                    }
                    break;
                }
                if (body.front() == 'S') {
                    wire::append_parameter_description(out_, {});
                }
                if (!rows) {
                    wire::append_no_data(out_);
                } else if (const auto shown = answer_show(*pending.prepared, true, false); !shown) {
                    co_return co_await extended_error(shown.error());
                }
                break;
            case 'E': {
                if (pending.several) {
                    wire::Execute execute;
                    const bool decoded = wire::decode(body, execute);
                    DOMICILE_ASSERT(decoded);
                    if (const auto done = co_await execute_portal(*pending.several, execute.rows_max);
                        !done) {
                        co_return co_await extended_error(done.error());
                    }
                    break;
                }
                if (!pending.prepared) {
                    break;
                }
                if (rows) {
                    if (const auto shown = answer_show(*pending.prepared, false, true); !shown) {
                        co_return co_await extended_error(shown.error());
                    }
                    break;
                }
                if (controls_joined(*pending.prepared->facts)) {
                    const auto tag =
                        co_await control_joined(*pending.prepared->facts, pending.prepared->text());
                    if (!tag) {
                        co_return co_await extended_error(tag.error());
                    }
                    wire::append_command_complete(out_, *tag);
                    break;
                }
                const auto local = run_locally(*pending.prepared->facts, pending.prepared->text());
                if (local.error) {
                    co_return co_await extended_error(*local.error);
                }
                if (pending.prepared->facts->kind == sql::Kind::empty) {
                    wire::append_empty_query(out_);
                } else {
                    wire::append_command_complete(out_, local.tag);
                }
                break;
            }
            default: break;
        }
    }
    pending_bytes_.clear();
    co_return true;
}

}  // namespace domicile::session

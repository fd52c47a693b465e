// Messages of the extended protocol that wait for a shard: kept until a Bind decides, then forwarded; or
// answered by the gateway itself.

#include "base/assert.hpp"
#include "session/session.hpp"
#include "wire/frontend.hpp"
#include "wire/message.hpp"
#include "wire/server.hpp"

#include <algorithm>
#include <iterator>

namespace domicile::session {

using wire::Relay;

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

PreparedPtr Session::find_portal(std::string_view name) const {
    if (name.empty()) {
        return unnamed_portal_;
    }
    const auto found = portals_.find(name);
    return found == portals_.end() ? nullptr : found->second;
}

/// Whether the transaction may be a failed one, in which a node refuses a Parse of what it knows, too.
bool Session::may_have_failed() {
    const Relay& relay = node().relay();
    return relay.in_step() ? relay.status() == 'E'
                           : relay.status() != 'I' || std::ranges::any_of(effects_, [](const auto& facts) {
                                 return facts->kind == sql::Kind::begin;
                             });
}

/// Parse as the client meant it: its answer is the client's, from the node or, where the node knows the
/// statement, from us.
void Session::forward_parse(const PreparedPtr& prepared, bool quiet) {
    pool::Connection& connection = node();
    Relay& relay = connection.relay();
    std::array<char, 24> storage{};
    std::string_view name;
    if (prepared->id != 0) {
        if (!quiet && may_have_failed()) {
            connection.prepared().doubt(prepared->id);  // the node itself has to refuse it
        }
        if (!quiet && connection.prepared().use_fresh(prepared->id)) {
            relay.sent(Relay::Sent::own_parse);
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
    const auto known = [&] {
        const auto parsed = parsed_at_.find(prepared->id);
        return node().prepared().use_since(prepared->id, parsed == parsed_at_.end() ? 0 : parsed->second);
    };
    if (prepared->id != 0 ? !known() : node_unnamed_ != prepared) {
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

/// Nothing but statements that no node knows: SHOW and SET of domicile's own, EXPLAIN (ROUTE).
bool Session::pending_is_own() const {
    return std::ranges::all_of(pending_, [this](const Pending& pending) {
        return pending.prepared && is_own(*pending.prepared->facts);
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

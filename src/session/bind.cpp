// From a statement to the node that serves it: routing, and what binding it to a shard means for a
// transaction or a batch under way.

#include "base/limits.hpp"
#include "session/session.hpp"
#include "wire/frontend.hpp"

#include <algorithm>
#include <ctime>

namespace domicile::session {

using base::Code;
using wire::Relay;

std::optional<routing::Refusal> Session::permitted(const sql::Facts& facts,
                                                   const routing::Constants& constants,
                                                   routing::Principal& principal) {
    const access::Judge& judge = door_.shared().judge;
    const access::Caller& caller = profile_->caller;
    principal = {caller.principal.jurisdiction, caller.principal.subject, false};
    const auto refused = [](Code code, std::string text, std::string_view rule) {
        return routing::Refusal{base::Error{code, std::move(text), {}, std::string(rule), {}}, std::nullopt};
    };
    if (expires_ != 0 && std::time(nullptr) >= expires_) {
        return refused(Code::authentication_failed, "The credentials have expired.",
                       routing::rules::credentials);
    }
    if (!judge.healthy()) {
        return refused(Code::internal, "The access log cannot be written.", "access/log-unavailable");
    }
    if (facts.tables.empty() && !facts.opaque && facts.kind != sql::Kind::procedure &&
        facts.kind != sql::Kind::maintenance && facts.kind != sql::Kind::ddl) {
        principal.by_transfer = true;  // it touches nobody's data
        return std::nullopt;
    }
    constexpr std::size_t permits_max = 4'096;
    auto known = profile_->permits.find(facts.id);
    if (known == profile_->permits.end()) {
        if (profile_->permits.size() >= permits_max) {
            profile_->permits.clear();
        }
        const auto wanted = access::wanted_by(facts, door_.shared().topology);
        known = profile_->permits.insert_or_assign(facts.id, judge.judge(caller, wanted, place())).first;
    }
    const access::Permit& permit = known->second;
    principal.by_transfer = permit.by_transfer();
    if (permit.decided()) {
        return permit.refusal();
    }
    const auto& subject = caller.principal.subject;
    return judge.decide(permit, caller, subject && routing::only_about(facts, constants, *subject));
}

std::expected<routing::Route, routing::Refusal> Session::route(const sql::Facts& facts,
                                                               const routing::Constants& constants) {
    routing::Session session;
    session.user = session_user_;
    session.sticky = key_.process_id;
    session.only_writer =
        read_ == ReadMode::writer || (unbound_ == Unbound::open && !read_only_) || facts.pins != 0;
    routing::Principal principal{door_.shared().own()};
    if (facts.kind == sql::Kind::execute) {
        if (const auto known = sql_prepared_.find(facts.object); known != sql_prepared_.end()) {
            // Its arguments say whose rows are meant, as the parameters of a Bind do.
            const ExecuteConstants arguments(known->second.text, known->second.literals, facts.arguments,
                                             constants);
            sql::Facts run = *known->second.facts;
            run.reader_may_serve = false;
            return route(run, arguments);
        }
    }
    if (profile_) {
        if (auto refusal = permitted(facts, constants, principal)) {
            return std::unexpected(std::move(*refusal));
        }
    }
    if (facts.kind == sql::Kind::copy_file && !superuser_) {
        return std::unexpected(
            routing::Refusal{base::Error{Code::cannot_route,
                                         "COPY with a file or a program of the server is not allowed.",
                                         "Use COPY … FROM STDIN or TO STDOUT.",
                                         std::string(routing::rules::not_supported),
                                         {}},
                             std::nullopt});
    }
    const auto is_known = [this](const sql::TableUse& use) {
        return door_.shared().topology.table(use.name) != nullptr;
    };
    const auto is_temporary = [this](const sql::TableUse& use) {
        return use.schema == "pg_temp" || (use.schema.empty() && temporary_.contains(use.name));
    };
    if (std::ranges::any_of(facts.tables, [&](const sql::TableUse& use) {
            return use.schema == "pg_temp" && is_known(use);
        })) {
        // Which of the two a name means would hang on search_path, and on when the temporary one is dropped.
        return std::unexpected(
            routing::Refusal{base::Error{Code::cannot_route,
                                         "A temporary table cannot have the name of a table of the topology.",
                                         "Choose another name.",
                                         std::string(routing::rules::not_supported),
                                         {}},
                             std::nullopt});
    }
    if ((temporary_.empty() && facts.pins == 0) || std::ranges::none_of(facts.tables, is_temporary)) {
        return routing::admit(facts, constants, session, principal, place());
    }
    // A temporary table is the session's own: no shard's rows are meant.
    sql::Facts own = facts;
    for (std::size_t i = 0; i < own.tables.size(); ++i) {
        if (is_temporary(own.tables[i])) {
            own.tables[i].table = nullptr;
            own.tables[i].catalog = true;
            for (auto& group : own.groups) {
                std::erase(group.tables, i);
            }
        }
    }
    std::erase_if(own.groups, [](const sql::KeyGroup& group) { return group.tables.empty(); });
    if (own.groups.empty()) {
        own.insert_values = own.key_missing = own.updates_key = false;
    }
    return routing::admit(own, constants, session, principal, place());
}

base::Error Session::worded(const routing::Refusal& refusal) {
    base::Error error = refusal.error;
    if (!error.rule.empty()) {
        door_.shared().metrics.refused(error.rule).add();
        if (profile_) {
            door_.shared().judge.note_refusal(profile_->caller, error.rule);
        }
    }
    if (refusal.home) {
        // Where to ask instead. From the id and the public range map alone: the same for people who exist and
        // people who do not.
        const auto& topology = door_.shared().topology;
        const auto& region = topology.at(topology.writer_region(*refusal.home));
        error.hint = "Ask the home gateway: " + region.name + " at " + region.sql.host + ":" +
                     std::to_string(region.sql.port) + ".";
    }
    return error;
}

std::optional<routing::Position> Session::required_position(const routing::Plan& plan) {
    if (plan.access() == routing::Access::writer || read_ == ReadMode::any) {
        return std::nullopt;
    }
    // After a definition, what is prepared must know it: on a reader that replays it later, it would fail
    // then.
    std::uint64_t defined = 0;
    if (const auto last = door_.shared().definitions.may_lag(base::limits::reader_lag_max)) {
        defined = pool_->written_after(plan.shard(), microseconds(*last)).value_or(~std::uint64_t{0});
    }
    const auto found = written_.find(plan.shard().value);
    if (found == written_.end()) {
        return pool_->freshness(plan.shard(), defined);
    }
    Written& written = found->second;
    if (written.at_us != 0) {
        const auto seen = pool_->written_after(plan.shard(), written.at_us);
        if (!seen) {
            return pool_->freshness(plan.shard(), ~std::uint64_t{0});  // only the writer surely has it
        }
        written = {0, *seen};
    }
    return pool_->freshness(plan.shard(), std::max(written.position, defined));
}

/// Whether the bound node serves the statement, or the transaction takes it elsewhere: true. False if the
/// node has been let go, and the statement may be bound anew.
Task<base::Result<bool>> Session::use_bound(routing::Route& routed) {
    using Kind = routing::Route::Kind;
    const auto fits = [&] {
        return routed.kind != Kind::several &&
               (routed.kind == Kind::any || routed.plan.shard() == plan_->shard()) &&
               (routed.plan.access() == routing::Access::reader || !lease_->from_reader() || read_only_);
    };
    const auto told = [] { return std::unexpected(base::Error{Code::transaction_failed, {}, {}, {}, {}}); };
    const auto gone = [] { return base::fail(Code::node_unavailable, "The client is gone."); };
    if (fits()) {
        batch_bound_ = batch_open_;
        co_return true;
    }
    if (node().relay().status() == 'I' && pins_ == 0 && !batch_executed_ && node().relay().rounds() == 0 &&
        !node().relay().in_step()) {
        // Only parsed and described so far (a driver that asks for types first): leave it behind.
        if (!co_await drain_node()) {
            co_return gone();
        }
        if (lease_) {
            wire::append_sync(node().out());
            node().relay().sent(Relay::Sent::sync, true);
            batch_bound_ = false;
        }
    }
    if (lease_ && (node().relay().rounds() > 0 || !node().out().empty())) {
        if (!co_await settle()) {
            co_return gone();
        }
        if (lease_ && fits()) {
            batch_bound_ = batch_open_;
            co_return true;
        }
    }
    if (!lease_) {
        co_return false;
    }
    const char before = node().relay().status();
    const bool batch = pins_ == 0 && batch_open_ && (batch_executed_ || batch_spans_);
    if (batch && before == 'I' && !batch_spans_ && !wrote_) {
        // A batch that has only read so far: what it has read stands, and it goes on elsewhere.
        if (!co_await leave_batch()) {
            co_return told();
        }
    } else if (!node().relay().in_step() &&
               (before == 'I' ? batch : before == 'T' && pins_ == 0 && (multi_shard_ || batch_spans_))) {
        if (!co_await step_out()) {
            co_return told();
        }
        if (fits()) {
            co_return true;
        }
    }
    if (!lease_) {
        co_return false;
    }
    if (node().relay().status() == 'E') {
        co_return std::unexpected(
            base::Error{Code::transaction_failed,
                        "current transaction is aborted, commands ignored until end of transaction block",
                        {},
                        {},
                        {}});
    }
    const bool within = in_transaction() && node().relay().in_step();
    if (within && routed.kind == Kind::several && routed.more.empty() &&
        routed.plan.shard() == plan_->shard()) {
        several_ = std::move(routed);  // a definition, looked at before it commits
        co_return true;
    }
    if (within && joins() && pins_ == 0) {
        if (routed.kind == Kind::one) {
            const auto moved = co_await move_to(routed.plan);
            co_return moved ? base::Result<bool>(true) : std::unexpected(moved.error());
        }
        several_ = std::move(routed);  // any other would have fitted
        co_return true;
    }
    base::Error error{Code::cannot_route,
                      pins_ != 0 && status() == 'I' ? "The session is bound to another shard."
                                                    : "The transaction is bound to another shard.",
                      pins_ != 0 ? "SHOW domicile.session says what binds the session to its shard."
                                 : "End the transaction first, or SET domicile.multi_shard = on.",
                      std::string(routing::rules::several_shards),
                      {}};
    door_.shared().metrics.refused(error.rule).add();
    co_return std::unexpected(std::move(error));
}

Task<base::Status> Session::bind_for(const sql::Facts& facts, const routing::Constants& constants) {
    if (lease_ && side_ && !batch_bound_ && !co_await settle()) {
        co_return base::fail(Code::node_unavailable, "The client is gone.");
    }
    auto routed = route(facts, constants);
    if (!routed) {
        co_return std::unexpected(worded(routed.error()));
    }
    if (facts.kind == sql::Kind::ddl && std::ranges::any_of(facts.tables, defines_sharded)) {
        routed->kind =
            routing::Route::Kind::several;  // even of one: the definition is looked at before COMMIT
    }
    if (lease_ && side_) {
        if (routed->kind == routing::Route::Kind::any && !portal_stays_ && facts.pins == 0 &&
            (facts.reader_may_serve || facts.kind == sql::Kind::show)) {
            co_return base::Status{};
        }
        // What it was asked needs no shard, and stands; the batch goes on where this statement belongs.
        if (!co_await leave_batch()) {
            co_return std::unexpected(base::Error{Code::transaction_failed, {}, {}, {}, {}});
        }
    }
    if (facts.kind == sql::Kind::copy_in && routed->kind == routing::Route::Kind::one &&
        std::ranges::any_of(pool_->states(routed->plan.shard()), &routing::NodeState::restrictions)) {
        routed->kind = routing::Route::Kind::several;  // it needs another role for a moment (copy_run)
    }
    if (lease_ && !side_) {
        const auto decided = co_await use_bound(*routed);
        if (!decided || *decided) {
            co_return decided ? base::Status{} : base::Status(std::unexpected(decided.error()));
        }
    }
    several_.reset();
    if (routed->kind == routing::Route::Kind::several) {
        several_ = std::move(*routed);
        co_return base::Status{};
    }
    const bool side = !portal_stays_ && unbound_ == Unbound::open &&
                      routed->kind == routing::Route::Kind::any && facts.pins == 0 &&
                      (facts.reader_may_serve || facts.kind == sql::Kind::show);
    co_return co_await bind_to(routed->plan, side);
}

Task<base::Status> Session::bind_to(const routing::Plan& plan, bool side) {
    const auto required = required_position(plan);
    if (auto ready = pool_->try_acquire(plan, required)) {
        lease_.emplace(std::move(*ready));
    } else {
        auto leased = co_await pool_->acquire(plan, required);
        if (!leased) {
            co_return std::unexpected(leased.error());
        }
        lease_.emplace(std::move(*leased));
    }
    plan_ = plan;
    side_ = side;
    passed_ = 0;
    batch_bound_ = batch_open_;
    errors_before_ = node().relay().errors();
    node().note_definitions(door_.shared().definitions.count());
    if (lease_->from_reader() && door_.shared().definitions.may_lag(base::limits::reader_lag_max)) {
        node().prepared().grow_old();
    }
    discard_node_ = false;
    node_unnamed_ = nullptr;
    prelude();
    co_return base::Status{};
}

void Session::prelude() {
    pool::Connection& connection = node();
    const auto& wanted = settings_.outside();
    if (connection.settings() != wanted) {
        const std::string sql = difference(connection.settings(), wanted);
        if (!sql.empty()) {
            wire::append_query(connection.out(), sql);
            connection.relay().sent(Relay::Sent::query, true, true);
        }
        connection.note_settings(wanted);
    }
    if (!deferred_.empty()) {
        wire::append_query(connection.out(), deferred_);
        connection.relay().sent(Relay::Sent::query, true, true);
        if (!side_) {
            deferred_.clear();
            unbound_ = Unbound::idle;
        }
    }
}

}  // namespace domicile::session

// SET domicile.multi_shard = on: one transaction on several shards. One of them is bound; the others are
// parked with their transactions open, and all end together.

#include "base/limits.hpp"
#include "session/node_call.hpp"
#include "session/session.hpp"
#include "session/two_phase.hpp"
#include "wire/frontend.hpp"

#include <algorithm>

namespace domicile::session {

using base::Code;

namespace {

constexpr auto timeout = base::limits::statement_timeout * 12;

}  // namespace

bool Session::in_transaction() const {
    return lease_ && !side_ ? (*lease_)->relay().status() == 'T' : unbound_ == Unbound::open;
}

Task<base::Result<std::vector<pool::Connection*>>> Session::join(std::span<const routing::Plan> plans,
                                                                 bool writes) {
    if (lease_ && !side_ && !node().relay().in_step()) {
        // In the midst of a batch: its part up to here is answered first.
        if (!co_await drain_node()) {
            co_return base::fail(Code::node_unavailable, "The client is gone.");
        }
        if (lease_) {
            wire::append_sync(node().out());
            node().relay().sent(wire::Relay::Sent::sync, true);
            if (!co_await settle()) {
                co_return base::fail(Code::node_unavailable, "The client is gone.");
            }
        }
        if (!in_transaction()) {
            co_return std::unexpected(transaction_failed());
        }
    }
    for (const auto& plan : plans) {
        if (!lease_ || side_) {
            if (auto bound = co_await bind_to(plan, false); !bound) {
                co_return std::unexpected(bound.error());
            }
        } else if (plan_->shard() != plan.shard()) {
            if (auto moved = co_await move_to(plan); !moved) {
                co_return std::unexpected(moved.error());
            }
        }
        if (auto opened = co_await open_now(); !opened) {
            co_return std::unexpected(opened.error());
        }
        wrote_ = wrote_ || writes;
    }
    std::vector<pool::Connection*> connections;
    for (const auto& plan : plans) {
        const auto parked = std::ranges::find_if(
            parked_, [&](const Parked& one) { return one.plan.shard() == plan.shard(); });
        connections.push_back(parked != parked_.end() ? &*parked->lease : &node());
    }
    co_return connections;
}

Task<bool> Session::leave_batch() {
    if (!co_await drain_node()) {
        co_return false;
    }
    if (!lease_ || node().relay().failed()) {
        skipping_ = true;
        co_return false;
    }
    wire::append_sync(node().out());
    node().relay().sent(wire::Relay::Sent::sync, true);
    batch_bound_ = false;
    batch_executed_ = false;
    co_return co_await settle();
}

Task<bool> Session::step_out() {
    if (!co_await drain_node()) {
        co_return false;
    }
    if (!lease_ || node().relay().failed()) {
        skipping_ = true;
        co_return false;
    }
    if (node().relay().in_step()) {
        co_return node().relay().status() == 'T';
    }
    if (node().relay().status() == 'I') {
        // BEGIN in the midst of a batch takes what the batch has done so far into the block (PostgreSQL:
        // BeginTransactionBlock, TBLOCK_STARTED).
        using Sent = wire::Relay::Sent;
        wire::append_parse(node().out(), "", "BEGIN");
        wire::append_bind(node().out(), "", {});
        wire::append_execute(node().out());
        for (const Sent sent : {Sent::parse, Sent::bind, Sent::execute}) {
            node().relay().sent(sent, true);
        }
        node_unnamed_ = nullptr;
        begin_ = "BEGIN;";
        settings_.begin();
        batch_spans_ = true;
    }
    wire::append_sync(node().out());
    node().relay().sent(wire::Relay::Sent::sync, true);
    if (!co_await settle()) {
        co_return false;
    }
    co_return lease_&& node().relay().status() == 'T';
}

/// Sync of a batch that went over several shards: all of it commits, or none.
Task<bool> Session::end_batch() {
    if (lease_ && !node().relay().in_step()) {
        wire::append_sync(node().out());
        node().relay().sent(wire::Relay::Sent::sync, true);
        if (!co_await settle()) {
            co_return false;
        }
    }
    const bool good = !skipping_ && lease_ && node().relay().status() == 'T';
    const auto ended = co_await end_joined(good);
    batch_spans_ = false;
    if (good && !ended) {
        append_refusal(ended.error());
    }
    unbound_ = Unbound::idle;
    co_return true;
}

/// Says what opens the transaction on the shard that was just bound.
Task<base::Status> Session::open_now() {
    if (node().out().empty() && node().relay().rounds() == 0) {
        co_return base::Status{};
    }
    const auto opened = co_await call(node(), "", timeout);
    if (!opened) {
        co_return std::unexpected(opened.error());
    }
    if (!opened->good()) {
        node_error_ = opened->error;
        co_return base::fail(Code::internal, "The transaction cannot be opened on a shard.");
    }
    co_return base::Status{};
}

Task<base::Status> Session::move_to(const routing::Plan& plan) {
    parked_.push_back({std::move(*lease_), *plan_, wrote_, node_unnamed_});
    lease_.reset();
    wrote_ = false;
    const auto known =
        std::ranges::find_if(parked_, [&](const Parked& one) { return one.plan.shard() == plan.shard(); });
    if (known != parked_.end()) {
        lease_.emplace(std::move(known->lease));
        plan_ = known->plan;
        wrote_ = known->wrote;
        node_unnamed_ = known->unnamed;
        parked_.erase(known);
        errors_before_ = node().relay().errors();
        co_return base::Status{};
    }
    deferred_ = begin_ + difference(settings_.outside(), settings_.current());
    for (const auto& [name, settings] : settings_.savepoints()) {
        deferred_ += "SAVEPOINT " + sql_identifier(name) + ";";
    }
    auto bound = co_await bind_to(plan, false);
    if (!bound) {
        deferred_.clear();
        unbound_ = Unbound::failed;  // the others end with the ROLLBACK that must follow
    }
    co_return bound;
}

/// An error on one shard fails the transaction on all: nothing of it may go on.
Task<void> Session::fail_joined() {
    std::vector<pool::Connection*> open;
    for (Parked& one : parked_) {
        open.push_back(&*one.lease);
    }
    if (lease_ && !side_) {
        open.push_back(&node());
    } else {
        unbound_ = Unbound::failed;
    }
    for (pool::Connection* connection : open) {
        if (connection->alive() && connection->relay().in_step() && connection->relay().status() == 'T') {
            // No such savepoint: 3B001.
            std::ignore = co_await call(*connection, "ROLLBACK TO SAVEPOINT \"domicile: refused\"", timeout);
        }
    }
    if (lease_ && !side_) {
        errors_before_ = node().relay().errors();
        aborted_ = true;
    }
}

Task<base::Result<std::string>> Session::control_joined(const sql::Facts& facts, std::string_view text) {
    if (facts.kind != sql::Kind::commit && facts.kind != sql::Kind::rollback) {
        co_return co_await mark_joined(facts, text);
    }
    auto tag = co_await end_joined(facts.kind == sql::Kind::commit);
    if (facts.and_chain && tag) {
        unbound_ = Unbound::open;
        deferred_ = begin_;
        settings_.begin();
    }
    co_return tag;
}

Task<base::Result<std::string>> Session::mark_joined(const sql::Facts& facts, std::string_view text) {
    using sql::Kind;
    const bool failed = !lease_ || node().relay().status() != 'T';
    if (!lease_ || (failed && facts.kind != Kind::rollback_to)) {
        co_return std::unexpected(transaction_failed());
    }
    std::vector<pool::Connection*> all = {&node()};
    for (Parked& one : parked_) {
        all.push_back(&*one.lease);
    }
    for (pool::Connection* connection : all) {
        const auto done = co_await call(*connection, text, timeout);
        if (!done || !done->good()) {
            node_error_ = done ? done->error : std::string();
            co_await fail_joined();
            co_return done ? base::fail(Code::internal, "A shard refused the statement.")
                           : std::unexpected(done.error());
        }
    }
    errors_before_ = node().relay().errors();
    aborted_ = false;
    switch (facts.kind) {
        case Kind::savepoint: settings_.savepoint(facts.object); co_return "SAVEPOINT";
        case Kind::release: settings_.release(facts.object); co_return "RELEASE";
        default: settings_.rollback_to(facts.object); co_return "ROLLBACK";
    }
}

Task<base::Result<std::string>> Session::end_joined(bool commit) {
    bool failed = !lease_ || node().relay().status() != 'T';
    if (lease_) {
        parked_.push_back({std::move(*lease_), *plan_, wrote_, nullptr});
        lease_.reset();
    }
    plan_.reset();
    wrote_ = false;
    node_unnamed_ = nullptr;
    effects_.clear();
    aborted_ = false;
    unbound_ = Unbound::idle;
    read_only_ = false;
    std::vector<pool::Connection*> writers;
    std::vector<pool::Connection*> readers;
    std::string first;
    for (Parked& one : parked_) {
        failed = failed || !one.lease->alive() || one.lease->relay().status() != 'T';
        (one.wrote ? writers : readers).push_back(&*one.lease);
        if (one.wrote && first.empty()) {
            first = door_.shared().topology.at(one.plan.shard()).name;
        }
    }
    base::Result<std::string> tag = commit && !failed ? "COMMIT" : "ROLLBACK";
    const bool commits = commit && !failed;
    commits ? settings_.commit() : settings_.rollback();
    const std::string_view word = commits ? "COMMIT" : "ROLLBACK";
    for (pool::Connection* reader : readers) {
        if (reader->alive()) {
            std::ignore = co_await call(*reader, word, timeout);
        }
    }
    if (commits && writers.size() > 1) {
        if (auto done = co_await commit_two_phase(writers, first, node_error_); !done) {
            tag = std::unexpected(done.error());
        } else {
            door_.shared().metrics.distributed.add();
        }
    } else {
        // At most one shard was written: one phase will do.
        for (pool::Connection* writer : writers) {
            if (!writer->alive()) {
                continue;
            }
            const auto done = co_await call(*writer, word, timeout);
            if (!done && commits) {
                tag =
                    base::fail(Code::commit_in_doubt,
                               "The connection to the node was lost; whether the write happened is unknown.",
                               "Look before you repeat it.");
            } else if (done && !done->good()) {
                node_error_ = done->error;
                tag = base::fail(Code::internal, "The shard cannot commit.");
            }
        }
    }
    for (Parked& one : parked_) {
        if (one.wrote) {
            written_[one.plan.shard().value] = {
                net::Clock::now().time_since_epoch() / std::chrono::microseconds{1}, 0};
        }
        one.lease->note_settings(settings_.current());
    }
    parked_.clear();
    definitions_over();
    co_return tag;
}

}  // namespace domicile::session

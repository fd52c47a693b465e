// One Query message with several statements: one implicit transaction, as in PostgreSQL.

#include "session/session.hpp"
#include "wire/frontend.hpp"
#include "wire/server.hpp"

#include <algorithm>
#include <utility>

namespace domicile::session {

using base::Code;
using sql::Kind;
using wire::Relay;

Task<bool> Session::run_script(std::string_view sql, std::span<const sql::Statement> statements) {
    // One Query message is one implicit transaction: all of it runs on one shard.
    std::vector<std::shared_ptr<const sql::Facts>> all;
    std::optional<std::size_t> decisive;
    std::optional<routing::Plan> plan;
    std::size_t first = 0;
    for (std::size_t i = 0; i < statements.size(); ++i) {
        const sql::Facts& facts = *statements[i].facts;
        if (is_own(facts)) {
            const auto local =
                i == first && !gives_rows(facts) ? run_locally(facts, statements[i].text) : Local{};
            if (i != first || gives_rows(facts) || local.error) {
                co_return co_await simple_error(
                    local.error ? *local.error
                                : base::Error{Code::cannot_route,
                                              "What the gateway answers itself cannot stand inside a script.",
                                              "Send it in a query of its own.",
                                              std::string(routing::rules::not_supported),
                                              {}});
            }
            wire::append_command_complete(out_, local.tag);
            ++first;
            continue;
        }
        if (facts.kind == Kind::two_phase && !superuser_) {
            co_return co_await simple_error(*run_locally(facts, statements[i].text).error);
        }
        all.push_back(statements[i].facts);
        const LiteralConstants constants(statements[i].text, statements[i].literals);
        auto routed = route(facts, constants);
        if (!routed) {
            co_return co_await simple_error(worded(routed.error()));
        }
        if (routed->kind == routing::Route::Kind::any) {
            continue;
        }
        const bool defines = facts.kind == Kind::ddl && std::ranges::any_of(facts.tables, defines_sharded);
        if (routed->kind == routing::Route::Kind::several || defines ||
            (plan && plan->shard() != routed->plan.shard())) {
            co_return co_await run_script_over_shards(statements.subspan(first));
        }
        if (!decisive || routed->plan.access() == routing::Access::writer) {
            decisive = i;
            plan = routed->plan;
        }
    }
    if (all.empty()) {
        append_ready();
        co_return true;
    }
    // Reads of a script stay with its writer: they must see what it wrote.
    const std::size_t chosen = decisive.value_or(first);
    sql::Facts facts = *statements[chosen].facts;
    facts.reader_may_serve = false;
    const LiteralConstants constants(statements[chosen].text, statements[chosen].literals);
    const std::size_t offset =
        first == 0 ? 0 : static_cast<std::size_t>(statements[first].text.data() - sql.data());
    if (const auto bound = co_await bind_for(facts, constants); !bound) {
        co_return co_await simple_error(bound.error());
    }
    several_.reset();
    wire::append_query(node().out(), sql.substr(offset));
    node().relay().sent(Relay::Sent::query);
    for (const auto& statement : statements.subspan(first)) {
        if (statement.facts->kind == Kind::prepare) {
            sql_prepared_[statement.facts->object] = {statement.facts,
                                                      std::string(statement.text),
                                                      {statement.literals.begin(), statement.literals.end()}};
        }
        note_sent(statement.facts);
    }
    co_return true;
}

/// Their shards differ: a transaction that spans them, committed in two phases.
Task<bool> Session::run_script_over_shards(std::span<const sql::Statement> statements) {
    if (lease_ || unbound_ != Unbound::idle) {
        co_return co_await simple_error(
            several_shards("The statements concern several shards.", "Send them one by one."));
    }
    const bool multi_shard = std::exchange(multi_shard_, true);
    unbound_ = Unbound::open;
    begin_ = "BEGIN;";
    deferred_ = begin_;
    settings_.begin();
    base::Status done;
    for (const auto& statement : statements) {
        done = co_await run_in_script(statement);
        if (!done) {
            break;
        }
    }
    auto first_error = node_error_;
    const auto ended = co_await end_joined(done.has_value());
    multi_shard_ = multi_shard;
    if (!done) {
        node_error_ = std::move(first_error);
        append_refusal(done.error());
    } else if (!ended) {
        append_refusal(ended.error());
    }
    append_ready();
    co_return !client_.hung_up();
}

Task<base::Status> Session::run_in_script(const sql::Statement& statement) {
    const sql::Facts& facts = *statement.facts;
    if (facts.kind != Kind::read && facts.kind != Kind::write && facts.kind != Kind::ddl &&
        facts.kind != Kind::truncate) {
        co_return std::unexpected(
            several_shards("A script over several shards holds reads, writes and definitions only.",
                           "Send the statement alone."));
    }
    const LiteralConstants constants(statement.text, statement.literals);
    auto routed = route(facts, constants);
    if (!routed) {
        co_return std::unexpected(worded(routed.error()));
    }
    const Said said = Said::of(statement);
    if (routed->kind == routing::Route::Kind::several) {
        co_return co_await run_several(said, *routed, true);
    }
    co_return co_await judged(co_await run_distributed(said, *routed, true));
}

}  // namespace domicile::session

// Statements on several shards: reads are gathered, writes and definitions committed in two phases.

#include "base/limits.hpp"
#include "session/gather_run.hpp"
#include "session/node_call.hpp"
#include "session/session.hpp"
#include "session/two_phase.hpp"
#include "wire/backend.hpp"
#include "wire/frontend.hpp"
#include "wire/message.hpp"
#include "wire/server.hpp"

#include <algorithm>

namespace domicile::session {
namespace {

using base::Code;

base::Error refusal(std::string text, std::string hint) {
    return {Code::cannot_route,
            std::move(text),
            std::move(hint),
            std::string(routing::rules::several_shards),
            {}};
}

/// In the order of their shards, so that two sessions that each need several connections never wait for each
/// other in a ring.
std::vector<routing::Plan> in_order(const routing::Route& route) {
    std::vector<routing::Plan> plans = {route.plan};
    plans.insert(plans.end(), route.more.begin(), route.more.end());
    std::ranges::sort(plans, {}, [](const routing::Plan& plan) { return plan.shard().value; });
    return plans;
}

}  // namespace

Task<base::Status> Session::run_several(std::string_view text, std::string_view types, const wire::Bind* bind,
                                        std::string_view bind_body, const sql::Statement& statement,
                                        const routing::Route& route, bool describe, bool rows) {
    if (statement.facts->kind == sql::Kind::read && !statement.facts->writes) {
        auto done = co_await run_gather(text, types, bind, bind_body, route, describe, rows);
        if (!done) {
            door_.shared().metrics.refused(done.error().rule.empty() ? "node" : done.error().rule).add();
        }
        co_return done;
    }
    using sql::Kind;
    const Kind kind = statement.facts->kind;
    if (kind == Kind::copy_in && unbound_ == Unbound::idle && bind == nullptr) {
        co_return co_await run_copy_in(text, *statement.facts, route);
    }
    const bool changes = kind == Kind::write || kind == Kind::ddl || kind == Kind::truncate;
    if (!changes || unbound_ != Unbound::idle) {
        base::Error error = refusal(
            "The statement concerns several shards.",
            unbound_ != Unbound::idle ? "Send it outside a transaction: it commits on all of them or on none."
                                      : "Name one user, or SET domicile.user_id.");
        door_.shared().metrics.refused(error.rule).add();
        co_return std::unexpected(std::move(error));
    }
    if (!rows) {
        co_return co_await describe_on(route.plan, text, types, bind_body, *bind);
    }
    co_return co_await run_distributed(text, types, bind, bind_body, statement, route, describe);
}

/// What the statement would return, from one of its shards; nothing runs.
Task<base::Status> Session::describe_on(const routing::Plan& plan, std::string_view text,
                                        std::string_view types, std::string_view bind_body,
                                        const wire::Bind& bind) {
    auto lease = co_await lease_for(plan);
    if (!lease) {
        co_return std::unexpected(lease.error());
    }
    pool::Connection& connection = **lease;
    add_execution(connection, text, types, bind_body.substr(bind.rest_offset), {}, false);
    if (auto sent = co_await send_calls(connection, base::limits::statement_timeout); !sent) {
        co_return sent;
    }
    auto result = co_await finish_calls(connection, base::limits::statement_timeout);
    if (!result) {
        co_return std::unexpected(result.error());
    }
    if (!result->good()) {
        node_error_ = result->error;
        co_return base::fail(Code::internal, "A shard refused the statement.");
    }
    if (result->description.empty()) {
        wire::append_no_data(out_);
    } else {
        const wire::MessageWriter message(out_, 'T');
        out_.append(result->description);
    }
    co_return base::Status{};
}

/// The lease, with the session's settings on it.
Task<base::Result<pool::Pool::Lease>> Session::lease_for(const routing::Plan& plan) {
    const auto required = required_position(plan);
    auto lease = pool_->try_acquire(plan, required);
    if (!lease) {
        auto waited = co_await pool_->acquire(plan, required);
        if (!waited) {
            co_return std::unexpected(waited.error());
        }
        lease.emplace(std::move(*waited));
    }
    pool::Connection& connection = **lease;
    const auto& wanted = settings_.current();
    if (const std::string sql = difference(connection.settings(), wanted); !sql.empty()) {
        const auto set = co_await call(connection, sql, base::limits::statement_timeout);
        if (!set || !set->good()) {
            connection.close();
            co_return base::fail(Code::node_unavailable, "The session's settings cannot be applied.");
        }
    }
    connection.note_settings(wanted);
    co_return std::move(*lease);
}

/// The statement for each shard: rows of a multi-row INSERT go where their user ids live; everything else is
/// said alike to all.
base::Result<std::vector<std::string>> Session::texts_for(std::string_view text,
                                                          const sql::Statement& statement,
                                                          const routing::Constants& constants,
                                                          std::span<const routing::Plan> plans) {
    const sql::Facts& facts = *statement.facts;
    if (!facts.insert_values) {
        return std::vector<std::string>(plans.size(), std::string(text));
    }
    const auto rows = sql::insert_rows(text, standard_strings_);
    if (!rows) {
        return std::unexpected(rows.error());
    }
    if (rows->rows.size() != facts.inserted_keys.size()) {
        return std::unexpected(
            refusal("An INSERT of this form cannot be split.", "Write INSERT … VALUES (…), (…)."));
    }
    std::vector<std::string> parts(plans.size());
    for (std::size_t i = 0; i < rows->rows.size(); ++i) {
        const auto id = constants.at(facts.inserted_keys[i]);
        const auto shard = door_.shared().map.find(base::UserId{id.id});
        const auto plan = std::ranges::find_if(
            plans, [&](const routing::Plan& one) { return shard && one.shard() == *shard; });
        if (plan == plans.end()) {
            return std::unexpected(
                refusal("A row of the INSERT has no shard.", "Give each row its user id."));
        }
        std::string& part = parts[static_cast<std::size_t>(plan - plans.begin())];
        const auto& span = rows->rows[i];
        part.append(part.empty() ? "" : ", ").append(text.substr(span.begin, span.end - span.begin));
    }
    for (std::string& part : parts) {
        part = std::string(text.substr(0, rows->rows.front().begin)) + part +
               std::string(text.substr(rows->rows.back().end));
    }
    return parts;
}

Task<base::Status> Session::run_distributed(std::string_view text, std::string_view types,
                                            const wire::Bind* bind, std::string_view bind_body,
                                            const sql::Statement& statement, const routing::Route& route,
                                            bool describe) {
    constexpr auto timeout = base::limits::statement_timeout * 12;
    const sql::Facts& facts = *statement.facts;
    const auto plans = in_order(route);
    std::optional<BoundConstants> bound;
    const LiteralConstants literals(statement.text, statement.literals);
    Prepared unnamed;
    if (bind != nullptr) {
        unnamed.sql = text;
        unnamed.types = types;
        unnamed.literals.assign(statement.literals.begin(), statement.literals.end());
        unnamed.text_length = static_cast<std::uint32_t>(text.size());
        bound.emplace(unnamed, *bind);
    }
    const routing::Constants& constants = bound ? static_cast<const routing::Constants&>(*bound)
                                                : static_cast<const routing::Constants&>(literals);
    const auto texts = texts_for(text, statement, constants, plans);
    if (!texts) {
        co_return std::unexpected(texts.error());
    }
    std::vector<pool::Pool::Lease> legs;
    for (const auto& plan : plans) {
        auto lease = co_await lease_for(plan);
        if (!lease) {
            co_return std::unexpected(lease.error());
        }
        legs.push_back(std::move(*lease));
    }
    // A part of the rows may leave parameters unused: their types come from the whole.
    std::string all_types(types);
    if (bind != nullptr && bind->parameter_count > 0) {
        auto asked = co_await parameter_types(*legs.front(), text, types);
        if (!asked) {
            co_return std::unexpected(asked.error());
        }
        all_types = std::move(*asked);
    }
    const std::string_view values =
        bind == nullptr ? std::string_view("\0\0\0\0", 4)
                        : bind_body.substr(bind->rest_offset, bind_body.size() - bind->rest_offset - 2 -
                                                                  2 * bind->result_formats.size());
    const std::string_view formats =
        bind == nullptr ? std::string_view("\0\0", 2)
                        : bind_body.substr(bind_body.size() - 2 - 2 * bind->result_formats.size());
    for (std::size_t i = 0; i < legs.size(); ++i) {
        working_.push_back(&*legs[i]);
        add_call(*legs[i], "BEGIN");
        add_execution(*legs[i], (*texts)[i], all_types, values, formats);
        if (auto sent = co_await send_calls(*legs[i], timeout); !sent) {
            working_.clear();
            co_return sent;  // what the others have begun ends with their connections
        }
    }
    std::vector<CallResult> results;
    base::Status failed;
    for (auto& leg : legs) {
        auto result = co_await finish_calls(*leg, timeout);
        if (!result) {
            failed = failed ? base::Status(std::unexpected(result.error())) : failed;
        } else {
            if (!result->good() && failed) {
                node_error_ = result->error;
                failed = base::fail(Code::internal, "A shard refused the statement.");
            }
            results.push_back(std::move(*result));
        }
    }
    working_.clear();
    while (cancels_in_flight_ > 0) {
        net::Timer timer(door_.loop());
        co_await timer.wait(std::chrono::milliseconds{20});
    }
    std::vector<pool::Connection*> connections;
    for (auto& leg : legs) {
        connections.push_back(&*leg);
    }
    if (!failed) {
        for (pool::Connection* connection : connections) {
            if (connection->alive()) {
                std::ignore = co_await call(*connection, "ROLLBACK", timeout);
            }
        }
        co_return failed;
    }
    if (auto committed = co_await commit_two_phase(
            connections, door_.shared().topology.at(plans.front().shard()).name, node_error_);
        !committed) {
        co_return committed;
    }
    door_.shared().metrics.distributed.add();
    for (const auto& plan : plans) {
        written_[plan.shard().value] = {net::Clock::now().time_since_epoch() / std::chrono::microseconds{1},
                                        0};
    }
    // One answer out of all: rows one shard after the other, counts added up. A reference table has the same
    // rows everywhere, so one shard speaks for all.
    const bool same_everywhere = facts.groups.empty();
    std::uint64_t count = 0;
    if (!results.front().description.empty() && describe) {
        const wire::MessageWriter message(out_, 'T');
        out_.append(results.front().description);
    }
    for (const CallResult& result : results) {
        for (const auto& row : result.raw_rows) {
            const wire::MessageWriter message(out_, 'D');
            out_.append(row);
        }
        count += wire::affected_rows(result.tags.back());
        if (same_everywhere) {
            break;
        }
    }
    std::string tag = results.front().tags.back();
    if (!tag.empty() && tag.back() >= '0' && tag.back() <= '9') {
        tag = tag.substr(0, tag.rfind(' ') + 1) + std::to_string(count);
    }
    wire::append_command_complete(out_, tag);
    co_return base::Status{};
}

// ---- SET domicile.multi_shard = on: a transaction that goes from shard to shard ----

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
        // Leases cannot be assigned: what stays is moved over.
        std::vector<Parked> rest;
        for (Parked& one : parked_) {
            if (&one != &*known) {
                rest.push_back(std::move(one));
            }
        }
        parked_ = std::move(rest);
        errors_before_ = node().relay().errors();
        co_return base::Status{};
    }
    deferred_ = begin_;
    auto bound = co_await bind_to(plan, false);
    if (!bound) {
        deferred_.clear();
        unbound_ = Unbound::failed;  // the others end with the ROLLBACK that must follow
    }
    co_return bound;
}

Task<base::Result<std::string>> Session::end_parked(bool commit) {
    constexpr auto timeout = base::limits::statement_timeout * 2;
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
        failed = failed || !one.lease->alive();
        (one.wrote ? writers : readers).push_back(&*one.lease);
        if (one.wrote && first.empty()) {
            first = door_.shared().topology.at(one.plan.shard()).name;
        }
    }
    base::Result<std::string> tag = commit && !failed ? "COMMIT" : "ROLLBACK";
    const bool commits = commit && !failed;
    commits ? settings_.commit() : settings_.rollback();
    if (!commits || writers.size() < 2) {
        // At most one shard was written: one phase will do.
        for (pool::Connection* reader : readers) {
            if (reader->alive()) {
                std::ignore = co_await call(*reader, commits ? "COMMIT" : "ROLLBACK", timeout);
            }
        }
        for (pool::Connection* writer : writers) {
            if (!writer->alive()) {
                continue;
            }
            const auto done = co_await call(*writer, commits ? "COMMIT" : "ROLLBACK", timeout);
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
    } else {
        for (pool::Connection* reader : readers) {
            std::ignore = co_await call(*reader, "COMMIT", timeout);
        }
        if (auto done = co_await commit_two_phase(writers, first, node_error_); !done) {
            tag = std::unexpected(done.error());
        } else {
            door_.shared().metrics.distributed.add();
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
    co_return tag;
}

Task<base::Status> Session::run_gather(std::string_view text, std::string_view types, const wire::Bind* bind,
                                       std::string_view bind_body, const routing::Route& route, bool describe,
                                       bool rows) {
    auto plan = sql::gather(text, door_.shared().topology, standard_strings_);
    if (!plan) {
        co_return std::unexpected(plan.error());
    }
    GatherRun run(out_, [this] { return flush_client(); });
    for (const auto& one : in_order(route)) {
        auto lease = co_await lease_for(one);
        if (!lease) {
            co_return std::unexpected(lease.error());
        }
        run.add(std::move(*lease));
    }
    GatherRequest request;
    request.text = text;
    request.types = types;
    request.formats_and_values = std::string_view("\0\0\0\0", 4);
    if (bind != nullptr) {
        request.formats_and_values = bind_body.substr(
            bind->rest_offset, bind_body.size() - bind->rest_offset - 2 - 2 * bind->result_formats.size());
        request.parameters = bind->parameter_count;
        request.result_formats = bind->result_formats;
        wire::ParameterReader reader = bind->parameters();
        for (std::uint16_t i = 0; i < bind->parameter_count; ++i) {
            const auto value = reader.next();
            if (!value || !bind->is_binary(i)) {
                request.integers.push_back(value ? std::optional<std::string>(*value) : std::nullopt);
                continue;
            }
            std::uint64_t bits = !value->empty() && (value->front() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
            for (const char byte : *value) {
                bits = bits << 8U | static_cast<unsigned char>(byte);
            }
            request.integers.push_back(value->size() <= 8 ? std::to_string(static_cast<std::int64_t>(bits))
                                                          : "x");
        }
    }
    request.describe = describe;
    request.rows = rows;
    for (std::size_t leg = 0; leg < run.legs(); ++leg) {
        working_.push_back(&run.connection(leg));
    }
    door_.shared().metrics.gathered.add(rows ? 1 : 0);
    auto done = co_await run.run(*plan, request);
    working_.clear();
    while (cancels_in_flight_ > 0) {
        net::Timer timer(door_.loop());
        co_await timer.wait(std::chrono::milliseconds{20});
    }
    for (std::size_t leg = 0; leg < run.legs(); ++leg) {
        // What is still on its way belongs to nobody now.
        if (!run.connection(leg).reusable()) {
            run.connection(leg).close();
        }
    }
    if (!done) {
        node_error_ = run.node_error();
    }
    co_return done;
}

}  // namespace domicile::session

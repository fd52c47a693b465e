// Statements on several shards: which way each goes, and reads, which are gathered.

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "session/gather_run.hpp"
#include "session/node_call.hpp"
#include "session/session.hpp"
#include "wire/frontend.hpp"
#include "wire/message.hpp"
#include "wire/server.hpp"

#include <algorithm>

namespace domicile::session {

using base::Code;

base::Error several_shards(std::string text, std::string hint) {
    return {Code::cannot_route,
            std::move(text),
            std::move(hint),
            std::string(routing::rules::several_shards),
            {}};
}

std::vector<routing::Plan> in_order(const routing::Route& route) {
    std::vector<routing::Plan> plans = {route.plan};
    plans.insert(plans.end(), route.more.begin(), route.more.end());
    std::ranges::sort(plans, {}, [](const routing::Plan& plan) { return plan.shard().value; });
    return plans;
}

namespace {

/// The bytes of a Bind between its names and its result formats.
std::string_view values_of(const wire::Bind& bind, std::string_view body) {
    return body.substr(bind.rest_offset, body.size() - bind.rest_offset - 2 - 2 * bind.result_formats.size());
}

/// Parameters as decimal text, for LIMIT and OFFSET: binary ones are read as integers.
std::vector<std::optional<std::string>> integers_of(const wire::Bind& bind) {
    std::vector<std::optional<std::string>> integers;
    wire::ParameterReader reader = bind.parameters();
    for (std::uint16_t i = 0; i < bind.parameter_count; ++i) {
        const auto value = reader.next();
        if (!value || !bind.is_binary(i)) {
            integers.push_back(value ? std::optional<std::string>(*value) : std::nullopt);
            continue;
        }
        std::uint64_t bits = !value->empty() && (value->front() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
        for (const char byte : *value) {
            bits = bits << 8U | static_cast<unsigned char>(byte);
        }
        integers.push_back(value->size() <= 8 ? std::to_string(static_cast<std::int64_t>(bits)) : "x");
    }
    return integers;
}

bool is_gathered(const sql::Facts& facts) {
    return facts.kind == sql::Kind::read && !facts.writes;
}

}  // namespace

Said Said::of(const sql::Statement& statement) {
    Said said;
    said.text = statement.text;
    said.facts = statement.facts;
    said.literals = statement.literals;
    return said;
}

Said Said::of(const Prepared& prepared, std::string_view bind_body, const wire::Bind& bind) {
    Said said;
    said.text = prepared.text();
    said.types = prepared.types;
    said.facts = prepared.facts;
    said.literals = prepared.literals;
    said.bind = &bind;
    said.values = values_of(bind, bind_body);
    said.result_formats = bind_body.substr(bind_body.size() - 2 - 2 * bind.result_formats.size());
    return said;
}

Task<base::Result<std::unique_ptr<GatherRun>>> Session::new_gather(const Said& said,
                                                                   const routing::Route& route) {
    auto plan = sql::gather(said.text, door_.shared().topology, standard_strings_);
    if (!plan) {
        co_return std::unexpected(plan.error());
    }
    GatherRequest request;
    request.text = said.text;
    request.types = said.types;
    request.formats_and_values = said.values;
    if (said.bind != nullptr) {
        request.parameters = said.bind->parameter_count;
        request.result_formats = said.bind->result_formats;
        request.integers = integers_of(*said.bind);
    }
    auto run = std::make_unique<GatherRun>(std::move(*plan), std::move(request), door_.byte_order(), client_,
                                           out_, [this] { return flush_client(); });
    const auto plans = in_order(route);
    if (joins()) {
        const auto joined = co_await join(plans, false);
        if (!joined) {
            co_return std::unexpected(joined.error());
        }
        for (pool::Connection* connection : *joined) {
            run->add(*connection);
        }
    } else {
        for (const auto& one : plans) {
            auto lease = co_await lease_for(one);
            if (!lease) {
                co_return std::unexpected(lease.error());
            }
            run->add(std::move(*lease));
        }
    }
    door_.shared().metrics.gathered.add();
    co_return run;
}

/// Ends what a gathered read has begun: a cancel that is on its way must not hit whoever comes next.
Task<void> Session::end_work() {
    working_.clear();
    while (cancels_in_flight_ > 0) {
        net::Timer timer(door_.loop());
        co_await timer.wait(std::chrono::milliseconds{20});
    }
}

void Session::working_on(GatherRun& run) {
    for (std::size_t leg = 0; leg < run.legs(); ++leg) {
        working_.push_back(&run.connection(leg));
    }
}

Task<base::Status> Session::run_gather(const Said& said, const routing::Route& route) {
    auto made = co_await new_gather(said, route);
    if (!made) {
        co_return std::unexpected(made.error());
    }
    GatherRun& run = **made;
    working_on(run);
    auto done = co_await run.start();
    if (done) {
        run.append_description();
        const auto all = co_await run.fetch(0);
        done = all ? base::Status{} : base::Status(std::unexpected(all.error()));
    }
    co_await end_work();
    if (done) {
        wire::append_command_complete(out_, "SELECT " + std::to_string(run.fetched()));
    } else {
        node_error_ = run.node_error();
    }
    co_return done;
}

/// A transaction that spans shards fails on all of them.
Task<base::Status> Session::judged(base::Status done) {
    if (!done) {
        door_.shared().metrics.refused(done.error().rule.empty() ? "node" : done.error().rule).add();
        if (joins()) {
            co_await fail_joined();
        }
    }
    co_return done;
}

Task<base::Status> Session::run_several(const Said& said, const routing::Route& route, bool describe) {
    using sql::Kind;
    const Kind kind = said.facts->kind;
    if (is_gathered(*said.facts)) {
        co_return co_await judged(co_await run_gather(said, route));
    }
    if (kind == Kind::copy_out) {
        co_return co_await judged(co_await run_copy_out(said, route));
    }
    const bool changes =
        kind == Kind::write || kind == Kind::ddl || kind == Kind::truncate || kind == Kind::copy_in;
    if (!changes) {
        co_return co_await judged(std::unexpected(several_shards("The statement concerns several shards.",
                                                                 "Name one user, or SET domicile.user_id.")));
    }
    if (!can_change_several(route)) {
        co_return co_await judged(std::unexpected(
            several_shards("The statement concerns several shards, and the transaction is to stay on one.",
                           "Send it outside a transaction (it commits on all of them or on none), or SET "
                           "domicile.multi_shard = on.")));
    }
    co_return co_await judged(kind == Kind::copy_in ? co_await run_copy_in(said, route)
                                                    : co_await run_distributed(said, route, describe));
}

/// A change on several shards is a transaction of its own, or part of one that may span shards.
bool Session::can_change_several(const routing::Route& route) const {
    const bool idle = unbound_ == Unbound::idle && (!lease_ || side_);
    const bool same = lease_ && !side_ && route.more.empty() && route.plan.shard() == plan_->shard();
    return idle || joins() || same || (route.more.empty() && !lease_);
}

// ---- Portals of the extended protocol ----

Task<base::Status> Session::describe_portal(SeveralPortal& portal) {
    wire::Bind bind;
    const bool decoded = wire::decode(portal.body, bind);
    DOMICILE_ASSERT(decoded);
    if (!is_gathered(*portal.prepared->facts)) {
        const auto kind = portal.prepared->facts->kind;
        if (kind == sql::Kind::copy_in || kind == sql::Kind::copy_out) {
            wire::append_no_data(out_);
            co_return base::Status{};
        }
        co_return co_await describe_on(portal.route.plan, *portal.prepared, portal.body, bind);
    }
    if (auto begun = co_await begin_portal(portal); !begun) {
        co_return begun;
    }
    portal.run->append_description();
    co_return base::Status{};
}

Task<base::Status> Session::begin_portal(SeveralPortal& portal) {
    if (!portal.run) {
        portal.bind = std::make_unique<wire::Bind>();
        const bool decoded = wire::decode(portal.body, *portal.bind);
        DOMICILE_ASSERT(decoded);
        auto made = co_await new_gather(Said::of(*portal.prepared, portal.body, *portal.bind), portal.route);
        if (!made) {
            co_return std::unexpected(made.error());
        }
        portal.run = std::move(*made);
    }
    working_on(*portal.run);
    auto started = co_await portal.run->start();
    co_await end_work();
    if (!started) {
        node_error_ = portal.run->node_error();
        portal.run.reset();
    }
    co_return co_await judged(std::move(started));
}

Task<base::Status> Session::execute_portal(SeveralPortal& portal, std::uint32_t rows_max) {
    if (portal.over) {
        wire::append_command_complete(out_, "SELECT 0");  // as PostgreSQL for a portal run to its end
        co_return base::Status{};
    }
    if (!is_gathered(*portal.prepared->facts)) {
        wire::Bind bind;
        const bool decoded = wire::decode(portal.body, bind);
        DOMICILE_ASSERT(decoded);
        // A write runs whole, whatever the limit (PostgreSQL does it so, too), as long as its rows fit.
        Said said = Said::of(*portal.prepared, portal.body, bind);
        said.rows_max = rows_max;
        co_return co_await run_several(said, portal.route, false);
    }
    if (rows_max != 0 && joins()) {
        co_return std::unexpected(several_shards(
            "Rows of several shards cannot be fetched in parts inside a transaction over shards.",
            "Execute without a limit of rows, or SET domicile.multi_shard = off."));
    }
    if (auto begun = co_await begin_portal(portal); !begun) {
        co_return begun;
    }
    working_on(*portal.run);
    const auto all = co_await portal.run->fetch(rows_max);
    co_await end_work();
    if (!all) {
        node_error_ = portal.run->node_error();
        portal.run.reset();
        co_return co_await judged(std::unexpected(all.error()));
    }
    if (*all) {
        wire::append_command_complete(out_, "SELECT " + std::to_string(portal.run->fetched()));
        portal.over = true;
        portal.run.reset();
    } else {
        wire::append_portal_suspended(out_);
    }
    co_return base::Status{};
}

/// What the statement would return, from one of its shards; nothing runs.
Task<base::Status> Session::describe_on(const routing::Plan& plan, const Prepared& prepared,
                                        std::string_view bind_body, const wire::Bind& bind) {
    auto lease = co_await lease_for(plan);
    if (!lease) {
        co_return std::unexpected(lease.error());
    }
    pool::Connection& connection = **lease;
    add_execution(connection, prepared.text(), prepared.types, bind_body.substr(bind.rest_offset), {}, false);
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

}  // namespace domicile::session

#include "session/two_phase.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "crypto/random.hpp"
#include "routing/admit.hpp"
#include "session/node_call.hpp"
#include "session/settings_tracker.hpp"
#include "wire/backend.hpp"
#include "wire/frontend.hpp"
#include "wire/message.hpp"

#include <algorithm>
#include <vector>

namespace domicile::session {
namespace {

using base::Code;
using net::Task;

constexpr auto timeout = base::limits::statement_timeout;
/// Deferred constraints and a large flush run in the first phase and in the decision.
constexpr auto commit_timeout = base::limits::statement_timeout * 12;
constexpr std::chrono::seconds recovery_interval{5};
/// Younger ones are most likely on their way.
constexpr std::string_view recovery_age = "10 seconds";

}  // namespace

std::optional<Gid> parse_gid(std::string_view text) {
    constexpr std::string_view head = "domicile/";
    if (!text.starts_with(head)) {
        return std::nullopt;
    }
    text.remove_prefix(head.size());
    const auto end = text.rfind('/');
    const auto middle = end == std::string_view::npos ? end : text.rfind('/', end - 1);
    if (middle == std::string_view::npos || middle == 0) {
        return std::nullopt;
    }
    Gid gid{std::string(text.substr(0, middle)), std::string(text.substr(middle + 1, end - middle - 1))};
    const bool digits = !gid.transaction.empty() && gid.transaction.size() <= 20 &&
                        std::ranges::all_of(gid.transaction, [](char c) { return c >= '0' && c <= '9'; });
    return digits ? std::optional(std::move(gid)) : std::nullopt;
}

Fate fate(std::string_view status, bool decided) {
    if (decided) {
        return Fate::commit;
    }
    return status == "in progress" ? Fate::wait : Fate::rollback;
}

Task<base::Status> commit_two_phase(std::span<pool::Connection* const> connections, std::string_view first,
                                    std::string& node_error) {
    pool::Connection& decider = *connections.front();
    const auto others = connections.subspan(1);
    const auto give_up = [&](std::string_view gid, std::size_t prepared) -> Task<void> {
        for (std::size_t i = 0; i < others.size(); ++i) {
            if (others[i]->alive()) {
                std::ignore = co_await call(
                    *others[i],
                    i < prepared ? "ROLLBACK PREPARED " + sql_literal(gid) : std::string("ROLLBACK"),
                    commit_timeout);
            }
        }
        if (decider.alive()) {
            std::ignore = co_await call(decider, "ROLLBACK", commit_timeout);
        }
    };
    const auto noted = co_await call(decider,
                                     "INSERT INTO domicile.decisions (gid) VALUES (" +
                                         sql_literal("domicile/" + std::string(first) + "/") +
                                         " || pg_catalog.pg_current_xact_id() || " +
                                         sql_literal("/" + crypto::random_token(9)) + ") RETURNING gid",
                                     commit_timeout);
    if (!noted || !noted->good() || noted->rows.empty() || !noted->rows[0][0]) {
        co_await give_up("", 0);
        if (!noted) {
            co_return std::unexpected(noted.error());
        }
        node_error = noted->error;
        co_return base::fail(Code::internal, "The decision cannot be noted.");
    }
    const std::string gid = *noted->rows[0][0];
    // First phase: from here on each of the others can commit whatever happens.
    for (pool::Connection* other : others) {
        add_call(*other, "PREPARE TRANSACTION " + sql_literal(gid));
        std::ignore = co_await send_calls(*other, commit_timeout);
    }
    std::size_t prepared = 0;
    base::Status failed;
    for (pool::Connection* other : others) {
        const auto done = co_await finish_calls(*other, commit_timeout);
        if (!done || !done->good()) {
            if (failed) {
                failed = done ? base::fail(Code::internal, "A shard cannot commit.")
                              : base::Status(std::unexpected(done.error()));
                node_error = done ? done->error : std::string();
            }
        } else if (failed) {
            ++prepared;
        } else {
            std::ignore = co_await call(*other, "ROLLBACK PREPARED " + sql_literal(gid), commit_timeout);
        }
    }
    if (!failed) {
        co_await give_up(gid, prepared);
        co_return failed;
    }
    // The decision.
    const auto decided = co_await call(decider, "COMMIT", commit_timeout);
    if (!decided) {
        co_return base::fail(
            Code::commit_in_doubt,
            "The connection to the deciding shard was lost; whether the write happened is unknown.",
            "Look before you repeat it: it is settled on all shards alike within seconds.");
    }
    if (!decided->good() || decided->tags.empty() || decided->tags.back() != "COMMIT") {
        co_await give_up(gid, prepared);
        node_error = decided->error;
        co_return base::fail(Code::internal, "The deciding shard cannot commit.");
    }
    // Second phase: what fails here is finished by recover_prepared().
    bool all = true;
    for (pool::Connection* other : others) {
        add_call(*other, "COMMIT PREPARED " + sql_literal(gid));
        std::ignore = co_await send_calls(*other, commit_timeout);
    }
    for (pool::Connection* other : others) {
        const auto done = co_await finish_calls(*other, commit_timeout);
        all = all && done && done->good();
    }
    if (all) {
        std::ignore = co_await call(decider, "DELETE FROM domicile.decisions WHERE gid = " + sql_literal(gid),
                                    commit_timeout);
    } else {
        base::log::warn("sql.commit_unfinished", {{"shard", first}});
    }
    co_return base::Status{};
}

Task<base::Result<std::string>> parameter_types(pool::Connection& connection, std::string_view sql,
                                                std::string_view types) {
    base::Buffer& out = connection.out();
    {
        const wire::MessageWriter message(out, 'P');
        out.append_cstring("");
        out.append_cstring(sql);
        out.append(types);
    }
    {
        const wire::MessageWriter message(out, 'D');
        out.append_u8('S');
        out.append_cstring("");
    }
    wire::append_sync(out);
    using Sent = wire::Relay::Sent;
    for (const Sent sent : {Sent::parse, Sent::describe_statement, Sent::sync}) {
        connection.relay().sent(sent, true);
    }
    if (auto sent = co_await send_calls(connection, timeout); !sent) {
        co_return std::unexpected(sent.error());
    }
    auto done = co_await finish_calls(connection, timeout);
    if (!done) {
        co_return std::unexpected(done.error());
    }
    if (!done->good()) {
        wire::ServerError error;
        const bool decoded = wire::decode(done->error, error);
        co_return base::fail(Code::invalid_value,
                             decoded ? std::string(error.message) : "The statement is refused.");
    }
    co_return done->parameter_description;
}

Task<void> recover_prepared(net::Timer& timer, pool::Pool& pool, const topology::Topology& topology,
                            base::JurisdictionIndex own, const bool& stop) {
    while (!stop) {
        co_await timer.wait(recovery_interval);
        for (std::uint16_t i = 0; i < topology.shards.size() && !stop; ++i) {
            const auto plan = routing::admit_upkeep(topology, base::ShardIndex{i}, own);
            if (!plan || !pool.has_writer(base::ShardIndex{i})) {
                continue;
            }
            auto lease = co_await pool.acquire(*plan);
            if (!lease) {
                continue;
            }
            const auto found =
                co_await call(**lease,
                              "SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = "
                              "pg_catalog.current_database() AND owner = current_user AND gid LIKE "
                              "'domicile/%' AND prepared < now() - interval '" +
                                  std::string(recovery_age) + "'",
                              timeout);
            if (!found || !found->good()) {
                continue;
            }
            for (const auto& row : found->rows) {
                const std::string text = row[0].value_or("");
                const auto gid = parse_gid(text);
                const auto first = gid ? topology.shard(gid->shard) : std::nullopt;
                const auto first_plan = first ? routing::admit_upkeep(topology, *first, own)
                                              : std::unexpected(routing::Refusal{});
                if (!first_plan || !pool.has_writer(*first)) {
                    continue;
                }
                auto decider = co_await pool.acquire(*first_plan);
                if (!decider) {
                    continue;
                }
                // In this order: a decision made between the two questions is seen by the second.
                const auto status = co_await call(
                    **decider,
                    "SELECT pg_catalog.pg_xact_status('" + gid->transaction + "'::pg_catalog.xid8)", timeout);
                const auto decided = co_await call(
                    **decider, "SELECT FROM domicile.decisions WHERE gid = " + sql_literal(text), timeout);
                if (!status || !status->good() || status->rows.empty() || !decided || !decided->good()) {
                    continue;
                }
                const Fate what = fate(status->rows[0][0].value_or(""), !decided->raw_rows.empty());
                if (what == Fate::wait) {
                    continue;
                }
                const auto done = co_await call(
                    **lease,
                    (what == Fate::commit ? "COMMIT PREPARED " : "ROLLBACK PREPARED ") + sql_literal(text),
                    timeout);
                base::log::info("sql.prepared_recovered", {{"shard", topology.at(base::ShardIndex{i}).name},
                                                           {"committed", what == Fate::commit},
                                                           {"good", done && done->good()}});
            }
        }
    }
}

}  // namespace domicile::session

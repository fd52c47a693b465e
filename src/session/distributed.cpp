// Writes and definitions on several shards: all or none, in two phases; or inside a transaction that spans
// them.

#include "base/limits.hpp"
#include "guard/table_guard.hpp"
#include "session/node_call.hpp"
#include "session/session.hpp"
#include "session/two_phase.hpp"
#include "sql/gather.hpp"
#include "wire/backend.hpp"
#include "wire/message.hpp"
#include "wire/server.hpp"

#include <algorithm>

namespace domicile::session {
namespace {

using base::Code;

constexpr auto timeout = base::limits::statement_timeout * 12;

/// One answer out of all: rows one shard after the other, counts added up. A reference table has the same
/// rows everywhere, so one shard speaks for all.
void append_answer(base::Buffer& out, std::span<const CallResult> results, std::size_t tag_index,
                   bool same_everywhere, bool describe) {
    std::uint64_t count = 0;
    if (!results.front().description.empty() && describe) {
        const wire::MessageWriter message(out, 'T');
        out.append(results.front().description);
    }
    for (const CallResult& result : results) {
        for (const auto& row : result.raw_rows) {
            const wire::MessageWriter message(out, 'D');
            out.append(row);
        }
        count += wire::affected_rows(result.tags.at(tag_index));
        if (same_everywhere) {
            break;
        }
    }
    std::string tag = results.front().tags.at(tag_index);
    if (!tag.empty() && tag.back() >= '0' && tag.back() <= '9') {
        tag = tag.substr(0, tag.rfind(' ') + 1) + std::to_string(count);
    }
    wire::append_command_complete(out, tag);
}

}  // namespace

/// The statement for each shard: rows of a multi-row INSERT go where their user ids live; everything else is
/// said alike to all.
base::Result<std::vector<std::string>> Session::texts_for(const Said& said,
                                                          std::span<const routing::Plan> plans) {
    const sql::Facts& facts = *said.facts;
    if (!facts.insert_values || plans.size() == 1) {
        return std::vector<std::string>(plans.size(), std::string(said.text));
    }
    const auto rows = sql::insert_rows(said.text, standard_strings_);
    if (!rows) {
        return std::unexpected(rows.error());
    }
    if (rows->rows.size() != facts.inserted_keys.size()) {
        return std::unexpected(
            several_shards("An INSERT of this form cannot be split.", "Write INSERT … VALUES (…), (…)."));
    }
    Prepared unnamed;
    std::optional<BoundConstants> bound;
    const LiteralConstants literals(said.text, said.literals);
    if (said.bind != nullptr) {
        unnamed.sql = said.text;
        unnamed.types = said.types;
        unnamed.literals.assign(said.literals.begin(), said.literals.end());
        unnamed.text_length = static_cast<std::uint32_t>(said.text.size());
        bound.emplace(unnamed, *said.bind);
    }
    const routing::Constants& constants = bound ? static_cast<const routing::Constants&>(*bound)
                                                : static_cast<const routing::Constants&>(literals);
    std::vector<std::string> parts(plans.size());
    for (std::size_t i = 0; i < rows->rows.size(); ++i) {
        const auto id = constants.at(facts.inserted_keys[i]);
        const auto shard = door_.shared().map().find(base::UserId{id.id});
        const auto plan = std::ranges::find_if(
            plans, [&](const routing::Plan& one) { return shard && one.shard() == *shard; });
        if (plan == plans.end()) {
            return std::unexpected(
                several_shards("A row of the INSERT has no shard.", "Give each row its user id."));
        }
        std::string& part = parts[static_cast<std::size_t>(plan - plans.begin())];
        const auto& span = rows->rows[i];
        part.append(part.empty() ? "" : ", ").append(said.text.substr(span.begin, span.end - span.begin));
    }
    for (std::string& part : parts) {
        part = std::string(said.text.substr(0, rows->rows.front().begin)) + part +
               std::string(said.text.substr(rows->rows.back().end));
    }
    return parts;
}

Task<base::Result<std::vector<pool::Connection*>>> Session::connections_for(
    std::span<const routing::Plan> plans, std::list<pool::Pool::Lease>& leases) {
    if (in_transaction()) {
        co_return co_await join(plans, true);
    }
    std::vector<pool::Connection*> connections;
    for (const auto& plan : plans) {
        auto lease = co_await lease_for(plan);
        if (!lease) {
            co_return std::unexpected(lease.error());
        }
        leases.push_back(std::move(*lease));
        connections.push_back(&*leases.back());
    }
    co_return connections;
}

Task<base::Status> Session::finish_change(base::Status done, std::span<pool::Connection* const> connections,
                                          std::span<const routing::Plan> plans, bool fresh) {
    if (!fresh) {
        co_return done;
    }
    if (!done) {
        for (pool::Connection* connection : connections) {
            if (connection->alive()) {
                std::ignore = co_await call(*connection, "ROLLBACK", timeout);
            }
        }
        co_return done;
    }
    if (connections.size() == 1) {
        const auto committed = co_await call(*connections.front(), "COMMIT", timeout);
        if (!committed) {
            co_return base::fail(
                Code::commit_in_doubt,
                "The connection to the node was lost; whether the write happened is unknown.",
                "Look before you repeat it.");
        }
        if (!committed->good()) {
            node_error_ = committed->error;
            co_return base::fail(Code::internal, "The shard cannot commit.");
        }
    } else {
        const auto& first = door_.shared().topology.at(plans.front().shard()).name;
        if (auto committed = co_await commit_two_phase(connections, first, node_error_); !committed) {
            co_return committed;
        }
        door_.shared().metrics.distributed.add();
    }
    for (const auto& plan : plans) {
        written_[plan.shard().value] = {microseconds(net::Clock::now()), 0};
    }
    co_return base::Status{};
}

Task<base::Status> Session::run_distributed(const Said& said, const routing::Route& route, bool describe) {
    const auto plans = in_order(route);
    const auto texts = texts_for(said, plans);
    if (!texts) {
        co_return std::unexpected(texts.error());
    }
    const bool fresh = !in_transaction();
    std::list<pool::Pool::Lease> leases;
    const auto connections = co_await connections_for(plans, leases);
    if (!connections) {
        co_return std::unexpected(connections.error());
    }
    // A part of the rows may leave parameters unused: their types come from the whole.
    std::string types(said.types);
    if (said.bind != nullptr && said.bind->parameter_count > 0) {
        auto asked = co_await parameter_types(*connections->front(), said.text, said.types);
        if (!asked) {
            co_return std::unexpected(asked.error());
        }
        types = std::move(*asked);
    }
    base::Status failed;
    for (std::size_t i = 0; i < connections->size(); ++i) {
        pool::Connection& connection = *(*connections)[i];
        working_.push_back(&connection);
        if (fresh) {
            add_call(connection, "BEGIN");
        }
        add_execution(connection, (*texts)[i], types, said.values, said.result_formats);
        if (said.facts->kind == sql::Kind::ddl) {
            // A sharded table leaves the transaction as the topology wants it, or the transaction fails.
            for (const auto& use : said.facts->tables) {
                if (defines_sharded(use)) {
                    const auto& shard = door_.shared().topology.at(plans[i].shard());
                    add_call(connection, guard::table_guard(*use.table, shard, false));
                }
            }
            if (const auto gate = guard::coverage_guard(door_.shared().topology); !gate.empty()) {
                add_call(connection, gate);
            }
        }
        if (auto sent = co_await send_calls(connection, timeout); !sent) {
            failed = sent;  // what the others have begun is rolled back below
        }
    }
    std::vector<CallResult> results;
    for (pool::Connection* connection : *connections) {
        if (!connection->alive()) {
            continue;
        }
        auto result = co_await finish_calls(*connection, timeout);
        if (!result) {
            failed = failed ? base::Status(std::unexpected(result.error())) : failed;
            continue;
        }
        if (!result->good() && failed) {
            node_error_ = result->error;
            failed = base::fail(Code::internal, "A shard refused the statement.");
        }
        results.push_back(std::move(*result));
    }
    co_await end_work();
    std::size_t rows = 0;
    for (const CallResult& result : results) {
        rows += result.raw_rows.size();
    }
    if (failed && said.rows_max != 0 && rows > said.rows_max) {
        failed =
            std::unexpected(several_shards("Rows of a write on several shards cannot be fetched in parts.",
                                           "Execute without a limit of rows (fetch size 0)."));
    }
    if (auto done = co_await finish_change(std::move(failed), *connections, plans, fresh); !done) {
        co_return done;
    }
    if (said.facts->kind == sql::Kind::ddl) {
        defined_ = true;
        if (fresh) {
            definitions_over();
        }
    }
    append_answer(out_, results, fresh ? 1 : 0, said.facts->groups.empty(), describe);
    co_return base::Status{};
}

}  // namespace domicile::session

// COPY t FROM STDIN over several shards: each row goes where its user id lives, all or nothing.

#include "base/limits.hpp"
#include "session/copy_split.hpp"
#include "session/node_call.hpp"
#include "session/session.hpp"
#include "wire/backend.hpp"
#include "wire/frontend.hpp"
#include "wire/message.hpp"
#include "wire/server.hpp"

#include <algorithm>

namespace domicile::session {
namespace {

using base::Code;

constexpr auto timeout = base::limits::statement_timeout * 12;
constexpr std::size_t piece_bytes = 32U << 10U;
constexpr std::size_t read_bytes = 64U << 10U;

/// One shard's part of the stream: rows gathered into CopyData messages.
struct Leg {
    explicit Leg(pool::Connection* one) : lease(one) {}
    pool::Connection* lease;
    std::string rows;
    bool begun = false;
    bool other_role = false;

    void flush() {
        if (!rows.empty()) {
            wire::append_copy_data(lease->out(), rows);
            rows.clear();
        }
    }
};

/// Waits for CopyInResponse; its body, or the node's error.
Task<base::Result<std::string>> await_copy(pool::Connection& connection, std::string& node_error) {
    connection.stream().expires_after(timeout);
    for (;;) {
        wire::Frame frame;
        const auto found = wire::scan(connection.in().view(), frame);
        if (found == wire::Scan::more) {
            if (co_await connection.stream().read_some(connection.in(), piece_bytes)) {
                connection.close();
                co_return base::fail(Code::node_unavailable, "The connection to a database node was lost.");
            }
            continue;
        }
        const auto event = found == wire::Scan::broken ? wire::Relay::Event::broken
                                                       : connection.relay().advance(frame.type, frame.body);
        if (event == wire::Relay::Event::broken) {
            connection.close();
            co_return base::fail(Code::protocol_violation, "The node broke the wire protocol.");
        }
        std::string body(frame.body);
        const char type = frame.type;
        connection.in().consume(frame.bytes());
        if (event == wire::Relay::Event::copy_in) {
            co_return body;
        }
        if (type == wire::backend::error_response) {
            node_error = std::move(body);
        }
        if (connection.relay().rounds() == 0) {
            co_return base::fail(Code::internal, "A shard refused the COPY.");
        }
    }
}

}  // namespace

Task<base::Status> Session::run_copy_in(const Said& said, const routing::Route& route) {
    const std::string text(said.text);  // the message it stands in is consumed before the data
    const std::shared_ptr<const sql::Facts> kept = said.facts;
    const sql::Facts& facts = *kept;
    auto statement = parse_copy(text, standard_strings_);
    if (!statement) {
        co_return std::unexpected(statement.error());
    }
    const topology::Table& table = *facts.tables.front().table;
    const std::vector<routing::Plan> plans = in_order(route);
    const bool fresh = !in_transaction();
    std::list<pool::Pool::Lease> leases;
    const auto connections = co_await connections_for(plans, leases);
    if (!connections) {
        co_return std::unexpected(connections.error());
    }
    std::vector<Leg> legs(connections->begin(), connections->end());
    const bool same_everywhere = table.kind == topology::TableKind::reference;
    if (statement->columns.empty() && !same_everywhere) {
        const auto asked = co_await call(*legs.front().lease, columns_question(table.name), timeout);
        if (!asked || !asked->good()) {
            co_return base::fail(Code::node_unavailable, "The columns of the table cannot be read.");
        }
        for (const auto& row : asked->rows) {
            statement->columns.push_back(row[0].value_or(""));
        }
    }
    const auto key = std::ranges::find(statement->columns, table.key);
    if (key == statement->columns.end() && !same_everywhere) {
        co_return std::unexpected(base::Error{Code::cannot_route,
                                              "The COPY does not give the user id of its rows.",
                                              "Name the column " + table.key + ".",
                                              std::string(routing::rules::key_missing),
                                              {}});
    }
    statement->format.key_column = static_cast<std::size_t>(key - statement->columns.begin());
    std::string response;
    for (Leg& leg : legs) {
        if (fresh) {
            add_call(*leg.lease, "BEGIN");
        }
        // PostgreSQL copies into no table with row-level security; a role that may add rows and sees none
        // does.
        const auto& plan = plans[static_cast<std::size_t>(&leg - legs.data())];
        if (std::ranges::any_of(pool_->states(plan.shard()), &routing::NodeState::restrictions)) {
            add_call(*leg.lease, "SET LOCAL ROLE domicile_copier");
            leg.other_role = true;
        }
        wire::append_query(leg.lease->out(), text);
        leg.lease->relay().sent(wire::Relay::Sent::query);
        if (auto sent = co_await send_calls(*leg.lease, timeout); !sent) {
            co_return sent;
        }
    }
    for (Leg& leg : legs) {
        auto begun = co_await await_copy(*leg.lease, node_error_);
        if (!begun) {
            co_return std::unexpected(begun.error());
        }
        response = std::move(*begun);
    }
    {
        const wire::MessageWriter message(out_, wire::backend::copy_in_response);
        out_.append(response);
    }
    if (!bytes_handled_ && handling_ != 0) {
        in_.consume(handling_);  // the COPY itself came in front of the data
        bytes_handled_ = true;
    }
    const bool binary = statement->format.kind == CopyFormat::Kind::binary;
    CopySplit* splitter = nullptr;
    CopySplit split(statement->format, [&](std::int64_t id, std::string_view row) -> base::Status {
        const auto shard = door_.shared().map().find(base::UserId{id});
        const auto plan = std::ranges::find_if(
            plans, [&](const routing::Plan& one) { return shard && one.shard() == *shard; });
        if (plan == plans.end()) {
            // The same words as for a statement that names this id.
            sql::Facts one = facts;
            one.kind = sql::Kind::write;
            one.insert_values = true;
            sql::Operand operand;
            operand.source = sql::Operand::Source::literal;
            one.inserted_keys = {operand};
            one.tables.front().verb = sql::Verb::insert;
            const std::string number = std::to_string(id);
            const std::vector<sql::Literal> literals = {
                {0, static_cast<std::uint32_t>(number.size()), sql::Literal::Form::integer}};
            const LiteralConstants constants(number, literals);
            const auto routed = this->route(one, constants);
            return routed ? base::fail(Code::no_range, "A user id lies in no range.")
                          : base::Status(std::unexpected(worded(routed.error())));
        }
        Leg& leg = legs[static_cast<std::size_t>(plan - plans.begin())];
        if (!leg.begun) {
            leg.begun = true;
            leg.rows = splitter->header();
        }
        leg.rows += row;
        if (leg.rows.size() >= piece_bytes) {
            leg.flush();
        }
        return {};
    });
    splitter = &split;
    base::Status failed;
    bool done = false;
    namespace type = wire::frontend;
    while (!done && failed) {
        if (!co_await flush_client()) {
            co_return base::fail(Code::request_timeout, "The client is gone.");
        }
        wire::Frame frame;
        const auto found = wire::scan_client(in_.view(), frame);
        if (found == wire::Scan::more) {
            for (Leg& leg : legs) {
                if (!leg.lease->out().empty()) {
                    if (auto sent = co_await send_calls(*leg.lease, timeout); !sent) {
                        failed = sent;
                    }
                } else if (leg.lease->stream().hung_up()) {
                    failed =
                        base::fail(Code::node_unavailable, "The connection to a database node was lost.");
                }
            }
            co_await client_.until_readable();
            std::size_t count = 0;
            if (client_.receive(in_, read_bytes, count)) {
                co_return base::fail(Code::request_timeout, "The client is gone.");
            }
            continue;
        }
        if (found == wire::Scan::broken) {
            co_return base::fail(Code::malformed_request, "invalid frontend message");
        }
        switch (frame.type) {
            case type::copy_data:
                if (!same_everywhere) {
                    failed = split.put(frame.body);
                    break;
                }
                for (Leg& leg : legs) {
                    leg.rows += frame.body;
                    leg.flush();
                }
                break;
            case type::copy_done:
                failed = same_everywhere ? base::Status{} : split.end();
                done = true;
                break;
            case type::copy_fail: {
                wire::CopyFail fail;
                const bool decoded = wire::decode(frame.body, fail);
                failed = base::fail(
                    Code::copy_failed,
                    "COPY from stdin failed: " + std::string(decoded ? fail.reason : std::string_view()));
                break;
            }
            case type::flush:
            case type::sync: break;
            default:
                failed =
                    base::fail(Code::malformed_request, "unexpected message type during COPY from stdin");
                break;
        }
        in_.consume(frame.bytes());
        for (Leg& leg : legs) {
            if (leg.lease->out().size() >= 4 * piece_bytes && failed) {
                failed = co_await send_calls(*leg.lease, timeout);
            }
        }
    }
    std::uint64_t rows = 0;
    for (Leg& leg : legs) {
        if (failed) {
            if (!leg.begun && !same_everywhere) {
                leg.rows = split.header();
            }
            if (binary && !same_everywhere) {
                leg.rows += std::string_view("\377\377", 2);
            }
            leg.flush();
            wire::append_copy_done(leg.lease->out());
        } else if (leg.lease->alive()) {
            leg.lease->out().clear();
            wire::append_copy_fail(leg.lease->out(), "refused");
        }
        leg.lease->relay().copy_ended();
        if (auto sent = co_await send_calls(*leg.lease, timeout); !sent && failed) {
            failed = sent;
        }
    }
    for (Leg& leg : legs) {
        if (!leg.lease->alive()) {
            continue;
        }
        auto result = co_await finish_calls(*leg.lease, timeout);
        if (failed && (!result || !result->good())) {
            failed = result ? base::fail(Code::internal, "A shard refused the rows.")
                            : base::Status(std::unexpected(result.error()));
            node_error_ = result ? result->error : std::string();
        } else if (result && result->good() && !result->tags.empty()) {
            const auto taken = wire::affected_rows(result->tags.back());
            rows = same_everywhere ? taken : rows + taken;
        }
        if (leg.other_role && !fresh && failed) {
            const auto back = co_await call(*leg.lease, "RESET ROLE", timeout);
            failed = back && back->good() ? failed
                                          : base::fail(Code::node_unavailable, "The COPY cannot be ended.");
        }
    }
    if (auto finished = co_await finish_change(std::move(failed), *connections, plans, fresh); !finished) {
        co_return finished;
    }
    wire::append_command_complete(out_, "COPY " + std::to_string(rows));
    co_return base::Status{};
}

}  // namespace domicile::session

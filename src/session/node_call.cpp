#include "session/node_call.hpp"

#include "wire/backend.hpp"
#include "wire/frontend.hpp"
#include "wire/message.hpp"

namespace domicile::session {
namespace {

using base::Code;
constexpr std::size_t read_bytes = 32U << 10U;
constexpr std::size_t rows_bytes_max = 16U << 20U;
constexpr std::size_t own_rows_bytes_max = 1U << 20U;  // answers to our own questions are small

std::unexpected<base::Error> lost(pool::Connection& connection) {
    const bool timed_out = connection.stream().expired();
    connection.close();
    return base::fail(timed_out ? Code::node_timeout : Code::node_unavailable,
                      timed_out ? "The database node did not answer in time."
                                : "The connection to the database node was lost.",
                      "Try again.");
}

/// Whether what has come beyond the last answer is what a node may say at any time.
bool only_notices(pool::Connection& connection) {
    std::string_view bytes = connection.in().view();
    wire::Frame frame;
    while (wire::scan(bytes, frame) == wire::Scan::frame) {
        if (frame.type != 'N' && frame.type != 'A' && frame.type != 'S') {
            return false;
        }
        bytes.remove_prefix(frame.bytes());
    }
    return bytes.empty() || bytes.front() == 'N' || bytes.front() == 'A' || bytes.front() == 'S';
}

}  // namespace

void add_call(pool::Connection& connection, std::string_view sql) {
    wire::append_query(connection.out(), sql);
    connection.relay().sent(wire::Relay::Sent::query, true);
}

void add_execution(pool::Connection& connection, std::string_view sql, std::string_view types,
                   std::string_view formats_and_values, std::string_view result_formats, bool execute) {
    using Sent = wire::Relay::Sent;
    base::Buffer& out = connection.out();
    {
        const wire::MessageWriter message(out, 'P');
        out.append_cstring("");
        out.append_cstring(sql);
        out.append(types);
    }
    {
        const wire::MessageWriter message(out, 'B');
        out.append_cstring("");
        out.append_cstring("");
        out.append(formats_and_values);
        out.append(result_formats);
    }
    wire::append_describe_portal(out);
    if (execute) {
        wire::append_execute(out);
    }
    wire::append_sync(out);
    for (const Sent sent : {Sent::parse, Sent::bind, Sent::describe_portal, Sent::execute, Sent::sync}) {
        if (execute || sent != Sent::execute) {
            connection.relay().sent(sent, true);
        }
    }
}

void add_parse(pool::Connection& connection, std::string_view sql) {
    wire::append_parse(connection.out(), "", sql);
    wire::append_sync(connection.out());
    connection.relay().sent(wire::Relay::Sent::parse, true);
    connection.relay().sent(wire::Relay::Sent::sync, true);
}

net::Task<base::Status> send_calls(pool::Connection& connection, std::chrono::milliseconds timeout) {
    connection.stream().expires_after(timeout);
    const auto failed = co_await connection.stream().write(connection.out().view());
    connection.out().clear();
    if (failed) {
        co_return lost(connection);
    }
    connection.stream().expires_never();
    co_return base::Status{};
}

net::Task<base::Result<CallResult>> finish_calls(pool::Connection& connection,
                                                 std::chrono::milliseconds timeout) {
    CallResult result;
    std::size_t bytes = 0;
    std::size_t chatter = 0;
    connection.stream().expires_after(timeout);
    while (connection.relay().rounds() > 0) {
        wire::Frame frame;
        const auto found = wire::scan(connection.in().view(), frame);
        if (found == wire::Scan::more) {
            if (co_await connection.stream().read_some(connection.in(), read_bytes)) {
                co_return lost(connection);
            }
            continue;
        }
        if (found == wire::Scan::broken ||
            connection.relay().advance(frame.type, frame.body) == wire::Relay::Event::broken) {
            if (found == wire::Scan::frame && frame.type == wire::backend::error_response) {
                co_return lost(connection);  // the farewell of a node that shuts down, behind another error
            }
            connection.close();
            co_return base::fail(Code::protocol_violation, "The node broke the wire protocol.");
        }
        if (frame.type == 'N' || frame.type == 'A' || frame.type == 'S') {
            chatter += frame.bytes();
            if (chatter > chatter_bytes_max) {
                connection.close();
                co_return base::fail(Code::protocol_violation, "The node does not come to an answer.");
            }
        }
        if (frame.type == wire::backend::data_row) {
            bytes += frame.bytes();
            if (bytes > rows_bytes_max) {
                connection.close();
                co_return std::unexpected(
                    base::Error{Code::cannot_route,
                                "The statement returns too many rows over several shards.",
                                "Name one user, or leave RETURNING out.",
                                "routing/several-shards",
                                {}});
            }
            result.raw_rows.emplace_back(frame.body);
            if (bytes <= own_rows_bytes_max) {
                auto& row = result.rows.emplace_back();
                wire::RowReader reader(frame.body);
                for (std::uint16_t i = 0; i < reader.columns() && reader.ok(); ++i) {
                    const auto field = reader.next();
                    row.push_back(field ? std::optional<std::string>(*field) : std::nullopt);
                }
            }
        } else if (frame.type == wire::backend::parameter_description) {
            result.parameter_description = frame.body;
        } else if (frame.type == wire::backend::row_description) {
            result.description = frame.body;
        } else if (frame.type == wire::backend::command_complete) {
            wire::Reader reader(frame.body);
            result.tags.emplace_back(reader.cstring());
        } else if (frame.type == wire::backend::error_response && result.error.empty()) {
            wire::ServerError error;
            result.error = frame.body;
            result.sqlstate = wire::decode(frame.body, error) ? std::string(error.sqlstate) : "XX000";
        }
        connection.in().consume(frame.bytes());
    }
    connection.stream().expires_never();
    if (!connection.in().empty() && connection.in().view().front() == wire::backend::error_response) {
        connection.close();  // a node that shuts down says so behind its last answer, which stands
    } else if (!connection.in().empty() && !only_notices(connection)) {
        connection.close();  // an answer to nothing: it would be taken for the next one's
        co_return base::fail(Code::protocol_violation, "The node broke the wire protocol.");
    }
    co_return result;
}

net::Task<base::Result<CallResult>> call(pool::Connection& connection, std::string_view sql,
                                         std::chrono::milliseconds timeout) {
    add_call(connection, sql);
    if (const auto sent = co_await send_calls(connection, timeout); !sent) {
        co_return std::unexpected(sent.error());
    }
    co_return co_await finish_calls(connection, timeout);
}

}  // namespace domicile::session

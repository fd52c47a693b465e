#include "session/gather_run.hpp"

#include "base/limits.hpp"
#include "session/node_call.hpp"
#include "session/sort_keys.hpp"
#include "wire/backend.hpp"
#include "wire/frontend.hpp"
#include "wire/message.hpp"
#include "wire/server.hpp"

#include <algorithm>
#include <charconv>

namespace domicile::session {
namespace {

using base::Code;
using net::Task;
using wire::Relay;

constexpr std::size_t read_bytes = 32U << 10U;
constexpr std::size_t out_bytes_max = 64U << 10U;
constexpr std::size_t partial_bytes_max = 64U << 20U;

std::unexpected<base::Error> refuse(std::string text, std::string hint) {
    return std::unexpected(
        base::Error{Code::cannot_route, std::move(text), std::move(hint), "routing/several-shards", {}});
}

std::string u16(std::size_t value) {
    return {static_cast<char>(value >> 8U), static_cast<char>(value & 0xFFU)};
}
std::string u32(std::size_t value) {
    return u16(value >> 16U) + u16(value & 0xFFFFU);
}

/// Result formats for a Bind: the client's for the visible columns, then `hidden` binary ones.
std::string formats_for(const wire::Formats& wanted, std::size_t visible, std::size_t hidden) {
    std::string text = u16(visible + hidden);
    for (std::size_t i = 0; i < visible; ++i) {
        const std::int16_t format = wanted.empty() ? 0 : wanted.size() == 1 ? wanted[0] : wanted[i];
        text += u16(static_cast<std::uint16_t>(format));
    }
    for (std::size_t i = 0; i < hidden; ++i) {
        text += u16(1);
    }
    return text;
}

/// An element of an array literal, quoted.
void append_element(std::string& array, const std::optional<std::string_view>& value) {
    array += array.size() > 1 ? "," : "";
    if (!value) {
        array += "NULL";
        return;
    }
    array += '"';
    for (const char byte : *value) {
        if (byte == '"' || byte == '\\') {
            array += '\\';
        }
        array += byte;
    }
    array += '"';
}

}  // namespace

base::Error GatherRun::lost(pool::Connection& connection) {
    connection.close();
    return {Code::node_unavailable, "The connection to a database node was lost.", "Try again.", {}, {}};
}

bool GatherRun::send(pool::Connection& connection) {
    // Small: a socket that does not take it at once has a sick node behind it.
    while (!connection.out().empty()) {
        std::size_t count = 0;
        if (connection.stream().send(connection.out().view(), count) || count == 0) {
            return false;
        }
        connection.out().consume(count);
    }
    return true;
}

/// Reads until the leg's next row, or its end. Rows stay in the connection's buffer until the next call.
Task<base::Status> GatherRun::next(Leg& leg) {
    pool::Connection& connection = *leg.lease;
    connection.in().consume(leg.row_bytes);
    leg.row_bytes = 0;
    leg.has_row = false;
    while (connection.relay().rounds() > 0) {
        wire::Frame frame;
        const auto found = wire::scan(connection.in().view(), frame);
        if (found == wire::Scan::more) {
            connection.stream().expires_after(base::limits::statement_timeout * 12);
            if (co_await connection.stream().read_some(connection.in(), read_bytes)) {
                co_return std::unexpected(lost(connection));
            }
            connection.stream().expires_never();
            continue;
        }
        if (found == wire::Scan::broken ||
            connection.relay().advance(frame.type, frame.body) == Relay::Event::broken) {
            connection.close();
            co_return base::fail(Code::protocol_violation, "The node broke the wire protocol.");
        }
        switch (frame.type) {
            case wire::backend::data_row: {
                leg.has_row = true;
                leg.row = frame.body;
                leg.row_bytes = frame.bytes();
                leg.fields.clear();
                wire::RowReader reader(frame.body);
                for (std::uint16_t i = 0; i < reader.columns(); ++i) {
                    leg.fields.push_back(reader.next());
                }
                if (!reader.ok()) {
                    connection.close();
                    co_return base::fail(Code::protocol_violation, "The node broke the wire protocol.");
                }
                co_return base::Status{};
            }
            case wire::backend::row_description: {
                wire::Reader reader(frame.body);
                const auto count = reader.u16();
                partial_types_.clear();
                for (std::uint16_t i = 0; i < count && reader.ok(); ++i) {
                    std::ignore = reader.cstring();
                    std::ignore = reader.bytes(6);
                    partial_types_.push_back(reader.u32());
                    std::ignore = reader.bytes(8);
                }
                break;
            }
            case wire::backend::error_response:
                if (node_error_.empty()) {
                    node_error_ = frame.body;
                }
                break;
            default: break;
        }
        connection.in().consume(frame.bytes());
    }
    leg.ended = true;
    if (!node_error_.empty()) {
        co_return base::fail(Code::internal, "A shard refused the statement.");
    }
    co_return base::Status{};
}

/// The original's parameter types and columns, from the first shard.
Task<base::Status> GatherRun::describe(std::string_view text, const GatherRequest& request) {
    pool::Connection& connection = *legs_.front().lease;
    base::Buffer& out = connection.out();
    {
        const wire::MessageWriter message(out, 'P');
        out.append_cstring("");
        out.append_cstring(text);
        out.append(request.types);
    }
    {
        const wire::MessageWriter message(out, 'D');
        out.append_u8('S');
        out.append_cstring("");
    }
    wire::append_sync(out);
    Relay& relay = connection.relay();
    relay.sent(Relay::Sent::parse, true);
    relay.sent(Relay::Sent::describe_statement, true);
    relay.sent(Relay::Sent::sync, true);
    if (!send(connection)) {
        co_return std::unexpected(lost(connection));
    }
    connection.stream().expires_after(base::limits::statement_timeout);
    while (relay.rounds() > 0) {
        wire::Frame frame;
        const auto found = wire::scan(connection.in().view(), frame);
        if (found == wire::Scan::more) {
            if (co_await connection.stream().read_some(connection.in(), read_bytes)) {
                co_return std::unexpected(lost(connection));
            }
            continue;
        }
        if (found == wire::Scan::broken || relay.advance(frame.type, frame.body) == Relay::Event::broken) {
            connection.close();
            co_return base::fail(Code::protocol_violation, "The node broke the wire protocol.");
        }
        wire::Reader reader(frame.body);
        if (frame.type == wire::backend::parameter_description) {
            for (auto count = reader.u16(); count > 0 && reader.ok(); --count) {
                types_.push_back(reader.u32());
            }
        } else if (frame.type == wire::backend::row_description) {
            for (auto count = reader.u16(); count > 0 && reader.ok(); --count) {
                Column column;
                column.description = reader.cstring();
                column.description += '\0';
                column.description += reader.bytes(6);
                const auto type = reader.bytes(4);
                wire::Reader oid(type);
                column.type = oid.u32();
                column.description += type;
                column.description += reader.bytes(6);
                std::ignore = reader.u16();
                columns_.push_back(std::move(column));
            }
        } else if (frame.type == wire::backend::error_response) {
            node_error_ = frame.body;
        }
        connection.in().consume(frame.bytes());
    }
    connection.stream().expires_never();
    if (!node_error_.empty()) {
        co_return base::fail(Code::internal, "A shard refused the statement.");
    }
    co_return base::Status{};
}

void GatherRun::append_description(const wire::Formats& formats) {
    const wire::MessageWriter message(out_, 'T');
    out_.append_u16(static_cast<std::uint16_t>(columns_.size()));
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        out_.append(columns_[i].description);
        const std::int16_t format = formats.empty() ? 0 : formats.size() == 1 ? formats[0] : formats[i];
        out_.append_u16(static_cast<std::uint16_t>(format));
    }
}

/// Whether the database's own collation sorts by bytes, and no column says otherwise.
Task<base::Status> GatherRun::c_collation() {
    pool::Connection& connection = *legs_.front().lease;
    add_execution(
        connection,
        "SELECT datlocprovider <> 'i' AND datcollate IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8') AND NOT "
        "EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = "
        "a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE a.attnum > 0 AND "
        "a.attcollation NOT IN (0, 100, 950, 951) AND c.relkind IN ('r', 'p') AND n.nspname NOT IN "
        "('pg_catalog', 'information_schema')) FROM pg_catalog.pg_database WHERE datname = "
        "pg_catalog.current_database()",
        u16(0), u16(0) + u16(0), u16(0));
    if (!send(connection)) {
        co_return std::unexpected(lost(connection));
    }
    Leg& leg = legs_.front();
    if (auto done = co_await next(leg); !done) {
        co_return done;
    }
    c_collation_ = leg.has_row && leg.fields.size() == 1 && leg.fields[0] == "t";
    while (leg.has_row) {
        if (auto done = co_await next(leg); !done) {
            co_return done;
        }
    }
    leg.ended = false;
    co_return base::Status{};
}

Task<base::Status> GatherRun::start(const sql::Gather& plan, const GatherRequest& request) {
    std::string types = u16(types_.size());
    for (const auto type : types_) {
        types += u32(type);
    }
    const std::string formats =
        plan.finished ? u16(0) : formats_for(request.result_formats, columns_.size(), plan.hidden);
    for (Leg& leg : legs_) {
        add_execution(*leg.lease, plan.shard_sql, types, request.formats_and_values, formats);
        if (!send(*leg.lease)) {
            co_return std::unexpected(lost(*leg.lease));
        }
    }
    co_return base::Status{};
}

Task<base::Status> GatherRun::run(const sql::Gather& plan, const GatherRequest& request) {
    if (auto described = co_await describe(request.text, request); !described) {
        co_return described;
    }
    if (request.result_formats.size() > 1 && request.result_formats.size() != columns_.size()) {
        co_return base::fail(Code::malformed_request, "bind message has a wrong number of result formats");
    }
    if (request.describe) {
        append_description(request.result_formats);
    }
    if (!request.rows) {
        co_return base::Status{};
    }
    if (!plan.finished && !plan.sort.empty()) {
        // Text sorts by bytes only where PostgreSQL does so, too.
        if (auto known = co_await c_collation(); !known) {
            co_return known;
        }
    }
    if (auto started = co_await start(plan, request); !started) {
        co_return started;
    }
    co_return plan.finished ? co_await finish(plan, request) : co_await stream(plan, request);
}

namespace {

/// The number behind LIMIT or OFFSET; nothing for NULL.
base::Result<std::optional<std::int64_t>> count_of(const std::optional<sql::RowCount>& count,
                                                   const GatherRequest& request) {
    if (!count) {
        return std::nullopt;
    }
    std::int64_t number = count->number;
    if (count->parameter != 0) {
        if (count->parameter > request.integers.size()) {
            return base::fail(Code::invalid_value, "LIMIT and OFFSET take a number.");
        }
        const auto& text = request.integers[count->parameter - 1U];
        if (!text) {
            return std::nullopt;
        }
        const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), number);
        if (failed != std::errc{} || end != text->data() + text->size()) {
            return base::fail(Code::invalid_value, "LIMIT and OFFSET take a number.");
        }
    }
    if (number < 0) {
        return base::fail(Code::invalid_value, "LIMIT and OFFSET must not be negative");
    }
    return number;
}

}  // namespace

Task<base::Status> GatherRun::stream(const sql::Gather& plan, const GatherRequest& request) {
    const auto limit = count_of(plan.limit, request);
    const auto offset = count_of(plan.offset, request);
    if (!limit || !offset) {
        co_return std::unexpected(!limit ? limit.error() : offset.error());
    }
    for (Leg& leg : legs_) {
        if (auto read = co_await next(leg); !read) {
            co_return read;
        }
    }
    const std::size_t visible = columns_.size();
    for (std::size_t i = 0; i < plan.sort.size(); ++i) {
        const std::uint32_t type = visible + i < partial_types_.size() ? partial_types_[visible + i] : 0;
        const std::string& collation = plan.sort[i].collation;
        const bool by_bytes = collation.empty()
                                  ? c_collation_
                                  : collation == "\"C\"" || collation == "\"POSIX\"" ||
                                        collation == "pg_catalog.\"C\"" || collation == "ucs_basic";
        if (!sortable(type, by_bytes)) {
            co_return refuse(
                collatable(type) ? "Sorting text over several shards needs a collation by bytes."
                                 : "Sorting by this type over several shards is not supported.",
                collatable(type) ? "Add COLLATE \"C\" to the sort key." : "Sort in the application.");
        }
    }
    const auto before = [&](const Leg& one, const Leg& other) {
        for (std::size_t i = 0; i < plan.sort.size(); ++i) {
            const auto& a = one.fields[visible + i];
            const auto& b = other.fields[visible + i];
            if (a.has_value() != b.has_value()) {
                return a.has_value() != plan.sort[i].nulls_first;
            }
            const int compared = a ? compare_keys(partial_types_[visible + i], *a, *b) : 0;
            if (compared != 0) {
                return plan.sort[i].descending ? compared > 0 : compared < 0;
            }
        }
        return false;
    };
    std::int64_t skip = offset->value_or(0);
    std::int64_t left = limit->value_or(-1);
    std::uint64_t sent = 0;
    for (;;) {
        Leg* first = nullptr;
        for (Leg& leg : legs_) {
            if (leg.has_row && leg.fields.size() != visible + plan.hidden) {
                co_return base::fail(Code::protocol_violation, "The shards answer with different columns.");
            }
            if (leg.has_row && (first == nullptr || before(leg, *first))) {
                first = &leg;
            }
        }
        if (first == nullptr) {
            break;
        }
        if (skip > 0) {
            --skip;
        } else if (left != 0) {
            left -= left > 0 ? 1 : 0;
            ++sent;
            const wire::MessageWriter message(out_, 'D');  // closed before anything is sent
            out_.append_u16(static_cast<std::uint16_t>(visible));
            for (std::size_t i = 0; i < visible; ++i) {
                const auto& field = first->fields[i];
                out_.append_u32(field ? static_cast<std::uint32_t>(field->size()) : 0xFFFFFFFFU);
                out_.append(field.value_or(std::string_view()));
            }
        }
        if (out_.size() >= out_bytes_max && !co_await flush_()) {
            co_return base::fail(Code::request_timeout, "The client is gone.");
        }
        if (auto read = co_await next(*first); !read) {
            co_return read;
        }
    }
    wire::append_command_complete(out_, "SELECT " + std::to_string(sent));
    co_return base::Status{};
}

Task<base::Status> GatherRun::finish(const sql::Gather& plan, const GatherRequest& request) {
    std::vector<std::string> arrays;
    std::size_t bytes = 0;
    for (Leg& leg : legs_) {
        for (;;) {
            if (auto read = co_await next(leg); !read) {
                co_return read;
            }
            if (!leg.has_row) {
                break;
            }
            arrays.resize(std::max(arrays.size(), leg.fields.size()), "{");
            for (std::size_t i = 0; i < leg.fields.size(); ++i) {
                append_element(arrays[i], leg.fields[i]);
            }
            bytes += leg.row_bytes;
            if (bytes > partial_bytes_max) {
                co_return refuse("The groups of the statement are too many to merge.",
                                 "Group by the user id, or ask for fewer rows.");
            }
        }
    }
    arrays.resize(partial_types_.size(), "{");
    // The finishing statement: the original's parameters, then one array for each partial column.
    std::string types = u16(types_.size() + arrays.size());
    for (const auto type : types_) {
        types += u32(type);
    }
    std::string rows = "unnest(";
    std::string names;
    for (std::size_t i = 0; i < arrays.size(); ++i) {
        const auto name = type_name(partial_types_[i]);
        if (name.empty()) {
            co_return refuse("Merging values of this type over several shards is not supported.",
                             "Cast it to text, or name one user.");
        }
        types += u32(25);
        rows += (i == 0 ? "$" : ", $") + std::to_string(types_.size() + i + 1) + "::pg_catalog." +
                std::string(name) + "[]";
        names += (i == 0 ? "_domicile_p" : ", _domicile_p") + std::to_string(i + 1);
        arrays[i] += '}';
    }
    rows += ") AS _domicile_partial(" + names + ")";
    const auto fill = [&](std::string text) -> std::optional<std::string> {
        for (auto at = text.find(sql::Gather::mark); at != std::string::npos;
             at = text.find(sql::Gather::mark, at)) {
            const auto end = text.find(sql::Gather::mark, at + 1);
            if (end == std::string::npos) {
                break;
            }
            std::string mark = text.substr(at + 1, end - at - 1);
            std::string with;
            if (mark.starts_with("avg ")) {
                const auto space = mark.find(' ', 4);
                const std::string sum = mark.substr(4, space - 4);
                const std::uint32_t type =
                    partial_types_.at(static_cast<std::size_t>(std::atoi(sum.c_str())) - 1);
                if (type != 20 && type != 1700 && type != 701) {
                    return std::nullopt;
                }
                with = "(pg_catalog.sum(_domicile_p" + sum + ")" + (type == 701 ? "" : "::numeric") +
                       " / nullif(pg_catalog.sum(_domicile_p" + mark.substr(space + 1) + "), 0)" +
                       (type == 701 ? "::float8" : "") + ")";
            } else if (!mark.empty() &&
                       std::ranges::all_of(mark, [](char c) { return c >= '0' && c <= '9'; })) {
                with = "pg_catalog." + std::string(type_name(partial_types_.at(
                                           static_cast<std::size_t>(std::atoi(mark.c_str())) - 1)));
            } else {
                at = end;
                continue;
            }
            text.replace(at, end - at + 1, with);
            at += with.size();
        }
        return text;
    };
    const auto head = fill(plan.final_head);
    const auto tail = fill(plan.final_tail);
    if (!head || !tail) {
        co_return refuse("avg of this type over several shards is not supported.",
                         "Cast it to numeric or double precision.");
    }
    std::string formats_and_values;
    {
        // Formats and values of the original, one format each, then the arrays as text.
        wire::Reader reader(request.formats_and_values);
        const auto count = reader.u16();
        std::string formats;
        for (std::uint16_t i = 0; i < count; ++i) {
            formats += reader.bytes(2);
        }
        formats_and_values = u16(request.parameters + arrays.size());
        for (std::uint16_t i = 0; i < request.parameters; ++i) {
            formats_and_values += count == 0 ? u16(0) : count == 1 ? formats : formats.substr(2U * i, 2);
        }
        for (std::size_t i = 0; i < arrays.size(); ++i) {
            formats_and_values += u16(0);
        }
        std::ignore = reader.u16();
        formats_and_values += u16(request.parameters + arrays.size());
        formats_and_values += reader.rest();
        for (const auto& array : arrays) {
            formats_and_values += u32(array.size());
            formats_and_values += array;
        }
    }
    Leg& leg = legs_.front();
    leg.ended = false;
    pool::Connection& connection = *leg.lease;
    add_execution(connection, *head + rows + *tail, types, formats_and_values,
                  formats_for(request.result_formats, columns_.size(), 0));
    if (co_await connection.stream().write(connection.out().view())) {
        co_return std::unexpected(lost(connection));
    }
    connection.out().clear();
    std::uint64_t sent = 0;
    for (;;) {
        auto read = co_await next(leg);
        if (!read) {
            wire::ServerError error;
            if (wire::decode(node_error_, error) &&
                (error.sqlstate == "42703" || error.sqlstate == "42P01")) {
                node_error_.clear();
                co_return refuse("A column of the statement is neither grouped nor in an aggregate.",
                                 "Repeat in GROUP BY, word for word, what stands beside aggregates.");
            }
            co_return read;
        }
        if (!leg.has_row) {
            break;
        }
        ++sent;
        {
            const wire::MessageWriter message(out_, 'D');
            out_.append(leg.row);
        }
        if (out_.size() >= out_bytes_max && !co_await flush_()) {
            co_return base::fail(Code::request_timeout, "The client is gone.");
        }
    }
    wire::append_command_complete(out_, "SELECT " + std::to_string(sent));
    co_return base::Status{};
}

}  // namespace domicile::session

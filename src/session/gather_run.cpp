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

constexpr std::size_t read_bytes = 64U << 10U;
constexpr std::size_t out_bytes_max = 64U << 10U;
constexpr auto timeout = base::limits::statement_timeout * 12;

std::unexpected<base::Error> refuse(std::string text, std::string hint) {
    return std::unexpected(
        base::Error{Code::cannot_route, std::move(text), std::move(hint), "routing/several-shards", {}});
}

/// Result formats for a Bind: the client's for the visible columns, then `hidden` binary ones.
std::string formats_for(const wire::Formats& wanted, std::size_t visible, std::size_t hidden) {
    if (hidden == 0) {
        std::string text = u16(wanted.size());
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            text += u16(static_cast<std::uint16_t>(wanted[i]));
        }
        return text;
    }
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

bool by_bytes_itself(std::string_view collation) {
    return collation == "\"C\"" || collation == "\"POSIX\"" || collation == "pg_catalog.\"C\"" ||
           collation == "ucs_basic";
}

/// Whether the database's own collation sorts by bytes, and no column says otherwise.
constexpr std::string_view order_question =
    "SELECT datlocprovider <> 'i' AND datcollate IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8') AND NOT EXISTS "
    "(SELECT "
    "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN "
    "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE a.attnum > 0 AND a.attcollation NOT IN (0, "
    "100, "
    "950, 951) AND c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')) FROM "
    "pg_catalog.pg_database WHERE datname = pg_catalog.current_database()";

}  // namespace

GatherRun::~GatherRun() {
    for (const Leg& leg : legs_) {
        if (leg.connection->relay().rounds() > 0 || !leg.connection->in().empty()) {
            leg.connection->close();
        }
    }
}

void GatherRun::add(pool::Pool::Lease lease) {
    leases_.push_back(std::move(lease));
    legs_.emplace_back(*leases_.back());
}

base::Error GatherRun::lost(pool::Connection& connection) {
    const bool timed_out = connection.stream().expired();
    connection.close();
    return {timed_out ? Code::node_timeout : Code::node_unavailable,
            timed_out ? "The database node did not answer in time."
                      : "The connection to a database node was lost.",
            "Try again.",
            {},
            {}};
}

Task<base::Status> GatherRun::send(Leg& leg) {
    pool::Connection& connection = *leg.connection;
    connection.stream().expires_after(timeout);
    const auto failed = co_await connection.stream().write(connection.out().view());
    connection.out().clear();
    if (failed) {
        co_return std::unexpected(lost(connection));
    }
    co_return base::Status{};
}

void GatherRun::read_description(std::string_view body, Phase phase) {
    if (phase == Phase::order || (phase == Phase::rows && !partial_types_.empty())) {
        return;
    }
    std::vector<Column> columns;
    wire::Reader reader(body);
    for (auto count = reader.u16(); count > 0 && reader.ok(); --count) {
        Column column;
        column.name = reader.cstring();
        column.rest = reader.bytes(6);
        const auto type = reader.bytes(4);
        wire::Reader oid(type);
        column.type = oid.u32();
        column.rest += type;
        column.rest += reader.bytes(6);
        std::ignore = reader.u16();
        columns.push_back(std::move(column));
    }
    if (phase == Phase::rows) {
        for (const Column& column : columns) {
            partial_types_.push_back(column.type);
        }
        if (described_ || plan_.finished) {
            return;
        }
        // The shard's own columns are the result's, but for the sort keys behind them.
        columns.resize(columns.size() - std::min<std::size_t>(columns.size(), plan_.hidden));
    }
    described_ = true;
    columns_ = std::move(columns);
}

/// Judges what has come from a leg, up to its next row or its end. Rows stay in the connection's buffer until
/// the next call.
GatherRun::Step GatherRun::step(Leg& leg) {
    pool::Connection& connection = *leg.connection;
    base::Buffer& in = connection.in();
    in.consume(leg.row_bytes);
    leg.row_bytes = 0;
    leg.has_row = false;
    const auto broken = [&] {
        connection.close();
        error_ = {Code::protocol_violation, "The node broke the wire protocol.", {}, {}, {}};
        return Step::failed;
    };
    while (connection.relay().rounds() > 0) {
        wire::Frame frame;
        const auto found = wire::scan(in.view(), frame);
        if (found == wire::Scan::more) {
            return Step::more;
        }
        if (found == wire::Scan::broken ||
            connection.relay().advance(frame.type, frame.body) == Relay::Event::broken ||
            leg.phase >= leg.phase_count) {
            if (found == wire::Scan::frame && frame.type == wire::backend::error_response) {
                error_ = lost(connection);  // the farewell of a node that shuts down, behind another error
                return Step::failed;
            }
            return broken();
        }
        const Phase phase = leg.phases[leg.phase];
        switch (frame.type) {
            case wire::backend::data_row: {
                leg.fields.clear();
                wire::RowReader reader(frame.body);
                for (std::uint16_t i = 0; i < reader.columns(); ++i) {
                    leg.fields.push_back(reader.next());
                }
                if (!reader.ok()) {
                    return broken();
                }
                if (phase == Phase::order) {
                    order_ = {leg.fields.size() == 1 && leg.fields[0] == "t", net::Clock::now()};
                    break;
                }
                leg.has_row = true;
                leg.row = frame.body;
                leg.row_bytes = frame.bytes();
                return Step::row;
            }
            case wire::backend::row_description: read_description(frame.body, phase); break;
            case wire::backend::parameter_description:
                if (phase == Phase::describe) {
                    types_.clear();
                    wire::Reader reader(frame.body);
                    for (auto count = reader.u16(); count > 0 && reader.ok(); --count) {
                        types_.push_back(reader.u32());
                    }
                }
                break;
            case wire::backend::error_response:
                if (node_error_.empty()) {
                    node_error_ = frame.body;
                }
                break;
            case wire::backend::ready_for_query: ++leg.phase; break;
            case 'N':
            case 'A':
            case 'S':
                leg.chatter_bytes += frame.bytes();
                if (leg.chatter_bytes > chatter_bytes_max) {
                    return broken();
                }
                break;
            default: break;
        }
        in.consume(frame.bytes());
    }
    leg.ended = true;
    if (!node_error_.empty()) {
        error_ = {Code::internal, "A shard refused the statement.", {}, {}, {}};
        return Step::failed;
    }
    return Step::ended;
}

Task<base::Status> GatherRun::next(Leg& leg) {
    pool::Connection& connection = *leg.connection;
    // One deadline for one row: a node that talks without end of other things must not hold us.
    connection.stream().expires_after(timeout);
    for (;;) {
        switch (step(leg)) {
            case Step::row:
            case Step::ended: connection.stream().expires_never(); co_return base::Status{};
            case Step::failed: co_return std::unexpected(error_);
            case Step::more: break;
        }
        co_await connection.stream().until_readable_or_hang_up(client_);
        if (client_.hung_up()) {
            connection.close();
            co_return base::fail(Code::request_timeout, "The client is gone.");
        }
        std::size_t count = 0;
        if (connection.stream().receive(connection.in(), read_bytes, count)) {
            co_return std::unexpected(lost(connection));
        }
    }
}

// ---- Questions before the rows ----

bool GatherRun::types_known() const {
    wire::Reader reader(request_.types);
    const auto count = reader.u16();
    if (count < request_.parameters) {
        return false;
    }
    for (std::uint16_t i = 0; i < count; ++i) {
        if (reader.u32() == 0) {
            return false;
        }
    }
    return true;
}

/// The original's parameter types and columns.
void GatherRun::add_describe(Leg& leg) {
    base::Buffer& out = leg.connection->out();
    {
        const wire::MessageWriter message(out, 'P');
        out.append_cstring("");
        out.append_cstring(request_.text);
        out.append(request_.types);
    }
    {
        const wire::MessageWriter message(out, 'D');
        out.append_u8('S');
        out.append_cstring("");
    }
    wire::append_sync(out);
    Relay& relay = leg.connection->relay();
    relay.sent(Relay::Sent::parse, true);
    relay.sent(Relay::Sent::describe_statement, true);
    relay.sent(Relay::Sent::sync, true);
    leg.expect(Phase::describe);
}

void GatherRun::add_order_question(Leg& leg) {
    add_execution(*leg.connection, order_question, u16(0), u16(0) + u16(0), u16(0));
    leg.expect(Phase::order);
}

/// What must be known before the shards can be asked, in one round trip to the first of them.
Task<base::Status> GatherRun::ask_first(bool order) {
    Leg& leg = legs_.front();
    if (order) {
        add_order_question(leg);
    }
    add_describe(leg);
    if (auto sent = co_await send(leg); !sent) {
        co_return sent;
    }
    if (auto read = co_await next(leg); !read) {
        co_return read;
    }
    leg.ended = false;
    leg.phase = leg.phase_count = 0;
    co_return base::Status{};
}

Task<base::Status> GatherRun::start() {
    if (started_) {
        co_return base::Status{};
    }
    started_ = true;
    bool order = !order_.fresh() && !plan_.finished &&
                 std::ranges::any_of(plan_.sort, [](const auto& key) { return key.collation.empty(); });
    const bool ask = (plan_.loses_parameters && request_.parameters > 0 && !types_known()) ||
                     (plan_.hidden > 0 && plan_.columns == 0);
    if (ask) {
        if (auto asked = co_await ask_first(order); !asked) {
            co_return asked;
        }
        order = false;
    }
    const std::size_t visible = described_ ? columns_.size() : plan_.columns;
    if (request_.result_formats.size() > 1 && visible != 0 && request_.result_formats.size() != visible) {
        co_return base::fail(Code::malformed_request, "bind message has a wrong number of result formats");
    }
    std::string types(request_.types);
    if (ask) {
        types = u16(types_.size());
        for (const auto type : types_) {
            types += u32(type);
        }
    }
    const std::string formats =
        plan_.finished ? u16(0) : formats_for(request_.result_formats, visible, plan_.hidden);
    for (Leg& leg : legs_) {
        if (&leg == &legs_.front() && order) {
            add_order_question(leg);
        }
        if (&leg == &legs_.front() && plan_.finished && !described_) {
            add_describe(leg);
        }
        add_execution(*leg.connection, plan_.shard_sql, types, request_.formats_and_values, formats);
        leg.expect(Phase::rows);
        if (auto sent = co_await send(leg); !sent) {
            co_return sent;
        }
    }
    // The columns come before the first row.
    for (Leg& leg : legs_) {
        if (auto read = co_await next(leg); !read) {
            co_return read;
        }
        if (plan_.finished) {
            break;
        }
    }
    if (auto counted = read_counts(); !counted) {
        co_return counted;
    }
    co_return plan_.finished ? base::Status{} : check_sort();
}

base::Status GatherRun::read_counts() {
    if (plan_.finished) {
        return {};
    }
    const auto limit = count_of(plan_.limit, request_);
    const auto offset = count_of(plan_.offset, request_);
    if (!limit || !offset) {
        return std::unexpected(!limit ? limit.error() : offset.error());
    }
    skip_ = offset->value_or(0);
    left_ = limit->value_or(-1);
    return {};
}

void GatherRun::append_description() {
    const wire::MessageWriter message(out_, 'T');
    out_.append_u16(static_cast<std::uint16_t>(columns_.size()));
    const wire::Formats& formats = request_.result_formats;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        out_.append_cstring(columns_[i].name);
        out_.append(columns_[i].rest);
        const std::int16_t format = formats.empty() ? 0 : formats.size() == 1 ? formats[0] : formats[i];
        out_.append_u16(static_cast<std::uint16_t>(format));
    }
}

// ---- Merging ----

base::Status GatherRun::check_sort() {
    const std::size_t visible = columns_.size();
    for (std::size_t i = 0; i < plan_.sort.size(); ++i) {
        const std::uint32_t type = visible + i < partial_types_.size() ? partial_types_[visible + i] : 0;
        const std::string& collation = plan_.sort[i].collation;
        const bool by_bytes = collation.empty() ? order_.by_bytes : by_bytes_itself(collation);
        if (!sortable(type, by_bytes)) {
            return refuse(
                collatable(type) ? "Sorting text over several shards needs a collation by bytes."
                                 : "Sorting by this type over several shards is not supported.",
                collatable(type) ? "Add COLLATE \"C\" to the sort key." : "Sort in the application.");
        }
        text_keys_ = text_keys_ || (collatable(type) && collation.empty());
    }
    return {};
}

bool GatherRun::before(const Leg& one, const Leg& other) const {
    const std::size_t visible = columns_.size();
    for (std::size_t i = 0; i < plan_.sort.size(); ++i) {
        const auto& a = one.fields[visible + i];
        const auto& b = other.fields[visible + i];
        if (a.has_value() != b.has_value()) {
            return a.has_value() != plan_.sort[i].nulls_first;
        }
        const int compared = a ? compare_keys(partial_types_[visible + i], *a, *b) : 0;
        if (compared != 0) {
            return plan_.sort[i].descending ? compared > 0 : compared < 0;
        }
    }
    return false;
}

/// Each shard's rows must come in the order we merge by: a column whose collation has changed since the
/// database was asked would show here.
base::Status GatherRun::check_order(Leg& leg) {
    const std::size_t visible = columns_.size();
    if (!leg.last_keys.empty()) {
        for (std::size_t i = 0; i < plan_.sort.size(); ++i) {
            const auto& a = leg.last_keys[i];
            const auto& b = leg.fields[visible + i];
            if (!a || !b) {
                if (a.has_value() != b.has_value()) {
                    break;
                }
                continue;
            }
            const int compared = compare_keys(partial_types_[visible + i], *a, *b);
            if (compared == 0) {
                continue;
            }
            if ((compared > 0) != plan_.sort[i].descending) {
                order_ = {};
                return refuse("A shard sorts text in another order than by bytes.",
                              "Add COLLATE \"C\" to the sort key.");
            }
            break;
        }
    }
    leg.last_bytes.clear();
    leg.last_keys.resize(plan_.sort.size());
    for (std::size_t i = 0; i < plan_.sort.size(); ++i) {
        leg.last_bytes += leg.fields[visible + i].value_or(std::string_view());
    }
    std::size_t at = 0;
    for (std::size_t i = 0; i < plan_.sort.size(); ++i) {
        const auto& key = leg.fields[visible + i];
        leg.last_keys[i].reset();
        if (key) {
            leg.last_keys[i] = std::string_view(leg.last_bytes).substr(at, key->size());
            at += key->size();
        }
    }
    return {};
}

/// The leg whose row comes next; null when all have ended.
GatherRun::Leg* GatherRun::first_leg() {
    Leg* first = nullptr;
    for (Leg& leg : legs_) {
        if (leg.has_row && (first == nullptr || before(leg, *first))) {
            first = &leg;
        }
    }
    return first;
}

void GatherRun::put(const Leg& leg) {
    ++fetched_;
    const std::size_t visible = columns_.size();
    if (sink) {
        sink(leg.fields, visible);
        return;
    }
    const wire::MessageWriter message(out_, 'D');
    if (leg.fields.size() == visible) {
        out_.append(leg.row);
        return;
    }
    out_.append_u16(static_cast<std::uint16_t>(visible));
    for (std::size_t i = 0; i < visible; ++i) {
        const auto& field = leg.fields[i];
        out_.append_u32(field ? static_cast<std::uint32_t>(field->size()) : 0xFFFFFFFFU);
        out_.append(field.value_or(std::string_view()));
    }
}

Task<base::Result<bool>> GatherRun::fetch(std::uint32_t rows_max) {
    fetched_ = 0;
    if (plan_.finished && !merging_) {
        if (auto collected = co_await collect(); !collected) {
            co_return std::unexpected(collected.error());
        }
    }
    merging_ = true;
    const std::size_t width = plan_.finished ? columns_.size() : columns_.size() + plan_.hidden;
    while (rows_max == 0 || fetched_ < rows_max) {
        Leg* first = plan_.finished ? (legs_.front().has_row ? &legs_.front() : nullptr) : first_leg();
        if (first == nullptr || left_ == 0) {
            break;
        }
        if (first->fields.size() != width) {
            co_return base::fail(Code::protocol_violation, "The shards answer with different columns.");
        }
        if (text_keys_) {
            if (auto good = check_order(*first); !good) {
                co_return std::unexpected(good.error());
            }
        }
        if (skip_ > 0) {
            --skip_;
        } else {
            left_ -= left_ > 0 ? 1 : 0;
            put(*first);
        }
        if (out_.size() >= out_bytes_max && !co_await flush_()) {
            co_return base::fail(Code::request_timeout, "The client is gone.");
        }
        const Step stepped = step(*first);
        if (stepped == Step::failed) {
            co_return std::unexpected(error_);
        }
        if (stepped == Step::more) {
            if (auto read = co_await next(*first); !read) {
                co_return std::unexpected(read.error());
            }
        }
    }
    const bool over = left_ == 0 || (plan_.finished ? !legs_.front().has_row : first_leg() == nullptr);
    if (rows_max != 0 && fetched_ == rows_max) {
        co_return false;  // as PostgreSQL: whether more are there is seen at the next call
    }
    if (over) {
        // With a limit the shards may have more than was needed.
        for (Leg& leg : legs_) {
            while (!leg.ended) {
                if (auto read = co_await next(leg); !read) {
                    co_return std::unexpected(read.error());
                }
            }
        }
    }
    co_return over;
}

}  // namespace domicile::session

// The bound node: routing, binding, and the relay of bytes between client and node.

#include "base/limits.hpp"
#include "base/log.hpp"
#include "session/session.hpp"
#include "wire/backend.hpp"
#include "wire/frontend.hpp"
#include "wire/server.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace domicile::session {
namespace {

using base::Code;
using wire::Relay;

constexpr std::size_t read_bytes = 32U << 10U;
constexpr std::size_t out_bytes_max = 64U << 10U;  // beyond it the client's socket decides the pace
constexpr std::size_t kept_bytes = 64U << 10U;
constexpr std::size_t row_bytes_max = 1U << 30U;      // PostgreSQL: MaxAllocSize
constexpr std::size_t partial_bytes_min = 8U << 10U;  // a row longer than this is passed in pieces

std::int64_t microseconds(net::Clock::time_point time) {
    return time.time_since_epoch() / std::chrono::microseconds{1};
}

}  // namespace

// ---- Routing ----

std::expected<routing::Route, routing::Refusal> Session::route(const sql::Facts& facts,
                                                               const routing::Constants& constants) {
    routing::Session session;
    session.user = session_user_;
    session.sticky = key_.process_id;
    session.only_writer =
        read_ == ReadMode::writer || (unbound_ == Unbound::open && !read_only_) || facts.pins != 0;
    const routing::Principal principal{door_.shared().own()};
    if (facts.kind == sql::Kind::execute) {
        if (const auto known = sql_prepared_.find(facts.object); known != sql_prepared_.end()) {
            // Its arguments say whose rows are meant, as the parameters of a Bind do.
            const ExecuteConstants arguments(known->second.text, known->second.literals, facts.arguments,
                                             constants);
            sql::Facts run = *known->second.facts;
            run.reader_may_serve = false;
            return route(run, arguments);
        }
    }
    if (facts.kind == sql::Kind::copy_file && !superuser_) {
        return std::unexpected(
            routing::Refusal{base::Error{Code::cannot_route,
                                         "COPY with a file or a program of the server is not allowed.",
                                         "Use COPY … FROM STDIN or TO STDOUT.",
                                         std::string(routing::rules::not_supported),
                                         {}},
                             std::nullopt});
    }
    const auto is_known = [this](const sql::TableUse& use) {
        return door_.shared().topology.table(use.name) != nullptr;
    };
    const auto is_temporary = [this](const sql::TableUse& use) {
        return use.schema == "pg_temp" || (use.schema.empty() && temporary_.contains(use.name));
    };
    if (std::ranges::any_of(facts.tables, [&](const sql::TableUse& use) {
            return use.schema == "pg_temp" && is_known(use);
        })) {
        // Which of the two a name means would hang on search_path, and on when the temporary one is dropped.
        return std::unexpected(
            routing::Refusal{base::Error{Code::cannot_route,
                                         "A temporary table cannot have the name of a table of the topology.",
                                         "Choose another name.",
                                         std::string(routing::rules::not_supported),
                                         {}},
                             std::nullopt});
    }
    if ((temporary_.empty() && facts.pins == 0) || std::ranges::none_of(facts.tables, is_temporary)) {
        return routing::admit(facts, constants, session, principal, place());
    }
    // A temporary table is the session's own: no shard's rows are meant.
    sql::Facts own = facts;
    for (std::size_t i = 0; i < own.tables.size(); ++i) {
        if (is_temporary(own.tables[i])) {
            own.tables[i].table = nullptr;
            own.tables[i].catalog = true;
            for (auto& group : own.groups) {
                std::erase(group.tables, i);
            }
        }
    }
    std::erase_if(own.groups, [](const sql::KeyGroup& group) { return group.tables.empty(); });
    if (own.groups.empty()) {
        own.insert_values = own.key_missing = own.updates_key = false;
    }
    return routing::admit(own, constants, session, principal, place());
}

base::Error Session::worded(const routing::Refusal& refusal) {
    base::Error error = refusal.error;
    if (!error.rule.empty()) {
        door_.shared().metrics.refused(error.rule).add();
    }
    if (refusal.home) {
        // Where to ask instead. From the id and the public range map alone: the same for people who exist and
        // people who do not.
        const auto& topology = door_.shared().topology;
        const auto& region = topology.at(topology.writer_region(*refusal.home));
        error.hint = "Ask the home gateway: " + region.name + " at " + region.sql.host + ":" +
                     std::to_string(region.sql.port) + ".";
    }
    return error;
}

std::optional<routing::Position> Session::required_position(const routing::Plan& plan) {
    if (plan.access() == routing::Access::writer || read_ == ReadMode::any) {
        return std::nullopt;
    }
    const auto found = written_.find(plan.shard().value);
    if (found == written_.end()) {
        return pool_->freshness(plan.shard(), 0);
    }
    Written& written = found->second;
    if (written.at_us != 0) {
        const auto seen = pool_->written_after(plan.shard(), written.at_us);
        if (!seen) {
            return pool_->freshness(plan.shard(), ~std::uint64_t{0});  // only the writer surely has it
        }
        written = {0, *seen};
    }
    return pool_->freshness(plan.shard(), written.position);
}

Task<base::Status> Session::bind_for(const sql::Facts& facts, const routing::Constants& constants) {
    if (lease_ && side_ && !batch_bound_ && !co_await settle()) {
        co_return base::fail(Code::node_unavailable, "The client is gone.");
    }
    auto routed = route(facts, constants);
    if (!routed) {
        co_return std::unexpected(worded(routed.error()));
    }
    if (facts.kind == sql::Kind::ddl && std::ranges::any_of(facts.tables, defines_sharded)) {
        routed->kind =
            routing::Route::Kind::several;  // even of one: the definition is looked at before COMMIT
    }
    if (lease_ && side_) {
        if (routed->kind == routing::Route::Kind::any && !portal_stays_) {
            co_return base::Status{};
        }
        // Only parsed and described so far: the statement is parsed anew on its shard.
        if (!batch_executed_ && !co_await leave_batch()) {
            co_return std::unexpected(base::Error{Code::transaction_failed, {}, {}, {}, {}});
        }
    }
    if (lease_ && side_) {
        co_return std::unexpected(base::Error{Code::cannot_route,
                                              "The batch has begun without a shard.",
                                              "Send a Sync before the statement that names a user.",
                                              std::string(routing::rules::several_shards),
                                              {}});
    }
    if (lease_ && !side_) {
        const auto fits = [&] {
            return routed->kind != routing::Route::Kind::several &&
                   (routed->kind == routing::Route::Kind::any || routed->plan.shard() == plan_->shard()) &&
                   (routed->plan.access() == routing::Access::reader || !lease_->from_reader() || read_only_);
        };
        if (fits()) {
            batch_bound_ = batch_open_;
            co_return base::Status{};
        }
        if (node().relay().status() == 'I' && pins_ == 0 && !batch_executed_ &&
            node().relay().rounds() == 0 && !node().relay().in_step()) {
            // Only parsed and described so far (a driver that asks for types first): leave it behind.
            if (!co_await drain_node()) {
                co_return base::fail(Code::node_unavailable, "The client is gone.");
            }
            if (lease_) {
                wire::append_sync(node().out());
                node().relay().sent(Relay::Sent::sync, true);
                batch_bound_ = false;
            }
        }
        if (lease_ && (node().relay().rounds() > 0 || !node().out().empty())) {
            if (!co_await settle()) {
                co_return base::fail(Code::node_unavailable, "The client is gone.");
            }
            if (lease_ && fits()) {
                batch_bound_ = batch_open_;
                co_return base::Status{};
            }
        }
        const bool batch = batch_open_ && (batch_executed_ || batch_spans_) && node().relay().status() != 'E';
        if (lease_ && pins_ == 0 && batch && !batch_spans_ && !wrote_ && node().relay().status() == 'I') {
            // A batch that has only read so far: what it has read stands, and it goes on elsewhere.
            if (!co_await leave_batch()) {
                co_return std::unexpected(base::Error{Code::transaction_failed, {}, {}, {}, {}});
            }
        }
        if (lease_ && pins_ == 0 && !node().relay().in_step() &&
            (node().relay().status() == 'I'
                 ? batch
                 : node().relay().status() == 'T' && (multi_shard_ || batch_spans_))) {
            if (!co_await step_out()) {
                co_return std::unexpected(base::Error{Code::transaction_failed, {}, {}, {}, {}});
            }
            if (fits()) {
                co_return base::Status{};
            }
        }
        if (lease_ && node().relay().status() == 'E') {
            co_return std::unexpected(
                base::Error{Code::transaction_failed,
                            "current transaction is aborted, commands ignored until end of transaction block",
                            {},
                            {},
                            {}});
        }
        if (lease_ && in_transaction() && node().relay().in_step() &&
            routed->kind == routing::Route::Kind::several && routed->more.empty() &&
            routed->plan.shard() == plan_->shard()) {
            several_ = std::move(*routed);
            co_return base::Status{};
        }
        if (lease_ && joins() && pins_ == 0 && node().relay().in_step()) {
            if (routed->kind == routing::Route::Kind::one) {
                co_return co_await move_to(routed->plan);
            }
            several_ = std::move(*routed);  // any other would have fitted
            co_return base::Status{};
        }
        if (lease_) {
            base::Error error{Code::cannot_route,
                              pins_ != 0 && status() == 'I' ? "The session is bound to another shard."
                                                            : "The transaction is bound to another shard.",
                              pins_ != 0 ? "SHOW domicile.session says what binds the session to its shard."
                                         : "End the transaction first, or SET domicile.multi_shard = on.",
                              std::string(routing::rules::several_shards),
                              {}};
            door_.shared().metrics.refused(error.rule).add();
            co_return std::unexpected(std::move(error));
        }
    }
    several_.reset();
    if (routed->kind == routing::Route::Kind::several) {
        several_ = std::move(*routed);
        co_return base::Status{};
    }
    const bool side = !portal_stays_ && unbound_ == Unbound::open &&
                      routed->kind == routing::Route::Kind::any && facts.pins == 0 &&
                      (facts.reader_may_serve || facts.kind == sql::Kind::show);
    co_return co_await bind_to(routed->plan, side);
}

Task<base::Status> Session::bind_to(const routing::Plan& plan, bool side) {
    const auto required = required_position(plan);
    if (auto ready = pool_->try_acquire(plan, required)) {
        lease_.emplace(std::move(*ready));
    } else {
        auto leased = co_await pool_->acquire(plan, required);
        if (!leased) {
            co_return std::unexpected(leased.error());
        }
        lease_.emplace(std::move(*leased));
    }
    plan_ = plan;
    side_ = side;
    passed_ = 0;
    batch_bound_ = batch_open_;
    errors_before_ = node().relay().errors();
    node().note_definitions(door_.shared().definitions.count());
    if (lease_->from_reader() && door_.shared().definitions.may_lag(base::limits::reader_lag_max)) {
        node().prepared().doubt_all();
    }
    discard_node_ = false;
    node_unnamed_ = nullptr;
    prelude();
    co_return base::Status{};
}

void Session::prelude() {
    pool::Connection& connection = node();
    const auto& wanted = settings_.outside();
    if (connection.settings() != wanted) {
        const std::string sql = difference(connection.settings(), wanted);
        if (!sql.empty()) {
            wire::append_query(connection.out(), sql);
            connection.relay().sent(Relay::Sent::query, true, true);
        }
        connection.note_settings(wanted);
    }
    if (!deferred_.empty()) {
        wire::append_query(connection.out(), deferred_);
        connection.relay().sent(Relay::Sent::query, true, true);
        if (!side_) {
            deferred_.clear();
            unbound_ = Unbound::idle;
        }
    }
}

// ---- Bytes ----

Task<bool> Session::send_to_node() {
    pool::Connection& connection = node();
    base::Buffer& out = connection.out();
    while (!out.empty()) {
        std::size_t count = 0;
        if (connection.stream().send(out.view(), count)) {
            co_return co_await node_lost("send");
        }
        out.consume(count);
        if (!out.empty()) {
            // The node may wait for us to take its answers before it takes more.
            co_await connection.stream().until_movable();
            if (connection.stream().readable() && !co_await pump(false)) {
                co_return false;
            }
            if (!lease_) {
                co_return true;  // lost and answered
            }
        }
    }
    out.shrink(kept_bytes);
    co_return true;
}

Task<bool> Session::pump(bool wait) {
    pool::Connection& connection = node();
    if (wait) {
        co_await connection.stream().until_readable_or_hang_up(client_);
        if (client_.hung_up() && !connection.stream().readable()) {
            // Nobody waits for the answer: let the node stop working on it.
            cancel();
            connection.close();
            co_return false;
        }
    }
    std::size_t count = 0;
    if (connection.stream().receive(connection.in(), read_bytes, count)) {
        co_return co_await node_lost("receive");
    }
    if (!relay_replies()) {
        base::log::error("sql.node_out_of_step", {{"node", door_.shared().topology.at(lease_->node()).name}});
        co_return co_await node_lost("out of step");
    }
    if (out_.size() >= out_bytes_max && !co_await flush_client()) {
        co_return false;
    }
    co_return true;
}

bool Session::relay_replies() {
    base::Buffer& in = node().in();
    Relay& relay = node().relay();
    const std::string_view bytes = in.view();
    std::size_t position = 0;
    std::size_t start = 0;  // of what is to be passed
    const auto pass_range = [&] {
        if (position > start) {
            out_.append(bytes.substr(start, position - start));
        }
        start = position;
    };
    if (passed_ != 0) {
        const std::size_t part = std::min(passed_, bytes.size());
        passed_ -= part;
        position = part;
        if (passing_hidden_) {
            start = position;
        }
    }
    bool good = true;
    while (passed_ == 0) {
        for (char own = relay.synthetic_due(); own != 0; own = relay.synthetic_due()) {
            pass_range();
            own == '1' ? wire::append_parse_complete(out_) : wire::append_close_complete(out_);
            if (own == '1') {
                parsing_.completed();
            }
        }
        if (bytes.size() - position < 5) {
            break;
        }
        const char type = bytes[position];
        wire::Reader head(bytes.substr(position + 1, 4));
        const std::size_t length = head.u32();
        const std::size_t whole = length + 1;
        if (length < 4 || length > row_bytes_max) {
            good = false;
            break;
        }
        if (bytes.size() - position < whole) {
            if ((type == 'D' || type == 'd') && bytes.size() - position >= partial_bytes_min) {
                const auto event = relay.advance(type, {});
                if (event == Relay::Event::broken) {
                    good = false;
                    break;
                }
                passing_hidden_ = event == Relay::Event::hide;
                if (passing_hidden_) {
                    pass_range();
                }
                passed_ = whole - (bytes.size() - position);
                position = bytes.size();
                if (passing_hidden_) {
                    start = position;
                }
            } else if (length > base::limits::wire_message_bytes_max && type != 'D' && type != 'd') {
                good = false;
            }
            break;
        }
        const std::string_view body = bytes.substr(position + 5, length - 4);
        if (replay_ && type == 'E' && position == start && refused_by_reader(body)) {
            replay_->due = true;
        } else if (replay_ && type != 'N' && type != 'S' && !replay_->due && !relay_is_quiet()) {
            replay_.reset();  // an answer has begun
        }
        if (type == 'E') {
            note_error(body);
        } else if (type == 'S') {
            note_parameter(body);
        }
        if (type == 'E' && relay.in_step()) {
            position += whole;  // the node ends the connection of its own accord, and says why
            good = false;
            break;
        }
        const auto event = relay.advance(type, body);
        if (event == Relay::Event::broken) {
            good = false;
            break;
        }
        if (event == Relay::Event::hide || (replay_ && replay_->due)) {
            pass_range();
            position += whole;
            start = position;
            continue;
        }
        if (type == '1') {
            parsing_.completed();
        } else if (type == 'Z') {
            round_told();
        }
        position += whole;
    }
    pass_range();
    in.consume(position);
    if (in.empty()) {
        in.shrink(kept_bytes);
    }
    return good;
}

bool Session::refused_by_reader(std::string_view body) const {
    wire::ServerError error;
    return wire::decode(body, error) && error.sqlstate == "25006";
}

void Session::note_error(std::string_view body) {
    wire::ServerError error;
    if (!wire::decode(body, error)) {
        return;
    }
    fatal_seen_ = error.severity == "FATAL" || error.severity == "PANIC";
    if (error.sqlstate == "0A000" || error.sqlstate == "26000") {
        // A statement planned before the schema changed must be prepared anew ("cached plan must not change
        // result type"), or the node has forgotten it.
        discard_node_ = true;
    }
}

void Session::note_parameter(std::string_view body) {
    wire::Reader reader(body);
    const auto name = reader.cstring();
    const auto value = reader.cstring();
    if (name == "standard_conforming_strings") {
        standard_strings_ = value == "on";
    }
}

Task<bool> Session::settle() {
    if (!co_await send_to_node()) {
        co_return false;
    }
    while (lease_ && node().relay().rounds() > 0) {
        if (node().relay().copying()) {
            if (!co_await copy_from_client()) {
                co_return false;
            }
            continue;
        }
        if (!co_await pump(true)) {
            co_return false;
        }
    }
    if (lease_ && replay_ && replay_->due) {
        // The reader would not: the same words to the writer.
        const Replay replay = std::move(*replay_);
        replay_.reset();
        effects_.clear();
        co_await release();
        sql::Facts facts = *replay.facts;
        facts.reader_may_serve = false;
        if (const auto bound = co_await bind_to(routing::for_writer(replay.plan), false); !bound) {
            wire::append_error(out_, bound.error());
            append_ready();
            co_return true;
        }
        wire::append_query(node().out(), replay.sql);
        node().relay().sent(Relay::Sent::query);
        note_sent(std::make_shared<const sql::Facts>(std::move(facts)));
        co_return co_await settle();
    }
    replay_.reset();
    co_return !lease_ || co_await after_round();
}

Task<bool> Session::drain_node() {
    if (!lease_ || (node().relay().settled() && node().out().empty())) {
        co_return true;
    }
    if (node().relay().rounds() > 0) {
        if (!co_await settle()) {
            co_return false;
        }
        if (!lease_ || node().relay().settled()) {
            co_return true;
        }
    }
    wire::append_flush(node().out());
    if (!co_await send_to_node()) {
        co_return false;
    }
    while (lease_ && !node().relay().settled() && !node().relay().failed()) {
        if (node().relay().copying()) {
            if (!co_await copy_from_client()) {
                co_return false;
            }
            continue;
        }
        if (!co_await pump(true)) {
            co_return false;
        }
    }
    co_return true;
}

Task<bool> Session::copy_from_client() {
    namespace type = wire::frontend;
    if (!bytes_handled_ && handling_ != 0) {
        // The message that is being handled came in front of the data.
        in_.consume(handling_);
        bytes_handled_ = true;
    }
    while (lease_ && node().relay().copying()) {
        if (!co_await flush_client()) {
            co_return false;
        }
        wire::Frame frame;
        const auto found = wire::scan_client(in_.view(), frame);
        if (found == wire::Scan::broken) {
            co_return co_await fatal("08P01", "invalid frontend message");
        }
        if (found == wire::Scan::more) {
            if (!co_await send_to_node()) {
                co_return false;
            }
            if (!lease_ || !node().relay().copying()) {
                break;
            }
            co_await client_.until_either(node().stream());
            if (node().stream().readable() && !co_await pump(false)) {
                co_return false;
            }
            std::size_t count = 0;
            if (client_.readable() && client_.receive(in_, read_bytes, count)) {
                node().close();
                co_return false;
            }
            continue;
        }
        base::Buffer& out = node().out();
        switch (frame.type) {
            case type::copy_data: out.append(in_.view().substr(0, frame.bytes())); break;
            case type::copy_done:
            case type::copy_fail:
                out.append(in_.view().substr(0, frame.bytes()));
                node().relay().copy_ended();
                break;
            case type::flush:
            case type::sync: break;  // PostgreSQL docs, "COPY Operations": ignored during COPY
            case type::terminate: node().close(); co_return false;
            default:
                wire::append_copy_fail(out, "unexpected message type during COPY from stdin");
                node().relay().copy_ended();
                in_.consume(frame.bytes());
                co_return co_await send_to_node();
        }
        in_.consume(frame.bytes());
        if (out.size() >= out_bytes_max && !co_await send_to_node()) {
            co_return false;
        }
    }
    co_return !lease_ || co_await send_to_node();
}

// ---- Ends ----

Task<bool> Session::node_lost(const char* what) {
    Relay& relay = node().relay();
    const std::size_t rounds = relay.rounds_passed();  // nobody waits for the answers to our own messages
    const bool in_transaction = relay.status() != 'I' || read_only_ || !effects_.empty();
    const bool told = fatal_seen_;
    fatal_seen_ = false;
    base::log::warn("sql.node_lost",
                    {{"node", door_.shared().topology.at(lease_->node()).name}, {"while", what}});
    if (passed_ != 0 || pins_ != 0) {
        // Half a row is with the client, or the session's own state is gone: no honest way on.
        node().close();
        lease_.reset();
        if (passed_ == 0 && !told) {
            co_return co_await fatal("08006", "The connection to the database node was lost.");
        }
        co_await flush_client();
        co_return false;
    }
    node().close();
    lease_.reset();
    plan_.reset();
    const bool doubt = wrote_;
    wrote_ = false;
    effects_.clear();
    settings_.rollback();
    const bool failed = in_transaction && relay_was_in_transaction_;
    unbound_ = failed ? Unbound::failed : side_ ? Unbound::failed : Unbound::idle;
    side_ = false;
    const base::Error error = doubt ? base::Error{Code::commit_in_doubt,
                                                  "The connection to the node was lost; whether the write "
                                                  "happened is unknown.",
                                                  "Look before you repeat it.",
                                                  {},
                                                  {}}
                                    : base::Error{Code::node_unavailable,
                                                  "The connection to the database node was lost.",
                                                  "Try again.",
                                                  {},
                                                  {}};
    for (std::size_t i = 0; i < rounds; ++i) {
        if (!told || i != 0) {
            wire::append_error(out_, error);
        }
        append_ready();
    }
    if (rounds == 0) {
        if (!told) {
            wire::append_error(out_, error);
        }
        skipping_ = true;
        if (!batch_open_) {
            // Idle inside a transaction: PostgreSQL would end the session, too.
            co_await flush_client();
            co_return false;
        }
    }
    co_return co_await flush_client();
}

Task<bool> Session::after_round() {
    Relay& relay = node().relay();
    if (!relay.in_step()) {
        co_return true;  // an unfinished batch is under way
    }
    if (side_) {
        const char seen = relay.status();
        if (seen != 'I') {
            wire::append_query(node().out(), "ROLLBACK");
            relay.sent(Relay::Sent::query, true);
            if (!co_await send_to_node()) {
                co_return false;
            }
            while (lease_ && node().relay().rounds() > 0) {
                if (!co_await pump(true)) {
                    co_return false;
                }
            }
            if (!lease_) {
                co_return true;
            }
        }
        unbound_ = seen == 'E' ? Unbound::failed : Unbound::open;
        if (relay.errors() != errors_before_) {
            for (const auto id : prepared_in_flight_) {
                node().prepared().doubt(id);
            }
        }
        prepared_in_flight_.clear();
        effects_.clear();
        side_ = false;
        co_await release();
        co_return true;
    }
    round_over();
    if (const std::string restore = std::exchange(restore_, {}); !restore.empty()) {
        // The client's start-up settings, which the node took back to its own defaults.
        wire::append_query(node().out(), restore);
        node().relay().sent(Relay::Sent::query, true);
        if (!co_await send_to_node()) {
            co_return false;
        }
        while (lease_ && node().relay().rounds() > 0) {
            if (!co_await pump(true)) {
                co_return false;
            }
        }
        if (!lease_) {
            co_return true;
        }
        errors_before_ = node().relay().errors();
    }
    if (node().relay().status() == 'I') {
        if (wrote_) {
            written_[plan_->shard().value] = {microseconds(net::Clock::now()), 0};
            wrote_ = false;
        }
        read_only_ = false;
        if (pins_ == 0) {
            node().note_settings(settings_.current());
            co_await release();
        }
    }
    co_return true;
}

Task<void> Session::release() {
    while (cancels_in_flight_ > 0) {
        net::Timer timer(door_.loop());
        cancel_waiter_ = &timer;
        co_await timer.wait(std::chrono::seconds{2});
        cancel_waiter_ = nullptr;
    }
    if (discard_node_) {
        node().close();
    }
    lease_.reset();
    plan_.reset();
    node_unnamed_ = nullptr;
}

void Session::note_sent(const std::shared_ptr<const sql::Facts>& facts) {
    using sql::Kind;
    door_.shared().metrics.statements.add();
    pins_ = static_cast<std::uint8_t>(pins_ | facts->pins);
    if ((facts->pins & static_cast<unsigned>(sql::Pin::temp_table)) != 0) {
        for (const auto& use : facts->tables) {
            if (use.verb == sql::Verb::define) {
                temporary_.insert(use.name);
            }
        }
    }
    if (!facts->sets.empty() || facts->unlocks_all) {
        effects_.push_back(facts);
    }
    switch (facts->kind) {
        case Kind::begin:
            read_only_ = facts->read_only;
            begin_ = "BEGIN;";
            break;
        case Kind::two_phase:
        case Kind::commit:
        case Kind::rollback:
        case Kind::savepoint:
        case Kind::release:
        case Kind::rollback_to:
        case Kind::set:
        case Kind::reset:
        case Kind::discard:
        case Kind::unlisten: break;
        case Kind::show:
        case Kind::empty:
        case Kind::fetch:
        case Kind::close:
        case Kind::explain: wrote_ = wrote_ || facts->writes; return;
        case Kind::ddl: defined_ = true; [[fallthrough]];
        default: wrote_ = wrote_ || !facts->reader_may_serve; return;
    }
    effects_.push_back(facts);
}

void Session::round_over() {
    using sql::Kind;
    Relay& relay = node().relay();
    const bool failed = relay.errors() != errors_before_;
    errors_before_ = relay.errors();
    for (const auto id : prepared_in_flight_) {
        if (failed) {
            node().prepared().doubt(id);
        }
    }
    prepared_in_flight_.clear();
    relay_was_in_transaction_ = relay.status() != 'I';
    const bool in_transaction = relay.status() == 'T';
    for (const auto& facts : effects_) {
        if (!failed) {
            for (const auto& setting : facts->sets) {
                settings_.set(setting, in_transaction);
            }
            if (facts->unlocks_all) {
                pins_ &= static_cast<std::uint8_t>(~static_cast<unsigned>(sql::Pin::advisory_lock));
            }
        }
        if (facts->kind == Kind::set && !facts->sets.empty()) {
            continue;
        }
        switch (facts->kind) {
            case Kind::begin: settings_.begin(); break;
            case Kind::commit:
                relay.status() == 'I' && !failed && !aborted_ ? settings_.commit() : settings_.rollback();
                break;
            case Kind::rollback: settings_.rollback(); break;
            case Kind::two_phase: failed ? settings_.rollback() : settings_.commit(); break;
            case Kind::savepoint:
                if (!failed) {
                    settings_.savepoint(facts->object);
                }
                break;
            case Kind::release:
                if (!failed) {
                    settings_.release(facts->object);
                }
                break;
            case Kind::rollback_to: settings_.rollback_to(facts->object); break;
            case Kind::set:
                if (!failed && !facts->setting.local && !facts->setting.transaction) {
                    settings_.set(facts->setting, in_transaction);
                    if (facts->setting.value.empty()) {
                        restore_ += settings_.after_reset(facts->setting.name);
                    }
                } else if (!failed && facts->setting.transaction && !in_transaction) {
                    pins_ |= static_cast<std::uint8_t>(sql::Pin::set_config);
                }
                break;
            case Kind::reset:
                if (!failed) {
                    settings_.reset(facts->setting, in_transaction);
                    restore_ += settings_.after_reset(facts->setting.name);
                }
                break;
            case Kind::discard:
                if (!failed && facts->object == "all") {
                    settings_.reset_all(false);
                    restore_ = settings_.after_reset("all");
                    statements_.clear();
                    node().prepared().clear();
                    temporary_.clear();
                    pins_ = 0;
                } else if (!failed && facts->object == "temp") {
                    pins_ &= static_cast<std::uint8_t>(~static_cast<unsigned>(sql::Pin::temp_table));
                }
                break;
            case Kind::unlisten:
                if (!failed && facts->object.empty()) {
                    pins_ &= static_cast<std::uint8_t>(~static_cast<unsigned>(sql::Pin::listen));
                }
                break;
            default: break;
        }
    }
    effects_.clear();
    if (relay.status() == 'I') {
        definitions_over();
        settings_.commit();  // whatever was open is over; a rollback has been taken back above
        aborted_ = false;
    } else {
        aborted_ = relay.status() == 'E';
    }
}

/// Counted at once, and again when the transaction ends: somebody may have prepared anew in between.
void Session::definitions_over() {
    if (std::exchange(defined_, false)) {
        door_.shared().definitions.add(net::Clock::now());
    }
}

void Session::node_down(topology::NodeIndex index) {
    if (lease_ && lease_->node() == index) {
        node().close();  // whoever waits for it is told now, not when the kernel gives up
    }
}

}  // namespace domicile::session

// The simple query protocol, and the statements that the gateway runs itself.

#include "base/limits.hpp"
#include "session/node_call.hpp"
#include "session/session.hpp"
#include "wire/frontend.hpp"
#include "wire/message.hpp"
#include "wire/server.hpp"

#include <algorithm>
#include <charconv>

namespace domicile::session {
namespace {

using base::Code;
using sql::Kind;
using wire::Relay;

void warn(base::Buffer& out, std::string_view sqlstate, std::string_view text) {
    wire::Report report;
    report.severity = wire::Severity::warning;
    report.sqlstate = sqlstate;
    report.message = text;
    wire::append_notice(out, report);
}

bool own_setting(const sql::Facts& facts) {
    return (facts.kind == Kind::set || facts.kind == Kind::reset || facts.kind == Kind::show) &&
           facts.setting.name.starts_with("domicile.");
}

/// The value of SET as a word: quotes off.
std::string word_of(std::string_view value) {
    while (!value.empty() && (value.back() == ' ' || value.back() == ';')) {
        value.remove_suffix(1);
    }
    if (value.size() >= 2 && (value.front() == '\'' || value.front() == '"') &&
        value.back() == value.front()) {
        value = value.substr(1, value.size() - 2);
    }
    std::string word(value);
    std::ranges::transform(word, word.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    return word;
}

}  // namespace

/// Answered by the gateway wherever it stands: no node knows of it.
bool Session::is_own(const sql::Facts& facts) const {
    return own_setting(facts) || facts.kind == Kind::route ||
           (facts.kind == Kind::deallocate && !facts.object.empty() && statements_.contains(facts.object));
}

bool Session::gives_rows(const sql::Facts& facts) const {
    return facts.kind == Kind::route || facts.kind == Kind::show;
}

/// What needs no shard while none is bound: the transaction is only noted, and said to the node that the
/// first routed statement finds.
bool Session::can_run_locally(const sql::Facts& facts) const {
    if (is_own(facts)) {
        return true;
    }
    switch (facts.kind) {
        case Kind::empty:
        case Kind::begin:
        case Kind::commit:
        case Kind::rollback:
        case Kind::savepoint:
        case Kind::release:
        case Kind::rollback_to: return true;
        case Kind::two_phase: return !superuser_;
        case Kind::set: return unbound_ == Unbound::open || facts.setting.transaction;
        case Kind::reset: return unbound_ == Unbound::open;
        case Kind::discard: return true;
        case Kind::deallocate: return (pins_ & static_cast<unsigned>(sql::Pin::prepare)) == 0;
        case Kind::unlisten: return true;
        default: return unbound_ == Unbound::failed;
    }
}

base::Status Session::set_own(const sql::Setting& setting) {
    const std::string word = word_of(setting.value);
    const bool by_default = setting.value.empty() || word == "default";
    if (setting.name == "domicile.user_id") {
        if (by_default) {
            session_user_.reset();
            return {};
        }
        const auto id = parse_integer(word);
        if (id.kind != routing::Constant::Kind::id) {
            return base::fail(Code::invalid_value, "domicile.user_id takes a user id.",
                              "SET domicile.user_id = 42, or RESET domicile.user_id.");
        }
        session_user_ = base::UserId{id.id};
        return {};
    }
    if (setting.name == "domicile.read") {
        if (by_default || word == "session") {
            read_ = ReadMode::session;
        } else if (word == "any") {
            read_ = ReadMode::any;
        } else if (word == "writer") {
            read_ = ReadMode::writer;
        } else {
            return base::fail(Code::invalid_value, "domicile.read takes 'session', 'any' or 'writer'.");
        }
        return {};
    }
    if (setting.name == "domicile.multi_shard") {
        const bool on = word == "on" || word == "true" || word == "yes" || word == "1";
        if (!on && !by_default && word != "off" && word != "false" && word != "no" && word != "0") {
            return base::fail(Code::invalid_value, "domicile.multi_shard takes on or off.");
        }
        multi_shard_ = on;
        return {};
    }
    return base::fail(Code::unknown_resource, "There is no setting " + setting.name + ".",
                      "domicile.user_id, domicile.read, domicile.multi_shard");
}

Session::Local Session::run_locally(const sql::Facts& facts, std::string_view text) {
    const bool open = unbound_ == Unbound::open;
    const bool failed = unbound_ == Unbound::failed;
    const auto needs_block = [](std::string_view what) {
        return Local{{},
                     base::Error{Code::no_transaction,
                                 std::string(what) + " can only be used in transaction blocks",
                                 {},
                                 {},
                                 {}}};
    };
    const auto defer = [&] { deferred_.append(text).append(";"); };
    if (failed && facts.kind != Kind::commit && facts.kind != Kind::rollback &&
        facts.kind != Kind::rollback_to && facts.kind != Kind::empty) {
        return {{}, transaction_failed()};
    }
    if (own_setting(facts) && facts.kind != Kind::show) {
        if (facts.setting.local) {
            return {{},
                    base::Error{Code::cannot_route,
                                "SET LOCAL " + facts.setting.name + " is not supported.",
                                "SET it for the session.",
                                std::string(routing::rules::not_supported),
                                {}}};
        }
        if (auto done = set_own(facts.setting); !done) {
            return {{}, done.error()};
        }
        return {facts.kind == Kind::set ? "SET" : "RESET", {}};
    }
    switch (facts.kind) {
        case Kind::begin:
            if (open) {
                warn(out_, "25001", "there is already a transaction in progress");
            } else {
                unbound_ = Unbound::open;
                read_only_ = facts.read_only;
                deferred_.clear();
                defer();
                begin_ = deferred_;
                settings_.begin();
            }
            return {text.starts_with('s') || text.starts_with('S') ? "START TRANSACTION" : "BEGIN", {}};
        case Kind::commit:
        case Kind::rollback: {
            if (!open && !failed) {
                warn(out_, "25P01", "there is no transaction in progress");
                return {facts.kind == Kind::commit ? "COMMIT" : "ROLLBACK", {}};
            }
            const bool commits = facts.kind == Kind::commit && open;
            commits ? settings_.commit() : settings_.rollback();
            if (facts.and_chain) {
                unbound_ = Unbound::open;
                deferred_.resize(deferred_.find(';') + 1);  // BEGIN, with its modes
                settings_.begin();
            } else {
                unbound_ = Unbound::idle;
                deferred_.clear();
                read_only_ = false;
            }
            return {commits ? "COMMIT" : "ROLLBACK", {}};
        }
        case Kind::savepoint:
            if (!open) {
                return needs_block("SAVEPOINT");
            }
            defer();
            settings_.savepoint(facts.object);
            return {"SAVEPOINT", {}};
        case Kind::release:
            if (!open) {
                return needs_block("RELEASE SAVEPOINT");
            }
            defer();
            settings_.release(facts.object);
            return {"RELEASE", {}};
        case Kind::rollback_to:
            if (!open && !failed) {
                return needs_block("ROLLBACK TO SAVEPOINT");
            }
            defer();
            unbound_ = Unbound::open;
            settings_.rollback_to(facts.object);
            return {"ROLLBACK", {}};
        case Kind::set:
        case Kind::reset:
            if (!open) {
                // SET TRANSACTION outside one: PostgreSQL warns and does nothing; session characteristics
                // need a node.
                warn(out_, "25P01", "SET TRANSACTION can only be used in transaction blocks");
                return {"SET", {}};
            }
            defer();
            if (facts.sets.empty() && (facts.kind == Kind::reset || facts.setting.value.empty())) {
                deferred_ += settings_.after_reset(facts.setting.name);
            }
            for (const auto& setting : facts.sets) {
                settings_.set(setting, true);
            }
            if (!facts.setting.local && !facts.setting.transaction && facts.sets.empty()) {
                facts.kind == Kind::set ? settings_.set(facts.setting, true)
                                        : settings_.reset(facts.setting, true);
            }
            return {facts.kind == Kind::set ? "SET" : "RESET", {}};
        case Kind::discard:
            if (open) {
                return {{},
                        base::Error{Code::active_transaction,
                                    "DISCARD ALL cannot run inside a transaction block",
                                    {},
                                    {},
                                    {}}};
            }
            if (facts.object == "all") {
                settings_.reset_all(false);
                statements_.clear();
                session_user_.reset();
                read_ = ReadMode::session;
                multi_shard_ = false;
            }
            {
                std::string tag = "DISCARD " + facts.object;
                std::ranges::transform(tag, tag.begin(),
                                       [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
                return {tag, {}};
            }
        case Kind::deallocate:
            if (facts.object.empty()) {
                statements_.clear();
                return {"DEALLOCATE ALL", {}};
            }
            if (statements_.erase(facts.object) == 0) {
                return {{},
                        base::Error{Code::unknown_statement,
                                    "prepared statement \"" + facts.object + "\" does not exist",
                                    {},
                                    {},
                                    {}}};
            }
            return {"DEALLOCATE", {}};
        case Kind::unlisten: return {"UNLISTEN", {}};
        case Kind::two_phase:
            return {{},
                    base::Error{Code::cannot_route,
                                "Two-phase commit is the gateway's own tool.",
                                "COMMIT: the gateway uses two phases where several shards were written.",
                                std::string(routing::rules::not_supported),
                                {}}};
        case Kind::empty: return {};
        default: return {{}, base::Error{Code::internal, "The statement has no place to run.", {}, {}, {}}};
    }
}

/// Our own words, or a node's as they came.
void Session::append_refusal(const base::Error& error) {
    if (node_error_.empty()) {
        wire::append_error(out_, error);
        return;
    }
    const wire::MessageWriter message(out_, 'E');
    out_.append(node_error_);
    node_error_.clear();
}

/// ReadyForQuery goes to the client: what was not prepared by now never was.
void Session::round_told() {
    parsing_.round_over(
        [this](const std::string& name) { name.empty() ? unnamed_.reset() : void(statements_.erase(name)); });
}

void Session::append_ready() {
    round_told();
    wire::append_ready_for_query(out_, status());
}

/// Text that our grammar refuses: PostgreSQL says why in its own words, with the place. It is only parsed
/// there, never run: a newer server may understand what we do not.
Task<void> Session::ask_for_words(std::string_view sql) {
    constexpr auto timeout = base::limits::statement_timeout;
    std::optional<pool::Pool::Lease> lease;
    const bool bound = lease_ && !side_;
    if (!bound) {
        const LiteralConstants none({}, {});
        const auto routed = route(sql::Facts{}, none);
        if (!routed) {
            co_return;
        }
        auto ready = co_await pool_->acquire(routed->plan);
        if (!ready) {
            co_return;  // our own words will do
        }
        lease.emplace(std::move(*ready));
    }
    pool::Connection& connection = bound ? node() : **lease;
    add_parse(connection, sql);
    if (!co_await send_calls(connection, timeout)) {
        co_return;
    }
    const auto result = co_await finish_calls(connection, timeout);
    if (result && !result->good()) {
        node_error_ = result->error;
    }
    if (bound) {
        errors_before_ = connection.relay().errors();
        aborted_ = aborted_ || connection.relay().status() == 'E';
        node_unnamed_ = nullptr;
    }
}

Task<bool> Session::simple_error(base::Error error) {
    if (!co_await drain_node()) {
        co_return false;
    }
    if (lease_ && !side_ && node().relay().status() == 'T') {
        // The node's transaction must fail, too: an Execute of a portal that cannot be (34000).
        wire::append_execute_portal(node().out(), "domicile: refused");
        node().relay().sent(Relay::Sent::execute, true);
        wire::append_sync(node().out());
        node().relay().sent(Relay::Sent::sync, true);
        if (!co_await settle()) {
            co_return false;
        }
    } else if (!lease_ && unbound_ == Unbound::open) {
        unbound_ = Unbound::failed;
    }
    append_refusal(error);
    append_ready();
    co_return true;
}

/// FunctionCall names a function by its number (PostgreSQL docs, "Function Call"; libpq's large objects use
/// it): like CALL, it may read anything, so the session must say on which shard.
Task<bool> Session::on_function_call(std::string_view body) {
    parsing_.round();
    if (!co_await drain_node()) {
        co_return false;
    }
    const auto facts = [] {
        auto made = std::make_shared<sql::Facts>();
        made->kind = Kind::procedure;
        made->writes = made->opaque = true;
        made->opaque_name = "call by number";
        return made;
    }();
    const LiteralConstants none({}, {});
    const bool bound_already = lease_ && !side_ && node().relay().status() == 'T';
    if (!bound_already) {
        if (const auto bound = co_await bind_for(*facts, none); !bound) {
            co_return co_await simple_error(bound.error());
        }
    }
    {
        const wire::MessageWriter message(node().out(), 'F');
        node().out().append(body);
    }
    node().relay().sent(Relay::Sent::function_call);
    note_sent(facts);
    co_return true;
}

Task<bool> Session::on_query(std::string_view sql) {
    if (skipping_) {
        co_return true;
    }
    parsing_.round();
    if (!pending_.empty() && !co_await on_flush()) {
        co_return false;
    }
    if (lease_ && (node().relay().rounds() > 0 || !node().out().empty()) && !co_await settle()) {
        co_return false;
    }
    unnamed_ = nullptr;  // a simple query destroys the unnamed statement
    const auto analysed = door_.analyser().analyse(sql, standard_strings_);
    if (!analysed) {
        if (analysed.error().code == Code::syntax_error) {
            co_await ask_for_words(sql);
        }
        co_return co_await simple_error(analysed.error());
    }
    if (analysed->size() > 1) {
        co_return co_await run_script(sql, *analysed);
    }
    const sql::Statement one = analysed->front();
    const std::shared_ptr<const sql::Facts> facts = one.facts;
    if (controls_joined(*facts)) {
        if (!co_await drain_node()) {
            co_return false;
        }
        const auto tag = co_await control_joined(*facts, one.text);
        if (!tag) {
            co_return co_await simple_error(tag.error());
        }
        wire::append_command_complete(out_, *tag);
        append_ready();
        co_return true;
    }
    if (is_own(*facts) || (!lease_ && can_run_locally(*facts))) {
        if (gives_rows(*facts)) {
            if (!co_await drain_node()) {
                co_return false;
            }
            const LiteralConstants constants(one.text, one.literals);
            if (auto shown = answer(*facts, constants, true, true); !shown) {
                co_return co_await simple_error(shown.error());
            }
            append_ready();
            co_return true;
        }
        const auto local = run_locally(*facts, one.text);
        if (local.error) {
            co_return co_await simple_error(*local.error);
        }
        facts->kind == Kind::empty ? wire::append_empty_query(out_)
                                   : wire::append_command_complete(out_, local.tag);
        append_ready();
        co_return true;
    }
    if (facts->kind == Kind::two_phase && !superuser_) {
        co_return co_await simple_error(*run_locally(*facts, one.text).error);
    }
    const LiteralConstants constants(one.text, one.literals);
    if (const auto bound = co_await bind_for(*facts, constants); !bound) {
        co_return co_await simple_error(bound.error());
    }
    if (several_) {
        const auto route = std::move(*several_);
        several_.reset();
        if (const auto done = co_await run_several(Said::of(one), route, true); !done) {
            if (client_.hung_up()) {
                co_return false;
            }
            co_return co_await simple_error(done.error());
        }
        append_ready();
        co_return true;
    }
    if (facts->kind == Kind::prepare) {
        // Should it fail, nothing of this name is there to be executed.
        sql_prepared_[facts->object] = {
            facts, std::string(one.text), {one.literals.begin(), one.literals.end()}};
    }
    wire::append_query(node().out(), sql);
    node().relay().sent(Relay::Sent::query);
    if (lease_->from_reader() && !read_only_ && !side_) {
        replay_ = Replay{std::string(sql), facts, *plan_};
    }
    note_sent(facts);
    co_return true;
}

}  // namespace domicile::session

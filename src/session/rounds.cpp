// When a round of messages is over: what it has changed in the session, whether the node connection goes
// back, and what is said when it is lost.

#include "base/log.hpp"
#include "session/session.hpp"
#include "wire/frontend.hpp"
#include "wire/server.hpp"

#include <chrono>
#include <utility>

namespace domicile::session {
namespace {

using base::Code;
using wire::Relay;

}  // namespace

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
        case Kind::ddl:
            defined_ = true;
            if (lease_) {
                node().prepared().grow_old();  // within this transaction, too
            }
            [[fallthrough]];
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

#pragma once
// What SET has changed in a session, as PostgreSQL keeps it: a rollback takes it back, RESET returns to what
// the client asked for at start-up. Pure: told what succeeded, says what a node connection must be given.

#include "pool/prepared_set.hpp"
#include "sql/facts.hpp"
#include "sql/quote.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::session {

class SettingsTracker {
  public:
    /// What the client asked for at start-up: RESET returns to it.
    void start_with(std::string_view name, std::string_view value);
    /// SET name TO value succeeded (not LOCAL). `in_transaction`: a rollback would take it back.
    void set(const sql::Setting& setting, bool in_transaction);
    void reset(const sql::Setting& setting, bool in_transaction);
    void reset_all(bool in_transaction);

    /// What a node must be told after it has run RESET name (or "all"), since its own defaults are not the
    /// client's; empty if they are.
    [[nodiscard]] std::string after_reset(std::string_view name) const;

    void begin();
    void commit();
    void rollback();
    void savepoint(std::string_view name);
    void release(std::string_view name);
    void rollback_to(std::string_view name);
    /// The open savepoints, outermost first.
    [[nodiscard]] const std::vector<std::pair<std::string, pool::SettingsPtr>>& savepoints() const noexcept {
        return savepoints_;
    }

    /// Null while nothing differs from a fresh node connection.
    [[nodiscard]] const pool::SettingsPtr& current() const noexcept { return current_; }

    /// Before the open transaction: what a node connection needs before BEGIN.
    [[nodiscard]] const pool::SettingsPtr& outside() const noexcept {
        return in_transaction_ ? before_ : current_;
    }

  private:
    void change(bool in_transaction, pool::Settings settings);
    pool::Settings start_;
    pool::SettingsPtr current_;
    pool::SettingsPtr before_;  // the transaction
    std::vector<std::pair<std::string, pool::SettingsPtr>> savepoints_;
    bool in_transaction_ = false;
};

/// The SQL that turns `from` into `to`; empty if nothing differs.
[[nodiscard]] std::string difference(const pool::SettingsPtr& from, const pool::SettingsPtr& to);

using sql::sql_identifier;
using sql::sql_literal;

}  // namespace domicile::session

#include "session/settings_tracker.hpp"

#include <algorithm>

namespace domicile::session {

void SettingsTracker::start_with(std::string_view name, std::string_view value) {
    // set_config() takes the text as a start-up packet does; SET would read it as SQL.
    start_[std::string(name)] =
        "SELECT pg_catalog.set_config(" + sql_literal(name) + ", " + sql_literal(value) + ", false)";
    current_ = std::make_shared<const pool::Settings>(start_);
}

void SettingsTracker::change(bool in_transaction, pool::Settings settings) {
    if (in_transaction && !in_transaction_) {
        begin();
    }
    current_ = settings.empty() ? nullptr : std::make_shared<const pool::Settings>(std::move(settings));
}

void SettingsTracker::set(const sql::Setting& setting, bool in_transaction) {
    if (setting.value.empty()) {
        reset(setting, in_transaction);
        return;
    }
    pool::Settings settings = current_ ? *current_ : pool::Settings{};
    settings[setting.name] = "SET " + setting.name + " TO " + setting.value;
    change(in_transaction, std::move(settings));
}

void SettingsTracker::reset(const sql::Setting& setting, bool in_transaction) {
    if (setting.name == "all") {
        reset_all(in_transaction);
        return;
    }
    pool::Settings settings = current_ ? *current_ : pool::Settings{};
    if (const auto at_start = start_.find(setting.name); at_start != start_.end()) {
        settings[setting.name] = at_start->second;
    } else {
        settings.erase(setting.name);
    }
    change(in_transaction, std::move(settings));
}

std::string SettingsTracker::after_reset(std::string_view name) const {
    std::string sql;
    for (const auto& [own, set] : start_) {
        if (name == "all" || name == own) {
            sql += set + ";";
        }
    }
    return sql;
}

void SettingsTracker::reset_all(bool in_transaction) {
    change(in_transaction, start_);
}

void SettingsTracker::begin() {
    if (!in_transaction_) {
        in_transaction_ = true;
        before_ = current_;
        savepoints_.clear();
    }
}

void SettingsTracker::commit() {
    in_transaction_ = false;
    before_ = nullptr;
    savepoints_.clear();
}

void SettingsTracker::rollback() {
    if (in_transaction_) {
        current_ = before_;
    }
    commit();
}

void SettingsTracker::savepoint(std::string_view name) {
    begin();
    savepoints_.emplace_back(name, current_);
}

void SettingsTracker::release(std::string_view name) {
    const auto found = std::find_if(savepoints_.rbegin(), savepoints_.rend(),
                                    [&](const auto& entry) { return entry.first == name; });
    if (found != savepoints_.rend()) {
        savepoints_.erase(std::prev(found.base()), savepoints_.end());  // it and those after it
    }
}

void SettingsTracker::rollback_to(std::string_view name) {
    const auto found = std::find_if(savepoints_.rbegin(), savepoints_.rend(),
                                    [&](const auto& entry) { return entry.first == name; });
    if (found != savepoints_.rend()) {
        current_ = found->second;
        savepoints_.erase(found.base(), savepoints_.end());  // the savepoint itself stays
    }
}

std::string difference(const pool::SettingsPtr& from, const pool::SettingsPtr& to) {
    std::string sql;
    if (from == to) {
        return sql;
    }
    if (from) {
        for (const auto& [name, set] : *from) {
            if (!to || !to->contains(name)) {
                sql += "RESET " + name + ";";
            }
        }
    }
    if (to) {
        for (const auto& [name, set] : *to) {
            const auto had = from ? from->find(name) : pool::Settings::const_iterator{};
            if (!from || had == from->end() || had->second != set) {
                sql += set + ";";
            }
        }
    }
    return sql;
}

}  // namespace domicile::session

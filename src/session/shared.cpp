#include "session/shared.hpp"

#include "crypto/random.hpp"
#include "session/session.hpp"

#include <cstring>

namespace domicile::session {

SqlMetrics::SqlMetrics(base::Metrics& metrics)
    : clients(metrics.gauge("domicile_sql_clients", "Clients connected to the SQL door")),
      logins(metrics.counter("domicile_sql_logins", "Clients that logged in")),
      login_failures(metrics.counter("domicile_sql_login_failures", "Logins refused")),
      statements(metrics.counter("domicile_sql_statements", "Statements sent to a shard")),
      gathered(metrics.counter("domicile_sql_gathered", "Reads gathered from several shards")),
      distributed(metrics.counter("domicile_sql_distributed", "Transactions committed in two phases")),
      cancels(metrics.counter("domicile_sql_cancels", "Cancel requests passed on to a node")),
      metrics_(metrics) {}

base::Counter& SqlMetrics::refused(std::string_view rule) {
    const std::scoped_lock lock(mutex_);
    auto found = by_rule_.find(rule);
    if (found == by_rule_.end()) {
        base::Counter& made = metrics_.counter("domicile_sql_refused", "Statements refused, by rule",
                                               {{"rule", std::string(rule)}});
        found = by_rule_.emplace(rule, &made).first;
    }
    return *found->second;
}

CancelKeys::Key CancelKeys::add(net::Loop& loop, Session& session) {
    std::array<unsigned char, 4> random{};
    crypto::random_bytes(random);
    Key key;
    std::memcpy(&key.secret, random.data(), random.size());
    const std::scoped_lock lock(mutex_);
    do {
        last_ = last_ % 0x7FFFFFFF + 1;  // a positive int32, like a process id
    } while (entries_.contains(last_));
    key.process_id = last_;
    entries_[last_] = Entry{key.secret, &loop, &session};
    return key;
}

void CancelKeys::remove(std::uint32_t process_id) {
    const std::scoped_lock lock(mutex_);
    entries_.erase(process_id);
}

Session* CancelKeys::find(std::uint32_t process_id, std::uint32_t secret) {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(process_id);
    return found != entries_.end() && found->second.secret == secret ? found->second.session : nullptr;
}

void CancelKeys::cancel(std::uint32_t process_id, std::uint32_t secret) {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(process_id);
    if (found == entries_.end() || found->second.secret != secret) {
        return;
    }
    found->second.loop->post([this, process_id, secret] {
        // Sessions are added and removed on this thread: what is found now lives until we return.
        if (Session* session = find(process_id, secret)) {
            session->cancel();
        }
    });
}

}  // namespace domicile::session

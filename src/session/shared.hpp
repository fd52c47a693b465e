#pragma once
// What the SQL doors of all threads of one gateway share: logins, cancel keys, counters.

#include "access/authenticator.hpp"
#include "access/judge.hpp"
#include "base/metrics.hpp"
#include "crypto/scram.hpp"
#include "net/loop.hpp"
#include "pool/pool.hpp"
#include "topology/range_map.hpp"
#include "topology/topology.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

struct ssl_ctx_st;

namespace domicile::session {

class Session;

/// Who may log in at the SQL door: a verifier, never a password, and the node role that serves it.
struct Login {
    crypto::ScramVerifier verifier;
    std::string role;
    bool takes_token =
        false;               ///< the password may be a token: it is asked for in clear, over TLS or loopback
    bool superuser = false;  ///< may use files of the server: [database] superuser_login, for test beds
};

struct SqlMetrics {
    explicit SqlMetrics(base::Metrics& metrics);
    base::Gauge& clients;
    base::Counter& logins;
    base::Counter& login_failures;
    base::Counter& statements;
    base::Counter& gathered;
    base::Counter& distributed;
    base::Counter& cancels;
    base::Counter& refused(std::string_view rule);

  private:
    base::Metrics& metrics_;
    std::mutex mutex_;
    std::map<std::string, base::Counter*, std::less<>> by_rule_;
};

/// Finds the session a CancelRequest means, on whichever thread it lives.
class CancelKeys {
  public:
    struct Key {
        std::uint32_t process_id = 0;
        std::uint32_t secret = 0;
    };
    Key add(net::Loop& loop, Session& session);
    void remove(std::uint32_t process_id);
    /// Posts the cancel to the session's thread; a wrong secret does nothing, as in PostgreSQL.
    void cancel(std::uint32_t process_id, std::uint32_t secret);
    /// On the session's own thread, from a posted cancel: the session if it still lives.
    [[nodiscard]] Session* find(std::uint32_t process_id, std::uint32_t secret);

  private:
    struct Entry {
        std::uint32_t secret = 0;
        net::Loop* loop = nullptr;
        Session* session = nullptr;
    };
    std::mutex mutex_;
    std::unordered_map<std::uint32_t, Entry> entries_;
    std::uint32_t last_ = 0;
};

/// As NodeState::asked_us counts.
[[nodiscard]] inline std::int64_t microseconds(net::Clock::time_point time) {
    return time.time_since_epoch() / std::chrono::microseconds{1};
}

/// Definitions that went through a door of this gateway: statements that node connections prepared before are
/// prepared anew, since what they return may have changed.
class Definitions {
  public:
    [[nodiscard]] std::uint32_t count() const noexcept { return count_.load(std::memory_order_relaxed); }
    void add(net::Clock::time_point now) noexcept {
        last_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
        count_.fetch_add(1, std::memory_order_relaxed);
    }
    /// When the last one was made, if a reader may not have replayed it yet.
    [[nodiscard]] std::optional<net::Clock::time_point> may_lag(std::chrono::milliseconds lag_max) const {
        const net::Clock::time_point last(net::Clock::duration(last_.load(std::memory_order_relaxed)));
        return last != net::Clock::time_point() && net::Clock::now() - last < lag_max ? std::optional(last)
                                                                                      : std::nullopt;
    }

  private:
    std::atomic<std::uint32_t> count_{0};
    std::atomic<std::int64_t> last_{0};
};

/// References outlive the doors.
struct Shared {
    const topology::Topology& topology;
    const topology::MapInForce& maps;
    topology::RegionIndex region;
    std::map<std::string, Login, std::less<>> logins;
    std::string mock_secret;    ///< of this process: makes the answer to unknown users look like any other
    ssl_ctx_st* tls = nullptr;  ///< null: SSLRequest is answered with N
    SqlMetrics& metrics;
    CancelKeys& cancels;
    Definitions& definitions;
    const access::Authenticator& authenticator;
    const access::Judge& judge;
    access::Slowdown& slowdown;
    std::string operator_role;  ///< the node role of principals with the role "operator" …
    std::string rows_role;      ///< … and of all others that come with a token

    [[nodiscard]] const topology::RangeMap& map() const noexcept { return maps.now(); }
    [[nodiscard]] base::JurisdictionIndex own() const { return topology.at(region).jurisdiction; }
};

}  // namespace domicile::session

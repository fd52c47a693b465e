#pragma once
// The SQL door on one thread: accepts clients and runs each as one coroutine. Owns what the thread's sessions
// share: pools by node role, the analyser, prepared statements, read buffers.

#include "net/gate.hpp"
#include "net/stream.hpp"
#include "pool/pool.hpp"
#include "session/gather_run.hpp"
#include "session/prepared.hpp"
#include "session/shared.hpp"
#include "sql/analyser.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace domicile::session {

using net::Task;

/// A kind of caller, and what was decided for it about each statement.
struct Profile {
    access::Caller caller;
    std::unordered_map<std::uint64_t, access::Permit> permits;  ///< by the id of the facts
};

class Door {
  public:
    /// Makes the pool of one node role: password and options are the caller's knowledge.
    using MakePool = std::function<std::unique_ptr<pool::Pool>(const std::string& role)>;
    Door(net::Loop& loop, const Shared& shared, MakePool make_pool);
    ~Door();
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;

    base::Status listen(const topology::Address& address, bool reuse_port);
    /// Accepts until stop().
    Task<void> run(net::Gate& gate);
    void stop();
    /// Ends sessions that stand idle between transactions, for an orderly end.
    void drain();
    /// Finishes transactions over several shards that another gateway left; on one thread of the gateway.
    void start_recovery(net::Gate& gate);
    void stop_pools();
    /// The login of a node role's connections from now on.
    void renew(const std::string& role, const std::string& user, const base::Secret<std::string>& password);
    void note_state(topology::NodeIndex node, const routing::NodeState& state);

    // ---- For the sessions of this thread ----
    [[nodiscard]] net::Loop& loop() noexcept { return loop_; }
    [[nodiscard]] const Shared& shared() const noexcept { return shared_; }
    [[nodiscard]] pool::Pool& pool(const std::string& role) { return *pools_.at(role); }
    [[nodiscard]] sql::Analyser& analyser() noexcept { return analyser_; }
    [[nodiscard]] access::TokenCache& tokens() noexcept { return tokens_; }
    /// Sessions of equal callers share one.
    [[nodiscard]] std::shared_ptr<Profile> profile(access::Caller caller);
    [[nodiscard]] PreparedStore& prepared() noexcept { return prepared_; }
    /// How the nodes sort text, for reads gathered from several.
    [[nodiscard]] ByteOrder& byte_order() noexcept { return byte_order_; }
    /// What nodes say of themselves at start-up: server_version and so on.
    [[nodiscard]] std::map<std::string, std::string, std::less<>>& greeting() noexcept { return greeting_; }
    [[nodiscard]] std::map<std::string, std::vector<std::pair<std::string, std::string>>>&
    greetings() noexcept {
        return greetings_;
    }
    /// A buffer to read into; give it back when it is empty. Idle clients hold none.
    [[nodiscard]] base::Buffer take_buffer();
    void give_buffer(base::Buffer buffer);
    [[nodiscard]] const std::vector<Session*>& sessions() const noexcept { return sessions_; }
    [[nodiscard]] bool draining() const noexcept { return draining_; }

  private:
    Task<void> serve(int socket, net::Gate::Pass pass);
    net::Loop& loop_;
    const Shared& shared_;
    MakePool make_pool_;
    net::Listener listener_;
    std::map<std::string, std::unique_ptr<pool::Pool>> pools_;
    sql::Analyser analyser_;
    access::TokenCache tokens_;
    std::unordered_map<std::string, std::weak_ptr<Profile>> profiles_;
    PreparedStore prepared_;
    ByteOrder byte_order_;
    std::map<std::string, std::string, std::less<>> greeting_;
    std::map<std::string, std::vector<std::pair<std::string, std::string>>> greetings_;
    std::vector<base::Buffer> buffers_;
    std::vector<Session*> sessions_;
    bool draining_ = false;
    bool stopped_ = false;
    std::vector<std::unique_ptr<net::Timer>> recoveries_;
    std::vector<std::pair<std::string, std::unique_ptr<pool::Pool>>> recovery_pools_;  ///< with their roles
    Task<void> recover(net::Timer& timer, pool::Pool& pool, net::Gate::Pass pass);
};

}  // namespace domicile::session

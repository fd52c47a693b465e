#include "session/door.hpp"

#include "base/limits.hpp"
#include "session/session.hpp"
#include "session/two_phase.hpp"

#include <algorithm>
#include <unistd.h>

namespace domicile::session {
namespace {
constexpr std::size_t buffers_kept_max = 64;
constexpr std::size_t buffer_bytes_kept = 64U << 10U;
}  // namespace

Door::Door(net::Loop& loop, const Shared& shared, MakePool make_pool)
    : loop_(loop),
      shared_(shared),
      make_pool_(std::move(make_pool)),
      listener_(loop),
      analyser_(shared.topology),
      tokens_(shared.authenticator) {
    for (const auto& [name, login] : shared.logins) {
        auto& made = pools_[login.role];
        if (!made) {
            made = make_pool_(login.role);
            made->on_parameter([this](std::string_view parameter, std::string_view value) {
                greeting_[std::string(parameter)] = value;
            });
        }
    }
}

Door::~Door() = default;

base::Status Door::listen(const topology::Address& address, bool reuse_port) {
    return listener_.listen(address.host, address.port, reuse_port);
}

Task<void> Door::run(net::Gate& gate) {
    co_await listener_.run([this, &gate](int socket) {
        if (gate.closed() || static_cast<std::size_t>(shared_.metrics.clients.value()) >=
                                 shared_.topology.limits.client_connections_max) {
            ::close(socket);
            return;
        }
        loop_.spawn(serve(socket, gate.enter()));
    });
}

Task<void> Door::serve(int socket, net::Gate::Pass /*pass*/) {
    Session session(*this, socket);
    sessions_.push_back(&session);
    shared_.metrics.clients.add(1);
    co_await session.run();
    shared_.metrics.clients.add(-1);
    std::erase(sessions_, &session);
}

void Door::stop() {
    listener_.close();
}

void Door::drain() {
    draining_ = true;
    for (Session* session : sessions_) {
        session->end_if_idle();
    }
}

void Door::start_recovery(net::Gate& gate) {
    for (const auto& [role, sessions] : pools_) {
        // Pools of its own: sessions may hold all connections of theirs, waiting for the locks of the very
        // transaction that is to be finished.
        recovery_pools_.emplace_back(role, make_pool_(role));
        recoveries_.push_back(std::make_unique<net::Timer>(loop_));
        loop_.spawn(recover(*recoveries_.back(), *recovery_pools_.back().second, gate.enter()));
    }
}

Task<void> Door::recover(net::Timer& timer, pool::Pool& pool, net::Gate::Pass /*pass*/) {
    co_await recover_prepared(timer, pool, shared_.topology, shared_.own(), stopped_);
}

void Door::renew(const std::string& role, const std::string& user,
                 const base::Secret<std::string>& password) {
    if (const auto found = pools_.find(role); found != pools_.end()) {
        found->second->renew(user, password);
    }
    for (auto& [of, pool] : recovery_pools_) {
        if (of == role) {
            pool->renew(user, password);
        }
    }
}

void Door::stop_pools() {
    stopped_ = true;
    for (auto& timer : recoveries_) {
        timer->cancel();
    }
    for (auto& [role, pool] : pools_) {
        pool->stop();
    }
    for (auto& [role, pool] : recovery_pools_) {
        pool->stop();
    }
}

void Door::note_state(topology::NodeIndex node, const routing::NodeState& state) {
    for (auto& [role, pool] : pools_) {
        pool->note_state(node, state);
    }
    for (auto& [role, pool] : recovery_pools_) {
        pool->note_state(node, state);
    }
    if (!state.up) {
        for (Session* session : sessions_) {
            session->node_down(node);
        }
    }
}

base::Buffer Door::take_buffer() {
    if (buffers_.empty()) {
        return {};
    }
    base::Buffer buffer = std::move(buffers_.back());
    buffers_.pop_back();
    return buffer;
}

void Door::give_buffer(base::Buffer buffer) {
    if (buffers_.size() < buffers_kept_max && buffer.capacity() <= buffer_bytes_kept) {
        buffer.clear();
        buffers_.push_back(std::move(buffer));
    }
}

std::shared_ptr<Profile> Door::profile(access::Caller caller) {
    constexpr std::size_t profiles_max = 16'384;
    std::string key = caller.profile();
    if (auto known = profiles_[key].lock()) {
        known->caller.principal.expires = std::max(known->caller.principal.expires, caller.principal.expires);
        return known;
    }
    if (profiles_.size() > profiles_max) {
        std::erase_if(profiles_, [](const auto& entry) { return entry.second.expired(); });
    }
    auto made = std::make_shared<Profile>(Profile{std::move(caller), {}});
    profiles_[std::move(key)] = made;
    return made;
}

}  // namespace domicile::session

#pragma once
// Accepts connections of the HTTP door and runs each as one coroutine.

#include "http/door.hpp"
#include "net/gate.hpp"
#include "net/stream.hpp"

#include <memory>
#include <string>

namespace domicile::http {

class Server {
  public:
    /// One per thread. `tls`: the door speaks nothing else; null: in clear. `edge`: what every response says.
    Server(net::Loop& loop, Door& door, DoorMetrics& metrics, const topology::Limits& limits,
           access::Slowdown& slowdown, ssl_ctx_st* tls, const topology::Edge& edge);

    /// configuration if the address is taken or cannot be bound. `reuse_port` when several threads accept on
    /// it.
    base::Status listen(const topology::Address& address, bool reuse_port);
    /// Accepts until stop().
    Task<void> run(net::Gate& gate);
    void stop();

  private:
    Task<void> send_chunks(net::Stream& stream, BodySource& source, net::Gate& gate);
    Task<void> session(int socket, net::Gate::Pass pass, net::Gate& gate);
    [[nodiscard]] std::string_view date();

    net::Loop& loop_;
    Door& door_;
    DoorMetrics& metrics_;
    topology::Limits limits_;
    access::Slowdown& slowdown_;
    ssl_ctx_st* tls_;
    EdgeHeaders edge_;
    net::Listener listener_;
    net::Clock::time_point date_at_;
    std::string date_;
};

}  // namespace domicile::http

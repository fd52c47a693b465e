#pragma once
// A man in the middle between a gateway and a real PostgreSQL node: honest until it is armed, then it
// replaces the node's replies to one batch. The topology gives its port as the node's.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace domicile::test_support {

/// One message of the protocol, type and length included.
[[nodiscard]] std::string message(char type, std::string_view body);

class HostileNode {
  public:
    /// What is said instead of a reply.
    struct Act {
        std::string bytes;
        std::string endless = {};  ///< then this, again and again, as fast as it is taken
        enum class Then : std::uint8_t {
            go_on,    ///< honest from here on
            hang_up,  ///< closes the connection
            silence,  ///< says nothing any more, and reads everything
        } then = Then::go_on;
    };
    /// Makes of the node's reply, message by message up to ReadyForQuery (or to CopyInResponse), what the
    /// gateway hears.
    using Misbehaviour = std::function<Act(const std::vector<std::string>& reply)>;

    /// Listens on a free port of 127.0.0.1 and speaks for the node at `node_port`. Throws if it cannot
    /// listen.
    explicit HostileNode(std::uint16_t node_port);
    HostileNode(const HostileNode&) = delete;
    HostileNode& operator=(const HostileNode&) = delete;
    ~HostileNode();

    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// The reply to the next batch that holds `marker` will be misbehaved. Forgets what the last one did.
    void arm(std::string marker, Misbehaviour misbehaviour);
    /// Nothing the node says comes through any more, on no connection; or it does again.
    void freeze(bool frozen) { frozen_ = frozen; }
    /// Says `bytes` on each connection that stands idle, unasked; on how many. Not to the prober,
    /// which would take the node for down.
    std::size_t say_unasked(std::string_view bytes);

    // Of the connection that misbehaved last:
    [[nodiscard]] bool misbehaved() const { return misbehaved_; }
    /// The gateway has closed it.
    [[nodiscard]] bool left() const { return left_; }
    /// The gateway takes no more of what is said endlessly.
    [[nodiscard]] bool blocked() const { return blocked_; }
    [[nodiscard]] std::uint64_t said_bytes() const { return said_bytes_; }

  private:
    struct Link;
    void accept_all();
    void serve(Link& link);
    bool from_gateway(Link& link);
    bool from_node(Link& link);
    bool act(Link& link);
    bool endless(Link& link);
    bool hear(Link& link);

    std::uint16_t node_port_;
    std::uint16_t port_ = 0;
    int listener_ = -1;
    std::atomic<bool> stop_{false};
    std::atomic<bool> frozen_{false};
    std::atomic<bool> misbehaved_{false};
    std::atomic<bool> left_{false};
    std::atomic<bool> blocked_{false};
    std::atomic<std::uint64_t> said_bytes_{0};
    std::mutex mutex_;
    std::string marker_;
    Misbehaviour misbehaviour_;
    std::vector<std::unique_ptr<Link>> links_;
    std::thread thread_;
};

}  // namespace domicile::test_support

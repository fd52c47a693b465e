#pragma once
// The server side of SCRAM-SHA-256 (RFC 5802, RFC 7677; PostgreSQL docs, "SASL Authentication") as a machine
// without I/O: feed it the client's frames, send what it appends. It follows auth-scram.c of PostgreSQL.
// Costs a few hash sums, never the key stretching. Not thread-safe.

#include "base/buffer.hpp"
#include "crypto/scram.hpp"
#include "wire/frame.hpp"
#include "wire/server.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace domicile::wire {

class ScramServer {
  public:
    enum class Step : std::uint8_t {
        more,     ///< an answer was appended: the next frame is the client's
        proven,   ///< AuthenticationSASLFinal was appended: AuthenticationOk may follow
        refused,  ///< nothing was appended: send refusal() and close
    };

    /// `verifier` is parse_scram_verifier() of a known user, or mock_scram_verifier(). `nonce` is fresh
    /// randomness for this connection: crypto::random_token(18), as long as PostgreSQL's. REQUIRES: the nonce
    /// is not empty, printable, without a comma.
    ScramServer(crypto::ScramVerifier verifier, std::string_view nonce);

    /// Appends AuthenticationSASL.
    void begin(base::Buffer& out);
    /// Takes the client's next frame, of scan_authentication(). REQUIRES: the last step, if any, was `more`.
    [[nodiscard]] Step advance(const Frame& frame, base::Buffer& out);
    /// What the client may know: 28P01 does not say whether the user or the proof was wrong. 08P01 for
    /// messages that are none. Valid for the life of the process.
    [[nodiscard]] const Report& refusal() const noexcept { return refusal_; }

  private:
    enum class State : std::uint8_t { offered, chosen, challenged, ended };

    [[nodiscard]] Step start(std::string_view body, base::Buffer& out);
    [[nodiscard]] Step client_first(std::string_view message, base::Buffer& out);
    [[nodiscard]] Step client_final(std::string_view message, base::Buffer& out);
    [[nodiscard]] Step refuse(std::string_view sqlstate, std::string_view message,
                              std::string_view detail = {}) noexcept;
    [[nodiscard]] Step malformed(std::string_view detail) noexcept;

    crypto::ScramVerifier verifier_;
    std::string nonce_;              // the server's, then the client's and the server's
    std::string client_first_bare_;  // for the AuthMessage
    std::string server_first_;       // for the AuthMessage
    std::string_view binding_;       // what the client must repeat of its gs2 header
    Report refusal_;
    State state_ = State::offered;
};

}  // namespace domicile::wire

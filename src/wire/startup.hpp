#pragma once
// The client side of a node's start-up: StartupMessage, SCRAM-SHA-256, parameters, until the first
// ReadyForQuery. A machine without I/O: feed it frames, send what it appends. Cleartext and MD5 are refused:
// a node that asks for them would learn the password.

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "crypto/hash.hpp"
#include "wire/frame.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace domicile::wire {

/// What start-up needs to know. Views outlive the machine.
struct StartupSettings {
    std::string_view user;
    std::string_view database;
    std::string_view application;
    std::string_view options;  ///< "-c name=value …", may be empty
    std::string_view nonce;    ///< fresh randomness, printable, without a comma
    /// Gives Hi(password, salt, iterations); the caller may cache it, since it costs milliseconds.
    std::function<crypto::Digest(std::string_view salt, int iterations)> salted_password;
    /// Told each ParameterStatus; may be empty.
    std::function<void(std::string_view name, std::string_view value)> on_parameter = {};
};

class Startup {
  public:
    explicit Startup(StartupSettings settings) : settings_(std::move(settings)) {}

    /// Appends the first message.
    void begin(base::Buffer& out);
    /// Takes the next frame and appends the answer, if one is due. An error ends the connection:
    /// node_unavailable with the node's SQLSTATE in `detail`, or protocol_violation.
    [[nodiscard]] base::Status advance(const Frame& frame, base::Buffer& out);
    [[nodiscard]] bool done() const noexcept { return state_ == State::ready; }
    /// For cancel requests; 0 until the node has told.
    [[nodiscard]] std::uint32_t process_id() const noexcept { return process_id_; }
    [[nodiscard]] std::uint32_t secret_key() const noexcept { return secret_key_; }

  private:
    enum class State : std::uint8_t { started, scram_first, scram_final, verified, authenticated, ready };

    base::Status authentication(std::string_view body, base::Buffer& out);
    base::Status scram_first(std::string_view server_first, base::Buffer& out);

    StartupSettings settings_;
    State state_ = State::started;
    std::string client_first_bare_;
    crypto::Digest server_signature_{};
    std::uint32_t process_id_ = 0;
    std::uint32_t secret_key_ = 0;
};

}  // namespace domicile::wire

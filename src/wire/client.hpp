#pragma once
// What a PostgreSQL client says: start-up packets and decoders of its messages (PostgreSQL docs, chapter
// "Frontend/Backend Protocol", section "Message Formats"). No I/O, no allocation. Views point into the
// caller's bytes and live as long as they do. A decoder is strict: it returns false unless every byte of the
// body is accounted for, and then its struct holds nothing of use.

#include "base/assert.hpp"
#include "wire/frame.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace domicile::wire {

/// Message types a client sends.
namespace frontend {
inline constexpr char bind = 'B';
inline constexpr char close = 'C';
inline constexpr char copy_data = 'd';
inline constexpr char copy_done = 'c';
inline constexpr char copy_fail = 'f';
inline constexpr char describe = 'D';
inline constexpr char execute = 'E';
inline constexpr char flush = 'H';
inline constexpr char function_call = 'F';
inline constexpr char parse = 'P';
inline constexpr char password = 'p';  ///< SASLInitialResponse, SASLResponse; only while it authenticates
inline constexpr char query = 'Q';
inline constexpr char sync = 'S';
inline constexpr char terminate = 'X';
}  // namespace frontend

/// The version we speak. Newer minor versions are answered with NegotiateProtocolVersion.
inline constexpr std::uint32_t protocol_version_3_0 = 3U << 16U;
/// A start-up packet with more settings than this is malformed: clients send about five.
inline constexpr std::size_t startup_settings_max = 64;
/// PostgreSQL: PG_MAX_SASL_MESSAGE_LENGTH. Nobody is known yet, so nobody may make us keep more.
inline constexpr std::size_t sasl_message_bytes_max = 1'024;
/// PostgreSQL: PQ_SMALL_MESSAGE_LIMIT, for messages that carry no more than a name.
inline constexpr std::size_t small_message_bytes_max = 10'000;

/// One parameter of a StartupMessage.
struct Setting {
    std::string_view name;
    std::string_view value;
};

/// A packet without a type byte: the first of a connection, or the first after SSLRequest was answered.
struct StartupPacket {
    enum class Kind : std::uint8_t {
        ssl_request,
        gssenc_request,
        cancel_request,       ///< process_id, secret_key are set
        startup,              ///< version 3.x; settings() are set
        unsupported_version,  ///< answer 0A000 and close
        malformed,            ///< framed, but not what its code says: answer 08P01 and close
    };
    Kind kind = Kind::malformed;
    /// Of the whole packet. After ssl_request nothing may lie behind it: bytes sent before the handshake
    /// would be taken for bytes from inside TLS (CVE-2021-23214).
    std::size_t bytes = 0;
    std::uint16_t major = 0;
    std::uint16_t minor = 0;
    std::uint32_t process_id = 0;
    std::uint32_t secret_key = 0;

    [[nodiscard]] std::span<const Setting> settings() const noexcept {
        return std::span(list).first(list_size);
    }
    /// The value of `name`. The last one wins, as in PostgreSQL.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
    /// Whether NegotiateProtocolVersion is due: a minor version or a protocol option we do not know.
    [[nodiscard]] bool needs_negotiation() const noexcept;

    std::array<Setting, startup_settings_max> list;
    std::size_t list_size = 0;
};

/// Whether a setting is an option of the protocol itself. We know none.
[[nodiscard]] inline bool is_protocol_option(std::string_view name) noexcept {
    return name.starts_with("_pq_.");
}

/// Looks for one whole start-up packet at the front of `bytes`. Broken means that its length cannot be (not
/// PostgreSQL, or TLS without a request): close without a word, as PostgreSQL does. `packet` is set with
/// `frame` only.
[[nodiscard]] Scan scan_startup(std::string_view bytes, StartupPacket& packet) noexcept;

/// As scan(), for a client that is not authenticated yet: at most sasl_message_bytes_max.
[[nodiscard]] inline Scan scan_authentication(std::string_view bytes, Frame& frame) noexcept {
    return scan(bytes, frame, sasl_message_bytes_max);
}
/// As scan(), for an authenticated client: a type that no client sends is broken at its first byte, and only
/// messages that carry SQL, parameters or rows may be long (PostgreSQL: SocketBackend in postgres.c).
[[nodiscard]] Scan scan_client(std::string_view bytes, Frame& frame) noexcept;

/// Integers as they stand in a message, read one by one.
template <class Integer>
class IntegerList {
  public:
    IntegerList() = default;
    /// REQUIRES: `bytes` is a whole number of integers.
    explicit IntegerList(std::string_view bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() / sizeof(Integer); }
    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
    /// REQUIRES: index < size().
    [[nodiscard]] Integer operator[](std::size_t index) const noexcept {
        DOMICILE_ASSERT(index < size());
        std::make_unsigned_t<Integer> value = 0;
        for (std::size_t i = 0; i < sizeof(Integer); ++i) {
            const auto byte = static_cast<unsigned char>(bytes_[index * sizeof(Integer) + i]);
            value = static_cast<std::make_unsigned_t<Integer>>(value << 8U | byte);
        }
        return static_cast<Integer>(value);
    }

  private:
    std::string_view bytes_;
};
using Oids = IntegerList<std::uint32_t>;
/// Format codes: 0 is text, 1 is binary. decode() lets no other value pass.
using Formats = IntegerList<std::int16_t>;

struct Query {
    std::string_view sql;
};
[[nodiscard]] bool decode(std::string_view body, Query& query) noexcept;

/// The name is at the front of the body.
struct Parse {
    std::string_view name;
    std::string_view sql;
    Oids types;                   ///< 0 leaves a type to the server
    std::size_t rest_offset = 0;  ///< in the body: what follows the name
};
[[nodiscard]] bool decode(std::string_view body, Parse& parse) noexcept;

/// The parameters of one Bind, read in order. Made by Bind only, from bytes that decode() has checked.
class ParameterReader {
  public:
    explicit ParameterReader(std::string_view bytes) noexcept : reader_(bytes) {}
    /// The next value in its own format: nothing for SQL NULL. REQUIRES: not done().
    [[nodiscard]] std::optional<std::string_view> next() noexcept;
    [[nodiscard]] bool done() const noexcept { return reader_.done(); }

  private:
    Reader reader_;
};

/// The portal's name is at the front of the body, the statement's at statement_offset, and what follows from
/// rest_offset on holds no name: a proxy writes its own names and copies the rest.
struct Bind {
    std::string_view portal;
    std::string_view statement;
    std::size_t statement_offset = 0;
    std::size_t rest_offset = 0;
    std::uint16_t parameter_count = 0;
    Formats formats;         ///< none: all text; one: for all; else one each
    std::string_view bytes;  ///< of all parameters, with their lengths
    Formats result_formats;  ///< none: all text; one: for all; else one for each column

    [[nodiscard]] ParameterReader parameters() const noexcept { return ParameterReader(bytes); }
    /// REQUIRES: index < parameter_count.
    [[nodiscard]] bool is_binary(std::size_t index) const noexcept;
};
[[nodiscard]] bool decode(std::string_view body, Bind& bind) noexcept;

/// Describe and Close: of a statement ('S') or a portal ('P'). The name is at offset 1.
struct Target {
    char kind = 0;
    std::string_view name;
};
[[nodiscard]] bool decode(std::string_view body, Target& target) noexcept;

/// The portal's name is at the front of the body.
struct Execute {
    std::string_view portal;
    std::uint32_t rows_max = 0;   ///< 0 is no bound; PostgreSQL takes a negative number for none as well
    std::size_t rest_offset = 0;  ///< in the body: what follows the name
};
[[nodiscard]] bool decode(std::string_view body, Execute& execute) noexcept;

struct CopyFail {
    std::string_view reason;
};
[[nodiscard]] bool decode(std::string_view body, CopyFail& fail) noexcept;

struct SaslInitialResponse {
    std::string_view mechanism;
    std::optional<std::string_view> data;  ///< nothing: the client waits for an empty challenge
};
[[nodiscard]] bool decode(std::string_view body, SaslInitialResponse& response) noexcept;

/// SASLResponse is its whole body.
struct SaslResponse {
    std::string_view data;
};
[[nodiscard]] bool decode(std::string_view body, SaslResponse& response) noexcept;

/// Sync, Flush, CopyDone and Terminate have no body.
[[nodiscard]] inline bool decode_empty(std::string_view body) noexcept {
    return body.empty();
}

}  // namespace domicile::wire

#include "wire/scram_server.hpp"

#include "base/assert.hpp"
#include "crypto/base64.hpp"
#include "wire/client.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace domicile::wire {
namespace {

/// RFC 5802 section 7: printable is %x21-2B / %x2D-7E.
bool is_nonce(std::string_view text) noexcept {
    return !text.empty() &&
           std::ranges::all_of(text, [](char c) { return c >= '\x21' && c <= '\x7E' && c != ','; });
}

bool is_letter(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// One "x=value" of a message (RFC 5802 section 5.1).
struct Attribute {
    char name = 0;
    std::string_view value;
};

/// The attribute at the front of `text`, which is cut off with its comma.
std::optional<Attribute> take(std::string_view& text) noexcept {
    if (text.size() < 2 || !is_letter(text[0]) || text[1] != '=') {
        return std::nullopt;
    }
    const auto comma = text.find(',');
    const Attribute found{text[0], text.substr(2, comma == std::string_view::npos ? comma : comma - 2)};
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    return found;
}

std::optional<std::string_view> take(std::string_view& text, char name) noexcept {
    const auto found = take(text);
    return found && found->name == name ? std::optional(found->value) : std::nullopt;
}

}  // namespace

ScramServer::ScramServer(crypto::ScramVerifier verifier, std::string_view nonce)
    : verifier_(std::move(verifier)), nonce_(nonce) {
    DOMICILE_ASSERT(is_nonce(nonce_));
}

void ScramServer::begin(base::Buffer& out) {
    // No -PLUS: channel binding needs the certificate of a TLS that may end before us.
    append_authentication_sasl(out, std::span(&scram_sha_256, 1));
}

ScramServer::Step ScramServer::advance(const Frame& frame, base::Buffer& out) {
    DOMICILE_ASSERT(state_ != State::ended);
    const State state = std::exchange(state_, State::ended);
    if (frame.type != frontend::password) {
        return refuse("08P01", "expected a SASL response");
    }
    if (state == State::offered) {
        return start(frame.body, out);
    }
    SaslResponse response;
    if (!decode(frame.body, response)) {
        return malformed("The message is not whole.");
    }
    return state == State::chosen ? client_first(response.data, out) : client_final(response.data, out);
}

ScramServer::Step ScramServer::start(std::string_view body, base::Buffer& out) {
    SaslInitialResponse response;
    if (!decode(body, response)) {
        return malformed("The message is not whole.");
    }
    if (response.mechanism != scram_sha_256) {
        return refuse("08P01", "client selected an invalid SASL authentication mechanism");
    }
    if (!response.data) {
        append_authentication_sasl_continue(out, {});
        state_ = State::chosen;
        return Step::more;
    }
    return client_first(*response.data, out);
}

ScramServer::Step ScramServer::client_first(std::string_view message, base::Buffer& out) {
    if (message.empty() || message.size() > sasl_message_bytes_max || message.contains('\0')) {
        return malformed("The message is empty, too long or holds a zero byte.");
    }
    if (message.starts_with("p=")) {
        return malformed("The client selected SCRAM-SHA-256 without channel binding, but sends some.");
    }
    // 'y' says that the client could bind and thinks that we cannot, which is true.
    if (!message.starts_with("n,") && !message.starts_with("y,")) {
        return malformed("The channel binding flag is wrong.");
    }
    binding_ = message[0] == 'n' ? "biws" : "eSws";  // base64 of "n,," and "y,,"
    message.remove_prefix(2);
    if (message.starts_with('a')) {
        return refuse("0A000", "client uses authorization identity, but it is not supported");
    }
    if (!message.starts_with(',')) {
        return malformed("The gs2 header is wrong.");
    }
    message.remove_prefix(1);
    const std::string_view bare = message;
    if (message.starts_with('m')) {
        return refuse("0A000", "client requires an unsupported SCRAM extension");
    }
    // The user is the one of the StartupMessage; this name is ignored, as PostgreSQL does.
    const auto user = take(message, 'n');
    const auto nonce = user ? take(message, 'r') : std::nullopt;
    if (!nonce || !is_nonce(*nonce)) {
        return malformed("The user name or the nonce is wrong.");
    }
    while (!message.empty()) {
        if (!take(message)) {
            return malformed("An extension is wrong.");
        }
    }
    client_first_bare_ = bare;
    nonce_.insert(0, *nonce);
    server_first_ =
        "r=" + nonce_ + ",s=" + crypto::base64(verifier_.salt) + ",i=" + std::to_string(verifier_.iterations);
    append_authentication_sasl_continue(out, server_first_);
    state_ = State::challenged;
    return Step::more;
}

ScramServer::Step ScramServer::client_final(std::string_view message, base::Buffer& out) {
    if (message.empty() || message.size() > sasl_message_bytes_max || message.contains('\0')) {
        return malformed("The message is empty, too long or holds a zero byte.");
    }
    std::string_view rest = message;
    const auto binding = take(rest, 'c');
    if (binding != binding_) {
        return refuse("08P01", "unexpected SCRAM channel-binding attribute in client-final-message");
    }
    const auto nonce = take(rest, 'r');
    if (!nonce) {
        return malformed("The nonce is missing.");
    }
    // Extensions may stand before the proof; they are ignored and yet part of what is signed.
    std::string_view without_proof;
    Attribute attribute;
    do {
        without_proof = message.substr(0, message.size() - rest.size() - 1);
        const auto taken = take(rest);
        if (!taken) {
            return malformed("The proof is missing.");
        }
        attribute = *taken;
    } while (attribute.name != 'p');
    const auto proof_bytes = crypto::base64_decode(attribute.value);
    crypto::Digest proof{};
    if (!proof_bytes || proof_bytes->size() != proof.size() || !rest.empty() || message.ends_with(',')) {
        return malformed("The proof is no hash sum, or something follows it.");
    }
    if (*nonce != nonce_) {
        return refuse("08P01", "invalid SCRAM response", "Nonce does not match.");
    }
    std::ranges::copy(*proof_bytes, proof.begin());
    std::string auth_message;
    auth_message.reserve(client_first_bare_.size() + server_first_.size() + without_proof.size() + 2);
    auth_message.append(client_first_bare_).append(",").append(server_first_).append(",");
    auth_message.append(without_proof);
    const auto signature = crypto::scram_verify(verifier_, auth_message, proof);
    if (!signature) {
        return refuse("28P01", "password authentication failed");
    }
    append_authentication_sasl_final(out, "v=" + crypto::base64(crypto::view(*signature)));
    return Step::proven;
}

ScramServer::Step ScramServer::refuse(std::string_view sqlstate, std::string_view message,
                                      std::string_view detail) noexcept {
    refusal_ = {Severity::fatal, sqlstate, message, detail, {}};
    return Step::refused;
}

ScramServer::Step ScramServer::malformed(std::string_view detail) noexcept {
    return refuse("08P01", "malformed SCRAM message", detail);
}

}  // namespace domicile::wire

#include "wire/startup.hpp"

#include "base/limits.hpp"
#include "crypto/base64.hpp"
#include "crypto/scram.hpp"
#include "wire/backend.hpp"
#include "wire/frontend.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace domicile::wire {
namespace {

using base::Code;

constexpr std::string_view mechanism = "SCRAM-SHA-256";

// AuthenticationXxx codes (PostgreSQL docs, "Message Formats").
constexpr std::uint32_t auth_ok = 0;
constexpr std::uint32_t auth_sasl = 10;
constexpr std::uint32_t auth_sasl_continue = 11;
constexpr std::uint32_t auth_sasl_final = 12;

std::unexpected<base::Error> violation(std::string detail) {
    return base::fail(Code::protocol_violation, "The node broke the wire protocol at start-up.", {},
                      std::move(detail));
}

/// The value of attribute `name` at the front of `text`, which is cut off with its comma (RFC 5802
/// section 5.1).
std::optional<std::string_view> attribute(std::string_view& text, char name) {
    if (text.size() < 2 || text[0] != name || text[1] != '=') {
        return std::nullopt;
    }
    const auto comma = text.find(',');
    const std::string_view value = text.substr(2, comma == std::string_view::npos ? comma : comma - 2);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    return value;
}

}  // namespace

void Startup::begin(base::Buffer& out) {
    std::vector<std::pair<std::string_view, std::string_view>> settings = {
        {"user", settings_.user},
        {"database", settings_.database},
        {"application_name", settings_.application},
        {"client_encoding", "UTF8"},
    };
    if (!settings_.options.empty()) {
        settings.emplace_back("options", settings_.options);
    }
    append_startup(out, settings);
}

base::Status Startup::advance(const Frame& frame, base::Buffer& out) {
    switch (frame.type) {
        case backend::error_response: {
            ServerError error;
            if (!decode(frame.body, error)) {
                return violation("malformed error response");
            }
            // Only the SQLSTATE: the message may name a user or a database.
            const bool full = error.sqlstate.starts_with("53");
            return base::fail(full ? Code::overloaded : Code::node_unavailable,
                              "The node refused the connection.", {},
                              "SQLSTATE " + std::string(error.sqlstate));
        }
        case backend::notice_response: return {};
        case backend::parameter_status: {
            Reader reader(frame.body);
            const auto name = reader.cstring();
            const auto value = reader.cstring();
            if (!reader.done()) {
                return violation("malformed parameter status");
            }
            if (settings_.on_parameter) {
                settings_.on_parameter(name, value);
            }
            return {};
        }
        case backend::authentication: return authentication(frame.body, out);
        case backend::backend_key_data: {
            Reader reader(frame.body);
            process_id_ = reader.u32();
            secret_key_ = reader.u32();
            if (!reader.done() || state_ != State::authenticated) {
                return violation("backend key out of turn");
            }
            return {};
        }
        case backend::ready_for_query: {
            char status = 0;
            if (state_ != State::authenticated || !decode_ready(frame.body, status) || status != 'I') {
                return violation("ready out of turn");
            }
            state_ = State::ready;
            return {};
        }
        default: return violation("unexpected message at start-up");
    }
}

base::Status Startup::authentication(std::string_view body, base::Buffer& out) {
    Reader reader(body);
    const std::uint32_t kind = reader.u32();
    if (!reader.ok()) {
        return violation("short authentication message");
    }
    if (kind == auth_sasl && state_ == State::started) {
        bool offered = false;
        for (;;) {
            const std::string_view name = reader.cstring();
            if (!reader.ok()) {
                return violation("malformed mechanism list");
            }
            if (name.empty()) {
                break;
            }
            offered = offered || name == mechanism;
        }
        if (!reader.done()) {
            return violation("malformed mechanism list");
        }
        if (!offered) {
            return base::fail(
                Code::configuration, "The node does not offer SCRAM-SHA-256.",
                "Set password_encryption = scram-sha-256 and a scram-sha-256 line in pg_hba.conf.");
        }
        // PostgreSQL takes the user from the StartupMessage and ignores the name here.
        client_first_bare_ = "n=,r=" + std::string(settings_.nonce);
        append_sasl_initial(out, mechanism, "n,," + client_first_bare_);
        state_ = State::scram_first;
        return {};
    }
    if (kind == auth_sasl_continue && state_ == State::scram_first) {
        return scram_first(reader.rest(), out);
    }
    if (kind == auth_sasl_final && state_ == State::scram_final) {
        std::string_view text = reader.rest();
        const auto verifier = attribute(text, 'v');
        const auto signature = verifier ? crypto::base64_decode(*verifier) : std::nullopt;
        if (!signature || !crypto::equal_constant_time(*signature, crypto::view(server_signature_))) {
            return violation("the node does not know the password");
        }
        state_ = State::verified;
        return {};
    }
    if (kind == auth_ok && state_ == State::verified && reader.done()) {
        state_ = State::authenticated;
        return {};
    }
    // Welcomed without a proof: an impostor, unless nothing was asked at all, which is `trust` in
    // pg_hba.conf.
    const bool known = kind == auth_ok || (kind >= auth_sasl && kind <= auth_sasl_final);
    if (known && (kind != auth_ok || state_ != State::started)) {
        return violation("authentication malformed or out of turn");
    }
    return base::fail(Code::configuration, "The node asks for an authentication other than SCRAM-SHA-256.",
                      "Use scram-sha-256 in the node's pg_hba.conf.");
}

base::Status Startup::scram_first(std::string_view server_first, base::Buffer& out) {
    std::string_view text = server_first;
    const auto nonce = attribute(text, 'r');
    const auto salt_text = attribute(text, 's');
    const auto count_text = attribute(text, 'i');
    const auto salt = salt_text ? crypto::base64_decode(*salt_text) : std::nullopt;
    int iterations = 0;
    if (count_text) {
        const char* last = count_text->data() + count_text->size();
        const auto parsed = std::from_chars(count_text->data(), last, iterations);
        if (parsed.ec != std::errc{} || parsed.ptr != last) {
            iterations = 0;
        }
    }
    // A node that dictates a huge count would make us burn our CPU; a nonce that does not extend ours is a
    // replay.
    if (!nonce || !nonce->starts_with(settings_.nonce) || nonce->size() == settings_.nonce.size() || !salt ||
        salt->empty() || iterations < 1 || iterations > base::limits::scram_iterations_max) {
        return violation("malformed SCRAM server-first message");
    }
    const std::string without_proof = "c=biws,r=" + std::string(*nonce);
    const std::string auth_message =
        client_first_bare_ + "," + std::string(server_first) + "," + without_proof;
    const auto proof = crypto::scram_proof(settings_.salted_password(*salt, iterations), auth_message);
    server_signature_ = proof.server_signature;
    append_sasl_response(out, without_proof + ",p=" + crypto::base64(crypto::view(proof.client_proof)));
    state_ = State::scram_final;
    return {};
}

}  // namespace domicile::wire

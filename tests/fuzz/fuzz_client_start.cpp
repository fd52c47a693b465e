// A client that nobody knows: start-up packets, then SCRAM. The first byte chooses what the harness helps
// with. Bit 0: the harness knows the password and puts a true proof into each client-final-message, so that
// the states behind it are reached. Bit 1: the user does not exist, and no proof may be taken.

#include "base/limits.hpp"
#include "crypto/base64.hpp"
#include "fuzz.hpp"
#include "wire/backend.hpp"
#include "wire/client.hpp"
#include "wire/scram_server.hpp"
#include "wire/server.hpp"

#include <string>

namespace {

using namespace domicile;
using wire::StartupPacket;
using Step = wire::ScramServer::Step;

constexpr std::string_view nonce = "fuzzfuzzfuzzfuzz";

/// Stands for Hi(), which is slow and not under test.
const crypto::Digest& salted() {
    static const crypto::Digest digest = crypto::sha256("known to the client only");
    return digest;
}

crypto::ScramVerifier verifier(bool exists) {
    if (!exists) {
        return crypto::mock_scram_verifier("secret", "nobody");
    }
    crypto::ScramVerifier made;
    made.salt = "saltsaltsaltsalt";
    made.stored_key = crypto::sha256(crypto::view(crypto::hmac_sha256(crypto::view(salted()), "Client Key")));
    made.server_key = crypto::hmac_sha256(crypto::view(salted()), "Server Key");
    return made;
}

void check_packet(const StartupPacket& packet, std::string_view bytes) {
    DOMICILE_ASSERT(packet.bytes >= 8 && packet.bytes <= bytes.size());
    DOMICILE_ASSERT(packet.bytes <= base::limits::wire_startup_bytes_max + 4);
    DOMICILE_ASSERT(packet.kind == StartupPacket::Kind::startup || packet.settings().empty());
    std::size_t used = 8;
    for (const wire::Setting& setting : packet.settings()) {
        DOMICILE_ASSERT(fuzz::within(setting.name, bytes) && fuzz::within(setting.value, bytes));
        DOMICILE_ASSERT(!setting.name.empty() && !setting.name.contains('\0') &&
                        !setting.value.contains('\0'));
        DOMICILE_ASSERT(packet.find(setting.name));
        used += setting.name.size() + setting.value.size() + 2;
    }
    // What is accepted accounts for every byte.
    DOMICILE_ASSERT(packet.kind != StartupPacket::Kind::startup || used + 1 == packet.bytes);
    StartupPacket shorter;
    DOMICILE_ASSERT(wire::scan_startup(bytes.substr(0, packet.bytes - 1), shorter) == wire::Scan::more);
    base::Buffer out;
    wire::append_negotiate_protocol_version(out, packet.settings());
    wire::Frame frame;
    DOMICILE_ASSERT(wire::scan(out.view(), frame) == wire::Scan::frame && frame.bytes() == out.size());
    DOMICILE_ASSERT(frame.body.size() == 8 || packet.needs_negotiation());
}

/// The one AuthenticationSASL message that `out` holds, without its kind.
std::string_view said(const base::Buffer& out, std::uint32_t kind) {
    wire::Frame frame;
    DOMICILE_ASSERT(wire::scan(out.view(), frame) == wire::Scan::frame && frame.bytes() == out.size());
    DOMICILE_ASSERT(frame.type == wire::backend::authentication);
    DOMICILE_ASSERT(frame.bytes() <= 2 * wire::sasl_message_bytes_max);
    wire::Reader reader(frame.body);
    DOMICILE_ASSERT(reader.u32() == kind);
    return reader.rest();
}

/// `text` with a true proof instead of its own.
std::string prove(std::string_view text, std::string_view client_first_bare, std::string_view server_first) {
    const auto without = text.substr(0, text.rfind(",p="));
    std::string auth_message(client_first_bare);
    auth_message.append(",").append(server_first).append(",").append(without);
    const auto proof = crypto::scram_proof(salted(), auth_message);
    return std::string(without) + ",p=" + crypto::base64(crypto::view(proof.client_proof));
}

void check_refusal(const wire::ScramServer& server, bool challenged) {
    const auto& refusal = server.refusal();
    DOMICILE_ASSERT(refusal.severity == wire::Severity::fatal && !refusal.message.empty());
    const bool wrong_proof = refusal.sqlstate == "28P01";
    DOMICILE_ASSERT(wrong_proof || refusal.sqlstate == "08P01" || refusal.sqlstate == "0A000");
    DOMICILE_ASSERT(!wrong_proof || (challenged && refusal.detail.empty()));
    base::Buffer out;
    wire::append_error(out, refusal);
    wire::ServerError error;
    wire::Frame frame;
    DOMICILE_ASSERT(wire::scan(out.view(), frame) == wire::Scan::frame && wire::decode(frame.body, error));
    DOMICILE_ASSERT(error.sqlstate == refusal.sqlstate);
}

/// What follows "n,," or "y,,"; empty if there is none.
std::string_view bare_of(std::string_view body, bool initial) {
    wire::SaslInitialResponse response;
    if (initial) {
        body = wire::decode(body, response) ? response.data.value_or(std::string_view{}) : std::string_view{};
    }
    return body.size() > 3 ? body.substr(3) : std::string_view{};
}

void authenticate(std::string_view rest, bool helped, bool exists) {
    wire::ScramServer server(verifier(exists), nonce);
    base::Buffer out;
    server.begin(out);
    DOMICILE_ASSERT(said(out, 10) == std::string_view("SCRAM-SHA-256\0\0", 15));
    std::string client_first_bare;
    std::string server_first;
    std::string proven_text;
    bool initial = true;
    wire::Frame frame;
    for (int steps = 0; wire::scan_authentication(rest, frame) == wire::Scan::frame; ++steps) {
        DOMICILE_ASSERT(steps < 3);  // the longest exchange: an empty response, first, final
        rest.remove_prefix(frame.bytes());
        const bool challenged = !server_first.empty();
        if (challenged && helped) {
            proven_text = prove(frame.body, client_first_bare, server_first);
            frame.body = proven_text;
        }
        out.clear();
        const Step step = server.advance(frame, out);
        if (step == Step::refused) {
            DOMICILE_ASSERT(out.empty());
            check_refusal(server, challenged);
            return;
        }
        if (step == Step::proven) {
            // Nobody guesses a proof, and nobody has one for a user who does not exist.
            DOMICILE_ASSERT(challenged && helped && exists);
            DOMICILE_ASSERT(said(out, 12).starts_with("v="));
            return;
        }
        const std::string_view answer = said(out, 11);
        if (!answer.empty()) {
            client_first_bare = bare_of(frame.body, initial);
            server_first = answer;
            DOMICILE_ASSERT(server_first.starts_with("r=") && server_first.contains(nonce));
        }
        initial = false;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const std::uint8_t choice = input.choice();
    std::string_view rest = input.rest();
    StartupPacket packet;
    // SSLRequest and GSSENCRequest are answered once each, then comes a start-up.
    for (int count = 0; count < 3; ++count) {
        if (wire::scan_startup(rest, packet) != wire::Scan::frame) {
            break;
        }
        check_packet(packet, rest);
        rest.remove_prefix(packet.bytes);
        if (packet.kind == StartupPacket::Kind::startup) {
            break;
        }
    }
    authenticate(rest, (choice & 1U) != 0, (choice & 2U) == 0);
    return 0;
}

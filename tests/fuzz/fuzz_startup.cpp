// Frames of a node into the start-up machine. With an odd first byte the node does not know the password and
// must never be accepted, whatever it says. With an even one the harness puts the right signature into each
// AuthenticationSASLFinal, so that the states behind it are reached.

#include "base/limits.hpp"
#include "crypto/base64.hpp"
#include "crypto/scram.hpp"
#include "fuzz.hpp"
#include "wire/backend.hpp"
#include "wire/startup.hpp"

#include <string>

namespace {

using namespace domicile;

constexpr std::string_view nonce = "fuzzfuzzfuzzfuzz";
constexpr std::uint32_t sasl_continue = 11;
constexpr std::uint32_t sasl_final = 12;

/// Stands for Hi(), which is slow and not under test.
crypto::Digest salted(std::string_view salt, int iterations) {
    DOMICILE_ASSERT(!salt.empty());
    DOMICILE_ASSERT(iterations >= 1 && iterations <= base::limits::scram_iterations_max);
    return crypto::sha256("known to the client only");
}

/// What the machine says is one whole 'p' message, no longer than what it was told and a constant.
std::string_view said(std::string_view out, std::size_t heard) {
    wire::Frame frame;
    DOMICILE_ASSERT(wire::scan(out, frame) == wire::Scan::frame);
    DOMICILE_ASSERT(frame.type == 'p' && frame.bytes() == out.size());
    DOMICILE_ASSERT(out.size() <= heard + 256);
    return frame.body;
}

std::uint32_t kind_of(const wire::Frame& frame) {
    wire::Reader reader(frame.body);
    const std::uint32_t kind = reader.u32();
    return frame.type == wire::backend::authentication && reader.ok() ? kind : ~0U;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const bool honest = input.choice() % 2 == 0;
    wire::StartupSettings settings;
    settings.user = "u";
    settings.database = "d";
    settings.application = "a";
    settings.nonce = nonce;
    std::size_t salted_count = 0;
    settings.salted_password = [&](std::string_view salt, int iterations) {
        ++salted_count;
        return salted(salt, iterations);
    };
    wire::Startup startup(std::move(settings));
    base::Buffer out;
    startup.begin(out);
    out.clear();

    std::string proof_of_server;  // "v=…", once the exchange is that far
    std::string final_body;
    bool proven = false;
    bool welcomed = false;
    std::string_view rest = input.rest();
    wire::Frame frame;
    while (!startup.done() && wire::scan(rest, frame) == wire::Scan::frame) {
        rest.remove_prefix(frame.bytes());
        const std::uint32_t kind = kind_of(frame);
        bool true_proof = false;
        if (kind == sasl_final && honest && !proof_of_server.empty()) {
            final_body.assign(frame.body.substr(0, 4));
            final_body += proof_of_server;
            frame.body = final_body;
            true_proof = true;
        }
        if (!startup.advance(frame, out)) {
            DOMICILE_ASSERT(!startup.done());
            return 0;
        }
        proven = proven || true_proof;
        welcomed = welcomed || (kind == 0 && proven);
        if (!out.empty()) {
            const std::string_view body = said(out.view(), frame.body.size());
            if (kind == sasl_continue) {
                const auto without_proof = body.substr(0, body.rfind(",p="));
                const std::string auth_message = "n=,r=" + std::string(nonce) + "," +
                                                 std::string(frame.body.substr(4)) + "," +
                                                 std::string(without_proof);
                const auto proof = crypto::scram_proof(salted("x", 1), auth_message);
                proof_of_server = "v=" + crypto::base64(crypto::view(proof.server_signature));
            }
            out.clear();
        }
    }
    DOMICILE_ASSERT(salted_count <= 1);
    DOMICILE_ASSERT(!startup.done() ||
                    (honest && proven && welcomed && frame.type == wire::backend::ready_for_query));
    return 0;
}

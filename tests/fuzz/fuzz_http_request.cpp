// HTTP/1.1 requests in pieces: the first byte chooses the pieces. The same bytes give the same request, or
// the same refusal, however they are cut; two readers who disagree on that are how requests are smuggled.

#include "base/limits.hpp"
#include "fuzz.hpp"
#include "http/request.hpp"
#include "http/target.hpp"

#include <string>

namespace {

using namespace domicile;

constexpr std::uint32_t body_bytes_max = 512;

struct Outcome {
    http::Request request;
    bool done = false;
    bool refused = false;
    std::size_t used = 0;
};

/// As the server does it: bytes not used wait for more.
Outcome parse(std::string_view text, std::uint8_t seed) {
    Outcome outcome;
    http::RequestParser parser(outcome.request, body_bytes_max);
    fuzz::Pieces pieces(seed);
    std::string pending;
    while (!text.empty() && !parser.done() && !outcome.refused) {
        pending += pieces.next(text);
        const auto used = parser.put(pending);
        if (!used) {
            outcome.refused = true;
            break;
        }
        DOMICILE_ASSERT(*used <= pending.size());
        pending.erase(0, *used);
        outcome.used += *used;
    }
    outcome.done = parser.done() && !outcome.refused;
    DOMICILE_ASSERT(!outcome.done || parser.header_done());
    DOMICILE_ASSERT(outcome.request.body.size() <= body_bytes_max);
    return outcome;
}

void check_target(std::string_view text) {
    const auto target = http::parse_target(text);
    if (!target) {
        DOMICILE_ASSERT(target.error().code == base::Code::unknown_resource ||
                        target.error().code == base::Code::malformed_request);
        return;
    }
    const bool of_a_table =
        target->endpoint == http::Endpoint::rows || target->endpoint == http::Endpoint::row;
    DOMICILE_ASSERT(of_a_table == !target->table.empty());
    DOMICILE_ASSERT((target->endpoint == http::Endpoint::row) == !target->key.empty());
    DOMICILE_ASSERT(target->table.find('\0') == std::string::npos);
    for (const auto& part : target->key) {
        DOMICILE_ASSERT(part.find('\0') == std::string::npos);
        DOMICILE_ASSERT(http::percent_decode(http::percent_encode(part), false) == part);
    }
    DOMICILE_ASSERT(target->query.size() <= base::limits::http_filters_max + 4);
    for (const auto& [name, value] : target->query) {
        DOMICILE_ASSERT(name.find('\0') == std::string::npos && value.find('\0') == std::string::npos);
        DOMICILE_ASSERT(http::percent_decode(http::percent_encode(value), true) == value);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const std::uint8_t seed = input.choice();
    const Outcome whole = parse(input.rest(), 0);
    const Outcome pieces = parse(input.rest(), seed);
    DOMICILE_ASSERT(whole.done == pieces.done);
    if (whole.done) {
        DOMICILE_ASSERT(whole.used == pieces.used);
        const http::Request& a = whole.request;
        const http::Request& b = pieces.request;
        DOMICILE_ASSERT(a.method == b.method && a.target == b.target && a.body == b.body);
        DOMICILE_ASSERT(a.content_type == b.content_type && a.idempotency_key == b.idempotency_key);
        DOMICILE_ASSERT(a.if_match == b.if_match && a.if_none_match == b.if_none_match &&
                        a.position == b.position);
        DOMICILE_ASSERT(a.keep_alive == b.keep_alive && a.expects_continue == b.expects_continue);
        DOMICILE_ASSERT(a.target.size() <= base::limits::http_target_bytes_max);
        DOMICILE_ASSERT(fuzz::target_bytes(a.target));
        check_target(a.target);
    }
    // Targets are reached more often without a request around them.
    if (const auto text = input.rest().substr(0, base::limits::http_target_bytes_max);
        fuzz::target_bytes(text)) {
        check_target(text);
    }
    return 0;
}

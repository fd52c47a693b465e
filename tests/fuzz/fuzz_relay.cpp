// What a hostile node may say to a relay, and what COPY bytes a client may send: the input begins with the
// number of messages sent and one byte for each; the rest is the node's stream, and once more a COPY stream.

#include "base/assert.hpp"
#include "fuzz.hpp"
#include "session/copy_split.hpp"
#include "wire/relay.hpp"

#include <algorithm>

namespace {

using namespace domicile;
using wire::Relay;

constexpr std::size_t sent_max = 32;

void relay(std::string_view input) {
    Relay machine;
    const std::size_t count =
        input.empty()
            ? 0
            : std::min<std::size_t>(static_cast<unsigned char>(input[0]) % sent_max, input.size() - 1);
    for (std::size_t i = 0; i < count; ++i) {
        const auto byte = static_cast<unsigned char>(input[1 + i]);
        machine.sent(static_cast<Relay::Sent>(byte % 10), (byte & 0x10U) != 0, (byte & 0x20U) != 0);
    }
    std::string_view bytes = input.substr(std::min(input.size(), 1 + count));
    bool broken = false;
    wire::Frame frame;
    while (wire::scan(bytes, frame) == wire::Scan::frame) {
        while (machine.synthetic_due() != 0) {
        }
        const auto event = machine.advance(frame.type, frame.body);
        DOMICILE_ASSERT(!broken || event == Relay::Event::broken);  // broken stays broken
        broken = event == Relay::Event::broken;
        DOMICILE_ASSERT(!broken || !machine.idle());
        DOMICILE_ASSERT(machine.rounds() <= count);
        DOMICILE_ASSERT(machine.status() == 'I' || machine.status() == 'T' || machine.status() == 'E');
        if (machine.copying()) {
            machine.copy_ended();
        }
        bytes.remove_prefix(frame.bytes());
    }
}

void copy(std::string_view input) {
    if (input.size() < 2) {
        return;
    }
    session::CopyFormat format;
    format.kind = static_cast<session::CopyFormat::Kind>(static_cast<unsigned char>(input[0]) % 3);
    format.delimiter = format.kind == session::CopyFormat::Kind::csv ? ',' : '\t';
    format.key_column = static_cast<unsigned char>(input[1]) % 3;
    const std::string_view stream = input.substr(2);
    std::size_t taken = 0;
    session::CopySplit split(format, [&](std::int64_t /*id*/, std::string_view row) {
        taken += row.size();
        return base::Status{};
    });
    base::Status done;
    for (std::size_t at = 0; at < stream.size() && done; at += 7) {
        done = split.put(stream.substr(at, 7));
    }
    if (done) {
        done = split.end();
    }
    DOMICILE_ASSERT(taken <= stream.size() + 1);  // a last line may have got its end
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    relay(input);
    copy(input);
    return 0;
}

// Each decoder with a message by the book, the same cut short at every byte, with a byte too many, and bent
// in the ways a hostile client bends it.

#include "wire/client.hpp"

#include "base/limits.hpp"
#include "wire/frontend.hpp"
#include "wire/test_messages.hpp"

#include <gtest/gtest.h>

namespace domicile::wire {
namespace {

using testing::Body;
using testing::bytes;
using testing::Exact;
using testing::message;
using Kind = StartupPacket::Kind;

constexpr std::uint32_t cancel_code = 80'877'102;
constexpr std::uint32_t ssl_code = 80'877'103;
constexpr std::uint32_t gssenc_code = 80'877'104;

/// A start-up packet: length, code, rest. `length` replaces the true one.
std::string packet(std::uint32_t code, std::string_view rest, std::optional<std::uint32_t> length = {}) {
    const auto true_length = static_cast<std::uint32_t>(rest.size() + 8);
    return Body().u32(length.value_or(true_length)).u32(code).raw(rest).str();
}
constexpr std::uint32_t version(std::uint32_t major, std::uint32_t minor) {
    return major << 16U | minor;
}
std::string many_settings(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        text += bytes("a\0b\0");
    }
    return text + '\0';
}

TEST(ClientStart, TellsTheKindsOfPackets) {
    struct Row {
        std::string_view name;
        std::string bytes;
        Kind kind;
    };
    const Row rows[] = {
        {"ssl", packet(ssl_code, ""), Kind::ssl_request},
        {"ssl with a tail", packet(ssl_code, "x"), Kind::malformed},
        {"gss", packet(gssenc_code, ""), Kind::gssenc_request},
        {"gss with a tail", packet(gssenc_code, bytes("\0")), Kind::malformed},
        {"cancel", packet(cancel_code, "abcdefgh"), Kind::cancel_request},
        {"cancel without a key", packet(cancel_code, "abcd"), Kind::malformed},
        {"cancel cut short", packet(cancel_code, "abcdefg"), Kind::malformed},
        {"cancel with a key of protocol 3.2", packet(cancel_code, "abcdefghi"), Kind::malformed},
        {"start-up", packet(version(3, 0), bytes("user\0anna\0\0")), Kind::startup},
        {"start-up without settings", packet(version(3, 0), bytes("\0")), Kind::startup},
        {"start-up with an empty value", packet(version(3, 0), bytes("options\0\0\0")), Kind::startup},
        {"as many settings as we take", packet(version(3, 0), many_settings(64)), Kind::startup},
        {"one setting more", packet(version(3, 0), many_settings(65)), Kind::malformed},
        {"a newer minor version", packet(version(3, 2), bytes("\0")), Kind::startup},
        {"the newest minor version", packet(version(3, 9999), bytes("\0")), Kind::startup},
        {"no settings at all", packet(version(3, 0), ""), Kind::malformed},
        {"no final zero", packet(version(3, 0), bytes("user\0anna\0")), Kind::malformed},
        {"a value without its zero", packet(version(3, 0), bytes("user\0anna")), Kind::malformed},
        {"a name without a value", packet(version(3, 0), bytes("user\0")), Kind::malformed},
        {"a name without its zero", packet(version(3, 0), "user"), Kind::malformed},
        {"bytes behind the end", packet(version(3, 0), bytes("user\0anna\0\0x")), Kind::malformed},
        {"zeros behind the end", packet(version(3, 0), bytes("user\0anna\0\0\0")), Kind::malformed},
        {"an empty name in between", packet(version(3, 0), bytes("\0user\0anna\0\0")), Kind::malformed},
        {"protocol 2", packet(version(2, 0), bytes("\0")), Kind::unsupported_version},
        {"protocol 4", packet(version(4, 0), bytes("user\0anna\0\0")), Kind::unsupported_version},
        {"protocol 0", packet(0, ""), Kind::unsupported_version},
        {"a request of the future", packet(gssenc_code + 1, ""), Kind::unsupported_version},
    };
    for (const Row& row : rows) {
        const Exact exact(row.bytes);
        StartupPacket found;
        ASSERT_EQ(scan_startup(exact.view(), found), Scan::frame) << row.name;
        EXPECT_EQ(found.kind, row.kind) << row.name;
        EXPECT_EQ(found.bytes, row.bytes.size()) << row.name;
        EXPECT_TRUE(found.kind == Kind::startup || found.settings().empty()) << row.name;
        // A part of it is not yet a packet, and what follows it is not a part of it.
        for (std::size_t kept = 0; kept < row.bytes.size(); ++kept) {
            const Exact part(exact.view().substr(0, kept));
            EXPECT_EQ(scan_startup(part.view(), found), Scan::more) << row.name << " cut to " << kept;
        }
        const Exact longer(row.bytes + "x");
        ASSERT_EQ(scan_startup(longer.view(), found), Scan::frame) << row.name;
        EXPECT_EQ(found.kind, row.kind) << row.name;
        EXPECT_EQ(found.bytes, row.bytes.size()) << row.name;
    }
}

TEST(ClientStart, RefusesImpossibleLengthsBeforeTheRestComes) {
    for (const std::uint32_t length : {0U, 3U, 4U, 7U, 10'005U, 0x7FFF'FFFFU, 0x8000'0000U, 0xFFFF'FFFFU}) {
        const Exact exact(Body().u32(length).str());
        StartupPacket found;
        EXPECT_EQ(scan_startup(exact.view(), found), Scan::broken) << length;
    }
    // TLS without a request, HTTP.
    for (const std::string_view other :
         {std::string_view("\x16\x03\x01\x02\x00", 5), std::string_view("GET /")}) {
        const Exact exact(other);
        StartupPacket found;
        EXPECT_EQ(scan_startup(exact.view(), found), Scan::broken);
    }
    // PostgreSQL: MAX_STARTUP_PACKET_LENGTH does not count the length word.
    const std::string value(base::limits::wire_startup_bytes_max - 4 - 4, 'v');
    const Exact longest(packet(version(3, 0), Body().cstring("a").cstring(value).u8(0).str()));
    StartupPacket found;
    ASSERT_EQ(scan_startup(longest.view(), found), Scan::frame);
    EXPECT_EQ(found.bytes, base::limits::wire_startup_bytes_max + 4);
    EXPECT_EQ(found.find("a"), value);
}

TEST(ClientStart, ReadsTheSettings) {
    base::Buffer out;
    const std::pair<std::string_view, std::string_view> sent[] = {
        {"user", "anna"}, {"database", "retail"}, {"search_path", "evil,public"}, {"user", "bert"}};
    append_startup(out, sent);
    const Exact exact(out.view());
    StartupPacket found;
    ASSERT_EQ(scan_startup(exact.view(), found), Scan::frame);
    ASSERT_EQ(found.kind, Kind::startup);
    EXPECT_EQ(found.major, 3);
    EXPECT_EQ(found.minor, 0);
    ASSERT_EQ(found.settings().size(), 4U);
    EXPECT_EQ(found.settings()[0].value, "anna");
    EXPECT_EQ(found.find("user"), "bert");  // the last one wins
    EXPECT_EQ(found.find("database"), "retail");
    // CVE-2025-12819 of PgBouncer: a search_path of the client was used for the pooler's own query. Here it
    // is a setting like any other, for the session to judge.
    EXPECT_EQ(found.find("search_path"), "evil,public");
    EXPECT_EQ(found.find("SEARCH_PATH"), std::nullopt);
    EXPECT_EQ(found.find(""), std::nullopt);
    EXPECT_FALSE(found.needs_negotiation());
    // The struct is used again: nothing of the last packet is left.
    const std::string cancel = packet(cancel_code, Body().u32(4711).u32(0xDEAD'BEEFU).str());
    ASSERT_EQ(scan_startup(cancel, found), Scan::frame);
    EXPECT_EQ(found.process_id, 4711U);
    EXPECT_EQ(found.secret_key, 0xDEAD'BEEFU);
    EXPECT_TRUE(found.settings().empty());
    const std::string ssl = packet(ssl_code, "");
    ASSERT_EQ(scan_startup(ssl, found), Scan::frame);
    EXPECT_EQ(found.process_id, 0U);
    EXPECT_EQ(found.secret_key, 0U);
}

TEST(ClientStart, KnowsWhenTheProtocolIsToBeNegotiated) {
    const std::tuple<std::uint32_t, std::string, bool> rows[] = {
        {version(3, 0), bytes("user\0u\0\0"), false},
        {version(3, 1), bytes("user\0u\0\0"), true},
        {version(3, 0), bytes("user\0u\0_pq_.command_tag\0on\0\0"), true},
        {version(3, 0), bytes("user\0_pq_.x\0pq.x\0y\0\0"), false},
    };
    for (const auto& [code, settings, needed] : rows) {
        const std::string text = packet(code, settings);
        StartupPacket found;
        ASSERT_EQ(scan_startup(text, found), Scan::frame);
        EXPECT_EQ(found.needs_negotiation(), needed) << ::testing::PrintToString(settings);
    }
}

TEST(ClientFrame, BoundsEachTypeByItself) {
    Frame frame;
    for (const char type : std::string_view("QPBFd")) {
        EXPECT_EQ(scan_client(message(type, "", 64U << 20U), frame), Scan::more) << type;
        EXPECT_EQ(scan_client(message(type, "", (64U << 20U) + 1), frame), Scan::broken) << type;
    }
    for (const char type : std::string_view("CcfDEHSX")) {
        EXPECT_EQ(scan_client(message(type, "", 10'000), frame), Scan::more) << type;
        EXPECT_EQ(scan_client(message(type, "", 10'001), frame), Scan::broken) << type;
        EXPECT_EQ(scan_client(message(type, "", 3), frame), Scan::broken) << type;
    }
    EXPECT_EQ(scan_client("", frame), Scan::more);
    // Types of nobody are known by their first byte; so is a password after the authentication.
    for (int byte = 0; byte < 256; ++byte) {
        const char type = static_cast<char>(byte);
        const bool known = std::string_view("QPBFdCcfDEHSX").contains(type);
        EXPECT_EQ(scan_client(std::string(1, type), frame), known ? Scan::more : Scan::broken) << byte;
    }
    const std::string query = message('Q', "x");
    EXPECT_EQ(scan_client(query, frame), Scan::frame);
    EXPECT_EQ(frame.body, "x");
    EXPECT_EQ(scan_authentication(message('p', "", 1'024), frame), Scan::more);
    EXPECT_EQ(scan_authentication(message('p', "", 1'025), frame), Scan::broken);
    EXPECT_EQ(scan_authentication(message('p', std::string(1'020, 'x')), frame), Scan::frame);
}

/// Whether `body` decodes, each time from a block of its own size.
template <class Message>
bool decodes(std::string_view body) {
    const Exact exact(body);
    Message decoded;
    return decode(exact.view(), decoded);
}

/// A body by the book: it decodes, but no part of it and nothing longer does.
template <class Message>
void expect_exact(std::string_view body) {
    EXPECT_TRUE(decodes<Message>(body)) << ::testing::PrintToString(std::string(body));
    for (std::size_t kept = 0; kept < body.size(); ++kept) {
        EXPECT_FALSE(decodes<Message>(body.substr(0, kept)))
            << ::testing::PrintToString(std::string(body)) << " cut to " << kept;
    }
    for (const char more : {'\0', '\x01', 'x', '\xFF'}) {
        EXPECT_FALSE(decodes<Message>(std::string(body) + more));
    }
}

template <class Message>
void expect_refused(std::initializer_list<std::pair<std::string_view, std::string>> rows) {
    for (const auto& [name, body] : rows) {
        EXPECT_FALSE(decodes<Message>(body)) << name;
    }
}

TEST(ClientDecoder, ReadsQuery) {
    const std::string body = bytes("SELECT 1\0");
    Query query;
    ASSERT_TRUE(decode(body, query));
    EXPECT_EQ(query.sql, "SELECT 1");
    expect_exact<Query>(body);
    expect_exact<Query>(bytes("\0"));
    expect_refused<Query>({{"two texts", bytes("SELECT 1\0SELECT 2\0")}});
}

TEST(ClientDecoder, ReadsParse) {
    const std::string body = Body().cstring("s1").cstring("SELECT $1").u16(2).u32(23).u32(0xFFFF'FFFFU).str();
    Parse parse;
    ASSERT_TRUE(decode(body, parse));
    EXPECT_EQ(parse.name, "s1");
    EXPECT_EQ(parse.sql, "SELECT $1");
    ASSERT_EQ(parse.types.size(), 2U);
    EXPECT_EQ(parse.types[0], 23U);
    EXPECT_EQ(parse.types[1], 0xFFFF'FFFFU);
    EXPECT_DEATH(static_cast<void>(parse.types[2]), "index");
    EXPECT_EQ(body.substr(parse.rest_offset, 9), "SELECT $1");
    expect_exact<Parse>(body);
    expect_exact<Parse>(Body().cstring("").cstring("").u16(0).str());
    expect_refused<Parse>({
        {"fewer types than counted", Body().cstring("").cstring("").u16(2).u32(23).str()},
        {"more types than counted", Body().cstring("").cstring("").u16(1).u32(23).u32(23).str()},
        {"a negative count", Body().cstring("").cstring("").u16(0xFFFF).u32(23).str()},
        {"one text only", Body().cstring("").u16(0).str()},
    });
}

TEST(ClientDecoder, ReadsBind) {
    const std::string body = Body()
                                 .cstring("portal")
                                 .cstring("s1")
                                 .u16(3)
                                 .u16(0)
                                 .u16(1)
                                 .u16(0)
                                 .u16(3)
                                 .u32(2)
                                 .raw("ab")
                                 .u32(0xFFFF'FFFFU)
                                 .u32(0)
                                 .u16(1)
                                 .u16(1)
                                 .str();
    Bind bind;
    ASSERT_TRUE(decode(body, bind));
    EXPECT_EQ(bind.portal, "portal");
    EXPECT_EQ(bind.statement, "s1");
    EXPECT_EQ(body.substr(bind.statement_offset, 3), bytes("s1\0"));
    EXPECT_EQ(bind.rest_offset, 10U);
    ASSERT_EQ(bind.parameter_count, 3);
    EXPECT_FALSE(bind.is_binary(0));
    EXPECT_TRUE(bind.is_binary(1));
    EXPECT_FALSE(bind.is_binary(2));
    EXPECT_DEATH(static_cast<void>(bind.is_binary(3)), "parameter_count");
    ParameterReader parameters = bind.parameters();
    EXPECT_EQ(parameters.next(), "ab");
    EXPECT_EQ(parameters.next(), std::nullopt);
    EXPECT_FALSE(parameters.done());
    EXPECT_EQ(parameters.next(), "");
    EXPECT_TRUE(parameters.done());
    EXPECT_DEATH(static_cast<void>(parameters.next()), "done");
    ASSERT_EQ(bind.result_formats.size(), 1U);
    EXPECT_EQ(bind.result_formats[0], 1);
    expect_exact<Bind>(body);
    expect_exact<Bind>(Body().cstring("").cstring("").u16(0).u16(0).u16(0).str());
}

TEST(ClientDecoder, AppliesOneFormatOfBindToAll) {
    for (const std::uint16_t format : {std::uint16_t{0}, std::uint16_t{1}}) {
        const std::string body =
            Body().cstring("").cstring("").u16(1).u16(format).u16(2).u32(0).u32(0).u16(0).str();
        Bind bind;
        ASSERT_TRUE(decode(body, bind));
        EXPECT_EQ(bind.is_binary(0), format == 1);
        EXPECT_EQ(bind.is_binary(1), format == 1);
    }
    // PostgreSQL allows the one format with no parameter to apply to.
    EXPECT_TRUE(decodes<Bind>(Body().cstring("").cstring("").u16(1).u16(0).u16(0).u16(0).str()));
}

TEST(ClientDecoder, ReadsWhatOurOwnEncoderBinds) {
    const std::vector<Parameter> sent(bind_parameters_max, Parameter("7"));
    base::Buffer out;
    append_bind(out, "s1", sent);
    const Exact exact(out.view());
    Frame frame;
    ASSERT_EQ(scan_client(exact.view(), frame), Scan::frame);
    Bind bind;
    ASSERT_TRUE(decode(frame.body, bind));
    EXPECT_EQ(bind.parameter_count, 65'535);
    std::size_t count = 0;
    for (ParameterReader parameters = bind.parameters(); !parameters.done(); ++count) {
        ASSERT_EQ(parameters.next(), "7");
    }
    EXPECT_EQ(count, sent.size());
}

TEST(ClientDecoder, RefusesBentBinds) {
    const auto names = [] { return Body().cstring("p").cstring("s"); };
    const std::string many(std::size_t{1'665} * 2, '\0');
    expect_refused<Bind>({
        {"two formats for one value", names().u16(2).u16(0).u16(0).u16(1).u32(0).u16(0).str()},
        {"two formats for three values",
         names().u16(2).u16(0).u16(0).u16(3).u32(0).u32(0).u32(0).u16(0).str()},
        {"two formats for none", names().u16(2).u16(0).u16(0).u16(0).u16(0).str()},
        {"a format that does not exist", names().u16(1).u16(2).u16(1).u32(0).u16(0).str()},
        {"a negative format", names().u16(1).u16(0xFFFF).u16(1).u32(0).u16(0).str()},
        {"a result format that does not exist", names().u16(0).u16(0).u16(1).u16(2).str()},
        {"more result formats than columns can be", names().u16(0).u16(0).u16(1'665).raw(many).str()},
        {"a negative count of formats", names().u16(0xFFFF).u16(0).u16(0).str()},
        {"a negative count of values", names().u16(0).u16(0xFFFF).u32(0).u16(0).str()},
        {"a negative count of result formats", names().u16(0).u16(0).u16(0xFFFF).u16(0).str()},
        {"a value of length -2", names().u16(0).u16(1).u32(0xFFFF'FFFEU).u16(0).str()},
        {"a value of the least length", names().u16(0).u16(1).u32(0x8000'0000U).u16(0).str()},
        {"a value of the greatest length", names().u16(0).u16(1).u32(0x7FFF'FFFFU).u16(0).str()},
        {"a value one byte too long", names().u16(0).u16(1).u32(3).u16(0).str()},
        {"fewer values than counted", names().u16(0).u16(2).u32(0).u16(0).str()},
        {"more values than counted", names().u16(0).u16(1).u32(0).u32(0).u16(0).str()},
    });
}

TEST(ClientDecoder, ReadsDescribeAndClose) {
    for (const char kind : {'S', 'P'}) {
        const std::string body = std::string(1, kind) + bytes("s1\0");
        Target target;
        ASSERT_TRUE(decode(body, target));
        EXPECT_EQ(target.kind, kind);
        EXPECT_EQ(target.name, "s1");
        expect_exact<Target>(body);
        expect_exact<Target>(std::string(1, kind) + '\0');
    }
    expect_refused<Target>({{"another kind", bytes("Xs1\0")}, {"a small letter", bytes("ss1\0")}});
}

TEST(ClientDecoder, ReadsExecute) {
    const std::pair<std::uint32_t, std::uint32_t> rows[] = {
        {0, 0}, {1, 1}, {0x7FFF'FFFFU, 0x7FFF'FFFFU}, {0xFFFF'FFFFU, 0}, {0x8000'0000U, 0}};
    for (const auto& [sent, read] : rows) {
        const std::string body = Body().cstring("p").u32(sent).str();
        Execute execute;
        ASSERT_TRUE(decode(body, execute));
        EXPECT_EQ(execute.portal, "p");
        EXPECT_EQ(execute.rows_max, read);
        EXPECT_EQ(execute.rest_offset, 2U);
        expect_exact<Execute>(body);
    }
}

TEST(ClientDecoder, ReadsCopyFail) {
    CopyFail fail;
    const std::string body = bytes("no\0");
    ASSERT_TRUE(decode(body, fail));
    EXPECT_EQ(fail.reason, "no");
    expect_exact<CopyFail>(body);
}

TEST(ClientDecoder, ReadsSaslResponses) {
    const std::string body = Body().cstring("SCRAM-SHA-256").u32(5).raw("n,,n=").str();
    SaslInitialResponse response;
    ASSERT_TRUE(decode(body, response));
    EXPECT_EQ(response.mechanism, "SCRAM-SHA-256");
    EXPECT_EQ(response.data, "n,,n=");
    expect_exact<SaslInitialResponse>(body);
    const std::string without = Body().cstring("X").u32(0xFFFF'FFFFU).str();
    ASSERT_TRUE(decode(without, response));
    EXPECT_EQ(response.data, std::nullopt);
    expect_exact<SaslInitialResponse>(without);
    expect_exact<SaslInitialResponse>(Body().cstring("X").u32(0).str());
    // CVE-2026-6664 of PgBouncer: a length near the end of the integers passed its check by overflow.
    for (const std::uint32_t length : {6U, 0x7FFF'FFFFU, 0x8000'0000U, 0xFFFF'FFFBU, 0xFFFF'FFFEU}) {
        EXPECT_FALSE(decodes<SaslInitialResponse>(Body().cstring("X").u32(length).raw("n,,n=").str()))
            << length;
    }
    SaslResponse next;
    ASSERT_TRUE(decode("c=biws", next));
    EXPECT_EQ(next.data, "c=biws");
    EXPECT_TRUE(decode_empty(""));
    EXPECT_FALSE(decode_empty(bytes("\0")));
}

}  // namespace
}  // namespace domicile::wire

// The server's half of SCRAM against RFC 7677's exchange, against our own client, and against clients that
// bend each message.

#include "wire/scram_server.hpp"

#include "crypto/base64.hpp"
#include "crypto/random.hpp"
#include "wire/startup.hpp"
#include "wire/test_messages.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace domicile::wire {
namespace {

using crypto::base64;
using crypto::view;
using testing::Body;
using testing::bytes;
using testing::Exact;
using testing::message;
using Step = ScramServer::Step;

constexpr std::string_view client_nonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr int few_iterations = 16;

/// What PostgreSQL would store for the password.
crypto::ScramVerifier verifier_of(std::string_view password, int iterations = few_iterations) {
    crypto::ScramVerifier verifier;
    verifier.iterations = iterations;
    verifier.salt = *crypto::base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==");
    const auto salted = crypto::pbkdf2_sha256(password, verifier.salt, iterations);
    verifier.stored_key = crypto::sha256(view(crypto::hmac_sha256(view(salted), "Client Key")));
    verifier.server_key = crypto::hmac_sha256(view(salted), "Server Key");
    return verifier;
}

std::string initial(std::string_view data, std::string_view mechanism = "SCRAM-SHA-256") {
    return Body().cstring(mechanism).u32(static_cast<std::uint32_t>(data.size())).raw(data).str();
}
std::string client_first(std::string_view header = "n,,") {
    return std::string(header) + "n=,r=" + std::string(client_nonce);
}
std::string nonces() {
    return std::string(client_nonce) + std::string(server_nonce);
}

/// One exchange: a server, and what it said last.
struct Exchange {
    ScramServer server;
    base::Buffer out;

    explicit Exchange(crypto::ScramVerifier verifier = verifier_of("pencil"))
        : server(std::move(verifier), server_nonce) {}

    Step hear(std::string_view body, char type = 'p') {
        out.clear();
        const Exact exact(body);
        return server.advance(Frame{type, exact.view()}, out);
    }
    /// The data of the AuthenticationSASL message of this kind, the only one said.
    std::string said(std::uint32_t kind) {
        const Frame frame = testing::frame_of(out.view());
        Reader reader(frame.body);
        EXPECT_EQ(frame.type, 'R');
        EXPECT_EQ(reader.u32(), kind);
        return std::string(reader.rest());
    }
    void expect_refusal(std::string_view sqlstate, std::string_view name = {}) {
        EXPECT_EQ(server.refusal().sqlstate, sqlstate) << name;
        EXPECT_EQ(server.refusal().severity, Severity::fatal) << name;
        EXPECT_FALSE(server.refusal().message.empty()) << name;
        EXPECT_TRUE(out.empty()) << name;
    }
};

/// The client's last message with a true proof, or nearly: `extensions` and `binding` are part of what is
/// signed.
std::string client_final(std::string_view password, std::string_view server_first,
                         std::string_view bare = "n=,r=rOprNGfwEbeRWgbNEkqO",
                         std::string_view binding = "biws", std::string_view extensions = "",
                         int iterations = few_iterations) {
    const std::string without = "c=" + std::string(binding) + ",r=" + nonces() + std::string(extensions);
    const auto salt = *crypto::base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==");
    const auto proof =
        crypto::scram_proof(crypto::scram_salted_password(password, salt, iterations),
                            std::string(bare) + "," + std::string(server_first) + "," + without);
    return without + ",p=" + base64(view(proof.client_proof));
}

TEST(ScramServer, MatchesTheExchangeOfRfc7677Section3) {
    Exchange exchange(verifier_of("pencil", 4096));
    exchange.server.begin(exchange.out);
    EXPECT_EQ(exchange.said(10), bytes("SCRAM-SHA-256\0\0"));
    ASSERT_EQ(exchange.hear(initial("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")), Step::more);
    EXPECT_EQ(exchange.said(11),
              "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    ASSERT_EQ(exchange.hear("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                            "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
              Step::proven);
    EXPECT_EQ(exchange.said(12), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

/// Runs our own client against the server; whether both are content.
std::pair<bool, Step> run(crypto::ScramVerifier verifier, std::string_view password) {
    StartupSettings settings;
    settings.user = "gateway";
    settings.nonce = client_nonce;
    settings.salted_password = [&](std::string_view salt, int iterations) {
        return crypto::scram_salted_password(password, salt, iterations);
    };
    Startup client(settings);
    ScramServer server(std::move(verifier), crypto::random_token(18));
    base::Buffer to_server;
    base::Buffer to_client;
    client.begin(to_server);
    StartupPacket packet;
    EXPECT_EQ(scan_startup(to_server.view(), packet), Scan::frame);
    EXPECT_EQ(packet.find("user"), "gateway");
    to_server.clear();
    server.begin(to_client);
    Step step = Step::more;
    Frame frame;
    while (step == Step::more) {
        const std::string heard(to_client.view());
        EXPECT_TRUE(client.advance(testing::frame_of(heard), to_server));
        EXPECT_EQ(scan_authentication(to_server.view(), frame), Scan::frame);
        to_client.clear();
        step = server.advance(frame, to_client);
        to_server.clear();
    }
    if (step == Step::refused) {
        return {false, step};
    }
    append_authentication_ok(to_client);
    append_parameter_status(to_client, "TimeZone", "UTC");
    append_backend_key_data(to_client, 4711, 42);
    append_ready_for_query(to_client, 'I');
    while (scan(to_client.view(), frame) == Scan::frame) {
        EXPECT_TRUE(client.advance(frame, to_server));
        to_client.consume(frame.bytes());
    }
    EXPECT_EQ(client.process_id(), 4711U);
    return {client.done(), step};
}

TEST(ScramServer, AgreesWithOurOwnClient) {
    EXPECT_EQ(run(verifier_of("pencil"), "pencil"), std::pair(true, Step::proven));
    EXPECT_EQ(run(verifier_of("pencil"), "pen"), std::pair(false, Step::refused));
    EXPECT_EQ(run(verifier_of("pencil"), ""), std::pair(false, Step::refused));
    EXPECT_EQ(run(crypto::mock_scram_verifier("secret", "nobody"), "pencil"),
              std::pair(false, Step::refused));
    crypto::ScramVerifier doomed = verifier_of("pencil");
    doomed.doomed = true;
    EXPECT_EQ(run(doomed, "pencil"), std::pair(false, Step::refused));
}

TEST(ScramServer, TellsNothingOfWhoDoesNotExist) {
    Exchange known;
    Exchange unknown(crypto::mock_scram_verifier("secret", "nobody", few_iterations));
    ASSERT_EQ(known.hear(initial(client_first())), Step::more);
    ASSERT_EQ(unknown.hear(initial(client_first())), Step::more);
    const std::string first = known.said(11);
    const std::string mock = unknown.said(11);
    EXPECT_EQ(first.size(), mock.size());
    EXPECT_EQ(first.substr(0, first.find(",s=")), mock.substr(0, mock.find(",s=")));
    const std::string final = client_final("wrong", first);
    EXPECT_EQ(known.hear(final), Step::refused);
    EXPECT_EQ(unknown.hear(final), Step::refused);
    known.expect_refusal("28P01");
    unknown.expect_refusal("28P01");
    base::Buffer a;
    base::Buffer b;
    append_error(a, known.server.refusal());
    append_error(b, unknown.server.refusal());
    EXPECT_EQ(a.view(), b.view());
    EXPECT_EQ(known.server.refusal().message, "password authentication failed");
    EXPECT_EQ(known.server.refusal().detail, "");
}

TEST(ScramServer, TakesWhatPostgresTakes) {
    struct Row {
        std::string_view name;
        std::string header = "n,,";
        std::string bare = "n=,r=rOprNGfwEbeRWgbNEkqO";
        std::string binding = "biws";
        std::string extensions = "";
    };
    const Row rows[] = {
        {.name = "plain"},
        {.name = "a client that could bind", .header = "y,,", .binding = "eSws"},
        {.name = "a user name, ignored", .bare = "n=someone=2Celse,r=rOprNGfwEbeRWgbNEkqO"},
        {.name = "extensions at first", .bare = "n=,r=rOprNGfwEbeRWgbNEkqO,x=1,y="},
        {.name = "extensions at last", .extensions = ",x=1,y="},
    };
    for (const Row& row : rows) {
        Exchange exchange;
        ASSERT_EQ(exchange.hear(initial(row.header + row.bare)), Step::more) << row.name;
        const std::string first = exchange.said(11);
        EXPECT_EQ(exchange.hear(client_final("pencil", first, row.bare, row.binding, row.extensions)),
                  Step::proven)
            << row.name;
    }
}

TEST(ScramServer, AnswersAnEmptyInitialResponseWithAnEmptyChallenge) {
    Exchange exchange;
    ASSERT_EQ(exchange.hear(Body().cstring("SCRAM-SHA-256").u32(0xFFFF'FFFFU).str()), Step::more);
    EXPECT_EQ(exchange.said(11), "");
    ASSERT_EQ(exchange.hear(client_first()), Step::more);
    EXPECT_EQ(exchange.hear(client_final("pencil", exchange.said(11))), Step::proven);
    Exchange again;
    ASSERT_EQ(again.hear(Body().cstring("SCRAM-SHA-256").u32(0xFFFF'FFFFU).str()), Step::more);
    EXPECT_EQ(again.hear(""), Step::refused);
    again.expect_refusal("08P01");
}

TEST(ScramServer, RefusesBentFirstMessages) {
    const std::tuple<std::string_view, std::string, std::string_view> rows[] = {
        {"no mechanism", initial(client_first(), ""), "08P01"},
        {"a mechanism not offered", initial(client_first(), "SCRAM-SHA-256-PLUS"), "08P01"},
        {"another case", initial(client_first(), "scram-sha-256"), "08P01"},
        {"an empty body", "", "08P01"},
        {"a mechanism without its zero", "SCRAM-SHA-256", "08P01"},
        {"no length", bytes("SCRAM-SHA-256\0"), "08P01"},
        // CVE-2026-6664 of PgBouncer: the length passed its check by integer overflow.
        {"the greatest length", Body().cstring("SCRAM-SHA-256").u32(0x7FFF'FFFFU).raw("n,,").str(), "08P01"},
        {"the least length", Body().cstring("SCRAM-SHA-256").u32(0x8000'0000U).raw("n,,").str(), "08P01"},
        {"a length of -2", Body().cstring("SCRAM-SHA-256").u32(0xFFFF'FFFEU).raw("n,,").str(), "08P01"},
        {"none, and yet some", Body().cstring("SCRAM-SHA-256").u32(0xFFFF'FFFFU).raw("n").str(), "08P01"},
        {"a length too short", Body().cstring("SCRAM-SHA-256").u32(2).raw("n,,").str(), "08P01"},
        {"an empty message", initial(""), "08P01"},
        {"channel binding", initial(client_first("p=tls-server-end-point,,")), "08P01"},
        {"another flag", initial(client_first("x,,")), "08P01"},
        {"no header", initial("n=,r=abc"), "08P01"},
        {"a header cut after the flag", initial("n"), "08P01"},
        {"a header cut after its comma", initial("n,"), "08P01"},
        {"a header only", initial("n,,"), "08P01"},
        {"an identity to act as", initial(client_first("n,a=admin,")), "0A000"},
        {"rubbish for an identity", initial(client_first("n,b=admin,")), "08P01"},
        {"a mandatory extension", initial("n,,m=x,n=,r=abc"), "0A000"},
        {"no user", initial("n,,r=abc"), "08P01"},
        {"no nonce", initial("n,,n="), "08P01"},
        {"no nonce behind the comma", initial("n,,n=,"), "08P01"},
        {"an empty nonce", initial("n,,n=,r="), "08P01"},
        {"an empty nonce before an extension", initial("n,,n=,r=,x=1"), "08P01"},
        {"another order", initial("n,,r=abc,n="), "08P01"},
        {"a blank in the nonce", initial("n,,n=,r=a bc"), "08P01"},
        {"a control character in the nonce", initial("n,,n=,r=a\x7f"), "08P01"},
        {"a high byte in the nonce", initial("n,,n=,r=a\xff"), "08P01"},
        {"a zero byte in the nonce", initial(bytes("n,,n=,r=a\0b")), "08P01"},
        {"a zero byte at the end", initial(bytes("n,,n=,r=ab\0")), "08P01"},
        {"an extension without a name", initial("n,,n=,r=abc,=x"), "08P01"},
        {"an extension without a value", initial("n,,n=,r=abc,x"), "08P01"},
        {"an extension of a digit", initial("n,,n=,r=abc,1=x"), "08P01"},
        {"two commas", initial("n,,n=,r=abc,,x=1"), "08P01"},
        // CVE-2026-6665 of PgBouncer: an over-long nonce overflowed the stack.
        {"an over-long nonce", initial("n,,n=,r=" + std::string(1'100, 'n')), "08P01"},
        {"a huge nonce", initial("n,,n=,r=" + std::string(1'000'000, 'n')), "08P01"},
    };
    for (const auto& [name, body, sqlstate] : rows) {
        Exchange exchange;
        EXPECT_EQ(exchange.hear(body), Step::refused) << name;
        exchange.expect_refusal(sqlstate, name);
    }
    for (const char type : std::string_view("QPXSR\0", 6)) {
        Exchange exchange;
        EXPECT_EQ(exchange.hear(initial(client_first()), type), Step::refused) << type;
        exchange.expect_refusal("08P01");
    }
}

TEST(ScramServer, CarriesTheLongestNonceThatFits) {
    const std::string bare = "n=,r=" + std::string(sasl_message_bytes_max - 8, 'n');
    Exchange exchange;
    ASSERT_EQ(exchange.hear(initial("n,," + bare)), Step::more);
    EXPECT_TRUE(exchange.said(11).starts_with(bare.substr(3)));
}

TEST(ScramServer, RefusesBentFinalMessages) {
    using Bend = std::function<std::string(std::string)>;
    const auto replaced = [](std::string from, std::string to) {
        return [from, to](std::string text) {
            EXPECT_NE(text.find(from), std::string::npos) << from;
            return text.replace(text.find(from), from.size(), to);
        };
    };
    const std::string nonce = nonces();
    const std::tuple<std::string_view, Bend, std::string_view> rows[] = {
        {"nothing", [](std::string) { return ""; }, "08P01"},
        {"the binding of another flag", replaced("c=biws", "c=eSws"), "08P01"},
        {"a channel binding", replaced("c=biws", "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCws"), "08P01"},
        {"no binding", replaced("c=biws,", ""), "08P01"},
        {"an empty binding", replaced("c=biws", "c="), "08P01"},
        {"no nonce", replaced("r=" + nonce + ",", ""), "08P01"},
        {"the client's nonce only", replaced(std::string(server_nonce), ""), "08P01"},
        {"the server's nonce only", replaced(std::string(client_nonce), ""), "08P01"},
        {"a longer nonce", replaced(nonce, nonce + "x"), "08P01"},
        {"another nonce", replaced(nonce, std::string(nonce.size(), 'x')), "08P01"},
        {"no proof", [](std::string text) { return text.substr(0, text.find(",p=")); }, "08P01"},
        {"an empty proof", [](std::string text) { return text.substr(0, text.find(",p=") + 3); }, "08P01"},
        {"a comma only", [](std::string text) { return text.substr(0, text.find(",p=") + 1); }, "08P01"},
        {"a proof too short",
         [](std::string text) { return text.substr(0, text.find(",p=") + 3) + base64(std::string(31, 'x')); },
         "08P01"},
        {"a proof too long",
         [](std::string text) { return text.substr(0, text.find(",p=") + 3) + base64(std::string(33, 'x')); },
         "08P01"},
        {"no base64",
         [](std::string text) { return text.substr(0, text.find(",p=") + 3) + std::string(44, '?'); },
         "08P01"},
        {"something behind the proof", [](std::string text) { return text + ",x=1"; }, "08P01"},
        {"a comma behind the proof", [](std::string text) { return text + ","; }, "08P01"},
        {"a zero behind the proof", [](std::string text) { return text + '\0'; }, "08P01"},
        {"the proof twice", [](std::string text) { return text + text.substr(text.find(",p=")); }, "08P01"},
        {"too many extensions", replaced(",p=", ",x=" + std::string(1'024, 'x') + ",p="), "08P01"},
        {"an extension that was not signed", replaced(",p=", ",x=1,p="), "28P01"},
        {"a proof of zeros",
         [](std::string text) {
             return text.substr(0, text.find(",p=") + 3) + base64(std::string(32, '\0'));
         },
         "28P01"},
        {"one bit turned",
         [](std::string text) {
             char& c = text[text.find(",p=") + 3];
             c = c == 'A' ? 'B' : 'A';
             return text;
         },
         "28P01"},
    };
    for (const auto& [name, bend, sqlstate] : rows) {
        Exchange exchange;
        ASSERT_EQ(exchange.hear(initial(client_first())), Step::more);
        const std::string good = client_final("pencil", exchange.said(11));
        EXPECT_EQ(exchange.hear(bend(good)), Step::refused) << name;
        exchange.expect_refusal(sqlstate, name);
    }
    // No part of a good one is good.
    for (std::size_t kept = 0; kept < 120; ++kept) {
        Exchange exchange;
        ASSERT_EQ(exchange.hear(initial(client_first())), Step::more);
        const std::string good = client_final("pencil", exchange.said(11));
        EXPECT_EQ(exchange.hear(good.substr(0, std::min(kept, good.size() - 1))), Step::refused) << kept;
    }
}

TEST(ScramServer, RefusesAProofOfAnotherExchange) {
    Exchange first;
    ASSERT_EQ(first.hear(initial(client_first())), Step::more);
    const std::string good = client_final("pencil", first.said(11));
    ASSERT_EQ(first.hear(good), Step::proven);
    ScramServer second(verifier_of("pencil"), "another-nonce");
    base::Buffer out;
    const std::string body = initial(client_first());
    ASSERT_EQ(second.advance(Frame{'p', body}, out), Step::more);
    EXPECT_EQ(second.advance(Frame{'p', good}, out), Step::refused);
    EXPECT_EQ(second.refusal().sqlstate, "08P01");
}

TEST(ScramServer, IsOverOnceItSaidSo) {
    Exchange exchange;
    ASSERT_EQ(exchange.hear("x"), Step::refused);
    EXPECT_DEATH(static_cast<void>(exchange.hear("x")), "ended");
    EXPECT_DEATH(ScramServer({}, ""), "is_nonce");
    EXPECT_DEATH(ScramServer({}, "a,b"), "is_nonce");
}

}  // namespace
}  // namespace domicile::wire

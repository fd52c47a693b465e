// The whole start-up against a small SCRAM server, then the same exchange with each message of the node bent
// in turn.

#include "wire/startup.hpp"

#include "base/limits.hpp"
#include "crypto/base64.hpp"
#include "crypto/scram.hpp"
#include "wire/test_messages.hpp"

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

namespace domicile::wire {
namespace {

using base::Code;
using crypto::base64;
using crypto::view;
using testing::authentication_body;
using testing::Body;
using testing::bytes;
using testing::message;

crypto::Digest exclusive_or(crypto::Digest a, std::string_view b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
        a[i] = static_cast<unsigned char>(a[i] ^ static_cast<unsigned char>(b[i]));
    }
    return a;
}

/// The server of RFC 5802 section 3, from the stored keys on, written apart from the client's sums so that an
/// error in one does not hide in the other.
class ScramServer {
  public:
    std::string password = "pencil";
    std::string salt_text = "W22ZaJ0SNY7soEsUEjb6gQ==";
    std::string own_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    int iterations = 16;

    /// "r=…,s=…,i=…" for the client-first-message without its header.
    std::string first(std::string_view client_first_bare) {
        client_first_bare_ = client_first_bare;
        const std::string nonce(client_first_bare.substr(client_first_bare.find("r=") + 2));
        first_ = "r=" + nonce + own_nonce + ",s=" + salt_text + ",i=" + std::to_string(iterations);
        return first_;
    }
    /// "v=…", or nothing if the proof is wrong.
    [[nodiscard]] std::optional<std::string> final(std::string_view client_final) const {
        const auto proof_at = client_final.rfind(",p=");
        if (proof_at == std::string_view::npos) {
            return std::nullopt;
        }
        const auto proof = crypto::base64_decode(client_final.substr(proof_at + 3));
        const std::string auth_message =
            client_first_bare_ + "," + first_ + "," + std::string(client_final.substr(0, proof_at));
        const auto salted = crypto::pbkdf2_sha256(password, *crypto::base64_decode(salt_text), iterations);
        const auto stored_key = crypto::sha256(view(crypto::hmac_sha256(view(salted), "Client Key")));
        const auto client_signature = crypto::hmac_sha256(view(stored_key), auth_message);
        if (!proof || proof->size() != client_signature.size() ||
            crypto::sha256(view(exclusive_or(client_signature, *proof))) != stored_key) {
            return std::nullopt;
        }
        const auto server_key = crypto::hmac_sha256(view(salted), "Server Key");
        return "v=" + base64(view(crypto::hmac_sha256(view(server_key), auth_message)));
    }

  private:
    std::string client_first_bare_;
    std::string first_;
};

TEST(ScramServerOfTheTest, MatchesTheExchangeOfRfc7677Section3) {
    ScramServer server;
    server.iterations = 4096;
    EXPECT_EQ(server.first("n=user,r=rOprNGfwEbeRWgbNEkqO"),
              "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    EXPECT_EQ(server.final("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                           "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
              "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

/// The frames of the node, in order. A script answers each message of the client with the frames due then.
enum Step : std::size_t {
    mechanisms,
    server_first,
    server_final,
    welcome,
    parameter,
    key,
    ready_last,
    steps
};
constexpr std::string_view step_names[] = {"mechanisms", "server first", "server final", "welcome",
                                           "parameter",  "key",          "ready"};

/// What stands in for the frame of a step; the true frame comes in.
using Bend = std::function<std::string(std::string_view true_frame)>;

struct Outcome {
    bool done = false;
    bool malformed_frame = false;
    std::optional<base::Error> error;
    std::size_t frames = 0;  ///< taken without complaint
    std::size_t salted = 0;  ///< how often the dear sum was asked for
    std::uint32_t process_id = 0;
    std::uint32_t secret_key = 0;
};

constexpr std::string_view client_nonce = "rOprNGfwEbeRWgbNEkqO";

/// Runs the exchange. At step `at` the node sends what `bend` makes of its frame; an empty string drops it.
Outcome run(const ScramServer& prototype = {}, std::size_t at = steps, const Bend& bend = {}) {
    ScramServer server = prototype;
    Outcome outcome;
    StartupSettings settings;
    settings.user = "gateway";
    settings.database = "retail";
    settings.application = "domicile";
    settings.nonce = client_nonce;
    settings.salted_password = [&](std::string_view salt, int iterations) {
        ++outcome.salted;
        return crypto::scram_salted_password("pencil", salt, iterations);
    };
    Startup startup(std::move(settings));
    base::Buffer out;
    startup.begin(out);
    out.clear();
    for (std::size_t step = 0; step < steps && !startup.done(); ++step) {
        std::string frame;
        switch (step) {
            case mechanisms:
                frame = message('R', authentication_body(10, bytes("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")));
                break;
            case server_first: {
                const Frame sent = testing::frame_of(out.view());
                Reader reader(sent.body);
                if (sent.type != 'p') {
                    return outcome;  // our side waits, and so does the node: a deadline ends it
                }
                EXPECT_EQ(reader.cstring(), "SCRAM-SHA-256");
                const std::uint32_t size = reader.u32();
                const std::string_view client_first = reader.rest();
                EXPECT_EQ(client_first.size(), size);
                EXPECT_TRUE(client_first.starts_with("n,,")) << "no channel binding, no other identity";
                frame = message('R', authentication_body(11, server.first(client_first.substr(3))));
                break;
            }
            case server_final: {
                const Frame sent = testing::frame_of(out.view());
                if (sent.type != 'p') {
                    return outcome;
                }
                const auto verifier = server.final(sent.body);
                frame = verifier ? message('R', authentication_body(12, *verifier))
                                 : message('E', testing::error_body("28P01"));
                break;
            }
            case welcome: frame = message('R', authentication_body(0)); break;
            case parameter: frame = message('S', Body().cstring("TimeZone").cstring("UTC").str()); break;
            case key: frame = message('K', Body().u32(4711).u32(0xDEAD'BEEFU).str()); break;
            default: frame = testing::ready();
        }
        out.clear();
        if (step == at) {
            frame = bend(frame);
        }
        while (!frame.empty() && !startup.done()) {
            const testing::Exact exact(frame);
            Frame one;
            if (scan(exact.view(), one) != Scan::frame) {
                outcome.malformed_frame = true;
                return outcome;
            }
            const auto advanced = startup.advance(one, out);
            if (!advanced) {
                outcome.error = advanced.error();
                EXPECT_FALSE(startup.done());
                return outcome;
            }
            ++outcome.frames;
            frame.erase(0, one.bytes());
        }
    }
    outcome.done = startup.done();
    outcome.process_id = startup.process_id();
    outcome.secret_key = startup.secret_key();
    return outcome;
}

TEST(Startup, SendsTheMessageOfTheDocumentation) {
    StartupSettings settings;
    settings.user = "gateway";
    settings.database = "retail";
    settings.application = "domicile";
    settings.options = "-c timezone=UTC";
    Startup startup(settings);
    base::Buffer out;
    startup.begin(out);
    EXPECT_EQ(out.view(),
              bytes("\x00\x00\x00\x6d\x00\x03\x00\x00user\0gateway\0database\0retail\0"
                    "application_name\0domicile\0client_encoding\0UTF8\0options\0-c timezone=UTC\0\0"));
    out.clear();
    settings.options = {};
    Startup(settings).begin(out);
    EXPECT_EQ(out.view().find("options"), std::string_view::npos);
}

TEST(Startup, GoesThroughWithAServerThatKnowsThePassword) {
    const Outcome outcome = run();
    EXPECT_TRUE(outcome.done);
    EXPECT_EQ(outcome.frames, std::size_t{steps});
    EXPECT_EQ(outcome.salted, 1U);
    EXPECT_EQ(outcome.process_id, 4711U);
    EXPECT_EQ(outcome.secret_key, 0xDEAD'BEEFU);
}

TEST(Startup, TakesTheBoundsOfTheIterationCount) {
    ScramServer server;
    server.iterations = 1;
    EXPECT_TRUE(run(server).done);
}

TEST(Startup, IsRefusedByAServerWithAnotherPassword) {
    ScramServer server;
    server.password = "pen";
    const Outcome outcome = run(server);
    EXPECT_FALSE(outcome.done);
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->code, Code::node_unavailable);
    EXPECT_EQ(outcome.error->detail, "SQLSTATE 28P01");
}

TEST(Startup, ToleratesNoticesBeforeEachStep) {
    const std::string notices = message('N', testing::error_body("00000")) +
                                message('S', Body().cstring("server_version").cstring("15.9").str());
    for (std::size_t at = 0; at < steps; ++at) {
        EXPECT_TRUE(run({}, at, [&](std::string_view frame) { return notices + std::string(frame); }).done)
            << step_names[at];
    }
}

TEST(Startup, NeverEndsWellWhenOneMessageIsBent) {
    struct Fault {
        std::string_view name;
        Bend bend;
        std::vector<Step> harmless = {};  ///< where the exchange may go through all the same
    };
    const auto instead = [](std::string frame) { return [frame](std::string_view) { return frame; }; };
    const auto before = [](std::string frame) {
        return [frame](std::string_view true_frame) { return frame + std::string(true_frame); };
    };
    const Fault faults[] = {
        {"nothing", instead(""), {parameter, key}},
        {"error", instead(message('E', testing::error_body("57P03")))},
        {"error without SQLSTATE", instead(message('E', bytes("\0")))},
        {"malformed error", instead(message('E', "C28P01"))},
        {"cleartext asked for", instead(message('R', authentication_body(3)))},
        {"MD5 asked for", instead(message('R', authentication_body(5, "salt")))},
        {"GSS asked for", instead(message('R', authentication_body(7)))},
        {"cleartext asked for as well", before(message('R', authentication_body(3)))},
        {"a method of the future", instead(message('R', authentication_body(0xFFFF'FFFFU)))},
        {"an empty authentication", instead(message('R', ""))},
        {"welcome early", before(message('R', authentication_body(0)))},
        {"welcome instead", instead(message('R', authentication_body(0))), {welcome}},
        {"welcome with bytes behind it", instead(message('R', authentication_body(0, "x")))},
        {"ready early", before(testing::ready()), {parameter, key, ready_last}},
        {"ready instead", instead(testing::ready()), {parameter, key, ready_last}},
        {"ready in a transaction", instead(testing::ready('T'))},
        {"ready without a status", instead(message('Z', ""))},
        {"mechanisms again", before(message('R', authentication_body(10, bytes("SCRAM-SHA-256\0\0"))))},
        {"server first without a nonce", instead(message('R', authentication_body(11, "s=AAAA,i=1")))},
        {"server final too early", before(message('R', authentication_body(12, "v=AAAA")))},
        {"key early", before(message('K', Body().u32(1).u32(2).str())), {parameter, key, ready_last}},
        {"key cut short", instead(message('K', Body().u32(1).str()))},
        {"key of the long kind", instead(message('K', Body().u32(1).u32(2).u32(3).str()))},
        {"another version", instead(message('v', Body().u32(0).u32(0).str()))},
        {"a row", instead(message('D', testing::row_body({"x"})))},
        {"a completion", instead(testing::complete("SELECT 1"))},
        {"copy", instead(message('G', Body().u8(0).u16(0).str()))},
        {"a type that does not exist", instead(message('?', ""))},
        {"an impossible length", instead(message('R', "", 3))},
        {"a huge length", instead(message('R', "", 0x7FFF'FFFFU))},
    };
    for (const Fault& fault : faults) {
        for (std::size_t at = 0; at < steps; ++at) {
            const bool harmless =
                std::ranges::find(fault.harmless, static_cast<Step>(at)) != fault.harmless.end();
            const Outcome outcome = run({}, at, fault.bend);
            EXPECT_EQ(outcome.done, harmless) << fault.name << " at " << step_names[at];
            // Not just left waiting: refused, unless nothing came at all.
            EXPECT_TRUE(harmless || outcome.error || outcome.malformed_frame || fault.name == "nothing")
                << fault.name << " at " << step_names[at];
            if (outcome.error) {
                EXPECT_TRUE(outcome.error->code == Code::protocol_violation ||
                            outcome.error->code == Code::node_unavailable ||
                            outcome.error->code == Code::configuration)
                    << fault.name << " at " << step_names[at];
                EXPECT_EQ(outcome.error->text.find("57P03"), std::string::npos);
            }
        }
    }
}

TEST(Startup, NeverEndsWellWhenOneMessageIsCutShort) {
    for (std::size_t at = 0; at < steps; ++at) {
        if (at == parameter) {
            continue;  // not read at all
        }
        std::size_t size = 0;
        static_cast<void>(run({}, at, [&](std::string_view frame) {
            size = frame.size() - 5;
            return std::string(frame);
        }));
        for (std::size_t kept = 0; kept < size; ++kept) {
            // The framing stays whole: only the body ends early.
            const Outcome outcome =
                run({}, at, [&](std::string_view frame) { return message(frame[0], frame.substr(5, kept)); });
            EXPECT_FALSE(outcome.done) << step_names[at] << " cut to " << kept;
            EXPECT_TRUE(outcome.error) << step_names[at] << " cut to " << kept;
        }
    }
}

TEST(Startup, RefusesBentMechanismLists) {
    struct Row {
        std::string_view name;
        std::string list;
        Code code;
    };
    const Row rows[] = {
        {"no mechanism", bytes("\0"), Code::configuration},
        {"only others", bytes("SCRAM-SHA-256-PLUS\0SCRAM-SHA-1\0\0"), Code::configuration},
        {"a name that begins like it", bytes("SCRAM-SHA-2567\0\0"), Code::configuration},
        {"another case", bytes("scram-sha-256\0\0"), Code::configuration},
        {"no end", bytes("SCRAM-SHA-256\0"), Code::protocol_violation},
        {"bytes behind the end", bytes("SCRAM-SHA-256\0\0x"), Code::protocol_violation},
        {"nothing", "", Code::protocol_violation},
    };
    for (const Row& row : rows) {
        const Outcome outcome = run({}, mechanisms, [&](std::string_view) {
            return message('R', authentication_body(10, row.list));
        });
        ASSERT_TRUE(outcome.error) << row.name;
        EXPECT_EQ(outcome.error->code, row.code) << row.name;
    }
}

TEST(Startup, RefusesBentServerFirstMessagesBeforeTheDearSum) {
    const std::string nonce = "r=" + std::string(client_nonce);
    const std::string good_salt = ",s=W22ZaJ0SNY7soEsUEjb6gQ==";
    const std::pair<std::string_view, std::string> rows[] = {
        {"another nonce", "r=another" + good_salt + ",i=4096"},
        {"our nonce sent back, not extended", nonce + good_salt + ",i=4096"},
        {"our nonce cut", nonce.substr(0, nonce.size() - 1) + "Xmore" + good_salt + ",i=4096"},
        {"our nonce at the end", "r=x" + std::string(client_nonce) + good_salt + ",i=4096"},
        {"our nonce in another case", "r=rOPRNGfwEbeRWgbNEkqOmore" + good_salt + ",i=4096"},
        {"an empty nonce", "r=" + good_salt + ",i=4096"},
        {"zero iterations", nonce + "x" + good_salt + ",i=0"},
        {"negative iterations", nonce + "x" + good_salt + ",i=-4096"},
        {"more iterations than we pay for", nonce + "x" + good_salt + ",i=1000001"},
        {"more iterations than an int", nonce + "x" + good_salt + ",i=4294971392"},
        {"more iterations than anything", nonce + "x" + good_salt + ",i=" + std::string(5'000, '9')},
        {"iterations in words", nonce + "x" + good_salt + ",i=many"},
        {"iterations with a tail", nonce + "x" + good_salt + ",i=4096x"},
        {"iterations with a sign", nonce + "x" + good_salt + ",i=+4096"},
        {"iterations with a space", nonce + "x" + good_salt + ",i= 4096"},
        {"no iterations", nonce + "x" + good_salt + ",i="},
        {"no count at all", nonce + "x" + good_salt},
        {"salt that is no base64", nonce + "x,s=!!!!,i=4096"},
        {"salt with a bit too many", nonce + "x,s=Zh==,i=4096"},
        {"salt without padding", nonce + "x,s=Zg,i=4096"},
        {"an empty salt", nonce + "x,s=,i=4096"},
        {"no salt", nonce + "x,i=4096"},
        {"another order", "s=AAAA,r=" + std::string(client_nonce) + "x,i=4096"},
        {"a mandatory extension (RFC 5802 section 5.1)", "m=x," + nonce + "x" + good_salt + ",i=4096"},
        {"an error", "e=other-error"},
        {"commas", ",,,"},
        {"nothing", ""},
        {"zero bytes", std::string(100, '\0')},
    };
    for (const auto& [name, text] : rows) {
        const Outcome outcome = run(
            {}, server_first, [&](std::string_view) { return message('R', authentication_body(11, text)); });
        EXPECT_EQ(outcome.salted, 0U) << name;
        ASSERT_TRUE(outcome.error) << name;
        EXPECT_EQ(outcome.error->code, Code::protocol_violation) << name;
    }
}

TEST(Startup, CarriesANonceOfAnySizeWithoutHarm) {
    // CVE-2026-6665 of PgBouncer: the nonce of a malicious server overflowed the stack.
    for (const std::size_t size : {1U, 255U, 256U, 4'096U, 65'536U, 1'000'000U}) {
        ScramServer server;
        server.own_nonce = std::string(size, 'n');
        server.iterations = 1;
        EXPECT_TRUE(run(server).done) << size;
    }
}

TEST(Startup, RefusesAServerThatCannotProveThePassword) {
    const auto final_says = [](std::string text) {
        return [text](std::string_view) { return message('R', authentication_body(12, text)); };
    };
    const std::pair<std::string_view, Bend> rows[] = {
        {"the signature of another exchange", final_says("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")},
        {"zeros", final_says("v=" + base64(std::string(32, '\0')))},
        {"an empty signature", final_says("v=")},
        {"a signature too short", final_says("v=" + base64(std::string(31, 'x')))},
        {"no base64", final_says("v=????")},
        {"an error", final_says("e=invalid-proof")},
        {"an error that hides a signature", final_says("e=x,v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")},
        {"nothing", final_says("")},
        {"our own proof sent back", final_says("p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")},
        {"one bit turned",
         [](std::string_view frame) {
             std::string bent(frame);
             bent[12] = bent[12] == 'A' ? 'B' : 'A';
             return bent;
         }},
        {"a welcome instead of a proof",
         [](std::string_view) { return message('R', authentication_body(0)); }},
        {"a welcome before the proof",
         [](std::string_view frame) { return message('R', authentication_body(0)) + std::string(frame); }},
        {"the proof twice", [](std::string_view frame) { return std::string(frame) + std::string(frame); }},
        {"another server first after our proof",
         [](std::string_view frame) {
             return message('R', authentication_body(11, "r=" + std::string(client_nonce) + "x,s=AAAA,i=1")) +
                    std::string(frame);
         }},
    };
    for (const auto& [name, bend] : rows) {
        const Outcome outcome = run({}, server_final, bend);
        EXPECT_FALSE(outcome.done) << name;
        ASSERT_TRUE(outcome.error) << name;
        EXPECT_EQ(outcome.error->code, Code::protocol_violation) << name;
        EXPECT_EQ(outcome.salted, 1U) << name;
    }
}

TEST(Startup, TellsTheOperatorHowToMendPgHba) {
    // `trust` is not an attack, yet a node that lets anyone in is not ours to use.
    for (const std::uint32_t kind : {0U, 3U, 5U, 7U}) {
        const Outcome outcome =
            run({}, mechanisms, [&](std::string_view) { return message('R', authentication_body(kind)); });
        ASSERT_TRUE(outcome.error) << kind;
        EXPECT_EQ(outcome.error->code, Code::configuration) << kind;
        EXPECT_NE(outcome.error->hint.find("pg_hba.conf"), std::string::npos) << kind;
    }
}

TEST(Startup, KeepsTheNodesWordsOutOfItsErrors) {
    const Outcome outcome = run({}, mechanisms, [](std::string_view) {
        return message('E',
                       testing::error_body({{'C', "28000\nadmin"}, {'M', "role \"anna\" does not exist"}}));
    });
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->detail, "SQLSTATE ");
    EXPECT_EQ(base::describe(*outcome.error).find("anna"), std::string::npos);
}

}  // namespace
}  // namespace domicile::wire

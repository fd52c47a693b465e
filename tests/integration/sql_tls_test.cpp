// TLS on both sides of the SQL door: towards clients and towards nodes.

#include "crypto/certificate.hpp"
#include "support/sql_client.hpp"
#include "support/temp_fleet.hpp"

#include <arpa/inet.h>
#include <array>
#include <memory>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace domicile {
namespace {

using test_support::eventually;
using test_support::SqlClient;
using test_support::TempFleet;

constexpr std::string_view topology_text = R"toml(
name = "tls"
[database]
name = "tls"
migrations = "schema"
[jurisdictions.eu]
rest_of_world = true
[regions.eu-west-1]
jurisdiction = "eu"
writer = true
http = "127.0.0.1:@PORT@"
sql = "127.0.0.1:@PORT@"
tls_certificate = "door.pem"
tls_key = "door.key"
[identity]
client_ca = "clients.pem"
[[identity.clients]]
name = "billing"
roles = ["app"]
jurisdiction = "eu"
[[identity.clients]]
name = "report"
roles = ["auditor"]
jurisdiction = "eu"
[shards.one]
ranges = [[0, 1_000]]
writer = "eu-west-1"
readers = ["eu-west-1"]
[embedded]
first_port = @FIRST@
durable = false
tls = true
[tables.users]
key = "user_id"
person = true
)toml";

const std::map<std::string, std::string> migrations = {
    {"0001_users.sql", "CREATE TABLE users (user_id bigint PRIMARY KEY, note text);"}};

class SqlTls : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        fleet = new TempFleet(DOMICILE_BINARY, topology_text, migrations);
        const auto authority = crypto::make_authority("door authority", std::chrono::days{30});
        const std::vector<std::string> hosts = {"127.0.0.1"};
        const auto door = crypto::make_certificate(*authority, "door", hosts, std::chrono::days{10});
        // The gateway runs as another user; this key protects nothing.
        ASSERT_TRUE(fleet::write_file(fleet->folder() / "ca.pem", authority->certificate, 0644, nullptr));
        ASSERT_TRUE(fleet::write_file(fleet->folder() / "door.pem", door->certificate, 0644, nullptr));
        ASSERT_TRUE(fleet::write_file(fleet->folder() / "door.key", door->key.reveal(), 0644, nullptr));
        const auto clients = crypto::make_authority("clients", std::chrono::days{30});
        ASSERT_TRUE(fleet::write_file(fleet->folder() / "clients.pem", clients->certificate, 0644, nullptr));
        for (const auto& [name, signer] : {std::pair("billing", *clients), std::pair("report", *clients),
                                           std::pair("unknown", *clients), std::pair("forged", *authority)}) {
            const std::string subject = std::string(name) == "forged" ? "billing" : name;
            const auto made = crypto::make_certificate(signer, subject, hosts, std::chrono::days{10});
            ASSERT_TRUE(fleet::write_file(fleet->folder() / (std::string(name) + ".pem"), made->certificate,
                                          0600, nullptr));
            ASSERT_TRUE(fleet::write_file(fleet->folder() / (std::string(name) + ".key"), made->key.reveal(),
                                          0600, nullptr));
        }
        const auto started = fleet->start();
        ASSERT_TRUE(started) << base::describe(started.error());
    }
    static void TearDownTestSuite() {
        delete fleet;
        fleet = nullptr;
    }
    static std::string options(std::string_view more) {
        const auto& region = fleet->topology().regions[0];
        const auto password = fleet->secret("eu", "login/app");
        return "host=127.0.0.1 port=" + std::to_string(region.sql.port) + " user=app password=" + password +
               " dbname=tls connect_timeout=5 " + std::string(more);
    }
    inline static TempFleet* fleet = nullptr;
};

TEST_F(SqlTls, ClientsSpeakItAndVerifyTheDoor) {
    const std::string verify = "sslmode=verify-full sslrootcert=" + (fleet->folder() / "ca.pem").string();
    SqlClient client(options(verify));
    ASSERT_TRUE(client.connected()) << client.error();
    EXPECT_NE(PQsslInUse(client.raw()), 0);
    // Larger than a TLS record, both ways, and several messages in one.
    const std::string large(3'000'000, 'x');
    EXPECT_EQ(client.run("INSERT INTO users (user_id, note) VALUES ($1, $2)", {"1", large}).tag,
              "INSERT 0 1");
    EXPECT_EQ(client.run("SELECT note FROM users WHERE user_id = 1").value().size(), large.size());
    EXPECT_EQ(client.copy_in("COPY users FROM STDIN", "2\ta\n3\tb\n").tag, "COPY 2");
    SqlClient plain(options("sslmode=disable"));
    EXPECT_TRUE(plain.connected()) << "TLS is offered, not asked for";
    SqlClient other(
        options("sslmode=verify-full sslrootcert=" + (fleet->state().node_authority("eu")).string()));
    EXPECT_FALSE(other.connected()) << "an authority that has not signed the door";
}

TEST_F(SqlTls, ClientsMaySpeakItAtOnce) {
    // PostgreSQL 17: direct TLS with the ALPN protocol "postgresql", no SSLRequest before.
    const auto connect = [&](std::string_view protocol) {
        const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                                   SSL_CTX_free);
        const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(fleet->topology().regions[0].sql.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        const std::unique_ptr<SSL, void (*)(SSL*)> tls(SSL_new(context.get()), SSL_free);
        const std::string alpn = static_cast<char>(protocol.size()) + std::string(protocol);
        SSL_set_alpn_protos(tls.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                            static_cast<unsigned>(alpn.size()));
        SSL_set_fd(tls.get(), socket);
        std::string got = "no handshake";
        if (SSL_connect(tls.get()) == 1) {
            // StartupMessage 3.0: the door asks for SCRAM.
            const std::string body =
                std::string("\0\3\0\0", 4) + std::string("user\0app\0database\0tls\0\0", 23);
            const std::string start = std::string("\0\0\0", 3) + static_cast<char>(body.size() + 4) + body;
            SSL_write(tls.get(), start.data(), static_cast<int>(start.size()));
            std::array<char, 9> answer{};
            SSL_read(tls.get(), answer.data(), answer.size());
            got = answer[0] == 'R' && answer[8] == 10 ? "SASL" : "something else";
        }
        ::close(socket);
        return got;
    };
    EXPECT_EQ(connect("postgresql"), "SASL");
    EXPECT_EQ(connect("http/1.1"), "no handshake");
}

TEST_F(SqlTls, NodesAreReachedByItAlone) {
    SqlClient client(options("sslmode=disable"));
    ASSERT_TRUE(client.run("SELECT count(*) FROM users").good);
    auto node = fleet->connect("one.eu-west-1.w", "postgres");
    const auto all = node.run(
        "SELECT usename, bool_and(ssl), count(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING "
        "(pid) WHERE usename IN ('domicile_gateway', 'domicile_replication') GROUP BY 1 ORDER BY 1",
        std::chrono::seconds{5});
    ASSERT_TRUE(all) << base::describe(all.error());
    ASSERT_EQ(all->front().rows.size(), 2U);
    for (const auto& row : all->front().rows) {
        EXPECT_EQ(row[1], "t") << *row[0];
    }
    EXPECT_ANY_THROW(std::ignore = fleet->connect("one.eu-west-1.w", "domicile_gateway"))
        << "in clear: refused";
}

TEST_F(SqlTls, ANodeOfAnotherAuthorityIsNotSpokenTo) {
    // The reader gets a certificate that nobody trusts; gateways must leave it alone.
    const auto authority = crypto::make_authority("impostor", std::chrono::days{30});
    const std::vector<std::string> hosts = {"127.0.0.1"};
    const auto certificate = crypto::make_certificate(*authority, "impostor", hosts, std::chrono::days{10});
    const auto data = fleet->state().data("one.eu-west-1.r1");
    const auto write_in_place = [&](const char* name, const std::string& text) {
        // Its owner and mode stay.
        std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen((data / name).c_str(), "w"), std::fclose);
        ASSERT_TRUE(file);
        std::fputs(text.c_str(), file.get());
    };
    write_in_place("server.crt", certificate->certificate);
    write_in_place("server.key", certificate->key.reveal());
    auto reader = fleet->connect("one.eu-west-1.r1", "postgres");
    ASSERT_TRUE(reader.run("SELECT pg_reload_conf()", std::chrono::seconds{5}));
    // Connections that stand are the reader's own; end them, so that new ones are tried.
    ASSERT_TRUE(eventually([&] {
        std::ignore = reader.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN "
            "('domicile_gateway', 'domicile_monitor')",
            std::chrono::seconds{5});
        SqlClient client(options("sslmode=disable"));
        for (const auto& row : client.run("SHOW domicile.nodes").rows) {
            if (row[0] == "one.eu-west-1.r1" && row[4] == "no") {
                return true;
            }
        }
        return false;
    }));
    SqlClient client(options("sslmode=disable"));
    EXPECT_TRUE(client.run("SELECT count(*) FROM users").good) << "the writer serves";
}

TEST_F(SqlTls, AServiceShowsACertificateInsteadOfAPassword) {
    const auto with = [](const std::string& certificate, const std::string& user) {
        const auto folder = fleet->folder().string() + "/";
        return SqlClient(
            "host=127.0.0.1 port=" + std::to_string(fleet->topology().regions[0].sql.port) + " user=" + user +
            " dbname=tls connect_timeout=5 sslmode=verify-full sslrootcert=" + folder +
            "ca.pem sslcert=" + folder + certificate + ".pem sslkey=" + folder + certificate + ".key");
    };
    auto billing = with("billing", "billing");
    ASSERT_TRUE(billing.connected()) << billing.error();
    EXPECT_TRUE(billing.run("INSERT INTO users (user_id, note) VALUES (77, 'x')").good);
    auto report = with("report", "report");
    ASSERT_TRUE(report.connected()) << report.error();
    EXPECT_EQ(report.run("SELECT note FROM users WHERE user_id = 77").sqlstate, "42501")
        << "its role's policies count";
    EXPECT_FALSE(with("billing", "report").connected()) << "another's name";
    EXPECT_FALSE(with("billing", "app").connected()) << "a login with a password of its own";
    EXPECT_FALSE(with("unknown", "unknown").connected()) << "nobody the topology knows";
    EXPECT_FALSE(with("forged", "billing").connected()) << "signed by somebody else";
    auto none = SqlClient("host=127.0.0.1 port=" + std::to_string(fleet->topology().regions[0].sql.port) +
                          " user=billing dbname=tls connect_timeout=5 sslmode=require password=x");
    EXPECT_FALSE(none.connected()) << "no certificate";
}

}  // namespace
}  // namespace domicile

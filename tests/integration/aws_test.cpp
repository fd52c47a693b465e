// The drivers of the vault: one suite for local files and for AWS, on a server that checks every signature.
// And a whole fleet whose secrets live there.

#include "cloud/aws_keys.hpp"
#include "cloud/aws_queue.hpp"
#include "cloud/aws_secrets.hpp"
#include "cloud/aws_store.hpp"
#include "cloud/http_call.hpp"
#include "cloud/local_keys.hpp"
#include "cloud/local_secrets.hpp"
#include "crypto/hash.hpp"
#include "fleet/context.hpp"
#include "fleet/rotation.hpp"
#include "sql_door.hpp"
#include "support/cloud_conformance.hpp"
#include "support/queue_conformance.hpp"
#include "support/runtime_api.hpp"
#include "support/store_conformance.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <boost/json.hpp>

namespace domicile {
namespace {

namespace fs = std::filesystem;
using base::Code;
using test_support::check_key_service;
using test_support::check_secret_store;

/// Ends with the test program: it reads from a pipe that we hold open.
class AwsServer {
  public:
    AwsServer() : port_(test_support::free_port_block(1)) {
        const std::string command = "exec " DOMICILE_AWS_PYTHON " " DOMICILE_SOURCE_DIR
                                    "/tests/aws/server.py " +
                                    std::to_string(port_) + " > " + ready_.string();
        fs::remove(ready_);
        pipe_ = ::popen(command.c_str(), "w");
        for (int i = 0; i < 600 && fs::exists(ready_) ? fs::file_size(ready_) == 0 : i < 600; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds{50});
        }
    }
    AwsServer(const AwsServer&) = delete;
    AwsServer& operator=(const AwsServer&) = delete;
    ~AwsServer() {
        ::pclose(pipe_);
        fs::remove(ready_);
    }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] cloud::AwsAccess access(const std::string& secret = "secret") const {
        return {[secret]() -> base::Result<cloud::AwsCredentials> {
                    return cloud::AwsCredentials{"test", base::Secret<std::string>(secret), {}};
                },
                url()};
    }
    /// What an administrator does once for a region: the key, and its name.
    void make_key(const std::string& region, const std::string& alias) const {
        const cloud::AwsService kms(access(), region, "kms", "TrentService");
        const auto made = kms.run("CreateKey", {});
        ASSERT_TRUE(made) << base::describe(made.error());
        ASSERT_TRUE(kms.run("CreateAlias",
                            {{"AliasName", alias}, {"TargetKeyId", made->at("KeyMetadata").at("KeyId")}}));
    }

    /// A bucket, as infrastructure code makes it; with object lock, or without.
    void make_bucket(const std::string& name, bool locked) const {
        const std::string path = "/" + name;
        std::vector<std::pair<std::string, std::string>> headers = {{"content-type", "application/xml"},
                                                                    {"host", url().substr(7)}};
        if (locked) {
            headers.emplace_back("x-amz-bucket-object-lock-enabled", "true");
        }
        const std::string body =
            "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></"
            "CreateBucketConfiguration>";
        headers.emplace_back("x-amz-content-sha256", crypto::hex(crypto::view(crypto::sha256(body))));
        const auto added =
            cloud::sign({.method = "PUT", .path = path, .query = "", .headers = headers, .body = body},
                        *access().credentials(), "eu-west-1", "s3", std::time(nullptr));
        cloud::HttpCall request{.url = url() + path, .method = "PUT", .headers = headers, .body = body};
        request.headers.insert(request.headers.end(), added.begin(), added.end());
        const auto made = cloud::call(request);
        ASSERT_TRUE(made);
        ASSERT_EQ(made->status, 200) << made->body;
    }

  private:
    std::uint16_t port_;
    fs::path ready_ = fs::temp_directory_path() / ("domicile-aws." + std::to_string(::getpid()));
    FILE* pipe_ = nullptr;
};

class Drivers : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        server = new AwsServer;
        for (const auto* region : {"eu-west-1", "eu-central-1", "eu-west-2"}) {
            server->make_key(region, "alias/domicile");
        }
    }
    static void TearDownTestSuite() {
        delete server;
        server = nullptr;
    }
    inline static AwsServer* server = nullptr;
};

TEST_F(Drivers, StoreOfS3) {
    server->make_bucket("store", false);
    cloud::AwsStore store(server->access(), "eu-west-1", "store");
    test_support::store_conformance(store);
    for (int i = 0; i < 1'005; i += 67) {
        ASSERT_TRUE(store.put_if_absent("many/" + std::to_string(i), "x"));
    }
    EXPECT_EQ(store.list("many/").value().size(), 15U);
    cloud::AwsStore stranger(server->access("wrong"), "eu-west-1", "store");
    EXPECT_EQ(stranger.get("a/b").error().code, Code::not_permitted);
    // Locked objects outlive whoever would delete them.
    server->make_bucket("locked", true);
    cloud::AwsStore locked(server->access(), "eu-west-1", "locked", 10);
    const auto kept = locked.put_if_absent("a", "kept");
    ASSERT_TRUE(kept) << base::describe(kept.error()) << kept.error().detail;
    EXPECT_EQ(locked.get("a").value(), "kept");
}

TEST_F(Drivers, QueueOfSqs) {
    int number = 0;
    test_support::queue_conformance([&] {
        auto queue =
            std::make_unique<cloud::AwsQueue>(server->access(), "eu-west-1", "q" + std::to_string(++number));
        const auto made = queue->create();
        EXPECT_TRUE(made) << base::describe(made.error());
        return queue;
    });
    cloud::AwsQueue stranger(server->access("wrong"), "eu-west-1", "q1");
    EXPECT_EQ(stranger.depth().error().code, base::Code::not_permitted);
    cloud::AwsQueue nowhere(server->access(), "eu-west-1", "no-such-queue");
    EXPECT_EQ(nowhere.depth().error().code, base::Code::not_found);
}

class Folder {
  public:
    Folder() {
        std::string pattern = (fs::temp_directory_path() / "domicile_cloud.XXXXXX").string();
        path = ::mkdtemp(pattern.data());
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { fs::remove_all(path); }
    fs::path path;
};

/// Servers of others, with the same suites: what one of them takes by mistake, the other may not.
TEST_F(Drivers, SecondOpinionsOnS3AndSqs) {
    const std::string node = fs::path(DOMICILE_AWS_PYTHON).parent_path().parent_path() / "node";
    if (!fs::exists(node)) {
        GTEST_SKIP() << "NOT RUN: Node.js 20 and npm are not here, so S3 and SQS have one opinion only";
    }
    const Folder folder;
    const fs::path ports = folder.path / "ports";
    ::setenv("DOMICILE_AWS_NODE", node.c_str(), 1);
    FILE* pipe = ::popen(("exec node " DOMICILE_SOURCE_DIR "/tests/aws/second.mjs " + folder.path.string() +
                          "/s3 > " + ports.string())
                             .c_str(),
                         "w");
    std::string s3;
    std::string sqs;
    for (int i = 0; i < 400 && !(std::ifstream(ports) >> s3 >> sqs); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    const auto access = [](const std::string& port, const char* key, const char* secret) {
        return cloud::AwsAccess{[=]() -> base::Result<cloud::AwsCredentials> {
                                    return cloud::AwsCredentials{key, base::Secret<std::string>(secret), {}};
                                },
                                "http://127.0.0.1:" + port};
    };
    // s3rver knows no conditional put: what it is asked for is its opinion on our signatures, byte for byte.
    cloud::AwsStore store(access(s3, "S3RVER", "S3RVER"), "us-east-1", "store");
    EXPECT_EQ(store.get("a/b").error().code, Code::not_found);
    std::string binary(70'000, '\0');
    std::ranges::generate(binary, [i = 0]() mutable { return static_cast<char>(31 * i++); });
    for (const std::string key : {"a/b", "a/empty", "documents/eu-1/000000/000000042", "b/-_.x_1.pdf"}) {
        ASSERT_TRUE(store.put(key, key == "a/empty" ? "" : binary)) << key;
        EXPECT_EQ(store.get(key).value(), key == "a/empty" ? "" : binary) << key;
    }
    const auto some = store.list("a/");
    ASSERT_TRUE(some) << base::describe(some.error()) << some.error().detail;
    EXPECT_EQ(some->size(), 2U);
    cloud::AwsStore stranger(access(s3, "S3RVER", "wrong"), "us-east-1", "store");
    EXPECT_EQ(stranger.get("a/b").error().code, Code::not_permitted);
    int number = 0;
    test_support::queue_conformance([&] {
        auto queue = std::make_unique<cloud::AwsQueue>(access(sqs, "test", "secret"), "eu-west-1",
                                                       "q" + std::to_string(++number));
        const auto made = queue->create();
        EXPECT_TRUE(made) << base::describe(made.error());
        return queue;
    });
    ::pclose(pipe);
}

TEST_F(Drivers, LocalKeysConform) {
    const Folder one;
    const Folder two;
    cloud::LocalKeys keys(one.path, "k");
    cloud::LocalKeys other(two.path, "k");
    check_key_service(keys, other);
}

TEST_F(Drivers, LocalSecretsConform) {
    const Folder folder;
    cloud::LocalSecrets secrets(folder.path);
    check_secret_store(secrets);
}

TEST_F(Drivers, KmsConforms) {
    cloud::AwsKeys keys(server->access(), "eu-west-1", "alias/domicile");
    cloud::AwsKeys other(server->access(), "eu-west-2", "alias/domicile");
    check_key_service(keys, other);
}

TEST_F(Drivers, SecretsManagerConforms) {
    cloud::AwsSecrets secrets(server->access(), "eu-west-1", "domicile/test/", "alias/domicile");
    check_secret_store(secrets);
}

TEST_F(Drivers, AWrongSignatureIsRefusedAndSaidWithoutTheSecret) {
    cloud::AwsSecrets secrets(server->access("wrong"), "eu-west-1", "x/", "");
    const auto refused = secrets.list("");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::not_permitted);
    EXPECT_EQ(base::describe(refused.error()).find("wrong"), std::string::npos);
}

TEST_F(Drivers, NobodyThereIsOutOfReachNotAnAbsentSecret) {
    const Folder folder;
    cloud::LocalSecrets local(folder.path / "gone");
    EXPECT_EQ(local.get("a", cloud::Stage::current).error().code, Code::node_unavailable);
    auto access = server->access();
    access.endpoint = "http://127.0.0.1:" + std::to_string(test_support::free_port_block(1));
    cloud::AwsSecrets aws(access, "eu-west-1", "x/", "");
    EXPECT_EQ(aws.get("a", cloud::Stage::current).error().code, Code::node_unavailable);
    cloud::AwsKeys nokey(server->access(), "eu-west-1", "alias/nobody");
    EXPECT_EQ(nokey.generate({}).error().code, Code::configuration);
}

TEST_F(Drivers, AWholeFleetKeepsItsSecretsThere) {
    const Folder folder;
    const auto file = folder.path / "credentials";
    std::ofstream(file) << "# ours\n[other]\naws_access_key_id = x\n[default]\naws_access_key_id=test\n"
                           "aws_secret_access_key = secret\n";
    fs::permissions(folder.path, fs::perms(0755));  // gateways are another user
    fs::permissions(file, fs::perms(0644));
    ::setenv("AWS_SHARED_CREDENTIALS_FILE", file.c_str(), 1);
    const std::string topology =
        std::string(shop_topology) + "\n[vault]\ndriver = \"aws\"\nendpoint = \"" + server->url() + "\"\n";
    TempFleet fleet(DOMICILE_BINARY, topology, shop_migrations);
    const auto started = fleet.start();
    ASSERT_TRUE(started) << base::describe(started.error());
    EXPECT_FALSE(fs::exists(fleet.state().vault("eu-west-1")));
    const auto options = [&] {
        return "host=127.0.0.1 port=" + std::to_string(fleet.topology().regions[0].sql.port) +
               " user=app dbname=shop connect_timeout=5 password=" + fleet.secret("eu", "login/app");
    };
    SqlClient client(options());
    ASSERT_TRUE(client.connected()) << client.error();
    ASSERT_TRUE(client.run("INSERT INTO users (user_id, name) VALUES (1, 'p1')").good);
    vault::RotationOptions rotation;
    rotation.settle = std::chrono::seconds{0};
    const auto rotated = fleet::rotate_role(fleet.secrets(), "eu", fleet::roles::gateway, rotation);
    ASSERT_TRUE(rotated) << base::describe(rotated.error());
    EXPECT_EQ(fleet.secrets().login("eu", fleet::roles::gateway)->user, "domicile_gateway_b");
    SqlClient after(options());
    EXPECT_EQ(after.run("SELECT name FROM users WHERE user_id = 1").value(), "p1");
    // Sealed before it travels: not even the store sees a password.
    cloud::AwsSecrets store(server->access(), "eu-west-1", "domicile/shop/", "alias/domicile");
    const auto stored = store.get("eu/db/domicile_gateway", cloud::Stage::current);
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->bytes.find("password"), std::string::npos);
}

TEST_F(Drivers, AWholeFleetCountsThroughSqsAndKeepsInS3) {
    const Folder folder;
    const auto file = folder.path / "credentials";
    std::ofstream(file) << "[default]\naws_access_key_id=test\naws_secret_access_key = secret\n";
    fs::permissions(folder.path, fs::perms(0755));
    fs::permissions(file, fs::perms(0644));
    ::setenv("AWS_SHARED_CREDENTIALS_FILE", file.c_str(), 1);
    cloud::AwsQueue queue(server->access(), "eu-west-1", "counted");
    ASSERT_TRUE(queue.create());
    server->make_bucket("kept-eu", false);
    cloud::AwsStore store(server->access(), "eu-west-1", "kept-eu");
    TempFleet fleet(DOMICILE_BINARY,
                    test_support::small_topology() + "audit = [\"insert\"]\n" +
                        "[statistics.sales]\ntable = \"orders\"\npersons_min = 2\nrest_s = 0\n" +
                        "[queue]\ndriver = \"sqs\"\nname = \"counted\"\nendpoint = \"" + server->url() +
                        "\"\n" + "[store]\ndriver = \"s3\"\nbucket = \"kept\"\nendpoint = \"" +
                        server->url() + "\"\n");
    const auto started = fleet.start();
    ASSERT_TRUE(started) << base::describe(started.error());
    auto client = fleet.connect("eu-1.eu-west-1.w", fleet::roles::owner);
    auto central = fleet.connect("central", fleet::roles::owner);
    std::string all = "INSERT INTO users (user_id, country) SELECT u, 'DE' FROM generate_series(1, 20) AS u";
    ASSERT_TRUE(client.run(all, std::chrono::seconds{5}));
    for (int order = 0; order < 5; ++order) {
        ASSERT_TRUE(client.run(
            "INSERT INTO orders SELECT u, " + std::to_string(order) + " FROM generate_series(1, 20) AS u",
            std::chrono::seconds{5}));
    }
    EXPECT_TRUE(test_support::eventually([&] {
        return fleet::single_value(central, "SELECT sum(value)::bigint FROM domicile.figures").value() ==
               "100";
    }));
    EXPECT_TRUE(test_support::eventually([&] { return store.list("documents/eu-1/").value().size() == 100; }))
        << "and each has its document";
    EXPECT_TRUE(store.get("documents/eu-1/000000/000000100").value().starts_with("DOMD1"));
    EXPECT_EQ(queue.depth().value().waiting, 0U);
    EXPECT_EQ(fleet::single_value(central, "SELECT count(*) FROM domicile.queue").value(), "0");
}

TEST(Lambda, AppliesTheEventsThatTheRuntimeApiHandsIt) {
    TempFleet fleet(DOMICILE_BINARY, test_support::small_topology() +
                                         "[statistics.sales]\ntable = \"orders\"\npersons_min = 2\n");
    const auto started = fleet.start();
    ASSERT_TRUE(started) << base::describe(started.error());
    const auto body = [](int batch) {
        return R"({\"shard\":\"eu-1\",\"batch\":)" + std::to_string(batch) +
               R"(,\"figures\":[[\"sales\",[],{\"count\":\"10\"}]]})";
    };
    const auto record = [](int id, const std::string& text) {
        return R"({"messageId":"m)" + std::to_string(id) +
               R"(","attributes":{"MessageGroupId":"eu-1"},"body":")" + text + "\"}";
    };
    const std::vector<std::string> events = {
        R"({"Records":[)" + record(1, body(1)) + "," + record(2, body(1)) + "," + record(3, body(3)) + "]}",
        R"({"Records":[)" + record(4, body(2)) + "," + record(5, body(3)) + "," + record(6, "poison") + "]}",
        "no event",
    };
    test_support::RuntimeApi api(events);
    const std::string command = "AWS_LAMBDA_RUNTIME_API=127.0.0.1:" + std::to_string(api.port()) +
                                " " DOMICILE_BINARY " lambda -t " + fleet.options().topology_file.string() +
                                " --state " + fleet.options().state.string() + " 2>/dev/null";
    EXPECT_NE(std::system(command.c_str()), 0) << "the API has gone, and so does the function";
    const auto& answers = api.answers();
    ASSERT_EQ(answers.size(), 3U);
    EXPECT_EQ(answers[0], R"(/2018-06-01/runtime/invocation/id-0/response {"batchItemFailures":[]})");
    EXPECT_EQ(
        answers[1],
        R"(/2018-06-01/runtime/invocation/id-1/response {"batchItemFailures":[{"itemIdentifier":"m6"}]})");
    EXPECT_TRUE(answers[2].starts_with("/2018-06-01/runtime/invocation/id-2/error ")) << answers[2];
    auto central = fleet.connect("central", fleet::roles::owner);
    EXPECT_EQ(fleet::single_value(central, "SELECT sum(value)::bigint FROM domicile.figures").value(), "30");
}

}  // namespace
}  // namespace domicile

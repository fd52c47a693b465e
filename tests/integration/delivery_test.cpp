// Every way to an institution keeps one promise: a file appears whole, the same again is no error, another
// under its name is refused and changes nothing. Against a real sshd, and an inbox that speaks HTTP.

#include "documents/delivery.hpp"

#include "crypto/hash.hpp"
#include "support/temp_fleet.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <pwd.h>
#include <random>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace domicile {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using base::Code;
using documents::Destination;

std::string read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string bytes_of(std::size_t size) {
    std::mt19937_64 random(size);
    std::string bytes(size, '\0');
    for (auto& one : bytes) {
        one = static_cast<char>(random());
    }
    return bytes;
}

/// A process of this test's own, ended with it.
class Server {
  public:
    explicit Server(const std::vector<std::string>& words, const char* user = nullptr,
                    const char* libraries = nullptr) {
        pid_ = ::fork();
        if (pid_ == 0) {
            if (user != nullptr && ::geteuid() == 0) {
                const passwd* who = ::getpwnam(user);
                if (who == nullptr || ::setgid(who->pw_gid) != 0 || ::setuid(who->pw_uid) != 0) {
                    ::_exit(126);
                }
            }
            if (libraries != nullptr) {
                ::setenv("LD_LIBRARY_PATH", libraries, 1);
            }
            std::vector<char*> arguments;
            for (const auto& word : words) {
                arguments.push_back(const_cast<char*>(word.c_str()));
            }
            arguments.push_back(nullptr);
            ::execvp(arguments[0], arguments.data());
            ::_exit(127);
        }
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        end(pid_);
        ::waitpid(pid_, nullptr, 0);
    }

  private:
    /// With those that serve its connections, which are in sessions of their own.
    static void end(pid_t process) {
        std::ifstream children("/proc/" + std::to_string(process) + "/task/" + std::to_string(process) +
                               "/children");
        for (pid_t child = 0; children >> child;) {
            end(child);
        }
        ::kill(process, SIGKILL);
    }
    pid_t pid_;
};

class Delivery : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/domicile-delivery-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        folder_ = name;
        fs::permissions(folder_, fs::perms::all);
        fs::create_directories(shelf());
        fs::permissions(shelf(), fs::perms::all);
    }
    void TearDown() override { fs::remove_all(folder_); }
    [[nodiscard]] fs::path shelf() const { return folder_ / "shelf"; }

    void keeps_its_promise(documents::Delivery& delivery) const {
        const std::string large = bytes_of(1'500'000);
        ASSERT_TRUE(delivery.put("00000001/eu-1.1.pdf", "first")) << "a folder that is not there yet";
        EXPECT_EQ(read(shelf() / "00000001/eu-1.1.pdf"), "first");
        EXPECT_TRUE(delivery.put("00000001/eu-1.1.pdf", "first")) << "again";
        for (const auto* other : {"fir", "First", "first and more", ""}) {
            const auto refused = delivery.put("00000001/eu-1.1.pdf", other);
            ASSERT_FALSE(refused) << other;
            EXPECT_EQ(refused.error().code, Code::precondition_failed) << base::describe(refused.error());
        }
        EXPECT_EQ(read(shelf() / "00000001/eu-1.1.pdf"), "first");
        const auto put = delivery.put("00000001/eu-1.2.pdf", large);
        ASSERT_TRUE(put) << base::describe(put.error());
        EXPECT_EQ(crypto::sha256(read(shelf() / "00000001/eu-1.2.pdf")), crypto::sha256(large));
        EXPECT_TRUE(delivery.put("00000001/eu-1.2.pdf", large));
        for (const auto& entry : fs::recursive_directory_iterator(shelf())) {
            EXPECT_FALSE(entry.path().filename().string().ends_with(".part")) << entry.path();
        }
    }

    fs::path folder_;
};

base::Secret<std::string> secret(std::string text) {
    return base::Secret<std::string>(std::move(text));
}

TEST_F(Delivery, ByDirectory) {
    const auto delivery = documents::delivery_to({"directory:shelf", folder_, {}, {}}).value();
    keeps_its_promise(*delivery);
}

TEST_F(Delivery, ByHttp) {
    const Server office({"python3", DOMICILE_SOURCE_DIR "/tests/delivery/office.py", shelf().string(),
                         (folder_ / "port").string()});
    for (int i = 0; i < 200 && !fs::exists(folder_ / "port"); ++i) {
        std::this_thread::sleep_for(50ms);
    }
    const std::string where = "http://127.0.0.1:" + read(folder_ / "port") + "/";
    const auto delivery = documents::delivery_to({where, {}, secret("let-me-in"), {}}).value();
    keeps_its_promise(*delivery);
    EXPECT_TRUE(delivery->put("00000002/eu-1.3.pdf", "x")->starts_with("receipt "));
    const auto stranger =
        documents::delivery_to({where, {}, secret("wrong-token"), {}}).value()->put("00000002/y", "x");
    ASSERT_FALSE(stranger);
    EXPECT_EQ(base::describe(stranger.error()).find("wrong-token"), std::string::npos);
    std::ofstream(shelf() / "closed") << "";
    EXPECT_EQ(delivery->put("00000002/eu-1.4.pdf", "x").error().code, Code::node_unavailable);
    fs::remove(shelf() / "closed");
    EXPECT_TRUE(delivery->put("00000002/eu-1.4.pdf", "x"));
    // A server that nobody vouches for is not given a document.
    ASSERT_EQ(std::system(("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext "
                           "subjectAltName=IP:127.0.0.1 -days 1 -keyout '" +
                           (folder_ / "key").string() + "' -out '" + (folder_ / "certificate").string() +
                           "' 2>/dev/null")
                              .c_str()),
              0);
    const Server impostor({"python3", DOMICILE_SOURCE_DIR "/tests/delivery/office.py", shelf().string(),
                           (folder_ / "tls-port").string(), (folder_ / "certificate").string(),
                           (folder_ / "key").string()});
    for (int i = 0; i < 200 && !fs::exists(folder_ / "tls-port"); ++i) {
        std::this_thread::sleep_for(50ms);
    }
    const auto unknown = documents::delivery_to(
                             {"https://127.0.0.1:" + read(folder_ / "tls-port"), {}, secret("let-me-in"), {}})
                             .value();
    EXPECT_FALSE(unknown->put("00000003/eu-1.5.pdf", "x"));
    EXPECT_FALSE(fs::exists(shelf() / "00000003"));
}

class BySftp : public Delivery {
  protected:
    /// A copy: whoever serves may not enter the folder of who tests.
    [[nodiscard]] std::string sshd(const char* part) const { return (folder_ / "ssh").string() + part; }
    void SetUp() override {
        Delivery::SetUp();
        fs::copy(fs::canonical(DOMICILE_SSHD), folder_ / "ssh",
                 fs::copy_options::recursive | fs::copy_options::copy_symlinks);
        for (const auto* name : {"host", "other-host", "institution", "stranger"}) {
            ASSERT_EQ(std::system((sshd("/usr/bin/ssh-keygen") + " -q -t ed25519 -N '' -C '' -f '" +
                                   (folder_ / name).string() + "'")
                                      .c_str()),
                      0);
        }
        fs::copy(folder_ / "institution.pub", folder_ / "authorized");
        const auto port = test_support::free_port_block(1);
        std::ofstream(folder_ / "config") << "ListenAddress 127.0.0.1:" << port << "\nHostKey "
                                          << (folder_ / "host").string() << "\nPidFile none\n"
                                          << "AuthorizedKeysFile " << (folder_ / "authorized").string()
                                          << "\nStrictModes no\nUsePAM no\nPasswordAuthentication "
                                             "no\nKbdInteractiveAuthentication no\nSubsystem sftp "
                                          << sshd("/usr/lib/openssh/sftp-server") << "\nForceCommand "
                                          << sshd("/usr/lib/openssh/sftp-server") << "\n";
        // Not root: then it needs no user and no folder of the system.
        const passwd* me = ::getpwuid(::geteuid() == 0 ? ::getpwnam("postgres")->pw_uid : ::geteuid());
        user_ = me->pw_name;
        for (const auto& entry : fs::directory_iterator(folder_)) {
            ASSERT_EQ(::chown(entry.path().c_str(), me->pw_uid, me->pw_gid), 0);
        }
        server_.emplace(
            std::vector<std::string>{sshd("/usr/sbin/sshd"), "-D", "-E", (folder_ / "sshd.log").string(),
                                     "-f", (folder_ / "config").string()},
            user_.c_str(), libraries().c_str());
        where_ = "sftp://" + user_ + "@127.0.0.1:" + std::to_string(port) + shelf().string();
        for (int i = 0; i < 100; ++i) {
            const auto answer = to("host", "institution")->put("00000000/there", "x");
            if (answer || answer.error().detail.find("connect") == std::string::npos) {
                break;
            }
            std::this_thread::sleep_for(50ms);
        }
        fs::remove_all(shelf() / "00000000");
    }
    [[nodiscard]] std::string libraries() const {
        std::string all;
        for (const auto& entry : fs::recursive_directory_iterator(folder_ / "ssh")) {
            if (entry.path().filename().string().starts_with("libwrap.so")) {
                all = entry.path().parent_path().string();
            }
        }
        return all;
    }
    [[nodiscard]] std::string fingerprint(const std::string& key) const {
        std::array<char, 256> line{};
        FILE* pipe = ::popen(
            (sshd("/usr/bin/ssh-keygen") + " -lf '" + (folder_ / key).string() + ".pub'").c_str(), "r");
        std::ignore = std::fgets(line.data(), line.size(), pipe);
        ::pclose(pipe);
        const std::string text = line.data();
        const auto at = text.find("SHA256:") + 7;
        return text.substr(at, text.find(' ', at) - at);
    }
    [[nodiscard]] std::unique_ptr<documents::Delivery> to(const std::string& host_key,
                                                          const std::string& key) const {
        return documents::delivery_to({where_, {}, secret(read(folder_ / key)), fingerprint(host_key)})
            .value();
    }

    std::string user_;
    std::string where_;
    std::optional<Server> server_;
};

TEST_F(BySftp, KeepsItsPromise) {
    keeps_its_promise(*to("host", "institution"));
}

TEST_F(BySftp, GivesNothingToAnotherServerNorWithAnotherKey) {
    const auto impostor = to("other-host", "institution")->put("00000001/eu-1.1.pdf", "x");
    ASSERT_FALSE(impostor);
    EXPECT_EQ(impostor.error().text, "An institution's SFTP server has another key than it should.");
    const auto stranger = to("host", "stranger")->put("00000001/eu-1.1.pdf", "x");
    ASSERT_FALSE(stranger);
    EXPECT_EQ(stranger.error().text, "An institution's SFTP server does not take the key it should know.");
    EXPECT_TRUE(fs::is_empty(shelf()));
}

TEST_F(BySftp, GoesOnAfterTheServerWasAway) {
    const auto delivery = to("host", "institution");
    ASSERT_TRUE(delivery->put("00000001/eu-1.1.pdf", "x"));
    // A part that was left behind by a delivery that died.
    std::ofstream(shelf() / "00000001/.eu-1.2.pdf.part") << "half";
    fs::permissions(shelf() / "00000001/.eu-1.2.pdf.part", fs::perms::all);
    ::chown((shelf() / "00000001/.eu-1.2.pdf.part").c_str(), ::getpwnam(user_.c_str())->pw_uid,
            static_cast<gid_t>(-1));
    server_.reset();
    EXPECT_FALSE(delivery->put("00000001/eu-1.2.pdf", "yy"));
    server_.emplace(
        std::vector<std::string>{sshd("/usr/sbin/sshd"), "-D", "-E", (folder_ / "sshd.log").string(), "-f",
                                 (folder_ / "config").string()},
        user_.c_str(), libraries().c_str());
    bool put = false;
    for (int i = 0; i < 100 && !put; ++i) {
        put = delivery->put("00000001/eu-1.2.pdf", "yy").has_value();
        std::this_thread::sleep_for(50ms);
    }
    EXPECT_TRUE(put);
    EXPECT_EQ(read(shelf() / "00000001/eu-1.2.pdf"), "yy");
}

}  // namespace
}  // namespace domicile

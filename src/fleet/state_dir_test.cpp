#include "fleet/state_dir.hpp"

#include "fleet/conf.hpp"
#include "fleet/fleet.hpp"
#include "fleet/node.hpp"
#include "fleet/ports.hpp"
#include "fleet/secrets.hpp"
#include "fleet/text.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace domicile::fleet {
namespace {
namespace fs = std::filesystem;

class Scratch : public ::testing::Test {
  protected:
    Scratch() {
        std::string pattern = (fs::temp_directory_path() / "domicile_state_test.XXXXXX").string();
        root = ::mkdtemp(pattern.data());
    }
    ~Scratch() override { fs::remove_all(root); }
    static unsigned mode(const fs::path& file) {
        struct stat status{};
        return ::stat(file.c_str(), &status) == 0 ? status.st_mode & 0777U : 0U;
    }
    fs::path root;
    RunAs user{.uid = ::geteuid(), .gid = ::getegid(), .groups = {}, .name = "us", .home = "/"};
};

using StateDirectory = Scratch;
using PidFile = Scratch;
using Lock = Scratch;
using Password = Scratch;
using Reset = Scratch;

topology::Topology one_jurisdiction() {
    topology::Topology topology;
    topology.name = "test";
    topology.jurisdictions.push_back({.name = "eu", .law = "", .countries = {}});
    topology::Region region;
    region.name = "eu-west-1";
    region.writer = true;
    topology.regions.push_back(std::move(region));
    return topology;
}

TEST_F(StateDirectory, IsMadeOnceAndKeepsSecretsPrivate) {
    const StateDir state(root / "a" / "b");
    ASSERT_TRUE(state.create(user));
    ASSERT_TRUE(state.create(user)) << "again";
    EXPECT_EQ(mode(state.secrets()), 0700U);
    EXPECT_EQ(mode(state.nodes()), 0700U);
    EXPECT_TRUE(fs::exists(state.marker()));
}

TEST_F(StateDirectory, IsNotMadeAmongForeignFiles) {
    std::ofstream(root / "thesis.txt") << "years of work";
    const auto made = StateDir(root).create(user);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, base::Code::configuration);
}

TEST_F(StateDirectory, OfTheSameFileIsTheSameWhereverOneStands) {
    const auto topology = one_jurisdiction();
    const auto direct = default_state(topology, root / "domicile.toml");
    EXPECT_EQ(direct, default_state(topology, root / "x" / ".." / "domicile.toml"));
    EXPECT_NE(direct, default_state(topology, root / "other.toml"));
    EXPECT_TRUE(direct.is_absolute());
    EXPECT_TRUE(direct.filename().string().starts_with("test-"));
}

TEST_F(PidFile, SaysWhoRunsAndIgnoresStaleOnes) {
    const auto file = root / "x.pid";
    bool stale = true;
    EXPECT_FALSE(running(file, &stale));
    EXPECT_FALSE(stale) << "no file at all";
    const auto self = existing(::getpid());
    ASSERT_TRUE(self);
    ASSERT_TRUE(write_file(file, pid_text(*self), 0644, nullptr));
    ASSERT_TRUE(running(file, &stale));
    EXPECT_FALSE(stale);
    auto reused = *self;
    ++reused.started;
    ASSERT_TRUE(write_file(file, pid_text(reused), 0644, nullptr));
    EXPECT_FALSE(running(file, &stale));
    EXPECT_TRUE(stale) << "the pid lives, but it is another process";
    for (const std::string text : {"", "x", "12", "12 y", "-1 5", "0 5", "1 2 3"}) {
        EXPECT_FALSE(parse_pid(text)) << text;
    }
}

TEST_F(Lock, IsHeldByOneSupervisorWhosePidItTells) {
    const StateDir state(root / "s");
    ASSERT_TRUE(state.create(user));
    EXPECT_FALSE(SupervisorLock::holder(state));
    {
        const auto first = SupervisorLock::take(state);
        ASSERT_TRUE(first && *first);
        const auto second = SupervisorLock::take(state);
        ASSERT_TRUE(second);
        EXPECT_FALSE(*second);
        EXPECT_EQ(SupervisorLock::holder(state), ::getpid());
    }
    EXPECT_FALSE(SupervisorLock::holder(state));
}

TEST_F(Password, IsMadeOncePerJurisdictionAndRole) {
    const StateDir state(root / "s");
    ASSERT_TRUE(state.create(user));
    const auto topology = one_jurisdiction();
    const Secrets secrets(topology, state);
    ASSERT_TRUE(secrets.make(user));
    const auto first = secrets.login("eu", roles::gateway);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->password.reveal().size(), 43U) << "32 bytes as base64url";
    ASSERT_TRUE(secrets.make(user));
    EXPECT_EQ(secrets.login("eu", roles::gateway)->password.reveal(), first->password.reveal());
    EXPECT_NE(secrets.login("eu", roles::owner)->password.reveal(), first->password.reveal());
    EXPECT_FALSE(secrets.login("us", roles::owner));
    for (const auto& folder : {state.vault("eu-west-1"), state.keys("eu-west-1")}) {
        EXPECT_EQ(mode(folder), 0700U);
        for (const auto& entry : fs::recursive_directory_iterator(folder)) {
            EXPECT_EQ(mode(entry.path()), entry.is_directory() ? 0700U : 0600U) << entry.path();
            if (entry.is_regular_file()) {
                const auto text = read_file(entry.path());
                ASSERT_TRUE(text);
                EXPECT_EQ(text->find(first->password.reveal()), std::string::npos) << entry.path();
            }
        }
    }
}

TEST_F(Password, OfCentralIsNotThatOfAJurisdiction) {
    auto topology = one_jurisdiction();
    topology.jurisdictions[0].name = "central";
    topology.central.emplace();
    const StateDir state(root / "s");
    ASSERT_TRUE(state.create(user));
    EXPECT_FALSE(Secrets(topology, state).make(user));
}

TEST(ScramVerifier, IsPostgresqlsFormAndTheSameForTheSamePassword) {
    const base::Secret<std::string> password("pencil");
    const auto verifier = scram_verifier(password);
    EXPECT_TRUE(verifier.starts_with("SCRAM-SHA-256$4096:"));
    EXPECT_EQ(verifier.size(), 19U + 24U + 1U + 44U + 1U + 44U);
    EXPECT_EQ(verifier, scram_verifier(password));
    EXPECT_NE(verifier, scram_verifier(base::Secret<std::string>("pencils")));
}

TEST_F(Reset, DeletesOnlyWhatBearsOurMarker) {
    const auto topology = one_jurisdiction();
    Options options;
    options.state = root / "s";
    EXPECT_TRUE(reset(topology, options)) << "nothing there";
    fs::create_directories(options.state / "nodes");
    const auto refused = reset(topology, options);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(fs::exists(options.state / "nodes"));
    fs::remove_all(options.state);
    ASSERT_TRUE(StateDir(options.state).create(user));
    EXPECT_TRUE(reset(topology, options));
    EXPECT_FALSE(fs::exists(options.state));
}

TEST_F(Reset, RefusesWhileASupervisorLives) {
    Options options;
    options.state = root / "s";
    const StateDir state(options.state);
    ASSERT_TRUE(state.create(user));
    const auto lock = SupervisorLock::take(state);
    EXPECT_FALSE(reset(one_jurisdiction(), options));
    EXPECT_TRUE(fs::exists(state.marker()));
}

TEST_F(StateDirectory, KeepsOneOldLog) {
    const auto file = root / "x.log";
    std::ofstream(file) << "0123456789";
    rotate_log(file, 11);
    EXPECT_TRUE(fs::exists(file));
    rotate_log(file, 10);
    EXPECT_FALSE(fs::exists(file));
    EXPECT_EQ(fs::file_size(root / "x.log.1"), 10U);
}

TEST(Postmaster, IsReadFromItsPidFileAtEveryStage) {
    const std::string start = "4711\n/d\n1700000000\n7500\n\n127.0.0.1\n";
    EXPECT_FALSE(parse_postmaster(""));
    EXPECT_FALSE(parse_postmaster("x\n"));
    EXPECT_EQ(parse_postmaster("4711\n")->pid, 4711);
    EXPECT_EQ(parse_postmaster(start)->port, 7500);
    EXPECT_FALSE(parse_postmaster(start)->ready);
    EXPECT_TRUE(parse_postmaster(start + "  1 2\nready   \n")->ready);
    EXPECT_FALSE(parse_postmaster(start + "  1 2\nstandby \n")->ready) << "it does not take connections yet";
    EXPECT_TRUE(parse_postmaster(start + "  1 2\nstopping\n")->stopping);
}

TEST(Listeners, AreFoundByPortInTheKernelsTable) {
    constexpr std::string_view table =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:1D4C 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 9001 1 0 "
        "100 0\n"
        "   1: 0100007F:1D4C 0100007F:ABCD 01 00000000:00000000 00:00000000 00000000   101        0 9002 1 0 "
        "20 4\n"
        "   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 9003 1 0 "
        "100 0\n";
    EXPECT_EQ(listener_inodes(table, 7500), std::vector<std::string>{"9001"});
    EXPECT_EQ(listener_inodes(table, 22), std::vector<std::string>{"9003"});
    EXPECT_TRUE(listener_inodes(table, 1).empty());
}

}  // namespace
}  // namespace domicile::fleet

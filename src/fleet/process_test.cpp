#include "fleet/process.hpp"

#include "fleet/unit.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace domicile::fleet {
namespace {
namespace fs = std::filesystem;
using namespace std::chrono_literals;

RunAs ourselves() {
    return RunAs{.uid = ::geteuid(), .gid = ::getegid(), .groups = {}, .name = "us", .home = "/"};
}

/// The log of all tests here, gone with the program.
const fs::path& log_file() {
    struct File {
        fs::path path = fs::temp_directory_path() / ("domicile_process_test." + std::to_string(::getpid()));
        ~File() {
            std::error_code error;
            fs::remove(path, error);
        }
    };
    static const File file;
    return file.path;
}

Command shell(const std::string& script) {
    return {.arguments = {"/bin/sh", "-c", script}, .environment = {"PATH=/usr/bin:/bin"}, .log = log_file()};
}

TEST(ProcStat, IsFoundBehindAnyProgramName) {
    const std::string fields = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21";
    for (const std::string name : {"(postgres)", "(a b)", "(a) R 1)", "(()"}) {
        const auto stat = parse_stat("42 " + name + fields);
        ASSERT_TRUE(stat) << name;
        EXPECT_EQ(stat->state, 'S');
        EXPECT_EQ(stat->started, 4711U);
    }
    EXPECT_FALSE(parse_stat(""));
    EXPECT_FALSE(parse_stat("42 (x"));
    EXPECT_FALSE(parse_stat("42 (x) S 1 2"));
}

TEST(Process, IsKnownByPidAndStartTime) {
    auto process = spawn(shell("exec sleep 60"), ourselves());
    ASSERT_TRUE(process);
    EXPECT_TRUE(alive(*process));
    auto other = *process;
    other.child = false;
    EXPECT_TRUE(alive(other));
    ++other.started;
    EXPECT_FALSE(alive(other)) << "the pid was given to another process";
    send_signal(*process, SIGKILL);
    EXPECT_TRUE(wait_gone(*process, 5s));
}

TEST(Process, ThatIsAZombieIsDead) {
    auto process = spawn(shell("exit 0"), ourselves());
    ASSERT_TRUE(process);
    auto adopted = *process;
    adopted.child = false;
    EXPECT_TRUE(wait_gone(adopted, 5s)) << "nobody has reaped it";
    EXPECT_FALSE(existing(process->pid));
    EXPECT_FALSE(alive(*process));
}

TEST(Process, RunsInItsOwnSessionWithTheGivenEnvironmentOnly) {
    ::setenv("PGPASSWORD", "of the operator", 1);
    auto command =
        shell("test -z \"$PGPASSWORD\" && test \"$(ps -o sid= -p $$ | tr -d ' ')\" = $$ && pwd | grep -qx /");
    command.environment = child_environment(ourselves());
    const auto done = run_to_end(command, ourselves(), 10s, [] { return false; });
    EXPECT_TRUE(done) << base::describe(done.error());
}

TEST(Process, ThatFailsShowsTheEndOfItsLog) {
    const auto done =
        run_to_end(shell("echo first; echo the reason >&2; exit 3"), ourselves(), 10s, [] { return false; });
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().detail.find("the reason"), std::string::npos);
}

TEST(Process, IsEndedWhenItTakesTooLongOrIsToldTo) {
    const auto late = run_to_end(shell("sleep 60"), ourselves(), 100ms, [] { return false; });
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, base::Code::node_timeout);
    const auto told = run_to_end(shell("sleep 60"), ourselves(), 1h, [] { return true; });
    EXPECT_FALSE(told);
}

TEST(Process, OfAMissingProgramIsAClearError) {
    Command command = shell("");
    command.arguments = {"/nowhere/postgres"};
    const auto process = spawn(command, ourselves());
    ASSERT_FALSE(process);
    EXPECT_EQ(process.error().text, "cannot start /nowhere/postgres");
}

TEST(Backoff, DoublesFrom200MillisecondsTo10SecondsAndStartsAnewAfterHealth) {
    Backoff backoff;
    std::vector<std::int64_t> waits;
    for (int i = 0; i < 8; ++i) {
        waits.push_back(backoff.after(1s).count());
    }
    EXPECT_EQ(waits, (std::vector<std::int64_t>{200, 400, 800, 1600, 3200, 6400, 10000, 10000}));
    EXPECT_EQ(backoff.failures(), 8U);
    EXPECT_EQ(backoff.after(31s), 200ms);
    EXPECT_EQ(backoff.failures(), 1U);
}

TEST(Gateway, IsRecognisedByItsCommandLine) {
    const std::vector<std::string> line = {"/usr/bin/domicile", "gateway",   "--topology", "/s/topology.toml",
                                           "--region",          "eu-west-1", "--state",    "/s"};
    EXPECT_TRUE(is_gateway(line, "eu-west-1", "/s"));
    EXPECT_FALSE(is_gateway(line, "eu-west", "/s"));
    EXPECT_FALSE(is_gateway(line, "eu-west-1", "/other"));
    EXPECT_FALSE(is_gateway({"vim", "gateway", "--region"}, "eu-west-1", "/s"));
    EXPECT_FALSE(is_gateway({}, "eu-west-1", "/s"));
}

}  // namespace
}  // namespace domicile::fleet

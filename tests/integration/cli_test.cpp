// The command line as a person uses it: exit codes, messages, Ctrl-C, answers to mistakes.

#include "support/http_client.hpp"
#include "support/temp_fleet.hpp"

#include <fcntl.h>
#include <fstream>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace domicile {
namespace {

using test_support::eventually;

struct Ran {
    int status = -1;
    std::string output;  ///< stdout and stderr
};

/// A command that runs until wait() or signal().
class Command {
  public:
    explicit Command(std::vector<std::string> arguments, const std::string& input = {}) {
        int in[2];
        int out[2];
        EXPECT_EQ(::pipe2(in, O_CLOEXEC), 0);
        EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
        arguments.insert(arguments.begin(), DOMICILE_BINARY);
        std::vector<char*> argv;
        for (std::string& one : arguments) {
            argv.push_back(one.data());
        }
        argv.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(in[0], STDIN_FILENO);
            ::dup2(out[1], STDOUT_FILENO);
            ::dup2(out[1], STDERR_FILENO);
            ::execv(argv[0], argv.data());
            std::_Exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        EXPECT_EQ(::write(in[1], input.data(), input.size()), static_cast<ssize_t>(input.size()));
        ::close(in[1]);
        out_ = out[0];
    }
    void signal(int number) const { ::kill(pid_, number); }
    /// Reads until `part` has been printed.
    bool says(std::string_view part) {
        while (output_.find(part) == std::string::npos) {
            if (!read()) {
                return false;
            }
        }
        return true;
    }
    Ran wait() {
        while (read()) {
        }
        ::close(out_);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), output_};
    }

  private:
    bool read() {
        char piece[4096];
        const ssize_t got = ::read(out_, piece, sizeof piece);
        output_.append(piece, got > 0 ? static_cast<std::size_t>(got) : 0);
        return got > 0;
    }
    pid_t pid_ = -1;
    int out_ = -1;
    std::string output_;
};

Ran run(std::vector<std::string> arguments, const std::string& input = {}) {
    return Command(std::move(arguments), input).wait();
}

class Cli : public testing::Test {
  protected:
    std::vector<std::string> with_fleet(std::vector<std::string> arguments) const {
        arguments.insert(arguments.end(), {"-t", fleet_.options().topology_file.string(), "--state",
                                           fleet_.options().state.string()});
        return arguments;
    }
    // Only the files of a fleet: the processes are started by the commands under test.
    test_support::TempFleet fleet_{DOMICILE_BINARY};
};

TEST_F(Cli, ExplainsItselfAndAnswersMistakes) {
    for (const std::string command : {"check", "up", "down", "status", "reset", "load", "gateway"}) {
        const Ran help = run({command, "--help"});
        EXPECT_EQ(help.status, 0) << command;
        EXPECT_NE(help.output.find("Example"), std::string::npos) << command << " shows no example";
    }
    struct Row {
        std::vector<std::string> arguments;
        int status;
        std::string says;
    };
    const Row rows[] = {
        {{}, 2, "subcommand"},
        {{"dance"}, 2, "dance"},
        {{"up", "--nope"}, 2, "--nope"},
        {{"check", "/no/such/file.toml"}, 1, "There is no file /no/such/file.toml"},
        {{"status", "-t", "/no/such/file.toml"}, 1, "--topology"},
        {{"load"}, 2, "spec"},
        {{"gateway"}, 2, "--region"},
        {{"--version"}, 0, "0."},
    };
    for (const Row& row : rows) {
        const Ran ran = run(row.arguments);
        EXPECT_EQ(ran.status, row.status) << ran.output;
        EXPECT_NE(ran.output.find(row.says), std::string::npos) << ran.output;
    }
    const Ran nowhere = run(with_fleet({"gateway", "--region", "mars-1"}));
    EXPECT_EQ(nowhere.status, 1);
    EXPECT_NE(nowhere.output.find("no region mars-1"), std::string::npos) << nowhere.output;
}

TEST_F(Cli, ChecksATopologyForPeopleAndForPrograms) {
    const auto file = fleet_.folder() / "bad.toml";
    std::string text = test_support::small_topology();
    text.replace(text.find("[1_000, 2_000]"), 14, "[500, 2_000]");
    text.replace(text.find("@FIRST@"), 7, "7500");
    for (std::size_t at = 0, port = 20'000; (at = text.find("@PORT@")) != std::string::npos; ++port) {
        text.replace(at, 6, std::to_string(port));
    }
    std::ofstream(file) << text << "nonsense = 1\n";
    const Ran people = run({"check", file.string()});
    EXPECT_EQ(people.status, 1);
    EXPECT_NE(people.output.find("2 findings"), std::string::npos) << people.output;
    EXPECT_NE(people.output.find(file.string() + ":"), std::string::npos) << people.output;
    const Ran programs = run({"check", file.string(), "--json"});
    EXPECT_EQ(programs.status, 1);
    const auto document = boost::json::parse(programs.output).as_object();
    EXPECT_FALSE(document.at("ok").as_bool());
    EXPECT_EQ(document.at("findings").as_array().size(), 2U);
    EXPECT_GT(document.at("findings").as_array()[0].at("line").as_int64(), 1);
}

TEST_F(Cli, CtrlCStopsEverythingInOrder) {
    Command up(with_fleet({"up"}));
    ASSERT_TRUE(up.says("everything is up"));
    test_support::HttpClient door(fleet_.topology().regions[0].http);
    EXPECT_EQ(door.get("/readyz").status, 200);
    up.signal(SIGINT);
    const Ran ran = up.wait();
    EXPECT_EQ(ran.status, 0) << ran.output;
    const auto gateway = ran.output.find("gateway.eu-west-1 stopped");
    const auto reader = ran.output.find("eu-1.eu-central-1.r1 stopped");
    const auto writer = ran.output.find("eu-1.eu-west-1.w stopped");
    EXPECT_TRUE(gateway < reader && reader < writer && writer != std::string::npos) << ran.output;
    EXPECT_FALSE(std::filesystem::exists(fleet_.state().data("eu-1.eu-west-1.w") / "postmaster.pid"));
    EXPECT_EQ(door.get("/healthz").status, 0) << "nobody listens any more";
}

TEST_F(Cli, CtrlCWhileStartingLeavesNothingBehind) {
    Command up(with_fleet({"up", "--detach"}));
    ASSERT_TRUE(up.says("is ready"));  // the first node
    up.signal(SIGINT);
    const Ran ran = up.wait();
    EXPECT_NE(ran.status, 0) << ran.output;
    EXPECT_TRUE(eventually([&] {
        return run(with_fleet({"down"})).status == 0 &&
               !std::filesystem::exists(fleet_.state().data("eu-1.eu-west-1.w") / "postmaster.pid");
    }));
    // And the next start goes through.
    ASSERT_EQ(run(with_fleet({"up", "--detach"})).status, 0);
    EXPECT_EQ(run(with_fleet({"down"})).status, 0);
}

TEST_F(Cli, RunsInTheBackgroundAndShowsWhatRuns) {
    const Ran up = run(with_fleet({"up", "--detach"}));
    ASSERT_EQ(up.status, 0) << up.output;
    const Ran again = run(with_fleet({"up", "--detach"}));
    EXPECT_EQ(again.status, 0) << again.output;
    EXPECT_NE(again.output.find("already up"), std::string::npos) << again.output;
    const Ran early = run(with_fleet({"reset", "--yes"}));
    EXPECT_EQ(early.status, 1) << "what runs is not deleted: " << early.output;

    const auto status = boost::json::parse(run(with_fleet({"status", "--json"})).output).as_object();
    const auto& region = status.at("regions").as_array().at(0).as_object();
    EXPECT_EQ(region.at("name").as_string(), "eu-west-1");
    EXPECT_EQ(region.at("jurisdiction").as_string(), "eu");
    EXPECT_TRUE(region.at("http").as_string().starts_with("http://127.0.0.1:"));
    EXPECT_TRUE(region.at("sql").as_string().starts_with("postgresql://127.0.0.1:"));
    const auto& shard = status.at("shards").as_array().at(0).as_object();
    EXPECT_EQ(shard.at("name").as_string(), "eu-1");
    EXPECT_EQ(shard.at("ranges").as_array().at(0).as_array().at(1).as_int64(), 1'000);
    EXPECT_TRUE(shard.contains("writer"));
    EXPECT_EQ(shard.at("readers").as_array().size(), 1U);

    Command watch(with_fleet({"status", "--watch"}));
    EXPECT_TRUE(watch.says("eu-1"));
    watch.signal(SIGINT);
    EXPECT_EQ(watch.wait().status, 0);

    EXPECT_EQ(run(with_fleet({"down"})).status, 0);
    EXPECT_EQ(run(with_fleet({"down"})).status, 0) << "nothing running is no failure";
    const Ran kept = run(with_fleet({"reset"}), "no\n");
    EXPECT_EQ(kept.status, 1);
    EXPECT_NE(kept.output.find("Nothing was deleted"), std::string::npos);
    EXPECT_EQ(run(with_fleet({"reset"}), "small\n").status, 0);
    EXPECT_FALSE(std::filesystem::exists(fleet_.options().state));
}

}  // namespace
}  // namespace domicile

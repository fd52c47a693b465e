// Nodes given as addresses: the gateway finds the writer, follows a promotion, and is not fooled by an old
// writer that comes back. Nothing acknowledged is lost.

#include "support/http_client.hpp"
#include "support/temp_fleet.hpp"
#include "topology/parse.hpp"

#include <fstream>
#include <signal.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace domicile {
namespace {

using test_support::eventually;
using test_support::HttpClient;
using test_support::json_member;

void pg_ctl(const std::filesystem::path& data, const std::string& what) {
    const std::string as_postgres =
        ::geteuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --init-groups " : "";
    const std::string command = as_postgres + "$(pg_config --bindir)/pg_ctl -D '" + data.string() + "' -w " +
                                what + " >/dev/null 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

TEST(Failover, IsFollowedAndAnOldWriterIsNotBelieved) {
    std::string text = test_support::small_topology();
    text.replace(text.find("durable = false"), 15, "durable = true");
    test_support::TempFleet fleet(DOMICILE_BINARY, text);
    const pid_t supervisor = fleet.start_process();
    ASSERT_GT(supervisor, 0);
    // From here on nobody but this test looks after the nodes.
    ::kill(supervisor, SIGKILL);
    ::waitpid(supervisor, nullptr, 0);

    const auto& first = fleet.node("eu-1.eu-west-1.w");
    const auto& second = fleet.node("eu-1.eu-central-1.r1");
    const auto old_data = fleet.state().data(first.name);
    const auto new_data = fleet.state().data(second.name);

    // The same shard, now as two addresses without roles.
    std::ifstream in(fleet.options().topology_file);
    std::stringstream whole;
    whole << in.rdbuf();
    std::string listed = whole.str();
    const auto door_port = test_support::free_port_block(2);
    const auto http = "127.0.0.1:" + std::to_string(fleet.topology().regions[0].http.port);
    listed.replace(listed.find(http), http.size(), "127.0.0.1:" + std::to_string(door_port));
    const auto sql = "127.0.0.1:" + std::to_string(fleet.topology().regions[0].sql.port);
    listed.replace(listed.find(sql), sql.size(), "127.0.0.1:" + std::to_string(door_port + 1));
    const std::string readers = "readers = [\"eu-central-1\"]";
    listed.replace(listed.find(readers), readers.size(),
                   "nodes = [\"127.0.0.1:" + std::to_string(first.address.port) +
                       "\", \"127.0.0.1:" + std::to_string(second.address.port) + "\"]");
    // The ports of nodes that would be embedded here are taken by the listed ones.
    const auto first_port = listed.find("first_port = ");
    listed.replace(first_port, listed.find('\n', first_port) - first_port,
                   "first_port = " + std::to_string(test_support::free_port_block(16)));
    const auto file = fleet.folder() / "listed.toml";
    std::ofstream(file) << listed;
    const auto parsed = topology::parse(listed);
    ASSERT_TRUE(parsed.ok()) << topology::render(parsed.findings[0], "listed.toml");
    const pid_t gateway = ::fork();
    if (gateway == 0) {
        ::execl(DOMICILE_BINARY, DOMICILE_BINARY, "gateway", "-t", file.c_str(), "--state",
                fleet.options().state.c_str(), "--region", "eu-west-1", nullptr);
        std::_Exit(127);
    }
    HttpClient door({"127.0.0.1", door_port});
    ASSERT_TRUE(eventually([&] { return door.get("/readyz").status == 200; }));

    const auto created = door.post("/v1/users", R"({"country":"DE"})");
    ASSERT_EQ(created.status, 201) << created.body;
    const std::string person = created.header("Location");
    int acknowledged = 0;
    int next = 0;
    const auto write = [&] {
        const auto answer = door.post(person + "/orders", R"({"order_no":)" + std::to_string(next++) + "}");
        acknowledged += answer.status == 201 ? 1 : 0;
        return answer.status;
    };
    for (int i = 0; i < 50; ++i) {
        ASSERT_EQ(write(), 201);
    }

    pg_ctl(old_data, "stop -m fast");  // a fast stop waits until the reader has everything
    EXPECT_EQ(door.get(person).status, 200) << "readers go on";
    const int refused = write();
    EXPECT_TRUE(refused == 503 || refused == 502) << refused;
    {
        auto client = fleet.connect(second.name, "postgres");
        ASSERT_TRUE(client.run("SELECT pg_promote()", std::chrono::seconds{30}));
    }
    EXPECT_TRUE(eventually([&] { return write() == 201; }, std::chrono::seconds{10}));

    // The old writer comes back as if nothing had happened. Both accept writes; only the newer timeline is
    // believed.
    pg_ctl(old_data, "-l /dev/null start");
    ASSERT_TRUE(eventually([&] {
        const auto metrics = door.get("/metrics").body;
        std::size_t writers = 0;
        for (std::size_t at = 0; (at = metrics.find("domicile_node_writer{", at)) != std::string::npos;
             ++at) {
            writers += metrics.substr(metrics.find("} ", at), 3) == "} 1" ? 1 : 0;
        }
        return writers == 2;
    }));
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(write(), 201);
        EXPECT_EQ(door.get(person + "/orders/" + std::to_string(next - 1)).status, 200);
    }
    auto now = fleet.connect(second.name, "postgres");
    auto old = fleet.connect(first.name, "postgres");
    const auto kept = now.run("SELECT count(*) FROM orders", std::chrono::seconds{10});
    const auto stale = old.run("SELECT count(*) FROM orders", std::chrono::seconds{10});
    ASSERT_TRUE(kept && stale);
    EXPECT_GE(std::stoi(*kept->front().rows[0][0]), acknowledged) << "nothing acknowledged is lost";
    EXPECT_LE(std::stoi(*stale->front().rows[0][0]), 51) << "nothing new went to the old writer";

    ::kill(gateway, SIGTERM);
    int status = 0;
    ::waitpid(gateway, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the gateway drains and leaves in order";
    pg_ctl(old_data, "stop -m immediate");
    pg_ctl(new_data, "stop -m immediate");
}

}  // namespace
}  // namespace domicile

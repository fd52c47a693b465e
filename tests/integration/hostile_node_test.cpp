// A gateway whose nodes misbehave: a man in the middle replaces replies of a real PostgreSQL. Whatever is
// said, the gateway lives, its memory is bounded, the client hears an error or nothing more, nobody hears
// another's rows, and the connection is never used again.

#include "support/hostile_node.hpp"

#include "support/sql_client.hpp"
#include "support/temp_fleet.hpp"
#include "topology/parse.hpp"

#include <csignal>
#include <fstream>
#include <poll.h>
#include <random>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace domicile {
namespace {

using namespace std::chrono_literals;
using test_support::eventually;
using test_support::HostileNode;
using test_support::message;
using test_support::SqlClient;
using test_support::TempFleet;
using Act = HostileNode::Act;
using Then = HostileNode::Act::Then;
using Reply = std::vector<std::string>;

constexpr std::string_view topology_text = R"toml(
name = "shop"
[database]
name = "shop"
migrations = "schema"
[jurisdictions.eu]
rest_of_world = true
[regions.eu-west-1]
jurisdiction = "eu"
writer = true
http = "127.0.0.1:@PORT@"
sql = "127.0.0.1:@PORT@"
[shards.eu-1]
ranges = [[0, 1_000]]
writer = "eu-west-1"
#nodes
[shards.eu-2]
ranges = [[1_000, 2_000]]
writer = "eu-west-1"
#nodes
[embedded]
first_port = @FIRST@
durable = false
[tables.users]
key = "user_id"
person = true
[limits]
node_connections_max = 2
)toml";

const std::map<std::string, std::string> migrations = {
    {"0001_shop.sql",
     "CREATE TABLE users (user_id bigint PRIMARY KEY, name text, age int NOT NULL DEFAULT 0);"}};

// The gateway may hold a message of 64 MiB before it knows that it is nonsense
// (limits::wire_message_bytes_max).
// Sanitizers keep what is freed.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr std::size_t grown_kib_max = 1U << 20U;
#else
constexpr std::size_t grown_kib_max = 96U << 10U;
#endif

std::size_t memory_kib(pid_t pid, const std::string& what) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/status");
    std::string line;
    while (std::getline(in, line)) {
        if (line.starts_with(what + ":")) {
            return std::stoul(line.substr(what.size() + 1));
        }
    }
    return 0;
}

// ---- Messages ----

std::string u16(std::size_t value) {
    return {static_cast<char>(value >> 8U), static_cast<char>(value & 0xFFU)};
}
std::string u32(std::size_t value) {
    return u16(value >> 16U) + u16(value & 0xFFFFU);
}
std::string row(const std::vector<std::string>& fields) {
    std::string body = u16(fields.size());
    for (const auto& field : fields) {
        body += u32(field.size()) + field;
    }
    return message('D', body);
}
const std::string stolen = row({"8", "stolen"});
const std::string ready = message('Z', "I");
std::string report(char type, std::string_view fields) {
    std::string body;
    for (const char c : fields) {
        body += c == '|' ? '\0' : c;
    }
    return message(type, body + std::string(2, '\0'));
}
std::string joined(const Reply& reply) {
    std::string all;
    for (const auto& one : reply) {
        all += one;
    }
    return all;
}
/// The reply with `extra` before its first message of `type`.
std::string before(const Reply& reply, char type, const std::string& extra) {
    std::string all;
    bool done = false;
    for (const auto& one : reply) {
        all += !done && one[0] == type ? extra : "";
        done = done || one[0] == type;
        all += one;
    }
    return all;
}
std::string without(const Reply& reply, char type) {
    std::string all;
    for (const auto& one : reply) {
        all += one[0] == type ? "" : one;
    }
    return all;
}
std::string headed(char type, std::size_t length, std::size_t bytes) {
    return std::string(1, type) + u32(length) + std::string(bytes, 'x');
}

// ---- What is asked ----

enum class Ask : std::uint8_t { simple, extended, gathered, gathered_groups, several, copy_out };

struct Question {
    std::string sql;
    std::vector<const char*> values;
    std::string marker;  ///< in what the node is sent, and in nothing else
};

Question question(Ask ask) {
    switch (ask) {
        case Ask::simple:
            return {"SELECT user_id, name FROM users WHERE user_id = 7 AND name <> 'trap'", {}, "trap"};
        case Ask::extended:
            return {
                "SELECT user_id, name FROM users WHERE user_id = $1 AND name <> $2", {"7", "trap"}, "trap"};
        case Ask::gathered:
            return {"SELECT user_id, name FROM users WHERE user_id IN (7, 1007) ORDER BY user_id, name",
                    {},
                    "name, user_id, name FROM"};
        case Ask::gathered_groups:
            return {
                "SELECT min(user_id), name FROM users WHERE user_id IN (7, 1007) GROUP BY name ORDER BY 1",
                {},
                "SELECT name, min(user_id)"};
        case Ask::several:
            return {
                "UPDATE users SET age = age + 1 WHERE user_id IN (7, 1007) AND name <> 'trap' RETURNING "
                "user_id, name",
                {},
                "trap"};
        case Ask::copy_out:
            return {"COPY (SELECT user_id, name FROM users WHERE user_id = 7 AND name <> 'trap') TO STDOUT",
                    {},
                    "trap"};
    }
    return {};
}

bool send(SqlClient& client, const Question& question) {
    if (question.values.empty()) {
        return PQsendQuery(client.raw(), question.sql.c_str()) == 1;
    }
    return PQsendQueryParams(client.raw(), question.sql.c_str(), static_cast<int>(question.values.size()),
                             nullptr, question.values.data(), nullptr, nullptr, 0) == 1;
}

/// What the client hears, until the statement ends, the connection does, or the time is over.
struct Heard {
    std::string rows;
    bool error = false;
    bool in_time = true;
};
Heard hear(SqlClient& client, std::chrono::milliseconds time = 10s) {
    Heard heard;
    PGconn* raw = client.raw();
    const auto deadline = std::chrono::steady_clock::now() + time;
    for (;;) {
        while (PQisBusy(raw) != 0) {
            pollfd one{PQsocket(raw), POLLIN, 0};
            const auto left = deadline - std::chrono::steady_clock::now();
            const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
            if (ms <= 0 || ::poll(&one, 1, static_cast<int>(ms)) == 0) {
                heard.in_time = false;
                return heard;
            }
            if (PQconsumeInput(raw) == 0) {
                heard.error = true;
                return heard;
            }
        }
        PGresult* result = PQgetResult(raw);
        if (result == nullptr) {
            return heard;
        }
        const auto status = PQresultStatus(result);
        if (status == PGRES_COPY_OUT || status == PGRES_COPY_IN || status == PGRES_COPY_BOTH) {
            PQclear(result);
            heard.error = heard.error || status != PGRES_COPY_OUT;
            if (status != PGRES_COPY_OUT) {
                return heard;
            }
            char* line = nullptr;
            int got = 0;
            while ((got = PQgetCopyData(raw, &line, 0)) > 0) {
                heard.rows += std::string(line, static_cast<std::size_t>(got));
                PQfreemem(line);
            }
            continue;
        }
        const auto taken = SqlClient::take(result);
        heard.error = heard.error || !taken.good;
        heard.rows += (heard.rows.empty() || taken.rows.empty() ? "" : ";") + taken.text();
    }
}

/// Client and node.
enum class Client : std::uint8_t {
    listens,  ///< until the end of the answer: an error or the end of the connection
    leaves,   ///< the node does not come to an end: the client waits a while, and goes
};

struct Case {
    const char* name;
    Ask ask;
    HostileNode::Misbehaviour misbehaviour;
    Client client = Client::listens;
    bool endures = false;  ///< nothing is out of step: the connection may go on
};

Act garbage(const Reply& /*reply*/) {
    std::mt19937 random(20'261'125);  // a seed
    std::string bytes;
    for (int i = 0; i < 4096; ++i) {
        bytes += static_cast<char>(random());
    }
    return {bytes, {}, Then::hang_up};
}
Act nonsense_length(const Reply& reply, char type, std::size_t length) {
    return {reply[0] + headed(type, length, 40'000), {}, Then::hang_up};
}

const std::string notice = report('N', "SNOTICE|C00000|Mwait");

const std::vector<Case>& cases() {
    static const std::string parameter = message('S', std::string("application_name\0x\0", 19));
    static const std::vector<Case> all = {
        {"garbage", Ask::simple, garbage},
        {"garbage, extended", Ask::extended, garbage},
        {"garbage, gathered", Ask::gathered, garbage},
        {"garbage, several", Ask::several, garbage},
        {"half a message", Ask::simple,
         [](const Reply& reply) { return Act{reply[0] + reply[1].substr(0, 9), {}, Then::hang_up}; }},
        {"closed within a row that is passed in pieces", Ask::simple,
         [](const Reply& reply) { return nonsense_length(reply, 'D', 50'000); }},
        {"closed within a row, gathered", Ask::gathered,
         [](const Reply& reply) { return nonsense_length(reply, 'D', 50'000); }},
        {"a row of 2 GiB", Ask::simple,
         [](const Reply& reply) { return nonsense_length(reply, 'D', 0x80000000U); }},
        {"a row of 2 GiB, gathered", Ask::gathered,
         [](const Reply& reply) { return nonsense_length(reply, 'D', 0x80000000U); }},
        {"a row of negative length", Ask::simple,
         [](const Reply& reply) { return nonsense_length(reply, 'D', 0xFFFFFFFFU); }},
        {"a length below its own", Ask::simple,
         [](const Reply& reply) { return nonsense_length(reply, 'D', 3); }},
        {"a description of 2 GiB", Ask::simple,
         [](const Reply& /*reply*/) { return Act{headed('T', 0x7FFFFFFFU, 40'000), {}, Then::silence}; }},
        {"a description of 2 GiB, several", Ask::several,
         [](const Reply& /*reply*/) { return Act{headed('T', 0x7FFFFFFFU, 40'000), {}, Then::silence}; }},
        {"one ReadyForQuery more", Ask::simple,
         [](const Reply& reply) { return Act{joined(reply) + ready}; }},
        {"one ReadyForQuery more, extended", Ask::extended,
         [](const Reply& reply) { return Act{joined(reply) + ready}; }},
        {"one ReadyForQuery more, gathered", Ask::gathered,
         [](const Reply& reply) { return Act{joined(reply) + ready}; }},
        {"a second reply behind the first", Ask::simple,
         [](const Reply& reply) {
             return Act{joined(reply) + reply[0] + stolen + message('C', std::string("SELECT 1", 9)) + ready};
         }},
        {"a second reply behind the first, extended", Ask::extended,
         [](const Reply& reply) {
             return Act{joined(reply) + message('1', "") + message('2', "") + reply[2] + stolen +
                        message('C', std::string("SELECT 1", 9)) + ready};
         }},
        {"a row behind CommandComplete, extended", Ask::extended,
         [](const Reply& reply) { return Act{before(reply, 'Z', stolen)}; }},
        {"a row behind CommandComplete, gathered", Ask::gathered,
         [](const Reply& reply) { return Act{before(reply, 'Z', stolen)}; }},
        // Taken for a row of the next hidden answer, COMMIT's, and dropped with it.
        {"a row behind ReadyForQuery, several", Ask::several,
         [](const Reply& reply) { return Act{joined(reply) + stolen}; }, Client::listens, true},
        {"a row behind ReadyForQuery", Ask::simple,
         [](const Reply& reply) { return Act{joined(reply) + stolen}; }},
        {"ReadyForQuery first", Ask::simple,
         [](const Reply& reply) { return Act{ready + without(reply, 'Z')}; }},
        {"BindComplete before ParseComplete", Ask::extended,
         [](const Reply& reply) {
             return Act{message('2', "") + message('1', "") + before(reply, '1', "")};
         }},
        {"ParseComplete left out", Ask::extended,
         [](const Reply& reply) { return Act{without(reply, '1')}; }},
        {"CommandComplete left out, extended", Ask::extended,
         [](const Reply& reply) { return Act{without(reply, 'C')}; }},
        {"a ReadyForQuery of unknown state", Ask::simple,
         [](const Reply& reply) { return Act{without(reply, 'Z') + message('Z', "X")}; }},
        {"a new key and a new login", Ask::simple,
         [](const Reply& reply) {
             return Act{message('R', u32(0)) + message('K', u32(1) + u32(2)) + joined(reply)};
         }},
        {"COPY data nobody asked for", Ask::simple,
         [](const Reply& reply) { return Act{before(reply, 'D', message('d', "8\tstolen\n"))}; }},
        {"a COPY that ends twice", Ask::copy_out,
         [](const Reply& reply) {
             return Act{before(reply, 'C', message('c', "") + message('d', "8\tstolen\n"))};
         }},
        {"COPY from the client in the place of rows", Ask::simple,
         [](const Reply& /*reply*/) {
             return Act{message('G', std::string("\0\0\0", 3)), {}, Then::silence};
         },
         Client::listens},
        {"a description cut short, gathered", Ask::gathered,
         [](const Reply& reply) { return Act{before(reply, 'T', message('T', u16(60'000)))}; }},
        {"fields of negative length, gathered", Ask::gathered,
         [](const Reply& reply) {
             return Act{before(reply, 'D', message('D', u16(4) + u32(0xFFFFFFF0U) + std::string(40, 'x')))};
         }},
        {"more fields than described, gathered", Ask::gathered,
         [](const Reply& reply) { return Act{before(reply, 'D', row({"1", "2", "3", "4", "5", "6"}))}; }},
        {"fields beyond the row, groups", Ask::gathered_groups,
         [](const Reply& reply) { return Act{before(reply, 'D', message('D', u16(9) + u32(100) + "x"))}; }},
        {"an error without SQLSTATE", Ask::simple,
         [](const Reply& /*reply*/) { return Act{report('E', "SERROR|Mno") + ready}; }, Client::listens,
         true},
        {"an error without SQLSTATE, gathered", Ask::gathered,
         [](const Reply& /*reply*/) { return Act{report('E', "SERROR|Mno") + ready}; }, Client::listens,
         true},
        {"an error without SQLSTATE, several", Ask::several,
         [](const Reply& /*reply*/) { return Act{report('E', "SERROR|Mno") + ready}; }, Client::listens,
         true},
        {"an error without an end", Ask::simple,
         [](const Reply& /*reply*/) { return Act{message('E', "SERROR") + ready}; }, Client::listens, true},
        {"a last word and the end", Ask::simple,
         [](const Reply& /*reply*/) {
             return Act{report('E', "SFATAL|VFATAL|C57P01|Mbye"), {}, Then::hang_up};
         }},
        {"closed without a word", Ask::several,
         [](const Reply& /*reply*/) { return Act{"", {}, Then::hang_up}; }},
        {"silence", Ask::simple, [](const Reply& /*reply*/) { return Act{"", {}, Then::silence}; },
         Client::leaves},
        {"silence within a message", Ask::extended,
         [](const Reply& reply) {
             return Act{reply[0] + reply[1] + reply[2].substr(0, 7), {}, Then::silence};
         },
         Client::leaves},
        {"rows without end", Ask::simple, [](const Reply& reply) { return Act{reply[0], row({"7", "p7"})}; },
         Client::leaves},
        {"rows without end, extended", Ask::extended,
         [](const Reply& reply) { return Act{reply[0] + reply[1] + reply[2], row({"7", "p7"})}; },
         Client::leaves},
        {"one row without end", Ask::simple,
         [](const Reply& reply) {
             return Act{reply[0] + headed('D', 0x3FFFFFFFU, 9'000), std::string(9'000, 'x')};
         },
         Client::leaves},
        {"notices without end", Ask::simple, [](const Reply& /*reply*/) { return Act{"", notice}; },
         Client::leaves},
        {"rows without end, gathered", Ask::gathered,
         [](const Reply& reply) {
             return Act{reply[0] + reply[1] + reply[2],
                        row({"7", "p7", std::string("\0\0\0\0\0\0\0\7", 8), "p7"})};
         },
         Client::leaves},
        {"rows without end, groups", Ask::gathered_groups,
         [](const Reply& reply) { return Act{reply[0] + reply[1] + reply[2], row({"p7", "7"})}; }},
        {"a second reply behind the first, several", Ask::several,
         [](const Reply& reply) {
             return Act{joined(reply) + stolen + message('C', std::string("SELECT 1", 9)) + ready};
         }},
        {"rows without end, copy", Ask::copy_out,
         [](const Reply& reply) { return Act{reply[0], message('d', "7\tp7\n")}; }, Client::leaves},
        {"settings without end", Ask::extended, [](const Reply& /*reply*/) { return Act{"", parameter}; },
         Client::leaves},
    };
    return all;
}

/// Where the gateway asks in its own name, and passes nothing on until it has the answer.
const std::vector<Case>& hidden_cases() {
    static const std::vector<Case> all = {
        {"notices without end, gathered", Ask::gathered,
         [](const Reply& /*reply*/) { return Act{"", notice}; }},
        {"rows without end, several", Ask::several,
         [](const Reply& reply) { return Act{reply[0] + reply[1] + reply[2], row({"7", "p7"})}; }},
        {"notices without end, several", Ask::several,
         [](const Reply& /*reply*/) { return Act{"", notice}; }},
        {"silence, gathered", Ask::gathered,
         [](const Reply& /*reply*/) { return Act{"", {}, Then::silence}; }, Client::leaves},
    };
    return all;
}

class Hostile : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        fleet = new TempFleet(DOMICILE_BINARY, topology_text, migrations);
        const auto started = fleet->start();
        ASSERT_TRUE(started) << base::describe(started.error());
        for (int i = 0; i < 2; ++i) {
            nodes[i] = new HostileNode(fleet->topology().nodes[static_cast<std::size_t>(i)].address.port);
        }
        // The same shards behind the men in the middle, served by a gateway of our own.
        std::ifstream in(fleet->options().topology_file);
        std::stringstream whole;
        whole << in.rdbuf();
        std::string text = whole.str();
        const auto replace = [&](const std::string& what, const std::string& with) {
            text.replace(text.find(what), what.size(), with);
        };
        for (const HostileNode* node : nodes) {
            replace("#nodes", "nodes = [\"127.0.0.1:" + std::to_string(node->port()) + "\"]");
        }
        port = test_support::free_port_block(2);
        const auto& region = fleet->topology().regions[0];
        replace("http = \"127.0.0.1:" + std::to_string(region.http.port),
                "http = \"127.0.0.1:" + std::to_string(port + 1));
        replace("sql = \"127.0.0.1:" + std::to_string(region.sql.port),
                "sql = \"127.0.0.1:" + std::to_string(port));
        const auto file = fleet->folder() / "hostile.toml";
        std::ofstream(file) << text;
        const auto parsed = topology::parse(text);
        ASSERT_TRUE(parsed.ok()) << topology::render(parsed.findings[0], "hostile.toml");
        gateway = ::fork();
        if (gateway == 0) {
            ::execl(DOMICILE_BINARY, DOMICILE_BINARY, "gateway", "-t", file.c_str(), "--state",
                    fleet->options().state.c_str(), "--region", "eu-west-1", nullptr);
            std::_Exit(127);
        }
        ASSERT_TRUE(eventually([] {
            SqlClient client(options());
            return client.run("SELECT count(*) FROM users").good;
        }));
        SqlClient client(options());
        for (const char* id : {"7", "8", "1007"}) {
            const auto made =
                client.run("INSERT INTO users (user_id, name) VALUES ($1, $2)", {id, "p" + std::string(id)});
            ASSERT_TRUE(made.good) << made.message;
        }
        right(client);
        calm_kib = memory_kib(gateway, "VmRSS");
    }
    static void TearDownTestSuite() {
        if (gateway > 0) {
            ::kill(gateway, SIGTERM);
            int status = 0;
            ::waitpid(gateway, &status, 0);
            EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "it drains and leaves in order";
        }
        for (HostileNode*& node : nodes) {
            delete node;
            node = nullptr;
        }
        delete fleet;
        fleet = nullptr;
    }
    static std::string options() {
        const auto password = fleet->secret("eu", "login/app");
        return "host=127.0.0.1 port=" + std::to_string(port) + " user=app password=" + password +
               " dbname=shop connect_timeout=5";
    }
    /// Every way of asking gives the right rows.
    static void right(SqlClient& client) {
        EXPECT_EQ(client.run("SELECT name FROM users WHERE user_id = 7").text(), "p7") << client.error();
        EXPECT_EQ(client.run("SELECT name FROM users WHERE user_id = $1", {"7"}).text(), "p7")
            << client.error();
        EXPECT_EQ(client.run("SELECT name FROM users WHERE user_id IN (7, 1007) ORDER BY user_id").text(),
                  "p7;p1007")
            << client.error();
    }
    static void run(const std::vector<Case>& table);
    static bool running() { return ::waitpid(gateway, nullptr, WNOHANG) == 0; }

    static TempFleet* fleet;
    static HostileNode* nodes[2];
    static std::uint16_t port;
    static pid_t gateway;
    static std::size_t calm_kib;
};
TempFleet* Hostile::fleet = nullptr;
HostileNode* Hostile::nodes[2] = {};
std::uint16_t Hostile::port = 0;
pid_t Hostile::gateway = -1;
std::size_t Hostile::calm_kib = 0;

void Hostile::run(const std::vector<Case>& table) {
    // All the while somebody else asks the same node over the same pool of two connections.
    std::atomic<int> asked{0};
    std::jthread other([&](const std::stop_token& done) {
        SqlClient client(options());
        while (!done.stop_requested()) {
            const auto answer = client.run("SELECT user_id, name FROM users WHERE user_id = 8");
            EXPECT_EQ(answer.text(), "8|p8") << answer.message;
            ++asked;
        }
    });
    HostileNode& node = *nodes[0];
    for (const Case& each : table) {
        SCOPED_TRACE(each.name);
        const auto began = std::chrono::steady_clock::now();
        {
            SqlClient client(options());
            const Question what = question(each.ask);
            node.arm(what.marker, each.misbehaviour);
            ASSERT_TRUE(send(client, what)) << client.error();
            if (each.client == Client::listens) {
                const Heard heard = hear(client);
                EXPECT_TRUE(heard.in_time);
                EXPECT_EQ(heard.rows.find("stolen"), std::string::npos) << heard.rows;
                EXPECT_TRUE(heard.error || heard.rows == "7|p7" || heard.rows == "7|p7;1007|p1007")
                    << heard.rows;
            } else {
                ASSERT_TRUE(eventually([&] { return node.misbehaved(); }));
                ASSERT_TRUE(node.said_bytes() == 0 || eventually([&] { return node.blocked(); }))
                    << "the gateway takes all that is said: " << node.said_bytes();
                EXPECT_FALSE(node.left());
            }
            ASSERT_TRUE(node.misbehaved());
        }
        EXPECT_TRUE(each.endures || eventually([&] { return node.left(); })) << "the connection lives on";
        EXPECT_TRUE(running());
        EXPECT_LT(memory_kib(gateway, "VmRSS"), calm_kib + grown_kib_max);
        SqlClient client(options());
        right(client);
        const auto ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
        if (std::getenv("DOMICILE_TEST_VERBOSE") != nullptr || ms > 3s) {
            std::printf("%5d ms, %6zu KiB: %s\n", static_cast<int>(ms.count()), memory_kib(gateway, "VmRSS"),
                        each.name);
        }
        if (!running() || HasFatalFailure()) {
            break;
        }
    }
    other.request_stop();
    other.join();
    EXPECT_GT(asked, 0);
    EXPECT_LT(memory_kib(gateway, "VmHWM"), calm_kib + grown_kib_max);
}

TEST_F(Hostile, NodesHarmNobody) {
    run(cases());
}

TEST_F(Hostile, NodesHarmNobodyWhereTheGatewayAsks) {
    run(hidden_cases());
}

TEST_F(Hostile, NodesMaySayWhatTheyWantToNobody) {
    // A reply that comes before anybody asks would be taken for the answer to the next question.
    const std::string reply =
        report('N', "SNOTICE|C00000|Mx") + stolen + message('C', std::string("SELECT 1", 9)) + ready;
    for (const auto& bytes : {reply, ready, report('E', "SFATAL|C57P01|Mbye"), std::string("x")}) {
        SqlClient client(options());
        right(client);
        EXPECT_GE(nodes[0]->say_unasked(bytes), 1U);
        right(client);
    }
    EXPECT_TRUE(running());
}

TEST_F(Hostile, NodesThatDieOverWordsOfOursAreReportedOnce) {
    // The gateway says the session's settings to a connection before the client's messages. If the node dies
    // there, each of these has one answer still: one more would be taken for the answer to the next question.
    SqlClient client(options());
    EXPECT_TRUE(client.run("SET TimeZone = 'Asia/Tokyo'").good);
    SqlClient other(options());
    right(other);  // the connections have other settings again
    nodes[0]->arm("Asia/Tokyo", [](const Reply& /*reply*/) { return Act{"", {}, Then::hang_up}; });
    PGconn* raw = client.raw();
    ASSERT_EQ(PQenterPipelineMode(raw), 1);
    const char* ids[] = {"7", "7", "1007", "8"};
    for (const char*& id : ids) {
        ASSERT_EQ(PQsendQueryParams(raw, "SELECT name FROM users WHERE user_id = $1", 1, nullptr, &id,
                                    nullptr, nullptr, 0),
                  1);
        ASSERT_EQ(PQpipelineSync(raw), 1);
    }
    for (const char* id : ids) {
        const auto answer = SqlClient::take(PQgetResult(raw));
        EXPECT_TRUE(!answer.good || answer.text() == "p" + std::string(id)) << id << " " << answer.text();
        EXPECT_EQ(PQgetResult(raw), nullptr);
        PGresult* sync = PQgetResult(raw);
        EXPECT_EQ(PQresultStatus(sync), PGRES_PIPELINE_SYNC);
        PQclear(sync);
    }
    EXPECT_TRUE(nodes[0]->misbehaved());
    EXPECT_EQ(PQexitPipelineMode(raw), 1);
    right(client);
}

TEST_F(Hostile, NodesThatFallSilentAreGivenUp) {
    SqlClient client(options());
    right(client);
    nodes[0]->freeze(true);
    ASSERT_TRUE(send(client, question(Ask::simple)));
    const Heard heard = hear(client);
    EXPECT_TRUE(heard.in_time && heard.error);
    SqlClient other(options());
    EXPECT_EQ(other.run("SELECT name FROM users WHERE user_id = 1007").text(), "p1007")
        << "other nodes serve";
    EXPECT_FALSE(other.run("SELECT name FROM users WHERE user_id = 7").good);
    nodes[0]->freeze(false);
    EXPECT_TRUE(eventually([] {
        SqlClient again(options());
        return again.run("SELECT name FROM users WHERE user_id = 7").text() == "p7";
    }));
    SqlClient again(options());
    right(again);
}

}  // namespace
}  // namespace domicile

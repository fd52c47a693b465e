// The sample's data through `domicile load` into the sample's topology: every row at home, to the penny,
// whatever is killed on the way. The expected figures are computed from the source files by awk, not by our
// code.

#include "support/http_client.hpp"
#include "support/temp_fleet.hpp"

#include <fstream>
#include <signal.h>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>

#include <boost/json.hpp>
#include <gtest/gtest.h>

extern char** environ;

namespace domicile {
namespace {

using test_support::TempFleet;
namespace fs = std::filesystem;

const fs::path retail = fs::path(DOMICILE_SOURCE_DIR) / "examples/retail";

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string output_of(const std::string& command) {
    std::string text;
    FILE* pipe = ::popen(command.c_str(), "r");
    char piece[4096];
    for (std::size_t got = 0; (got = std::fread(piece, 1, sizeof piece, pipe)) > 0;) {
        text.append(piece, got);
    }
    EXPECT_EQ(::pclose(pipe), 0) << command;
    return text;
}

std::string with_free_ports(std::string text) {
    for (std::size_t at = 0; (at = text.find("127.0.0.1:", at)) != std::string::npos;) {
        text.replace(at + 10, 4, "@PORT@");
        at += 10;
    }
    text.replace(text.find("first_port = 7500"), 17, "first_port = @FIRST@\ndurable = false");
    text.replace(text.find("first_port = 7910"), 17,
                 "first_port = " + std::to_string(test_support::free_port_block(55)));
    return text;
}

pid_t spawn(const std::vector<std::string>& arguments) {
    std::vector<char*> argv;
    for (const std::string& one : arguments) {
        argv.push_back(const_cast<char*>(one.c_str()));
    }
    argv.push_back(nullptr);
    pid_t pid = -1;
    EXPECT_EQ(::posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), environ), 0);
    return pid;
}

/// "country rows sum" by country, from text lines of the same shape or added up from the shards.
using Figures =
    std::map<std::string, std::pair<std::int64_t, std::int64_t>>;  // ISO → rows, thousandths of a pound

std::int64_t thousandths(const std::string& text) {
    const auto point = text.find('.');
    std::string digits = text.substr(0, point) + (point == std::string::npos ? "" : text.substr(point + 1));
    digits.append(3 - (point == std::string::npos ? 0 : text.size() - point - 1), '0');
    return std::stoll(digits);
}

class Retail : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        fleet = new TempFleet(DOMICILE_BINARY, with_free_ports(read_file(retail / "domicile.toml")),
                              {{"0001_retail.sql", read_file(retail / "schema/0001_retail.sql")}});
        const auto started = fleet->start();
        ASSERT_TRUE(started) << base::describe(started.error());
        // Figures rest until all is loaded, so that each leaves once and whole.
        let_figures_go_after("1 hour");
    }
    static void let_figures_go_after(const std::string& rest) {
        for (const auto& shard : fleet->topology().shards) {
            auto client = fleet->connect(fleet->topology().at(shard.nodes.front()).name, "postgres");
            ASSERT_TRUE(
                client.run("UPDATE domicile.metrics SET rest = '" + rest + "'", std::chrono::seconds{10}));
        }
    }
    /// A command of our own on this fleet: its exit status, and what it says.
    static std::pair<int, std::string> domicile(const std::string& words) {
        const std::string command = std::string(DOMICILE_BINARY) + " " + words + " -t " +
                                    fleet->options().topology_file.string() + " --state " +
                                    fleet->options().state.string() + " 2>&1";
        std::string text;
        FILE* pipe = ::popen(command.c_str(), "r");
        char piece[4096];
        for (std::size_t got = 0; (got = std::fread(piece, 1, sizeof piece, pipe)) > 0;) {
            text.append(piece, got);
        }
        return {WEXITSTATUS(::pclose(pipe)), text};
    }
    /// "shard,user_id,customer_no,kind,country" of every user.
    static fs::path people() {
        const fs::path file = fleet->folder() / "people.csv";
        std::ofstream out(file);
        for (const auto& shard : fleet->topology().shards) {
            auto client = fleet->connect(fleet->topology().at(shard.nodes.front()).name, "postgres");
            const auto found =
                client.run("SELECT user_id, coalesce(customer_no::text, ''), kind, country FROM users",
                           std::chrono::seconds{30});
            EXPECT_TRUE(found);
            for (const auto& row : found->front().rows) {
                out << shard.name << "," << *row[0] << "," << *row[1] << "," << *row[2] << "," << *row[3]
                    << "\n";
            }
        }
        return file;
    }
    static testing::AssertionResult agrees(const std::string& what, const fs::path& with) {
        const std::string command = "python3 " DOMICILE_SOURCE_DIR "/tests/retail/check.py " + what + " " +
                                    people().string() + " " + with.string() + " 2>&1";
        std::string said;
        FILE* pipe = ::popen(command.c_str(), "r");
        char piece[4096];
        for (std::size_t got = 0; (got = std::fread(piece, 1, sizeof piece, pipe)) > 0;) {
            said.append(piece, got);
        }
        return (::pclose(pipe) == 0 ? testing::AssertionSuccess() : testing::AssertionFailure()) << said;
    }
    static void TearDownTestSuite() {
        delete fleet;
        fleet = nullptr;
    }
    static std::vector<std::string> load_command(const fs::path& spec) {
        return {DOMICILE_BINARY,
                "load",
                spec.string(),
                "-t",
                fleet->options().topology_file.string(),
                "--state",
                fleet->options().state.string(),
                "--json"};
    }
    static boost::json::object load(const fs::path& spec) {
        std::string command;
        for (const std::string& word : load_command(spec)) {
            command += "'" + word + "' ";
        }
        return boost::json::parse(output_of(command)).as_object();
    }
    static std::map<std::string, std::string> iso_codes() {
        std::map<std::string, std::string> codes;
        std::istringstream spec(read_file(retail / "load.toml"));
        bool inside = false;
        for (std::string line; std::getline(spec, line);) {
            inside = inside || line == "[countries]";
            const auto middle = line.find("\" = \"");
            if (inside && middle != std::string::npos) {
                codes[line.substr(1, middle - 1)] = line.substr(middle + 5, 2);
            }
        }
        EXPECT_EQ(codes.size(), 38U);
        return codes;
    }
    /// Runs a query that gives (country, rows, sum) on every writer and adds up.
    static Figures in_shards(std::string_view sql) {
        Figures figures;
        for (const auto& shard : fleet->topology().shards) {
            auto client = fleet->connect(fleet->topology().at(shard.nodes.front()).name, "postgres");
            const auto result = client.run(sql, std::chrono::seconds{60});
            EXPECT_TRUE(result) << base::describe(result.error());
            for (const auto& row : result->front().rows) {
                auto& figure = figures[*row[0]];
                figure.first += std::stoll(*row[1]);
                figure.second += thousandths(*row[2]);
            }
        }
        return figures;
    }
    /// Lines "name|rows|sum" from awk.
    static Figures from_source(const std::string& command) {
        Figures figures;
        const auto codes = iso_codes();
        std::istringstream lines(output_of(command));
        for (std::string line; std::getline(lines, line);) {
            const auto first = line.find('|');
            const auto second = line.find('|', first + 1);
            auto& figure = figures[codes.at(line.substr(0, first))];
            figure.first += std::stoll(line.substr(first + 1, second - first - 1));
            figure.second += thousandths(line.substr(second + 1));
        }
        return figures;
    }

    static TempFleet* fleet;
};
TempFleet* Retail::fleet = nullptr;

TEST_F(Retail, IsLoadedToThePennyThoughKilledTwice) {
    // Killed without warning at two places; each time some batches are in, some are not.
    for (const std::int64_t wanted : {20'000, 200'000}) {
        const pid_t loader = spawn(load_command(retail / "load.toml"));
        EXPECT_TRUE(test_support::eventually(
            [&] {
                std::int64_t lines = 0;
                for (const auto& [country, figure] : in_shards("SELECT '', count(*), 0 FROM lines")) {
                    lines += figure.first;
                }
                return lines >= wanted;
            },
            std::chrono::seconds{60}));
        ::kill(loader, SIGKILL);
        ::waitpid(loader, nullptr, 0);
    }
    const auto result = load(retail / "load.toml");
    EXPECT_EQ(result.at("people").as_int64(), 4'372);
    EXPECT_EQ(result.at("people_in_two_countries").as_int64(), 8);
    EXPECT_EQ(result.at("refused").as_int64(), 0);
    for (const auto& table : result.at("tables").as_array()) {
        EXPECT_TRUE(table.at("proven").as_bool()) << boost::json::serialize(table);
        EXPECT_GT(table.at("skipped").as_int64(), 0) << "the killed runs were resumed, not repeated";
    }

    const std::string data = (retail / "data").string();
    EXPECT_EQ(in_shards("SELECT country, count(*), sum(total) FROM invoices GROUP BY 1"),
              from_source("zstdcat " + data +
                          "/invoices.csv.zst | awk -F, 'NR > 1 { n[$3]++; s[$3] += $7 }"
                          " END { for (c in n) printf \"%s|%d|%.3f\\n\", c, n[c], s[c] }'"));
    EXPECT_EQ(in_shards("SELECT i.country, count(*), sum(l.quantity * l.unit_price) FROM lines l"
                        " JOIN invoices i USING (user_id, invoice_no) GROUP BY 1"),
              from_source("zstdcat " + data +
                          "/online_retail.csv.zst | awk -F, 'NR > 1 { n[$NF]++; s[$NF] += $(NF-4) * $(NF-2) }"
                          " END { for (c in n) printf \"%s|%d|%.3f\\n\", c, n[c], s[c] }'"));
    // Cancellations and negative quantities are what they were.
    std::int64_t cancelled = 0;
    for (const auto& [country, figure] :
         in_shards("SELECT country, count(*), 0 FROM invoices WHERE cancelled GROUP BY 1")) {
        cancelled += figure.first;
    }
    EXPECT_EQ(cancelled, 3'836);
    std::int64_t negative = 0;
    for (const auto& [none, figure] : in_shards("SELECT '', count(*), 0 FROM lines WHERE quantity < 0")) {
        negative += figure.first;
    }
    EXPECT_EQ(negative, 10'624);
}

TEST_F(Retail, FiguresPerCountryAndMonthAreThoseOfTheSource) {
    let_figures_go_after("0 seconds");
    const auto verified = [] {
        const auto [status, text] = domicile("stats verify --json");
        return status == 0 && text.find("\"equal\":true") != std::string::npos;
    };
    // All of it has left: no cell waits to be judged, and central has applied the last batch.
    const auto settled = [&] {
        for (const auto& shard : fleet->topology().shards) {
            auto client = fleet->connect(fleet->topology().at(shard.nodes.front()).name, "postgres");
            const auto open = client.run(
                "SELECT (SELECT count(*) FROM domicile.outbox) + (SELECT count(*) FROM "
                "domicile.cells WHERE dirty) + made - confirmed FROM domicile.batch_state",
                std::chrono::seconds{10});
            if (!open || *open->front().rows[0][0] != "0") {
                return false;
            }
        }
        return verified();
    };
    ASSERT_TRUE(test_support::eventually(settled, std::chrono::seconds{120}));
    const fs::path file = fleet->folder() / "figures.json";
    std::ofstream(file) << domicile("stats show sales --by country,month --json").second;
    EXPECT_TRUE(agrees("figures", file));
}

TEST_F(Retail, EveryInvoiceOfEuropeReachesItsTaxOfficeOnce) {
    ASSERT_TRUE(test_support::eventually([] { return domicile("audit status --json").first == 0; },
                                         std::chrono::seconds{240}))
        << domicile("audit status").second;
    const fs::path shelf = fleet->options().state / "delivered/eu-tax";
    EXPECT_TRUE(agrees("documents", shelf));
    std::string key = domicile("audit key -j eu").second;
    key.pop_back();
    EXPECT_NE(output_of(DOMICILE_AUDIT_VERIFY " " + shelf.string() + " --key " + key)
                  .find("complete and unaltered"),
              std::string::npos);
    // A document out of the middle, proven to somebody who has nothing but it, the proof and the key.
    const fs::path proof = fleet->folder() / "one.proof";
    std::ofstream(proof) << domicile("audit prove eu-2.100").second;
    fs::path pdf;
    for (const auto& entry : fs::recursive_directory_iterator(shelf)) {
        pdf = entry.path().filename() == "eu-2.100.pdf" ? entry.path() : pdf;
    }
    EXPECT_NE(output_of(DOMICILE_AUDIT_VERIFY " " + proof.string() + " " + pdf.string() + " --key " + key)
                  .find("the document is eu-2.100 of retail/eu-tax"),
              std::string::npos);
    const fs::path first = shelf / "00000001/checkpoint";
    std::ofstream(proof) << domicile("audit prove --institution eu-tax --since 500").second;
    EXPECT_NE(output_of(DOMICILE_AUDIT_VERIFY " " + proof.string() + " " + first.string() + " --key " + key +
                        "; true")
                  .find("eu-tax"),
              std::string::npos)
        << read_file(first) << read_file(proof);
}

TEST_F(Retail, EveryoneIsAtHomeAndNowhereElse) {
    const auto& topology = fleet->topology();
    for (const auto& shard : topology.shards) {
        auto client = fleet->connect(topology.at(shard.nodes.front()).name, "postgres");
        const auto countries =
            client.run("SELECT DISTINCT country, min(user_id) OVER (), max(user_id) OVER () FROM users",
                       std::chrono::seconds{10});
        ASSERT_TRUE(countries);
        ASSERT_FALSE(countries->front().rows.empty()) << shard.name;
        for (const auto& row : countries->front().rows) {
            EXPECT_EQ(topology.home_of_country(*row[0]), shard.jurisdiction)
                << *row[0] << " on " << shard.name;
            EXPECT_GE(std::stoll(*row[1]), shard.ranges.front().from);
            EXPECT_LT(std::stoll(*row[2]), shard.ranges.front().to);
        }
        // The fence stands in the database itself: a row of another shard is refused whoever brings it.
        const auto foreign = client.run("INSERT INTO users (user_id, country) VALUES (999999, 'DE')",
                                        std::chrono::seconds{10});
        ASSERT_FALSE(foreign);
        EXPECT_NE(foreign.error().detail.find("domicile_range"), std::string::npos) << foreign.error().detail;
    }
}

TEST_F(Retail, ServesALoadedPersonFromTheNearReader) {
    const auto& topology = fleet->topology();
    test_support::HttpClient door(topology.at(*topology.region("eu-central-1")).http);
    const auto person = door.get("/v1/users/5");
    ASSERT_EQ(person.status, 200) << person.body;
    EXPECT_EQ(test_support::json_member(person.body, "generated"), "true")
        << "invented names are marked as such";
    const auto rows = door.get("/v1/users/5/lines?limit=3");
    EXPECT_EQ(boost::json::parse(rows.body).at("rows").as_array().size(), 3U) << rows.body;
}

TEST_F(Retail, RefusesBadRowsIntoAFileAndLoadsTheRest) {
    const fs::path folder = fleet->folder() / "bad";
    fs::create_directories(folder);
    std::ofstream(folder / "people.csv")
        << "no,place\n900001,Germany\n900002,Atlantis\n900003,United Kingdom\n900005,Germany\n";
    std::ofstream rows(folder / "invoices.csv");
    rows << "invoice,no,place,at,total\n";
    for (int i = 0; i < 40; ++i) {
        rows << "B" << i << ",900001,Germany,2026-01-01 00:00:00,1.50\n";
    }
    rows << "X1,900002,Atlantis,2026-01-01 00:00:00,1.00\n"   // a country nobody knows
         << "X2,900009,Germany,2026-01-01 00:00:00,1.00\n"    // a person nobody knows
         << "X3,900001,Germany,yesterday-ish,1.00\n"          // no timestamp
         << "X4,900001,Germany,2026-01-01 00:00:00,twelve\n"  // no number
         << "X5,900001,Germany\n"                             // too few fields
         << "B7,900001,Germany,2026-01-01 00:00:00,1.50\n"    // the same invoice again
         << "X6,900005,Germany,2026-01-01 00:00:00,1.00\n"    // at home elsewhere in the database
         << "B99,900003,United Kingdom,2026-01-01 00:00:00,2.25\n";
    rows.close();
    std::ofstream(folder / "load.toml") << R"toml(
name = "bad"
[people]
file = "people.csv"
person = "no"
country = "place"
[people.columns]
customer_no = { person = "key" }
kind = { person = "kind" }
country = { person = "country" }
[[tables]]
table = "invoices"
file = "invoices.csv"
person = "no"
country = "place"
proof = ["total"]
[tables.columns]
invoice_no = "invoice"
country = { country = "place" }
invoiced_at = "at"
total = "total"
lines = { constant = "1" }
[countries]
"Germany" = "DE"
"United Kingdom" = "GB"
)toml";
    // A person the database has in Britain and the file in Germany: the rows are refused, not stored outside
    // home.
    {
        auto uk = fleet->connect("uk-1.eu-west-2.w", "postgres");
        ASSERT_TRUE(
            uk.run("INSERT INTO users (user_id, customer_no, country)"
                   " SELECT nextval('domicile.user_id_100000'), 900005, 'GB'",
                   std::chrono::seconds{10}));
    }
    const auto before = in_shards("SELECT '', count(*), 0 FROM invoices")[""].first;
    const auto first = load(folder / "load.toml").at("tables").as_array().at(0).as_object();
    EXPECT_EQ(first.at("loaded").as_int64(), 41);
    EXPECT_EQ(first.at("refused").as_int64(), 7);
    EXPECT_EQ(first.at("source_sum").as_string(), "62.25");
    const std::string refused = read_file(fleet->options().state / "bad.refused.csv");
    for (const std::string_view part :
         {"42,unknown country,X1,", "43,nobody is known under this key,X2,", "44,\"22007", "X3,",
          "45,is not a decimal number where one is summed,X4", "46,has 3 fields instead of 5,X5",
          "47,\"23505", "B7,", "\"is at home in uk in the database, in eu in the file\",X6"}) {
        EXPECT_NE(refused.find(part), std::string::npos) << part << "\n" << refused;
    }
    const auto again = load(folder / "load.toml").at("tables").as_array().at(0).as_object();
    EXPECT_EQ(again.at("loaded").as_int64(), 0);
    EXPECT_EQ(again.at("refused").as_int64(), 7);
    EXPECT_EQ(in_shards("SELECT '', count(*), 0 FROM invoices")[""].first, before + 41);
}

}  // namespace
}  // namespace domicile

#include "support/temp_fleet.hpp"

#include "fleet/context.hpp"
#include "fleet/ports.hpp"
#include "topology/parse.hpp"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace domicile::test_support {
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t node_ports = 16;
constexpr auto start_wait = 120s;

void replace_all(std::string& text, std::string_view mark, const std::function<std::string()>& value) {
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
        text.replace(at, mark.size(), value());
    }
}

void write(const fs::path& file, std::string_view text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
}

}  // namespace

std::uint16_t free_port_block(std::size_t count) {
    // From a place of its own for each process, so that tests that run side by side do not race for the same
    // ports.
    static std::atomic<unsigned> next{static_cast<unsigned>(::getpid()) * 37U};
    for (int attempt = 0; attempt < 1000; ++attempt) {
        const auto first =
            static_cast<std::uint16_t>(15'000U + (next.fetch_add(static_cast<unsigned>(count)) % 17'000U));
        bool free = true;
        for (std::size_t i = 0; free && i < count; ++i) {
            const auto result = fleet::port_free({"127.0.0.1", static_cast<std::uint16_t>(first + i)});
            free = result && *result;
        }
        if (free) {
            return first;
        }
    }
    throw std::runtime_error("no free ports");
}

std::string small_topology() {
    return R"toml(
name = "small"

[database]
name = "shop"
migrations = "schema"

[jurisdictions.eu]
law = "Regulation (EU) 2016/679"
countries = ["DE", "FR"]

[jurisdictions.uk]
law = "UK GDPR"
countries = ["GB"]
rest_of_world = true

[regions.eu-west-1]
jurisdiction = "eu"
writer = true
http = "127.0.0.1:@PORT@"
sql = "127.0.0.1:@PORT@"

[regions.eu-central-1]
jurisdiction = "eu"
http = "127.0.0.1:@PORT@"
sql = "127.0.0.1:@PORT@"

[regions.eu-west-2]
jurisdiction = "uk"
writer = true
http = "127.0.0.1:@PORT@"
sql = "127.0.0.1:@PORT@"

[shards.eu-1]
ranges = [[0, 1_000]]
writer = "eu-west-1"
readers = ["eu-central-1"]

[shards.uk-1]
ranges = [[1_000, 2_000]]
writer = "eu-west-2"

[central]
region = "eu-west-1"

[embedded]
listen = "127.0.0.1"
first_port = @FIRST@
durable = false

[tables.users]
key = "user_id"
person = true
country = "country"
personal.name = { erase = "null" }

[tables.orders]
key = "user_id"
)toml";
}

std::map<std::string, std::string> small_migrations() {
    return {{"0001_small.sql", R"sql(
CREATE TABLE users (
    user_id bigint PRIMARY KEY,
    country text NOT NULL,
    name text,
    email text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE orders (
    user_id bigint NOT NULL REFERENCES users,
    order_no integer NOT NULL,
    note text,
    PRIMARY KEY (user_id, order_no)
);
)sql"}};
}

TempFleet::TempFleet(fs::path self, std::string_view topology,
                     const std::map<std::string, std::string>& migrations) {
    std::string pattern = (fs::temp_directory_path() / "domicile.XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        throw std::runtime_error("no temporary folder");
    }
    folder_ = fs::canonical(pattern);
    // PostgreSQL's user must be able to enter.
    fs::permissions(folder_, fs::perms(0755));
    std::string text(topology);
    replace_all(text, "@PORT@", [] { return std::to_string(free_port_block(1)); });
    replace_all(text, "@FIRST@", [] { return std::to_string(free_port_block(node_ports)); });
    write(folder_ / "domicile.toml", text);
    for (const auto& [name, sql] : migrations) {
        write(folder_ / "schema" / name, sql);
    }
    auto parsed = topology::parse(text);
    if (!parsed.ok()) {
        throw std::runtime_error("topology: " + parsed.findings.front().what);
    }
    topology_ = std::move(parsed.topology);
    options_.topology_file = folder_ / "domicile.toml";
    options_.state = folder_ / "state";
    options_.self = std::move(self);
    options_.progress = [this](const fleet::Progress& progress) {
        const std::lock_guard lock(mutex_);
        lines_.push_back(progress.text);
        if (std::getenv("DOMICILE_TEST_VERBOSE") != nullptr) {
            std::fprintf(stderr, "  %s\n", progress.text.c_str());
        }
    };
}

TempFleet::~TempFleet() {
    [[maybe_unused]] const auto stopped = stop();
    [[maybe_unused]] const auto down = fleet::down(topology_, options_);
    std::error_code error;
    if (std::getenv("DOMICILE_TEST_KEEP") == nullptr) {
        fs::remove_all(folder_, error);
    }
}

base::Status TempFleet::start() {
    stop_ = false;
    ended_ = false;
    thread_ = std::thread([this] {
        result_ = fleet::up(topology_, options_, stop_);
        ended_ = true;
    });
    const bool settled = eventually([this] { return ended_ || fleet::ready(options_.state); }, start_wait);
    if (settled && !ended_) {
        return {};
    }
    auto result = stop();
    return result ? base::fail(base::Code::internal, "the fleet did not become ready") : result;
}

base::Status TempFleet::stop() {
    if (!thread_.joinable()) {
        return {};
    }
    stop_ = true;
    thread_.join();
    return std::move(result_);
}

pid_t TempFleet::fork_up() const {
    const pid_t pid = ::fork();
    if (pid == 0) {
        const std::atomic<bool> never{false};
        const auto result = fleet::up(topology_, options_, never);
        ::_exit(result ? 0 : 1);
    }
    return pid;
}

pid_t TempFleet::start_process() {
    const pid_t pid = fork_up();
    const bool settled = eventually(
        [&] { return fleet::ready(options_.state) || ::waitpid(pid, nullptr, WNOHANG) == pid; }, start_wait);
    return settled && fleet::ready(options_.state) ? pid : -1;
}

const topology::Node& TempFleet::node(std::string_view name) const {
    for (const auto& candidate : topology_.nodes) {
        if (candidate.name == name) {
            return candidate;
        }
    }
    throw std::runtime_error("no node " + std::string(name));
}

bool TempFleet::said(std::string_view part) const {
    const std::lock_guard lock(mutex_);
    for (const auto& line : lines_) {
        if (line.find(part) != std::string::npos) {
            return true;
        }
    }
    return false;
}

pool::MaintenanceClient TempFleet::connect(std::string_view name, std::string_view role) const {
    auto client = fleet::connect(secrets(), node(name), role, topology_.database.name);
    if (!client) {
        throw std::runtime_error(base::describe(client.error()));
    }
    return *std::move(client);
}

std::string TempFleet::secret(std::string_view scope, std::string_view name) const {
    const auto text = secrets().text(scope, name);
    return text ? text->reveal() : std::string();
}

}  // namespace domicile::test_support

// Mixed load on a fleet whose nodes are restarted all the while. Every row carries a sum of its key, and
// every row read is held against it; every increment is counted as acknowledged or in doubt, and the rows are
// held against that at the end. Then nothing may be left over: no transaction, no node connection, no memory.
//
// SOAK_SECONDS (15) is how long, SOAK_CLIENTS (16) how many, SOAK_SEED what is asked.

#include "fleet/context.hpp"
#include "fleet/roles.hpp"
#include "support/sql_client.hpp"
#include "support/temp_fleet.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace domicile {
namespace {

using namespace std::chrono_literals;
using test_support::eventually;
using test_support::SqlClient;
using test_support::SqlResult;
using test_support::TempFleet;
using Clock = std::chrono::steady_clock;

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
readers = ["eu-west-1"]
[shards.eu-2]
ranges = [[1_000, 2_000]]
writer = "eu-west-1"
[embedded]
first_port = @FIRST@
durable = true  # what is acknowledged must outlive an immediate stop
[tables.users]
key = "user_id"
person = true
[tables.notes]
key = "user_id"
[limits]
node_connections_max = 6
)toml";

const std::map<std::string, std::string> migrations = {{"0001_shop.sql", R"sql(
CREATE TABLE users (user_id bigint PRIMARY KEY, mark text NOT NULL, counter bigint NOT NULL DEFAULT 0,
                    pair bigint NOT NULL DEFAULT 0);
CREATE TABLE notes (user_id bigint NOT NULL, note_no bigint NOT NULL, mark text NOT NULL,
                    PRIMARY KEY (user_id, note_no));
)sql"}};

constexpr int people = 100;  // on each of two shards
constexpr int shard_ids = 1'000;

/// The sum every row carries (splitmix64 of its key).
std::string mark_of(std::uint64_t key) {
    std::uint64_t z = key + 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(z ^ (z >> 31U)));
    return text;
}

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// An increment of a person's counter is acknowledged, or nobody knows.
struct Count {
    std::atomic<std::int64_t> acknowledged{0};
    std::atomic<std::int64_t> in_doubt{0};
};

class Soak {
  public:
    Soak(std::uint64_t seconds, std::uint64_t seed)
        : seconds_(seconds), seed_(seed), fleet_(DOMICILE_BINARY, topology_text, migrations) {}
    int run();

  private:
    class Client;
    [[nodiscard]] std::string options(std::string_view login = "app") const;
    [[nodiscard]] bool fill();
    void chaos(std::mt19937_64 random);
    void restart(std::mt19937_64& random);
    [[nodiscard]] bool all_up();
    void wrong(const std::string& what);
    void note_error(const SqlResult& result);
    void check_rows();
    void check_nodes();
    void check_gateway(std::size_t warm_kib, pid_t pid, std::size_t files_before);
    [[nodiscard]] pid_t gateway() const;
    [[nodiscard]] static std::size_t memory_kib(pid_t pid);
    [[nodiscard]] static std::size_t files(pid_t pid);
    /// Waits, but not beyond the end of the load.
    void pause(std::chrono::milliseconds time);

    std::uint64_t seconds_;
    std::uint64_t seed_;
    TempFleet fleet_;
    std::atomic<bool> over_{false};
    std::mutex mutex_;
    std::condition_variable ended_;
    std::map<std::string, std::uint64_t> errors_;  // by SQLSTATE
    std::array<Count, 2 * people> counts_;
    std::atomic<std::uint64_t> statements_{0};
    std::atomic<std::uint64_t> rows_{0};
    std::atomic<std::uint64_t> reconnects_{0};
    std::atomic<std::uint64_t> restarts_{0};
    std::atomic<std::uint64_t> cancelled_{0};
    std::atomic<std::uint64_t> wrong_{0};
    std::atomic<std::uint64_t> notes_{0};  // acknowledged
};

/// One client, from one connection to the next.
class Soak::Client {
  public:
    Client(Soak& soak, std::uint64_t number)
        : soak_(soak), number_(number), random_(soak.seed_ * 1'000 + number) {}
    void run();

  private:
    [[nodiscard]] std::uint64_t draw(std::uint64_t below) { return random_() % below; }
    [[nodiscard]] std::uint64_t person() { return draw(2) * shard_ids + draw(people); }
    [[nodiscard]] Count& count(std::uint64_t id) {
        return soak_.counts_[(id >= shard_ids ? people : 0) + id % shard_ids];
    }
    [[nodiscard]] bool connect();
    /// Judges a result: true if it is good.
    bool good(const SqlResult& result);
    /// Rows that begin with an id and its mark.
    void check(const SqlResult& result, std::initializer_list<std::uint64_t> expected);
    void check_counter(std::uint64_t id, const std::string& counter);

    void read_simple();
    void read_extended();
    void read_prepared();
    void read_pipelined();
    void read_gathered();
    void increment();
    void transaction();
    void pair();
    void copy_in();
    void copy_out();
    void settings();
    void cancel();
    void vanish();

    Soak& soak_;
    std::uint64_t number_;
    std::mt19937_64 random_;
    std::unique_ptr<SqlClient> sql_;
    bool prepared_ = false;
    std::string name_;
    std::uint64_t names_ = 0;
    std::string zone_;
    std::map<std::uint64_t, std::int64_t> written_;  // counters this session has written: it must see them
    std::uint64_t note_ = 0;
};

bool Soak::Client::connect() {
    prepared_ = false;
    zone_.clear();
    written_.clear();
    sql_ = std::make_unique<SqlClient>(soak_.options());
    if (!sql_->connected()) {
        soak_.pause(50ms);
        return false;
    }
    ++soak_.reconnects_;
    return true;
}

bool Soak::Client::good(const SqlResult& result) {
    ++soak_.statements_;
    if (!result.good) {
        soak_.note_error(result);
    }
    return result.good;
}

void Soak::Client::check(const SqlResult& result, std::initializer_list<std::uint64_t> expected) {
    soak_.rows_ += result.rows.size();
    std::string wanted;
    std::string found;
    for (const auto id : expected) {
        wanted += std::to_string(id) + "|" + mark_of(id) + ";";
    }
    for (const auto& row : result.rows) {
        found += row.at(0) + "|" + row.at(1) + ";";
    }
    if (found != wanted) {
        soak_.wrong("client " + std::to_string(number_) + " asked for " + wanted + " and got " + found);
    }
}

void Soak::Client::check_counter(std::uint64_t id, const std::string& counter) {
    const auto known = written_.find(id);
    if (known != written_.end() && std::stoll(counter) < known->second) {
        soak_.wrong("client " + std::to_string(number_) + " wrote " + std::to_string(known->second) +
                    " for " + std::to_string(id) + " and reads " + counter);
    }
}

void Soak::Client::read_simple() {
    const auto id = person();
    const auto result =
        sql_->run("SELECT user_id, mark, counter FROM users WHERE user_id = " + std::to_string(id));
    if (good(result)) {
        check(result, {id});
        check_counter(id, result.rows.at(0).at(2));
    }
}

void Soak::Client::read_extended() {
    const auto id = person();
    const auto result =
        draw(2) == 0 ? sql_->run("SELECT user_id, mark FROM users WHERE user_id = $1", {std::to_string(id)})
                     : sql_->run_binary("SELECT user_id, mark FROM users WHERE user_id = $1",
                                        static_cast<std::int64_t>(id));
    if (good(result)) {
        check(result, {id});
    }
}

void Soak::Client::read_prepared() {
    if (!prepared_) {
        // Another name each time: the gateway keeps a name whose Parse has failed.
        name_ = "s" + std::to_string(++names_);
        prepared_ = good(sql_->prepare(name_, "SELECT user_id, mark, counter FROM users WHERE user_id = $1"));
    }
    for (int i = 0; prepared_ && i < 5; ++i) {
        const auto id = person();
        const auto result = sql_->execute(name_, {std::to_string(id)});
        if (!good(result)) {
            return;
        }
        check(result, {id});
        check_counter(id, result.rows.at(0).at(2));
    }
}

void Soak::Client::read_pipelined() {
    PGconn* raw = sql_->raw();
    if (PQenterPipelineMode(raw) != 1) {
        return;
    }
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < 20; ++i) {
        ids.push_back(person());
        const std::string text = std::to_string(ids.back());
        const char* value = text.c_str();
        if (PQsendQueryParams(raw, "SELECT user_id, mark FROM users WHERE user_id = $1", 1, nullptr, &value,
                              nullptr, nullptr, 0) != 1 ||
            PQpipelineSync(raw) != 1) {
            return;
        }
    }
    std::string asked;
    for (const auto id : ids) {
        asked += " " + std::to_string(id);
    }
    const auto wrong_before = soak_.wrong_.load();
    // Each has one result, its end, and its sync, in this order, whatever happens to the node.
    std::string heard;
    for (const auto id : ids) {
        PGresult* answer = PQgetResult(raw);
        if (answer == nullptr && !sql_->connected()) {
            return;
        }
        const auto result = SqlClient::take(answer);
        heard += result.good ? " " + result.text() : " " + result.sqlstate + " " + result.message;
        if (good(result)) {
            check(result, {id});
        } else if (!sql_->connected()) {
            return;
        }
        PGresult* end = PQgetResult(raw);
        PGresult* sync = end == nullptr ? PQgetResult(raw) : nullptr;
        const bool in_order = end == nullptr && PQresultStatus(sync) == PGRES_PIPELINE_SYNC;
        if (end != nullptr) {
            heard += " then " + std::string(PQresStatus(PQresultStatus(end))) + PQresultErrorMessage(end);
        }
        PQclear(end);
        PQclear(sync);
        if (!in_order) {
            if (sql_->connected()) {
                soak_.wrong("client " + std::to_string(number_) + " asked in a pipeline for " +
                            std::to_string(id) + " and others, and heard out of order" + heard);
            }
            return;
        }
    }
    if (soak_.wrong_ != wrong_before) {
        soak_.wrong("client " + std::to_string(number_) + " asked in a pipeline for" + asked +
                    "\n  and heard" + heard);
    }
    if (PQexitPipelineMode(raw) != 1) {
        soak_.wrong("a pipeline did not end");
    }
}

void Soak::Client::read_gathered() {
    const auto a = draw(people);
    const auto b = shard_ids + draw(people);
    const auto in = std::to_string(b) + ", " + std::to_string(a);
    const auto result =
        sql_->run("SELECT user_id, mark FROM users WHERE user_id IN (" + in + ") ORDER BY user_id");
    if (good(result)) {
        check(result, {a, b});
    }
    const auto groups = sql_->run("SELECT count(*), min(user_id), max(user_id) FROM users");
    if (good(groups) &&
        groups.text() != std::to_string(2 * people) + "|0|" + std::to_string(shard_ids + people - 1)) {
        soak_.wrong("all people are " + groups.text());
    }
}

void Soak::Client::increment() {
    const auto id = person();
    const auto result = sql_->run(
        "UPDATE users SET counter = counter + 1 WHERE user_id = $1 RETURNING user_id, mark, counter",
        {std::to_string(id)});
    if (!good(result)) {
        ++count(id).in_doubt;
        return;
    }
    ++count(id).acknowledged;
    check(result, {id});
    check_counter(id, result.rows.at(0).at(2));
    written_[id] = std::stoll(result.rows.at(0).at(2));
}

void Soak::Client::transaction() {
    const auto base = draw(2) * shard_ids;
    auto a = base + draw(people);
    auto b = base + draw(people);
    if (a == b) {
        return;
    }
    if (a > b) {
        std::swap(a, b);  // in one order: no deadlocks
    }
    const auto add = [&](std::uint64_t id) {
        const auto result =
            sql_->run("UPDATE users SET counter = counter + 1 WHERE user_id = " + std::to_string(id) +
                      " RETURNING user_id, mark");
        if (good(result)) {
            check(result, {id});
        }
        return result.good;
    };
    const bool begun = good(sql_->run("BEGIN")) && add(a) && add(b);
    if (!begun || draw(3) == 0) {
        if (const auto result = sql_->run("ROLLBACK"); !result.good) {
            soak_.note_error(result);
        }
        return;
    }
    const auto result = sql_->run("COMMIT");
    // A transaction that has failed answers COMMIT with ROLLBACK.
    const bool committed = good(result) && result.tag == "COMMIT";
    if (result.good && !committed) {
        soak_.wrong("COMMIT of a good transaction says " + result.tag);
    }
    for (const auto id : {a, b}) {
        ++(committed ? count(id).acknowledged : count(id).in_doubt);
    }
}

void Soak::Client::pair() {
    // Both or none, on two shards.
    const auto id = draw(people);
    const auto result = sql_->run("UPDATE users SET pair = pair + 1 WHERE user_id IN (" + std::to_string(id) +
                                  ", " + std::to_string(shard_ids + id) + ")");
    if (good(result) && result.tag != "UPDATE 2") {
        soak_.wrong("a pair is " + result.tag);
    }
}

void Soak::Client::copy_in() {
    std::string lines;
    for (int i = 0; i < 20; ++i) {
        const auto id = person();
        const auto note = number_ * 1'000'000'000 + ++note_;
        lines += std::to_string(id) + "\t" + std::to_string(note) + "\t" + mark_of(id ^ note) + "\n";
    }
    const auto result = sql_->copy_in("COPY notes (user_id, note_no, mark) FROM STDIN", lines);
    if (good(result)) {
        soak_.notes_ += 20;
    }
}

void Soak::Client::copy_out() {
    const auto id = person();
    const auto text = sql_->copy_out(
        "COPY (SELECT user_id, mark FROM users WHERE user_id = " + std::to_string(id) + ") TO STDOUT");
    ++soak_.statements_;
    if (!text.starts_with("error") && text != std::to_string(id) + "\t" + mark_of(id) + "\n") {
        soak_.wrong("COPY of " + std::to_string(id) + " gives " + text);
    }
}

void Soak::Client::settings() {
    if (zone_.empty() || draw(4) == 0) {
        const std::string zone = "Etc/GMT+" + std::to_string(1 + draw(12));
        if (!good(sql_->run("SET TimeZone = '" + zone + "'"))) {
            return;
        }
        zone_ = zone;
    }
    const auto id = person();
    const auto result = sql_->run(
        "SELECT user_id, mark, current_setting('TimeZone') FROM users WHERE user_id = " + std::to_string(id));
    if (good(result)) {
        check(result, {id});
        if (result.rows.at(0).at(2) != zone_) {
            soak_.wrong("a session that set " + zone_ + " has " + result.rows[0][2]);
        }
    }
}

void Soak::Client::cancel() {
    const auto id = std::to_string(person());
    if (PQsendQuery(sql_->raw(), ("SELECT pg_sleep(0.3) FROM users WHERE user_id = " + id).c_str()) != 1) {
        return;
    }
    PGcancel* cancel = PQgetCancel(sql_->raw());
    char error[256];
    PQcancel(cancel, error, sizeof error);
    PQfreeCancel(cancel);
    const auto result = SqlClient::take(PQgetResult(sql_->raw()));
    PQclear(PQgetResult(sql_->raw()));
    ++soak_.statements_;
    if (result.sqlstate == "57014") {
        ++soak_.cancelled_;
    } else if (!result.good) {
        soak_.note_error(result);
    }
}

void Soak::Client::vanish() {
    const auto id = person();
    const auto at = " WHERE user_id = " + std::to_string(id);
    const auto how = draw(5);
    std::string sql = "SELECT u.user_id, u.mark, pg_sleep(0.01) FROM users u" + at;
    if (how == 1) {
        sql = "SELECT repeat(mark, 100) FROM users u, generate_series(1, 20000)" + at;
    } else if (how == 2) {
        ++count(id).in_doubt;
        sql = "UPDATE users SET counter = counter + 1" + at;
    } else if (how == 3) {
        static_cast<void>(good(sql_->run("BEGIN")) &&
                          good(sql_->run("UPDATE users SET counter = counter + 1" + at)));
    } else if (how == 4) {
        sql = "COPY notes (user_id, note_no, mark) FROM STDIN";
    }
    if (PQsendQuery(sql_->raw(), sql.c_str()) == 1 && draw(2) == 0) {
        static_cast<void>(PQconsumeInput(sql_->raw()));
    }
    ::shutdown(PQsocket(sql_->raw()), SHUT_RDWR);
    sql_.reset();
}

void Soak::Client::run() {
    struct Weighted {
        void (Client::*act)();
        std::uint64_t weight;
    };
    constexpr Weighted acts[] = {
        {&Client::read_simple, 20},   {&Client::read_extended, 20}, {&Client::read_prepared, 10},
        {&Client::read_pipelined, 5}, {&Client::read_gathered, 8},  {&Client::increment, 20},
        {&Client::transaction, 10},   {&Client::pair, 5},           {&Client::copy_in, 2},
        {&Client::copy_out, 4},       {&Client::settings, 10},      {&Client::cancel, 1},
        {&Client::vanish, 2},
    };
    std::uint64_t sum = 0;
    for (const auto& act : acts) {
        sum += act.weight;
    }
    while (!soak_.over_) {
        if ((!sql_ || !sql_->connected()) && !connect()) {
            continue;
        }
        auto drawn = draw(sum);
        for (const auto& act : acts) {
            if (drawn < act.weight) {
                (this->*act.act)();
                break;
            }
            drawn -= act.weight;
        }
        if (sql_ && PQpipelineStatus(sql_->raw()) != PQ_PIPELINE_OFF) {
            sql_.reset();
        }
    }
}

std::string Soak::options(std::string_view login) const {
    const auto password = fleet_.secret("eu", "login/" + std::string(login));
    return "host=127.0.0.1 port=" + std::to_string(fleet_.topology().regions[0].sql.port) +
           " user=" + std::string(login) + " password=" + password + " dbname=shop connect_timeout=5";
}

void Soak::wrong(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (++wrong_ <= 20) {
        std::fprintf(stderr, "WRONG: %s\n", what.c_str());
    }
}

void Soak::note_error(const SqlResult& result) {
    // What a node that goes away explains, and nothing else. No SQLSTATE: the connection has ended.
    constexpr std::string_view never[] = {"08P01", "XX000", "26000", "42P05",
                                          "25001", "0A000", "23505", "40P01"};
    {
        const std::lock_guard lock(mutex_);
        ++errors_[result.sqlstate];
    }
    for (const auto state : never) {
        if (result.sqlstate == state) {
            wrong("an error " + result.sqlstate + ": " + result.message);
        }
    }
}

void Soak::pause(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    ended_.wait_for(lock, time, [this] { return over_.load(); });
}

bool Soak::all_up() {
    SqlClient client(options());
    const auto nodes = client.run("SHOW domicile.nodes");
    std::size_t up = 0;
    for (const auto& row : nodes.rows) {
        up += row.at(4) == "yes" ? 1U : 0U;
    }
    return nodes.good && up == nodes.rows.size();
}

void Soak::restart(std::mt19937_64& random) {
    const auto& nodes = fleet_.topology().nodes;
    const auto& node = nodes[random() % nodes.size()];
    const char* mode = random() % 2 == 0 ? "fast" : "immediate";
    const std::string as_postgres =
        ::geteuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --init-groups " : "";
    const std::string command = as_postgres + "$(pg_config --bindir)/pg_ctl -D '" +
                                fleet_.state().data(node.name).string() + "' -w stop -m " + mode +
                                " >/dev/null 2>&1";
    if (std::system(command.c_str()) == 0) {  // the supervisor starts it again
        ++restarts_;
        std::printf("        %s stopped (%s)\n", node.name.c_str(), mode);
    }
}

void Soak::chaos(std::mt19937_64 random) {
    pause(2s);
    while (!over_) {
        restart(random);
        while (!over_ && !all_up()) {
            pause(100ms);
        }
        pause(std::chrono::milliseconds(1'000 + random() % (seconds_ > 60 ? 15'000 : 2'000)));
    }
}

pid_t Soak::gateway() const {
    const auto process = fleet::running(fleet_.state().pid("gateway.eu-west-1"));
    return process ? process->pid : -1;
}

std::size_t Soak::memory_kib(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/status");
    std::string line;
    while (std::getline(in, line)) {
        if (line.starts_with("VmRSS:")) {
            return std::stoul(line.substr(6));
        }
    }
    return 0;
}

std::size_t Soak::files(pid_t pid) {
    std::error_code error;
    std::size_t count = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", error)) {
        count += entry.path().empty() ? 0U : 1U;
    }
    return count;
}

bool Soak::fill() {
    SqlClient client(options());
    for (const int first : {0, shard_ids}) {
        for (int i = first; i < first + people; ++i) {
            const auto made = client.run("INSERT INTO users (user_id, mark) VALUES ($1, $2)",
                                         {std::to_string(i), mark_of(static_cast<std::uint64_t>(i))});
            if (!made.good) {
                std::fprintf(stderr, "cannot fill: %s\n", made.message.c_str());
                return false;
            }
        }
    }
    SqlClient other(options());  // which may read from the reader
    return eventually(
        [&] { return other.run("SELECT count(*) FROM users").value() == std::to_string(2 * people); });
}

void Soak::check_rows() {
    SqlClient client(options());
    static_cast<void>(client.run("SET domicile.read = 'writer'"));
    const auto rows = client.run("SELECT user_id, mark, counter, pair FROM users ORDER BY user_id");
    if (rows.rows.size() != 2 * people) {
        wrong("people: " + std::to_string(rows.rows.size()) + " " + rows.message);
        return;
    }
    std::int64_t acknowledged = 0;
    std::int64_t doubted = 0;
    std::int64_t happened = 0;
    for (std::size_t i = 0; i < rows.rows.size(); ++i) {
        const auto& row = rows.rows[i];
        const auto id = i < people ? i : shard_ids + i - people;
        if (row[0] != std::to_string(id) || row[1] != mark_of(id)) {
            wrong("row " + row[0] + " has the mark " + row[1]);
        }
        const auto least = counts_[i].acknowledged.load();
        const auto most = least + counts_[i].in_doubt.load();
        const auto counter = std::stoll(row[2]);
        if (counter < least || counter > most) {
            wrong("the counter of " + row[0] + " is " + row[2] + ", not in [" + std::to_string(least) + ", " +
                  std::to_string(most) + "]");
        }
        if (i < people && row[3] != rows.rows[i + people][3]) {
            wrong("the pair of " + row[0] + " is " + row[3] + " and " + rows.rows[i + people][3]);
        }
        acknowledged += least;
        doubted += counts_[i].in_doubt.load();
        happened += counter;
    }
    std::printf("increments: %lld acknowledged, %lld in doubt, %lld happened\n",
                static_cast<long long>(acknowledged), static_cast<long long>(doubted),
                static_cast<long long>(happened));
    const auto notes = client.run("SELECT user_id, note_no, mark FROM notes");
    for (const auto& row : notes.rows) {
        if (row[2] != mark_of(std::stoull(row[0]) ^ std::stoull(row[1]))) {
            wrong("note " + row[1] + " of " + row[0] + " has the mark " + row[2]);
        }
    }
    if (notes.rows.size() < notes_ || notes.rows.size() % 20 != 0) {
        wrong("notes: " + std::to_string(notes.rows.size()) + ", acknowledged " +
              std::to_string(notes_.load()));
    }
}

void Soak::check_nodes() {
    // Nothing open, nothing prepared, and as many connections of the role as the pool knows.
    SqlClient client(options());
    for (const auto& node : fleet_.topology().nodes) {
        std::string last;
        const bool clean = eventually(
            [&] {
                const auto pools = client.run("SHOW domicile.pools");
                std::string open;
                for (const auto& row : pools.rows) {
                    if (row.at(0) == node.name) {
                        open = row.at(3);
                        last = "open " + row.at(3) + ", idle " + row.at(4) + ", waiting " + row.at(5);
                        if (row.at(3) != row.at(4) || row.at(5) != "0") {
                            return false;
                        }
                    }
                }
                // The last one that was stopped may not be back yet.
                auto direct = fleet::connect(fleet_.secrets(), fleet_.node(node.name),
                                             fleet::roles::superuser, fleet_.topology().database.name);
                if (!direct) {
                    last = base::describe(direct.error());
                    return false;
                }
                const auto left = direct->run(
                    "SELECT count(*) FILTER (WHERE state LIKE 'idle in transaction%' OR state = 'active' AND "
                    "pid <> "
                    "pg_backend_pid()), count(*) FILTER (WHERE usename = 'domicile_gateway'), (SELECT "
                    "count(*) "
                    "FROM "
                    "pg_prepared_xacts) FROM pg_stat_activity WHERE backend_type = 'client backend'",
                    5s);
                if (!left) {
                    last = base::describe(left.error());
                    return false;
                }
                const auto& row = left->front().rows.at(0);
                last += "; busy " + *row[0] + ", of the role " + *row[1] + ", prepared " + *row[2];
                // The HTTP door has a pool of its own, with the same role: one for its schema, one for its
                // keys.
                const auto known = std::stoul("0" + open);
                const auto seen = std::stoul(*row[1]);
                return row[0] == "0" && seen >= known && seen <= known + 2 && row[2] == "0";
            },
            45s);
        std::printf("%-18s %s\n", node.name.c_str(), last.c_str());
        if (!clean) {
            wrong(node.name + " does not come to rest: " + last);
        }
    }
}

void Soak::check_gateway(std::size_t warm_kib, pid_t pid, std::size_t files_before) {
    if (gateway() != pid) {
        wrong("the gateway is another process");
    }
    SqlClient client(options());
    if (!eventually([&] { return client.run("SHOW domicile.clients").rows.size() == 1; })) {
        wrong("clients are left: " + client.run("SHOW domicile.clients").text());
    }
    std::printf("memory of the gateway: %zu KiB warm, %zu KiB now; files: %zu before, %zu now\n", warm_kib,
                memory_kib(pid), files_before, files(pid));
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
    if (memory_kib(pid) > warm_kib + warm_kib / 4 + (8U << 10U)) {
        wrong("the gateway has grown");
    }
#endif
    // Each pool of each node may hold its connections.
    if (files(pid) > files_before + 3 * 6 * fleet_.topology().nodes.size()) {
        wrong("files are left open");
    }
}

int Soak::run() {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const auto clients = number_from("SOAK_CLIENTS", 16);
    std::printf("SOAK_SECONDS=%llu SOAK_CLIENTS=%llu SOAK_SEED=%llu\n",
                static_cast<unsigned long long>(seconds_), static_cast<unsigned long long>(clients),
                static_cast<unsigned long long>(seed_));
    if (const auto started = fleet_.start(); !started) {
        std::fprintf(stderr, "%s\n", base::describe(started.error()).c_str());
        return 1;
    }
    if (!fill()) {
        return 1;
    }
    const pid_t pid = gateway();
    const std::size_t files_before = files(pid);
    const auto began = Clock::now();
    std::size_t warm_kib = 0;
    {
        std::vector<std::jthread> threads;
        std::vector<std::unique_ptr<Client>> all;
        for (std::uint64_t i = 0; i < clients; ++i) {
            all.push_back(std::make_unique<Client>(*this, i + 1));
            threads.emplace_back([&client = *all.back()] { client.run(); });
        }
        threads.emplace_back([this] { chaos(std::mt19937_64(seed_)); });
        while (Clock::now() - began < std::chrono::seconds(seconds_)) {
            pause(seconds_ > 60 ? 10s : 3s);
            const auto passed =
                std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - began).count();
            if (warm_kib == 0 && static_cast<std::uint64_t>(passed) >= seconds_ / 3) {
                warm_kib = memory_kib(pid);
            }
            std::uint64_t errors = 0;
            {
                const std::lock_guard lock(mutex_);
                for (const auto& [state, count] : errors_) {
                    errors += count;
                }
            }
            std::printf(
                "%6lld s  %10llu statements  %10llu rows checked  %6llu errors  %3llu restarts  %zu KiB\n",
                static_cast<long long>(passed), static_cast<unsigned long long>(statements_.load()),
                static_cast<unsigned long long>(rows_.load()), static_cast<unsigned long long>(errors),
                static_cast<unsigned long long>(restarts_.load()), memory_kib(pid));
        }
        {
            const std::lock_guard lock(mutex_);
            over_ = true;
        }
        ended_.notify_all();
        for (auto& thread : threads) {
            thread.join();
        }
    }
    if (!eventually([this] { return all_up(); }, 60s)) {
        wrong("not all nodes are up again");
    }
    check_nodes();
    check_rows();
    check_gateway(warm_kib, pid, files_before);
    std::printf(
        "%llu statements, %llu rows checked, %llu logins, %llu cancelled, %llu restarts of nodes\nerrors:",
        static_cast<unsigned long long>(statements_.load()), static_cast<unsigned long long>(rows_.load()),
        static_cast<unsigned long long>(reconnects_.load()),
        static_cast<unsigned long long>(cancelled_.load()),
        static_cast<unsigned long long>(restarts_.load()));
    for (const auto& [state, count] : errors_) {
        std::printf(" %s %llu,", state.empty() ? "(ended)" : state.c_str(),
                    static_cast<unsigned long long>(count));
    }
    std::printf("\n%s\n", wrong_ == 0 ? "good" : "NOT GOOD");
    return wrong_ == 0 ? 0 : 1;
}

}  // namespace
}  // namespace domicile

int main() {
    std::random_device device;
    return domicile::Soak(domicile::number_from("SOAK_SECONDS", 15),
                          domicile::number_from("SOAK_SEED", device() % 1'000'000))
        .run();
}

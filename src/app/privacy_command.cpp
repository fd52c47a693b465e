// `domicile user …` and `domicile privacy …`: what people ask for, for the operator of the machine.

#include "app/commands.hpp"
#include "app/common.hpp"
#include "app/person.hpp"
#include "app/worker.hpp"
#include "documents/pdf.hpp"
#include "fleet/issuer.hpp"
#include "privacy/calendar.hpp"
#include "privacy/erasure_plan.hpp"
#include "privacy/register.hpp"
#include "rights/certificate.hpp"
#include "rights/schema_reader.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

namespace json = boost::json;
using base::Code;
using namespace std::chrono_literals;
using pool::MaintenanceClient;

constexpr auto answer_wait = 60s;

int refuse(std::string text, std::string hint) {
    return failed({Code::configuration, std::move(text), std::move(hint), {}, {}});
}

struct Home {
    topology::ShardIndex shard;
    MaintenanceClient client;
};
base::Result<Home> home_of(const topology::Topology& topology, const fleet::Secrets& secrets,
                           std::int64_t user) {
    for (std::uint16_t i = 0; i < topology.shards.size(); ++i) {
        const auto& ranges = topology.shards[i].ranges;
        if (std::ranges::any_of(
                ranges, [user](const auto& range) { return range.from <= user && user < range.to; })) {
            auto client = officer_of(secrets, topology::ShardIndex(i));
            return client ? base::Result<Home>(Home{topology::ShardIndex(i), std::move(*client)})
                          : std::unexpected(std::move(client.error()));
        }
    }
    return base::fail(Code::no_range, "The user id lies in no range of any jurisdiction.");
}

/// What an erasure would do, or what is in its way; writes nothing.
int dry_run(const Common& common, const topology::Topology& topology, Home& home, std::int64_t user) {
    const auto live = rights::read_schema(home.client);
    if (!live) {
        return failed(live.error());
    }
    const auto [plan, findings] = privacy::plan_erasure(topology, *live);
    std::vector<std::string> counts(plan.steps.size(), "0");
    if (!plan.count_sql.empty()) {
        const std::optional<std::string> parameters[] = {std::to_string(user)};
        const auto counted = home.client.run(plan.count_sql, parameters, answer_wait);
        if (!counted) {
            return failed(counted.error());
        }
        for (std::size_t i = 0; i < counts.size(); ++i) {
            counts[i] = counted->rows.at(0).at(i).value_or("0");
        }
    }
    if (common.json) {
        json::array steps;
        for (std::size_t i = 0; i < plan.steps.size(); ++i) {
            json::object columns;
            for (std::size_t k = 0; k < plan.steps[i].columns.size(); ++k) {
                columns[plan.steps[i].columns[k]] = plan.steps[i].how[k];
            }
            steps.push_back({{"table", plan.steps[i].table},
                             {"rows", std::strtoll(counts[i].c_str(), nullptr, 10)},
                             {"rows_go", plan.steps[i].rows_go},
                             {"columns", std::move(columns)}});
        }
        json::array hindered;
        for (const auto& one : findings) {
            hindered.push_back({{"what", one.what}, {"hint", one.hint}});
        }
        std::cout << json::serialize(json::object{{"steps", std::move(steps)},
                                                  {"stays", json::value_from(plan.stays)},
                                                  {"findings", std::move(hindered)}})
                  << "\n";
        return findings.empty() ? 0 : 1;
    }
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        const auto& step = plan.steps[i];
        std::cout << "table " << step.table << ", " << counts[i] << (counts[i] == "1" ? " row" : " rows")
                  << (step.rows_go ? ": deleted" : "") << "\n";
        for (std::size_t k = 0; k < step.columns.size(); ++k) {
            std::cout << "  " << step.columns[k] << ": " << step.how[k] << "\n";
        }
    }
    for (const auto& table : plan.stays) {
        std::cout << "table " << table << ": stays as it is\n";
    }
    std::cout << "documents, answers and events of ours: as in docs/privacy.md\n";
    for (const auto& one : findings) {
        std::cout << "in the way: " << one.what << "; " << one.hint << "\n";
    }
    return findings.empty() ? 0 : 1;
}

int erase(const Common& common, const UserOptions& options, Home& home) {
    const std::string user = std::to_string(options.id);
    auto request =
        ask_json(home.client, "SELECT domicile.ask($1::bigint, 'erasure', $2)::text", {user, options.by});
    if (!request) {
        return failed(request.error());
    }
    if (request->is_null()) {
        return refuse("There is no person " + user + ".", "`domicile status` shows which ids live where.");
    }
    const std::string id = std::to_string(request->at("request").as_int64());
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(options.wait);
    std::string state;
    for (;;) {
        state = request->at("state").as_string();
        if (state == "done" || state == "refused" || std::chrono::steady_clock::now() >= deadline) {
            break;
        }
        std::this_thread::sleep_for(100ms);
        request = ask_json(
            home.client,
            "SELECT domicile.request_json(r)::text FROM domicile.requests AS r WHERE id = $1::bigint", {id});
        if (!request) {
            return failed(request.error());
        }
    }
    if (common.json) {
        std::cout << json::serialize(*request) << "\n";
    } else if (state == "done") {
        std::cout << "erased: request " << id << "; `domicile user certificate " << user
                  << "` prints the certificate\n";
    } else if (state == "refused") {
        std::cout << "refused, nothing was changed:\n";
        for (const auto& one : request->at("answer").at("findings").as_array()) {
            std::cout << "  " << std::string_view(one.at("what").as_string()) << "; "
                      << std::string_view(one.at("hint").as_string()) << "\n";
        }
    } else {
        const auto& held = request->at("held_until");
        std::cout << "request " << id << " is " << state
                  << (held.is_string() ? ", held until " + std::string(held.as_string())
                                       : std::string(": a worker of the home does it"))
                  << "\n";
    }
    return state == "done" ? 0 : 1;
}

int certificate(const fleet::Secrets& secrets, const UserOptions& options, Home& home) {
    const auto found =
        ask_json(home.client,
                 "SELECT answer::text FROM domicile.requests WHERE user_id = $1::bigint AND kind = "
                 "'erasure' AND state = 'done' ORDER BY "
                 "id DESC LIMIT 1",
                 {std::to_string(options.id)});
    if (!found) {
        return failed(found.error());
    }
    if (found->is_null()) {
        return refuse("Nothing of this person has been erased.",
                      "`domicile privacy requests` lists what is open.");
    }
    const auto* file = found->as_object().if_contains("certificate");
    if (file == nullptr) {
        return refuse("The last erasure was done again from the ledger, in a restored database.",
                      "The certificate was given when it was first done.");
    }
    const std::string text(file->as_string());
    if (!options.pdf) {
        std::cout << text << std::flush;
        return 0;
    }
    const auto key = fleet::read_dispatch_key(
        secrets, secrets.topology().at(secrets.topology().at(home.shard).jurisdiction).name);
    const auto opened = key ? rights::open_certificate(text, key->verifying()) : std::nullopt;
    if (!opened) {
        return key ? refuse("The certificate is not signed by the key of its jurisdiction.", "")
                   : failed(key.error());
    }
    documents::PdfMaker maker;
    std::cout << maker.make(rights::to_record(*opened, text)) << std::flush;
    return 0;
}

int hold(const UserOptions& options, Home& home) {
    privacy::Date day{};
    if (options.what == "hold" && (options.ground.empty() || !privacy::read_date(options.until, day))) {
        return refuse("A hold needs its ground and its last day.",
                      "--ground \"Art. 17(3)(e): case 4711\" --until 2027-06-30");
    }
    const auto done =
        options.what == "hold"
            ? ask_json(
                  home.client,
                  "INSERT INTO domicile.holds (user_id, ground, until, placed_by) VALUES ($1::bigint, $2, "
                  "$3::date, $4) ON CONFLICT (user_id) DO "
                  "UPDATE SET ground = excluded.ground, until = excluded.until, placed_by = "
                  "excluded.placed_by RETURNING to_jsonb(until)::text",
                  {std::to_string(options.id), options.ground, options.until, options.by})
            : ask_json(
                  home.client,
                  "DELETE FROM domicile.holds WHERE user_id = $1::bigint RETURNING to_jsonb(until)::text",
                  {std::to_string(options.id)});
    if (!done) {
        return failed(done.error());
    }
    std::cout << (options.what == "hold"
                      ? "held: nothing of the person is erased before the day after " + options.until
                  : done->is_null() ? std::string("there was no hold")
                                    : std::string("released"))
              << "\n";
    return 0;
}

}  // namespace

base::Result<MaintenanceClient> officer_of(const fleet::Secrets& secrets, topology::ShardIndex shard) {
    return writer_of(secrets, shard, fleet::roles::officer)();
}

base::Result<json::value> ask_json(MaintenanceClient& client, std::string_view statement,
                                   const std::vector<std::optional<std::string>>& parameters) {
    const auto found = client.run(statement, parameters, answer_wait);
    if (!found) {
        return std::unexpected(found.error());
    }
    boost::system::error_code malformed;
    return found->rows.empty() || !found->rows[0].at(0) ? json::value()
                                                        : json::parse(*found->rows[0][0], malformed);
}

int user(const Common& common, const UserOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const fleet::Secrets secrets(*topology, fleet::StateDir(fleet_options(common, *topology).state));
    auto home = home_of(*topology, secrets, options.id);
    if (!home) {
        return failed(home.error());
    }
    if (options.what == "erase") {
        return options.dry_run ? dry_run(common, *topology, *home, options.id)
                               : erase(common, options, *home);
    }
    if (options.what == "certificate") {
        return certificate(secrets, options, *home);
    }
    return options.what == "hold" || options.what == "release"
               ? hold(options, *home)
               : user_right(common, options, *topology, home->client);
}

int privacy_requests(const Common& common, bool all) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const fleet::Secrets secrets(*topology, fleet::StateDir(fleet_options(common, *topology).state));
    const privacy::Date today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
    json::array list;
    bool late = false;
    for (std::uint16_t i = 0; i < topology->shards.size(); ++i) {
        const auto& shard = topology->shards[i];
        auto client = officer_of(secrets, topology::ShardIndex(i));
        const auto found =
            client
                ? client->run(
                      "SELECT r.id, r.user_id, r.kind, r.state, to_char(r.asked_at AT TIME ZONE 'UTC', "
                      "'YYYY-MM-DD'), "
                      "r.extended, (SELECT h.until FROM domicile.holds AS h WHERE h.user_id = r.user_id) "
                      "FROM "
                      "domicile.requests AS r" +
                          std::string(all ? "" : " WHERE r.state IN ('open', 'running')") + " ORDER BY r.id",
                      answer_wait)
                : base::Result<std::vector<pool::ResultSet>>(std::unexpected(client.error()));
        if (!found) {
            return failed(found.error());
        }
        const auto& holidays = topology->at(shard.jurisdiction).holidays;
        for (const auto& row : found->at(0).rows) {
            privacy::Date received{};
            std::ignore = privacy::read_date(row.at(4).value_or(""), received);
            const auto due = privacy::due(
                received, row.at(5) ? privacy::extended_months : privacy::answer_months, holidays);
            const int left = privacy::days_between(today, due);
            const bool open = row.at(3) == "open" || row.at(3) == "running";
            late = late || (open && left < 0);
            list.push_back({{"shard", shard.name},
                            {"request", std::strtoll(row.at(0).value_or("0").c_str(), nullptr, 10)},
                            {"user_id", std::strtoll(row.at(1).value_or("0").c_str(), nullptr, 10)},
                            {"kind", row.at(2).value_or("")},
                            {"state", row.at(3).value_or("")},
                            {"received", row.at(4).value_or("")},
                            {"due", privacy::text_of(due)},
                            {"days_left", open ? json::value(left) : json::value()},
                            {"held_until", row.at(6) ? json::value(*row.at(6)) : json::value()}});
        }
    }
    if (common.json) {
        std::cout << json::serialize(list) << "\n";
        return late ? 1 : 0;
    }
    for (const auto& one : list) {
        std::cout << std::string_view(one.at("shard").as_string()) << " request "
                  << one.at("request").as_int64() << ": " << std::string_view(one.at("kind").as_string())
                  << " of user " << one.at("user_id").as_int64() << ", "
                  << std::string_view(one.at("state").as_string()) << ", received "
                  << std::string_view(one.at("received").as_string()) << ", due "
                  << std::string_view(one.at("due").as_string());
        if (one.at("days_left").is_int64()) {
            const auto left = one.at("days_left").as_int64();
            std::cout << (left < 0 ? ", LATE by " + std::to_string(-left) + " days"
                                   : ", " + std::to_string(left) + " days left");
        }
        std::cout << (one.at("held_until").is_string()
                          ? ", held until " + std::string(one.at("held_until").as_string())
                          : std::string())
                  << "\n";
    }
    std::cout << (list.empty() ? "no request is open\n" : "");
    return late ? 1 : 0;
}

int privacy_register(const Common& common, const std::filesystem::path& check) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const fleet::Secrets secrets(*topology, fleet::StateDir(fleet_options(common, *topology).state));
    auto client = officer_of(secrets, topology::ShardIndex(0));
    const auto live = client ? rights::read_schema(*client)
                             : base::Result<privacy::LiveSchema>(std::unexpected(client.error()));
    if (!live) {
        return failed(live.error());
    }
    const std::string text = privacy::register_text(*topology, *live);
    if (check.empty()) {
        std::cout << text;
        return 0;
    }
    std::ifstream in(check, std::ios::binary);
    if (!in) {
        return refuse("The file " + check.string() + " cannot be read.",
                      "`domicile privacy register > FILE` makes it.");
    }
    const std::string before(std::istreambuf_iterator<char>(in), {});
    const auto changed = privacy::differences(before, text);
    for (const auto& line : changed) {
        std::cout << line << "\n";
    }
    std::cout << (changed.empty() ? "the record is what the system is\n" : "");
    return changed.empty() ? 0 : 1;
}

/// Art. 12(3): two months more, and the person is told why within the first.
int privacy_extend(const Common& common, const ExtendOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const fleet::Secrets secrets(*topology, fleet::StateDir(fleet_options(common, *topology).state));
    const auto shard = std::ranges::find(topology->shards, options.shard, &topology::Shard::name);
    if (shard == topology->shards.end() || options.because.empty()) {
        return refuse("An extension needs its shard and its reasons.",
                      "domicile privacy extend 3 --shard eu-1 --because \"many requests at once\"");
    }
    auto client =
        writer_of(secrets, topology::ShardIndex(static_cast<std::uint16_t>(shard - topology->shards.begin())),
                  fleet::roles::officer)();
    if (!client) {
        return failed(client.error());
    }
    const auto done =
        ask_json(*client,
                 "UPDATE domicile.requests SET extended = $2 WHERE id = $1::bigint AND state IN "
                 "('open', 'running') AND extended IS NULL AND "
                 "asked_at > now() - interval '1 month' RETURNING to_jsonb(id)::text",
                 {std::to_string(options.request), options.because});
    if (!done) {
        return failed(done.error());
    }
    if (done->is_null()) {
        return refuse("That request is answered, extended, or older than a month.",
                      "`domicile privacy requests` lists the open ones.");
    }
    std::cout << "extended: two months more\n";
    return 0;
}

}  // namespace domicile::app

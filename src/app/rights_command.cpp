// `domicile user restrict|lift|export|rectify|consent|object` and `domicile privacy retention|decide`: the
// same requests as at the HTTP door, for the operator of the machine.

#include "app/commands.hpp"
#include "app/common.hpp"
#include "app/person.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "fleet/context.hpp"
#include "privacy/retention_plan.hpp"
#include "rights/schema_reader.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <thread>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

namespace json = boost::json;
using base::Code;
using namespace std::chrono_literals;
using pool::MaintenanceClient;

int refuse(std::string text, std::string hint) {
    return failed({Code::configuration, std::move(text), std::move(hint), {}, {}});
}

int no_such_person(std::int64_t user) {
    return refuse("There is no person " + std::to_string(user) + ".",
                  "`domicile status` shows which ids live where.");
}

/// Asks, and waits until an officer has answered; nothing if it has been reported already.
std::optional<json::value> answered(MaintenanceClient& client, const UserOptions& options,
                                    std::string_view kind) {
    auto request = ask_json(client,
                            "SELECT domicile.ask($1::bigint, $2, $3, CASE WHEN $4 <> '' THEN "
                            "jsonb_build_object('ground', $4::text) END)::text",
                            {std::to_string(options.id), std::string(kind), options.by, options.ground});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(options.wait);
    while (request && !request->is_null() && request->at("state").as_string() != "done" &&
           request->at("state").as_string() != "refused" && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(50ms);
        const auto id = std::to_string(request->at("request").as_int64());
        request = ask_json(
            client, "SELECT domicile.request_json(r)::text FROM domicile.requests AS r WHERE id = $1::bigint",
            {id});
    }
    if (!request) {
        failed(request.error());
        return std::nullopt;
    }
    if (request->is_null()) {
        no_such_person(options.id);
        return std::nullopt;
    }
    return std::move(*request);
}

int restriction(const Common& common, const UserOptions& options, MaintenanceClient& client) {
    const bool begins = options.what == "restrict";
    if (begins && options.ground.empty()) {
        return refuse("A restriction needs its ground.", "--ground \"Art. 18(1)(a)\"");
    }
    const auto request = answered(client, options, begins ? "restriction" : "lifting");
    if (!request) {
        return 1;
    }
    const bool done = request->at("state").as_string() == "done";
    if (common.json) {
        std::cout << json::serialize(*request) << "\n";
    } else if (done) {
        std::cout << (begins ? "restricted: stored, and hidden from every door\n" : "lifted\n");
        for (const auto& reader : request->at("answer").at("readers_not").as_array()) {
            std::cout << "not replayed yet by " << std::string_view(reader.as_string()) << "\n";
        }
    } else {
        std::cout << "request " << request->at("request").as_int64() << " waits for a worker of the home\n";
    }
    return done ? 0 : 1;
}

/// Goes on with a file that is there already: the bytes of a request never change.
int fetch(const Common& common, const UserOptions& options, MaintenanceClient& client) {
    if (options.out.empty()) {
        return refuse("An export needs its file.", "--out 5.zip");
    }
    auto known = ask_json(client, "SELECT domicile.package($1::bigint, NULL, $2)::text",
                          {std::to_string(options.id), options.by});
    if (!known) {
        return failed(known.error());
    }
    if (!known->is_null() && known->at("state").as_string() != "done") {
        auto request = answered(client, options, "export");
        if (!request) {
            return 1;
        }
        *known = std::move(*request);
    }
    if (known->is_null()) {
        return no_such_person(options.id);
    }
    if (known->at("state").as_string() != "done") {
        std::cout << json::serialize(*known) << "\n";
        return 1;
    }
    const auto& answer = known->at("answer");
    const auto bytes = answer.at("bytes").as_int64();
    const auto piece_bytes = answer.at("piece_bytes").as_int64();
    const std::filesystem::path part =
        options.out.string() + ".part-" + std::to_string(known->at("request").as_int64());
    std::error_code none;
    auto have = static_cast<std::int64_t>(
        std::filesystem::exists(part, none) ? std::filesystem::file_size(part, none) : 0);
    have -= have % piece_bytes;
    if (std::filesystem::exists(part, none)) {
        std::filesystem::resize_file(part, static_cast<std::uintmax_t>(have));
    }
    {
        std::ofstream out(part, std::ios::binary | std::ios::app);
        std::filesystem::permissions(
            part, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, none);
        for (std::int64_t piece = have / piece_bytes; piece * piece_bytes < bytes; ++piece) {
            const std::optional<std::string> wanted[] = {std::to_string(known->at("request").as_int64()),
                                                         std::to_string(piece)};
            const auto got = client.run(
                "SELECT translate(encode(bytes, 'base64'), E'\\n', '') FROM domicile.packages WHERE request "
                "= "
                "$1::bigint AND piece = $2::integer",
                wanted, 60s);
            if (!got || got->rows.empty()) {
                return got ? refuse("The package is gone.", "Ask again.") : failed(got.error());
            }
            const auto raw = crypto::base64_decode(got->rows[0].at(0).value_or(""));
            out << raw.value_or("");
            if (!out.flush() || !raw) {
                return refuse("The file " + part.string() + " cannot be written.", "Is there room?");
            }
        }
    }
    crypto::Sha256 sum;
    std::ifstream in(part, std::ios::binary);
    std::string block(1U << 16U, '\0');
    while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0) {
        sum.add(std::string_view(block).substr(0, static_cast<std::size_t>(in.gcount())));
    }
    if (crypto::hex(crypto::view(sum.take())) != std::string_view(answer.at("sha256").as_string())) {
        std::filesystem::remove(part, none);
        return refuse("The package that arrived is not the one that was made.", "Fetch it again.");
    }
    std::filesystem::rename(part, options.out);
    if (common.json) {
        std::cout << json::serialize(*known) << "\n";
    } else {
        std::cout << options.out.string() << ": " << bytes << " bytes, as of "
                  << std::string_view(answer.at("position").as_string()) << "\n";
    }
    return 0;
}

int rectify(const Common& common, const UserOptions& options, MaintenanceClient& client,
            const topology::Topology& topology) {
    const auto done = ask_json(
        client, "SELECT domicile.rectify($1::bigint, $2, $3::jsonb, $4::jsonb, $5)::text",
        {std::to_string(options.id), options.table.empty() ? topology.person_table().name : options.table,
         options.key, options.set, options.by});
    if (!done) {
        return failed(done.error());
    }
    if (done->is_null()) {
        return refuse("There is no such row of the person.", "--key '{\"order_no\": 7}' names it.");
    }
    std::cout << (common.json ? json::serialize(*done)
                              : "set right: request " + std::to_string(done->at("request").as_int64()) +
                                    "; recipients of the person's documents are told")
              << "\n";
    return 0;
}

int consent(const UserOptions& options, MaintenanceClient& client) {
    const auto done =
        ask_json(client, "SELECT domicile.consent($1::bigint, $2, nullif($3, ''), $4::boolean, $5)::text",
                 {std::to_string(options.id), options.purpose, options.version,
                  options.withdraw ? "false" : "true", options.by});
    if (!done) {
        return failed(done.error());
    }
    if (done->is_null()) {
        return no_such_person(options.id);
    }
    std::cout << json::serialize(*done) << "\n";
    return 0;
}

int object(const UserOptions& options, MaintenanceClient& client) {
    const auto done = ask_json(client,
                               "SELECT domicile.ask($1::bigint, 'objection', $2, "
                               "jsonb_build_object('ground', $3::text))::text",
                               {std::to_string(options.id), options.by, options.ground});
    if (!done) {
        return failed(done.error());
    }
    if (done->is_null()) {
        return no_such_person(options.id);
    }
    std::cout << "request " << done->at("request").as_int64()
              << ": a human decides, `domicile privacy decide` says how\n";
    return 0;
}

}  // namespace

int user_right(const Common& common, const UserOptions& options, const topology::Topology& topology,
               MaintenanceClient& client) {
    if (options.what == "restrict" || options.what == "lift") {
        return restriction(common, options, client);
    }
    if (options.what == "export") {
        return fetch(common, options, client);
    }
    if (options.what == "rectify") {
        return rectify(common, options, client, topology);
    }
    return options.what == "consent" ? consent(options, client) : object(options, client);
}

int privacy_retention(const Common& common) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const fleet::Secrets secrets(*topology, fleet::StateDir(fleet_options(common, *topology).state));
    json::array list;
    bool good = true;
    for (std::uint16_t i = 0; i < topology->shards.size(); ++i) {
        auto client = officer_of(secrets, topology::ShardIndex(i));
        const auto live = client ? rights::read_schema(*client)
                                 : base::Result<privacy::LiveSchema>(std::unexpected(client.error()));
        if (!live) {
            return failed(live.error());
        }
        const auto plan = privacy::plan_retention(*topology, *live);
        for (const auto& finding : plan.findings) {
            std::cerr << topology->shards[i].name << ": " << finding.what << "; " << finding.hint << "\n";
            good = false;
        }
        for (const auto& step : plan.steps) {
            const auto due = client->run(step.due_sql, 60s);
            const std::optional<std::string> name[] = {step.table};
            const auto ran = client->run(
                "SELECT to_char(ran_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
                "removed, coalesce(note, '') FROM domicile.retention WHERE table_name = $1",
                name, 60s);
            if (!due || !ran) {
                return failed(due ? ran.error() : due.error());
            }
            const bool once = !ran->rows.empty();
            list.push_back(
                {{"shard", topology->shards[i].name},
                 {"table", step.table},
                 {"retention", step.retention},
                 {"due", std::strtoll(due->at(0).rows.at(0).at(0).value_or("0").c_str(), nullptr, 10)},
                 {"removed", once ? std::strtoll(ran->rows[0].at(1).value_or("0").c_str(), nullptr, 10) : 0},
                 {"ran_at", once ? json::value(ran->rows[0].at(0).value_or("")) : json::value()},
                 {"note", once ? ran->rows[0].at(2).value_or("") : ""}});
        }
    }
    if (common.json) {
        std::cout << json::serialize(list) << "\n";
        return good ? 0 : 1;
    }
    for (const auto& one : list) {
        std::cout << std::string_view(one.at("shard").as_string()) << " "
                  << std::string_view(one.at("table").as_string()) << ", kept "
                  << std::string_view(one.at("retention").as_string()) << ": " << one.at("due").as_int64()
                  << " rows due, " << one.at("removed").as_int64() << " removed so far"
                  << (one.at("ran_at").is_string()
                          ? ", last looked at " + std::string(one.at("ran_at").as_string())
                          : std::string(", not looked at yet"));
        const auto note = std::string_view(one.at("note").as_string());
        std::cout << (note.empty() ? "" : "; ") << note << "\n";
    }
    std::cout << (list.empty() ? "no table says `retained_from`: nothing goes by itself\n" : "");
    return good ? 0 : 1;
}

/// Art. 21(1): whether compelling grounds override the person's; Art. 12(4): with reasons.
int privacy_decide(const Common& common, const DecideOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const fleet::Secrets secrets(*topology, fleet::StateDir(fleet_options(common, *topology).state));
    const auto shard = std::ranges::find(topology->shards, options.shard, &topology::Shard::name);
    if (shard == topology->shards.end() || options.upheld == options.refused || options.because.empty()) {
        return refuse(
            "A decision needs its shard, one of --upheld and --refused, and reasons.",
            "domicile privacy decide 3 --shard eu-1 --upheld --because \"no longer used for advertising\"");
    }
    auto client = officer_of(
        secrets, topology::ShardIndex(static_cast<std::uint16_t>(shard - topology->shards.begin())));
    if (!client) {
        return failed(client.error());
    }
    const auto done =
        ask_json(*client,
                 "UPDATE domicile.requests SET state = $2, done_at = clock_timestamp(), answer = "
                 "jsonb_build_object('because', $3::text) WHERE id = $1::bigint AND kind = "
                 "'objection' AND state = 'open' RETURNING to_jsonb(id)::text",
                 {std::to_string(options.request), options.upheld ? "done" : "refused", options.because});
    if (!done) {
        return failed(done.error());
    }
    if (done->is_null()) {
        return refuse("That is no open objection.", "`domicile privacy requests` lists what is open.");
    }
    std::cout << "decided\n";
    return 0;
}

}  // namespace domicile::app

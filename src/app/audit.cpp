// `domicile audit …`: where audit documents stand, one of them, and whether every audited event has one that
// was acknowledged.

#include "app/audit_prove.hpp"
#include "app/commands.hpp"
#include "app/common.hpp"
#include "app/worker.hpp"
#include "documents/keeper.hpp"
#include "fleet/issuer.hpp"

#include <algorithm>
#include <charconv>
#include <iostream>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr auto answer_wait = 60s;

int refuse(std::string text, std::string hint) {
    return failed({base::Code::configuration, std::move(text), std::move(hint), {}, {}});
}

std::int64_t number(const std::optional<std::string>& text) {
    std::int64_t value = 0;
    if (text) {
        std::from_chars(text->data(), text->data() + text->size(), value);
    }
    return value;
}

/// One document's plain PDF to standard output.
int show(const topology::Topology& topology, const fleet::Secrets& secrets, const std::string& id) {
    const auto dot = id.rfind('.');
    const std::string shard = id.substr(0, std::min(dot, id.size()));
    const auto found = std::ranges::find(topology.shards, shard, &topology::Shard::name);
    if (dot == std::string::npos || found == topology.shards.end() ||
        id.find_first_not_of("0123456789", dot + 1) != std::string::npos || dot + 1 == id.size() ||
        id.size() - dot > 19) {
        return refuse("There is no document " + id + ".", "A document's id is SHARD.NUMBER: eu-1.42.");
    }
    const std::string& home = topology.at(found->jurisdiction).name;
    const std::string digits = id.substr(dot + 1);
    const auto index = static_cast<std::uint16_t>(found - topology.shards.begin());
    auto client = writer_of(secrets, topology::ShardIndex(index))();
    if (!client) {
        return failed(client.error());
    }
    const std::optional<std::string> wanted[] = {digits};
    const auto row = client->run(
        "SELECT user_id FROM domicile.documents WHERE number = $1::bigint AND stored_at IS NOT NULL", wanted,
        answer_wait);
    if (!row || row->rows.empty()) {
        return row ? refuse("There is no document " + id + ".",
                            "`domicile audit status` shows how many there are.")
                   : failed(row.error());
    }
    auto service = secrets.keys_of(home);
    if (!service) {
        return failed(service.error());
    }
    documents::PersonKeys keys(**service, topology.name, home);
    const std::string user = row->rows[0].at(0).value_or("");
    if (auto known = keys.know(*client, {user}, false); !known) {
        return failed(known.error());
    }
    const auto store = document_store(secrets, home);
    const auto sealed = store->get(documents::object_key(shard, digits));
    const auto pdf = sealed ? documents::open_document(keys.of(user), id, *sealed)
                            : base::Result<base::Secret<std::string>>(std::unexpected(sealed.error()));
    if (!pdf) {
        return failed(pdf.error());
    }
    std::cout << pdf->reveal() << std::flush;
    return 0;
}

/// Audited events = stored documents = documents in acknowledged batches, shard by shard.
int status(const Common& common, const topology::Topology& topology, const fleet::Secrets& secrets) {
    json::array shards;
    json::array batches;
    bool complete = true;
    std::map<std::pair<std::string, std::string>, std::int64_t>
        sent;  // institution, shard: the last number acknowledged
    for (const auto& institution : topology.institutions) {
        for (std::uint16_t i = 0; i < topology.shards.size(); ++i) {
            if (topology.shards[i].jurisdiction != institution.jurisdiction) {
                continue;
            }
            auto books = writer_of(secrets, topology::ShardIndex(i))();
            if (!books) {
                return failed(books.error());
            }
            const std::optional<std::string> own[] = {institution.name};
            const auto found = books->run(
                "SELECT count(*) FILTER (WHERE acknowledged_at IS NOT NULL), count(*) FILTER (WHERE "
                "acknowledged_at IS NULL), "
                "coalesce(sum(documents) FILTER (WHERE acknowledged_at IS NOT NULL), 0), (SELECT through "
                "FROM domicile.dispatches "
                "WHERE institution = $1 AND acknowledged_at IS NOT NULL ORDER BY n DESC LIMIT 1) FROM "
                "domicile.dispatches "
                "WHERE institution = $1",
                own, answer_wait);
            if (!found) {
                return failed(found.error());
            }
            const auto& row = found->rows.at(0);
            boost::system::error_code malformed;
            const auto through = json::parse(row.at(3).value_or("{}"), malformed);
            if (!malformed && through.is_object()) {
                for (const auto& [shard, last] : through.get_object()) {
                    sent[{institution.name, std::string(shard)}] = last.is_int64() ? last.get_int64() : 0;
                }
            }
            batches.push_back({{"institution", institution.name},
                               {"acknowledged", number(row.at(0))},
                               {"open", number(row.at(1))},
                               {"documents", number(row.at(2))}});
            complete = complete && number(row.at(1)) == 0;
            break;  // the first shard keeps the books
        }
    }
    for (std::uint16_t i = 0; i < topology.shards.size(); ++i) {
        const auto& shard = topology.shards[i];
        auto client = writer_of(secrets, topology::ShardIndex(i))();
        const auto found = client
                               ? client->run(
                                     "SELECT (SELECT count(*) FROM domicile.outbox WHERE audited), count(*), "
                                     "count(stored_at), (SELECT documents FROM domicile.batch_state), "
                                     "coalesce(max(number), 0) FROM domicile.documents",
                                     answer_wait)
                               : base::Result<std::vector<pool::ResultSet>>(std::unexpected(client.error()));
        if (!found) {
            return failed(found.error());
        }
        const auto& row = found->at(0).rows.at(0);
        const auto events = number(row.at(0)) + number(row.at(3));
        // Numbers have no gap: as many rows as the last one says, and as were ever numbered.
        const bool gapless = number(row.at(1)) == number(row.at(3)) && number(row.at(4)) == number(row.at(3));
        std::int64_t due =
            0;  // of institutions that receive from here: documents beyond what they have acknowledged
        for (const auto& institution : topology.institutions) {
            if (institution.jurisdiction != shard.jurisdiction) {
                continue;
            }
            std::string tables = "{";
            for (const auto& table : institution.documents) {
                tables += (tables.size() == 1 ? "" : ",") + table;
            }
            const std::optional<std::string> asked[] = {tables + "}",
                                                        std::to_string(sent[{institution.name, shard.name}])};
            const auto open = client->run(
                "SELECT count(*) FROM domicile.documents WHERE table_name = ANY ($1::text[]) AND number > "
                "$2::bigint",
                asked, answer_wait);
            if (!open) {
                return failed(open.error());
            }
            due += number(open->rows.at(0).at(0));
        }
        complete = complete && gapless && number(row.at(2)) == events && due == 0;
        shards.push_back({{"shard", shard.name},
                          {"events", events},
                          {"stored", number(row.at(2))},
                          {"gapless", gapless},
                          {"to_send", due}});
    }
    if (common.json) {
        std::cout << json::serialize(
                         json::object{{"complete", complete}, {"shards", shards}, {"institutions", batches}})
                  << "\n";
        return complete ? 0 : 1;
    }
    for (const auto& one : shards) {
        std::cout << std::string_view(one.at("shard").as_string()) << ": " << one.at("events").as_int64()
                  << " audited events, " << one.at("stored").as_int64() << " documents stored, "
                  << one.at("to_send").as_int64() << " to be sent"
                  << (one.at("gapless").as_bool() ? "" : ", NUMBERS HAVE A GAP") << "\n";
    }
    for (const auto& one : batches) {
        std::cout << std::string_view(one.at("institution").as_string()) << ": "
                  << one.at("acknowledged").as_int64() << " batches acknowledged with "
                  << one.at("documents").as_int64() << " documents, " << one.at("open").as_int64()
                  << " open\n";
    }
    std::cout << (complete ? "every audited event has its document, and every document is where it belongs\n"
                           : "not complete yet\n");
    return complete ? 0 : 1;
}

}  // namespace

int audit(const Common& common, const AuditOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const fleet::Secrets secrets(*topology, fleet::StateDir(fleet_options(common, *topology).state));
    if (options.what == "show") {
        return show(*topology, secrets, options.id);
    }
    if (options.what == "prove") {
        return audit_prove(*topology, secrets, options);
    }
    if (options.what == "status") {
        return status(common, *topology, secrets);
    }
    const std::string home =
        options.jurisdiction.empty() ? topology->jurisdictions.front().name : options.jurisdiction;
    const auto key = fleet::read_dispatch_key(secrets, home);
    if (!key) {
        return failed(key.error());
    }
    for (const auto& [name, value] : key->verifying().jwk()) {
        if (name == "x") {
            std::cout << value << "\n";
        }
    }
    return 0;
}

}  // namespace domicile::app

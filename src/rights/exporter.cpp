#include "rights/exporter.hpp"

#include "base/control_point.hpp"
#include "base/log.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "sql/quote.hpp"

#include <algorithm>
#include <functional>

#include <boost/json.hpp>

namespace domicile::rights {
namespace {

namespace json = boost::json;
using base::Code;
using namespace std::chrono_literals;
using pool::MaintenanceClient;

constexpr const char* fetch_rows = "FETCH 500 FROM package_rows";

/// Each row of a statement, a few hundred at a time.
base::Status for_each_row(MaintenanceClient& client, const std::string& statement,
                          const std::function<base::Status(const pool::TextRow&)>& take) {
    if (auto opened = client.run("DECLARE package_rows NO SCROLL CURSOR FOR " + statement, answer_wait);
        !opened) {
        return std::unexpected(opened.error());
    }
    for (;;) {
        const auto got = client.run(fetch_rows, answer_wait);
        if (!got) {
            return std::unexpected(got.error());
        }
        for (const auto& row : got->at(0).rows) {
            if (auto taken = take(row); !taken) {
                return taken;
            }
        }
        if (got->at(0).rows.empty()) {
            break;
        }
    }
    const auto closed = client.run("CLOSE package_rows", answer_wait);
    return closed ? base::Status() : std::unexpected(closed.error());
}

std::string bytea(std::string_view bytes) {
    return "\\x" + crypto::hex(bytes);
}

}  // namespace

Exporter::Exporter(const topology::Topology& topology, std::string shard, cloud::ObjectStore& store,
                   cloud::KeyService& service, const crypto::SigningKey& key)
    : topology_(topology),
      shard_(std::move(shard)),
      jurisdiction_(
          topology.at(std::ranges::find(topology.shards, shard_, &topology::Shard::name)->jurisdiction).name),
      store_(store),
      keys_(service, topology.name, jurisdiction_),
      key_(key) {}

base::Status Exporter::make(MaintenanceClient& client, const Task& task, const privacy::LiveSchema& live) {
    if (auto begun = client.run("BEGIN ISOLATION LEVEL REPEATABLE READ", answer_wait); !begun) {
        return std::unexpected(begun.error());
    }
    const auto roll_back = [&] { std::ignore = client.run("ROLLBACK", answer_wait); };
    // One package a person: the one before makes room.
    if (auto gone = ask(client, "DELETE FROM domicile.packages WHERE user_id = $1::bigint", {task.user});
        !gone) {
        roll_back();
        return std::unexpected(gone.error());
    }
    const std::uint64_t most = std::uint64_t{topology_.privacy.package_mb_max} << 20U;
    std::uint64_t pieces = 0;
    bool too_large = false;
    Archive archive(package_piece_bytes, [&](std::string_view piece) -> base::Status {
        if ((pieces + 1) * package_piece_bytes > most) {
            too_large = true;
            return base::fail(Code::payload_too_large, "The package is too large.");
        }
        const auto put = ask(client,
                             "INSERT INTO domicile.packages (request, piece, user_id, bytes) VALUES "
                             "($1::bigint, $2::integer, $3::bigint, $4::bytea)",
                             {task.request, std::to_string(pieces++), task.user, bytea(piece)});
        return put ? base::Status() : std::unexpected(put.error());
    });
    std::string position;
    auto written = write(client, task, live, archive, position);
    if (!written && too_large) {
        roll_back();
        const auto noted =
            ask(client,
                "UPDATE domicile.requests SET state = 'refused', done_at = clock_timestamp(), answer = "
                "$2::jsonb WHERE id = $1::bigint",
                {task.request, json::serialize(json::object{
                                   {"findings",
                                    {{{"what", "the package would be larger than " +
                                                   std::to_string(topology_.privacy.package_mb_max) + " MiB"},
                                      {"hint", "raise package_mb_max in [privacy], and ask again"}}}}})});
        return noted ? base::Status() : std::unexpected(noted.error());
    }
    if (!written) {
        roll_back();
        return written;
    }
    const auto answer = json::serialize(json::object{{"bytes", archive.bytes()},
                                                     {"piece_bytes", package_piece_bytes},
                                                     {"sha256", archive.sha256()},
                                                     {"position", position},
                                                     {"until", day_in(topology_.privacy.package_days)}});
    if (const auto noted = ask(client,
                               "UPDATE domicile.requests SET state = 'done', done_at = clock_timestamp(), "
                               "answer = $2::jsonb WHERE id = $1::bigint",
                               {task.request, answer});
        !noted) {
        roll_back();
        return std::unexpected(noted.error());
    }
    base::control_point("exporter.made");
    const auto committed = client.run("COMMIT", answer_wait);
    if (!committed) {
        return std::unexpected(committed.error());
    }
    base::log::info("rights.exported", {{"shard", shard_}, {"bytes", archive.bytes()}});
    return {};
}

base::Status Exporter::write(MaintenanceClient& client, const Task& task, const privacy::LiveSchema& live,
                             Archive& archive, std::string& position) {
    const auto now =
        ask(client,
            "SELECT to_char(now() AT TIME ZONE 'UTC', " + std::string(rfc3339) +
                "), (SELECT timeline_id FROM pg_control_checkpoint()) || ':' || "
                "pg_current_wal_insert_lsn(), (SELECT coalesce(string_agg(DISTINCT institution, "
                "',' ORDER BY institution), '') FROM domicile.notices WHERE user_id = $1::bigint "
                "AND documents > 0), domicile.asked($1::bigint)::text, "
                "domicile.consents_of($1::bigint)::text, (SELECT count(*) FROM "
                "domicile.documents WHERE user_id = $1::bigint AND stored_at IS NOT NULL)",
            {task.user});
    if (!now) {
        return std::unexpected(now.error());
    }
    const auto& row = now->rows.at(0);
    PackageFacts facts;
    facts.system = topology_.name;
    facts.jurisdiction = jurisdiction_;
    facts.shard = shard_;
    facts.user_id = number(task.user);
    facts.request = number(task.request);
    facts.made_at = row.at(0).value_or("");
    facts.position = row.at(1).value_or("");
    position = facts.position;
    if (number(row.at(5)) > 0) {
        for (const auto& institution : topology_.institutions) {
            if (topology_.at(institution.jurisdiction).name == jurisdiction_) {
                facts.recipients.push_back(institution.name);
            }
        }
    }
    PackagePage page(facts);
    for (const auto& table : topology_.tables) {
        const auto* there = live.table(table.name);
        if (table.kind != topology::TableKind::sharded || there == nullptr) {
            continue;
        }
        PackagedTable packaged{&table, there, 0};
        if (auto written = write_table(client, task.user, packaged, archive, page); !written) {
            return written;
        }
        facts.tables.push_back(packaged);
    }
    auto written = archive.file("requests.json", row.at(3).value_or("[]") + "\n");
    written = written ? archive.file("consents.json", row.at(4).value_or("[]") + "\n") : written;
    written = written ? write_documents(client, task.user, archive) : written;
    written = written ? archive.file("index.html", page.finish(archive.files())) : written;
    if (!written) {
        return written;
    }
    const std::string manifest = manifest_of(facts, archive.files());
    const auto signature = key_.sign(manifest);
    if (!signature) {
        return std::unexpected(signature.error());
    }
    written = archive.file("manifest.json", manifest);
    written = written ? archive.file("manifest.sig", crypto::base64(*signature) + "\n") : written;
    return written ? archive.close() : written;
}

base::Status Exporter::write_table(MaintenanceClient& client, const std::string& user, PackagedTable& table,
                                   Archive& archive, PackagePage& page) {
    const std::string place = "public." + sql::sql_identifier(table.table->name);
    std::string columns;
    std::string order;
    Texts names;
    for (const auto& column : table.live->columns) {
        columns += (columns.empty() ? "t." : ", t.") + sql::sql_identifier(column.name) + "::text";
        names.emplace_back(column.name);
    }
    for (const auto& column : table.live->primary_key) {
        order += (order.empty() ? " ORDER BY t." : ", t.") + sql::sql_identifier(column);
    }
    const std::string rows =
        " FROM " + place + " AS t WHERE t." + sql::sql_identifier(table.table->key) + " = " + user + order;
    if (auto begun = archive.begin("tables/" + table.table->name + ".csv"); !begun) {
        return begun;
    }
    page.table(table);
    std::string text;
    append_csv(text, names);
    auto done = for_each_row(client, "SELECT " + columns + rows, [&](const pool::TextRow& row) {
        append_csv(text, row);
        page.row(row);
        ++table.rows;
        auto added = text.size() < 65'536 ? base::Status() : archive.add(text);
        text.resize(text.size() < 65'536 ? text.size() : 0);
        return added;
    });
    done = done ? archive.add(text) : done;
    done = done ? archive.begin("tables/" + table.table->name + ".json") : done;
    done = done ? archive.add("[") : done;
    const char* comma = "\n";
    done = done ? for_each_row(client, "SELECT to_jsonb(t)::text" + rows,
                               [&](const pool::TextRow& row) {
                                   return archive.add(std::exchange(comma, ",\n") + row.at(0).value_or(""));
                               })
                : done;
    done = done ? archive.add("\n]\n") : done;
    return done ? archive.end() : done;
}

base::Status Exporter::write_documents(MaintenanceClient& client, const std::string& user, Archive& archive) {
    std::vector<std::string> numbers;
    const auto listed = for_each_row(client,
                                     "SELECT number FROM domicile.documents WHERE user_id = " + user +
                                         " AND stored_at IS NOT NULL AND NOT erased ORDER BY number",
                                     [&](const pool::TextRow& row) {
                                         numbers.push_back(row.at(0).value_or(""));
                                         return base::Status();
                                     });
    if (!listed || numbers.empty()) {
        return listed;
    }
    if (auto known = keys_.know(client, {user}, false); !known) {
        return known;
    }
    for (const auto& number : numbers) {
        const auto sealed = store_.get(documents::object_key(shard_, number));
        const std::string id = shard_ + "." + number;
        const auto pdf = sealed ? documents::open_document(keys_.of(user), id, *sealed)
                                : base::Result<base::Secret<std::string>>(std::unexpected(sealed.error()));
        if (!pdf) {
            return std::unexpected(pdf.error());
        }
        if (auto put = archive.file("documents/" + id + ".pdf", pdf->reveal()); !put) {
            return put;
        }
    }
    return {};
}

base::Status Exporter::tidy(MaintenanceClient& client) {
    if (std::chrono::steady_clock::now() - tidied_ < 1min) {
        return {};
    }
    tidied_ = std::chrono::steady_clock::now();
    const auto gone = client.run(
        "DELETE FROM domicile.packages AS p USING domicile.requests AS r WHERE r.id = p.request AND "
        "r.done_at < now() - interval '" +
            std::to_string(topology_.privacy.package_days) + " days'",
        answer_wait);
    return gone ? base::Status() : std::unexpected(gone.error());
}

}  // namespace domicile::rights

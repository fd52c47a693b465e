#include "documents/dispatcher.hpp"

#include "base/control_point.hpp"
#include "base/log.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "sql/quote.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <set>

#include <boost/json.hpp>

namespace domicile::documents {
namespace {

using base::Code;
using namespace std::chrono_literals;

constexpr auto answer_wait = 30s;
constexpr std::size_t puts_at_once = 8;

std::string now_text() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

/// "eu-1.42" as shard and number.
std::pair<std::string, std::string> parts_of(const std::string& id) {
    const auto dot = id.rfind('.');
    return {id.substr(0, dot), id.substr(dot + 1)};
}

}  // namespace

DispatchMetrics::DispatchMetrics(base::Metrics& metrics, const std::string& institution)
    : batches(metrics.counter("domicile_dispatch_batches", "Batches acknowledged",
                              {{"institution", institution}})),
      documents(metrics.counter("domicile_dispatch_documents", "Documents in them",
                                {{"institution", institution}})),
      failures(metrics.counter("domicile_dispatch_failures", "Rounds that failed",
                               {{"institution", institution}})),
      unacknowledged(metrics.gauge("domicile_dispatch_unacknowledged_seconds",
                                   "Age of the oldest batch that is not acknowledged",
                                   {{"institution", institution}})) {}

Dispatcher::Dispatcher(const topology::Topology& topology, const topology::Institution& institution,
                       std::vector<Source> sources, cloud::ObjectStore& store, cloud::KeyService& service,
                       OpenDelivery delivery, crypto::SigningKey key, DispatchMetrics& metrics)
    : topology_(topology),
      institution_(institution),
      origin_(log_origin(topology.name, institution.name)),
      sources_(std::move(sources)),
      clients_(sources_.size()),
      store_(store),
      keys_(service, topology.name, topology.at(institution.jurisdiction).name),
      open_delivery_(std::move(delivery)),
      key_(std::move(key)),
      metrics_(metrics),
      putters_(puts_at_once) {}

void Dispatcher::run(const std::stop_token& stop) {
    events::lead(stop, {.log_name = "dispatch",
                        .of = institution_.name,
                        .lock = "hashtextextended(" + sql::sql_literal(institution_.name) + ", 7237129510)",
                        .connect = sources_.front().writer,
                        .failures = &metrics_.failures,
                        .round = [this](pool::MaintenanceClient& books) { return round(books); },
                        .failed =
                            [this] {
                                std::ranges::for_each(clients_, [](auto& client) { client.reset(); });
                                delivery_.reset();
                            }});
}

base::Result<pool::MaintenanceClient*> Dispatcher::client_of(std::size_t source) {
    if (clients_[source] == nullptr) {
        auto client = sources_[source].writer();
        if (!client) {
            return std::unexpected(std::move(client.error()));
        }
        clients_[source] = std::make_unique<pool::MaintenanceClient>(std::move(*client));
    }
    return clients_[source].get();
}

base::Result<bool> Dispatcher::round(pool::MaintenanceClient& books) {
    const std::optional<std::string> own[] = {institution_.name};
    const auto open = books.run(
        "SELECT n, manifest, signature, extract(epoch FROM clock_timestamp() - made_at)::bigint FROM "
        "domicile.dispatches WHERE institution = $1 AND acknowledged_at IS NULL ORDER BY n LIMIT 1",
        own, answer_wait);
    if (!open) {
        return std::unexpected(open.error());
    }
    if (open->rows.empty()) {
        metrics_.unacknowledged.set(0);
        const auto decided = decide(books);
        return !decided || *decided ? decided : tell(books);
    }
    const auto& row = open->rows[0];
    metrics_.unacknowledged.set(std::strtoll(row.at(3).value_or("0").c_str(), nullptr, 10));
    const auto manifest = parse_manifest(row.at(1).value_or(""));
    if (!manifest) {
        return std::unexpected(manifest.error());
    }
    base::control_point("dispatch.decided");
    const auto checkpoint = log_of(books, *manifest);
    if (!checkpoint) {
        return std::unexpected(checkpoint.error());
    }
    const auto receipt = hand_over(*manifest, *row[1], row.at(2).value_or(""), *checkpoint);
    if (!receipt) {
        return std::unexpected(receipt.error());
    }
    base::control_point("dispatch.delivered");
    const std::optional<std::string> noted[] = {institution_.name, row.at(0), *receipt};
    if (const auto done = books.run(
            "UPDATE domicile.dispatches SET acknowledged_at = clock_timestamp(), receipt = $3 WHERE "
            "institution = $1 AND n = $2::bigint AND acknowledged_at IS NULL",
            noted, answer_wait);
        !done) {
        return std::unexpected(done.error());
    }
    base::control_point("dispatch.acknowledged");
    metrics_.batches.add();
    metrics_.documents.add(manifest->documents.size());
    base::log::info("dispatch.acknowledged",
                    {{"institution", institution_.name},
                     {"batch", manifest->sequence},
                     {"documents", static_cast<std::uint64_t>(manifest->documents.size())}});
    return true;
}

base::Result<bool> Dispatcher::decide(pool::MaintenanceClient& books) {
    const std::optional<std::string> own[] = {institution_.name};
    const auto last = books.run(
        "SELECT n, through, manifest, log_edge FROM domicile.dispatches WHERE institution = $1 ORDER BY n "
        "DESC LIMIT 1",
        own, answer_wait);
    if (!last) {
        return std::unexpected(last.error());
    }
    Manifest manifest;
    manifest.institution = institution_.name;
    manifest.previous = std::string(64, '0');
    boost::json::object through;
    crypto::MerkleEdge edge;
    if (!last->rows.empty()) {
        const auto& row = last->rows[0];
        manifest.sequence = std::strtoull(row.at(0).value_or("0").c_str(), nullptr, 10) + 1;
        manifest.previous = crypto::hex(crypto::view(crypto::sha256(row.at(2).value_or(""))));
        boost::system::error_code malformed;
        const auto parsed = boost::json::parse(row.at(1).value_or(""), malformed);
        const auto known = crypto::MerkleEdge::parse(row.at(3).value_or(""));
        if (malformed || !parsed.is_object() || !known) {
            return base::fail(Code::internal, "The books of an institution's batches are damaged.");
        }
        through = parsed.get_object();
        edge = *known;
    }
    std::string tables = "{";
    for (const auto& table : institution_.documents) {
        tables += (tables.size() == 1 ? "" : ",") + table;
    }
    tables += "}";
    std::int64_t oldest_s = 0;
    for (std::size_t i = 0; i < sources_.size() && manifest.documents.size() < institution_.batch_documents;
         ++i) {
        const std::string& shard = sources_[i].name;
        const auto* from = through.if_contains(shard);
        const std::string after =
            from != nullptr && from->is_int64() ? std::to_string(from->get_int64()) : "0";
        const auto client = client_of(i);
        if (!client) {
            return std::unexpected(client.error());
        }
        // Only what stands before the first one that is not stored yet: numbers are sent without a gap.
        const std::optional<std::string> wanted[] = {
            after, tables, std::to_string(institution_.batch_documents - manifest.documents.size())};
        const auto found = (*client)->run(
            "SELECT number, table_name, sha256, bytes, salt, extract(epoch FROM clock_timestamp() - "
            "stored_at)::bigint FROM "
            "domicile.documents WHERE number > $1::bigint AND table_name = ANY ($2::text[]) AND number < "
            "coalesce((SELECT "
            "min(number) FROM domicile.documents WHERE stored_at IS NULL), 9223372036854775807) ORDER BY "
            "number LIMIT $3::bigint",
            wanted, answer_wait);
        if (!found) {
            return std::unexpected(found.error());
        }
        for (const auto& row : found->rows) {
            ManifestEntry entry{
                shard + "." + row.at(0).value_or(""), row.at(1).value_or(""), row.at(2).value_or(""),
                std::strtoull(row.at(3).value_or("0").c_str(), nullptr, 10), row.at(4).value_or("")};
            edge.append(leaf_of(entry.id, entry.sha256, entry.salt));
            oldest_s =
                std::max<std::int64_t>(oldest_s, std::strtoll(row.at(5).value_or("0").c_str(), nullptr, 10));
            through[shard] = std::strtoll(row.at(0).value_or("0").c_str(), nullptr, 10);
            manifest.documents.push_back(std::move(entry));
        }
    }
    if (manifest.documents.empty() ||
        (manifest.documents.size() < institution_.batch_documents && oldest_s < institution_.batch_s)) {
        return false;
    }
    manifest.made_at = now_text();
    manifest.log_size = edge.size();
    manifest.log_root = crypto::hex(crypto::view(edge.root()));
    const std::string text = to_json(manifest);
    const auto signature = key_.sign(text);
    if (!signature) {
        return std::unexpected(signature.error());
    }
    const std::optional<std::string> row[] = {institution_.name,
                                              std::to_string(manifest.sequence),
                                              boost::json::serialize(through),
                                              std::to_string(manifest.documents.size()),
                                              text,
                                              crypto::base64(*signature),
                                              edge.text()};
    const auto decided = books.run(
        "INSERT INTO domicile.dispatches (institution, n, through, documents, manifest, signature, "
        "log_edge) VALUES ($1, $2::bigint, $3::jsonb, $4::bigint, $5, $6, $7)",
        row, answer_wait);
    return decided ? base::Result<bool>(true) : std::unexpected(decided.error());
}

base::Result<std::string> Dispatcher::log_of(pool::MaintenanceClient& books, const Manifest& manifest) {
    Log log(store_, institution_.name);
    const auto entries_of = [](const Manifest& one) {
        std::vector<std::string> entries;
        for (const auto& document : one.documents) {
            entries.push_back(entry_of(document.id, document.sha256, document.salt));
        }
        return entries;
    };
    auto entries = entries_of(manifest);
    auto done = log.append(manifest.log_size - entries.size(), entries);
    if (!done && done.error().code == Code::not_found) {
        // The store has lost tiles: the books still say all.
        const std::optional<std::string> wanted[] = {institution_.name, std::to_string(manifest.sequence)};
        const auto found = books.run(
            "SELECT manifest FROM domicile.dispatches WHERE institution = $1 AND n <= $2::bigint ORDER BY n",
            wanted, answer_wait);
        if (!found) {
            return std::unexpected(found.error());
        }
        entries.clear();
        for (const auto& row : found->rows) {
            const auto one = parse_manifest(row.at(0).value_or(""));
            if (!one) {
                return std::unexpected(one.error());
            }
            std::ranges::move(entries_of(*one), std::back_inserter(entries));
        }
        done = log.append(0, entries);
    }
    if (!done) {
        return std::unexpected(std::move(done.error()));
    }
    crypto::Checkpoint checkpoint{origin_, manifest.log_size, {}};
    const auto root = crypto::digest_of(manifest.log_root);
    if (!root) {
        return base::fail(Code::internal, "The books of an institution's batches are damaged.");
    }
    checkpoint.root = *root;
    auto note = crypto::sign_checkpoint(checkpoint, key_);
    if (note) {
        if (auto published = log.publish(*note); !published) {
            return std::unexpected(std::move(published.error()));
        }
    }
    return note;
}

base::Status Dispatcher::give(const std::string& folder, const ManifestEntry& entry, const std::string& place,
                              const base::Secret<std::string>& key) {
    const auto sealed = store_.get(place);
    const auto pdf = sealed ? open_document(key, entry.id, *sealed) : std::unexpected(sealed.error());
    if (!pdf) {
        return std::unexpected(pdf.error());
    }
    if (crypto::hex(crypto::view(crypto::sha256(pdf->reveal()))) != entry.sha256) {
        return base::fail(Code::internal, "The document " + entry.id + " is not the one that was stored.");
    }
    const auto given = delivery_->put(folder + entry.id + ".pdf", pdf->reveal());
    base::control_point("dispatch.given");
    return given ? base::Status() : std::unexpected(given.error());
}

/// In the place of a document whose person has been erased: signed, so that a missing file is not taken for
/// one.
base::Status Dispatcher::give_withdrawal(const std::string& folder, const ManifestEntry& entry) {
    const auto signature = key_.sign(withdrawal_text(entry.id));
    if (!signature) {
        return std::unexpected(signature.error());
    }
    const auto given = delivery_->put(folder + entry.id + ".withdrawn",
                                      withdrawal_text(entry.id) + crypto::base64(*signature) + "\n");
    return given ? base::Status() : std::unexpected(given.error());
}

base::Status Dispatcher::open_delivery() {
    if (delivery_ == nullptr) {
        auto opened = open_delivery_();
        if (!opened) {
            return std::unexpected(std::move(opened.error()));
        }
        delivery_ = std::move(*opened);
    }
    return {};
}

base::Result<std::string> Dispatcher::hand_over(const Manifest& manifest, const std::string& text,
                                                const std::string& signature, const std::string& checkpoint) {
    if (auto opened = open_delivery(); !opened) {
        return std::unexpected(std::move(opened.error()));
    }
    const std::string folder = batch_folder(manifest.sequence);
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        std::vector<const ManifestEntry*> entries;
        std::vector<std::string> numbers;
        for (const auto& entry : manifest.documents) {
            if (parts_of(entry.id).first == sources_[i].name) {
                entries.push_back(&entry);
                numbers.push_back(parts_of(entry.id).second);
            }
        }
        if (entries.empty()) {
            continue;
        }
        const auto client = client_of(i);
        if (!client) {
            return std::unexpected(client.error());
        }
        std::string list = "{";
        for (const auto& number : numbers) {
            list += (list.size() == 1 ? "" : ",") + number;
        }
        const std::optional<std::string> wanted[] = {list + "}"};
        const auto people = (*client)->run(
            "SELECT number, user_id, erased FROM domicile.documents WHERE number = ANY ($1::bigint[])",
            wanted, answer_wait);
        if (!people) {
            return std::unexpected(people.error());
        }
        std::map<std::string, std::string> user_of;
        std::vector<std::string> users;
        std::set<std::string> erased;
        for (const auto& row : people->rows) {
            user_of[row.at(0).value_or("")] = row.at(1).value_or("");
            if (row.at(2) == "t") {
                erased.insert(row.at(0).value_or(""));
            } else {
                users.push_back(row.at(1).value_or(""));
            }
        }
        if (auto known = keys_.know(**client, users, false); !known) {
            return std::unexpected(known.error());
        }
        for (std::size_t k = 0; k < entries.size(); ++k) {
            if (erased.contains(numbers[k])) {
                putters_.add([this, &folder, entry = entries[k]] { return give_withdrawal(folder, *entry); });
                continue;
            }
            putters_.add([this, &folder, entry = entries[k], place = object_key(sources_[i].name, numbers[k]),
                          &key = keys_.of(user_of[numbers[k]])] { return give(folder, *entry, place, key); });
        }
        // Before the next shard's keys are read, which may move these.
        if (auto given = putters_.finish(); !given) {
            return std::unexpected(std::move(given.error()));
        }
    }
    base::control_point("dispatch.all-given");
    for (const auto& [name, bytes] :
         {std::pair{"checkpoint", checkpoint}, {"manifest.sig", signature + "\n"}}) {
        if (const auto given = delivery_->put(folder + name, bytes); !given) {
            return std::unexpected(given.error());
        }
    }
    // Last: a batch is there when its manifest is.
    return delivery_->put(folder + "manifest.json", text);
}

/// What an institution has of a person, or had sent to it, and what of that has changed. The words are fixed
/// before they are sent: sent again they are the same bytes.
base::Result<std::string> Dispatcher::notice_text(pool::MaintenanceClient& shard, const std::string& source,
                                                  const std::vector<std::optional<std::string>>& request,
                                                  std::int64_t through, std::size_t& documents) {
    std::string tables = "{";
    for (const auto& table : institution_.documents) {
        tables += (tables.size() == 1 ? "" : ",") + table;
    }
    const std::optional<std::string> sent[] = {request.at(1), std::to_string(through), tables + "}"};
    const auto found = shard.run(
        "SELECT number FROM domicile.documents WHERE user_id = $1::bigint AND number <= $2::bigint AND "
        "table_name = ANY ($3::text[]) AND stored_at IS NOT NULL ORDER BY number",
        sent, answer_wait);
    if (!found) {
        return std::unexpected(found.error());
    }
    boost::json::array ids;
    for (const auto& row : found->rows) {
        ids.push_back(boost::json::value(source + "." + row.at(0).value_or("")));
    }
    documents = ids.size();
    const std::string kind = request.at(2).value_or("");
    boost::json::object notice{{"version", 1},
                               {"institution", institution_.name},
                               {"request", source + "." + request.at(0).value_or("")},
                               {"kind", kind},
                               {"law", "Regulation (EU) 2016/679 (GDPR), Art. 19"},
                               {"at", request.at(3).value_or("")},
                               {"documents", std::move(ids)}};
    if (kind == "rectification" && documents > 0) {
        // Only what its documents show anyway.
        std::string shown = "{";
        boost::system::error_code malformed;
        const auto detail = boost::json::parse(request.at(4).value_or("{}"), malformed);
        const std::string table =
            malformed || !detail.is_object() ? "" : std::string(detail.at("table").as_string());
        for (const auto& layout : topology_.documents) {
            const bool own = layout.table == table;
            const bool of_person = table == topology_.person_table().name;
            for (const auto* columns : {own ? &layout.fields : nullptr, of_person ? &layout.person : nullptr,
                                        layout.lines == table ? &layout.columns : nullptr}) {
                for (std::size_t i = 0; columns != nullptr && i < columns->size(); ++i) {
                    shown += (shown.size() == 1 ? "" : ",") + (*columns)[i];
                }
            }
        }
        const std::optional<std::string> asked[] = {request.at(1), request.at(4), shown + "}"};
        const auto now =
            shard.run("SELECT domicile.row_now($1::bigint, $2::jsonb, $3::text[])::text", asked, answer_wait);
        if (!now) {
            return std::unexpected(now.error());
        }
        notice["table"] = table;
        if (const auto& values = now->rows.at(0).at(0)) {
            notice["right"] = boost::json::parse(*values, malformed);
        }
    }
    const std::string text = boost::json::serialize(notice) + "\n";
    const auto signature = key_.sign(text);
    if (!signature) {
        return std::unexpected(signature.error());
    }
    return text + crypto::base64(*signature) + "\n";
}

base::Result<bool> Dispatcher::tell(pool::MaintenanceClient& books) {
    const std::optional<std::string> own[] = {institution_.name};
    const auto sent =
        books.run("SELECT through FROM domicile.dispatches WHERE institution = $1 ORDER BY n DESC LIMIT 1",
                  own, answer_wait);
    if (!sent) {
        return std::unexpected(sent.error());
    }
    boost::system::error_code malformed;
    const auto through = sent->rows.empty()
                             ? boost::json::value(boost::json::object())
                             : boost::json::parse(sent->rows[0].at(0).value_or("{}"), malformed);
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        const auto client = client_of(i);
        if (!client) {
            return std::unexpected(client.error());
        }
        const auto open = (*client)->run(
            "SELECT r.id, r.user_id, r.kind, to_char(r.done_at AT TIME ZONE 'UTC', "
            "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), r.detail::text, n.text, n.documents FROM domicile.notices AS "
            "n JOIN "
            "domicile.requests AS r ON r.id = n.request WHERE n.institution = $1 AND n.acknowledged_at IS "
            "NULL "
            "AND r.state = 'done' ORDER BY n.request LIMIT 1",
            own, answer_wait);
        if (!open) {
            return std::unexpected(open.error());
        }
        if (open->rows.empty()) {
            continue;
        }
        const auto& row = open->rows[0];
        std::optional<std::string> text = row.at(5);
        std::size_t documents =
            static_cast<std::size_t>(std::strtoull(row.at(6).value_or("0").c_str(), nullptr, 10));
        const auto key = std::array{std::optional<std::string>(institution_.name), row.at(0)};
        if (!text) {
            const auto* last = malformed ? nullptr : through.as_object().if_contains(sources_[i].name);
            auto made = notice_text(**client, sources_[i].name, row,
                                    last != nullptr && last->is_int64() ? last->get_int64() : 0, documents);
            if (!made) {
                return std::unexpected(std::move(made.error()));
            }
            text = std::move(*made);
            const std::optional<std::string> fixed[] = {key[0], key[1], *text, std::to_string(documents)};
            const auto noted = (*client)->run(
                "UPDATE domicile.notices SET text = CASE WHEN $4::bigint > 0 THEN $3 END, documents = "
                "$4::bigint, acknowledged_at = CASE WHEN $4::bigint = 0 THEN clock_timestamp() END WHERE "
                "institution = $1 AND request = $2::bigint AND text IS NULL",
                fixed, answer_wait);
            if (!noted) {
                return std::unexpected(noted.error());
            }
            if (documents == 0) {
                return true;
            }
        }
        if (auto opened = open_delivery(); !opened) {
            return std::unexpected(std::move(opened.error()));
        }
        const auto receipt =
            delivery_->put("notices/" + sources_[i].name + "." + row.at(0).value_or("") + ".json", *text);
        if (!receipt) {
            return std::unexpected(receipt.error());
        }
        const std::optional<std::string> told[] = {key[0], key[1], *receipt};
        const auto noted = (*client)->run(
            "UPDATE domicile.notices SET text = NULL, acknowledged_at = clock_timestamp(), receipt = $3 "
            "WHERE "
            "institution = $1 AND request = $2::bigint",
            told, answer_wait);
        if (!noted) {
            return std::unexpected(noted.error());
        }
        base::log::info("dispatch.told", {{"institution", institution_.name},
                                          {"documents", static_cast<std::uint64_t>(documents)}});
        return true;
    }
    return false;
}

}  // namespace domicile::documents

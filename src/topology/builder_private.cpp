// What only our own processes see: [vault], [queue], [store], [secrets.NAME], [mesh].

#include "topology/builder.hpp"
#include "topology/words.hpp"

#include <algorithm>

namespace domicile::topology {
namespace {

constexpr std::size_t secrets_max = 4'096;

}  // namespace

std::string Builder::endpoint(const Reader& reader) {
    const Value* endpoint = reader.text("endpoint");
    if (endpoint == nullptr) {
        return {};
    }
    const std::string_view text = endpoint->text;
    const bool clear = text.starts_with("http://");
    const auto address = read_address(clear ? text.substr(7) : std::string_view());
    if (printable(text) != text ||
        (!text.starts_with("https://") && !(clear && address && is_loopback(address->host)))) {
        report_.add(
            endpoint->place, "`endpoint` in " + reader.label() + " is " + quoted(text),
            "write an https URL, or http:// with a loopback address and a port: secrets do not travel in "
            "clear");
    }
    return std::string(text);
}

void Builder::queue() {
    QueueChoice& queue = topology_.queue;
    queue.name = "domicile-" + topology_.name + "-figures";
    const Entry* entry = root_.get("queue");
    if (entry == nullptr) {
        return;
    }
    const Reader reader = open(*entry, "", keys::queue);
    if (const Value* driver = reader.text("driver")) {
        queue.driver = driver->text == "sqs" ? QueueChoice::Driver::sqs : QueueChoice::Driver::postgres;
        if (driver->text != "sqs" && driver->text != "postgres") {
            report_.add(driver->place, "unknown driver " + quoted(driver->text) + " in [queue]",
                        "choose \"postgres\" (a table of central) or \"sqs\" (Amazon SQS)");
        }
    }
    queue.endpoint = endpoint(reader);
    if (const Value* name = reader.text("name")) {
        check_name(name->text, name->place, "queue");
        queue.name = name->text;
    }
    for (const std::string_view key : {"endpoint", "name"}) {
        if (reader.given(key) && queue.driver == QueueChoice::Driver::postgres && !reader.broken("driver")) {
            report_.add(reader.place(key), quoted(key) + " in [queue] means nothing to the postgres driver",
                        "remove it, or write driver = \"sqs\"");
        }
    }
}

void Builder::store() {
    StoreChoice& store = topology_.store;
    store.bucket = "domicile-" + topology_.name;
    const Entry* entry = root_.get("store");
    if (entry == nullptr) {
        return;
    }
    const Reader reader = open(*entry, "", keys::store);
    if (const Value* driver = reader.text("driver")) {
        store.driver = driver->text == "s3" ? StoreChoice::Driver::s3 : StoreChoice::Driver::directory;
        if (driver->text != "s3" && driver->text != "directory") {
            report_.add(driver->place, "unknown driver " + quoted(driver->text) + " in [store]",
                        "choose \"directory\" (in the state directory) or \"s3\" (Amazon S3)");
        }
    }
    store.endpoint = endpoint(reader);
    if (const Value* bucket = reader.text("bucket")) {
        check_name(bucket->text, bucket->place, "bucket");
        store.bucket = bucket->text;
    }
    bounded(reader, "retain_days", 0, 36'500, store.retain_days);
    for (const std::string_view key : {"endpoint", "bucket", "retain_days"}) {
        if (reader.given(key) && store.driver == StoreChoice::Driver::directory && !reader.broken("driver")) {
            report_.add(reader.place(key), quoted(key) + " in [store] means nothing to the directory driver",
                        "remove it, or write driver = \"s3\"");
        }
    }
}

void Builder::vault() {
    const Entry* entry = root_.get("vault");
    if (entry == nullptr) {
        return;
    }
    const Reader reader = open(*entry, "", keys::vault);
    Vault& vault = topology_.vault;
    if (const Value* driver = reader.text("driver")) {
        vault.driver = driver->text == "aws" ? Vault::Driver::aws : Vault::Driver::local;
        if (driver->text != "aws" && driver->text != "local") {
            report_.add(driver->place, "unknown driver " + quoted(driver->text) + " in [vault]",
                        "choose \"local\" (encrypted files) or \"aws\" (Secrets Manager and KMS)");
        }
    }
    vault.endpoint = endpoint(reader);
    if (const Value* key = reader.text("key")) {
        if (key->text.empty() || printable(key->text) != key->text || key->text.size() > 256) {
            report_.add(key->place, "`key` in [vault] is no key", "name a KMS key: \"alias/domicile\"");
        }
        vault.key = key->text;
    }
    for (const std::string_view key : {"endpoint", "key"}) {
        if (reader.given(key) && vault.driver == Vault::Driver::local && !reader.broken("driver")) {
            report_.add(reader.place(key), quoted(key) + " in [vault] means nothing to the local driver",
                        "remove it, or write driver = \"aws\"");
        }
    }
}

void Builder::secrets() {
    for (const Entry* entry : named("secrets", secrets_max, secret_names_)) {
        check_name(entry->key, entry->place, "secret");
        const Reader reader = open(*entry, "secrets", keys::secret);
        SharedSecret secret;
        secret.name = entry->key;
        const auto words = reader.texts("jurisdictions");
        check_unique(words, "`jurisdictions` in " + reader.label());
        for (const Word& name : words) {
            if (const auto index = resolve(name, "jurisdiction", jurisdiction_names_,
                                           "`jurisdictions` in " + reader.label())) {
                secret.jurisdictions.emplace_back(*index);
            }
        }
        if (reader.get("jurisdictions") != nullptr && words.empty()) {
            report_.add(reader.place("jurisdictions"), "`jurisdictions` in " + reader.label() + " is empty",
                        "name where the secret may be");
        }
        topology_.secrets.push_back(std::move(secret));
    }
}

void Builder::mesh() {
    const Entry* entry = root_.get("mesh");
    std::size_t meshed = 0;
    for (const Region& region : topology_.regions) {
        meshed += region.mesh.port != 0 ? 1 : 0;
    }
    if (entry != nullptr) {
        const Reader reader = open(*entry, "", keys::mesh);
        std::uint32_t port = 0;
        // One port for each pair of a region and a node.
        const auto ports = topology_.regions.size() * topology_.nodes.size();
        bounded(reader, "first_port", 1'024,
                std::max<std::int64_t>(1'024, 65'536 - static_cast<std::int64_t>(ports)), port);
        topology_.mesh.first_port = static_cast<std::uint16_t>(port);
        if (meshed == 0) {
            report_.add(entry->place, "[mesh] without a region that has `mesh`",
                        "give the regions `mesh`, or remove the section");
        }
    } else if (meshed != 0) {
        report_.add(file_start, "regions have `mesh`, but there is no [mesh]",
                    "add [mesh] with `first_port`, the first of the relays' own ports");
    }
    for (std::size_t i = 0; i < topology_.regions.size(); ++i) {
        const Region& region = topology_.regions[i];
        const Entry& section = root_.get("regions")->value.entries[i];
        const bool other_has = std::ranges::any_of(topology_.regions, [&](const Region& other) {
            return other.jurisdiction == region.jurisdiction && other.mesh.port != 0;
        });
        if (region.mesh.port == 0 && other_has && section.value.find("mesh") == nullptr) {
            report_.add(section.place,
                        quoted(region.name) + " has no `mesh`, but another region of its jurisdiction has",
                        "give it `mesh = \"host:port\"`, so that they reach each other");
        }
    }
}

}  // namespace domicile::topology

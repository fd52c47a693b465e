#include "documents/manifest.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace domicile::documents {
namespace {

namespace json = boost::json;

constexpr std::size_t documents_max = 10'000;

std::unexpected<base::Error> wrong(std::string_view what) {
    return base::fail(base::Code::invalid_value, "That is no manifest.", {}, std::string(what));
}

bool is_hex(std::string_view text, std::size_t bytes) {
    return text.size() == 2 * bytes &&
           std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= 100 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    });
}

std::string text_of(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::uint64_t number_of(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_int64() && value->get_int64() > 0
               ? static_cast<std::uint64_t>(value->get_int64())
               : 0;
}

}  // namespace

std::string entry_of(std::string_view id, std::string_view sha256, std::string_view salt) {
    const auto commitment = crypto::sha256(std::string(salt) + "\n" + std::string(sha256));
    return std::string(id) + "\n" + crypto::hex(crypto::view(commitment));
}

crypto::Digest leaf_of(std::string_view id, std::string_view sha256, std::string_view salt) {
    return crypto::merkle_leaf(entry_of(id, sha256, salt));
}

std::string to_json(const Manifest& manifest) {
    json::array documents;
    for (const auto& one : manifest.documents) {
        documents.push_back({{"id", one.id},
                             {"table", one.table},
                             {"sha256", one.sha256},
                             {"bytes", one.bytes},
                             {"salt", one.salt}});
    }
    return json::serialize(json::object{
               {"version", 1},
               {"institution", manifest.institution},
               {"sequence", manifest.sequence},
               {"previous", manifest.previous},
               {"made_at", manifest.made_at},
               {"documents", std::move(documents)},
               {"log", json::object{{"size", manifest.log_size}, {"root", manifest.log_root}}}}) +
           "\n";
}

base::Result<Manifest> parse_manifest(std::string_view text) {
    json::parse_options bounds;
    bounds.max_depth = 4;
    boost::system::error_code malformed;
    const auto value = json::parse(text, malformed, {}, bounds);
    const auto* object = malformed ? nullptr : value.if_object();
    const auto* list = object != nullptr ? object->if_contains("documents") : nullptr;
    const auto* log = object != nullptr ? object->if_contains("log") : nullptr;
    if (list == nullptr || !list->is_array() || log == nullptr || !log->is_object() ||
        list->get_array().size() > documents_max) {
        return wrong("documents, log");
    }
    Manifest manifest;
    manifest.institution = text_of(*object, "institution");
    manifest.sequence = number_of(*object, "sequence");
    manifest.previous = text_of(*object, "previous");
    manifest.made_at = text_of(*object, "made_at");
    manifest.log_size = number_of(log->get_object(), "size");
    manifest.log_root = text_of(log->get_object(), "root");
    for (const auto& item : list->get_array()) {
        const auto* one = item.if_object();
        if (one == nullptr) {
            return wrong("a document");
        }
        manifest.documents.push_back({text_of(*one, "id"), text_of(*one, "table"), text_of(*one, "sha256"),
                                      number_of(*one, "bytes"), text_of(*one, "salt")});
        const auto& added = manifest.documents.back();
        if (!is_id(added.id) || !is_hex(added.sha256, 32) || !is_hex(added.salt, 16)) {
            return wrong("a document");
        }
    }
    // One text for one manifest: whatever else the text holds is refused, too.
    if (manifest.sequence == 0 || !is_hex(manifest.previous, 32) || !is_hex(manifest.log_root, 32) ||
        to_json(manifest) != text) {
        return wrong("its text");
    }
    return manifest;
}

std::string withdrawal_text(std::string_view id) {
    return std::string(id) + " was erased with its person's key (GDPR Art. 17)\n";
}

std::string batch_folder(std::uint64_t sequence) {
    std::string number = std::to_string(sequence);
    return std::string(number.size() < 8 ? 8 - number.size() : 0, '0') + number + "/";
}

}  // namespace domicile::documents

#include "rights/certificate.hpp"

#include "crypto/base64.hpp"
#include "crypto/hash.hpp"

#include <boost/json.hpp>

namespace domicile::rights {
namespace {

namespace json = boost::json;
constexpr std::size_t file_bytes_max = 1U << 20U;

json::array list(const std::vector<Kept>& all) {
    json::array out;
    for (const auto& one : all) {
        out.push_back({{"store", one.store},
                       {"until", one.until.empty() ? json::value() : json::value(one.until)},
                       {"why", one.why}});
    }
    return out;
}

std::string text(const json::object& from, std::string_view name) {
    const auto* value = from.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}
std::int64_t number(const json::object& from, std::string_view name) {
    const auto* value = from.if_contains(name);
    return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}
template <class Take>
bool each(const json::object& from, std::string_view name, Take&& take) {
    const auto* value = from.if_contains(name);
    if (value == nullptr || !value->is_array()) {
        return false;
    }
    for (const auto& item : value->get_array()) {
        if (!take(item)) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::string ledger_statement(std::string_view kind, std::string_view shard, std::int64_t entry,
                             std::int64_t user_id, std::int64_t request, std::string_view begun_at) {
    return std::string(kind) + "\n" + std::string(shard) + "\n" + std::to_string(entry) + "\n" +
           std::to_string(user_id) + "\n" + std::to_string(request) + "\n" + std::string(begun_at) + "\n";
}

std::string ledger_id(std::string_view kind, std::string_view shard, std::int64_t entry) {
    return std::string(kind) + "." + std::string(shard) + "." + std::to_string(entry);
}

base::Result<std::string> sign_certificate(const Certificate& it, const crypto::SigningKey& key) {
    json::array done;
    for (const auto& one : it.done) {
        done.push_back({{"store", one.store}, {"what", one.what}, {"rows", one.rows}});
    }
    const std::string body = json::serialize(json::object{{"version", 1},
                                                          {"kind", "erasure"},
                                                          {"law", "Regulation (EU) 2016/679 (GDPR), Art. 17"},
                                                          {"system", it.system},
                                                          {"jurisdiction", it.jurisdiction},
                                                          {"shard", it.shard},
                                                          {"user_id", it.user_id},
                                                          {"request", it.request},
                                                          {"asked_at", it.asked_at},
                                                          {"begun_at", it.begun_at},
                                                          {"done_at", it.done_at},
                                                          {"entry", it.entry},
                                                          {"done", std::move(done)},
                                                          {"stays", list(it.stays)},
                                                          {"remains", list(it.remains)},
                                                          {"readers", json::value_from(it.readers)},
                                                          {"readers_not", json::value_from(it.readers_not)},
                                                          {"ledger_proof", it.ledger_proof}});
    const auto signature = key.sign(body);
    return signature ? base::Result<std::string>(body + "\n" + crypto::base64(*signature) + "\n")
                     : std::unexpected(signature.error());
}

std::optional<Certificate> open_certificate(std::string_view file, const crypto::VerifyingKey& key) {
    const auto line = file.find('\n');
    if (file.size() > file_bytes_max || line == std::string_view::npos || !file.ends_with('\n')) {
        return std::nullopt;
    }
    const auto body = file.substr(0, line);
    const auto signature = crypto::base64_decode(file.substr(line + 1, file.size() - line - 2));
    if (!signature || !key.verify(body, *signature)) {
        return std::nullopt;
    }
    json::parse_options bounds;
    bounds.max_depth = 8;
    boost::system::error_code malformed;
    const auto value = json::parse(body, malformed, {}, bounds);
    const auto* from = malformed ? nullptr : value.if_object();
    if (from == nullptr || number(*from, "version") != 1 || text(*from, "kind") != "erasure") {
        return std::nullopt;
    }
    Certificate it;
    it.system = text(*from, "system");
    it.jurisdiction = text(*from, "jurisdiction");
    it.shard = text(*from, "shard");
    it.user_id = number(*from, "user_id");
    it.request = number(*from, "request");
    it.asked_at = text(*from, "asked_at");
    it.begun_at = text(*from, "begun_at");
    it.done_at = text(*from, "done_at");
    it.entry = number(*from, "entry");
    it.ledger_proof = text(*from, "ledger_proof");
    const auto kept = [](std::vector<Kept>& into) {
        return [&into](const json::value& item) {
            const auto* one = item.if_object();
            if (one != nullptr) {
                into.push_back({text(*one, "store"), text(*one, "until"), text(*one, "why")});
            }
            return one != nullptr;
        };
    };
    const auto names = [](std::vector<std::string>& into) {
        return [&into](const json::value& item) {
            if (item.is_string()) {
                into.emplace_back(item.get_string());
            }
            return item.is_string();
        };
    };
    const bool whole =
        each(*from, "done",
             [&](const json::value& item) {
                 const auto* one = item.if_object();
                 if (one != nullptr) {
                     it.done.push_back({text(*one, "store"), text(*one, "what"), number(*one, "rows")});
                 }
                 return one != nullptr;
             }) &&
        each(*from, "stays", kept(it.stays)) && each(*from, "remains", kept(it.remains)) &&
        each(*from, "readers", names(it.readers)) && each(*from, "readers_not", names(it.readers_not));
    return whole ? std::optional(std::move(it)) : std::nullopt;
}

bool stands_in_ledger(const Certificate& it, const crypto::VerifyingKey& key) {
    const auto proof = documents::parse_inclusion(it.ledger_proof);
    if (!proof || proof->id != ledger_id("erasure", it.shard, it.entry) ||
        proof->index + 1 != static_cast<std::uint64_t>(it.entry)) {
        return false;
    }
    const auto statement =
        crypto::sha256(ledger_statement("erasure", it.shard, it.entry, it.user_id, it.request, it.begun_at));
    const auto checkpoint = documents::check(*proof, crypto::hex(crypto::view(statement)), key);
    return checkpoint && checkpoint->origin == it.system + "/erasures-" + it.shard;
}

std::string to_text(const Certificate& it) {
    std::string out = "Erasure of user " + std::to_string(it.user_id) + " in " + it.system + ", " +
                      it.jurisdiction + " (shard " + it.shard + ")\nasked " + it.asked_at + ", begun " +
                      it.begun_at + ", done " + it.done_at + "; entry " + std::to_string(it.entry) +
                      " of the shard's ledger\n\ndone\n";
    for (const auto& one : it.done) {
        out += "  " + one.store + ": " + one.what + " (" + std::to_string(one.rows) +
               (one.rows == 1 ? " row)\n" : " rows)\n");
    }
    for (const auto& [title, all] :
         {std::pair{"\nstays\n", &it.stays}, {"\nremains for a while, out of reach\n", &it.remains}}) {
        out += all->empty() ? "" : title;
        for (const auto& one : *all) {
            out +=
                "  " + one.store + (one.until.empty() ? "" : ", until " + one.until) + ": " + one.why + "\n";
        }
    }
    out += "\nreaders\n";
    for (const auto& one : it.readers) {
        out += "  " + one + ": has replayed it\n";
    }
    for (const auto& one : it.readers_not) {
        out += "  " + one + ": had not replayed it yet\n";
    }
    return out + (it.readers.empty() && it.readers_not.empty() ? "  none\n" : "");
}

documents::Record to_record(const Certificate& it, std::string_view file) {
    documents::Record record;
    record.id = ledger_id("erasure", it.shard, it.entry);
    record.title = "Erasure of user " + std::to_string(it.user_id);
    record.recorded_at = it.done_at;
    record.hash = crypto::hex(crypto::view(crypto::sha256(file)));
    record.fields = {{"system", it.system},
                     {"jurisdiction, shard", it.jurisdiction + ", " + it.shard},
                     {"law", "Regulation (EU) 2016/679, Art. 17"},
                     {"request", std::to_string(it.request)},
                     {"asked", it.asked_at},
                     {"done", it.done_at}};
    record.columns = {"where", "what", "rows or until"};
    record.numeric = {false, false, false};
    for (const auto& one : it.done) {
        record.rows.push_back({one.store, one.what, std::to_string(one.rows)});
    }
    for (const auto& one : it.stays) {
        record.rows.push_back({one.store, "stays: " + one.why, one.until});
    }
    for (const auto& one : it.remains) {
        record.rows.push_back({one.store, "remains out of reach: " + one.why, one.until});
    }
    for (const auto& one : it.readers) {
        record.rows.push_back({"reader " + one, "has replayed it", ""});
    }
    for (const auto& one : it.readers_not) {
        record.rows.push_back({"reader " + one, "had not replayed it yet", ""});
    }
    return record;
}

}  // namespace domicile::rights

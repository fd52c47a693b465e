// What a person asks of us (GDPR Art. 7 and 12 to 22): /v1/users/{id}/personal-data, …/privacy-requests,
// …/export and …/consents. The door writes a request down, at home; an officer of the shard carries it out.

#include "crypto/base64.hpp"
#include "http/call.hpp"
#include "http/door.hpp"
#include "http/json.hpp"
#include "http/range.hpp"
#include "http/row_sinks.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include <boost/json.hpp>

namespace domicile::http {
namespace {

namespace json = boost::json;
using base::Code;

/// The one text of the one row.
class TextSink final : public DoorSink {
  public:
    using DoorSink::DoorSink;
    std::optional<std::string> text;

  protected:
    void take(wire::RowReader& reader) override {
        if (const auto value = reader.next()) {
            text = std::string(*value);
        }
    }
};

struct Right {
    std::string_view kind;
    std::string_view action;
};
constexpr Right rights_known[] = {
    {"erasure", "privacy:Erase"},    {"export", "privacy:Export"},    {"restriction", "privacy:Restrict"},
    {"lifting", "privacy:Restrict"}, {"objection", "privacy:Object"},
};

std::unexpected<base::Error> wrong_method(std::string_view hint) {
    return base::fail(Code::method_not_allowed, "That method is not for this.", std::string(hint));
}

/// The fields of the body, by name; each must be wanted, and a text (or JSON where it is nested).
base::Result<std::map<std::string, std::string, std::less<>>> fields_of(
    const Request& request, std::initializer_list<std::string_view> wanted) {
    auto fields = parse_object(request.body);
    if (!fields) {
        return std::unexpected(std::move(fields.error()));
    }
    std::map<std::string, std::string, std::less<>> out;
    for (auto& field : *fields) {
        if (std::ranges::find(wanted, field.name) == wanted.end()) {
            std::string list;
            for (const auto& one : wanted) {
                list += (list.empty() ? "" : ", ") + std::string(one);
            }
            return base::fail(Code::invalid_value, "The body has a field nobody knows here.",
                              "Those known are: " + list + ".");
        }
        out[field.name] = std::move(field.text);
    }
    return out;
}

}  // namespace

Task<base::Result<std::optional<std::string>>> Door::ask_text(Call& call, const routing::Plan& plan,
                                                              Sql& sql) {
    TextSink sink(*call.known->person().shape, sql.columns);
    if (const auto ran = co_await run_write(plan, call.target.user, sql, sink); !ran) {
        co_return std::unexpected(ran.error());
    }
    if (auto good = outcome(sink); !good) {
        co_return std::unexpected(std::move(good.error()));
    }
    co_return std::move(sink.text);
}

Task<base::Status> Door::unless_restricted(Call& call) {
    if (call.target.endpoint == Endpoint::people) {
        co_return base::Status{};
    }
    const auto plan = admit(call, routing::Verb::read, shared_.topology.person_table());
    if (!plan) {
        co_return std::unexpected(plan.error());
    }
    // Nodes say with each probe whether anybody is: where nobody is, nothing is asked. The tables' own
    // policies hide the rows at once; this is the answer that says why.
    if (!std::ranges::any_of(pool_.states(plan->shard()), &routing::NodeState::restrictions)) {
        co_return base::Status{};
    }
    Sql sql;
    sql.text = "SELECT CASE WHEN domicile.is_restricted(" +
               sql.bind(std::to_string(call.target.user.value), {}) + "::bigint) THEN 'yes' END";
    const auto restricted = co_await ask_text(call, *plan, sql);
    if (!restricted) {
        co_return std::unexpected(restricted.error());
    }
    if (*restricted) {
        co_return std::unexpected(base::Error{
            Code::not_permitted,
            "The processing of this person's data is restricted: it is stored, and nothing else.",
            "GET /v1/users/{id}/privacy-requests says since when; only a request of the person's goes on.",
            std::string(routing::rules::restricted),
            {}});
    }
    co_return base::Status{};
}

Task<base::Status> Door::rights(Call& call, Method method) {
    const auto endpoint = call.target.endpoint;
    std::string action = "privacy:Export";
    std::string kind;
    if (endpoint == Endpoint::personal_data) {
        if (method != Method::delete_ && method != Method::patch) {
            co_return wrong_method("DELETE asks for erasure, PATCH sets values right.");
        }
        kind = method == Method::delete_ ? "erasure" : "rectification";
        action = method == Method::delete_ ? "privacy:Erase" : "privacy:Rectify";
    } else if (endpoint == Endpoint::privacy_requests && method == Method::post) {
        const auto fields = fields_of(call.request, {"kind", "ground"});
        if (!fields) {
            co_return std::unexpected(fields.error());
        }
        kind = fields->contains("kind") ? fields->at("kind") : "";
        const auto* right = std::ranges::find(rights_known, kind, &Right::kind);
        if (right == std::end(rights_known)) {
            co_return base::fail(Code::invalid_value, "Nobody can ask for that.",
                                 "kind is one of erasure, export, restriction, lifting, objection; PATCH "
                                 "/v1/users/{id}/personal-data sets values right.");
        }
        action = right->action;
    } else if (endpoint == Endpoint::person_consents && method == Method::post) {
        action = "privacy:Consent";
    } else if (method != Method::get) {
        co_return wrong_method(endpoint == Endpoint::person_export
                                   ? "GET fetches the package."
                                   : "GET lists what there is, POST adds to it.");
    }
    const auto& subject = call.caller.principal.subject;
    call.principal = {call.caller.principal.jurisdiction, subject, false};
    const auto plan = admit(call, routing::Verb::write, shared_.topology.person_table());
    if (!plan) {
        co_return std::unexpected(plan.error());
    }
    if (auto may = shared_.judge.permits(
            call.caller, action, "arn:domicile:privacy::" + shared_.topology.at(own_).name + ":subject",
            subject && *subject == call.target.user);
        !may) {
        co_return may;
    }
    if (!call.known) {
        co_return base::fail(Code::node_unavailable, "The live columns are not known yet.",
                             "Try again soon.");
    }
    switch (endpoint) {
        case Endpoint::person_export: co_return co_await export_package(call, *plan);
        case Endpoint::person_consents: co_return co_await consents(call, *plan, method);
        default: break;
    }
    if (kind == "rectification") {
        co_return co_await rectify(call, *plan);
    }
    if (!kind.empty()) {
        co_return co_await request_right(call, *plan, std::move(kind));
    }
    Sql sql;
    sql.text =
        "SELECT domicile.asked(" + sql.bind(std::to_string(call.target.user.value), {}) + "::bigint)::text";
    const auto text = co_await ask_text(call, *plan, sql);
    if (!text) {
        co_return std::unexpected(text.error());
    }
    call.response.body().append(text->value_or("[]") + "\n");
    co_return base::Status{};
}

Task<base::Status> Door::request_right(Call& call, const routing::Plan& plan, std::string kind) {
    std::string ground;
    if (!call.request.body.empty()) {
        const auto fields = fields_of(call.request, {"kind", "ground"});
        if (!fields) {
            co_return std::unexpected(fields.error());
        }
        ground = fields->contains("ground") ? fields->at("ground") : "";
    }
    if (ground.size() > 500 || ground.find_first_of("\r\n") != std::string::npos) {
        co_return base::fail(Code::invalid_value, "A ground is one line of at most 500 bytes.");
    }
    if (kind == "restriction" && ground.empty()) {
        ground = "Art. 18(1)";
    }
    Sql sql;
    sql.text = "SELECT domicile.ask(" + sql.bind(std::to_string(call.target.user.value), {}) + "::bigint, " +
               sql.bind(std::move(kind), {}) + ", " + sql.bind(call.caller.principal.name, {}) +
               ", CASE WHEN " + sql.bind(ground, {}) + "::text <> '' THEN jsonb_build_object('ground', " +
               sql.bind(ground, {}) + "::text) END)::text";
    const auto text = co_await ask_text(call, plan, sql);
    if (!text) {
        co_return std::unexpected(text.error());
    }
    if (!*text) {
        co_return base::fail(Code::not_found, "There is no such person.");
    }
    const bool done = (*text)->find("\"state\": \"done\"") != std::string::npos;
    call.response.status(done ? 200 : 202);
    call.response.header("Location",
                         "/v1/users/" + std::to_string(call.target.user.value) + "/privacy-requests");
    call.response.body().append(**text + "\n");
    co_return base::Status{};
}

Task<base::Status> Door::rectify(Call& call, const routing::Plan& plan) {
    auto fields = fields_of(call.request, {"table", "key", "set"});
    if (!fields) {
        co_return std::unexpected(std::move(fields.error()));
    }
    const std::string table =
        fields->contains("table") ? fields->at("table") : shared_.topology.person_table().name;
    if (!fields->contains("set") || !fields->at("set").starts_with('{')) {
        co_return base::fail(
            Code::invalid_value, "There is nothing to set right.",
            R"(The body is {"table": "users", "key": {}, "set": {"column": "the right value"}}.)");
    }
    if (call.known->table(table) == nullptr) {
        co_return base::fail(Code::unknown_table, "There is no such table of a person.",
                             "GET /openapi.json lists the tables.");
    }
    Sql sql;
    sql.text = "SELECT domicile.rectify(" + sql.bind(std::to_string(call.target.user.value), {}) +
               "::bigint, " + sql.bind(table, {}) + ", " +
               sql.bind(fields->contains("key") ? fields->at("key") : "{}", {}) + "::jsonb, " +
               sql.bind(fields->at("set"), {}) + "::jsonb, " + sql.bind(call.caller.principal.name, {}) +
               ")::text";
    const auto text = co_await ask_text(call, plan, sql);
    if (!text) {
        co_return std::unexpected(text.error());
    }
    if (!*text) {
        co_return base::fail(Code::not_found, "There is no such row of the person.");
    }
    call.response.body().append(**text + "\n");
    co_return base::Status{};
}

Task<base::Status> Door::consents(Call& call, const routing::Plan& plan, Method method) {
    Sql sql;
    const std::string user = sql.bind(std::to_string(call.target.user.value), {}) + "::bigint";
    if (method == Method::get) {
        sql.text = "SELECT domicile.consents_of(" + user + ")::text";
    } else {
        auto fields = fields_of(call.request, {"purpose", "version", "given"});
        if (!fields) {
            co_return std::unexpected(std::move(fields.error()));
        }
        const auto given = fields->find("given");
        if (!fields->contains("purpose") || given == fields->end() ||
            (given->second != "true" && given->second != "false")) {
            co_return base::fail(
                Code::invalid_value, "A consent needs its purpose, and whether it is given.",
                R"({"purpose": "newsletter", "version": "v2026-11", "given": true}; false withdraws it.)");
        }
        const auto version = fields->find("version");
        if (given->second == "true" && version == fields->end()) {
            co_return base::fail(Code::invalid_value, "A consent is to words: it needs their version.");
        }
        sql.text =
            "SELECT domicile.consent(" + user + ", " + sql.bind(fields->at("purpose"), {}) + ", " +
            sql.bind(version == fields->end() ? std::nullopt : std::optional<std::string>(version->second),
                     {}) +
            "::text, " + sql.bind(given->second, {}) + "::boolean, " +
            sql.bind(call.caller.principal.name, {}) + ")::text";
    }
    const auto text = co_await ask_text(call, plan, sql);
    if (!text) {
        co_return std::unexpected(text.error());
    }
    if (!*text) {
        co_return base::fail(Code::not_found, "There is no such person.");
    }
    call.response.status(method == Method::get ? 200 : 201);
    call.response.body().append(**text + "\n");
    co_return base::Status{};
}

/// The package that a request has made, or asks for one: 202 with its place. Resumable: the bytes of a
/// request never change, so a Range of them may be fetched as long as they are kept.
Task<base::Status> Door::export_package(Call& call, const routing::Plan& plan) {
    std::string wanted;
    for (const auto& [name, value] : call.target.query) {
        if (name != "request" || value.empty() || value.size() > 18 ||
            !std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; })) {
            co_return base::fail(Code::malformed_request, "The only parameter here is `request`, a number.");
        }
        wanted = value;
    }
    const std::string user = std::to_string(call.target.user.value);
    Sql sql;
    sql.text = "SELECT domicile.package(" + sql.bind(user, {}) + "::bigint, " +
               sql.bind(wanted.empty() ? std::nullopt : std::optional<std::string>(wanted), {}) +
               "::bigint, " + sql.bind(call.caller.principal.name, {}) + ")::text";
    const auto text = co_await ask_text(call, plan, sql);
    if (!text) {
        co_return std::unexpected(text.error());
    }
    if (!*text) {
        co_return base::fail(Code::not_found, "There is no such person, or no such package any more.",
                             "GET /v1/users/{id}/export makes one.");
    }
    boost::system::error_code malformed;
    const auto known = json::parse(**text, malformed);
    if (malformed || !known.is_object()) {
        co_return base::fail(Code::internal, "A package cannot be read.");
    }
    const std::string request = std::to_string(known.at("request").as_int64());
    const std::string place = "/v1/users/" + user + "/export?request=" + request;
    if (known.at("state").as_string() != "done") {
        call.response.status(known.at("state").as_string() == "refused" ? 200 : 202);
        call.response.header("Location", place);
        call.response.header("Retry-After", "1");
        call.response.body().append(**text + "\n");
        co_return base::Status{};
    }
    const auto& answer = known.at("answer");
    const auto bytes = static_cast<std::uint64_t>(answer.at("bytes").as_int64());
    const auto piece_bytes = static_cast<std::uint64_t>(answer.at("piece_bytes").as_int64());
    const std::string tag = "\"" + std::string(answer.at("sha256").as_string()) + "\"";
    call.response.header("ETag", tag);
    call.response.header("Accept-Ranges", "bytes");
    call.response.header("Content-Location", place);
    const bool same = call.request.if_range.empty() || call.request.if_range == tag;
    const auto range = same ? parse_range(call.request.range, bytes) : ByteRange{0, bytes, Ranged::whole};
    if (range.ranged == Ranged::unsatisfiable) {
        call.response.status(416);
        call.response.header("Content-Range", "bytes */" + std::to_string(bytes));
        co_return base::Status{};
    }
    if (range.ranged == Ranged::part) {
        call.response.status(206);
        call.response.header("Content-Range", "bytes " + std::to_string(range.from) + "-" +
                                                  std::to_string(range.to - 1) + "/" + std::to_string(bytes));
    }
    call.response.content_type("application/zip");
    call.response.header("Content-Disposition", "attachment; filename=\"data.zip\"");
    call.response.source(
        {range.to - range.from,
         [this, plan, user = call.target.user, known = call.known, request, piece_bytes, at = range.from,
          to = range.to](base::Buffer& out) mutable -> Task<base::Status> {
             Sql piece;
             piece.text =
                 "SELECT translate(encode(bytes, 'base64'), E'\\n', '') FROM domicile.packages "
                 "WHERE request = " +
                 piece.bind(request, {}) +
                 "::bigint AND piece = " + piece.bind(std::to_string(at / piece_bytes), {}) +
                 "::integer AND user_id = " + piece.bind(std::to_string(user.value), {}) + "::bigint";
             TextSink sink(*known->person().shape, piece.columns);
             if (const auto ran = co_await run_write(plan, std::nullopt, piece, sink); !ran) {
                 co_return ran;
             }
             const auto raw = sink.text ? crypto::base64_decode(*sink.text) : std::nullopt;
             const auto skip = at % piece_bytes;
             if (!raw || raw->size() <= skip) {
                 co_return base::fail(Code::not_found, "The package is gone.");
             }
             const auto part = std::string_view(*raw).substr(skip, static_cast<std::size_t>(to - at));
             out.append(part);
             at += part.size();
             co_return base::Status{};
         }});
    co_return base::Status{};
}

}  // namespace domicile::http

// /v1/users/{id}/personal-data and /v1/users/{id}/privacy-requests: what a person asks of us (GDPR Art. 12 to
// 22). The door writes the request down, at home; a worker carries it out.

#include "http/call.hpp"
#include "http/door.hpp"
#include "http/row_sinks.hpp"

#include <charconv>

namespace domicile::http {
namespace {

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

}  // namespace

Task<base::Status> Door::rights(Call& call, Method method) {
    const bool asks = call.target.endpoint == Endpoint::personal_data;
    if (method != (asks ? Method::delete_ : Method::get)) {
        co_return base::fail(Code::method_not_allowed, "That method is not for this.",
                             asks ? "DELETE asks for the erasure of a person's data."
                                  : "GET lists what the person has asked for.");
    }
    const auto& subject = call.caller.principal.subject;
    call.principal = {call.caller.principal.jurisdiction, subject, false};
    const auto plan = admit(call, routing::Verb::write, shared_.topology.person_table());
    if (!plan) {
        co_return std::unexpected(plan.error());
    }
    if (auto may =
            shared_.judge.permits(call.caller, asks ? "privacy:Erase" : "privacy:Export",
                                  "arn:domicile:privacy::" + shared_.topology.at(own_).name + ":subject",
                                  subject && *subject == call.target.user);
        !may) {
        co_return may;
    }
    if (!call.known) {
        co_return base::fail(Code::node_unavailable, "The live columns are not known yet.",
                             "Try again soon.");
    }
    Sql sql;
    const std::string user = sql.bind(std::to_string(call.target.user.value), {});
    sql.text = asks ? "SELECT domicile.ask(" + user + "::bigint, 'erasure', " +
                          sql.bind(call.caller.principal.name, {}) + ")::text"
                    : "SELECT domicile.asked(" + user + "::bigint)::text";
    TextSink sink(*call.known->person().shape, sql.columns);
    if (const auto ran = co_await run_write(*plan, call.target.user, sql, sink); !ran) {
        co_return ran;
    }
    if (auto good = outcome(sink); !good) {
        co_return good;
    }
    if (!sink.text) {
        co_return base::fail(Code::not_found, "There is no such person.");
    }
    if (asks) {
        const bool done = sink.text->find("\"state\": \"done\"") != std::string::npos;
        call.response.status(done ? 200 : 202);
        call.response.header("Location",
                             "/v1/users/" + std::to_string(call.target.user.value) + "/privacy-requests");
    }
    call.response.body().append(*sink.text + "\n");
    co_return base::Status{};
}

}  // namespace domicile::http

#include "events/lambda.hpp"

#include "base/log.hpp"
#include "cloud/http_call.hpp"

#include <algorithm>
#include <set>

#include <boost/json.hpp>

namespace domicile::events {
namespace {

namespace json = boost::json;
using base::Code;

// The longest an execution environment may sleep between two events.
constexpr std::chrono::hours next_wait{24};

std::string text_of(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

base::Result<std::string> answer_event(
    std::string_view event, const std::function<base::Result<Applied>(std::string_view body)>& apply) {
    json::parse_options bounds;
    bounds.max_depth = 16;
    boost::system::error_code malformed;
    const auto parsed = json::parse(event, malformed, {}, bounds);
    const auto* whole = malformed ? nullptr : parsed.if_object();
    const auto* records = whole != nullptr ? whole->if_contains("Records") : nullptr;
    if (records == nullptr || !records->is_array()) {
        return base::fail(Code::invalid_value, "That is no event of SQS.");
    }
    json::array failures;
    std::set<std::string> held;  // groups with a message that has to come again
    for (const auto& value : records->get_array()) {
        const auto* record = value.if_object();
        if (record == nullptr || text_of(*record, "messageId").empty()) {
            return base::fail(Code::invalid_value, "That is no event of SQS.");
        }
        const auto* attributes = record->if_contains("attributes");
        const std::string group = attributes != nullptr && attributes->is_object()
                                      ? text_of(attributes->get_object(), "MessageGroupId")
                                      : std::string();
        if (!held.contains(group)) {
            const auto applied = apply(text_of(*record, "body"));
            if (applied) {
                continue;
            }
            base::log::warn("figures.failed", {{"error", base::describe(applied.error())}});
            held.insert(group);
        }
        failures.push_back({{"itemIdentifier", text_of(*record, "messageId")}});
    }
    return json::serialize(json::object{{"batchItemFailures", std::move(failures)}});
}

base::Status serve_lambda(const std::string& host_and_port,
                          const std::function<base::Result<std::string>(std::string_view event)>& handle,
                          const std::function<bool()>& stop) {
    const std::string base = "http://" + host_and_port + "/2018-06-01/runtime/invocation/";
    while (!stop()) {
        cloud::HttpCall next;
        next.url = base + "next";
        next.timeout = next_wait;
        next.bytes_max = 16U << 20U;
        const auto event = cloud::call(next);
        if (!event) {
            return std::unexpected(event.error());
        }
        const std::string id = event->header("lambda-runtime-aws-request-id");
        if (event->status != 200 || id.empty() || !std::ranges::all_of(id, [](char c) {
                return c == '-' || std::isalnum(static_cast<unsigned char>(c)) != 0;
            })) {
            return base::fail(Code::protocol_violation, "The Lambda Runtime API gives no event.", {},
                              "status " + std::to_string(event->status));
        }
        const auto answered = handle(event->body);
        cloud::HttpCall answer;
        answer.method = "POST";
        answer.url = base + id + (answered ? "/response" : "/error");
        answer.headers = {{"content-type", "application/json"}};
        if (answered) {
            answer.body = *answered;
        } else {
            answer.headers.emplace_back("lambda-runtime-function-error-type", "Domicile.Failed");
            answer.body = json::serialize(
                json::object{{"errorType", "Domicile.Failed"}, {"errorMessage", answered.error().text}});
        }
        const auto taken = cloud::call(answer);
        if (!taken) {
            return std::unexpected(taken.error());
        }
        if (taken->status != 202) {
            base::log::warn("lambda.answer", {{"status", taken->status}});
        }
    }
    return {};
}

}  // namespace domicile::events
